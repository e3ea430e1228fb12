// A network as flat tables, which the native side judges by: native-bindings/network_tables.h.
import type { NativeNetworkTables, NativePrefixes } from '../base/addon_network.ts';
import type { Box } from './network_file.ts';
import type { NetworkModel } from './network_model.ts';
import { PrefixTable } from './prefix_table.ts';
import { layRoutes } from './route_tables.ts';
import { NONE, listRules } from './rule_tables.ts';
import { TRAFFIC_PATHS } from './traffic_paths.ts';

export interface CompiledNetwork {
  readonly tables: NativeNetworkTables;
  /** Of rules, by the numbers that judgements give: `sg-web/r1`, `default-in`; 0: no rule. */
  readonly ruleNames: string[];
}

const HAS_VM = 1;
const HAS_PUBLIC_IPV4 = 2;
const HAS_PUBLIC_IPV6 = 4;
const IS_BOX = 8;

/** What goes through a box; other boxes have the path of the far end. */
const PATHS_OF_BOXES: Readonly<Partial<Record<Box, number>>> = {
  nat_gateway: TRAFFIC_PATHS.natGateway,
  vpn_gateway: TRAFFIC_PATHS.vpnGateway,
  transit_router: TRAFFIC_PATHS.transitRouter,
  vbr: TRAFFIC_PATHS.vbr,
  ecr: TRAFFIC_PATHS.ecr,
  gwlb_endpoint: TRAFFIC_PATHS.gwlbEndpoint,
};

export function compileNetwork(model: NetworkModel): CompiledNetwork {
  const routes = layRoutes(model);
  const rules = listRules(model);
  const sets = new GroupSets();
  const enis = model.enis.flatMap((eni) => {
    const marks =
      (eni.vm === undefined ? 0 : HAS_VM) |
      (eni.hasPublicIpv4 ? HAS_PUBLIC_IPV4 : 0) |
      (eni.hasPublicIpv6 ? HAS_PUBLIC_IPV6 : 0) |
      (eni.box === undefined ? 0 : IS_BOX);
    const path = (eni.box && PATHS_OF_BOXES[eni.box]) ?? NONE;
    return [eni.vswitch, sets.numberOf(eni.groups), marks, path, eni.vni ?? NONE];
  });
  const vswitches = model.vswitches.flatMap(({ vpc, acl }, i) => [vpc, routes.mapOfVswitch[i], acl < 0 ? NONE : acl]);
  const cidrs = [new PrefixTable(4), new PrefixTable(6)] as const;
  model.vswitches.forEach((vswitch, i) => {
    for (const cidr of vswitch.cidrs) cidrs[cidr.family === 4 ? 0 : 1].push(cidr, i);
  });
  const tables: NativeNetworkTables = {
    vpcs: model.vpcs.length,
    routeMaps: routes.maps,
    groupSets: sets.count,
    lists: rules.lists,
    names: rules.names.length,
    defaultIn: rules.defaultIn,
    defaultOut: rules.defaultOut,
    vswitches: Uint32Array.from(vswitches),
    vswitchCidrs4: prefixesOf(cidrs[0]),
    vswitchCidrs6: prefixesOf(cidrs[1]),
    enis: Uint32Array.from(enis),
    havips: Uint32Array.from(model.havips, ({ vpc }) => vpc),
    owners4: prefixesOf(model.owners.ipv4),
    owners6: prefixesOf(model.owners.ipv6),
    own4: prefixesOf(model.own.ipv4),
    own6: prefixesOf(model.own.ipv6),
    members: Uint32Array.from(sets.members),
    groups: Uint32Array.from(rules.groups),
    acls: Uint32Array.from(rules.acls),
    rules: Uint32Array.from(rules.rules),
    matches4: Uint32Array.from(rules.ipv4.cells),
    matches6: Uint32Array.from(rules.ipv6.cells),
    matchPrefixes4: prefixesOf(rules.ipv4.prefixes),
    matchPrefixes6: prefixesOf(rules.ipv6.prefixes),
    peerMatches: Uint32Array.from(rules.peers.cells),
    peers: Uint32Array.from(rules.peers.groups),
    routes4: prefixesOf(routes.ipv4.prefixes),
    routes6: prefixesOf(routes.ipv6.prefixes),
    layers4: routes.ipv4.cells,
    layers6: routes.ipv6.cells,
  };
  return { tables, ruleNames: rules.names };
}

/** Lists of groups, each once, in the order in which ENIs have them. */
class GroupSets {
  readonly members: number[] = [];
  readonly #numbers = new Map<string, number>();

  get count(): number {
    return this.#numbers.size;
  }

  numberOf(groups: readonly number[]): number {
    if (groups.length === 0) return NONE;
    const key = groups.join();
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.count;
    this.#numbers.set(key, number);
    for (const group of groups) this.members.push(number, group);
    return number;
  }
}

function prefixesOf({ words, lengths, values, count, stride }: PrefixTable): NativePrefixes {
  return {
    words: words.subarray(0, count * stride),
    lengths: lengths.subarray(0, count),
    values: values.subarray(0, count),
  };
}
