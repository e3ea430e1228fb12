// How long nothing went on: delivered to the brokers, and written by the sinks.
import { setTimeout as delay } from 'node:timers/promises';
import rdkafka from 'node-rdkafka';
import type { KafkaConsumer, LibrdKafkaError, WatermarkOffsets } from 'node-rdkafka';
import type { Ledger } from './ledger.ts';

const TOPIC = 'windrow.entries.v1';
const POLL_MS = 200;
const TIMEOUT_MS = 5000;

/** One of the two ways of an entry. */
interface Way {
  last: number;
  since: number;
  longestMs: number;
}

export class Pace {
  readonly #partitions: number;
  readonly #ledger: Ledger;
  readonly #client: KafkaConsumer;
  readonly #ends = new Map<number, number>();
  readonly #ways = { delivered: newWay(), written: newWay() };
  #isOver = false;
  #watching: Promise<void> = Promise.resolve();

  constructor(brokers: string, partitions: number, ledger: Ledger) {
    this.#partitions = partitions;
    this.#ledger = ledger;
    this.#client = new rdkafka.KafkaConsumer({ 'bootstrap.servers': brokers, 'group.id': 'windrow-chaos-pace' }, {});
  }

  /** From now on there is always something to deliver and to write. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#client.connect({ timeout: TIMEOUT_MS }, (error: LibrdKafkaError | null) =>
        error ? reject(new Error(error.message)) : resolve(),
      );
    });
    for (const way of Object.values(this.#ways)) way.since = Date.now();
    this.#watching = this.#watch();
  }

  /** Messages in the topic and entries in files, so far. */
  get amounts(): { readonly delivered: number; readonly written: number } {
    return { delivered: this.#ways.delivered.last, written: this.#ways.written.last };
  }

  /** The longest times, in milliseconds, in which nothing was delivered, and nothing written. */
  async stop(): Promise<{ readonly delivered: number; readonly written: number }> {
    this.#isOver = true;
    await this.#watching;
    await new Promise<void>((resolve) => this.#client.disconnect(() => resolve()));
    const { delivered, written } = this.#ways;
    return { delivered: delivered.longestMs, written: written.longestMs };
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      await Promise.all(Array.from({ length: this.#partitions }, (_, partition) => this.#ask(partition)));
      note(
        this.#ways.delivered,
        [...this.#ends.values()].reduce((a, b) => a + b, 0),
      );
      note(this.#ways.written, this.#ledger.entries());
      await delay(POLL_MS);
    }
  }

  /** A partition whose leader is gone has what it had. */
  #ask(partition: number): Promise<void> {
    return new Promise((resolve) => {
      this.#client.queryWatermarkOffsets(TOPIC, partition, TIMEOUT_MS, (error, offsets: WatermarkOffsets) => {
        if (!error) this.#ends.set(partition, offsets.highOffset);
        resolve();
      });
    });
  }
}

function newWay(): Way {
  return { last: 0, since: 0, longestMs: 0 };
}

function note(way: Way, amount: number): void {
  const now = Date.now();
  way.longestMs = Math.max(way.longestMs, now - way.since);
  if (amount === way.last) return;
  way.last = amount;
  way.since = now;
}
