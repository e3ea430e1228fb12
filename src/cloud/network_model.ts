// A network that was read: what its file says, by numbers instead of ids. -1 stands for none.
import type { Prefix } from './addresses.ts';
import type { Box, NextHopItem } from './network_file.ts';
import type { PrefixTable } from './prefix_table.ts';

/**
 * What a rule says of protocol and port, as numbers from first to last, both included: the protocol times PORT_CODES, and
 * then 0 where the port is not known or the protocol has none, else the port plus 1.
 */
export interface ServiceRange {
  readonly first: number;
  readonly last: number;
}
export const PORT_CODES = 1 << 17;

export interface Rule {
  /** As reports name it: `sg-web/r1`, `acl-1/in/r3`. */
  readonly name: string;
  readonly isAccepting: boolean;
  readonly services: readonly ServiceRange[];
  /** Of the far end; none where the rule is about a group. */
  readonly prefixes: readonly Prefix[];
  readonly group: number;
}

export interface GroupRule extends Rule {
  readonly isInbound: boolean;
  readonly priority: number;
}

export interface SecurityGroup {
  readonly id: string;
  readonly vpc: number;
  readonly isAcceptingSame: boolean;
  readonly rules: readonly GroupRule[];
}

export interface Acl {
  readonly id: string;
  readonly vpc: number;
  readonly in: readonly Rule[];
  readonly out: readonly Rule[];
}

export interface Vpc {
  readonly id: string;
  readonly account: string;
  readonly cidrs: readonly Prefix[];
}

export interface Vswitch {
  readonly id: string;
  readonly vpc: number;
  readonly cidrs: readonly Prefix[];
  readonly routeTable: number;
  readonly acl: number;
}

export interface EniModel {
  readonly id: string;
  readonly vm: string | undefined;
  readonly box: Box | undefined;
  readonly vswitch: number;
  readonly vpc: number;
  readonly vni: number | undefined;
  readonly groups: readonly number[];
  readonly hasPublicIpv4: boolean;
  readonly hasPublicIpv6: boolean;
}

export interface Havip {
  readonly id: string;
  readonly vswitch: number;
  readonly vpc: number;
}

export interface Route {
  readonly prefixes: readonly Prefix[];
  readonly nextHop: NextHopItem;
}

export interface RouteTable {
  readonly id: string;
  readonly vpc: number;
  readonly routes: readonly Route[];
}

/** Prefixes, and the number of what each is of. */
export interface Owners {
  readonly ipv4: PrefixTable;
  readonly ipv6: PrefixTable;
}

export interface NetworkModel {
  readonly services: readonly Prefix[];
  readonly vpcs: readonly Vpc[];
  readonly vswitches: readonly Vswitch[];
  readonly groups: readonly SecurityGroup[];
  readonly acls: readonly Acl[];
  readonly enis: readonly EniModel[];
  readonly havips: readonly Havip[];
  readonly routeTables: readonly RouteTable[];
  /** Addresses and prefixes of ENIs, and those of HaVips: their numbers follow those of the ENIs. */
  readonly owners: Owners;
  /** Of ENIs that are middle boxes: all that is their own, public addresses and HaVips as well. */
  readonly own: Owners;
}
