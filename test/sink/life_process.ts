// Lives of sinks in processes of their own.
import type { Ended, Workplace } from '../app/program.ts';
import type { Signalled } from './calls.ts';
import type { Course } from './life.ts';
import { SignalledProcesses, builtProgram } from './signalled_process.ts';
import type { Stopped } from './signalled_process.ts';

const built = (module: string): string => new URL(`../../dist/sink/${module}.js`, import.meta.url).href;

export class LifeProcesses {
  readonly #processes: SignalledProcesses;
  readonly #program: string;

  constructor(workplace: Workplace) {
    this.#processes = new SignalledProcesses(workplace);
    this.#program = builtProgram(workplace, 'life');
  }

  /** Gives what it said; its last line is its ending, or what the signal came before. */
  run(course: Course, by?: Signalled): Promise<Ended> {
    return this.#processes.run(this.#args(course), by);
  }

  stopBefore(course: Course, call: number): Promise<Stopped> {
    return this.#processes.stop(this.#args(course), { call });
  }

  #args(course: Course): string[] {
    return [this.#program, built('tree'), built('sink'), JSON.stringify(course)];
  }
}
