// A line on the terminal for work that takes longer than two seconds: rate and time left.
import { SingleBar } from 'cli-progress';
import { bytes, count } from './units.ts';

const QUIET_MS = 2000;

/** How far a replay is. */
export interface Progress {
  /** Bytes as stored: read, and in all (0: not known). */
  readonly consumed: number;
  readonly size: number;
  readonly packets: number;
}

export class ProgressLine {
  #started = Date.now();
  #bar: SingleBar | undefined;

  update(progress: Progress): void {
    const seconds = (Date.now() - this.#started) / 1000;
    if (seconds * 1000 < QUIET_MS) return;
    const rate = `${count(progress.packets / seconds)} packets/s, ${bytes(progress.consumed / seconds)}/s`;
    if (!this.#bar) {
      const format = progress.size > 0 ? '{bar} {percentage} %  {rate}  {eta_formatted} left' : '{read} read  {rate}';
      this.#bar = new SingleBar({
        format,
        stream: process.stderr,
        clearOnComplete: true,
        hideCursor: true,
        etaBuffer: 50,
      });
      this.#bar.start(progress.size || 1, progress.consumed, { rate, read: bytes(progress.consumed) });
    }
    this.#bar.update(progress.size > 0 ? progress.consumed : 0, { rate, read: bytes(progress.consumed) });
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
