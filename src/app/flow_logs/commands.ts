// What the commands of `windrow flowlog` do: each reads or changes the file of flow logs, and says what there is then.
import { randomBytes } from 'node:crypto';
import { WindrowError } from '../../base/errors.ts';
import type { FlowLog } from '../../flowlog/flow_log.ts';
import { isColored } from '../terminal.ts';
import { create, find, remove, replace } from './catalog.ts';
import type { Birth, Catalog } from './catalog.ts';
import { readCreated, readModified } from './options.ts';
import type { CreateFlags, ModifyFlags, StateFlags } from './options.ts';
import { renderList, renderOne } from './render.ts';
import { StateFile } from './state_file.ts';

const ID_BYTES = 10;

export function newBirth(): Birth {
  return { id: `fl-${randomBytes(ID_BYTES).toString('hex')}`, creationTime: new Date().toISOString() };
}

export async function createFlowLog(flags: CreateFlags): Promise<void> {
  const fields = readCreated(flags);
  const birth = newBirth();
  const quotaOf = (before: Catalog): Catalog => ({ ...before, quota: flags.quota ?? before.quota });
  say(flags, await changed(flags, (before) => create(quotaOf(before), fields, birth), birth.id));
}

export function listFlowLogs(flags: StateFlags): void {
  const catalog = new StateFile(flags.state).read();
  process.stdout.write(flags.json ? `${JSON.stringify(catalog.flowLogs)}\n` : renderList(catalog, isColored()));
}

export function describeFlowLog(which: string, flags: StateFlags): void {
  say(flags, find(new StateFile(flags.state).read(), which));
}

export async function modifyFlowLog(which: string, flags: ModifyFlags): Promise<void> {
  await changeOne(which, flags, (before) => readModified(undeclared(before), flags));
}

/** Starting one that is active changes nothing, and so does stopping one that is not. */
export async function setStatus(which: string, flags: StateFlags, status: FlowLog['status']): Promise<void> {
  await changeOne(which, flags, (before) => ({ ...before, status }));
}

/** Says what was deleted. */
export async function deleteFlowLog(which: string, flags: StateFlags): Promise<void> {
  let deleted: FlowLog | undefined;
  await new StateFile(flags.state).change((before) => remove(before, (deleted = undeclared(find(before, which)))));
  say(flags, deleted!);
}

/** Throws REFUSED where somebody else has the say over it. */
function undeclared(one: FlowLog): FlowLog {
  if (one.isDeclared !== true) return one;
  const text = `${one.name} is declared in the configuration of an agent: change it there, and send the agent SIGHUP`;
  throw new WindrowError('REFUSED', text);
}

async function changeOne(which: string, flags: StateFlags, change: (before: FlowLog) => FlowLog): Promise<void> {
  let id = '';
  const after = await changed(
    flags,
    (before) => {
      const one = change(find(before, which));
      id = one.id;
      return replace(before, one);
    },
    () => id,
  );
  say(flags, after);
}

/** What the flow log is after a change. */
async function changed(
  { state }: StateFlags,
  change: (before: Catalog) => Catalog,
  id: string | (() => string),
): Promise<FlowLog> {
  let after: Catalog | undefined;
  await new StateFile(state).change((before) => (after = change(before)));
  return find(after!, typeof id === 'string' ? id : id());
}

function say({ json }: StateFlags, one: FlowLog): void {
  process.stdout.write(json ? `${JSON.stringify(one)}\n` : renderOne(one, isColored()));
}
