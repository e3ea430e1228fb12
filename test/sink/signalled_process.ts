// Programs in processes of their own, which a signal ends or stops before a call of the file system.
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

/** A process that has been stopped. */
export interface Stopped {
  /** The call that it is about to make; undefined where it ended before. */
  readonly before: string | undefined;
  /** Lets it go on, to its end. */
  goOn(): Promise<Ended>;
}

/** Writes a program of the tests so that Node runs it, and says where it is. */
export function builtProgram(workplace: Workplace, name: string): string {
  const source = fs.readFileSync(fileURLToPath(new URL(`${name}.ts`, import.meta.url)), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  });
  return workplace.file(outputText, `${name}.mjs`);
}

export class SignalledProcesses {
  readonly #calls: string;

  constructor(workplace: Workplace) {
    this.#calls = builtProgram(workplace, 'calls');
  }

  /** Runs a program to its end. Its last line tells the call, if the signal came. */
  run(args: readonly string[], by?: Signalled): Promise<Ended> {
    return ended(this.#start(args, by));
  }

  /** Runs a program up to a call. */
  async stop(args: readonly string[], before: Omit<Signalled, 'signal'>): Promise<Stopped> {
    const child = this.#start(args, { ...before, signal: 'SIGSTOP' });
    const end = ended(child);
    const said = await new Promise<string>((resolve) => {
      let text = '';
      child.stdout!.on('data', (bytes: Buffer) => {
        text += bytes.toString();
        if (text.endsWith('\n')) resolve(text);
      });
      void end.then(() => resolve(text));
    });
    const call = /^SIGSTOP before (.*)\n$/.exec(said)?.[1];
    // It says so first: a signal to go on that came before it stands still would be lost.
    while (call !== undefined && !isStopped(child.pid!)) await turn();
    return {
      before: call,
      goOn: () => {
        child.kill('SIGCONT');
        return end;
      },
    };
  }

  #start(args: readonly string[], by: Signalled | undefined): ChildProcess {
    const load = by ? ['--import', this.#calls] : [];
    return spawn(process.execPath, [...load, ...args], {
      env: { ...process.env, NO_COLOR: '1', ...(by ? signalled(by) : {}) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}

/** As proc(5) has it: the state stands behind the name, which is in parentheses. */
function isStopped(pid: number): boolean {
  return fs
    .readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .startsWith('T');
}
