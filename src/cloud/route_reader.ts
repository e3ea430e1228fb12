// Route tables of a network: read, and checked for next hops that are not there and routes that stand there twice.
import type { Path } from '../base/yaml_document.ts';
import { formatPrefix } from './addresses.ts';
import type { Prefix } from './addresses.ts';
import type { Loose, NextHopItem, RouteItem } from './network_file.ts';
import type { EniModel, Havip, Route, RouteTable } from './network_model.ts';
import { mustShareVpc } from './network_scope.ts';
import type { Scope } from './network_scope.ts';

export interface Hops {
  readonly enis: readonly EniModel[];
  readonly havips: readonly Havip[];
}

/** `vpcs`: the number of the VPC of each table. */
export function readRouteTables(
  scope: Scope,
  vpcs: readonly number[],
  prefixLists: readonly (readonly Prefix[])[],
  hops: Hops,
): RouteTable[] {
  const vpcsOfVms = vpcsByVm(hops.enis);
  return (scope.file.route_tables ?? []).map((table, i) => {
    const known = new Map<string, number>();
    const routes = (table?.routes ?? []).map((route, at): Route | undefined => {
      if (!route) return undefined;
      const path: Path = ['route_tables', i, 'routes', at];
      const prefixes = readDestination(scope, route, prefixLists, path);
      for (const prefix of prefixes) mustBeFirst(scope, prefix, { known, at, path });
      const nextHop = route.next_hop;
      if (nextHop?.type === undefined) return undefined;
      checkNextHop(scope, nextHop, { vpc: vpcs[i], hops, vpcsOfVms, path: [...path, 'next_hop'] });
      checkGateway(scope, nextHop, prefixes, path);
      return { prefixes, nextHop: { ...nextHop, type: nextHop.type } as NextHopItem };
    });
    return { id: table?.id ?? '', vpc: vpcs[i], routes: routes.filter((route) => route !== undefined) };
  });
}

function readDestination(
  { findings, ids }: Scope,
  route: Loose<RouteItem>,
  prefixLists: readonly (readonly Prefix[])[],
  path: Path,
): readonly Prefix[] {
  const given = (['cidr', 'prefix_list'] as const).filter((key) => Object.hasOwn(route, key));
  if (given.length !== 1) {
    const hint = given.length === 0 ? 'write cidr: 0.0.0.0/0 for all of IPv4' : 'take one of them away';
    findings.add(path, 'one of cidr and prefix_list', given.length === 0 ? 'none' : 'both', hint);
  }
  const cidr = findings.cidr(route.cidr, () => [...path, 'cidr']);
  const list = ids.prefixLists.find(route.prefix_list, () => [...path, 'prefix_list']);
  return cidr ? [cidr] : (prefixLists[list] ?? []);
}

/** Of a CIDR block there is one route in a table. */
function mustBeFirst(
  { findings }: Scope,
  prefix: Prefix,
  { known, at, path }: { readonly known: Map<string, number>; readonly at: number; readonly path: Path },
): void {
  const text = formatPrefix(prefix);
  const first = known.get(text);
  if (first === undefined) known.set(text, at);
  else if (first !== at) {
    findings.add(
      path,
      'one route for a CIDR block',
      `another for ${text}, after routes[${first}]`,
      'take one of them away',
    );
  }
}

interface AtHop {
  readonly vpc: number;
  readonly hops: Hops;
  readonly vpcsOfVms: ReadonlyMap<string, readonly number[]>;
  readonly path: Path;
}

function checkNextHop(scope: Scope, hop: Loose<NextHopItem>, { vpc, hops, vpcsOfVms, path }: AtHop): void {
  const { findings, ids, file } = scope;
  const at: Path = [...path, 'id'];
  const { type, id, remote_region: remoteRegion } = hop;
  if (['eni', 'havip', 'instance'].includes(type!) && !Object.hasOwn(hop, 'id')) {
    findings.add(path, `a next hop with the id of its ${type}`, 'one without id', `write { type: ${type}, id: ID }`);
  }
  if (type === 'eni' || type === 'havip') {
    const number = (type === 'eni' ? ids.enis : ids.havips).find(id, () => at);
    const found = (type === 'eni' ? hops.enis : hops.havips)[number];
    const kind = type === 'eni' ? 'ENI' : 'HaVip';
    if (found) mustShareVpc(scope, { kind, id: found.id, vpc: found.vpc }, vpc, at);
  } else if (type === 'instance' && id !== undefined) {
    const found = vpcsOfVms.get(id);
    if (!found) findings.add(at, 'the vm of an ENI', id, 'correct it, or add an ENI of this vm');
    else if (!found.includes(vpc)) mustShareVpc(scope, { kind: 'VM', id, vpc: found[0] }, vpc, at);
  }
  const ofCen = (['attachment', 'remote_region'] as const).filter((key) => Object.hasOwn(hop, key));
  if (type !== 'cen' && ofCen.length > 0) {
    findings.add([...path, ofCen[0]], 'it at next hops of type cen only', `it at one of type ${type}`, 'take it away');
  } else if (remoteRegion !== undefined && remoteRegion === file.region) {
    const found = `${remoteRegion}, the region of this network`;
    findings.add([...path, 'remote_region'], 'another region', found, 'take it away');
  }
}

/** Gateways to the Internet are of one family. */
function checkGateway(
  { findings }: Scope,
  { type }: Loose<NextHopItem>,
  prefixes: readonly Prefix[],
  path: Path,
): void {
  const family = type === 'ipv4_gateway' ? 4 : type === 'ipv6_gateway' ? 6 : undefined;
  if (family === undefined || prefixes.length === 0 || prefixes.some((prefix) => prefix.family === family)) return;
  const other = family === 4 ? 'ipv6_gateway' : 'ipv4_gateway';
  const found = `only those of IPv${family === 4 ? 6 : 4}`;
  findings.add(path, `addresses of IPv${family}, as the next hop is an ${type}`, found, `write type: ${other}`);
}

function vpcsByVm(enis: readonly EniModel[]): Map<string, number[]> {
  const vpcs = new Map<string, number[]>();
  for (const { vm, vpc } of enis) {
    if (vm === undefined) continue;
    const known = vpcs.get(vm);
    if (known) known.push(vpc);
    else vpcs.set(vm, [vpc]);
  }
  return vpcs;
}
