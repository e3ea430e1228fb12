// The place in a spool up to which its records were given to whoever sends them.
import type { Acknowledged } from './spool_acknowledged.ts';
import type { Losses } from './spool_losses.ts';
import { SegmentPass } from './spool_pass.ts';
import type { SpoolRecord } from './spool_scanner.ts';
import type { Segment } from './spool_segment.ts';
import type { Segments } from './spool_segments.ts';

export class SpoolReader {
  readonly #segments: Segments;
  readonly #acknowledged: Acknowledged;
  readonly #losses: Losses;
  /** The position of the next record to be given. */
  #next = 0;
  #pass: SegmentPass | undefined;
  #rewinds = 0;
  #reading: Promise<readonly SpoolRecord[]> | undefined;
  #wake: (() => void) | undefined;
  #isClosed = false;

  constructor(segments: Segments, acknowledged: Acknowledged, losses: Losses) {
    this.#segments = segments;
    this.#acknowledged = acknowledged;
    this.#losses = losses;
  }

  /** See Spool.read. Errors are those of the system. */
  read(mostBytes: number): Promise<readonly SpoolRecord[]> {
    if (this.#reading) throw new Error('a spool is read while it is read');
    this.#reading = this.#read(mostBytes).finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  /** Gives the records from the first that is not acknowledged on. */
  rewind(): void {
    this.#rewinds++;
    this.#next = 0;
    this.wake();
  }

  /** There may be more to read. */
  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Whoever waits for records gets none. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.wake();
    await this.#reading?.catch(() => undefined);
    await this.#pass?.close();
  }

  async #read(mostBytes: number): Promise<readonly SpoolRecord[]> {
    while (!this.#isClosed) {
      // Past what is evicted, and what was acknowledged after a rewind.
      this.#next = Math.max(this.#next, this.#acknowledged.position + 1, this.#segments.leftEnd);
      const segment = this.#segments.holding(this.#next);
      if (segment) {
        const records = await this.#readFrom(segment, mostBytes);
        if (records.length > 0) return records;
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    }
    return [];
  }

  /** None where it was rewound meanwhile, or where what was read holds only others. */
  async #readFrom(segment: Segment, mostBytes: number): Promise<readonly SpoolRecord[]> {
    if (segment.first > this.#next) this.#missUpTo(segment.first);
    const rewinds = this.#rewinds;
    if (this.#pass?.segment !== segment || this.#pass.next !== this.#next) {
      await this.#pass?.close();
      this.#pass = new SegmentPass(this.#segments, segment, this.#losses, this.#next);
    }
    const { records } = await this.#pass.read(mostBytes);
    if (rewinds !== this.#rewinds) return [];
    this.#next = this.#pass.next;
    return records;
  }

  #missUpTo(first: number): void {
    const where = `${this.#segments.folder}: there is no segment with the records from ${this.#next} to ${first - 1}`;
    this.#losses.miss(this.#next, first, 0, where);
    this.#next = first;
  }
}
