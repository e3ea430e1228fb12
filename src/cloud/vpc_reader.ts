// Prefix lists, VPCs and vSwitches of a network: read, and checked for what overlaps or lies outside.
import type { Path } from '../base/yaml_document.ts';
import { contains, formatPrefix } from './addresses.ts';
import type { Prefix } from './addresses.ts';
import type { Findings } from './findings.ts';
import type { Vpc, Vswitch } from './network_model.ts';
import { mustShareVpc } from './network_scope.ts';
import type { Scope } from './network_scope.ts';
import { PrefixTable, eachNested } from './prefix_table.ts';

/** A CIDR block, and where it stands. */
interface Placed {
  readonly prefix: Prefix;
  readonly path: Path;
  /** What it is of. */
  readonly id: string;
}

/** The CIDR blocks of each list. */
export function readPrefixLists({ file, findings }: Scope): (readonly Prefix[])[] {
  return (file.prefix_lists ?? []).map((list, i) => {
    const placed = place(list?.cidrs, ['prefix_lists', i, 'cidrs'], list?.id, findings);
    const known = new Set<string>();
    for (const { prefix, path } of placed) {
      const text = formatPrefix(prefix);
      if (known.has(text)) findings.add(path, 'a CIDR block once', `${text} again`, 'take it away');
      known.add(text);
    }
    return placed.map(({ prefix }) => prefix);
  });
}

export function readVpcs({ file, findings }: Scope): Vpc[] {
  return (file.vpcs ?? []).map((vpc, i) => {
    const placed = place(vpc?.cidrs, ['vpcs', i, 'cidrs'], vpc?.id, findings);
    checkOverlaps(placed, findings);
    const account = vpc?.account ?? file.account ?? '-';
    return { id: vpc?.id ?? '', account, cidrs: placed.map(({ prefix }) => prefix) };
  });
}

/** Of all VPCs, one behind the other. The lists are the VPCs of what vSwitches may name. */
export function readVswitches(
  scope: Scope,
  vpcs: readonly Vpc[],
  named: { readonly routeTables: readonly number[]; readonly acls: readonly number[] },
): Vswitch[] {
  const { file, findings, ids } = scope;
  return (file.vpcs ?? []).flatMap((item, vpc) => {
    const tableOf = (id: string | undefined, path: Path): number => {
      const table = ids.routeTables.find(id, () => path);
      if (table >= 0) mustShareVpc(scope, { kind: 'route table', id: id!, vpc: named.routeTables[table] }, vpc, path);
      return table;
    };
    const ofVpc = tableOf(item?.route_table, ['vpcs', vpc, 'route_table']);
    const all: Placed[] = [];
    const vswitches = (item?.vswitches ?? []).map((vswitch, i) => {
      const path: Path = ['vpcs', vpc, 'vswitches', i];
      const placed = place(vswitch?.cidrs, [...path, 'cidrs'], vswitch?.id, findings);
      for (const one of placed) mustBeInside(one, vpcs[vpc], findings);
      all.push(...placed);
      const own = tableOf(vswitch?.route_table, [...path, 'route_table']);
      const acl = ids.acls.find(vswitch?.acl, () => [...path, 'acl']);
      if (acl >= 0) {
        mustShareVpc(scope, { kind: 'network ACL', id: vswitch!.acl!, vpc: named.acls[acl] }, vpc, [...path, 'acl']);
      }
      const cidrs = placed.map(({ prefix }) => prefix);
      return { id: vswitch?.id ?? '', vpc, cidrs, routeTable: own >= 0 ? own : ofVpc, acl };
    });
    checkOverlaps(all, findings);
    return vswitches;
  });
}

function place(
  cidrs: readonly (string | undefined)[] | undefined,
  path: Path,
  id: string | undefined,
  findings: Findings,
): Placed[] {
  const read = (cidrs ?? []).map((text, i) => {
    const prefix = findings.cidr(text, () => [...path, i]);
    return prefix && { prefix, path: [...path, i], id: id ?? 'another' };
  });
  return read.filter((placed) => placed !== undefined);
}

function mustBeInside({ prefix, path }: Placed, { id, cidrs }: Vpc, findings: Findings): void {
  // Where none could be read, that was said.
  if (cidrs.length === 0 || cidrs.some((cidr) => contains(cidr, prefix))) return;
  const inside = cidrs.map(formatPrefix).join(', ');
  findings.add(
    path,
    `a CIDR block inside ${id} (${inside})`,
    formatPrefix(prefix),
    'correct it, or the cidrs of the VPC',
  );
}

function checkOverlaps(placed: readonly Placed[], findings: Findings): void {
  for (const family of [4, 6] as const) {
    const table = new PrefixTable(family);
    placed.forEach(({ prefix }, i) => {
      if (prefix.family === family) table.push(prefix, i);
    });
    table.sort();
    eachNested(table, {
      nested: (entry, holders) => {
        const [one, other] = [entry, holders[holders.length - 1]].map((at) => placed[table.values[at]]);
        const found = `${formatPrefix(one.prefix)}, which overlaps ${formatPrefix(other.prefix)} of ${other.id}`;
        findings.add(one.path, 'a CIDR block that overlaps no other', found, 'take one of them away');
      },
    });
  }
}
