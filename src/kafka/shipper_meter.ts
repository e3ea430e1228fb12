// How the delivery of an agent is: its metrics, what keeps it from delivering, and what is said of that.
import { WindrowError } from '../base/errors.ts';
import type { MetricRegistry, Metrics } from '../base/metrics.ts';
import type { Batch } from '../flowlog/batch.ts';
import { PACKED_COLUMNS } from '../flowlog/packed_columns.ts';
import { KAFKA, isHopeless } from './client.ts';
import type { KafkaError } from './client.ts';
import { packedValues } from './lost_windows.ts';
import { CLIENT_METRICS, EVICTIONS, PRODUCER_METRICS, SPOOL_METRICS } from './metrics.ts';
import type { Eviction, KafkaError as KafkaTrouble } from './metrics.ts';
import type { ProducerListener } from './producer.ts';
import type { Shipper, ShipperListener } from './shipper.ts';
import type { SpoolDamage } from './spool_losses.ts';

/** The same line is said again when it is still true after so long. */
const REPEAT_MS = 300_000;
/** What was lost so far is said no more often than this. */
const LOST_MS = 60_000;
/** Lines that are known to have been said; there are never many that differ. */
const MOST_SAID = 100;
/** Of the spool's disk only failures are told: after so long without one, it is well again. */
const SPOOL_FAILS_MS = 90_000;

const PACKETS = PACKED_COLUMNS.findIndex(({ name }) => name === 'packets');

/** Codes of rd_kafka_resp_err_t, by what is wrong; isHopeless knows those of denials. */
const TROUBLES: Readonly<Partial<Record<KafkaTrouble, readonly number[]>>> = {
  unreachable: [KAFKA.noBroker, KAFKA.allBrokersDown, KAFKA.resolve],
  timed_out: [-185, -192, 7],
  too_large: [10, 18],
};

export interface ShipperMeterOptions {
  readonly registry: MetricRegistry;
  /** Bytes that the spool may have. */
  readonly limitBytes: number;
  readonly say: (line: string) => void;
  /** So many packets are in no entry any more: their batch was lost. */
  readonly dropped: (packets: number) => void;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export class ShipperMeter implements ProducerListener, ShipperListener {
  readonly #options: ShipperMeterOptions;
  readonly #now: () => number;
  readonly #client: Metrics<typeof CLIENT_METRICS>;
  readonly #producer: Metrics<typeof PRODUCER_METRICS>;
  readonly #spool: Metrics<typeof SPOOL_METRICS>;
  #hasBegun = false;
  /** Kafka takes batches, as far as is known. */
  #isConnected = false;
  #kafkaTrouble: string | undefined;
  #spoolTrouble: { readonly line: string; readonly at: number } | undefined;
  readonly #said = new Map<string, { readonly at: number; unsaid: number }>();
  readonly #lost = { batches: 0, packets: 0, saidAt: -Infinity };

  constructor(options: ShipperMeterOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#client = options.registry.add(CLIENT_METRICS);
    this.#producer = options.registry.add(PRODUCER_METRICS);
    this.#spool = options.registry.add(SPOOL_METRICS);
    this.#spool.limitBytes.set(options.limitBytes);
  }

  /** Reads a shipper that has been started, whenever the metrics are read. */
  watch(shipper: Pick<Shipper, 'stats' | 'queuedBytes'>): void {
    this.#options.registry.beforeReading(() => {
      const { bytes, oldestTime } = shipper.stats;
      this.#producer.queueBytes.set(shipper.queuedBytes);
      this.#spool.bytes.set(bytes);
      this.#spool.oldestSeconds.set(oldestTime === undefined ? 0 : Math.max(0, this.#now() - oldestTime) / 1000);
    });
  }

  /** Why nothing is delivered or kept at present, a sentence each; empty: all is well. */
  get troubles(): string[] {
    const isOver = this.#spoolTrouble === undefined || this.#now() - this.#spoolTrouble.at > SPOOL_FAILS_MS;
    return [this.#kafkaTrouble, isOver ? undefined : this.#spoolTrouble?.line].filter((line) => line !== undefined);
  }

  begins(): void {
    if (this.#hasBegun) this.#producer.restarts.inc();
    this.#hasBegun = true;
    this.#connected();
  }

  reachable(isReachable: boolean, reason: string): void {
    if (isReachable) return this.#connected();
    // While a producer starts, how that ends is told as well.
    if (this.#isConnected) this.#client.errors.inc({ reason: 'unreachable' });
    this.#disconnected(`waiting for Kafka: ${reason}`);
  }

  fails(error: Error): void {
    if (isOfKafka(error)) this.#client.errors.inc({ reason: troubleOf(error.cause as KafkaError) });
    this.#disconnected(`nothing is sent, and that is tried again: ${error.message}`);
  }

  delivered(bytes: number): void {
    this.#producer.deliveredBatches.inc();
    this.#producer.deliveredBytes.inc(bytes);
  }

  arrived(ms: number): void {
    this.#producer.deliverySeconds.observe(ms / 1000);
  }

  lost(batch: Batch, why: Eviction | 'disk'): void {
    let packets = 0;
    for (const count of packedValues(batch.columns[PACKETS])) packets += count;
    if (why !== 'disk') this.#spool.evictedBatches.inc({ reason: why });
    this.#options.dropped(packets);
    this.#lost.batches++;
    this.#lost.packets += packets;
    this.#sayLost(LOST_REASONS[why]);
  }

  spoolFails(error: Error): void {
    this.#spoolTrouble = { line: error.message, at: this.#now() };
    this.#sayRarely(error.message);
  }

  damaged({ message, bytes }: SpoolDamage): void {
    this.#spool.damagedBytes.inc(bytes);
    this.#options.say(message);
  }

  #connected(): void {
    if (this.#kafkaTrouble !== undefined) this.#options.say('Kafka is back, and batches are sent');
    this.#isConnected = true;
    this.#kafkaTrouble = undefined;
    this.#client.connected.set(1);
  }

  #disconnected(trouble: string): void {
    this.#isConnected = false;
    this.#kafkaTrouble = trouble;
    this.#client.connected.set(0);
    this.#sayRarely(trouble);
  }

  #sayRarely(line: string): void {
    const before = this.#said.get(line);
    if (before && this.#now() - before.at < REPEAT_MS) {
      before.unsaid++;
      return;
    }
    const more = before && before.unsaid > 0 ? ` (and so it was ${exact(before.unsaid)} times meanwhile)` : '';
    this.#options.say(`${line}${more}`);
    // The last one that was said is the last one to be forgotten.
    this.#said.delete(line);
    this.#said.set(line, { at: this.#now(), unsaid: 0 });
    for (const [oldest] of this.#said) {
      if (this.#said.size <= MOST_SAID) break;
      this.#said.delete(oldest);
    }
  }

  #sayLost(reason: string): void {
    if (this.#now() - this.#lost.saidAt < LOST_MS) return;
    this.#lost.saidAt = this.#now();
    const [batches, packets] = [this.#lost.batches, this.#lost.packets].map(exact);
    this.#options.say(
      `${reason}; lost so far: ${batches} batches with ${packets} packets, of whose windows SKIPDATA tells`,
    );
  }
}

const LOST_REASONS: Readonly<Record<(typeof EVICTIONS)[number] | 'disk', string>> = {
  bytes: 'the spool is full',
  age: 'batches have waited in the spool for too long',
  disk: 'the disk of the spool takes no batches',
};

function isOfKafka(error: Error): boolean {
  return error instanceof WindrowError && error.code === 'KAFKA';
}

function troubleOf(cause: KafkaError | undefined): KafkaTrouble {
  if (cause === undefined) return 'other';
  if (isHopeless(cause)) return 'denied';
  const known = Object.entries(TROUBLES) as [KafkaTrouble, readonly number[]][];
  return known.find(([, codes]) => codes.includes(cause.code))?.[0] ?? 'other';
}

function exact(value: number): string {
  return value.toLocaleString('en-US');
}
