// A flow log as a user creates it: what to collect, and where to deliver it.
import { WindrowError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';

export const RESOURCE_TYPES = ['NetworkInterface', 'VSwitch', 'VPC'] as const;
export const TRAFFIC_TYPES = ['All', 'Allow', 'Drop'] as const;
export const IP_VERSIONS = ['IPv4', 'DualStack'] as const;
/** Minutes. */
export const AGGREGATION_INTERVALS = [1, 5, 10] as const;
export const STATUSES = ['Active', 'Inactive'] as const;

/**
 * Paths that can be collected by themselves, and the values of `traffic_path` that they are. To the Internet is what goes
 * there by an IPv4 gateway, an IPv6 gateway or a public address; what a NAT gateway passes on has a path of its own.
 */
export const TRAFFIC_PATHS = {
  'ipv4-gateway': [13],
  'nat-gateway': [7],
  'vpn-gateway': [9],
  'transit-router': [8],
  'gateway-endpoint': [6],
  vbr: [10],
  ecr: [21],
  'gwlb-endpoint': [22],
  internet: [13, 14, 15],
} as const;
export const ALL_PATHS = 'all';

export type TrafficPathName = keyof typeof TRAFFIC_PATHS;
export const TRAFFIC_PATH_NAMES = Object.keys(TRAFFIC_PATHS) as readonly TrafficPathName[];

/** What a user says of it. */
export interface FlowLogFields {
  readonly name: string;
  readonly description: string;
  readonly resourceType: (typeof RESOURCE_TYPES)[number];
  readonly resourceId: string;
  readonly trafficType: (typeof TRAFFIC_TYPES)[number];
  readonly ipVersion: (typeof IP_VERSIONS)[number];
  /** Minutes. */
  readonly aggregationInterval: (typeof AGGREGATION_INTERVALS)[number];
  /** `all` alone, or some of the others. */
  readonly trafficPaths: readonly (TrafficPathName | typeof ALL_PATHS)[];
  readonly project: string;
  readonly logstore: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface FlowLog extends FlowLogFields {
  readonly id: string;
  readonly status: (typeof STATUSES)[number];
  /** As in ISO 8601, UTC. */
  readonly creationTime: string;
  /** By a configuration, which has the say over it. */
  readonly isDeclared?: boolean;
}

/** So many characters. */
export const MOST_NAME = 128;
export const MOST_DESCRIPTION = 256;
export const MOST_TAGS = 20;
/** Ids are told from names. */
export const ID = /^fl-[0-9a-f]{20}$/;

export interface FieldFault {
  readonly field: keyof FlowLogFields;
  /** What was expected, and what was found. */
  readonly text: string;
}

/** The first thing that no flow log can have; undefined: there is none. */
export function faultOf(fields: FlowLogFields): FieldFault | undefined {
  const fault = (field: keyof FlowLogFields, expected: string, found: string): FieldFault => {
    const shown = found.length > 40 ? `${found.slice(0, 40)}...` : found;
    return { field, text: `expected ${expected}, found ${JSON.stringify(shown)}` };
  };
  const line = `1 to ${MOST_NAME} characters in one line`;
  const bad = (['name', 'resourceId', 'project', 'logstore'] as const).find(
    (field) => !isLine(fields[field], MOST_NAME) || fields[field].trim() === '',
  );
  if (bad) return fault(bad, line, fields[bad]);
  if (ID.test(fields.name)) return fault('name', 'a name that is no id of a flow log', fields.name);
  if (/\s/.test(fields.resourceId) || fields.resourceId === '-') {
    return fault('resourceId', 'the id of an ENI, a vSwitch or a VPC', fields.resourceId);
  }
  if (!isLine(fields.description, MOST_DESCRIPTION)) {
    return fault('description', `at most ${MOST_DESCRIPTION} characters in one line`, fields.description);
  }
  const paths = fields.trafficPaths;
  const isAll = paths.length === 1 && paths[0] === ALL_PATHS;
  if (paths.length === 0 || new Set(paths).size < paths.length || (!isAll && paths.includes(ALL_PATHS))) {
    return fault('trafficPaths', `${ALL_PATHS} alone, or other paths, each once`, paths.join(','));
  }
  const tags = Object.entries(fields.tags);
  if (tags.length > MOST_TAGS) return fault('tags', `at most ${MOST_TAGS} tags`, `${tags.length}`);
  const wrong = tags.find(([key, value]) => key === '' || !isLine(key, MOST_NAME) || !isLine(value, MOST_NAME));
  return wrong && fault('tags', `a key and a value of at most ${MOST_NAME} characters each`, wrong.join('='));
}

/** The one of them that a text names, in whatever case. Throws USAGE, with the nearest. */
export function oneOf<T extends string>(text: string, known: readonly T[], what: string): T {
  const found = known.find((one) => one.toLowerCase() === text.toLowerCase());
  if (found !== undefined) return found;
  const near = nearest(text, known);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  const expected = `${known.slice(0, -1).join(', ')} or ${known.at(-1)}`;
  throw new WindrowError('USAGE', `${what}: expected ${expected}, found ${JSON.stringify(text.slice(0, 40))}${hint}`);
}

/** Nothing that a terminal or a line of a log would obey. */
function isLine(text: string, most: number): boolean {
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  return text.length <= most && !/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/.test(text);
}
