// A sink at work: from joining its group to leaving it, or to the first error that only a new beginning mends.
import { setTimeout as delay } from 'node:timers/promises';
import { WindrowError, systemReason } from '../base/errors.ts';
import { ensureTopic } from '../kafka/admin.ts';
import type { Rdkafka } from '../kafka/client.ts';
import { BatchRefused, decodeBatch } from '../kafka/codec.ts';
import { BatchConsumer } from '../kafka/consumer.ts';
import type { ConsumedMessage, TakenMessages } from '../kafka/consumer.ts';
import { readSinkState } from '../kafka/sink_state.ts';
import { deadLettersTopic, entriesTopic, sinkStateTopic } from '../kafka/topics.ts';
import type { Arrival, CheckpointResult } from '../sink/sink.ts';
import type { Tree } from '../sink/tree.ts';
import type { SinkMeter } from './sink_meter.ts';
import type { SinkOptions } from './sink_options.ts';
import { SinkPartition } from './sink_partition.ts';

const LEAST_PAUSE_MS = 1000;
const MOST_PAUSE_MS = 30_000;
/** While partitions are paused, the group wants to hear from its members. */
const POLL_MS = 200;

export class SinkSession {
  readonly #rdkafka: Rdkafka;
  readonly #options: SinkOptions;
  readonly #meter: SinkMeter;
  readonly #sinkId: string;
  readonly #tree: Tree | undefined;
  readonly #stateTopic: string;
  readonly #consumer: BatchConsumer;
  readonly #partitions = new Map<number, SinkPartition>();
  #hasPartitions = false;
  /** With `--drain`: behind the last message that is wanted, by partition. */
  readonly #ends = new Map<number, number>();
  /** One thing at a time: messages, checkpoints, partitions that come and go. */
  #turn: Promise<unknown> = Promise.resolve();
  #isStopping = false;
  /** It cannot write: when to try again. */
  #stall: { readonly at: number } | undefined;
  /** Until the next try; grows while nothing can be committed in between. */
  #pauseMs = LEAST_PAUSE_MS;
  #failure: Error | undefined;

  constructor(rdkafka: Rdkafka, options: SinkOptions, meter: SinkMeter, sinkId: string, tree: Tree | undefined) {
    const { kafka, group } = options;
    this.#rdkafka = rdkafka;
    this.#options = options;
    this.#meter = meter;
    this.#sinkId = sinkId;
    this.#tree = tree;
    this.#stateTopic = sinkStateTopic(kafka.prefix, group);
    this.#consumer = new BatchConsumer(rdkafka, kafka, entriesTopic(kafka.prefix), group, {
      assigned: (partitions) => this.#inTurn(() => this.#assign(partitions)),
      revoked: () => this.#inTurn(() => this.#revoke()),
      failed: (error) => (this.#failure ??= error),
      reachable: (isReachable, reason) => meter.reachable(isReachable, reason),
    });
  }

  /** Writes until it is told to stop, or all is drained. Rejects with KAFKA. */
  async run(): Promise<void> {
    try {
      await this.#consumer.connect();
      this.#meter.connected();
      await this.#prepareTopics();
      if (this.#tree) await this.#recover(this.#tree);
      this.#consumer.join();
      while (!this.#isStopping && !this.#isDrained()) {
        const taken = await this.#consumer.take();
        await this.#inTurn(() => (this.#stall ? this.#tryAgain(this.#stall) : this.#takeAll(taken)));
        if (this.#failure) throw this.#failure;
      }
      if (!this.#stall) await this.#inTurn(() => this.#checkpointAll());
    } finally {
      // Whatever is not committed by now is not: nothing is committed while the group is left.
      this.#failure ??= new Error('the session has ended');
      await this.#consumer.close();
      await Promise.all([...this.#partitions.values()].map((partition) => partition.close()));
    }
  }

  /** Ends as soon as what was taken is committed. */
  stop(): void {
    this.#isStopping = true;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #prepareTopics(): Promise<void> {
    const { kafka, target } = this.#options;
    const ensure = (topic: string, partitions: number, config: Record<string, string> = {}): Promise<number> =>
      ensureTopic(this.#rdkafka, kafka, this.#consumer.client, { topic, partitions, config });
    const partitions = await ensure(entriesTopic(kafka.prefix), kafka.partitions);
    await ensure(this.#stateTopic, partitions, { 'cleanup.policy': 'compact' });
    await ensure(deadLettersTopic(kafka.prefix), 1);
    if (target.to === 'kafka') await ensure(target.topic, partitions);
  }

  /** Ends what was half done when a sink was killed. */
  async #recover(tree: Tree): Promise<void> {
    const { kept, takenBack } = await tree.recover(async (slotId, manifest) => {
      const partitions = [...new Set(manifest.ranges.map(({ partition }) => partition))];
      const { checkpoints } = await readSinkState(this.#rdkafka, this.#options.kafka, this.#stateTopic, partitions);
      return partitions.some((partition) => checkpoints.get(`${partition}/${slotId}`) === manifest.id);
    });
    if (kept + takenBack > 0) {
      this.#meter.say(
        `ended what a sink that was killed left half done: ${kept} checkpoints kept, ${takenBack} taken back`,
      );
    }
  }

  /** Begins partitions where the group has committed them up to. */
  async #assign(partitions: readonly number[]): Promise<void> {
    const positions = await this.#consumer.positionsOf(partitions);
    // Read after the offsets, for which transactions under way were waited for: it knows of all that is committed.
    const state = await readSinkState(this.#rdkafka, this.#options.kafka, this.#stateTopic, partitions);
    await this.#closeAll();
    for (const position of positions) {
      const end = this.#options.isDraining ? await this.#endOf(position.partition) : undefined;
      const partition = new SinkPartition(this.#rdkafka, this.#options, this.#consumer, {
        ...position,
        end,
        sinkId: this.#sinkId,
        stateTopic: this.#stateTopic,
        target: this.#tree?.target(),
        marks: state.agents.filter((mark) => mark.partition === position.partition),
      });
      this.#partitions.set(position.partition, partition);
    }
    this.#hasPartitions = true;
    this.#meter.partitions(partitions);
    this.#consumer.begin(positions);
    if (this.#stall) this.#consumer.pause();
  }

  /** What comes while it drains is not wanted. */
  async #endOf(partition: number): Promise<number> {
    const end = this.#ends.get(partition) ?? (await this.#consumer.endOf(partition));
    this.#ends.set(partition, end);
    return end;
  }

  /** The last chance to commit what was taken; what cannot be committed is somebody else's to write. */
  async #revoke(): Promise<void> {
    try {
      if (!this.#stall && !this.#failure) {
        for (const partition of this.#partitions.values()) await this.#checkpoint(partition);
      }
    } catch (error) {
      if (!isLocal(error)) throw error;
      this.#meter.say(`cannot write: ${reasonOf(error)}; the partitions go to another sink`);
    } finally {
      this.#hasPartitions = false;
      await this.#closeAll();
      this.#meter.partitions([]);
    }
  }

  async #closeAll(): Promise<void> {
    const all = [...this.#partitions.values()];
    this.#partitions.clear();
    // What was prepared and neither kept nor taken back is for `recover`.
    await Promise.all(all.map((partition) => partition.close()));
  }

  async #takeAll({ begun, messages, ends }: TakenMessages): Promise<void> {
    try {
      for (const message of messages) {
        // What was asked for before the partitions were begun again is asked for again.
        if (this.#consumer.begun !== begun) return;
        await this.#take(message);
      }
      for (const { partition, offset } of ends) {
        if (this.#consumer.begun !== begun) return;
        const ended = this.#partitions.get(partition);
        if (ended && offset > ended.next) await this.#passHole(ended, offset);
      }
      await this.#checkpointAll((partition) => partition.isDue);
      this.#meter.lag(
        [...this.#partitions.values()].map((partition) => [
          partition.number,
          this.#consumer.highOffset(partition.number) - partition.uncommitted,
        ]),
      );
    } catch (error) {
      if (!isLocal(error)) throw error;
      this.#meter.stalled(reasonOf(error));
      for (const partition of this.#partitions.values()) {
        await partition
          .abandon()
          .catch((error: unknown) => this.#meter.say(`files cannot be removed yet: ${systemReason(error)}`));
      }
      this.#consumer.pause();
      this.#wait();
    }
  }

  async #take(message: ConsumedMessage): Promise<void> {
    const partition = this.#partitions.get(message.partition);
    if (!partition || message.offset < partition.next) return;
    if (message.offset > partition.next && !(await this.#passHole(partition, message.offset))) return;
    const arrival = arrivalOf(message);
    this.#meter.took(arrival, await partition.take(arrival));
    if (partition.isFull) await this.#checkpointAll((other) => other === partition);
  }

  /**
   * From where a partition is to this offset there is no message: marks of transactions have offsets as well, and what lies
   * before the beginning of the partition was deleted. False: the partition was begun again meanwhile.
   */
  async #passHole(partition: SinkPartition, offset: number): Promise<boolean> {
    const isGone = (await this.#consumer.beginOf(partition.number)) > partition.next;
    // A checkpoint has no gap in it: the tree shows where one is.
    if (isGone) await this.#checkpointAll((other) => other === partition);
    if (this.#partitions.get(partition.number) !== partition) return false;
    if (isGone) {
      const gone = `${partition.next} to ${offset - 1}`;
      this.#meter.say(
        `partition ${partition.number}: messages ${gone} are gone from the topic before they were written`,
      );
    }
    partition.skipTo(offset);
    return true;
  }

  #wait(): void {
    this.#stall = { at: Date.now() + this.#pauseMs };
    this.#pauseMs = Math.min(2 * this.#pauseMs, MOST_PAUSE_MS);
  }

  /** Nothing is written until it can be: then what was taken since the last checkpoint is taken again. */
  async #tryAgain({ at }: { readonly at: number }): Promise<void> {
    if (Date.now() < at) {
      await delay(POLL_MS);
      return;
    }
    try {
      this.#tree?.probe();
    } catch (error) {
      this.#meter.stalled(reasonOf(error));
      this.#wait();
      return;
    }
    this.#stall = undefined;
    await this.#assign([...this.#partitions.keys()]);
  }

  async #checkpointAll(isWanted: (partition: SinkPartition) => boolean = () => true): Promise<void> {
    let isRefused = false;
    for (const partition of [...this.#partitions.values()].filter(isWanted)) {
      isRefused ||= (await this.#checkpoint(partition)) === 'refused';
    }
    // Somebody else has a partition, or had it: what counts is what the group has committed.
    if (isRefused) await this.#assign([...this.#partitions.keys()]);
  }

  async #checkpoint(partition: SinkPartition): Promise<CheckpointResult> {
    const begun = performance.now();
    const result = await partition.checkpoint();
    if (result === 'nothing') return result;
    this.#meter.checkpoint(partition.number, result, performance.now() - begun, partition.settled);
    if (result === 'committed') this.#pauseMs = LEAST_PAUSE_MS;
    return result;
  }

  #isDrained(): boolean {
    if (!this.#options.isDraining || !this.#hasPartitions || this.#stall) return false;
    return [...this.#partitions.values()].every((partition) => partition.isDrained);
  }
}

/** Errors of writing are waited out; those of Kafka need a new beginning, and all others are defects. */
function isLocal(error: unknown): boolean {
  if (error instanceof WindrowError) return error.code === 'OUTPUT_FAILED';
  return error instanceof Error && 'syscall' in error;
}

/** Without the file, which is another one each time, and nobody's but the sink's. */
function reasonOf(error: unknown): string {
  return systemReason(error instanceof WindrowError && error.cause !== undefined ? error.cause : error);
}

function arrivalOf({ topic, partition, offset, key, value }: ConsumedMessage): Arrival {
  const origin = { topic, partition, offset, key, message: value };
  try {
    return { ...origin, batch: decodeBatch(value) };
  } catch (error) {
    if (!(error instanceof BatchRefused)) throw error;
    return { ...origin, refusal: error.refusal, reason: error.message };
  }
}
