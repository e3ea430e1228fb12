// Whether Kafka can be delivered to: the client that is installed, the brokers, and the topic of entries.
import { WindrowError } from '../../base/errors.ts';
import { called, clientConfig, connect, disconnectProducer, kafkaFailure, loadRdkafka } from '../../kafka/client.ts';
import type { KafkaError, Rdkafka } from '../../kafka/client.ts';
import type { KafkaSettings } from '../../kafka/options.ts';
import { entriesTopic } from '../../kafka/topics.ts';
import { quantity } from '../units.ts';
import { failure, warning, well } from './findings.ts';
import type { Finding } from './findings.ts';

/** What librdkafka can do that matters here. */
const FEATURES = ['ssl', 'sasl', 'sasl_scram', 'zstd', 'lz4'];

interface Metadata {
  readonly brokers: readonly unknown[];
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly leader: number; readonly replicas: readonly number[] }[];
  }[];
}

/** Without brokers, only the client is looked at: nobody may want Kafka. */
export async function checkKafka(settings: KafkaSettings, load = loadRdkafka): Promise<Finding[]> {
  const isAsked = settings.brokers.length > 0;
  let rdkafka: Rdkafka;
  try {
    rdkafka = await load(settings);
  } catch (error) {
    const todo = 'do so and look again; without it everything works but Kafka';
    return [(isAsked ? failure : warning)('kafka', messageOf(error), todo, 'client')];
  }
  const has = FEATURES.filter((feature) => rdkafka.features.includes(feature));
  const client = well('kafka', `librdkafka ${rdkafka.librdkafkaVersion} with ${has.join(', ')}`, 'client');
  if (!isAsked) return [client, well('kafka', 'skipped: --kafka HOST:PORT was not given', 'brokers')];
  return [client, ...(await brokerFindings(rdkafka, settings))];
}

async function brokerFindings(rdkafka: Rdkafka, settings: KafkaSettings): Promise<Finding[]> {
  const config = { ...clientConfig(settings), 'compression.codec': settings.compression };
  const client = new rdkafka.Producer(config);
  try {
    await connect(client, settings);
    const metadata = await metadataOf(client, settings);
    const says = `reached at ${settings.brokers.join(',')}; ${quantity(metadata.brokers.length, 'broker', 'brokers')}`;
    return [well('kafka', says, 'brokers'), topicFinding(metadata, settings)];
  } catch (error) {
    const todo = 'see that the brokers run, that a firewall lets this host to them, and that --kafka names them';
    return [failure('kafka', messageOf(error), todo, 'brokers')];
  } finally {
    await disconnectProducer(client);
  }
}

/** Of all topics: a broker may make one that it is asked for by its name. */
async function metadataOf(client: InstanceType<Rdkafka['Producer']>, settings: KafkaSettings): Promise<Metadata> {
  try {
    return await called<Metadata>((done) => {
      client.getMetadata({ timeout: settings.timeoutMs }, done);
    });
  } catch (error) {
    throw kafkaFailure(settings, 'does not tell its topics', error as KafkaError);
  }
}

function topicFinding({ topics }: Metadata, { prefix, partitions: wanted }: KafkaSettings): Finding {
  const name = entriesTopic(prefix);
  const subject = `topic ${name}`;
  const partitions = topics.find((topic) => topic.name === name)?.partitions ?? [];
  if (partitions.length === 0) {
    const says = `not there, or not to be seen by this user; it is created with ${quantity(wanted, 'partition', 'partitions')} when first written`;
    return well('kafka', says, subject);
  }
  const replicas = Math.min(...partitions.map((partition) => partition.replicas.length));
  const says = `${quantity(partitions.length, 'partition', 'partitions')}, ${quantity(replicas, 'replica', 'replicas')} each`;
  const orphans = partitions.filter(({ leader }) => leader < 0).length;
  if (orphans === 0) return well('kafka', says, subject);
  const todo = 'start the brokers that are missing';
  return warning('kafka', `${says}; ${orphans} without a leader cannot be written at present`, todo, subject);
}

/** Throws what is no failure of Kafka. */
function messageOf(error: unknown): string {
  if (error instanceof WindrowError) return error.message;
  throw error;
}
