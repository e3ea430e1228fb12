// The file of a network, as it stands there once it is known to be right; what its words mean is in the README.

export const NEXT_HOP_TYPES = [
  ...(['eni', 'havip', 'instance', 'nat_gateway', 'vpn_gateway', 'transit_router', 'gateway_endpoint', 'vbr'] as const),
  ...(['ecr', 'gwlb_endpoint', 'peering', 'cen', 'ipv4_gateway', 'ipv6_gateway', 'blackhole'] as const),
] as const;
export type NextHopType = (typeof NEXT_HOP_TYPES)[number];

export const CEN_ATTACHMENTS = ['vpc', 'vbr', 'other'] as const;

/** Middle boxes, which forward what is not addressed to them. */
export const BOXES = [
  ...(['nat_gateway', 'vpn_gateway', 'transit_router', 'vbr', 'ecr', 'gwlb_endpoint', 'firewall', 'other'] as const),
] as const;
export type Box = (typeof BOXES)[number];

/** Names of protocols in rules; those that have none go by their IANA number. */
export const PROTOCOLS = {
  icmp: 1,
  igmp: 2,
  ipip: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  ospf: 89,
  vrrp: 112,
  sctp: 132,
  udplite: 136,
} as const satisfies Readonly<Record<string, number>>;
export const PORT_PROTOCOLS: readonly number[] = [6, 17, 33, 132, 136];

/** What rules of 1 to 100 have where they name none; 1 is looked at first. */
export const DEFAULT_PRIORITY = 1;
export const DEFAULT_CLOUD_SERVICES: readonly string[] = ['100.64.0.0/10'];

export interface PrefixListItem {
  readonly id: string;
  readonly cidrs: readonly string[];
}

export interface VswitchItem {
  readonly id: string;
  readonly cidrs: readonly string[];
  readonly route_table?: string;
  readonly acl?: string;
}

export interface VpcItem {
  readonly id: string;
  readonly account?: string;
  readonly cidrs: readonly string[];
  readonly route_table?: string;
  readonly vswitches?: readonly VswitchItem[];
}

/** A port, or a range such as 80-90. */
export type PortItem = string | number;

export interface RuleItem {
  readonly id: string;
  readonly policy: 'accept' | 'drop';
  /** A name, a number or all; absent: all. */
  readonly protocol?: string | number;
  /** Absent: all. */
  readonly ports?: PortItem | readonly PortItem[];
}

export interface AclRuleItem extends RuleItem {
  readonly cidr: string;
}

/** One of `cidr`, `prefix_list` and `group`. */
export interface GroupRuleItem extends RuleItem {
  readonly direction: 'in' | 'out';
  readonly priority?: number;
  readonly cidr?: string;
  readonly prefix_list?: string;
  readonly group?: string;
}

export interface SecurityGroupItem {
  readonly id: string;
  readonly vpc: string;
  /** Absent: accept. */
  readonly same_group?: 'accept' | 'drop';
  readonly rules?: readonly GroupRuleItem[];
}

export interface AclItem {
  readonly id: string;
  readonly vpc: string;
  readonly in?: readonly AclRuleItem[];
  readonly out?: readonly AclRuleItem[];
}

export interface EniItem {
  readonly id: string;
  readonly vm?: string;
  readonly box?: Box;
  readonly vswitch: string;
  readonly addresses?: readonly string[];
  readonly prefixes?: readonly string[];
  readonly public_addresses?: readonly string[];
  readonly macs?: readonly string[];
  readonly interface?: string;
  readonly vni?: number;
  readonly security_groups?: readonly string[];
}

export interface HavipItem {
  readonly id: string;
  readonly vswitch: string;
  readonly address: string;
  readonly enis?: readonly string[];
}

export interface NextHopItem {
  readonly type: NextHopType;
  readonly id?: string;
  readonly attachment?: (typeof CEN_ATTACHMENTS)[number];
  /** Absent: it is in the region of the network. */
  readonly remote_region?: string;
}

/** One of `cidr` and `prefix_list`. */
export interface RouteItem {
  readonly cidr?: string;
  readonly prefix_list?: string;
  readonly next_hop: NextHopItem;
}

export interface RouteTableItem {
  readonly id: string;
  readonly vpc: string;
  readonly routes?: readonly RouteItem[];
}

export interface NetworkFile {
  readonly account?: string;
  readonly region?: string;
  readonly prefix_lists?: readonly PrefixListItem[];
  readonly vpcs?: readonly VpcItem[];
  readonly security_groups?: readonly SecurityGroupItem[];
  readonly acls?: readonly AclItem[];
  readonly enis?: readonly EniItem[];
  readonly havips?: readonly HavipItem[];
  readonly route_tables?: readonly RouteTableItem[];
  /** Absent: DEFAULT_CLOUD_SERVICES. */
  readonly cloud_services?: readonly string[];
}

/** The same with values missing that were wrong. */
export type Loose<T> = T extends readonly (infer Item)[]
  ? readonly (Loose<Item> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: Loose<T[Key]> | undefined }
    : T;
