// The front end of the spool, where segments leave it: acknowledged, or evicted because it is full or they are too old.
import { systemReason } from '../base/errors.ts';
import type { Eviction } from './metrics.ts';
import type { Acknowledged } from './spool_acknowledged.ts';
import type { Losses } from './spool_losses.ts';
import { SegmentPass } from './spool_pass.ts';
import type { Segment } from './spool_segment.ts';
import type { Segments } from './spool_segments.ts';

/** Of an evicted segment, so much is in memory at a time, or one record. */
const CHUNK_BYTES = 1 << 20;

export interface KeeperOptions {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** For each record that was not acknowledged, before it is deleted. */
  readonly onEvicted: (payload: Uint8Array, why: Eviction) => void;
  /** For what does not keep a segment from leaving. */
  readonly onError: (cause: unknown) => void;
}

export class SpoolKeeper {
  readonly #segments: Segments;
  readonly #acknowledged: Acknowledged;
  readonly #losses: Losses;
  readonly #options: KeeperOptions;
  /** One after the other: two would remove the same segment. */
  #turn: Promise<void> = Promise.resolve();

  constructor(segments: Segments, acknowledged: Acknowledged, losses: Losses, options: KeeperOptions) {
    this.#segments = segments;
    this.#acknowledged = acknowledged;
    this.#losses = losses;
    this.#options = options;
  }

  /** Evicts until the spool may grow by so many bytes. Errors are those of the system. */
  makeRoom(bytes: number): Promise<void> {
    const isFull = (): boolean => this.#segments.bytes + bytes > this.#options.maxBytes;
    if (!isFull()) return Promise.resolve();
    return this.#inTurn(async () => {
      while (isFull() && (await this.#dropOldest('bytes')));
    });
  }

  /** Keeps what is acknowledged, deletes segments of which all is, and evicts what is too old. Errors are those of the system. */
  tidy(): Promise<void> {
    return this.#inTurn(async () => {
      // What is acknowledged from here on stays until it is in the file: else its absence would look like a loss.
      const { position } = this.#acknowledged;
      await this.#save();
      for (let oldest = this.#sealed(); oldest && oldest.end <= position + 1; oldest = this.#sealed()) {
        await this.#segments.remove(oldest);
      }
      while (this.#isTooOld(this.#segments.oldestAside)) await this.#segments.removeAside();
      for (let oldest = this.#sealed(); oldest && this.#isTooOld(oldest); oldest = this.#sealed()) {
        await this.#evict(oldest, 'age');
      }
    });
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(action);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #sealed(): Segment | undefined {
    const { oldest } = this.#segments;
    return oldest?.isSealed === true ? oldest : undefined;
  }

  #isTooOld(file: { readonly time: number } | undefined): boolean {
    return file !== undefined && this.#options.now() - file.time > this.#options.maxAgeMs;
  }

  /** What was kept for a look at it goes before what is to be sent. False: there is nothing that may go. */
  async #dropOldest(why: Eviction): Promise<boolean> {
    if (this.#segments.oldestAside) {
      await this.#segments.removeAside();
      return true;
    }
    const oldest = this.#sealed();
    if (oldest) await this.#evict(oldest, why);
    return oldest !== undefined;
  }

  async #evict(segment: Segment, why: Eviction): Promise<void> {
    this.#segments.leave(segment);
    if (segment.end > this.#acknowledged.position + 1) await this.#giveAway(segment, why);
    // Whatever comes now, nothing of it is given away again, sent or missed.
    this.#acknowledged.advance(segment.end - 1);
    await this.#save();
    await this.#segments.remove(segment);
  }

  /** A segment that cannot be read leaves as well: nothing may keep the spool from staying within its bounds. */
  async #giveAway(segment: Segment, why: Eviction): Promise<void> {
    const from = Math.max(segment.first, this.#acknowledged.position + 1);
    const pass = new SegmentPass(this.#segments, segment, this.#losses, from);
    try {
      for (let isAtEnd = false; !isAtEnd;) {
        const passed = await pass.read(CHUNK_BYTES).catch((error: unknown) => pass.giveUp(systemReason(error)));
        for (const { position, payload } of passed.records) {
          if (position > this.#acknowledged.position) this.#options.onEvicted(payload, why);
        }
        ({ isAtEnd } = passed);
      }
    } finally {
      await pass.close();
    }
  }

  /** A disk that is too full for it is no reason to keep what would make it less so. */
  async #save(): Promise<void> {
    await this.#acknowledged.save().catch(this.#options.onError);
  }
}
