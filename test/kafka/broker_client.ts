// What a test asks brokers itself, without the program: sends messages, and reads all that a topic has.
import { once } from 'node:events';
import type { EventEmitter } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import rdkafka from 'node-rdkafka';
import type {
  ConsumerGlobalConfig,
  KafkaConsumer,
  LibrdKafkaError,
  Message,
  Metadata,
  Producer,
  ProducerGlobalConfig,
  TopicPartition,
  WatermarkOffsets,
} from 'node-rdkafka';

export interface AskOptions {
  /** How long connecting, asking, and sending each message is tried. */
  readonly timeoutMs?: number;
}

export interface SendOptions extends AskOptions {
  readonly partition?: number;
}

const TIMEOUT_MS = 20_000;

/** Done when the brokers have acknowledged every value; fails with the first that they did not take. */
export async function send(
  settings: ProducerGlobalConfig,
  topic: string,
  values: readonly (string | Buffer)[],
  { partition = 0, timeoutMs = TIMEOUT_MS }: SendOptions = {},
): Promise<void> {
  const producer = new rdkafka.Producer({ ...settings, dr_cb: true }, { 'message.timeout.ms': timeoutMs });
  await connect(producer, timeoutMs);
  try {
    const reported = allReported(producer, values.length);
    producer.setPollInterval(10);
    for (const value of values) producer.produce(topic, partition, Buffer.from(value));
    await reported;
  } finally {
    await disconnect(producer);
  }
}

/** A topic's messages, by partition and offset: the committed ones, or all with `isolation.level` read_uncommitted. */
export async function messagesOf(
  settings: ConsumerGlobalConfig,
  topic: string,
  { timeoutMs = TIMEOUT_MS }: AskOptions = {},
): Promise<Message[]> {
  const own: ConsumerGlobalConfig = { 'enable.auto.commit': false, 'enable.partition.eof': true };
  const reader = { 'group.id': 'windrow-test-reader', 'fetch.wait.max.ms': 20 };
  const consumer = new rdkafka.KafkaConsumer({ ...reader, ...own, ...settings }, { 'auto.offset.reset': 'error' });
  await connect(consumer, timeoutMs);
  try {
    const messages = await readToEnd(consumer, topic, timeoutMs);
    return messages.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
  } finally {
    await disconnect(consumer);
  }
}

/** Resolves when all replicas of all partitions have what their leaders have. */
export async function inSync(
  settings: ConsumerGlobalConfig,
  { timeoutMs = TIMEOUT_MS }: AskOptions = {},
): Promise<void> {
  const client = new rdkafka.Producer(settings);
  await connect(client, timeoutMs);
  try {
    for (const deadline = performance.now() + timeoutMs; ;) {
      const { topics } = await called<Metadata>((done) => void client.getMetadata({ timeout: timeoutMs }, done));
      const behind = topics.flatMap(({ name, partitions }) =>
        partitions.filter(({ isrs, replicas }) => isrs.length < replicas.length).map(({ id }) => `${name} ${id}`),
      );
      if (topics.length > 0 && behind.length === 0) return;
      if (performance.now() > deadline) throw new Error(`replicas are still behind: ${behind.join(', ')}`);
      await setTimeout(100);
    }
  } finally {
    await disconnect(client);
  }
}

async function readToEnd(consumer: KafkaConsumer, topic: string, timeoutMs: number): Promise<Message[]> {
  const { topics } = await called<Metadata>((done) => void consumer.getMetadata({ topic, timeout: timeoutMs }, done));
  const unread = new Map<number, number>();
  const start = [];
  for (const { id: partition } of topics.find(({ name }) => name === topic)?.partitions ?? []) {
    const ends = await endsOf(consumer, { topic, partition }, timeoutMs);
    start.push({ topic, partition, offset: ends.lowOffset });
    if (ends.highOffset > ends.lowOffset) unread.set(partition, ends.highOffset);
  }
  consumer.on('partition.eof', ({ partition, offset }) => {
    if (offset >= (unread.get(partition) ?? 0)) unread.delete(partition);
  });
  consumer.assign(start);
  consumer.setDefaultConsumeTimeout(50);
  const messages: Message[] = [];
  while (unread.size > 0) messages.push(...(await called<Message[]>((done) => consumer.consume(1000, done))));
  return messages;
}

/** Asks until there is an answer: a node that has just begun to lead a partition refuses for a moment. */
async function endsOf(consumer: KafkaConsumer, of: TopicPartition, timeoutMs: number): Promise<WatermarkOffsets> {
  const deadline = performance.now() + timeoutMs;
  while (true) {
    try {
      return await called<WatermarkOffsets>(
        (done) => void consumer.queryWatermarkOffsets(of.topic, of.partition, timeoutMs, done),
      );
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await setTimeout(100);
  }
}

/** The client's own error says only that there is no connection; why, stands in its log. */
async function connect(client: Producer | KafkaConsumer, timeoutMs: number): Promise<void> {
  const reasons = new Set<string>();
  (client as EventEmitter).on('event.log', ({ fac, message }: { fac: string; message: string }) => {
    if (fac === 'FAIL') reasons.add(message);
  });
  try {
    await called<Metadata>((done) => client.connect({ timeout: timeoutMs }, done));
  } catch (error) {
    throw new Error(['the client cannot connect', ...reasons].join('\n'), { cause: error });
  }
}

async function disconnect(client: Producer | KafkaConsumer): Promise<void> {
  const disconnected = once(client, 'disconnected');
  client.disconnect();
  await disconnected;
}

function allReported(producer: Producer, count: number): Promise<void> {
  let missing = count;
  return new Promise((resolve, reject) => {
    producer.on('delivery-report', (error) => {
      if (error) reject(failure(error));
      else if (--missing === 0) resolve();
    });
  });
}

/** Calls what answers by a callback. */
export function called<T>(call: (done: (error?: LibrdKafkaError | null, result?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(failure(error)) : resolve(result as T)));
  });
}

/** With the code of librdkafka in its cause. */
function failure(error: LibrdKafkaError): Error {
  return new Error(error.message, { cause: error });
}
