// Flow logs that a configuration declares: how they are read, and how those that are kept become the same.
import { WindrowError } from '../../base/errors.ts';
import type { Schema } from '../../base/schema_faults.ts';
import { oneOf } from '../../base/schema_faults.ts';
import {
  AGGREGATION_INTERVALS,
  ALL_PATHS,
  IP_VERSIONS,
  RESOURCE_TYPES,
  STATUSES,
  TRAFFIC_PATH_NAMES,
  TRAFFIC_TYPES,
  faultOf,
} from '../../flowlog/flow_log.ts';
import type { FlowLog, FlowLogFields } from '../../flowlog/flow_log.ts';
import { create, remove, replace } from './catalog.ts';
import type { Birth, Catalog } from './catalog.ts';
import { FLAG_OF, FLOW_LOG_DEFAULTS } from './options.ts';

/** As a configuration has it: keys are the options of `windrow flowlog create`. */
export interface DeclaredFlowLog {
  readonly name: string;
  readonly description?: string;
  readonly 'resource-type': FlowLogFields['resourceType'];
  readonly 'resource-id': string;
  readonly 'traffic-type'?: FlowLogFields['trafficType'];
  readonly 'ip-version'?: FlowLogFields['ipVersion'];
  readonly 'aggregation-interval'?: FlowLogFields['aggregationInterval'];
  readonly 'traffic-path'?: FlowLogFields['trafficPaths'];
  readonly project?: string;
  readonly logstore?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly status?: FlowLog['status'];
}

const TEXT: Schema = { type: 'string', description: 'text' };
const among = (values: readonly (string | number)[]): Schema => ({
  enum: values,
  description: oneOf(values.map(String)),
});

export const DECLARED_SCHEMA: Schema = {
  type: 'object',
  description: 'a mapping of name, resource-type, resource-id, and what else a flow log has',
  properties: {
    name: TEXT,
    description: TEXT,
    'resource-type': among(RESOURCE_TYPES),
    'resource-id': TEXT,
    'traffic-type': among(TRAFFIC_TYPES),
    'ip-version': among(IP_VERSIONS),
    'aggregation-interval': among(AGGREGATION_INTERVALS),
    'traffic-path': {
      type: 'array',
      description: 'a list of paths',
      items: among([ALL_PATHS, ...TRAFFIC_PATH_NAMES]),
    },
    project: TEXT,
    logstore: TEXT,
    tags: { type: 'object', description: 'a mapping of keys to texts', additionalProperties: TEXT },
    status: among(STATUSES),
  },
  required: ['name', 'resource-type', 'resource-id'],
  additionalProperties: false,
};

/** Checked: what is kept is to be like this. Undefined status: as it is, and active at first. */
export interface Declared extends FlowLogFields {
  readonly status: FlowLog['status'] | undefined;
}

/** Throws USAGE. */
export function readDeclared(items: readonly DeclaredFlowLog[]): Declared[] {
  const all = items.map(readOne);
  const twice = all.find(({ name }, i) => all.findIndex((other) => other.name === name) < i);
  if (twice) throw new WindrowError('USAGE', `--flow-logs: ${twice.name} stands there twice: give each its own name`);
  return all;
}

function readOne(item: DeclaredFlowLog): Declared {
  const { name, description = '', tags = {}, status } = item;
  const declared = {
    ...{ name, description, tags, status, resourceType: item['resource-type'], resourceId: item['resource-id'] },
    trafficType: item['traffic-type'] ?? FLOW_LOG_DEFAULTS.trafficType,
    ipVersion: item['ip-version'] ?? FLOW_LOG_DEFAULTS.ipVersion,
    aggregationInterval: item['aggregation-interval'] ?? FLOW_LOG_DEFAULTS.aggregationInterval,
    trafficPaths: item['traffic-path'] ?? FLOW_LOG_DEFAULTS.trafficPaths,
    project: item.project ?? FLOW_LOG_DEFAULTS.project,
    logstore: item.logstore ?? FLOW_LOG_DEFAULTS.logstore,
  };
  const fault = faultOf(declared);
  if (!fault) return declared;
  const key = fault.field === 'tags' ? 'tags' : FLAG_OF[fault.field].slice(2);
  throw new WindrowError('USAGE', `--flow-logs: ${name}: ${key}: ${fault.text}`);
}

/**
 * What is kept becomes what is declared: flow logs are created and changed, and those that were declared before and are no
 * longer are deleted. Others stay. One whose resource changes is another one. Throws REFUSED as `create` does.
 */
export function reconcile(before: Catalog, declared: readonly Declared[], birth: () => Birth): Catalog {
  const isWanted = (one: FlowLog): boolean => {
    const wanted = declared.find(({ name }) => name === one.name);
    if (!wanted) return one.isDeclared !== true;
    return wanted.resourceType === one.resourceType && wanted.resourceId === one.resourceId;
  };
  const gone = before.flowLogs.filter((one) => !isWanted(one));
  let catalog = gone.reduce((left, one) => remove(left, one), before);
  for (const { status, ...fields } of declared) {
    const known = catalog.flowLogs.find(({ name }) => name === fields.name);
    if (!known) catalog = create(catalog, fields, birth());
    const one = known ?? catalog.flowLogs.at(-1)!;
    catalog = replace(catalog, { ...one, ...fields, status: status ?? one.status, isDeclared: true });
  }
  return catalog;
}
