// The options of `windrow flowlog` and its commands: tables, and what a command line makes of them.
import { WindrowError } from '../../base/errors.ts';
import type { OptionSpec } from '../../base/options.ts';
import {
  AGGREGATION_INTERVALS,
  ALL_PATHS,
  IP_VERSIONS,
  RESOURCE_TYPES,
  TRAFFIC_PATH_NAMES,
  TRAFFIC_TYPES,
  faultOf,
  oneOf,
} from '../../flowlog/flow_log.ts';
import type { FlowLogFields } from '../../flowlog/flow_log.ts';

/** Of all commands. */
export const STATE_OPTIONS: readonly OptionSpec[] = [
  { flags: '--state <file>', doc: 'where flow logs are kept', default: '/var/lib/windrow/flow-logs.json' },
  { flags: '--json', doc: 'for machines: a list is an array, what else there is an object', default: false },
];

const NAME: OptionSpec = { flags: '--name <name>', doc: 'by which it is known; no other has the same' };
const RESOURCE: readonly OptionSpec[] = [
  { flags: '--resource-type <type>', doc: `where traffic is collected: ${RESOURCE_TYPES.join(', ')}` },
  { flags: '--resource-id <id>', doc: 'of the ENI, or of the vSwitch or the VPC of which all ENIs are meant' },
];
const SETTINGS = [
  { flags: '--description <text>', doc: 'what it is for' },
  {
    flags: '--traffic-type <type>',
    doc: `all traffic, or what security groups and ACLs allow or drop: ${TRAFFIC_TYPES.join(', ')}`,
  },
  { flags: '--ip-version <version>', doc: `without IPv6, or with it: ${IP_VERSIONS.join(', ')}` },
  {
    flags: '--aggregation-interval <minutes>',
    doc: 'length of a capture window: 1, 5, 10; of several flow logs on an ENI the shortest counts for all',
  },
  {
    flags: '--traffic-path <path,...>',
    doc: `traffic of which paths: ${ALL_PATHS}, or some of ${TRAFFIC_PATH_NAMES.join(', ')}`,
    isList: true,
  },
  { flags: '--project <name>', doc: 'project that entries are filed under' },
  { flags: '--logstore <name>', doc: 'logstore that entries are filed under' },
  { flags: '--tag <key=value,...>', doc: 'tags to have', isList: true },
] as const satisfies readonly OptionSpec[];

/** What a flow log is where nobody says otherwise. */
export const FLOW_LOG_DEFAULTS = {
  trafficType: 'All',
  ipVersion: 'IPv4',
  aggregationInterval: 10,
  trafficPaths: [ALL_PATHS],
  project: 'windrow',
  logstore: 'flow-logs',
  tags: {},
} as const;

const SHOWN_DEFAULTS: Readonly<Partial<Record<(typeof SETTINGS)[number]['flags'], string>>> = {
  '--traffic-type <type>': FLOW_LOG_DEFAULTS.trafficType,
  '--ip-version <version>': FLOW_LOG_DEFAULTS.ipVersion,
  '--aggregation-interval <minutes>': `${FLOW_LOG_DEFAULTS.aggregationInterval}`,
  '--project <name>': FLOW_LOG_DEFAULTS.project,
  '--logstore <name>': FLOW_LOG_DEFAULTS.logstore,
};

export const CREATE_OPTIONS: readonly OptionSpec[] = [
  NAME,
  ...RESOURCE,
  ...SETTINGS.map((spec): OptionSpec => {
    const value = SHOWN_DEFAULTS[spec.flags];
    return value === undefined ? spec : { ...spec, default: value };
  }),
  { flags: '--quota <n>', doc: 'so many flow logs there may be from now on; at first 10', range: [1, 100_000] },
];

export const MODIFY_OPTIONS: readonly OptionSpec[] = [
  { ...NAME, doc: 'another name' },
  ...SETTINGS,
  { flags: '--untag <key,...>', doc: 'tags to have no more', isList: true },
];

export interface StateFlags {
  readonly state: string;
  readonly json: boolean;
}

export interface SettingFlags {
  readonly name?: string;
  readonly description?: string;
  readonly trafficType?: string;
  readonly ipVersion?: string;
  readonly aggregationInterval?: string;
  readonly trafficPath?: readonly string[];
  readonly project?: string;
  readonly logstore?: string;
  readonly tag?: readonly string[];
}

export interface CreateFlags extends StateFlags, SettingFlags {
  readonly resourceType?: string;
  readonly resourceId?: string;
  readonly quota?: number;
}

export interface ModifyFlags extends StateFlags, SettingFlags {
  readonly untag?: readonly string[];
}

export const FLAG_OF: Readonly<Record<keyof FlowLogFields, string>> = {
  name: '--name',
  description: '--description',
  resourceType: '--resource-type',
  resourceId: '--resource-id',
  trafficType: '--traffic-type',
  ipVersion: '--ip-version',
  aggregationInterval: '--aggregation-interval',
  trafficPaths: '--traffic-path',
  project: '--project',
  logstore: '--logstore',
  tags: '--tag',
};

/** Throws USAGE. */
export function readCreated(flags: CreateFlags): FlowLogFields {
  const { name, resourceType, resourceId } = flags;
  if (name === undefined) throw missing('--name NAME', 'by which it is known');
  if (resourceType === undefined) throw missing('--resource-type TYPE', `one of ${RESOURCE_TYPES.join(', ')}`);
  if (resourceId === undefined) throw missing('--resource-id ID', 'of the ENI, the vSwitch or the VPC');
  const type = oneOf(resourceType, RESOURCE_TYPES, FLAG_OF.resourceType);
  return checked({
    name,
    description: '',
    resourceType: type,
    resourceId,
    ...FLOW_LOG_DEFAULTS,
    ...readSettings(flags),
  });
}

/** Throws USAGE, also where nothing is to be changed. */
export function readModified<T extends FlowLogFields>(before: T, flags: ModifyFlags): T {
  const settings = readSettings(flags);
  const untag = flags.untag ?? [];
  if (Object.keys(settings).length === 0 && untag.length === 0) {
    throw new WindrowError('USAGE', 'expected what to change, found nothing: windrow flowlog modify --help names it');
  }
  const unknown = untag.find((key) => !Object.hasOwn(before.tags, key));
  if (unknown !== undefined) {
    throw new WindrowError('USAGE', `--untag ${unknown}: ${before.name} has no such tag; it has ${tagsOf(before)}`);
  }
  const kept = Object.entries({ ...before.tags, ...settings.tags }).filter(([key]) => !untag.includes(key));
  return checked({ ...before, ...settings, tags: Object.fromEntries(kept) });
}

type Settings = { -readonly [K in keyof FlowLogFields]?: FlowLogFields[K] };

function readSettings(flags: SettingFlags): Settings {
  const settings: Settings = {};
  const { name, description, project, logstore } = flags;
  for (const [key, value] of Object.entries({ name, description, project, logstore })) {
    if (value !== undefined) settings[key as 'name' | 'description' | 'project' | 'logstore'] = value;
  }
  const { trafficType, ipVersion, aggregationInterval, trafficPath, tag } = flags;
  if (trafficType !== undefined) settings.trafficType = oneOf(trafficType, TRAFFIC_TYPES, FLAG_OF.trafficType);
  if (ipVersion !== undefined) settings.ipVersion = oneOf(ipVersion, IP_VERSIONS, FLAG_OF.ipVersion);
  if (aggregationInterval !== undefined) {
    const minutes = oneOf(aggregationInterval, AGGREGATION_INTERVALS.map(String), FLAG_OF.aggregationInterval);
    settings.aggregationInterval = AGGREGATION_INTERVALS.find((one) => String(one) === minutes)!;
  }
  const paths = [ALL_PATHS, ...TRAFFIC_PATH_NAMES] as const;
  if (trafficPath) settings.trafficPaths = trafficPath.map((path) => oneOf(path, paths, FLAG_OF.trafficPaths));
  if (tag) settings.tags = Object.fromEntries(tag.map(readTag));
  return settings;
}

function readTag(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw new WindrowError('USAGE', `--tag ${text.slice(0, 40)}: expected KEY=VALUE`);
}

function tagsOf({ tags }: FlowLogFields): string {
  return Object.keys(tags).join(', ') || 'none';
}

function checked<T extends FlowLogFields>(fields: T): T {
  const fault = faultOf(fields);
  if (fault) throw new WindrowError('USAGE', `${FLAG_OF[fault.field]}: ${fault.text}`);
  return fields;
}

function missing(option: string, what: string): WindrowError {
  return new WindrowError('USAGE', `${option} is missing: ${what}`);
}
