// What the file of flow logs says: JSON of a version, whose parts fit together.
import { Ajv } from 'ajv';
import { WindrowError } from '../../base/errors.ts';
import {
  AGGREGATION_INTERVALS,
  ALL_PATHS,
  ID,
  IP_VERSIONS,
  RESOURCE_TYPES,
  STATUSES,
  TRAFFIC_PATH_NAMES,
  TRAFFIC_TYPES,
  faultOf,
} from '../../flowlog/flow_log.ts';
import { QUOTA } from './catalog.ts';
import type { Catalog } from './catalog.ts';

const VERSION = 1;

const TEXT = { type: 'string' } as const;
const FLOW_LOG = {
  id: { type: 'string', pattern: ID.source },
  name: TEXT,
  description: TEXT,
  resourceType: { enum: RESOURCE_TYPES },
  resourceId: TEXT,
  trafficType: { enum: TRAFFIC_TYPES },
  ipVersion: { enum: IP_VERSIONS },
  aggregationInterval: { enum: AGGREGATION_INTERVALS },
  trafficPaths: { type: 'array', items: { enum: [ALL_PATHS, ...TRAFFIC_PATH_NAMES] } },
  project: TEXT,
  logstore: TEXT,
  tags: { type: 'object', additionalProperties: TEXT },
  status: { enum: STATUSES },
  creationTime: TEXT,
  isDeclared: { type: 'boolean' },
} as const;
const OPTIONAL = 'isDeclared';
/** What is not known here would be lost when the file is written. */
const STATE = {
  type: 'object',
  properties: {
    version: { const: VERSION },
    quotas: {
      type: 'object',
      properties: { [QUOTA]: { type: 'integer', minimum: 1 } },
      required: [QUOTA],
      additionalProperties: false,
    },
    flowLogs: {
      type: 'array',
      items: {
        type: 'object',
        properties: FLOW_LOG,
        required: Object.keys(FLOW_LOG).filter((key) => key !== OPTIONAL),
        additionalProperties: false,
      },
    },
  },
  required: ['version', 'quotas', 'flowLogs'],
  additionalProperties: false,
} as const;

const validate = new Ajv().compile(STATE);

interface State {
  readonly version: typeof VERSION;
  readonly quotas: { readonly [QUOTA]: number };
  readonly flowLogs: Catalog['flowLogs'];
}

export function stateText({ quota, flowLogs }: Catalog): string {
  const state: State = { version: VERSION, quotas: { [QUOTA]: quota }, flowLogs };
  return `${JSON.stringify(state, null, 2)}\n`;
}

/** `file` is its name. Throws INPUT_REFUSED. */
export function readState(file: string, text: string): Catalog {
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch (cause) {
    throw stateRefusal(file, 'expected JSON, found something else: it was not written by Windrow', cause);
  }
  const version = typeof state === 'object' && state !== null && 'version' in state ? state.version : undefined;
  if (Number.isInteger(version) && (version as number) > VERSION) {
    throw stateRefusal(
      file,
      `expected version ${VERSION}, found ${String(version)}: a newer Windrow wrote it; use that one, or name another file with --state`,
    );
  }
  if (!validate(state)) {
    const [{ instancePath, message }] = validate.errors!;
    throw stateRefusal(
      file,
      `expected flow logs, found at ${instancePath || '/'}: ${message}; mend it, or move it away`,
    );
  }
  const { quotas, flowLogs } = state as State;
  const known = new Set<string>();
  flowLogs.forEach((one, i) => {
    const fault = faultOf(one);
    if (fault)
      throw stateRefusal(file, `at /flowLogs/${i}/${fault.field}: ${fault.text}; mend it, or move the file away`);
    if (known.has(one.id) || known.has(one.name)) {
      throw stateRefusal(
        file,
        `at /flowLogs/${i}: expected a name and an id of its own, found ${one.name} (${one.id}) again`,
      );
    }
    known.add(one.id).add(one.name);
  });
  return { quota: quotas[QUOTA], flowLogs };
}

export function stateRefusal(file: string, text: string, cause?: unknown): WindrowError {
  return new WindrowError('INPUT_REFUSED', `${file}: ${text}`, { cause });
}
