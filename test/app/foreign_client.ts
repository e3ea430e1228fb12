// A client of another library, as others would write it: kafkajs, and plain protobufjs with the published schema.
import { fileURLToPath } from 'node:url';
import { decompress, init } from '@bokuweb/zstd-wasm';
import kafkajs from 'kafkajs';
import type { Admin, KafkaMessage, Message } from 'kafkajs';
import protobuf from 'protobufjs';

// A codec that kafkajs leaves to others.
await init();
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
  compress: () => Promise.reject(new Error('nothing is compressed here')),
  decompress: (bytes: Buffer) => Promise.resolve(Buffer.from(decompress(bytes))),
});

const SCHEMA = fileURLToPath(new URL('../../src/kafka/windrow.proto', import.meta.url));
export const FlowLogBatch = protobuf.loadSync(SCHEMA).lookupType('windrow.v1.FlowLogBatch');

export type ReadMessage = KafkaMessage & { readonly partition: number };

export class ForeignClient {
  readonly #kafka: kafkajs.Kafka;

  constructor(brokers: string) {
    this.#kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING });
  }

  /** Messages in their order, each with its partition. */
  async send(topic: string, messages: readonly Message[]): Promise<void> {
    const producer = this.#kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    try {
      for (const message of messages) await producer.send({ topic, messages: [message] });
    } finally {
      await producer.disconnect();
    }
  }

  /** In a transaction each, of which some do not count. */
  async sendInTransactions(topic: string, messages: readonly (Message & { isAborted: boolean })[]): Promise<void> {
    const options = { transactionalId: `foreign-${topic}`, maxInFlightRequests: 1, idempotent: true };
    const producer = this.#kafka.producer({ ...options, createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    try {
      for (const { isAborted, ...message } of messages) {
        const transaction = await producer.transaction();
        await transaction.send({ topic, messages: [message] });
        await (isAborted ? transaction.abort() : transaction.commit());
      }
    } finally {
      await producer.disconnect();
    }
  }

  /** All that a topic has now, by partition and offset. */
  async read(topic: string): Promise<ReadMessage[]> {
    const ends = await this.admin((admin) => admin.fetchTopicOffsets(topic));
    const unread = new Map(
      ends.filter(({ high, low }) => high !== low).map((end) => [end.partition, BigInt(end.high)]),
    );
    const consumer = this.#kafka.consumer({ groupId: `foreign-${topic}-${Date.now()}` });
    const messages: ReadMessage[] = [];
    await consumer.connect();
    try {
      await consumer.subscribe({ topic, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        if (unread.size === 0) resolve();
        const run = consumer.run({
          eachBatch: ({ batch }) => {
            messages.push(...batch.messages.map((message) => ({ ...message, partition: batch.partition })));
            if (BigInt(batch.lastOffset()) + 1n >= unread.get(batch.partition)!) unread.delete(batch.partition);
            if (unread.size === 0) resolve();
            return Promise.resolve();
          },
        });
        run.catch(reject);
      });
    } finally {
      await consumer.disconnect();
    }
    return messages.sort((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset));
  }

  /** Messages below an offset are gone then. */
  async deleteBefore(topic: string, partition: number, offset: number): Promise<void> {
    await this.admin(async (admin) => {
      // It deletes in topics that it has asked for only.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: `${offset}` }] });
    });
  }

  async admin<T>(ask: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      return await ask(admin);
    } finally {
      await admin.disconnect();
    }
  }
}
