// The spool: a bounded log on disk that everything of an agent passes on its way to Kafka.
import { WindrowError, systemReason } from '../base/errors.ts';
import { makeFolders } from '../base/folders.ts';
import type { Eviction } from './metrics.ts';
import { SPOOL_DEFAULTS } from './options.ts';
import { Acknowledged } from './spool_acknowledged.ts';
import { SpoolKeeper } from './spool_keeper.ts';
import { SpoolLock } from './spool_lock.ts';
import type { Losses, SpoolDamage } from './spool_losses.ts';
import { SpoolReader } from './spool_reader.ts';
import { RECORD_HEADER_BYTES } from './spool_record.ts';
import { recover } from './spool_recovery.ts';
import type { Recovered } from './spool_recovery.ts';
import type { SpoolRecord } from './spool_scanner.ts';
import { SEGMENT_HEADER_BYTES } from './spool_segment.ts';
import type { Segments } from './spool_segments.ts';
import { SpoolWriter } from './spool_writer.ts';

/** How often what was written is made to reach the disk, and what is acknowledged is kept. */
const SYNC_MS = 1000;
/** A spool is never less than so many segments: it loses one at a time. */
const LEAST_SEGMENTS = 4;
/** The records of a segment are appended within this part of the greatest age: they are evicted together. */
const AGE_PARTS = 16;

/** Time, and what happens in it. */
export interface SpoolClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Acts again and again, until the function that it gives is called. */
  every(ms: number, action: () => Promise<void>): () => void;
}

const SYSTEM_CLOCK: SpoolClock = {
  now: () => Date.now(),
  every: (ms, action) => {
    const timer = setInterval(() => void action(), ms).unref();
    return () => clearInterval(timer);
  },
};

export interface SpoolOptions {
  /** Bytes on disk. The oldest segments leave before there are more. */
  readonly maxBytes?: number;
  /** The oldest segments leave when their first record is older. */
  readonly maxAgeMs?: number;
  /** A segment is a quarter of `maxBytes` at most, and a record no larger than a segment. */
  readonly segmentBytes?: number;
  readonly clock?: SpoolClock;
  /** Called for each record that was not acknowledged, in their order, before it is deleted. */
  readonly onEvicted: (payload: Uint8Array, why: Eviction) => void;
  /** Something in the folder is not as it was written; the spool goes on with the rest. */
  readonly onDamage: (damage: SpoolDamage) => void;
  /** What the spool does on its own account failed, and is tried again: each second, while that lasts. */
  readonly onError: (error: WindrowError) => void;
}

export interface SpoolStats {
  /** Records that are not acknowledged, as far as the numbering tells. */
  readonly records: number;
  /** Bytes on disk, of segments that were set aside too. */
  readonly bytes: number;
  /** When the oldest segment with a record that is not acknowledged was begun; undefined: there is none. */
  readonly oldestTime: number | undefined;
  /** Records that nobody can read any more. */
  readonly lostRecords: number;
  readonly damagedBytes: number;
}

/** Positions count the records that were ever appended, from 0 on. */
export class Spool {
  readonly folder: string;
  readonly #lock: SpoolLock;
  readonly #segments: Segments;
  readonly #acknowledged: Acknowledged;
  readonly #losses: Losses;
  readonly #keeper: SpoolKeeper;
  readonly #writer: SpoolWriter;
  readonly #reader: SpoolReader;
  readonly #mostPayload: number;
  readonly #onError: (error: WindrowError) => void;
  #stopClock: (() => void) | undefined;
  #ticking: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(folder: string, lock: SpoolLock, recovered: Recovered, options: SpoolOptions) {
    const { segments, losses } = recovered;
    const { onEvicted, clock = SYSTEM_CLOCK, maxBytes, maxAgeMs } = { ...SPOOL_DEFAULTS, ...options };
    const segmentBytes = Math.min(
      options.segmentBytes ?? SPOOL_DEFAULTS.segmentBytes,
      Math.floor(maxBytes / LEAST_SEGMENTS),
    );
    const now = (): number => clock.now();
    const onError = (cause: unknown): void => options.onError(this.#failure(cause));
    this.folder = folder;
    this.#lock = lock;
    this.#segments = segments;
    this.#losses = losses;
    this.#onError = options.onError;
    this.#mostPayload = segmentBytes - SEGMENT_HEADER_BYTES - RECORD_HEADER_BYTES;
    this.#acknowledged = new Acknowledged(folder, recovered.acknowledged);
    this.#keeper = new SpoolKeeper(segments, this.#acknowledged, losses, {
      maxBytes,
      maxAgeMs,
      now,
      onEvicted,
      onError,
    });
    this.#writer = new SpoolWriter(segments, recovered.next, {
      segmentBytes,
      segmentAgeMs: maxAgeMs / AGE_PARTS,
      now,
      makeRoom: (bytes) => this.#keeper.makeRoom(bytes),
      onWritten: () => this.#reader.wake(),
      toError: (cause) => this.#failure(cause),
      onError,
    });
    this.#reader = new SpoolReader(segments, this.#acknowledged, losses);
  }

  /** Creates the folder where there is none. Throws OUTPUT_FAILED, or USAGE where another process has the folder. */
  static async open(folder: string, options: SpoolOptions): Promise<Spool> {
    let lock: SpoolLock | undefined;
    try {
      makeFolders(folder);
      lock = SpoolLock.take(folder);
      const recovered = await recover(folder, options.onDamage);
      const spool = new Spool(folder, lock, recovered, options);
      if (recovered.resumable) await spool.#writer.resume(recovered.resumable);
      spool.#stopClock = (options.clock ?? SYSTEM_CLOCK).every(SYNC_MS, () => spool.#tick());
      return spool;
    } catch (cause) {
      lock?.release();
      throw failureOf(folder, 'cannot be used as a spool', cause);
    }
  }

  /**
   * Resolves with the record's position once write(2) has taken it: no end of this process loses it from then on. Until
   * then the payload is not to be changed, and stays in memory: who appends much awaits it. Rejects with OUTPUT_FAILED;
   * then all that was appended since and is not written yet is refused as well, so that it can be tried again in order.
   */
  append(payload: Uint8Array): Promise<number> {
    if (this.#closing) return Promise.reject(new Error('a record is appended to a closed spool'));
    if (payload.length <= this.#mostPayload) return this.#writer.append(payload);
    const [size, most] = [payload.length, this.#mostPayload].map((bytes) => bytes.toLocaleString('en-US'));
    const message = `${this.folder}: a record of ${size} bytes is too large for this spool, which takes ${most} at most`;
    return Promise.reject(new WindrowError('OUTPUT_FAILED', message));
  }

  /**
   * The next records, in order, from the first that is not acknowledged on; waits where there are none, and gives none
   * once the spool is closed. Payloads are of `mostBytes` together, but one is given even if it is larger. One read at a
   * time. Rejects with OUTPUT_FAILED, and can be tried again.
   */
  async read(mostBytes: number): Promise<readonly SpoolRecord[]> {
    try {
      return await this.#reader.read(mostBytes);
    } catch (cause) {
      throw failureOf(this.folder, 'cannot be read', cause);
    }
  }

  /** What was read and is not acknowledged is read again. */
  rewind(): void {
    this.#reader.rewind();
  }

  /** All records up to this one arrived: they are not given again, and deleted in time. */
  ack(position: number): void {
    if (!Number.isSafeInteger(position) || position >= this.#writer.next) {
      throw new RangeError(`record ${position} is acknowledged, and ${this.#writer.next} is the next one`);
    }
    this.#acknowledged.advance(position);
  }

  get stats(): SpoolStats {
    const first = this.#acknowledged.position + 1;
    return {
      records: Math.max(0, this.#writer.next - first),
      bytes: this.#segments.bytes,
      oldestTime: this.#segments.holding(first)?.time,
      lostRecords: this.#losses.records,
      damagedBytes: this.#losses.bytes,
    };
  }

  /** Writes what was appended. Throws OUTPUT_FAILED if something of it may not survive; the folder is free in any case. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#stopClock?.();
    await this.#ticking;
    const steps = [
      () => this.#writer.close(),
      () => this.#reader.close(),
      () => this.#keeper.tidy(),
      () => this.#acknowledged.save(),
    ];
    const failures: unknown[] = [];
    for (const step of steps) await step().catch((cause: unknown) => failures.push(cause));
    this.#lock.release();
    if (failures.length > 0) throw this.#failure(failures[0]);
  }

  #tick(): Promise<void> {
    this.#ticking ??= this.#keepUp().finally(() => (this.#ticking = undefined));
    return this.#ticking;
  }

  async #keepUp(): Promise<void> {
    for (const step of [() => this.#writer.sync(), () => this.#keeper.tidy()]) {
      await step().catch((cause: unknown) => this.#onError(this.#failure(cause)));
    }
  }

  #failure(cause: unknown): WindrowError {
    return failureOf(this.folder, 'cannot be written', cause);
  }
}

function failureOf(folder: string, what: string, cause: unknown): WindrowError {
  if (cause instanceof WindrowError) return cause;
  return new WindrowError('OUTPUT_FAILED', `${folder}: ${what}: ${systemReason(cause)}`, { cause });
}
