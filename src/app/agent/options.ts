// The options of `windrow agent`: one table, and what a command line makes of it.
import { WindrowError } from '../../base/errors.ts';
import { namesOf } from '../../base/options.ts';
import type { OptionNames, OptionSpec } from '../../base/options.ts';
import { STDOUT } from '../../base/standard.ts';
import { readNflogGroup } from '../../capture/nflog_groups.ts';
import type { NflogAction, NflogGroup } from '../../capture/nflog_groups.ts';
import type { PacketFilter } from '../../capture/packet_filter.ts';
import type { Side } from '../../capture/ring.ts';
import type { FlowLogName } from '../../flowlog/batch.ts';
import type { LineFormat } from '../../flowlog/line_format.ts';
import { KAFKA_OPTIONS, PRODUCER_OPTIONS, SPOOL_DEFAULTS } from '../../kafka/options.ts';
import type { Surroundings } from '../../kafka/options.ts';
import { FLOW_LOGS_OPTION, checkWindow } from '../flow_logs/collecting_options.ts';
import { readDeclared } from '../flow_logs/declared.ts';
import type { DeclaredFlowLog } from '../flow_logs/declared.ts';
import { AGENT_FORMAT_OPTIONS, readLinesOf } from '../format_options.ts';
import type { LINE_FORMATS, LineFormatFlags } from '../format_options.ts';
import { NETWORK_OPTION, readNetworked } from '../networked_options.ts';
import type { Networked, NetworkedFlags } from '../networked_options.ts';
import { COUNTING_OPTIONS, readCounting } from '../counting_options.ts';
import { FILE_OPTIONS, flowLogOptions, readFlowLog, readWay } from '../replay_options.ts';
import type { Counting, CountingFlags } from '../counting_options.ts';
import type { FlowLogFlags, Way, WayFlags } from '../replay_options.ts';
import type { FlowLogsOptions } from './flow_logs.ts';
import { ROTATE_OPTION } from '../sink_options.ts';
import { METRICS_OPTION, readMetricsAddress } from '../status_options.ts';
import type { ListenAddress } from '../status_options.ts';

export const SIDES = ['self', 'peer'] as const satisfies readonly Side[];
export const CAPTURES = ['ring', 'libpcap'] as const;
export type CaptureMethod = (typeof CAPTURES)[number];
export const LOG_FORMATS = ['text', 'json'] as const;

const MIB = 2 ** 20;
const HOUR_MS = 3_600_000;
/** In the folder of an agent's state; by default where `windrow flowlog` has them by default. */
const FLOW_LOGS_FILE = 'flow-logs.json';

/** Where the others are read from; they stand on the command line only. */
const CONFIG_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--config <file>',
    doc: 'options from a YAML file, where they have the same names; those on the command line win',
  },
  { flags: '--check', doc: 'say whether the configuration is right, and all that is wrong with it', default: false },
  { flags: '--dump', doc: 'print the configuration as a file, with defaults and command line in it', default: false },
];

export const AGENT_OPTIONS: readonly OptionSpec[] = [
  ...CONFIG_OPTIONS,
  {
    flags: '--interface <name,...>',
    doc: 'where to capture; * and ? stand for any characters and for one, and mean interfaces that come later as well',
    isList: true,
    default: [],
  },
  {
    flags: '--side <side>',
    doc: 'self: what the host receives there is received; peer: it was sent, as at the host’s end of a guest’s interface',
    choices: SIDES,
    default: 'self',
  },
  {
    flags: '--capture <method>',
    doc: 'ring: memory that the kernel shares; libpcap: a process of npm’s cap for each interface, which knows less',
    choices: CAPTURES,
    default: 'ring',
  },
  {
    flags: '--filter <expression>',
    doc: 'only packets for which it holds are captured; as of tcpdump (pcap-filter(7)), by libpcap',
  },
  {
    flags: '--ring-memory <mib>',
    doc: 'memory of the rings of an interface, which the workers share: how much may come while they are busy',
    range: [1, 4096],
    default: 32,
  },
  {
    flags: '--nflog <group[=action],...>',
    doc: 'groups of NFLOG by which the firewall tells what became of packets: ACCEPT, REJECT, or what the prefix begins with',
    isList: true,
    default: [],
  },
  ...COUNTING_OPTIONS,
  NETWORK_OPTION,
  FLOW_LOGS_OPTION,
  ...AGENT_FORMAT_OPTIONS,
  { flags: '--output <path>', doc: 'where entries go; - is standard output', default: STDOUT },
  { flags: '--out <directory>', doc: 'where entries go instead, as a tree of files by project, logstore and hour' },
  ...FILE_OPTIONS,
  ROTATE_OPTION,
  {
    flags: '--state <directory>',
    doc: 'what the agent keeps from one life to the next: its name, what it had not logged yet, and the spool',
    default: '/var/lib/windrow',
  },
  {
    flags: '--spool-mib <n>',
    doc: 'what the spool may have on disk while Kafka cannot be reached; then the oldest batches go, and SKIPDATA says so',
    range: [1, 2 ** 24],
    default: SPOOL_DEFAULTS.maxBytes / MIB,
  },
  {
    flags: '--spool-hours <n>',
    doc: 'batches that have waited in the spool for so long go as well',
    range: [1, 100_000],
    default: SPOOL_DEFAULTS.maxAgeMs / HOUR_MS,
  },
  { flags: '--workers <n>', doc: 'threads that read and count', range: [1, 256], default: 1 },
  {
    flags: '--user <name>',
    doc: 'whom the agent becomes that root starts; of what root may it keeps CAP_NET_RAW alone',
  },
  METRICS_OPTION,
  {
    flags: '--log <format>',
    doc: 'what standard error says: text for people, or a JSON object a line (default: text on a terminal, else json)',
    choices: LOG_FORMATS,
  },
  { flags: '--quiet', doc: 'say nothing on standard error but errors', default: false },
  ...flowLogOptions('agent'),
  ...KAFKA_OPTIONS,
  ...PRODUCER_OPTIONS,
];

/** The key of files that `--interface` is: it holds more. */
export const INTERFACES = 'interfaces';
export const NFLOG = 'nflog';
export const FLOW_LOGS = 'flow-logs';
export const NETWORK = 'network';

export interface ConfigKey extends OptionNames {
  readonly spec: OptionSpec;
}

/** What a file may hold, in the order of the table. */
export const CONFIG_KEYS: readonly ConfigKey[] = AGENT_OPTIONS.filter((spec) => !CONFIG_OPTIONS.includes(spec)).map(
  (spec) => {
    const names = namesOf(spec);
    return { ...names, key: names.attribute === 'interface' ? INTERFACES : names.key, spec };
  },
);

/** A name or a pattern; files may say more of it. */
export type InterfaceItem =
  | string
  | {
      readonly name: string;
      /** Of interfaces of that name or pattern, instead of the general one. */
      readonly side?: Side;
      /** Of an interface with a plain name. */
      readonly eni?: string;
    };

/** A group as on the command line; or as files may write it. */
export type NflogItem = string | number | { readonly group: number; readonly action?: NflogAction };

export interface AgentFlags extends CountingFlags, NetworkedFlags, FlowLogFlags, WayFlags, LineFormatFlags {
  readonly format: (typeof LINE_FORMATS)[number];
  readonly config?: string;
  readonly check: boolean;
  readonly dump: boolean;
  readonly interface: readonly InterfaceItem[];
  readonly side: Side;
  readonly capture: CaptureMethod;
  readonly filter?: string;
  readonly ringMemory: number;
  readonly nflog: readonly NflogItem[];
  /** A file that `windrow flowlog` keeps, or what is to be in that of the state. */
  readonly flowLogs?: string | readonly DeclaredFlowLog[];
  readonly rotateSeconds: number;
  readonly state: string;
  readonly spoolMib: number;
  readonly spoolHours: number;
  readonly workers: number;
  readonly user?: string;
  readonly metrics: string;
  readonly log?: (typeof LOG_FORMATS)[number];
  readonly quiet: boolean;
}

/** The first whose pattern an interface's name matches counts. */
export interface WantedInterfaces {
  /** A name, or a pattern of names. */
  readonly pattern: string;
  readonly side: Side;
}

/** Whole and checked. */
export interface AgentOptions extends Counting, Networked {
  readonly interfaces: readonly WantedInterfaces[];
  readonly capture: CaptureMethod;
  /** Undefined: all packets are captured. */
  readonly filter: PacketFilter | undefined;
  /** Of all rings of an interface. */
  readonly ringBytes: number;
  /** None: nobody tells what became of packets. */
  readonly nflog: readonly NflogGroup[];
  /** Undefined: one flow log takes everything. */
  readonly flowLogs: FlowLogsOptions | undefined;
  readonly way: Way;
  /** Of lines, where entries go that way. */
  readonly lines: LineFormat;
  readonly rotateMs: number;
  readonly state: string;
  readonly spool: { readonly maxBytes: number; readonly maxAgeMs: number };
  readonly flowLog: FlowLogName;
  readonly workers: number;
  /** Undefined: whoever starts it. */
  readonly user: string | undefined;
  readonly metrics: ListenAddress | undefined;
  readonly log: (typeof LOG_FORMATS)[number];
  readonly isQuiet: boolean;
}

export interface AgentSurroundings extends Surroundings {
  /** Standard error is. */
  readonly isTerminal: boolean;
  /** Throws USAGE, and INPUT_REFUSED where there is nothing to compile it by. */
  readonly filterOf: (expression: string, capture: CaptureMethod) => PacketFilter;
}

/** Throws USAGE, and what `filterOf` throws. */
export function readAgentOptions(
  flags: AgentFlags,
  { isTerminal, filterOf, ...surroundings }: AgentSurroundings,
): AgentOptions {
  if (flags.interface.length === 0) {
    throw new WindrowError('USAGE', '--interface NAME,... is missing: where to capture; `windrow doctor` lists them');
  }
  if (flags.nflog.length > 0 && flags.capture === 'libpcap') {
    throw new WindrowError('USAGE', '--nflog goes with rings: take --capture libpcap away');
  }
  const eni = enisOf(flags);
  const flowLogs = readFlowLogs(flags);
  const counted = { ...flags, eni, ...(flowLogs && { window: SHORTEST_SECONDS }) };
  const counting = readNetworked(counted, readCounting(counted), surroundings);
  if (flags.workers > 1 && counting.locality.native.eniOfMac.length > 0) {
    throw new WindrowError('USAGE', `--workers ${flags.workers}: ENIs that are named by a MAC need one worker`);
  }
  const way = readWay(flags, surroundings);
  return Object.freeze({
    ...counting,
    interfaces: flags.interface.map((item) =>
      typeof item === 'string'
        ? { pattern: item, side: flags.side }
        : { pattern: item.name, side: item.side ?? flags.side },
    ),
    capture: flags.capture,
    filter: flags.filter === undefined ? undefined : filterOf(flags.filter, flags.capture),
    ringBytes: flags.ringMemory * MIB,
    nflog: readNflog(flags.nflog),
    flowLogs,
    way,
    lines: readLinesOf(way.to === 'lines', flags.format, flags, counting.locality.enis, counting.network?.ruleNames),
    rotateMs: flags.rotateSeconds * 1000,
    state: flags.state,
    spool: { maxBytes: flags.spoolMib * MIB, maxAgeMs: flags.spoolHours * HOUR_MS },
    flowLog: readFlowLog(flags),
    workers: flags.workers,
    user: flags.user,
    metrics: readMetricsAddress(flags.metrics),
    log: flags.log ?? (isTerminal ? 'text' : 'json'),
    isQuiet: flags.quiet,
  });
}

/** Windows of flow logs, of which any may be there tomorrow. */
const SHORTEST_SECONDS = 60;

function readFlowLogs({ flowLogs, window, state }: AgentFlags): FlowLogsOptions | undefined {
  if (flowLogs === undefined) return undefined;
  checkWindow(window);
  if (typeof flowLogs === 'string') return { file: flowLogs, declared: undefined };
  return { file: `${state}/${FLOW_LOGS_FILE}`, declared: readDeclared(flowLogs) };
}

function readNflog(items: readonly NflogItem[]): NflogGroup[] {
  const groups = items.map((item) =>
    typeof item === 'object' ? { group: item.group, action: item.action } : readNflogGroup(String(item)),
  );
  const twice = groups.find(({ group }, i) => groups.findIndex((other) => other.group === group) < i);
  if (twice) throw new WindrowError('USAGE', `--nflog: group ${twice.group} stands there twice: take one of them away`);
  return groups;
}

/** As `--eni` has them, those that interfaces are given in a file among them. */
export function enisOf(flags: Pick<AgentFlags, 'eni' | 'interface'>): readonly string[] {
  const named = flags.interface.flatMap((item) =>
    typeof item === 'string' || item.eni === undefined ? [] : [`${item.eni}=${item.name}`],
  );
  return [...flags.eni, ...named];
}
