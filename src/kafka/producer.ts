// Batches to Kafka: idempotent, acknowledged by all replicas, in order, and no more under way than a bound.
import { WindrowError } from '../base/errors.ts';
import { ensureTopic } from './admin.ts';
import { KAFKA, ONE_BY_ONE, clientConfig, connect, disconnectProducer, isHopeless, kafkaFailure } from './client.ts';
import type { KafkaError, Rdkafka } from './client.ts';
import type { KafkaSettings } from './options.ts';
import { REACHABILITY_CONFIG, Reachability } from './reachability.ts';
import { entriesTopic } from './topics.ts';

/** What may be under way: enough for a broker that is a second away at 30 MB/s. */
const MOST_BYTES = 32 << 20;
/** The client dispatches at most 100 reports a turn of the event loop; a message is a batch, so that is plenty. */
const POLL_MS = 10;
/** The client's own queue: never reached before MOST_BYTES. */
const QUEUE_KIB = (4 * MOST_BYTES) >> 10;
const QUEUE_MESSAGES = 1_000_000;
/** Each message costs the client some bytes of its own. */
const MESSAGE_OVERHEAD = 256;

/** What the owner is told. */
export interface ProducerListener {
  /** Kafka went away, or is back. */
  reachable(isReachable: boolean, reason: string): void;
  /** A batch was acknowledged by all replicas, so long after it was handed over. */
  delivered(bytes: number, ms: number): void;
}

/** Comes back with the report of a message. */
interface Sent {
  readonly bytes: number;
  readonly at: number;
  readonly delivered: (() => void) | undefined;
}

/** For the main thread only: the client library ends the process in a worker. */
export class BatchProducer {
  readonly #rdkafka: Rdkafka;
  readonly #settings: KafkaSettings;
  readonly #listener: ProducerListener;
  readonly #topic: string;
  readonly #producer: InstanceType<Rdkafka['Producer']>;
  #bytes = 0;
  #messages = 0;
  #wake: (() => void)[] = [];
  #failure: WindrowError | undefined;
  #tellFailure: (error: WindrowError) => void = () => undefined;

  /** Rejects with KAFKA when nothing more can be sent: then batches without a report may have arrived or not. */
  readonly failed = new Promise<never>((_, reject) => (this.#tellFailure = reject));

  constructor(rdkafka: Rdkafka, settings: KafkaSettings, listener: ProducerListener) {
    this.#rdkafka = rdkafka;
    this.#settings = settings;
    this.#listener = listener;
    this.#topic = entriesTopic(settings.prefix);
    this.failed.catch(() => undefined);
    this.#producer = new rdkafka.Producer(
      {
        ...clientConfig(settings),
        ...REACHABILITY_CONFIG,
        'enable.idempotence': true,
        ...ONE_BY_ONE,
        'compression.codec': settings.compression,
        'linger.ms': 5,
        'queue.buffering.max.kbytes': QUEUE_KIB,
        'queue.buffering.max.messages': QUEUE_MESSAGES,
        dr_cb: true,
      },
      // What is under way stays so until it arrives: a message that is given up would leave a gap before those behind it.
      { 'request.required.acks': -1, 'message.timeout.ms': 0, partitioner: 'murmur2_random' },
    );
  }

  /** Connects, and creates the topic where it is missing. Rejects with KAFKA. */
  async start(): Promise<void> {
    await connect(this.#producer, this.#settings);
    this.#producer.on('event.error', (error) => this.#onError(error));
    new Reachability((...now) => this.#listener.reachable(...now)).watch(this.#producer);
    this.#producer.on('delivery-report', (error: KafkaError | null, report) =>
      this.#onReport(error, report.opaque as Sent),
    );
    this.#producer.setPollInterval(POLL_MS);
    await Promise.race([
      ensureTopic(this.#rdkafka, this.#settings, this.#producer, {
        topic: this.#topic,
        partitions: this.#settings.partitions,
      }),
      this.failed,
    ]);
  }

  /** Bytes that are under way. */
  get queuedBytes(): number {
    return this.#bytes;
  }

  /**
   * Hands a batch over, in order; `delivered` is called once it is safe. Resolves when there is room for the next one.
   * Rejects with KAFKA.
   */
  async send(key: string, message: Uint8Array, delivered?: () => void): Promise<void> {
    while (this.#bytes >= MOST_BYTES) await this.#change();
    for (;;) {
      this.#check();
      const bytes = message.length + MESSAGE_OVERHEAD;
      const sent: Sent = { bytes, at: performance.now(), delivered };
      try {
        const value = Buffer.from(message.buffer, message.byteOffset, message.length);
        this.#producer.produce(this.#topic, null, value, key, null, sent);
        this.#bytes += bytes;
        this.#messages++;
        return;
      } catch (error) {
        const failure = error as KafkaError;
        if (failure.code !== KAFKA.queueFull) throw this.#fail(failure);
      }
      await this.#change();
    }
  }

  /** All that was handed over is safe. Rejects with KAFKA. */
  async flush(): Promise<void> {
    // The client's own flush drops reports that it has not dispatched: these are counted here.
    while (this.#messages > 0) await this.#change();
    this.#check();
  }

  /** What is under way may arrive or not. */
  async close(): Promise<void> {
    this.#failure ??= new WindrowError('KAFKA', 'the connection to Kafka was closed');
    this.#wakeAll();
    await disconnectProducer(this.#producer);
  }

  async #change(): Promise<void> {
    this.#check();
    await new Promise<void>((resolve) => this.#wake.push(resolve));
    this.#check();
  }

  #check(): void {
    if (this.#failure) throw this.#failure;
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #onReport(error: KafkaError | null, sent: Sent): void {
    this.#bytes -= sent.bytes;
    this.#messages--;
    if (error) {
      this.#fail(error);
    } else {
      this.#listener.delivered(sent.bytes, performance.now() - sent.at);
      sent.delivered?.();
    }
    this.#wakeAll();
  }

  #onError(error: KafkaError): void {
    if (isHopeless(error) || error.isFatal === true) this.#fail(error);
  }

  #fail(error: KafkaError): WindrowError {
    this.#failure ??= kafkaFailure(this.#settings, `batches cannot be sent to ${this.#topic}`, error);
    this.#tellFailure(this.#failure);
    this.#wakeAll();
    return this.#failure;
  }
}
