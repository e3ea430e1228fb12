// Keeps a sink running: however it ends, it is started again at once, until it is told to rest.
import { EventEmitter, once } from 'node:events';
import type { Findings } from './findings.ts';
import { Program } from './program.ts';
import type { Exit } from './program.ts';

/** What a sink never says unless something is wrong. */
const WRONG = /internal error|gone from the topic|Assertion|no batch:/;
/** A sink that is asked to end commits what it has; it may have to wait for a broker. */
const MOST_END_MS = 90_000;
/** One that ends by itself so often does so always. */
const MOST_FAILURES = 10;

export class Keeper {
  readonly name: string;
  readonly root: string;
  readonly args: readonly string[];
  readonly #logFile: string;
  readonly #findings: Findings;
  readonly #lives = new EventEmitter().setMaxListeners(0);
  #program: Program | undefined;
  #isResting = false;
  #failures = 0;
  #done: Promise<void> = Promise.resolve();

  constructor(name: string, root: string, args: readonly string[], logFile: string, findings: Findings) {
    this.name = name;
    this.root = root;
    this.args = args;
    this.#logFile = logFile;
    this.#findings = findings;
  }

  start(): void {
    this.#isResting = false;
    this.#done = this.#keep();
  }

  /** The one that runs now. */
  get program(): Program {
    return this.#program!;
  }

  get isKept(): boolean {
    return this.#program?.isRunning === true && !this.#isResting;
  }

  /** The program after this one. */
  async next(): Promise<void> {
    await once(this.#lives, 'life');
  }

  /** Asks it to end, and waits until it has: it is to commit what it took, and to end well. */
  async rest(): Promise<void> {
    this.#isResting = true;
    const program = this.program;
    program.send('SIGTERM');
    const late = setTimeout(() => {
      this.#findings.add(`${this.name} did not end within ${MOST_END_MS / 1000} s of SIGTERM`);
      program.send('SIGKILL');
    }, MOST_END_MS);
    await this.#done;
    clearTimeout(late);
  }

  /** Ends it at once, for good. */
  async end(): Promise<void> {
    this.#isResting = true;
    this.#program?.send('SIGKILL');
    await this.#done;
  }

  async #keep(): Promise<void> {
    do {
      const program = Program.start(this.args, this.#logFile);
      program.onLine((line) => {
        if (WRONG.test(line)) this.#findings.add(`${this.name} said: ${line}`);
      });
      this.#program = program;
      this.#lives.emit('life');
      this.#judge(program, await program.ended);
    } while (!this.#isResting && this.#failures < MOST_FAILURES);
  }

  #judge(program: Program, { code, signal }: Exit): void {
    if (program.signals.has('SIGKILL') && signal === 'SIGKILL') return;
    if (program.signals.has('SIGTERM') && (code === 0 || (signal === 'SIGTERM' && program.lastLine === ''))) return;
    this.#failures++;
    this.#findings.add(`${this.name} (${program.pid}) ended by itself: ${signal ?? code}: ${program.lastLine}`);
  }
}
