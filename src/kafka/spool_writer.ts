// The end of the spool where records are appended: several at once, whole or not at all.
import fs from 'node:fs/promises';
import { RECORD_HEADER_BYTES, recordHeader } from './spool_record.ts';
import { SEGMENT_HEADER_BYTES, segmentHeader } from './spool_segment.ts';
import type { Segment } from './spool_segment.ts';
import { SegmentFile } from './spool_segment_file.ts';
import type { Segments } from './spool_segments.ts';

/** Written at once, at most: who waits for the first of them does not wait much longer for it. */
const GROUP_BYTES = 4 << 20;
/** Each is two parts of a writev(2), which takes 1024. */
const GROUP_RECORDS = 500;

export interface WriterOptions {
  readonly segmentBytes: number;
  /** A segment takes no more records when its first one is so old. */
  readonly segmentAgeMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Resolves when the spool may grow by so many bytes. */
  readonly makeRoom: (bytes: number) => Promise<void>;
  /** There is more to read. */
  readonly onWritten: () => void;
  /** Makes an error of the system one that users see. */
  readonly toError: (cause: unknown) => Error;
  /** For what nobody waits for. */
  readonly onError: (cause: unknown) => void;
}

interface Waiting {
  readonly payload: Uint8Array;
  readonly resolve: (position: number) => void;
  readonly reject: (error: Error) => void;
}

interface ActiveSegment {
  readonly segment: Segment;
  readonly file: SegmentFile;
}

export class SpoolWriter {
  readonly #segments: Segments;
  readonly #options: WriterOptions;
  /** The position of the next record. */
  #next: number;
  #active: ActiveSegment | undefined;
  readonly #queue: Waiting[] = [];
  #working: Promise<void> | undefined;
  /** The last segment that was sealed reaches the disk. */
  #ending: Promise<void> = Promise.resolve();
  /** What was written since the last sync. */
  #hasNewBytes = false;
  #hasNewFile = false;

  constructor(segments: Segments, next: number, options: WriterOptions) {
    this.#segments = segments;
    this.#next = next;
    this.#options = options;
  }

  /** The position of the next record. */
  get next(): number {
    return this.#next;
  }

  /** Goes on with a segment that ends where it should. Errors are those of the system. */
  async resume(segment: Segment): Promise<void> {
    this.#active = { segment, file: await SegmentFile.resume(this.#segments.pathOf(segment)) };
    segment.isSealed = false;
  }

  /** Resolves with the record's position once write(2) has taken it. */
  append(payload: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ payload, resolve, reject });
      void this.#work();
    });
  }

  /** What was written reaches the disk, and a segment that is old enough is sealed. Errors are those of the system. */
  async sync(): Promise<void> {
    // Where records are written that is seen anyway.
    if (this.#isOld() && !this.#working) await this.#sealBeforeWork();
    await this.#sync();
  }

  /** Writes what was appended, and closes. Errors are those of the system. */
  async close(): Promise<void> {
    await this.#working;
    try {
      await this.#sync();
    } finally {
      await this.#seal();
      await this.#ending;
    }
  }

  #work(): Promise<void> {
    return (this.#working ??= this.#writeQueue());
  }

  /** Never rejects. */
  async #writeQueue(): Promise<void> {
    // What is appended in the same turn is written at once.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      try {
        await this.#writeGroup();
      } catch (cause) {
        // All that waits is refused as well: else it would be in front of the record that failed when that is tried again.
        const error = this.#options.toError(cause);
        for (const { reject } of this.#queue.splice(0)) reject(error);
      }
    }
    this.#working = undefined;
  }

  async #sealBeforeWork(): Promise<void> {
    const sealed = this.#seal();
    this.#working = sealed.then(() => this.#writeQueue());
    await sealed;
  }

  async #writeGroup(): Promise<void> {
    const active = await this.#activeFor(recordBytes(this.#queue[0]));
    const group = this.#queue.slice(0, this.#groupSize(this.#options.segmentBytes - active.segment.bytes));
    const bytes = group.reduce((sum, waiting) => sum + recordBytes(waiting), 0);
    await this.#options.makeRoom(bytes);
    const parts = group.flatMap(({ payload }, i) => [recordHeader(this.#next + i, payload), payload]);
    await this.#write(active, parts);
    this.#hasNewBytes = true;
    this.#segments.grow(active.segment, group.length, bytes);
    this.#queue.splice(0, group.length);
    for (const { resolve } of group) resolve(this.#next++);
    this.#options.onWritten();
  }

  /** How many of those that wait go into so many bytes together; one at least. */
  #groupSize(room: number): number {
    const most = Math.min(room, GROUP_BYTES);
    let bytes = 0;
    for (const [size, waiting] of this.#queue.entries()) {
      bytes += recordBytes(waiting);
      if (size > 0 && (bytes > most || size === GROUP_RECORDS)) return size;
    }
    return this.#queue.length;
  }

  async #activeFor(bytes: number): Promise<ActiveSegment> {
    const size = (this.#active?.segment.bytes ?? Infinity) + bytes;
    if (this.#active && size <= this.#options.segmentBytes && !this.#isOld()) return this.#active;
    await this.#seal();
    await this.#options.makeRoom(SEGMENT_HEADER_BYTES + bytes);
    this.#active = await this.#begin();
    // While this segment is filled there is time to make room for all of it.
    this.#options.makeRoom(this.#options.segmentBytes).catch(this.#options.onError);
    return this.#active;
  }

  async #begin(): Promise<ActiveSegment> {
    const first = this.#next;
    const segment = {
      first,
      time: this.#options.now(),
      end: first,
      bytes: SEGMENT_HEADER_BYTES,
      isSealed: false,
      isDamaged: false,
    };
    const file = await SegmentFile.create(this.#segments.pathOf(segment), segmentHeader(first, segment.time));
    this.#segments.add(segment);
    this.#hasNewFile = true;
    return { segment, file };
  }

  async #write({ segment, file }: ActiveSegment, parts: readonly Uint8Array[]): Promise<void> {
    try {
      await file.write(parts, segment.bytes);
    } catch (error) {
      // Where even that fails nothing is appended behind it: of a segment, only the bytes that count are read.
      await file.cutOff(segment.bytes).catch(() => this.#seal());
      throw error;
    }
  }

  #isOld(): boolean {
    if (!this.#active) return false;
    const { first, end, time } = this.#active.segment;
    return end > first && this.#options.now() - time > this.#options.segmentAgeMs;
  }

  /** The segment takes no more records. It reaches the disk while the next one is filled. Never rejects. */
  async #seal(): Promise<void> {
    await this.#ending;
    if (!this.#active) return;
    const { segment, file } = this.#active;
    this.#active = undefined;
    this.#hasNewBytes = false;
    segment.isSealed = true;
    this.#ending = file.close().catch(this.#options.onError);
    // Where nothing is in it, the next one has its name, and replaces it.
    if (segment.end === segment.first) this.#segments.forget(segment);
  }

  async #sync(): Promise<void> {
    if (this.#hasNewFile) await syncFolder(this.#segments.folder);
    this.#hasNewFile = false;
    if (!this.#hasNewBytes || !this.#active) return;
    this.#hasNewBytes = false;
    await this.#active.file.sync().catch((error: unknown) => {
      this.#hasNewBytes = true;
      throw error;
    });
  }
}

/** A file is there after a power failure once its folder has reached the disk. */
async function syncFolder(path: string): Promise<void> {
  const folder = await fs.open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function recordBytes({ payload }: Waiting): number {
  return RECORD_HEADER_BYTES + payload.length;
}
