// A shipper in a folder of its own, and all that its owner is told.
import type { Batch } from '../../src/flowlog/batch.ts';
import type { Rdkafka } from '../../src/kafka/client.ts';
import { loadRdkafka } from '../../src/kafka/client.ts';
import type { KafkaSettings } from '../../src/kafka/options.ts';
import { BatchProducer } from '../../src/kafka/producer.ts';
import { Shipper } from '../../src/kafka/shipper.ts';
import type { ShipperOptions } from '../../src/kafka/shipper.ts';
import type { SpoolDamage } from '../../src/kafka/spool_losses.ts';

export const AGENT = 'agent-1';

/** Events, in the order in which they are told. */
export interface Told {
  readonly lost: { readonly batch: Batch; readonly why: string }[];
  readonly arrived: number[];
  begins: number;
  readonly failures: Error[];
  readonly spoolFailures: Error[];
  readonly damage: SpoolDamage[];
  readonly reachable: boolean[];
}

export interface Opened {
  readonly shipper: Shipper;
  readonly told: Told;
}

/** A shipper that has not been started. */
export function makeShipper(
  folder: string,
  makeProducer: (told: Told) => BatchProducer,
  options: Partial<ShipperOptions> = {},
): Opened {
  const told: Told = {
    ...{ lost: [], arrived: [], failures: [], spoolFailures: [], damage: [], reachable: [] },
    begins: 0,
  };
  const shipper = new Shipper({
    agent: AGENT,
    boot: 1,
    folder,
    spool: {},
    makeProducer: () => makeProducer(told),
    listener: {
      lost: (batch, why) => told.lost.push({ batch, why }),
      arrived: (ms) => told.arrived.push(ms),
      begins: () => told.begins++,
      fails: (error) => told.failures.push(error),
      spoolFails: (error) => told.spoolFailures.push(error),
      damaged: (damage) => told.damage.push(damage),
    },
    ...options,
  });
  return { shipper, told };
}

export function settingsOf(brokers: string, different: Partial<KafkaSettings> = {}): KafkaSettings {
  return {
    brokers: brokers.split(','),
    prefix: 'windrow.',
    partitions: 3,
    timeoutMs: 60_000,
    compression: 'zstd',
    tls: undefined,
    sasl: undefined,
    ...different,
  };
}

/** A shipper at work. */
export async function open(
  folder: string,
  settings: KafkaSettings,
  options: Partial<ShipperOptions> = {},
): Promise<Opened> {
  const rdkafka: Rdkafka = await loadRdkafka(settings);
  const opened = makeShipper(
    folder,
    (told) =>
      new BatchProducer(rdkafka, settings, {
        reachable: (isReachable) => told.reachable.push(isReachable),
        delivered: () => undefined,
      }),
    options,
  );
  await opened.shipper.start();
  return opened;
}
