// Runs shipper_program.ts in a process of its own, with the code under test as it is built.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { ended, linesOf } from '../app/program.ts';
import type { Ended, Workplace } from '../app/program.ts';
import type { ShipperCourse } from './shipper_program.ts';

const DIST = new URL('../../dist/', import.meta.url).href;
const SOURCES = ['shipper_batches', 'shipper_program'];

export class ShipperProcesses {
  readonly #program: string;

  constructor(workplace: Workplace) {
    const files = SOURCES.map((name) => {
      const source = fs.readFileSync(fileURLToPath(new URL(`${name}.ts`, import.meta.url)), 'utf8');
      const { outputText } = ts.transpileModule(source, {
        compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
      });
      const built = outputText
        .replaceAll(/'\.\.\/\.\.\/src\/(.*)\.ts'/g, `'${DIST}$1.js'`)
        .replaceAll(/'\.\/(.*)\.ts'/g, "'./$1.mjs'");
      return workplace.file(built, `${name}.mjs`);
    });
    this.#program = files.at(-1)!;
  }

  start(course: ShipperCourse): ShipperProcess {
    return new ShipperProcess(spawn(process.execPath, [this.#program, JSON.stringify(course)]));
  }
}

export class ShipperProcess {
  readonly #child: ChildProcess;
  readonly #end: Promise<Ended>;
  #text = '';
  #look: () => void = () => undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#end = ended(child);
    child.stdout!.on('data', (bytes: Buffer) => {
      this.#text += bytes.toString();
      this.#look();
    });
    child.on('close', () => this.#look());
  }

  /** What it has said so far. The last line may be cut off: nobody has read it then. */
  get lines(): string[] {
    return linesOf(this.#text.slice(0, this.#text.lastIndexOf('\n') + 1));
  }

  /** Resolves when it has said so many lines, or this one; or when it has ended. */
  async said(what: number | string): Promise<void> {
    const isSaid = (): boolean => {
      if (typeof what === 'string') return this.#text.includes(`${what}\n`);
      return this.lines.length >= what;
    };
    while (!isSaid() && this.#child.exitCode === null && this.#child.signalCode === null) {
      await new Promise<void>((resolve) => (this.#look = resolve));
    }
  }

  /** Throws where it ended by itself before. */
  async kill(): Promise<string[]> {
    this.#child.kill('SIGKILL');
    const { signal, stderr } = await this.#end;
    if (signal !== 'SIGKILL') throw new Error(`the process ended by itself: ${stderr}`);
    return this.lines;
  }

  /** Throws where it fails. */
  async end(): Promise<string[]> {
    const { code, stderr } = await this.#end;
    if (code !== 0) throw new Error(`the process failed: ${stderr}`);
    return this.lines;
  }
}

/** The numbers in lines of this kind. */
export function numbersIn(lines: readonly string[], kind: string): number[] {
  return lines.filter((line) => line.startsWith(`${kind} `)).map((line) => Number(line.split(' ')[1]));
}
