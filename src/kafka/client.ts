// The Kafka client library: loaded when it is needed, configured in one place, and its errors in words.
import { setTimeout as delay } from 'node:timers/promises';
import { WindrowError } from '../base/errors.ts';
import type { KafkaSettings } from './options.ts';

export type Rdkafka = typeof import('node-rdkafka');

/** An error of librdkafka; its `code` is one of rd_kafka_resp_err_t (rdkafka.h), negative where it is the client's own. */
export interface KafkaError {
  readonly message: string;
  readonly code: number;
  readonly isFatal?: boolean;
  readonly isRetriable?: boolean;
  readonly isTxnRequiresAbort?: boolean;
}

/** Codes that decide something. */
export const KAFKA = {
  authentication: -169,
  allBrokersDown: -187,
  queueFull: -184,
  /** Somebody began with the same transactional id, or the transaction was too slow. */
  fenced: -144,
  /** Before a connection is tried: the client does not take its settings. */
  state: -172,
  /** A fatal error came before; the client is of no use any more. */
  fatal: -150,
  noBroker: -195,
  resolve: -193,
  timedOut: -185,
  ssl: -181,
  topicExists: 36,
  topicAuthorization: 29,
  groupAuthorization: 30,
  clusterAuthorization: 31,
  transactionalAuthorization: 53,
  saslAuthentication: 58,
  unknownTopic: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
} as const;

/** What no waiting mends. */
const HOPELESS: readonly number[] = [
  KAFKA.authentication,
  KAFKA.saslAuthentication,
  KAFKA.ssl,
  KAFKA.topicAuthorization,
  KAFKA.groupAuthorization,
  KAFKA.clusterAuthorization,
  KAFKA.transactionalAuthorization,
];

/** Throws KAFKA where the library is missing, or was built without what the settings need. */
export async function loadRdkafka(settings: KafkaSettings): Promise<Rdkafka> {
  let rdkafka: Rdkafka;
  try {
    // It is CommonJS: what it exports is the default.
    rdkafka = ((await import('node-rdkafka')) as unknown as { default: Rdkafka }).default;
  } catch (cause) {
    throw new WindrowError(
      'KAFKA',
      'the Kafka client (node-rdkafka) is not installed: install libssl-dev, libsasl2-dev, libzstd-dev and zlib1g-dev, then run `npm rebuild node-rdkafka`',
      { cause },
    );
  }
  const needs: [string, boolean][] = [
    ['ssl', settings.tls !== undefined],
    ['sasl_scram', settings.sasl !== undefined && settings.sasl.mechanism !== 'plain'],
    ['zstd', settings.compression === 'zstd'],
  ];
  for (const [feature, isNeeded] of needs) {
    if (isNeeded && !rdkafka.features.includes(feature)) {
      throw new WindrowError(
        'KAFKA',
        `the Kafka client was built without ${feature}: install libssl-dev, libsasl2-dev, libzstd-dev and zlib1g-dev, then run \`npm rebuild node-rdkafka\`; it has ${rdkafka.features.join(', ')}`,
      );
    }
  }
  return rdkafka;
}

/** Settings of librdkafka that all clients have in common. */
export function clientConfig({ brokers, tls, sasl }: KafkaSettings): Record<string, string | number | boolean> {
  const config: Record<string, string | number | boolean> = {
    'client.id': 'windrow',
    'bootstrap.servers': brokers.join(','),
    'security.protocol': sasl ? (tls ? 'sasl_ssl' : 'sasl_plaintext') : tls ? 'ssl' : 'plaintext',
    'reconnect.backoff.ms': 100,
    'reconnect.backoff.max.ms': 1000,
    // Idle connections that a broker closes are no news.
    'log.connection.close': false,
  };
  if (tls?.ca !== undefined) config['ssl.ca.location'] = tls.ca;
  if (tls?.certificate !== undefined) config['ssl.certificate.location'] = tls.certificate;
  if (tls?.key !== undefined) config['ssl.key.location'] = tls.key;
  if (sasl) {
    config['sasl.mechanism'] = sasl.mechanism.toUpperCase();
    config['sasl.username'] = sasl.user;
    config['sasl.password'] = sasl.password;
  }
  return config;
}

/**
 * Of producers: a request is answered before the next one leaves. A broker that is about to lead a partition refuses the
 * first request of a producer, and may take those behind it: it does not know the producer yet, so any sequence number is
 * as good as another. The client (librdkafka 2.12) then takes the first for acknowledged with those that came after it: its
 * messages would be lost, and reported as delivered.
 */
export const ONE_BY_ONE = { 'max.in.flight.requests.per.connection': 1 } as const;

/** A fatal error ends a client, not what its owner does: those that no new client mends are denials. */
export function isHopeless(error: KafkaError): boolean {
  return HOPELESS.includes(error.code);
}

/** What brokers answer while they agree on who leads a partition: asked again, they know. */
const UNSETTLED: readonly number[] = [
  KAFKA.unknownTopic,
  KAFKA.leaderNotAvailable,
  KAFKA.notLeader,
  KAFKA.coordinatorLoading,
  KAFKA.coordinatorNotAvailable,
  KAFKA.notCoordinator,
];
const UNSETTLED_MS = 100;

/** Makes a call again while brokers are settling, for so long. Rejects with KafkaError. */
export async function settled<T>(timeoutMs: number, call: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + timeoutMs; ;) {
    try {
      return await call();
    } catch (error) {
      if (!UNSETTLED.includes((error as KafkaError).code) || Date.now() > deadline) throw error;
      await delay(UNSETTLED_MS);
    }
  }
}

/** One sentence for a person. */
export function kafkaFailure(settings: KafkaSettings, doing: string, error: KafkaError): WindrowError {
  const brokers = settings.brokers.join(',');
  const reason = error.message.replace(/^Local: /, '').replace(/^Broker: /, '');
  return new WindrowError('KAFKA', `Kafka at ${brokers}: ${doing}: ${reason}${hint(error)}`, {
    cause: error,
  });
}

/** No broker is connected. Events have this as text only. */
export function isDown({ code, message }: KafkaError): boolean {
  return code === KAFKA.allBrokersDown || /broker connections are down/i.test(message);
}

/** A failure of Kafka after which trying again may do. */
export function isPassing(error: unknown): boolean {
  return error instanceof WindrowError && error.code === 'KAFKA' && !isHopeless(error.cause as KafkaError);
}

function hint({ code }: KafkaError): string {
  if (code === KAFKA.authentication || code === KAFKA.saslAuthentication) {
    return ': look at --kafka-user, its password and --kafka-sasl';
  }
  if (code === KAFKA.ssl) return ': look at --kafka-ca, and whether the port is one for TLS';
  return '';
}

/** Of all clients: what connecting needs. */
interface Connectable {
  connect(options: { timeout: number }, done: (error: KafkaError | null) => void): unknown;
  on(event: 'event.log', listener: (log: { fac: string; message: string }) => void): unknown;
  removeListener(event: 'event.log', listener: (log: { fac: string; message: string }) => void): unknown;
}

/** The client does not listen while it asks, also not to who wants to end it: it asks again and again, longer each time. */
const LEAST_TRY_MS = 1000;

/**
 * Connects, for so long. The client's own error says only that there is no connection: why, stands in its log, and what
 * no waiting mends is told soon. Rejects with KAFKA.
 */
export async function connect(client: Connectable, settings: KafkaSettings): Promise<void> {
  let why: KafkaError | undefined;
  const listener = ({ fac, message }: { fac: string; message: string }): void => {
    if (fac === 'FAIL') why = causeOf(message);
  };
  client.on('event.log', listener);
  const deadline = Date.now() + settings.timeoutMs;
  try {
    for (let tryMs = LEAST_TRY_MS; ; tryMs *= 2) {
      const timeout = Math.max(1, Math.min(tryMs, deadline - Date.now()));
      const error = await failureOf((done) => client.connect({ timeout }, done));
      if (!error) return;
      const cause = why ?? error;
      if (isHopeless(cause) || error.code === KAFKA.state || Date.now() >= deadline) {
        throw kafkaFailure(settings, 'cannot be reached', {
          ...cause,
          message: cause.message + hintAtPort(settings, cause),
        });
      }
      await delay(UNSETTLED_MS);
    }
  } finally {
    client.removeListener('event.log', listener);
  }
}

function hintAtPort({ tls, sasl }: KafkaSettings, { code }: KafkaError): string {
  if (code === KAFKA.resolve) return ': is it running there?';
  if (code !== KAFKA.noBroker && code !== KAFKA.allBrokersDown && code !== KAFKA.timedOut) return '';
  const port = tls ? 'does the port speak TLS' : 'is the port one without TLS';
  return sasl ? `: ${port}?` : `: ${port}, and does it ask for no user?`;
}

function failureOf(call: (done: (error: KafkaError | null) => void) => void): Promise<KafkaError | null> {
  return new Promise((resolve) => call(resolve));
}

/** `[thrd:…]: host:port/id: what happened (after 3ms in state CONNECT)` */
const FAILED = /^(?:\[thrd:[^\]]*\]: )?(?:\S+\/\S+: )?(.*?)(?: \((?:after|in state) .*\))?$/s;

function causeOf(log: string): KafkaError {
  const message = FAILED.exec(log)?.[1] ?? log;
  if (/authentication|mechanism handshake failed: Broker:/i.test(message))
    return { code: KAFKA.authentication, message };
  // A handshake that is only broken off may be the end of a broker that comes back.
  if (/certificate|ssl handshake failed: error/i.test(message)) return { code: KAFKA.ssl, message };
  // Nobody is there to whom more could be said.
  if (/^(Connect to|Failed to resolve)/.test(message)) return { code: KAFKA.resolve, message };
  return { code: KAFKA.noBroker, message };
}

/** A call of the client that answers by a callback, as a promise. Rejects with KafkaError. */
export function called<T = void>(
  call: (done: (error: KafkaError | null | undefined, result: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- errors of the client are no Error
      if (error) reject(error);
      else resolve(result);
    });
  });
}

/** Ends a producer; resolves when it is gone, whatever the client says. */
export async function disconnectProducer(producer: InstanceType<Rdkafka['Producer']>): Promise<void> {
  if (!producer.isConnected()) return;
  // The client's own timer would poll it while another thread takes it away, which ends the process.
  producer.setPollInterval(0);
  await called((done) => producer.disconnect((error: KafkaError | null) => done(error))).catch(() => undefined);
}

/** The first offset of a partition, and the one behind its last. Rejects with KafkaError. */
export function watermarksOf(
  client: InstanceType<Rdkafka['KafkaConsumer']>,
  topic: string,
  partition: number,
  timeoutMs: number,
): Promise<{ lowOffset: number; highOffset: number }> {
  return settled(timeoutMs, () =>
    called((done) => {
      client.queryWatermarkOffsets(topic, partition, timeoutMs, done);
    }),
  );
}
