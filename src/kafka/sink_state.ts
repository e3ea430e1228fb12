// What sinks of a group have told each other: which batches are written, and which checkpoints count.
import { WindrowError } from '../base/errors.ts';
import { called, clientConfig, connect, kafkaFailure, watermarksOf } from './client.ts';
import type { KafkaError, Rdkafka } from './client.ts';
import { TYPES } from './codec.ts';
import type { KafkaSettings } from './options.ts';

const AGENT_MARK = TYPES.lookupType('windrow.v1.AgentMark');
const SINK_MARK = TYPES.lookupType('windrow.v1.SinkMark');

/** Marks of lives that were not heard of for so long go: nobody sends anything so old again. */
export const FORGOTTEN_AFTER_MS = 30 * 86_400_000;

const CONSUME_AT_ONCE = 1000;
const CONSUME_TIMEOUT_MS = 200;
/** Transactions of a sink that was killed end by themselves within this. */
export const TRANSACTION_TIMEOUT_MS = 20_000;
const MOST_WAIT_MS = 3 * TRANSACTION_TIMEOUT_MS;

/** The last batch of an agent's life that is in a partition. */
export interface WrittenMark {
  readonly partition: number;
  readonly agent: string;
  readonly boot: number;
  readonly sequence: number;
  readonly writtenMs: number;
}

export interface SinkState {
  readonly agents: readonly WrittenMark[];
  /** The last checkpoint that a sink committed in a partition, by "<partition>/<sink id>". */
  readonly checkpoints: ReadonlyMap<string, string>;
}

/** A record of the topic; without a value it takes back what its key said. */
export interface StateRecord {
  readonly key: string;
  readonly value: Buffer | null;
}

export function agentRecord(mark: Omit<WrittenMark, 'partition'>): StateRecord {
  const value = AGENT_MARK.encode({ sequence: mark.sequence, writtenMs: mark.writtenMs }).finish();
  return { key: `agent/${mark.agent}/${mark.boot}`, value: Buffer.from(value) };
}

export function sinkRecord(sinkId: string, checkpoint: string): StateRecord {
  return { key: `sink/${sinkId}`, value: Buffer.from(SINK_MARK.encode({ checkpoint }).finish()) };
}

/**
 * Reads partitions from their beginning to what their ends are now. What lies before an end counts only once it is
 * certain that its transaction does, so this waits for transactions that are under way. Rejects with KAFKA.
 */
export async function readSinkState(
  rdkafka: Rdkafka,
  settings: KafkaSettings,
  topic: string,
  partitions: readonly number[],
): Promise<SinkState> {
  const state: State = { agents: new Map(), checkpoints: new Map() };
  // A client that reads what is committed is told of no end behind a transaction that is under way.
  const watcher = reader(rdkafka, settings, topic, 'read_uncommitted');
  const consumer = reader(rdkafka, settings, topic, 'read_committed');
  try {
    await Promise.all([watcher, consumer].map((client) => connect(client, settings)));
    const ends = new Map<number, number>();
    const positions: { topic: string; partition: number; offset: number }[] = [];
    for (const partition of partitions) {
      const { lowOffset, highOffset } = await watermarksOf(watcher, topic, partition, settings.timeoutMs);
      if (lowOffset === highOffset) continue;
      ends.set(partition, highOffset);
      positions.push({ topic, partition, offset: lowOffset });
    }
    consumer.assign(positions);
    await readTo(consumer, ends, state);
  } catch (error) {
    if (error instanceof WindrowError) throw error;
    throw kafkaFailure(settings, `topic ${topic} cannot be read`, error as KafkaError);
  } finally {
    await Promise.all([watcher, consumer].map(disconnect));
  }
  return { agents: [...state.agents.values()], checkpoints: state.checkpoints };
}

type Consumer = InstanceType<Rdkafka['KafkaConsumer']>;

interface State {
  readonly agents: Map<string, WrittenMark>;
  readonly checkpoints: Map<string, string>;
}

function reader(rdkafka: Rdkafka, settings: KafkaSettings, topic: string, isolation: string): Consumer {
  return new rdkafka.KafkaConsumer(
    {
      ...clientConfig(settings),
      // It joins no group; the client wants a name.
      'group.id': `${topic}.reader`,
      'enable.auto.commit': false,
      'isolation.level': isolation as 'read_committed',
      'enable.partition.eof': true,
      'fetch.wait.max.ms': 100,
    },
    { 'auto.offset.reset': 'earliest' },
  );
}

async function disconnect(consumer: Consumer): Promise<void> {
  if (!consumer.isConnected()) return;
  await called((done) => consumer.disconnect((error: KafkaError | null) => done(error))).catch(() => undefined);
}

/** Reads until all ends are reached, by messages or, behind the last one, by word of the client. */
async function readTo(consumer: Consumer, ends: Map<number, number>, state: State): Promise<void> {
  const reached = (partition: number, offset: number): void => {
    if (offset >= (ends.get(partition) ?? Infinity)) ends.delete(partition);
  };
  consumer.on('partition.eof', ({ partition, offset }) => reached(partition, offset));
  consumer.setDefaultConsumeTimeout(CONSUME_TIMEOUT_MS);
  for (const deadline = Date.now() + MOST_WAIT_MS; ends.size > 0;) {
    const messages = await called<{ partition: number; key?: unknown; value: Buffer | null; offset: number }[]>(
      (done) => consumer.consume(CONSUME_AT_ONCE, done),
    );
    for (const message of messages) {
      read(message.partition, String(message.key), message.value, state);
      reached(message.partition, message.offset + 1);
    }
    if (Date.now() > deadline) {
      const message = `partitions ${[...ends.keys()].join(', ')} have transactions that do not end`;
      throw { message, code: 0 } satisfies KafkaError; // eslint-disable-line @typescript-eslint/only-throw-error -- as the client's
    }
  }
}

function read(partition: number, key: string, value: Buffer | null, { agents, checkpoints }: State): void {
  const [kind, ...rest] = key.split('/');
  const place = `${partition}/${key}`;
  if (kind === 'agent') {
    if (!value) return void agents.delete(place);
    const mark = AGENT_MARK.toObject(AGENT_MARK.decode(value), { longs: Number }) as {
      sequence?: number;
      writtenMs?: number;
    };
    const boot = Number(rest.pop());
    const { sequence = 0, writtenMs = 0 } = mark;
    agents.set(place, { partition, agent: rest.join('/'), boot, sequence, writtenMs });
  } else if (kind === 'sink' && value) {
    const mark = SINK_MARK.toObject(SINK_MARK.decode(value)) as { checkpoint?: string };
    checkpoints.set(`${partition}/${rest.join('/')}`, mark.checkpoint ?? '');
  }
}
