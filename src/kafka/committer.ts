// Commits a sink's checkpoints of one partition: offset, marks and dead letters in one transaction of Kafka.
//
// Who may write a partition is decided by the partition's own transactional id, not by membership of the group: a member
// that was thrown out may not know it yet, and a transaction without a member is accepted. Whoever begins with the id ends
// what others do with it, and then looks whether the partition still is where its checkpoint begins.
import { WindrowError } from '../base/errors.ts';
import { KAFKA, ONE_BY_ONE, called, clientConfig, connect, disconnectProducer, kafkaFailure } from './client.ts';
import type { KafkaError, Rdkafka } from './client.ts';
import type { KafkaSettings } from './options.ts';
import { TRANSACTION_TIMEOUT_MS, agentRecord, sinkRecord } from './sink_state.ts';
import type { WrittenMark } from './sink_state.ts';

/** A call that timed out goes on where it was when it is made again. */
const CALL_TIMEOUT_MS = 10_000;
const MOST_TRIES = 6;
/**
 * The client (librdkafka 2.12, issues 5456 and 5511) waits without end for a group coordinator that has left the cluster,
 * until any connection of it opens or closes: then it asks who coordinates now. So none stays open that is not used.
 */
const MOST_IDLE_MS = 5000;
const POLL_MS = 10;

/** What is committed at once. */
export interface CheckpointCommit {
  readonly id: string;
  readonly ranges: readonly { readonly next: number }[];
  readonly marks: readonly { readonly agent: string; readonly boot: number; readonly sequence: number }[];
  readonly deadLetters: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly refusal: string;
    readonly reason: string;
    readonly key: Uint8Array | null;
    readonly message: Uint8Array | null;
  }[];
}

export interface CommitterOptions {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** The same in every life of the sink. */
  readonly sinkId: string;
  readonly stateTopic: string;
  readonly deadLettersTopic: string;
  /** Marks of lives that are over: the next commit takes them out of the state. */
  readonly forgotten: readonly WrittenMark[];
  readonly now: () => number;
}

/** The member of the group, and what it knows. */
export interface Member {
  readonly client: InstanceType<Rdkafka['KafkaConsumer']>;
  /** What the group has committed of a partition; undefined: nothing yet. Rejects with KAFKA. */
  committedOf(partition: number): Promise<number | undefined>;
}

type Producer = InstanceType<Rdkafka['Producer']>;

/** The partition is somebody else's: nothing of the transaction counts. */
class Refused extends Error {}

export class PartitionCommitter {
  readonly #rdkafka: Rdkafka;
  readonly #settings: KafkaSettings;
  readonly #options: CommitterOptions;
  readonly #member: Member;
  /** What the group has committed, as far as this committer knows. */
  #committed: number | undefined;
  #forgotten: readonly WrittenMark[];
  #producer: Producer | undefined;
  #isOpen = false;

  /** `committed`: where the partition was taken over. */
  constructor(
    rdkafka: Rdkafka,
    settings: KafkaSettings,
    options: CommitterOptions,
    member: Member,
    committed: number | undefined,
  ) {
    this.#rdkafka = rdkafka;
    this.#settings = settings;
    this.#options = options;
    this.#member = member;
    this.#committed = committed;
    this.#forgotten = options.forgotten;
  }

  /** Puts a message into the transaction of the next commit. Resolves when there is room for another. Rejects with KAFKA. */
  async produce(topic: string, value: Buffer, key: Buffer | null): Promise<void> {
    try {
      const producer = await this.#begun();
      while (!tryProduce(producer, topic, value, key)) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    } catch (error) {
      throw this.#failure(`${topic} cannot be written`, error);
    }
  }

  /** False: nothing of it counts, and nothing ever will. Rejects with KAFKA where that is not known. */
  async commit(commit: CheckpointCommit): Promise<boolean> {
    let producer: Producer;
    const { next } = commit.ranges[0];
    try {
      producer = await this.#begun();
      this.#put(producer, commit);
      const { topic, partition } = this.#options;
      await this.#again((done) =>
        producer.sendOffsetsToTransaction(
          [{ topic, partition, offset: next }],
          this.#member.client,
          CALL_TIMEOUT_MS,
          done,
        ),
      );
    } catch (error) {
      // What was not asked to be committed is not, and cannot be any more once its producer is gone.
      const isRefused = error instanceof Refused || isDecided(error as KafkaError);
      await this.close();
      if (isRefused) return false;
      throw this.#failure('a checkpoint cannot be committed', error);
    }
    try {
      await this.#again((done) => producer.commitTransaction(CALL_TIMEOUT_MS, done));
    } catch (error) {
      await this.close();
      if ((error as KafkaError).isTxnRequiresAbort === true) return false;
      throw this.#failure('nobody knows whether a checkpoint was committed', error);
    }
    this.#isOpen = false;
    this.#committed = next;
    this.#forgotten = [];
    return true;
  }

  /** What was put into the transaction does not count. */
  async abort(): Promise<void> {
    if (this.#isOpen) await this.close();
  }

  /** A transaction that is open is over. */
  async close(): Promise<void> {
    const [producer, isOpen] = [this.#producer, this.#isOpen];
    this.#producer = undefined;
    this.#isOpen = false;
    if (!producer?.isConnected()) return;
    // Where that fails, the next one to begin with the id aborts it, or the broker in time.
    if (isOpen) await called((done) => producer.abortTransaction(CALL_TIMEOUT_MS, done)).catch(() => undefined);
    await disconnectProducer(producer);
  }

  async #begun(): Promise<Producer> {
    const producer = (this.#producer ??= await this.#open());
    if (!this.#isOpen) await called((done) => producer.beginTransaction(done));
    this.#isOpen = true;
    return producer;
  }

  /** From here on nobody else commits anything of the partition, unless it begins later. */
  async #open(): Promise<Producer> {
    const { group, topic, partition } = this.#options;
    const producer = new this.#rdkafka.Producer({
      ...clientConfig(this.#settings),
      'transactional.id': `windrow-sink.${group}.${topic}.${partition}`,
      ...ONE_BY_ONE,
      'transaction.timeout.ms': TRANSACTION_TIMEOUT_MS,
      'connections.max.idle.ms': MOST_IDLE_MS,
      'compression.codec': 'lz4',
      dr_cb: false,
    });
    try {
      await connect(producer, this.#settings);
      producer.setPollInterval(POLL_MS);
      await this.#again((done) => producer.initTransactions(CALL_TIMEOUT_MS, done));
      if ((await this.#member.committedOf(partition)) !== this.#committed) throw new Refused();
      return producer;
    } catch (error) {
      await disconnectProducer(producer);
      throw error;
    }
  }

  #put(producer: Producer, { id, marks, deadLetters }: CheckpointCommit): void {
    const { sinkId, stateTopic, deadLettersTopic, partition, now } = this.#options;
    const state = (key: string, value: Buffer | null): void => {
      producer.produce(stateTopic, partition, value, key);
    };
    for (const mark of marks) {
      const record = agentRecord({ ...mark, writtenMs: now() });
      state(record.key, record.value);
    }
    for (const mark of this.#forgotten) state(agentRecord(mark).key, null);
    const record = sinkRecord(sinkId, id);
    state(record.key, record.value);
    for (const { topic, partition, offset, refusal, reason, key, message } of deadLetters) {
      const headers = Object.entries({ topic, partition, offset, refusal, reason }).map(([name, text]) => ({
        [`windrow-${name}`]: String(text),
      }));
      const value = message ? Buffer.from(message) : null;
      producer.produce(deadLettersTopic, null, value, key ? Buffer.from(key) : null, null, undefined, headers);
    }
  }

  /** Until it is certain how the call ended. */
  async #again(call: (done: (error: KafkaError | null | undefined) => void) => void): Promise<void> {
    for (let left = MOST_TRIES; ; left--) {
      try {
        await called((done) => call((error) => done(error, undefined)));
        return;
      } catch (error) {
        if ((error as KafkaError).isRetriable !== true || left === 1) throw error;
      }
    }
  }

  #failure(doing: string, error: unknown): Error {
    const taken: KafkaError = {
      code: KAFKA.fenced,
      message: `partition ${this.#options.partition} is with another sink`,
    };
    if (error instanceof WindrowError) return error;
    return kafkaFailure(this.#settings, doing, error instanceof Refused ? taken : (error as KafkaError));
  }
}

/** Of errors before the end of a transaction: it was aborted, or its producer fenced. */
function isDecided(error: KafkaError): boolean {
  return error.isTxnRequiresAbort === true || error.code === KAFKA.fenced || error.code === KAFKA.fatal;
}

/** False where the client's queue is full. */
function tryProduce(producer: Producer, topic: string, value: Buffer, key: Buffer | null): boolean {
  try {
    producer.produce(topic, null, value, key);
    return true;
  } catch (error) {
    if ((error as KafkaError).code === KAFKA.queueFull) return false;
    throw error;
  }
}
