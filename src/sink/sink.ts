// What a sink does with what arrives: entries to a target, each batch once, and now and then a checkpoint of it all.
import { randomUUID } from 'node:crypto';
import type { Batch, Refusal } from '../flowlog/batch.ts';
import { Unpacker } from '../flowlog/unpacker.ts';
import type { AgentMark, Committer, DeadLetter, OffsetRange } from './checkpoint.ts';
import { Duplicates } from './duplicates.ts';
import type { EntryTarget, Origin } from './entry_target.ts';

/** A message of Kafka: a batch, or why it is none. */
export type Arrival = Origin &
  (ArrivedBatch | RefusedMessage) & { readonly key: Uint8Array | null; readonly message: Uint8Array | null };

interface ArrivedBatch {
  readonly batch: Batch;
}

interface RefusedMessage {
  readonly refusal: Refusal;
  readonly reason: string;
}

/** What became of an arrival; of a message that is no batch, the letter. */
export type Fate = 'written' | 'duplicate' | DeadLetter;

/** Whether a checkpoint counts; there is none where nothing came. Refused: a partition is somebody else's by now. */
export type CheckpointResult = 'committed' | 'refused' | 'nothing';

/** Dead letters are kept until their checkpoint, and are committed with it. */
const MOST_DEAD_LETTERS = 1000;
const MOST_DEAD_BYTES = 8 << 20;

export interface SinkOptions {
  /** A checkpoint is due when the oldest entry in it has waited so long. */
  readonly rotateMs: number;
  readonly now: () => number;
}

export class Sink {
  readonly #target: EntryTarget;
  readonly #committer: Committer;
  readonly #options: SinkOptions;
  readonly #unpacker = new Unpacker();
  readonly #duplicates = new Duplicates();
  /** By topic and partition. */
  readonly #ranges = new Map<string, OffsetRange>();
  #deadLetters: DeadLetter[] = [];
  #deadBytes = 0;
  #since: number | undefined;

  constructor(target: EntryTarget, committer: Committer, options: SinkOptions) {
    this.#target = target;
    this.#committer = committer;
    this.#options = options;
  }

  /** A partition comes: what of it is written already. */
  assign(partition: number, marks: readonly AgentMark[]): void {
    this.#duplicates.assign(partition, marks);
  }

  /** A partition is somebody else's; nothing of it may be left that is not committed. */
  revoke(partition: number): void {
    this.#duplicates.forget(partition);
  }

  /** The next message of a partition. Rejects with an error of the target; then everything is to be abandoned. */
  async take(arrival: Arrival): Promise<Fate> {
    const { topic, partition, offset } = arrival;
    this.#since ??= this.#options.now();
    const key = `${topic}-${partition}`;
    this.#ranges.set(key, { topic, partition, first: this.#ranges.get(key)?.first ?? offset, next: offset + 1 });
    if ('refusal' in arrival) return this.#setAside(arrival, arrival.refusal, arrival.reason);
    const { batch } = arrival;
    const reason = this.#unpacker.unpack(batch);
    if (reason !== undefined) return this.#setAside(arrival, 'malformed', reason);
    if (this.#duplicates.isKnown(partition, batch.identity)) return 'duplicate';
    await this.#target.write({ topic, partition, offset }, batch, this.#unpacker.columns);
    return 'written';
  }

  /** Nothing was taken since the last checkpoint. */
  get isEmpty(): boolean {
    return this.#since === undefined;
  }

  /** A checkpoint is due, whatever comes. */
  get isFull(): boolean {
    return this.#target.isFull || this.#deadLetters.length >= MOST_DEAD_LETTERS || this.#deadBytes >= MOST_DEAD_BYTES;
  }

  /** A checkpoint is due, also by time. */
  get isDue(): boolean {
    if (this.#since === undefined) return false;
    return this.isFull || this.#options.now() - this.#since >= this.#options.rotateMs;
  }

  /** Makes public what was taken. Rejects with errors of the target and of the committer. */
  async checkpoint(): Promise<CheckpointResult> {
    if (this.#since === undefined) return 'nothing';
    const id = randomUUID();
    const ranges = [...this.#ranges.values()];
    await this.#target.prepare(id, ranges);
    const commit = { id, ranges, marks: this.#duplicates.fresh(), deadLetters: this.#deadLetters };
    const isCommitted = await this.#committer.commit(commit);
    if (isCommitted) this.#duplicates.commit();
    this.#begin();
    await this.#target.settle(isCommitted);
    return isCommitted ? 'committed' : 'refused';
  }

  /** What was taken since the last checkpoint was never taken. */
  async abandon(): Promise<void> {
    try {
      await this.#target.abandon();
    } finally {
      this.#begin();
    }
  }

  #setAside(arrival: Arrival, refusal: Refusal, reason: string): DeadLetter {
    const { topic, partition, offset, key, message } = arrival;
    const letter: DeadLetter = { topic, partition, offset, refusal, reason, key, message };
    this.#deadLetters.push(letter);
    this.#deadBytes += message?.length ?? 0;
    return letter;
  }

  #begin(): void {
    this.#duplicates.abandon();
    this.#ranges.clear();
    this.#deadLetters = [];
    this.#deadBytes = 0;
    this.#since = undefined;
  }
}
