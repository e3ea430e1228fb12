// The options of `windrow replay`: one table, and what a command line makes of it.
import { WindrowError } from '../base/errors.ts';
import type { OptionSpec } from '../base/options.ts';
import { STDIN, STDOUT } from '../base/standard.ts';
import type { FlowLogName } from '../flowlog/batch.ts';
import type { FlowLog } from '../flowlog/flow_log.ts';
import type { LineFormat } from '../flowlog/line_format.ts';
import { KAFKA_OPTIONS, PRODUCER_OPTIONS, readKafkaSettings } from '../kafka/options.ts';
import type { KafkaFlags, KafkaSettings, Surroundings } from '../kafka/options.ts';
import { COMPRESSIONS } from '../sink/compressions.ts';
import type { Compression } from '../sink/compressions.ts';
import { COUNTING_OPTIONS, readCounting, windowSecondsOf } from './counting_options.ts';
import type { CountingFlags, Counting } from './counting_options.ts';
import { FLOW_LOGS_OPTION, readFlowLogs, shortestSeconds } from './flow_logs/collecting_options.ts';
import type { CollectingFlags } from './flow_logs/collecting_options.ts';
import { REPLAY_FORMAT_OPTIONS, readLinesOf } from './format_options.ts';
import type { LINE_FORMATS, LineFormatFlags } from './format_options.ts';
import { NETWORK_OPTION, readNetworked } from './networked_options.ts';
import type { Networked, NetworkedFlags } from './networked_options.ts';

/** What tells packets from packets; `replay` and `verify` share it. */
/** How a sink's files end. */
export const FILE_OPTIONS: readonly OptionSpec[] = [
  { flags: '--compress <method>', doc: 'compress what is written, block by block', choices: COMPRESSIONS },
  {
    flags: '--rotate-bytes <n>',
    doc: 'a file of a tree ends when it has so many bytes',
    range: [1 << 16, 2 ** 40],
    default: 256 << 20,
  },
];

/** Whose entries they are: where a sink files them. */
export function flowLogOptions(name: string): readonly OptionSpec[] {
  return [
    {
      flags: '--project <name>',
      doc: 'project that entries are filed under, with --out or --kafka',
      default: 'windrow',
    },
    { flags: '--logstore <name>', doc: 'logstore that entries are filed under', default: 'flow-logs' },
    { flags: '--flow-log <name>', doc: 'name of the flow log that entries are of', default: name },
  ];
}

const AGAIN_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--again',
    doc: 'add entries that were replayed before once more; else a replay that is run twice, or was killed, adds nothing twice',
    default: false,
  },
];

export const REPLAY_OPTIONS: readonly OptionSpec[] = [
  ...COUNTING_OPTIONS,
  NETWORK_OPTION,
  FLOW_LOGS_OPTION,
  ...REPLAY_FORMAT_OPTIONS,
  { flags: '--output <path>', doc: 'where entries go; - is standard output', default: STDOUT },
  { flags: '--out <directory>', doc: 'where entries go instead, as a tree of files by project, logstore and hour' },
  ...FILE_OPTIONS,
  { flags: '--accounting <file>', doc: 'write what was seen, logged and excluded, as JSON' },
  {
    flags: '--workers <n>',
    doc: 'threads that read and count; the output is the same for any number (default: the cores, fewer for small files)',
    range: [1, 256],
  },
  { flags: '--quiet', doc: 'say nothing on standard error but errors', default: false },
  ...flowLogOptions('replay'),
  ...AGAIN_OPTIONS,
  ...KAFKA_OPTIONS,
  ...PRODUCER_OPTIONS,
];

export const VERIFY_OPTIONS: readonly OptionSpec[] = [
  ...COUNTING_OPTIONS,
  NETWORK_OPTION,
  { flags: '--quiet', doc: 'say nothing but differences', default: false },
];

export interface FlowLogFlags {
  readonly project: string;
  readonly logstore: string;
  readonly flowLog: string;
}

/** By which entries go. */
export interface WayFlags extends KafkaFlags {
  readonly output: string;
  readonly out?: string;
  readonly compress?: Compression;
  readonly rotateBytes: number;
}

export interface ReplayFlags
  extends CountingFlags, NetworkedFlags, CollectingFlags, FlowLogFlags, WayFlags, LineFormatFlags {
  readonly format?: (typeof LINE_FORMATS)[number] | 'table';
  readonly again: boolean;
  readonly accounting?: string;
  readonly workers?: number;
  readonly quiet: boolean;
}

export interface VerifyFlags extends CountingFlags, NetworkedFlags {
  readonly quiet: boolean;
}

/** Whole and checked. */
export interface ReplayOptions extends Counting, Networked {
  readonly paths: readonly string[];
  /** That entries are of where there are no others. */
  readonly flowLog: FlowLogName;
  /** Undefined: one takes everything. */
  readonly flowLogs: readonly FlowLog[] | undefined;
  readonly format: 'lines' | 'table';
  /** Undefined: there are none. */
  readonly lines: LineFormat | undefined;
  readonly delivery: Delivery;
  readonly accounting: string | undefined;
  /** Undefined: as many as there is work for. */
  readonly workers: number | undefined;
  readonly quiet: boolean;
}

/** By which way entries go. */
export type Way = LinesWay | TreeWay | KafkaWay;

export interface LinesWay {
  readonly to: 'lines';
  readonly output: string;
  readonly compress: Compression | undefined;
}

export interface TreeWay {
  readonly to: 'tree';
  readonly root: string;
  readonly compress: Compression | undefined;
  readonly rotateBytes: number;
}

export interface KafkaWay {
  readonly to: 'kafka';
  readonly settings: KafkaSettings;
}

/** Where entries go. */
export type Delivery = LinesWay | ((TreeWay | KafkaWay) & Filed);

/** What batches are known by. */
export interface Filed {
  /** All options that change entries or where they are filed, as a text. */
  readonly identity: string;
  readonly isAgain: boolean;
}

/** Throws USAGE. */
export function readReplayOptions(
  paths: readonly string[],
  flags: ReplayFlags,
  { isTerminal, ...surroundings }: Surroundings & { readonly isTerminal: boolean },
): ReplayOptions {
  if (paths.filter((path) => path === STDIN).length > 1) {
    throw new WindrowError('USAGE', 'standard input (-) can be read once only');
  }
  const flowLogs = readFlowLogs(flags, surroundings);
  const counted = flowLogs ? { ...flags, window: shortestSeconds(flowLogs) } : flags;
  const networked = readNetworked(flags, readCounting(counted), surroundings);
  const delivery = readDelivery(counted, { ...networked, flowLogs }, surroundings);
  const isPlain = delivery.to === 'lines' && delivery.output === STDOUT;
  if (flags.format === 'table' && (flags.awsFields !== undefined || flags.extended)) {
    throw new WindrowError(
      'USAGE',
      '--format table has no lines: --aws-fields goes with --format aws, --extended with json',
    );
  }
  const format =
    flags.format ?? (isTerminal && isPlain && flags.awsFields === undefined && !flags.extended ? 'table' : 'json');
  return Object.freeze({
    ...networked,
    paths,
    flowLog: readFlowLog(flags),
    flowLogs,
    format: format === 'table' ? 'table' : 'lines',
    lines:
      format === 'table'
        ? undefined
        : readLinesOf(delivery.to === 'lines', format, flags, networked.locality.enis, networked.network?.ruleNames),
    delivery,
    accounting: flags.accounting,
    workers: flags.workers,
    quiet: flags.quiet,
  });
}

type Told = Pick<ReplayOptions, 'networkText' | 'flowLogs'>;

function readDelivery(flags: ReplayFlags, told: Told, surroundings: Surroundings): Delivery {
  const way = readWay(flags, surroundings);
  return way.to === 'lines' ? way : { ...way, ...readFiled(flags, told) };
}

/** Throws USAGE. */
export function readWay(flags: WayFlags, surroundings: Surroundings): Way {
  const ways = [
    flags.output === STDOUT ? '' : '--output',
    flags.out === undefined ? '' : '--out',
    flags.kafka ? '--kafka' : '',
  ];
  const given = ways.filter(Boolean);
  if (given.length > 1)
    throw new WindrowError('USAGE', `${given.join(' and ')}: entries go one way; choose one of them`);
  const { output, out, compress, rotateBytes } = flags;
  if (flags.kafka) {
    if (compress) throw new WindrowError('USAGE', '--compress is for files; batches have --kafka-compression');
    return { to: 'kafka', settings: readKafkaSettings(flags, surroundings) };
  }
  if (out !== undefined) return { to: 'tree', root: rootOf(out), compress, rotateBytes };
  return { to: 'lines', output, compress };
}

/** Throws USAGE. */
export function rootOf(out: string): string {
  if (out !== '' && out !== STDOUT) return out;
  throw new WindrowError('USAGE', `--out ${JSON.stringify(out)}: expected a directory; it is made where it is missing`);
}

const MOST_NAME = 128;

function readFiled(flags: ReplayFlags, { networkText, flowLogs }: Told): Filed {
  if (flags.format === 'table') {
    throw new WindrowError('USAGE', '--format table is for people to read, and goes to --output only');
  }
  const flowLog = readFlowLog(flags);
  const { lateness, decapsulate, local, eni, maxFlows } = flags;
  const counted = [windowSecondsOf(flags), lateness, decapsulate, local, eni, maxFlows, flowLog];
  // Batches with reasons are others, and end elsewhere.
  const told = [networkText, flowLogs, flags.extended || undefined].filter((one) => one !== undefined);
  return { identity: JSON.stringify([...counted, ...told]), isAgain: flags.again };
}

/** Throws USAGE. */
export function readFlowLog(flags: FlowLogFlags): FlowLogName {
  const flowLog = { name: flags.flowLog, project: flags.project, logstore: flags.logstore };
  for (const [key, name] of Object.entries(flowLog)) {
    if (name === '' || Buffer.byteLength(name) > MOST_NAME) {
      const flag = key === 'name' ? 'flow-log' : key;
      throw new WindrowError(
        'USAGE',
        `--${flag}: expected a name of 1 to ${MOST_NAME} bytes, found ${Buffer.byteLength(name)}`,
      );
    }
  }
  return flowLog;
}
