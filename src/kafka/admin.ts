// Topics that are missing are created: a new installation works without a word to its brokers.
import { setTimeout as delay } from 'node:timers/promises';
import { KAFKA, called, clientConfig, kafkaFailure } from './client.ts';
import type { KafkaError, Rdkafka } from './client.ts';
import type { KafkaSettings } from './options.ts';

interface TopicMetadata {
  readonly name: string;
  readonly partitions: readonly unknown[];
}

/** Any connected client. */
export interface MetadataSource {
  getMetadata(
    options: { topic: string; timeout: number },
    done: (error: KafkaError, metadata: { topics: TopicMetadata[] }) => void,
  ): unknown;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  readonly config?: Readonly<Record<string, string>>;
}

const CREATED_POLL_MS = 50;

/** Creates the topic where it is missing; gives its number of partitions. Rejects with KAFKA. */
export async function ensureTopic(
  rdkafka: Rdkafka,
  settings: KafkaSettings,
  client: MetadataSource,
  spec: TopicSpec,
): Promise<number> {
  const deadline = Date.now() + settings.timeoutMs;
  let isCreated = false;
  for (;;) {
    const partitions = await partitionsOf(settings, client, spec.topic);
    if (partitions > 0) return partitions;
    if (Date.now() > deadline) {
      throw kafkaFailure(settings, `topic ${spec.topic}`, {
        code: KAFKA.unknownTopic,
        message: 'it has no partitions',
      });
    }
    if (!isCreated) await createTopic(rdkafka, settings, spec);
    isCreated = true;
    // Brokers tell each other of a new topic in their own time.
    await delay(CREATED_POLL_MS);
  }
}

/** 0 where there is no such topic. */
async function partitionsOf(settings: KafkaSettings, client: MetadataSource, topic: string): Promise<number> {
  try {
    const metadata = await called<{ topics: TopicMetadata[] }>((done) =>
      client.getMetadata({ topic, timeout: settings.timeoutMs }, done),
    );
    return metadata.topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
  } catch (error) {
    throw kafkaFailure(settings, `topic ${topic} cannot be asked for`, error as KafkaError);
  }
}

async function createTopic(rdkafka: Rdkafka, settings: KafkaSettings, spec: TopicSpec): Promise<void> {
  const admin = rdkafka.AdminClient.create(clientConfig(settings));
  try {
    await called((done) => {
      // -1: as many replicas as the brokers' default says.
      const topic = {
        topic: spec.topic,
        num_partitions: spec.partitions,
        replication_factor: -1,
        config: { ...spec.config },
      };
      admin.createTopic(topic, settings.timeoutMs, done);
    });
  } catch (error) {
    const failure = error as KafkaError;
    if (failure.code !== KAFKA.topicExists) {
      throw kafkaFailure(settings, `topic ${spec.topic} is missing and cannot be created`, failure);
    }
  } finally {
    admin.disconnect();
  }
}
