// Replays the parts of a capture, one behind another, each again and again until it ends well.
import { EventEmitter, once } from 'node:events';
import type { Findings } from './findings.ts';
import { Program } from './program.ts';

const MOST_FAILURES = 10;

export class Feeder {
  readonly #parts: readonly string[];
  readonly #args: (part: string) => string[];
  readonly #logFile: string;
  readonly #findings: Findings;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #released = 0;
  #done = 0;
  #isStopped = false;
  #program: Program | undefined;
  readonly #again = new Set<Program>();

  constructor(parts: readonly string[], args: (part: string) => string[], logFile: string, findings: Findings) {
    this.#parts = parts;
    this.#args = args;
    this.#logFile = logFile;
    this.#findings = findings;
  }

  /** Parts that are replayed, or may be. */
  get released(): number {
    return this.#released;
  }

  /** Parts that are delivered. */
  get done(): number {
    return this.#done;
  }

  /** The replay that runs now, if any does. */
  get program(): Program | undefined {
    return this.#program?.isRunning === true ? this.#program : undefined;
  }

  /** From now on so many parts may be replayed. */
  release(parts: number): void {
    const released = Math.max(this.#released, Math.min(parts, this.#parts.length));
    if (released === this.#released) return;
    this.#released = released;
    this.#changes.emit('change');
  }

  /** Replays a part that is delivered once more, which adds nothing. */
  again(part: number): Program {
    const program = Program.start(this.#args(this.#parts[part]), this.#logFile);
    this.#again.add(program);
    void program.ended.then(({ code }) => {
      this.#again.delete(program);
      if (code !== 0 && program.signals.size === 0) this.#addFinding(program);
    });
    return program;
  }

  stop(): void {
    this.#isStopped = true;
    for (const program of [this.#program, ...this.#again]) program?.send('SIGKILL');
    this.#changes.emit('change');
  }

  /** Until all parts are delivered, or it is stopped. */
  async run(): Promise<void> {
    for (const part of this.#parts) {
      while (this.#released <= this.#done && !this.#isStopped) await once(this.#changes, 'change');
      if (this.#isStopped) return;
      await this.#replay(part);
      this.#done++;
    }
  }

  async #replay(part: string): Promise<void> {
    for (let failures = 0; !this.#isStopped;) {
      const program = Program.start(this.#args(part), this.#logFile);
      this.#program = program;
      const { code } = await program.ended;
      if (code === 0) return;
      if (program.signals.size > 0) continue;
      this.#addFinding(program);
      if (++failures === MOST_FAILURES) throw new Error(`the replay of ${part} never ends well`);
    }
  }

  #addFinding(program: Program): void {
    this.#findings.add(`the replay (${program.pid}) ended by itself: ${program.lastLine}`);
  }
}
