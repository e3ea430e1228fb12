// Lives of sinks in processes of their own, which a signal ends or stops before a call of the file system.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { ended } from '../app/program.ts';
import type { Ended, Workplace } from '../app/program.ts';
import { signalled } from './calls.ts';
import type { Signalled } from './calls.ts';
import type { Course } from './life.ts';

const built = (module: string): string => new URL(`../../dist/sink/${module}.js`, import.meta.url).href;

/** A process that has been stopped. */
export interface Stopped {
  /** The call that it is about to make; undefined where it ended before. */
  readonly before: string | undefined;
  /** Lets it go on, to its end. */
  goOn(): Promise<Ended>;
}

export class LifeProcesses {
  readonly #life: string;
  readonly #calls: string;

  constructor(workplace: Workplace) {
    [this.#life, this.#calls] = ['life', 'calls'].map((name) => {
      const source = fs.readFileSync(fileURLToPath(new URL(`${name}.ts`, import.meta.url)), 'utf8');
      const { outputText } = ts.transpileModule(source, {
        compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
      });
      return workplace.file(outputText, `${name}.mjs`);
    }) as [string, string];
  }

  /** Gives what it said; its last line is its ending, or what the signal came before. */
  run(course: Course, by?: Signalled): Promise<Ended> {
    return ended(this.#start(course, by));
  }

  async stopBefore(course: Course, call: number): Promise<Stopped> {
    const child = this.#start(course, { call, signal: 'SIGSTOP' });
    const end = ended(child);
    const said = await new Promise<string>((resolve) => {
      let text = '';
      child.stdout!.on('data', (bytes: Buffer) => {
        text += bytes.toString();
        if (text.endsWith('\n')) resolve(text);
      });
      void end.then(() => resolve(text));
    });
    const before = /^SIGSTOP before (.*)\n$/.exec(said)?.[1];
    // It says so first: a signal to go on that came before it stands still would be lost.
    while (before !== undefined && !isStopped(child.pid!)) await turn();
    return {
      before,
      goOn: () => {
        child.kill('SIGCONT');
        return end;
      },
    };
  }

  #start(course: Course, by: Signalled | undefined): ChildProcess {
    const load = by ? ['--import', this.#calls] : [];
    return spawn(process.execPath, [...load, this.#life, built('tree'), built('sink'), JSON.stringify(course)], {
      env: { ...process.env, ...(by ? signalled(by) : {}) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}

/** As proc(5) has it: the state stands behind the name, which is in parentheses. */
function isStopped(pid: number): boolean {
  return / T /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '').slice(0, 4));
}
