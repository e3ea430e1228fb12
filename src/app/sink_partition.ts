// A partition that a sink has: what of it is written, and by whom it is committed.
import type { Rdkafka } from '../kafka/client.ts';
import { PartitionCommitter } from '../kafka/committer.ts';
import type { BatchConsumer, Position } from '../kafka/consumer.ts';
import { FORGOTTEN_AFTER_MS, TRANSACTION_TIMEOUT_MS } from '../kafka/sink_state.ts';
import type { WrittenMark } from '../kafka/sink_state.ts';
import { TopicTarget } from '../kafka/topic_target.ts';
import { deadLettersTopic, entriesTopic } from '../kafka/topics.ts';
import type { TreeFile } from '../sink/checkpoint.ts';
import type { EntryTarget } from '../sink/entry_target.ts';
import { LinesTarget } from '../sink/lines_target.ts';
import { Sink } from '../sink/sink.ts';
import type { Arrival, CheckpointResult, Fate } from '../sink/sink.ts';
import type { TreeTarget } from '../sink/tree_target.ts';
import type { SinkOptions } from './sink_options.ts';

let lines: LinesTarget | undefined;

/** Standard output: one for all partitions, as two that write at once would tear each other's lines. */
function standardOutput(): LinesTarget {
  return (lines ??= new LinesTarget());
}

/** A transaction that messages wait in has to end before Kafka ends it. */
const MOST_TRANSACTION_MS = TRANSACTION_TIMEOUT_MS / 4;

export interface SinkPartitionOptions extends Position {
  /** With `--drain`: behind the last message that is wanted. */
  readonly end: number | undefined;
  readonly sinkId: string;
  readonly stateTopic: string;
  /** Undefined: entries do not go to a tree. */
  readonly target: TreeTarget | undefined;
  readonly marks: readonly WrittenMark[];
}

export class SinkPartition {
  readonly number: number;
  /** Offset of the next message. */
  next: number;
  /** Of the first message of the checkpoint. */
  #first = 0;
  readonly #end: number | undefined;
  readonly #committer: PartitionCommitter;
  readonly #tree: TreeTarget | undefined;
  readonly #sink: Sink;

  constructor(rdkafka: Rdkafka, options: SinkOptions, consumer: BatchConsumer, own: SinkPartitionOptions) {
    const { kafka, group, target, rotateMs } = options;
    this.number = own.partition;
    this.next = own.offset;
    this.#end = own.end;
    const oldest = Date.now() - FORGOTTEN_AFTER_MS;
    this.#committer = new PartitionCommitter(
      rdkafka,
      kafka,
      {
        group,
        topic: entriesTopic(kafka.prefix),
        partition: own.partition,
        sinkId: own.sinkId,
        stateTopic: own.stateTopic,
        deadLettersTopic: deadLettersTopic(kafka.prefix),
        forgotten: own.marks.filter((mark) => mark.writtenMs <= oldest),
        now: Date.now,
      },
      consumer,
      own.committed,
    );
    this.#tree = own.target;
    const entries: EntryTarget =
      own.target ?? (target.to === 'kafka' ? new TopicTarget(target.topic, this.#committer) : standardOutput());
    const mostMs = target.to === 'kafka' ? MOST_TRANSACTION_MS : Infinity;
    this.#sink = new Sink(entries, this.#committer, { rotateMs: Math.min(rotateMs, mostMs), now: Date.now });
    this.#sink.assign(
      own.partition,
      own.marks.filter((mark) => mark.writtenMs > oldest),
    );
  }

  /** The next message. Rejects with errors of writing, and with KAFKA. */
  async take(arrival: Arrival): Promise<Fate> {
    if (this.#sink.isEmpty) this.#first = arrival.offset;
    this.next = arrival.offset + 1;
    return this.#sink.take(arrival);
  }

  /** Messages before this one are not there. */
  skipTo(offset: number): void {
    this.next = offset;
  }

  /** Offset of the first message that is not committed. */
  get uncommitted(): number {
    return this.#sink.isEmpty ? this.next : this.#first;
  }

  get isFull(): boolean {
    return this.#sink.isFull;
  }

  get isDue(): boolean {
    return this.#sink.isDue || (this.#isAtEnd && !this.#sink.isEmpty);
  }

  /** What was wanted is committed. */
  get isDrained(): boolean {
    return this.#isAtEnd && this.#sink.isEmpty;
  }

  checkpoint(): Promise<CheckpointResult> {
    return this.#sink.checkpoint();
  }

  /** Files of the last checkpoint. */
  get settled(): readonly TreeFile[] {
    return this.#tree?.settled ?? [];
  }

  async abandon(): Promise<void> {
    await this.#sink.abandon();
  }

  /** What is not committed never is; what was prepared is for the tree's `recover`. */
  async close(): Promise<void> {
    await this.#committer.close();
    await this.#tree?.leave();
  }

  get #isAtEnd(): boolean {
    return this.#end !== undefined && this.next >= this.#end;
  }
}
