// Runs spool_program.ts in a process of its own, and kills it.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { ended, linesOf } from '../app/program.ts';
import type { Workplace } from '../app/program.ts';
import type { Mode } from './spool_program.ts';

const SPOOL = new URL('../../dist/kafka/spool.js', import.meta.url).href;
const SOURCE = fileURLToPath(new URL('spool_program.ts', import.meta.url));

export interface Life {
  readonly number: number;
  /** How many appends are under way at once. */
  readonly atOnce: number;
  readonly mode: Mode;
}

export class SpoolProcesses {
  readonly #program: string;

  constructor(workplace: Workplace) {
    const { outputText } = ts.transpileModule(fs.readFileSync(SOURCE, 'utf8'), {
      compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
    });
    this.#program = workplace.file(outputText, 'spool_program.mjs');
  }

  /** Lets it live until it has said so many lines, and gives all that it said. */
  async killAfter(
    lines: number,
    folder: string,
    life: Life,
    meanwhile = async (): Promise<void> => {},
  ): Promise<string[]> {
    const { number, atOnce, mode } = life;
    const args = [this.#program, SPOOL, folder, `${number}`, `${atOnce}`, mode];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const end = ended(child);
    let said = 0;
    await new Promise<void>((resolve) => {
      child.on('close', resolve);
      child.stdout.on('data', (bytes: Buffer) => {
        said += bytes.filter((byte) => byte === 0x0a).length;
        if (said >= lines) resolve();
      });
    });
    await meanwhile().finally(() => child.kill('SIGKILL'));
    const { signal, stdout, stderr } = await end;
    if (signal !== 'SIGKILL') throw new Error(`the process ended by itself: ${stderr}`);
    // The last line may be cut off: nobody has read it then.
    return linesOf(stdout.slice(0, stdout.lastIndexOf('\n') + 1));
  }
}
