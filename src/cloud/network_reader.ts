// The values of a network's file to a model, and all that is wrong with them on the way.
import type { WrongValue } from '../base/schema_faults.ts';
import { readEnis } from './eni_reader.ts';
import { readAcls, readGroups } from './group_reader.ts';
import { DEFAULT_CLOUD_SERVICES } from './network_file.ts';
import type { Loose, NetworkFile } from './network_file.ts';
import type { NetworkModel } from './network_model.ts';
import { checkShape } from './network_schema.ts';
import { scopeOf, vpcsOf } from './network_scope.ts';
import { readRouteTables } from './route_reader.ts';
import { readPrefixLists, readVpcs, readVswitches } from './vpc_reader.ts';

/** Of whatever a file holds. The model is good for something only if nothing is wrong. */
export function readModel(values: unknown): { readonly model: NetworkModel; readonly wrong: readonly WrongValue[] } {
  const misshapen = checkShape(values);
  const scope = scopeOf((misshapen.length > 0 ? without(misshapen, values) : values) as Loose<NetworkFile>);
  const { file, findings } = scope;
  const prefixLists = readPrefixLists(scope);
  const [vpcsOfGroups, vpcsOfAcls] = [vpcsOf('security_groups', scope), vpcsOf('acls', scope)];
  const vpcsOfTables = vpcsOf('route_tables', scope);
  const vpcs = readVpcs(scope);
  const vswitches = readVswitches(scope, vpcs, { routeTables: vpcsOfTables, acls: vpcsOfAcls });
  const groups = readGroups(scope, vpcsOfGroups, prefixLists);
  const acls = readAcls(scope, vpcsOfAcls);
  const attached = readEnis(scope, vswitches, groups);
  const routeTables = readRouteTables(scope, vpcsOfTables, prefixLists, attached);
  const services = findings.cidrs(file.cloud_services ?? DEFAULT_CLOUD_SERVICES, ['cloud_services']);
  const model = { services, vpcs, vswitches, groups, acls, routeTables, ...attached };
  return { model, wrong: [...misshapen, ...findings.wrong] };
}

/** A copy in which values that have the wrong shape are missing, so that the others are looked at as well. */
function without(wrong: readonly WrongValue[], values: unknown): unknown {
  const copy = { values: structuredClone(values) };
  for (const { path, key } of wrong) {
    if (key !== undefined) continue;
    const [last, ...holders] = ['values', ...path].toReversed();
    let holder: unknown = copy;
    for (const step of holders.toReversed()) holder = (holder as Record<string | number, unknown> | undefined)?.[step];
    const value = (holder as Record<string | number, unknown> | undefined)?.[last];
    // A mapping of which a key is missing is still one.
    if (!isMapping(value)) (holder as Record<string | number, unknown>)[last] = undefined;
  }
  return isMapping(copy.values) ? copy.values : {};
}

function isMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
