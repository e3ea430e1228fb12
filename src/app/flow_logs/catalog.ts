// All flow logs of a user: how they are made, found, changed and taken away.
import { WindrowError } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import type { FlowLog, FlowLogFields } from '../../flowlog/flow_log.ts';

export const QUOTA = 'vpc_quota_flowlog_inst_nums_per_user';
export const DEFAULT_QUOTA = 10;

/** In the order in which they were created. */
export interface Catalog {
  /** So many flow logs there may be. */
  readonly quota: number;
  readonly flowLogs: readonly FlowLog[];
}

export const EMPTY: Catalog = { quota: DEFAULT_QUOTA, flowLogs: [] };

/** What is not the user's to say. */
export interface Birth {
  readonly id: string;
  readonly creationTime: string;
}

/** Throws REFUSED where the name is taken, or there are as many as there may be. */
export function create(catalog: Catalog, fields: FlowLogFields, birth: Birth): Catalog {
  const { quota, flowLogs } = catalog;
  checkName(catalog, fields.name);
  if (flowLogs.length >= quota) {
    throw new WindrowError(
      'REFUSED',
      `the quota ${QUOTA} is used up: expected fewer than ${quota} flow logs, found ${flowLogs.length}; delete one, or give a greater --quota`,
    );
  }
  return {
    quota,
    flowLogs: [...flowLogs, { id: birth.id, ...fields, status: 'Active', creationTime: birth.creationTime }],
  };
}

/** By its id or its name. Throws REFUSED. */
export function find({ flowLogs }: Catalog, text: string): FlowLog {
  const found = flowLogs.find(({ id }) => id === text) ?? flowLogs.find(({ name }) => name === text);
  if (found) return found;
  const near = nearest(
    text,
    flowLogs.map(({ name }) => name),
  );
  const hint =
    near !== undefined
      ? `did you mean ${near}?`
      : flowLogs.length === 0
        ? 'there are none yet: create one'
        : 'windrow flowlog list names all that there are';
  throw new WindrowError(
    'REFUSED',
    `${JSON.stringify(text.slice(0, 140))}: expected the name or the id of a flow log; ${hint}`,
  );
}

/** Puts another in the place of the one with its id. Throws REFUSED where its name is taken. */
export function replace(catalog: Catalog, changed: FlowLog): Catalog {
  const before = find(catalog, changed.id);
  if (before.name !== changed.name) checkName(catalog, changed.name);
  return { ...catalog, flowLogs: catalog.flowLogs.map((one) => (one.id === changed.id ? changed : one)) };
}

export function remove(catalog: Catalog, { id }: FlowLog): Catalog {
  return { ...catalog, flowLogs: catalog.flowLogs.filter((one) => one.id !== id) };
}

function checkName({ flowLogs }: Catalog, name: string): void {
  const taken = flowLogs.find((one) => one.name === name);
  if (!taken) return;
  throw new WindrowError(
    'REFUSED',
    `${name}: expected a name of its own, found that of ${taken.id}: choose another one`,
  );
}
