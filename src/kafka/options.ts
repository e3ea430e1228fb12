// How Kafka is reached: one table of options, and what a command line and the environment make of it.
import { WindrowError, systemReason } from '../base/errors.ts';
import type { OptionSpec } from '../base/options.ts';

export const KAFKA_COMPRESSIONS = ['zstd', 'lz4', 'none'] as const;
export const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

/** The environment's way to give the password; it is never on a command line, where everybody could read it. */
export const PASSWORD_VARIABLE = 'WINDROW_KAFKA_PASSWORD';

export const KAFKA_OPTIONS: readonly OptionSpec[] = [
  { flags: '--kafka <host:port,...>', doc: 'brokers to begin with', isList: true },
  { flags: '--kafka-prefix <text>', doc: 'what the names of all topics begin with', default: 'windrow.' },
  {
    flags: '--kafka-partitions <n>',
    doc: 'partitions of topics that are missing and are created',
    range: [1, 10_000],
    default: 12,
  },
  {
    flags: '--kafka-timeout <seconds>',
    doc: 'how long to wait for Kafka at the start',
    range: [1, 86_400],
    default: 30,
  },
  { flags: '--kafka-tls', doc: 'encrypt connections', default: false },
  {
    flags: '--kafka-ca <file>',
    doc: 'certificates of authorities that brokers are trusted by, PEM (default: the system)',
  },
  { flags: '--kafka-certificate <file>', doc: 'certificate of this client, PEM' },
  { flags: '--kafka-key <file>', doc: 'private key of this client, PEM' },
  { flags: '--kafka-sasl <mechanism>', doc: 'log in with a user and a password', choices: SASL_MECHANISMS },
  { flags: '--kafka-user <name>', doc: 'who logs in' },
  {
    flags: '--kafka-password-file <file>',
    doc: `a file whose first line is the password (or the environment: ${PASSWORD_VARIABLE})`,
  },
];

/** Of whoever sends. */
export const PRODUCER_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--kafka-compression <codec>',
    doc: 'how batches are compressed on their way',
    choices: KAFKA_COMPRESSIONS,
    default: 'zstd',
  },
];

/** Of the spool: bytes on disk, the age at which batches leave, and the size of its files. */
export const SPOOL_DEFAULTS = {
  maxBytes: 2 * 2 ** 30,
  maxAgeMs: 72 * 3_600_000,
  segmentBytes: 16 * 2 ** 20,
} as const;

/** Options as commander gives them. */
export interface KafkaFlags {
  readonly kafka?: readonly string[];
  readonly kafkaPrefix: string;
  readonly kafkaPartitions: number;
  readonly kafkaTimeout: number;
  readonly kafkaTls: boolean;
  readonly kafkaCa?: string;
  readonly kafkaCertificate?: string;
  readonly kafkaKey?: string;
  readonly kafkaSasl?: (typeof SASL_MECHANISMS)[number];
  readonly kafkaUser?: string;
  readonly kafkaPasswordFile?: string;
  readonly kafkaCompression?: (typeof KAFKA_COMPRESSIONS)[number];
}

/** Whole and checked. */
export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly prefix: string;
  readonly partitions: number;
  readonly timeoutMs: number;
  readonly compression: (typeof KAFKA_COMPRESSIONS)[number];
  /** Undefined: connections are not encrypted. */
  readonly tls: TlsSettings | undefined;
  /** Undefined: nobody logs in. */
  readonly sasl: SaslSettings | undefined;
}

export interface TlsSettings {
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

export interface SaslSettings {
  readonly mechanism: (typeof SASL_MECHANISMS)[number];
  readonly user: string;
  /** Not enumerable. */
  readonly password: string;
}

/** Legal characters of a topic's name (org.apache.kafka.common.internals.Topic), and room for what follows. */
const PREFIX = /^[A-Za-z0-9._-]{0,128}$/;
const BROKER = /^(\[[0-9a-fA-F:]+\]|[^\s:/,[\]]+):([0-9]{1,5})$/;

/** Where secrets come from. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The text of a file; throws a system error. */
  readonly readFile: (path: string) => string;
}

/** Throws USAGE. */
export function readKafkaSettings(flags: KafkaFlags, surroundings: Surroundings): KafkaSettings {
  const brokers = flags.kafka ?? [];
  for (const broker of brokers) {
    const port = Number(BROKER.exec(broker)?.[2]);
    if (!(port > 0 && port < 65_536)) {
      throw new WindrowError('USAGE', `--kafka ${broker}: expected HOST:PORT, such as localhost:9092`);
    }
  }
  if (!PREFIX.test(flags.kafkaPrefix)) {
    throw new WindrowError('USAGE', `--kafka-prefix ${flags.kafkaPrefix}: expected up to 128 of A-Z a-z 0-9 . _ -`);
  }
  return Object.freeze({
    brokers,
    prefix: flags.kafkaPrefix,
    partitions: flags.kafkaPartitions,
    timeoutMs: flags.kafkaTimeout * 1000,
    compression: flags.kafkaCompression ?? 'none',
    tls: readTls(flags),
    sasl: readSasl(flags, surroundings),
  });
}

function readTls(flags: KafkaFlags): TlsSettings | undefined {
  const { kafkaCa: ca, kafkaCertificate: certificate, kafkaKey: key } = flags;
  const given = [ca, certificate, key].some((file) => file !== undefined);
  if (given && !flags.kafkaTls) {
    throw new WindrowError('USAGE', '--kafka-ca, --kafka-certificate and --kafka-key need --kafka-tls');
  }
  if ((certificate === undefined) !== (key === undefined)) {
    throw new WindrowError('USAGE', '--kafka-certificate and --kafka-key are given together, or not at all');
  }
  return flags.kafkaTls ? { ca, certificate, key } : undefined;
}

function readSasl(flags: KafkaFlags, { environment, readFile }: Surroundings): SaslSettings | undefined {
  const { kafkaSasl: mechanism, kafkaUser: user, kafkaPasswordFile: file } = flags;
  if (mechanism === undefined) {
    if (user === undefined && file === undefined) return undefined;
    const given = user === undefined ? '--kafka-password-file' : '--kafka-user';
    throw new WindrowError('USAGE', `${given} needs --kafka-sasl (${SASL_MECHANISMS.join(', ')})`);
  }
  const password = file === undefined ? environment[PASSWORD_VARIABLE] : readPassword(file, readFile);
  if (!user) throw new WindrowError('USAGE', '--kafka-sasl needs --kafka-user');
  if (!password) {
    throw new WindrowError('USAGE', `--kafka-sasl needs a password: --kafka-password-file, or ${PASSWORD_VARIABLE}`);
  }
  // Settings may be printed or stored; this is not.
  return Object.freeze(Object.defineProperty({ mechanism, user, password }, 'password', { enumerable: false }));
}

function readPassword(file: string, readFile: (path: string) => string): string {
  try {
    return readFile(file).split(/\r?\n/, 1)[0];
  } catch (cause) {
    throw new WindrowError('USAGE', `--kafka-password-file ${file}: cannot be read: ${systemReason(cause)}`, { cause });
  }
}
