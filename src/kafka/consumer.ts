// Messages of the entries topic, as a member of a group: partitions come and go, and nothing is committed here.
import { called, clientConfig, connect, isHopeless, kafkaFailure, settled, watermarksOf } from './client.ts';
import type { KafkaError, Rdkafka } from './client.ts';
import type { KafkaSettings } from './options.ts';
import { REACHABILITY_CONFIG, Reachability } from './reachability.ts';

/** Messages that are taken at once: each has at most about a megabyte. */
const AT_ONCE = 32;
const WAIT_MS = 100;
/** Fetched ahead, and waiting in the client. */
const QUEUE_KIB = 64 << 10;
/** A member that was killed is missed after this. */
const SESSION_MS = 10_000;
const HEARTBEAT_MS = 2500;

/** RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS; the other code of a rebalance revokes. */
const ASSIGN = -175;
/** RD_KAFKA_OFFSET_INVALID: nothing was committed. */
const NO_OFFSET = -1001;

export interface ConsumedMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** Behind what a partition has: the offset of the message that comes next. */
export interface ReachedEnd {
  readonly partition: number;
  readonly offset: number;
}

/** What came since partitions were begun for the n-th time: messages, and the ends that were reached behind them. */
export interface TakenMessages {
  readonly begun: number;
  readonly messages: readonly ConsumedMessage[];
  readonly ends: readonly ReachedEnd[];
}

/** Where a member takes a partition over. */
export interface Position {
  readonly partition: number;
  /** Undefined: nothing was. */
  readonly committed: number | undefined;
  /** Of the next message. */
  readonly offset: number;
}

/** What happens to partitions; each is awaited before the group goes on. */
export interface PartitionListener {
  /** These are the member's now, once they are begun. */
  assigned(partitions: readonly number[]): Promise<void>;
  /** The last chance to commit what was taken of these. */
  revoked(partitions: readonly number[]): Promise<void>;
  failed(error: Error): void;
  reachable(isReachable: boolean, reason: string): void;
}

export class BatchConsumer {
  readonly #settings: KafkaSettings;
  readonly #topic: string;
  readonly #listener: PartitionListener;
  readonly client: InstanceType<Rdkafka['KafkaConsumer']>;
  #assignment: readonly { topic: string; partition: number; offset: number }[] = [];
  #begun = 0;
  #ends: ReachedEnd[] = [];

  constructor(rdkafka: Rdkafka, settings: KafkaSettings, topic: string, group: string, listener: PartitionListener) {
    this.#settings = settings;
    this.#topic = topic;
    this.#listener = listener;
    this.client = new rdkafka.KafkaConsumer(
      {
        ...clientConfig(settings),
        ...REACHABILITY_CONFIG,
        'group.id': group,
        'enable.auto.commit': false,
        'enable.auto.offset.store': false,
        'enable.partition.eof': true,
        // Offsets of a transaction that is under way are waited for.
        'isolation.level': 'read_committed',
        'session.timeout.ms': SESSION_MS,
        'heartbeat.interval.ms': HEARTBEAT_MS,
        'partition.assignment.strategy': 'range',
        'queued.max.messages.kbytes': QUEUE_KIB,
        'fetch.wait.max.ms': WAIT_MS,
        rebalance_cb: (error: KafkaError, partitions: { partition: number }[]) => {
          void this.#rebalance(
            error,
            partitions.map(({ partition }) => partition),
          );
        },
      },
      { 'auto.offset.reset': 'earliest' },
    );
  }

  /** Rejects with KAFKA. */
  async connect(): Promise<void> {
    await connect(this.client, this.#settings);
    this.client.on('event.error', (error) => this.#onError(error));
    new Reachability((...now) => this.#listener.reachable(...now)).watch(this.client);
    this.client.on('partition.eof', ({ partition, offset }) => this.#ends.push({ partition, offset }));
    this.client.setDefaultConsumeTimeout(WAIT_MS);
  }

  /** Joins the group. */
  join(): void {
    this.client.subscribe([this.#topic]);
  }

  /** How often partitions were begun: what was taken before the last time is not to be used. */
  get begun(): number {
    return this.#begun;
  }

  /** What came, after a short wait at most. Rejects with KAFKA. */
  async take(): Promise<TakenMessages> {
    const begun = this.#begun;
    this.#ends = [];
    let messages: ConsumedMessage[] = [];
    try {
      messages = await called<ConsumedMessage[]>((done) => this.client.consume(AT_ONCE, done as never));
    } catch (error) {
      if (isHopeless(error as KafkaError) || (error as KafkaError).isFatal === true)
        throw kafkaFailure(this.#settings, `${this.#topic} cannot be read`, error as KafkaError);
    }
    if (begun === this.#begun) return { begun, messages, ends: this.#ends };
    // Some of it is from before, and nobody can say which: now that nothing is asked for, all of it is, once more.
    if (this.#assignment.length > 0 && this.client.isConnected()) this.client.assign([...this.#assignment]);
    return { begun: this.#begun, messages: [], ends: [] };
  }

  /** What the group has committed of partitions, and where they are to be begun. Rejects with KAFKA. */
  async positionsOf(partitions: readonly number[]): Promise<Position[]> {
    const { timeoutMs } = this.#settings;
    const asked = partitions.map((partition) => ({ topic: this.#topic, partition }));
    try {
      const answers = await settled(timeoutMs, () =>
        called<{ partition: number; offset?: number }[]>((done) => this.client.committed(asked, timeoutMs, done)),
      );
      const positions: Position[] = [];
      for (const { partition, offset = NO_OFFSET } of answers) {
        const committed = offset < 0 ? undefined : offset;
        const begin = committed ?? (await watermarksOf(this.client, this.#topic, partition, timeoutMs)).lowOffset;
        positions.push({ partition, committed, offset: begin });
      }
      return positions;
    } catch (error) {
      throw kafkaFailure(this.#settings, 'offsets cannot be read', error as KafkaError);
    }
  }

  /** See Member. */
  async committedOf(partition: number): Promise<number | undefined> {
    return (await this.positionsOf([partition]))[0]?.committed;
  }

  /** The next messages are these. */
  begin(positions: readonly { partition: number; offset: number }[]): void {
    if (!this.client.isConnected()) return;
    this.#assignment = positions.map(({ partition, offset }) => ({ topic: this.#topic, partition, offset }));
    this.#begun++;
    this.client.assign([...this.#assignment]);
    // A pause outlives its assignment.
    this.client.resume([...this.#assignment]);
  }

  /** The first offset that a partition has. Rejects with KAFKA. */
  async beginOf(partition: number): Promise<number> {
    return (await this.#watermarks(partition)).lowOffset;
  }

  /** Offset behind what a partition has now. Rejects with KAFKA. */
  async endOf(partition: number): Promise<number> {
    return (await this.#watermarks(partition)).highOffset;
  }

  pause(): void {
    this.client.pause([...this.#assignment]);
  }

  /** Offset behind the last message of a partition, as far as is known. */
  highOffset(partition: number): number {
    return this.client.getWatermarkOffsets(this.#topic, partition).highOffset;
  }

  /** Leaves the group; partitions are revoked before. */
  async close(): Promise<void> {
    if (!this.client.isConnected()) return;
    await called((done) => this.client.disconnect((error: KafkaError | null) => done(error))).catch(() => undefined);
  }

  async #rebalance(error: KafkaError, partitions: number[]): Promise<void> {
    try {
      if (error.code === ASSIGN) {
        await this.#listener.assigned(partitions);
      } else {
        await this.#listener.revoked(partitions);
        this.#assignment = [];
        if (this.client.isConnected()) this.client.unassign();
      }
    } catch (cause) {
      this.#listener.failed(cause as Error);
    }
  }

  async #watermarks(partition: number): Promise<{ lowOffset: number; highOffset: number }> {
    try {
      return await watermarksOf(this.client, this.#topic, partition, this.#settings.timeoutMs);
    } catch (error) {
      throw kafkaFailure(this.#settings, 'offsets cannot be read', error as KafkaError);
    }
  }

  #onError(error: KafkaError): void {
    if (isHopeless(error) || error.isFatal === true)
      this.#listener.failed(kafkaFailure(this.#settings, `${this.#topic} cannot be read`, error));
  }
}
