// Entries as batches over Kafka. A replay needs no spool: it can be run again, and adds nothing then.
import { WindrowError } from '../base/errors.ts';
import type { Batch, BatchSink } from '../flowlog/batch.ts';
import { BatchWriter } from '../flowlog/batch_writer.ts';
import type { BatchSource } from '../flowlog/batch_writer.ts';
import type { EntryWriter } from '../flowlog/entry_writer.ts';
import type { Subscribers } from '../flowlog/subscribers.ts';
import { loadRdkafka } from '../kafka/client.ts';
import { encodeBatch } from '../kafka/codec.ts';
import type { KafkaSettings } from '../kafka/options.ts';
import { BatchProducer } from '../kafka/producer.ts';
import { entriesTopic } from '../kafka/topics.ts';
import type { Destination } from './destination.ts';
import { exact } from './units.ts';

export class KafkaDestination implements Destination, BatchSink {
  readonly #settings: KafkaSettings;
  readonly #source: BatchSource;
  readonly #producer: BatchProducer;
  readonly #workers: number;
  #batches = 0;
  #entries = 0;

  private constructor(settings: KafkaSettings, source: BatchSource, workers: number, producer: BatchProducer) {
    this.#settings = settings;
    this.#source = source;
    this.#producer = producer;
    this.#workers = workers;
  }

  /** Rejects with KAFKA. */
  static async open(
    settings: KafkaSettings,
    source: BatchSource,
    workers: number,
    say: (line: string) => void,
  ): Promise<KafkaDestination> {
    const brokers = settings.brokers.join(',');
    const producer = new BatchProducer(await loadRdkafka(settings), settings, {
      reachable: (isReachable, reason) =>
        say(isReachable ? `Kafka at ${brokers} is back` : `waiting for Kafka at ${brokers}: ${reason}`),
      delivered: () => undefined,
    });
    try {
      await producer.start();
    } catch (error) {
      await producer.close();
      throw error;
    }
    return new KafkaDestination(settings, source, workers, producer);
  }

  get failed(): Promise<never> {
    return this.#producer.failed;
  }

  writer(subscribers: Subscribers): EntryWriter {
    return new BatchWriter(subscribers, this.#source, this);
  }

  async take(batch: Batch): Promise<void> {
    // Which flows several shards close early differs from run to run: batches of the same name would not be the same.
    if (this.#workers > 1 && batch.identity.boot === this.#source.bootOnceEarly) {
      throw new WindrowError(
        'OUTPUT_FAILED',
        'the flow table is full (--max-flows), and with several workers a replay cannot be repeated exactly from here on: run it again with --workers 1, which goes on where this one ends',
      );
    }
    await this.#producer.send(batch.eni.eniId, encodeBatch(batch));
    this.#batches++;
    this.#entries += batch.entries;
  }

  async end(): Promise<void> {
    await this.#producer.close();
  }

  async finish(): Promise<void> {
    await this.#producer.flush();
    await this.#producer.close();
  }

  summary(): string {
    const [entries, batches] = [this.#entries, this.#batches].map(exact);
    return `${entries} entries in ${batches} batches to ${entriesTopic(this.#settings.prefix)} at ${this.#settings.brokers.join(',')}`;
  }
}
