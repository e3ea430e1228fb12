// Random networks whose parts meet each other often, and entries at the edges of all that they speak of.
import { seededRandom } from '../../bench/random.ts';
import type {
  AclRuleItem,
  EniItem,
  GroupRuleItem,
  NetworkFile,
  NextHopItem,
  PortItem,
  RouteItem,
  VpcItem,
} from '../../src/cloud/network_file.ts';
import { BOXES, CEN_ATTACHMENTS, NEXT_HOP_TYPES } from '../../src/cloud/network_file.ts';
import { formatIp } from '../../src/verify/address.ts';
import type { JudgedEntry } from '../../src/verify/network.ts';

/** An address range as numbers; both ends are in it. */
interface Range {
  readonly bits: 32 | 128;
  readonly first: bigint;
  readonly length: number;
}

const PROTOCOLS = ['tcp', 'udp', 'icmp', 'icmpv6', 'all', 'gre', 'sctp', 6, 47, 255, 0];
const WITH_PORTS = ['tcp', 'udp', 'sctp', 6];
const NUMBERS = [6, 6, 17, 1, 58, 47, 132, 33, 136, 255, 0];
const PORTS = [0, 1, 79, 80, 81, 90, 91, 443, 1024, 65_534, 65_535];
/** So few that the same are drawn again and again. */
const V4 = ['10.0.0.0', '10.0.1.0', '10.0.1.64', '10.0.1.128', '10.1.0.0', '100.64.0.0', '100.118.0.0', '172.16.0.0'];
const PUBLIC = ['47.1.2.3', '8.8.8.8', '0.0.0.0', '255.255.255.255', '128.0.0.0'];
const V6 = ['2001:db8:a::', '2001:db8:a:1::', '2001:db8:b::', 'fd00::', '::', 'ffff:ffff::', '2001:db8:a:0:8000::'];

export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  /** 0 to `count - 1`. */
  below(count: number): number {
    return this.#next() % count;
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)];
  }

  /** In one of `of` cases. */
  chance(of: number): boolean {
    return this.below(of) === 0;
  }

  many<T>(most: number, make: (i: number) => T): T[] {
    return Array.from({ length: this.below(most + 1) }, (_, i) => make(i));
  }
}

export function randomNetwork(random: Random): NetworkFile {
  return new NetworkMaker(random).make();
}

class NetworkMaker {
  readonly #random: Random;
  readonly #enis: EniItem[] = [];
  readonly #havips: { id: string; vswitch: string; address: string; enis: string[] }[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  make(): NetworkFile {
    const random = this.#random;
    const prefixLists = random.many(2, (i) => ({ id: `pl-${i}`, cidrs: distinct(random.many(4, () => this.#cidr())) }));
    const lists = prefixLists.map(({ id }) => id);
    const vpcIds = ['vpc-a', 'vpc-b'].slice(0, 1 + random.below(2));
    const groupsOf = new Map(vpcIds.map((vpc) => [vpc, random.many(4, (i) => `sg-${vpc}-${i}`)]));
    const vpcs = vpcIds.map((id, i) => this.#vpc(id, i, groupsOf.get(id)!));
    const tables = vpcIds.flatMap((vpc) => ['x', 'y'].map((name) => ({ id: `rtb-${vpc}-${name}`, vpc })));
    return {
      region: 'here',
      prefix_lists: prefixLists,
      vpcs,
      security_groups: vpcIds.flatMap((vpc) =>
        groupsOf.get(vpc)!.map((id) => ({
          ...{ id, vpc, ...(random.chance(3) ? { same_group: random.one(['accept', 'drop'] as const) } : {}) },
          rules: random.many(random.chance(3) ? 24 : 6, (i) => this.#groupRule(`r${i}`, lists, groupsOf.get(vpc)!)),
        })),
      ),
      acls: vpcIds.map((vpc) => ({
        ...{ id: `acl-${vpc}`, vpc },
        in: random.many(5, (i) => this.#aclRule(`r${i}`)),
        out: random.many(5, (i) => this.#aclRule(`r${i}`)),
      })),
      enis: this.#enis,
      havips: this.#havips,
      route_tables: tables.map(({ id, vpc }) => ({ id, vpc, routes: this.#routes(vpc, lists, prefixLists) })),
      ...(random.chance(2) ? { cloud_services: distinct(random.many(3, () => this.#cidr())) } : {}),
    };
  }

  #vpc(id: string, number: number, groups: readonly string[]): VpcItem {
    const random = this.#random;
    const block = random.chance(2) ? 0 : number; // two VPCs may have the same addresses
    const v6 = random.one(['2001:db8:a', '2001:db8:b', 'fd00:0:0']);
    const taken: Range[] = [];
    const vswitches = Array.from({ length: 1 + random.below(3) }, (_, i) => {
      const cidrs = [`10.${block}.${i}.0/24`, ...(random.chance(2) ? [`${v6}:${i}::/64`] : [])];
      const vswitch = `vsw-${id}-${i}`;
      for (let eni = random.below(4); eni >= 0; eni--) this.#eni(vswitch, cidrs, taken, groups);
      if (random.chance(3)) this.#havip(vswitch, cidrs, taken);
      const table = random.chance(2) ? { route_table: `rtb-${id}-y` } : {};
      return { id: vswitch, cidrs, ...table, ...(random.chance(3) ? {} : { acl: `acl-${id}` }) };
    });
    const own = random.chance(4) ? {} : { route_table: `rtb-${id}-x` };
    return { id, cidrs: [`10.${block}.0.0/16`, `${v6}::/48`], ...own, vswitches };
  }

  #eni(vswitch: string, cidrs: readonly string[], taken: Range[], groups: readonly string[]): void {
    const random = this.#random;
    const number = this.#enis.length;
    const some = (length: number | undefined, most: number): string[] =>
      random.many(most, () => this.#free(cidrs, length, taken)).filter((text) => text !== undefined);
    const publics = [`47.0.0.${number}`, `2400::${number}`];
    this.#enis.push({
      ...{ id: `eni-${number}`, vswitch, vni: number },
      ...(random.chance(2) ? { vm: `i-${number}` } : {}),
      ...(random.chance(3) ? { box: random.one(BOXES) } : {}),
      addresses: some(undefined, 3),
      prefixes: some(random.one([28, 30, 32]), 1),
      public_addresses: random.many(2, (i) => publics[i]),
      security_groups: groups.filter(() => random.chance(2)).toSorted(() => (random.chance(2) ? 1 : -1)),
    });
  }

  #havip(vswitch: string, cidrs: readonly string[], taken: Range[]): void {
    const address = this.#free(cidrs, undefined, taken);
    const here = this.#enis.filter((eni) => eni.vswitch === vswitch).map(({ id }) => id);
    const enis = here.filter(() => this.#random.chance(2));
    if (address !== undefined) this.#havips.push({ id: `havip-${this.#havips.length}`, vswitch, address, enis });
  }

  /** In one of the blocks, where nothing is yet; undefined: there was no luck. */
  #free(cidrs: readonly string[], length: number | undefined, taken: Range[]): string | undefined {
    const block = readRange(this.#random.one(cidrs));
    const bits = length === undefined ? block.bits : block.bits === 32 ? length : length + 96;
    const size = 1n << BigInt(block.bits - bits);
    // Near each other, so that edges touch.
    const first =
      block.first + ((BigInt(this.#random.one([0, 16, 64, 240])) + BigInt(this.#random.below(16))) / size) * size;
    const range: Range = { bits: block.bits, first, length: bits };
    if (taken.some((other) => overlap(other, range))) return undefined;
    taken.push(range);
    const text = textOf(block.bits, first);
    return length === undefined ? text : `${text}/${bits}`;
  }

  #cidr(): string {
    const random = this.#random;
    const isV6 = random.chance(3);
    const address = isV6
      ? random.one(V6)
      : random.one([...V4, ...V4, ...PUBLIC, `10.0.${random.below(3)}.${random.below(32)}`]);
    const lengths = isV6 ? [0, 1, 16, 48, 56, 63, 64, 65, 127, 128] : [0, 1, 8, 9, 16, 24, 25, 28, 30, 31, 32];
    return cutTo(address, random.one(lengths));
  }

  #service(): { protocol?: string | number; ports?: PortItem | PortItem[] } {
    const random = this.#random;
    if (random.chance(5)) return {};
    const protocol = random.one(PROTOCOLS);
    if (!WITH_PORTS.includes(protocol) || random.chance(3)) return { protocol };
    const range = (): PortItem => {
      const [a, b] = [random.one(PORTS), random.one(PORTS)];
      return random.chance(3) ? a : `${Math.min(a, b)}-${Math.max(a, b)}`;
    };
    return { protocol, ports: random.chance(3) ? [range(), range()] : range() };
  }

  #groupRule(id: string, lists: readonly string[], groups: readonly string[]): GroupRuleItem {
    const random = this.#random;
    const service = this.#service();
    const rule = {
      ...{ id, direction: random.one(['in', 'in', 'out'] as const), policy: random.one(['accept', 'drop'] as const) },
      ...service,
      ...(random.chance(3) ? {} : { priority: 1 + random.below(3) }),
    };
    if (random.chance(3)) return { ...rule, group: random.one(groups) };
    const isOfFamily = service.protocol === 'icmp' || service.protocol === 'icmpv6';
    if (lists.length > 0 && random.chance(4) && !isOfFamily) return { ...rule, prefix_list: random.one(lists) };
    return { ...rule, cidr: this.#cidrFor(service.protocol) };
  }

  #aclRule(id: string): AclRuleItem {
    const service = this.#service();
    const policy = this.#random.one(['accept', 'accept', 'drop'] as const);
    return { id, policy, ...service, cidr: this.#cidrFor(service.protocol) };
  }

  #cidrFor(protocol: string | number | undefined): string {
    for (;;) {
      const cidr = this.#cidr();
      if (protocol === 'icmp' && cidr.includes(':')) continue;
      if (protocol === 'icmpv6' && !cidr.includes(':')) continue;
      return cidr;
    }
  }

  #routes(vpc: string, lists: readonly string[], prefixLists: NonNullable<NetworkFile['prefix_lists']>): RouteItem[] {
    const random = this.#random;
    const known = new Set<string>();
    const isNew = (cidrs: readonly string[]): boolean => {
      const texts = cidrs.map(canonical);
      if (texts.some((text) => known.has(text))) return false;
      for (const text of texts) known.add(text);
      return true;
    };
    const routes = random.many(8, (): RouteItem | undefined => {
      const hop = this.#hop(vpc);
      if (lists.length > 0 && random.chance(5) && !hop.type.endsWith('_gateway')) {
        const list = random.one(prefixLists);
        return isNew(list.cidrs) ? { prefix_list: list.id, next_hop: hop } : undefined;
      }
      const cidr =
        hop.type === 'ipv6_gateway'
          ? this.#cidrFor('icmpv6')
          : hop.type === 'ipv4_gateway'
            ? this.#cidrFor('icmp')
            : this.#cidr();
      return isNew([cidr]) ? { cidr, next_hop: hop } : undefined;
    });
    if (random.chance(2) && isNew(['0.0.0.0/0'])) routes.push({ cidr: '0.0.0.0/0', next_hop: { type: 'nat_gateway' } });
    return routes.filter((route) => route !== undefined);
  }

  #hop(vpc: string): NextHopItem {
    const random = this.#random;
    const type = random.one(NEXT_HOP_TYPES);
    const isHere = ({ vswitch }: { vswitch: string }): boolean => vswitch.startsWith(`vsw-${vpc}-`);
    const eni = this.#enis.find(isHere)!;
    if (type === 'eni') return { type, id: eni.id };
    if (type === 'instance') {
      const vm = this.#enis.find((one) => isHere(one) && one.vm !== undefined)?.vm;
      return vm === undefined ? { type: 'eni', id: eni.id } : { type, id: vm };
    }
    if (type === 'havip') {
      const havip = this.#havips.find(isHere);
      return havip ? { type, id: havip.id } : { type: 'blackhole' };
    }
    if (type !== 'cen') return { type };
    const attachment = random.one(CEN_ATTACHMENTS);
    return { type, attachment, ...(random.chance(2) ? { remote_region: 'there' } : {}) };
  }
}

/** Entries of the network's ENIs whose ends and ports are those that the file speaks of, or next to them. */
export function randomEntries(file: NetworkFile, count: number, random: Random): JudgedEntry[] {
  const ranges = [...new Set(JSON.stringify(file).match(/"[0-9a-f.:]*[.:][0-9a-f.:]*(\/\d+)?"/g))].map((text) =>
    readRange(text.slice(1, -1)),
  );
  const families = [32, 128]
    .map((bits) => ranges.filter((range) => range.bits === bits))
    .filter(({ length }) => length > 0);
  const near = (of: readonly Range[]): string => {
    const { bits, first, length } = random.one(of);
    const last = first + (1n << BigInt(bits - length)) - 1n;
    const at = random.one([first, last, first, last, first - 1n, last + 1n, first + BigInt(random.below(300))]);
    return textOf(bits, BigInt.asUintN(bits, at));
  };
  return Array.from({ length: count }, () => {
    const eni = random.below(file.enis!.length + (random.chance(50) ? 1 : 0));
    const family = random.one(families);
    const own = (file.enis![eni]?.addresses ?? []).filter((text) => text.includes(':') === (family[0].bits === 128));
    const local = own.length > 0 && !random.chance(4) ? random.one(own) : near(family);
    const far = random.chance(20) ? local : near(family);
    const direction = random.one(['in', 'out'] as const);
    const port = (): number => Math.min(Math.max(random.one(PORTS) + random.one([0, 0, 0, -1, 1]), -1), 65_535);
    const protocol = random.one(NUMBERS);
    const isUnknown = random.chance(10);
    const [srcport, dstport] = isUnknown ? [-1, -1] : [port(), port()];
    const [srcaddr, dstaddr] = direction === 'in' ? [far, local] : [local, far];
    return { eni, direction, srcaddr, dstaddr, srcport, dstport, protocol, isOpenedByReceiver: random.chance(2) };
  });
}

function readRange(cidr: string): Range {
  const [address, length] = cidr.split('/');
  const bits = address.includes(':') ? 128 : 32;
  return { bits, first: numberOf(address), length: length === undefined ? bits : Number(length) };
}

function overlap(a: Range, b: Range): boolean {
  if (a.bits !== b.bits) return false;
  const shift = BigInt(a.bits - Math.min(a.length, b.length));
  return a.first >> shift === b.first >> shift;
}

/** The same block however it is written. */
function canonical(cidr: string): string {
  const { bits, first, length } = readRange(cidr);
  return `${textOf(bits, first)}/${length}`;
}

function distinct(cidrs: readonly string[]): string[] {
  return [...new Set(cidrs.map(canonical))];
}

function cutTo(address: string, length: number): string {
  const bits = address.includes(':') ? 128 : 32;
  const host = BigInt(bits - length);
  return `${textOf(bits, (numberOf(address) >> host) << host)}/${length}`;
}

function numberOf(address: string): bigint {
  if (!address.includes(':')) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  const [head, tail] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const groups =
    tail === undefined ? head : [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}

function textOf(bits: number, address: bigint): string {
  const bytes = Uint8Array.from({ length: bits / 8 }, (_, i) => Number((address >> BigInt(bits - 8 - i * 8)) & 255n));
  return formatIp(bytes);
}
