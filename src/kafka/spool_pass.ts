// A pass over a segment: its records from a position on, and the books of those that are missing.
import { systemCode } from '../base/errors.ts';
import { RecordScanner } from './spool_scanner.ts';
import type { SpoolRecord } from './spool_scanner.ts';
import type { Losses } from './spool_losses.ts';
import type { Segment } from './spool_segment.ts';
import type { Segments } from './spool_segments.ts';

export interface Passed {
  readonly records: readonly SpoolRecord[];
  /** All that the segment has by now was passed. */
  readonly isAtEnd: boolean;
}

/** Opens the file when it is read for the first time. One read at a time. */
export class SegmentPass {
  readonly segment: Segment;
  readonly #path: string;
  readonly #losses: Losses;
  #scanner: RecordScanner | undefined;
  /** The position of the next record to be given. */
  #next: number;
  #toldBytes = 0;

  constructor(segments: Segments, segment: Segment, losses: Losses, from: number) {
    this.segment = segment;
    this.#path = segments.pathOf(segment);
    this.#losses = losses;
    this.#next = from;
  }

  get next(): number {
    return this.#next;
  }

  /**
   * The records in the next `mostBytes` bytes, or one that is larger; none where those bytes hold only others. Errors are
   * those of the system.
   */
  async read(mostBytes: number): Promise<Passed> {
    this.#scanner ??= await this.#open();
    if (!this.#scanner) return this.giveUp('there is no such file');
    const limit = { bytes: this.segment.bytes, position: this.segment.end };
    const { records, stop } = await this.#scanner.read(limit, mostBytes);
    const given = records.filter(({ position }) => position >= this.#next);
    for (const { position } of given) this.#advance(position, position + 1);
    const isAtEnd = stop !== 'more';
    if (isAtEnd) {
      this.#scanner.skipTo(limit);
      this.#advance(limit.position, limit.position);
    }
    this.#tellFault();
    return { records: given, isAtEnd };
  }

  async close(): Promise<void> {
    await this.#scanner?.close();
  }

  /** The records that are left cannot be read, for this reason. */
  giveUp(why: string): Passed {
    this.#losses.miss(this.#next, this.segment.end, 0, `${this.#path}: cannot be read: ${why}`);
    this.#next = this.segment.end;
    return { records: [], isAtEnd: true };
  }

  async #open(): Promise<RecordScanner | undefined> {
    try {
      return await RecordScanner.open(this.#path, this.segment.first);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      return undefined;
    }
  }

  /** Up to `found` there is no record; all below `next` was passed. */
  #advance(found: number, next: number): void {
    if (found > this.#next) this.#losses.miss(this.#next, found, this.#takeLostBytes(), this.#missing(found));
    this.#next = Math.max(this.#next, next);
    this.#losses.pass(this.#next);
  }

  #missing(found: number): string {
    const fault = this.#scanner?.fault;
    return fault === undefined
      ? `${this.#path}: the records from ${this.#next} to ${found - 1}, which should follow, are missing`
      : `${this.#path}: it ${fault}`;
  }

  /** Damage is said even where it cost no record. */
  #tellFault(): void {
    const fault = this.#scanner?.fault;
    if (fault === undefined || this.segment.isDamaged) return;
    this.segment.isDamaged = true;
    const bytes = this.#takeLostBytes();
    if (bytes > 0) this.#losses.say(`${this.#path}: it ${fault}`, 0, bytes);
  }

  #takeLostBytes(): number {
    const all = this.#scanner?.lostBytes ?? 0;
    const bytes = all - this.#toldBytes;
    this.#toldBytes = all;
    return bytes;
  }
}
