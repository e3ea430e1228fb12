// The slow and obvious judge of entries by a network, as README.md has the rules: in plain loops over the file's own words.
import type {
  AclItem,
  AclRuleItem,
  EniItem,
  GroupRuleItem,
  NetworkFile,
  NextHopItem,
  PortItem,
  RuleItem,
  SecurityGroupItem,
  VpcItem,
  VswitchItem,
} from '../cloud/network_file.ts';
import { Blocks } from './blocks.ts';
import { NetworkEnis } from './network_enis.ts';

/** One direction of a flow at an ENI. */
export interface JudgedEntry {
  readonly eni: number;
  readonly direction: 'in' | 'out';
  readonly srcaddr: string;
  readonly dstaddr: string;
  /** -1: not known, or the protocol has none. */
  readonly srcport: number;
  readonly dstport: number;
  readonly protocol: number;
  /** The connection was opened by the end to which the entry's packets go. */
  readonly isOpenedByReceiver: boolean;
}

export interface Judgement {
  readonly action: 'ACCEPT' | 'REJECT';
  readonly source: 'none' | 'security-group' | 'network-acl';
  /** As reports name it; '-' where the source is none. */
  readonly rule: string;
  readonly trafficPath: number;
}

/** Where a route leads; the two that are in no table. */
type Target = NextHopItem | 'local' | 'service';

interface Said {
  readonly accepts: boolean;
  readonly rule: string;
}

const PROTOCOL_NUMBERS: Readonly<Record<string, number>> = {
  ...{
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
  },
  ...{ sctp: 132, udplite: 136 },
};
const WITH_PORTS = [6, 17, 33, 132, 136];
const NOT_PUBLIC = [
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8'],
  ...['fc00::/7', 'fe80::/10', '::1'],
];
const PATHS_BY_TYPE: Readonly<Record<string, number>> = {
  ...{ eni: 3, instance: 3, havip: 4, gateway_endpoint: 6, nat_gateway: 7, transit_router: 8, vpn_gateway: 9, vbr: 10 },
  ...{ ipv4_gateway: 13, ipv6_gateway: 14, peering: 17, ecr: 21, gwlb_endpoint: 22, blackhole: 0 },
};
const THROUGH_BOX: Readonly<Record<string, number>> = {
  ...{ nat_gateway: 7, transit_router: 8, vpn_gateway: 9, vbr: 10, ecr: 21, gwlb_endpoint: 22 },
};

export class NetworkModel {
  readonly #file: NetworkFile;
  readonly #enis: NetworkEnis;
  readonly #blocks = new Blocks();

  /** Of a file that was found right. */
  constructor(file: NetworkFile) {
    this.#file = file;
    this.#enis = new NetworkEnis(file);
  }

  /** Undefined: the ENI is not in the network. */
  judge(entry: JudgedEntry): Judgement | undefined {
    const eni = this.#file.enis?.[entry.eni];
    if (!eni) return undefined;
    const isIn = entry.direction === 'in';
    const [far, near] = isIn ? [entry.srcaddr, entry.dstaddr] : [entry.dstaddr, entry.srcaddr];
    const trafficPath = this.#pathOf(eni, near, far);
    const byAcl = (): Said | undefined => this.#aclSays(eni, entry, far);
    const byGroups = (): Said | undefined => this.#groupsSay(eni, entry, far);
    const stages = isIn ? [byAcl, byGroups] : [byGroups, byAcl];
    const said = { acl: undefined as Said | undefined, groups: undefined as Said | undefined };
    for (const stage of stages) {
      const answer = stage();
      if (stage === byAcl) said.acl = answer;
      else said.groups = answer;
      if (answer && !answer.accepts) {
        const source = stage === byAcl ? 'network-acl' : 'security-group';
        return { action: 'REJECT', source, rule: answer.rule, trafficPath };
      }
    }
    if (said.groups) return { action: 'ACCEPT', source: 'security-group', rule: said.groups.rule, trafficPath };
    if (said.acl) return { action: 'ACCEPT', source: 'network-acl', rule: said.acl.rule, trafficPath };
    return { action: 'ACCEPT', source: 'none', rule: '-', trafficPath };
  }

  /** Of all ENIs, whatever their VPC; -1: none has the address, or more than one VPC has. */
  eniOf(address: string): number {
    const owner = this.#enis.ofAddress(address);
    return owner === undefined ? -1 : this.#enis.numberOf(owner.id);
  }

  // --- Security groups ---

  #groupsSay(eni: EniItem, entry: JudgedEntry, far: string): Said | undefined {
    const groups = this.#groupsOf(eni);
    if (groups.length === 0) return undefined;
    const isIn = entry.direction === 'in';
    const isFarOpener = isIn !== entry.isOpenedByReceiver;
    // To the ENI where the far end opened the connection, else to the far end.
    const isRequest = isFarOpener === isIn;
    const port = isRequest ? entry.dstport : entry.srcport;
    const wanted = isFarOpener ? 'in' : 'out';
    let best: { rule: GroupRuleItem; group: SecurityGroupItem } | undefined;
    for (const group of groups) {
      for (const rule of group.rules ?? []) {
        if (rule.direction !== wanted) continue;
        if (!this.#serviceFits(rule, entry.protocol, port)) continue;
        if (!this.#peerFits(eni, rule, far)) continue;
        if (!best || goesBefore(rule, best.rule)) best = { rule, group };
      }
    }
    if (best) return { accepts: best.rule.policy === 'accept', rule: `${best.group.id}/${best.rule.id}` };
    if (!isFarOpener) return { accepts: true, rule: 'default-out' };
    const peer = this.#peerOf(eni, far);
    const shared = groups.find((group) => group.same_group !== 'drop' && peer?.security_groups?.includes(group.id));
    if (shared) return { accepts: true, rule: `${shared.id}/same-group` };
    return { accepts: false, rule: 'default-in' };
  }

  #groupsOf(eni: EniItem): SecurityGroupItem[] {
    return (eni.security_groups ?? []).map((id) => this.#file.security_groups!.find((group) => group.id === id)!);
  }

  #peerFits(eni: EniItem, rule: GroupRuleItem, far: string): boolean {
    if (rule.cidr !== undefined) return this.#isIn(far, rule.cidr);
    if (rule.prefix_list !== undefined) return this.#list(rule.prefix_list).some((cidr) => this.#isIn(far, cidr));
    return this.#peerOf(eni, far)?.security_groups?.includes(rule.group!) === true;
  }

  /** The ENI of the same VPC that has the address. */
  #peerOf(eni: EniItem, far: string): EniItem | undefined {
    const owner = this.#enis.ownerIn(this.#placeOf(eni).vpc, far);
    return owner === 'havip' ? undefined : owner;
  }

  // --- Network ACLs ---

  #aclSays(eni: EniItem, entry: JudgedEntry, far: string): Said | undefined {
    const { vswitch } = this.#placeOf(eni);
    if (vswitch.acl === undefined) return undefined;
    if (vswitch.cidrs.some((cidr) => this.#isIn(far, cidr))) return undefined;
    const acl: AclItem = this.#file.acls!.find(({ id }) => id === vswitch.acl)!;
    const rules: readonly AclRuleItem[] = acl[entry.direction] ?? [];
    for (const rule of rules) {
      if (!this.#serviceFits(rule, entry.protocol, entry.dstport)) continue;
      if (!this.#isIn(far, rule.cidr)) continue;
      return { accepts: rule.policy === 'accept', rule: `${acl.id}/${entry.direction}/${rule.id}` };
    }
    return { accepts: false, rule: `${acl.id}/${entry.direction}/default` };
  }

  // --- Both ---

  #serviceFits(rule: RuleItem, protocol: number, port: number): boolean {
    const wanted = rule.protocol ?? 'all';
    const number = typeof wanted === 'number' ? wanted : PROTOCOL_NUMBERS[wanted];
    if (wanted !== 'all' && number !== protocol) return false;
    if (rule.ports === undefined) return true;
    if (!WITH_PORTS.includes(protocol) || port < 0) return false;
    const items: readonly PortItem[] = Array.isArray(rule.ports)
      ? (rule.ports as PortItem[])
      : [rule.ports as PortItem];
    return items.some((item) => {
      const [first, last = first] = item.toString().split('-').map(Number);
      return port >= first && port <= last;
    });
  }

  // --- Paths ---

  #pathOf(eni: EniItem, near: string, far: string): number {
    const { vpc, vswitch } = this.#placeOf(eni);
    const through = eni.box === undefined ? undefined : THROUGH_BOX[eni.box];
    if (through !== undefined && !this.#isOwn(eni, near) && !this.#isOwn(eni, far)) return through;
    const route = this.#routeTo(vpc, vswitch, far);
    const isDefaultNat = route?.bits === 0 && typeof route.to === 'object' && route.to.type === 'nat_gateway';
    if (
      (!route || isDefaultNat) &&
      this.#hasPublicLike(eni, far) &&
      !NOT_PUBLIC.some((cidr) => this.#isIn(far, cidr))
    ) {
      return 15;
    }
    if (!route) return 0;
    if (route.to === 'service') return 5;
    if (route.to === 'local') {
      const owner = this.#enis.ownerIn(vpc, far);
      if (owner === 'havip') return 4;
      return owner?.vm === undefined ? 1 : 2;
    }
    if (route.to.type !== 'cen') return PATHS_BY_TYPE[route.to.type];
    const isSameRegion = route.to.remote_region === undefined;
    if (route.to.attachment === 'vpc') return isSameRegion ? 11 : 18;
    if (route.to.attachment === 'vbr') return isSameRegion ? 19 : 20;
    return 12;
  }

  /** The longest prefix; of equals the table's own, then that of the VPC. */
  #routeTo(vpc: VpcItem, vswitch: VswitchItem, far: string): { bits: number; to: Target } | undefined {
    const all: { cidr: string; to: Target }[] = [];
    const id = vswitch.route_table ?? vpc.route_table;
    for (const { cidr, prefix_list: list, next_hop: to } of this.#file.route_tables?.find((one) => one.id === id)
      ?.routes ?? []) {
      for (const one of cidr === undefined ? this.#list(list!) : [cidr]) all.push({ cidr: one, to });
    }
    for (const cidr of vpc.cidrs) all.push({ cidr, to: 'local' });
    for (const cidr of this.#file.cloud_services ?? ['100.64.0.0/10']) all.push({ cidr, to: 'service' });
    let best: { bits: number; to: Target } | undefined;
    for (const { cidr, to } of all) {
      const bits = Number(cidr.split('/')[1]);
      if (this.#isIn(far, cidr) && (!best || bits > best.bits)) best = { bits, to };
    }
    return best;
  }

  #hasPublicLike(eni: EniItem, far: string): boolean {
    return (eni.public_addresses ?? []).some((address) => address.includes(':') === far.includes(':'));
  }

  #isOwn(eni: EniItem, address: string): boolean {
    const havips = (this.#file.havips ?? []).filter(({ enis }) => enis?.includes(eni.id)).map((havip) => havip.address);
    const own = [...(eni.addresses ?? []), ...(eni.prefixes ?? []), ...(eni.public_addresses ?? []), ...havips];
    return own.some((cidr) => this.#isIn(address, cidr));
  }

  // --- Who is who ---

  #placeOf(eni: EniItem): { vpc: VpcItem; vswitch: VswitchItem } {
    for (const vpc of this.#file.vpcs!) {
      for (const vswitch of vpc.vswitches ?? []) if (vswitch.id === eni.vswitch) return { vpc, vswitch };
    }
    throw new Error(`no such vSwitch: ${eni.vswitch}`);
  }

  #list(id: string): readonly string[] {
    return this.#file.prefix_lists!.find((list) => list.id === id)!.cidrs;
  }

  #isIn(address: string, cidr: string): boolean {
    return this.#blocks.hold(cidr, address);
  }
}

/** The lower priority first, and what drops before what accepts. */
function goesBefore(rule: GroupRuleItem, other: GroupRuleItem): boolean {
  const [priority, otherPriority] = [rule.priority ?? 1, other.priority ?? 1];
  if (priority !== otherPriority) return priority < otherPriority;
  return rule.policy === 'drop' && other.policy === 'accept';
}
