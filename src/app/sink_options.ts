// The options of `windrow sink`: one table, and what a command line makes of it.
import { WindrowError } from '../base/errors.ts';
import type { OptionSpec } from '../base/options.ts';
import { KAFKA_OPTIONS, readKafkaSettings } from '../kafka/options.ts';
import type { KafkaFlags, KafkaSettings, Surroundings } from '../kafka/options.ts';
import { deadLettersTopic, entriesTopic, sinkStateTopic } from '../kafka/topics.ts';
import type { Compression } from '../sink/compressions.ts';
import { FILE_OPTIONS, rootOf } from './replay_options.ts';
import { METRICS_OPTION, readMetricsAddress } from './status_options.ts';
import type { ListenAddress } from './status_options.ts';

export const ROTATE_OPTION = {
  flags: '--rotate-seconds <n>',
  doc: 'files end, and their entries are there to read, after so long at most',
  range: [1, 86_400],
  default: 60,
} as const satisfies OptionSpec;

export const SINK_OPTIONS: readonly OptionSpec[] = [
  { flags: '--out <directory>', doc: 'root of the tree that entries are written to' },
  {
    flags: '--to <target>',
    doc: 'tree: files below --out; stdout: lines; kafka:TOPIC: each entry a message of JSON',
    default: 'tree',
  },
  {
    flags: '--group <name>',
    doc: 'sinks of one group share the work, and write each entry once',
    default: 'windrow-sink',
  },
  ...FILE_OPTIONS,
  ROTATE_OPTION,
  { flags: '--drain', doc: 'write what is in the topic now, and end', default: false },
  METRICS_OPTION,
  { flags: '--quiet', doc: 'say nothing on standard error but errors', default: false },
  ...KAFKA_OPTIONS,
  {
    flags: '--check',
    doc: 'look at trees instead: what they hold by partition and offset, gaps and overlaps',
    default: false,
  },
  { flags: '--json', doc: 'with --check: for machines', default: false },
];

export interface SinkFlags extends KafkaFlags {
  readonly out?: string;
  readonly to: string;
  readonly group: string;
  readonly compress?: Compression;
  readonly rotateBytes: number;
  readonly rotateSeconds: number;
  readonly drain: boolean;
  readonly metrics: string;
  readonly quiet: boolean;
  readonly check: boolean;
  readonly json: boolean;
}

export type SinkTarget =
  | {
      readonly to: 'tree';
      readonly root: string;
      readonly compress: Compression | undefined;
      readonly rotateBytes: number;
    }
  | { readonly to: 'stdout' }
  | { readonly to: 'kafka'; readonly topic: string };

/** Whole and checked. */
export interface SinkOptions {
  readonly kafka: KafkaSettings;
  readonly group: string;
  readonly target: SinkTarget;
  readonly rotateMs: number;
  readonly isDraining: boolean;
  readonly metrics: ListenAddress | undefined;
  readonly quiet: boolean;
}

/** Of groups, which become part of a topic's name, and of topics. */
const NAME = /^[A-Za-z0-9._-]{1,100}$/;

/** Throws USAGE. */
export function readSinkOptions(flags: SinkFlags, surroundings: Surroundings): SinkOptions {
  if (!flags.kafka) throw new WindrowError('USAGE', '--kafka HOST:PORT,... is missing: a sink reads from Kafka');
  if (!NAME.test(flags.group)) {
    throw new WindrowError('USAGE', `--group ${flags.group}: expected 1 to 100 of A-Z a-z 0-9 . _ -`);
  }
  const kafka = readKafkaSettings(flags, surroundings);
  const target = readTarget(flags);
  const own = [entriesTopic(kafka.prefix), deadLettersTopic(kafka.prefix), sinkStateTopic(kafka.prefix, flags.group)];
  if (target.to === 'kafka' && own.includes(target.topic)) {
    throw new WindrowError('USAGE', `--to ${flags.to}: this topic has a use of its own; choose another one`);
  }
  return Object.freeze({
    kafka,
    group: flags.group,
    target,
    rotateMs: flags.rotateSeconds * 1000,
    isDraining: flags.drain,
    metrics: readMetricsAddress(flags.metrics),
    quiet: flags.quiet,
  });
}

function readTarget({ to, out, compress, rotateBytes }: SinkFlags): SinkTarget {
  if (to === 'tree') {
    if (out === undefined) throw new WindrowError('USAGE', '--out DIRECTORY is missing: where entries are written');
    return { to, root: rootOf(out), compress, rotateBytes };
  }
  if (out !== undefined || compress)
    throw new WindrowError('USAGE', `--out and --compress are for files, not --to ${to}`);
  if (to === 'stdout') return { to };
  const topic = to.startsWith('kafka:') ? to.slice('kafka:'.length) : '';
  if (!NAME.test(topic)) throw new WindrowError('USAGE', `--to ${to}: expected tree, stdout or kafka:TOPIC`);
  return { to: 'kafka', topic };
}
