// Routes as the native side takes them: for each route table, layers of which the longest prefix counts.
import { PRIVATE_CIDRS, cidrOf } from './addresses.ts';
import type { Prefix } from './addresses.ts';
import type { NextHopItem, NextHopType } from './network_file.ts';
import type { NetworkModel, Route } from './network_model.ts';
import { PrefixTable } from './prefix_table.ts';
import { TRAFFIC_PATHS } from './traffic_paths.ts';

/** What native-bindings/network_tables.h calls kRoutePath and so on. */
const PATH = 0xff;
const LOCAL = 0xff;
const IN_VPC = 0x100;
const PRIVATE = 0x200;
/** A public address of the ENI goes before it. */
const YIELDS = 0x400;

/** Of prefixes of one family, in the order in which they lie above each other. */
export interface Layers {
  readonly prefixes: PrefixTable;
  /** Mask and bits of each. */
  readonly cells: Uint32Array;
}

export interface RouteLayers {
  readonly maps: number;
  /** Of each vSwitch. */
  readonly mapOfVswitch: readonly number[];
  readonly ipv4: Layers;
  readonly ipv6: Layers;
}

/** A map for each route table that a vSwitch has, and for each VPC of which one has none. */
export function layRoutes({ vswitches, vpcs, routeTables, services }: NetworkModel): RouteLayers {
  const maps = new Map<string, number>();
  const layers = [new LayerList(4), new LayerList(6)] as const;
  const add = (map: number, prefix: Prefix, mask: number, bits: number): void => {
    layers[prefix.family === 4 ? 0 : 1].add(map, prefix, mask, bits);
  };
  const privates = PRIVATE_CIDRS.map(cidrOf);
  const mapOfVswitch = vswitches.map(({ vpc, routeTable }) => {
    const key = routeTable < 0 ? `vpc ${vpc}` : `table ${routeTable}`;
    const known = maps.get(key);
    if (known !== undefined) return known;
    const map = maps.size;
    maps.set(key, map);
    for (const prefix of services) add(map, prefix, PATH | YIELDS, TRAFFIC_PATHS.cloudService);
    for (const prefix of vpcs[vpc].cidrs) add(map, prefix, PATH | YIELDS | IN_VPC, LOCAL | IN_VPC);
    for (const prefix of privates) add(map, prefix, PRIVATE, PRIVATE);
    for (const route of routeTables[routeTable]?.routes ?? []) {
      for (const prefix of route.prefixes) add(map, prefix, PATH | YIELDS, bitsOf(route, prefix));
    }
    return map;
  });
  return { maps: maps.size, mapOfVswitch, ipv4: layers[0].take(), ipv6: layers[1].take() };
}

const PATHS: Readonly<Record<Exclude<NextHopType, 'cen'>, number>> = {
  eni: TRAFFIC_PATHS.eni,
  instance: TRAFFIC_PATHS.eni,
  havip: TRAFFIC_PATHS.havip,
  nat_gateway: TRAFFIC_PATHS.natGateway,
  vpn_gateway: TRAFFIC_PATHS.vpnGateway,
  transit_router: TRAFFIC_PATHS.transitRouter,
  gateway_endpoint: TRAFFIC_PATHS.gatewayEndpoint,
  vbr: TRAFFIC_PATHS.vbr,
  ecr: TRAFFIC_PATHS.ecr,
  gwlb_endpoint: TRAFFIC_PATHS.gwlbEndpoint,
  peering: TRAFFIC_PATHS.peering,
  ipv4_gateway: TRAFFIC_PATHS.ipv4Gateway,
  ipv6_gateway: TRAFFIC_PATHS.ipv6Gateway,
  blackhole: TRAFFIC_PATHS.other,
};

function bitsOf({ nextHop }: Route, { length }: Prefix): number {
  const yields = nextHop.type === 'nat_gateway' && length === 0 ? YIELDS : 0;
  return (nextHop.type === 'cen' ? pathOfCen(nextHop) : PATHS[nextHop.type]) | yields;
}

function pathOfCen({ attachment, remote_region: remoteRegion }: NextHopItem): number {
  const isRemote = remoteRegion !== undefined;
  if (attachment === 'vpc') return isRemote ? TRAFFIC_PATHS.cenRemoteVpc : TRAFFIC_PATHS.cenVpc;
  if (attachment === 'vbr') return isRemote ? TRAFFIC_PATHS.cenRemoteVbr : TRAFFIC_PATHS.cenVbr;
  return TRAFFIC_PATHS.cenOther;
}

class LayerList {
  readonly #prefixes: PrefixTable;
  readonly #cells: number[] = [];

  constructor(family: 4 | 6) {
    this.#prefixes = new PrefixTable(family);
  }

  add(map: number, prefix: Prefix, mask: number, bits: number): void {
    this.#prefixes.push(prefix, map);
    this.#cells.push(mask, bits);
  }

  take(): Layers {
    return { prefixes: this.#prefixes, cells: Uint32Array.from(this.#cells) };
  }
}
