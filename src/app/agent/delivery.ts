// Where an agent's entries go: lines, a tree of files, or through the spool to Kafka.
import { makeFolders } from '../../base/folders.ts';
import type { BatchSink } from '../../flowlog/batch.ts';
import type { BatchSource } from '../../flowlog/batch_writer.ts';
import { BatchWriter } from '../../flowlog/batch_writer.ts';
import type { EntryWriter } from '../../flowlog/entry_writer.ts';
import type { Subscribers } from '../../flowlog/subscribers.ts';
import { loadRdkafka } from '../../kafka/client.ts';
import { BatchProducer } from '../../kafka/producer.ts';
import { Shipper } from '../../kafka/shipper.ts';
import { ShipperMeter } from '../../kafka/shipper_meter.ts';
import type { MetricRegistry } from '../../base/metrics.ts';
import { rulesOf } from '../format_options.ts';
import { LinesDestination } from '../lines_destination.ts';
import type { KafkaWay } from '../replay_options.ts';
import { TreeDestination } from '../tree_destination.ts';
import { quantity } from '../units.ts';
import type { AgentLog } from './log.ts';
import type { AgentOptions } from './options.ts';
import type { AgentState } from './state.ts';

/** An agent that is stopped waits for Kafka no longer; what is left is in the spool. */
const MOST_FLUSH_MS = 10_000;

export interface AgentDelivery {
  writer(subscribers: Subscribers): EntryWriter;
  /** Rejects when no more entries can be delivered. */
  readonly failed: Promise<never>;
  /** Why nothing is delivered at present, a sentence each. */
  readonly troubles: readonly string[];
  /** Bytes that wait for Kafka. */
  readonly waitingBytes: number;
  /** Calls back once all that was given so far outlives this process. */
  whenSafe(then: () => void): void;
  /** All that was given is delivered, or kept for the next life. */
  finish(): Promise<void>;
}

export interface AgentDeliveryOptions {
  readonly options: AgentOptions;
  /** Where entries become batches. */
  readonly state: AgentState | undefined;
  readonly registry: MetricRegistry;
  readonly log: AgentLog;
  /** A batch was made. */
  readonly made: () => void;
  /** So many packets are in no entry any more. */
  readonly dropped: (packets: number) => void;
}

/** Rejects with what the way cannot do. */
export async function openDelivery(own: AgentDeliveryOptions): Promise<AgentDelivery> {
  const { options, state } = own;
  const { way, rotateMs } = options;
  if (way.to === 'lines' || !state) {
    const { output, compress } = way.to === 'lines' ? way : { output: '-', compress: undefined };
    return plain(new LinesDestination(output, compress, options.lines));
  }
  const { id: agent, boot } = state;
  // A life is not repeated: which flows are closed early makes no difference.
  const source: BatchSource = { agent, boot, bootOnceEarly: boot, rules: rulesOf(options.lines) };
  if (way.to === 'kafka') return ship(own, way, source, state);
  const { root, compress, rotateBytes } = way;
  const naming = { topic: `${agent}-${boot}`, replaces: false, owner: 'agent' };
  return plain(await TreeDestination.open(root, source, { compress, rotateBytes, rotateMs, ...naming }));
}

function plain(destination: LinesDestination | TreeDestination): AgentDelivery {
  return {
    writer: (subscribers) => destination.writer(subscribers),
    failed: destination.failed,
    troubles: [],
    waitingBytes: 0,
    whenSafe: (then) => {
      if (destination instanceof TreeDestination) void destination.whenWritten(then);
      else then();
    },
    finish: () => destination.finish(undefined),
  };
}

async function ship(
  { options, registry, log, made, dropped }: AgentDeliveryOptions,
  { settings }: KafkaWay,
  source: BatchSource,
  { id: agent, boot, spoolFolder: folder }: AgentState,
): Promise<AgentDelivery> {
  const rdkafka = await loadRdkafka(settings);
  const say = (line: string): void => log.say(line, 'warn');
  const meter = new ShipperMeter({ registry, limitBytes: options.spool.maxBytes, say, dropped });
  makeFolders(folder);
  const shipper = new Shipper({
    ...{ agent, boot, folder },
    spool: options.spool,
    makeProducer: () => new BatchProducer(rdkafka, settings, meter),
    listener: meter,
  });
  await shipper.start();
  meter.watch(shipper);
  const sink: BatchSink = {
    take: (batch) => {
      made();
      return shipper.take(batch);
    },
  };
  return {
    writer: (subscribers) => new BatchWriter(subscribers, source, sink),
    failed: new Promise<never>(() => undefined),
    get troubles() {
      return meter.troubles;
    },
    get waitingBytes() {
      return shipper.stats.records === 0 ? 0 : shipper.stats.bytes;
    },
    // The spool has taken it.
    whenSafe: (then) => then(),
    finish: async () => {
      const isEmpty = await shipper.flush(MOST_FLUSH_MS);
      const { records } = shipper.stats;
      if (!isEmpty)
        log.say(`${quantity(records, 'batch waits', 'batches wait')} in ${folder} for the next start`, 'warn');
      await shipper.close();
    },
  };
}
