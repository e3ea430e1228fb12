// Which side of a packet is local: the first of capture, ENI, --local, what the file shows, and private ranges that knows.
import { PRIVATE, Ranges } from './address.ts';
import type { EniItem } from '../cloud/network_file.ts';
import type { Enis } from './enis.ts';
import type { Decoded, IpPacket } from './packet.ts';
import type { PacketRecord } from './records.ts';

export type Rule = 'capture' | 'eni' | 'local' | 'shown_address' | 'shown_mac' | 'private' | 'opener';
export type Side = 'src' | 'dst';

/**
 * What a packet tells of where it was seen, and its addresses do not. Its flow's other packets may say otherwise: they
 * are another flow, whatever tells the direction in the end.
 */
export interface Point {
  readonly rule: 'capture' | 'shown_mac' | undefined;
  /** The local one by this rule. */
  readonly side: Side | undefined;
  /** Named by the MACs of both sides. */
  readonly enis: Readonly<Record<Side, string | undefined>>;
  /** Of the tunnel that it came in, where ENIs have VNIs; other: none of them has it. */
  readonly vni?: number | 'other';
}

/** What a packet is an entry of. */
export interface Observation {
  readonly eni: string;
  readonly rule: Rule;
  /** Nothing where only the flow's opener can tell. */
  readonly local: Side | undefined;
}

export interface Seen {
  readonly record: PacketRecord;
  readonly decoded: Decoded;
  readonly ip: IpPacket;
}

export class Directions {
  readonly #enis: Enis;
  readonly #local: Ranges;
  readonly #shown: Shown;

  constructor(enis: Enis, local: readonly string[], shown: Shown) {
    this.#enis = enis;
    this.#local = new Ranges(local);
    this.#shown = shown;
  }

  pointOf({ record, decoded, ip }: Seen): Point {
    const { network } = this.#enis;
    if (network?.haveVnis && ip.vni !== undefined) {
      // Ways and MACs are those of the frames around the tunnel.
      const vni = network.inside(ip.vni).length > 0 ? ip.vni : 'other';
      return { rule: undefined, side: undefined, enis: { src: undefined, dst: undefined }, vni };
    }
    const enis = { src: this.#enis.ofMac(decoded.srcMac), dst: this.#enis.ofMac(decoded.dstMac) };
    if (decoded.hint !== undefined) return { rule: 'capture', side: decoded.hint === 'in' ? 'dst' : 'src', enis };
    // A MAC that is named says more than one that is shown.
    const isNamed = enis.src !== undefined || enis.dst !== undefined;
    const side = isNamed ? undefined : this.#shown.sideOfMac(record.interfaceNumber, decoded);
    return { rule: side === undefined ? undefined : 'shown_mac', side, enis };
  }

  /** None where ENIs are known and neither end is one; two where both are, the sender's first. */
  observe({ record, ip }: Seen, point: Point): Observation[] {
    const captured = point.rule === 'capture' ? point.side : undefined;
    if (typeof point.vni === 'number') return this.#observeInside(point.vni, { record, ip }, point);
    const bound = this.#enis.boundTo(record.interfaceNumber);
    if (bound) return [this.#observeAt(bound, { record, ip }, point)];
    if (this.#enis.known) {
      const src = this.#named('src', ip, point);
      const dst = this.#named('dst', ip, point);
      if (captured !== undefined) {
        const eni = captured === 'src' ? (src ?? dst) : (dst ?? src);
        return eni === undefined ? [] : [{ eni, rule: 'capture', local: captured }];
      }
      const observations: Observation[] = [];
      if (src !== undefined) observations.push({ eni: src, rule: 'eni', local: 'src' });
      if (dst !== undefined) observations.push({ eni: dst, rule: 'eni', local: 'dst' });
      return observations;
    }
    return [{ eni: this.#enis.ofInterface(record.interfaceNumber), ...this.#unnamed({ record, ip }, point) }];
  }

  /** In a network a MAC is that of a middle box: who has the frame goes before whose address it is. */
  #named(side: Side, ip: IpPacket, point: Point): string | undefined {
    const { network } = this.#enis;
    if (!network) return this.#enis.ofAddress(ip[side]) ?? point.enis[side];
    if (point.enis[side] !== undefined) return point.enis[side];
    const eni = network.ofAddress(ip[side]);
    return point.vni === 'other' && eni?.vni !== undefined ? undefined : eni?.id;
  }

  /** In a tunnel of a VNI that ENIs have: at the only one, else at those that are an end. */
  #observeInside(vni: number, seen: Placed, point: Point): Observation[] {
    const network = this.#enis.network!;
    const inside = network.inside(vni);
    if (inside.length === 1) return [this.#observeAt(inside[0], seen, point)];
    return (['src', 'dst'] as const).flatMap((local) => {
      const eni = inside.find((one) => network.has(one, seen.ip[local]));
      return eni ? [{ eni: eni.id, rule: 'eni' as const, local }] : [];
    });
  }

  /** Where all traffic is that of one ENI of the network. */
  #observeAt(eni: EniItem, seen: Placed, point: Point): Observation {
    const { network } = this.#enis;
    const isEnd = (side: Side): boolean => point.enis[side] === eni.id || network!.has(eni, seen.ip[side]);
    const local = point.rule === 'capture' ? undefined : oneSide(isEnd('src'), isEnd('dst'));
    if (local !== undefined) return { eni: eni.id, rule: 'eni', local };
    return { eni: eni.id, ...this.#unnamed(seen, point) };
  }

  #unnamed({ record, ip }: Placed, point: Point): Pick<Observation, 'rule' | 'local'> {
    // What an interface shows is not that of the networks in its tunnels.
    const isShown = point.vni === undefined;
    const tries: [Rule, Side | undefined][] = [
      ['capture', point.rule === 'capture' ? point.side : undefined],
      ['local', oneSide(this.#local.has(ip.src), this.#local.has(ip.dst))],
      ['shown_address', isShown ? this.#shown.sideOfAddress(record.interfaceNumber, ip) : undefined],
      ['shown_mac', point.rule === 'shown_mac' ? point.side : undefined],
      ['private', oneSide(PRIVATE.has(ip.src), PRIVATE.has(ip.dst))],
    ];
    const [rule, local] = tries.find(([, side]) => side !== undefined) ?? ['opener' as const, undefined];
    return { rule, local };
  }
}

type Placed = Pick<Seen, 'record' | 'ip'>;

/** What a capture's head shows: per interface, the one address, else the one MAC, that is an end of all its packets. */
export class Shown {
  readonly #interfaces = new Map<number, { addresses: Set<string>; macs: Set<string> }>();

  add({ record, decoded, ip }: Seen): void {
    const macs = [decoded.srcMac, decoded.dstMac].filter((mac) => mac !== undefined && !isGroup(mac)) as string[];
    const ends = { addresses: new Set([ip.src, ip.dst]), macs: new Set(macs) };
    const shown = this.#interfaces.get(record.interfaceNumber);
    if (shown === undefined) this.#interfaces.set(record.interfaceNumber, ends);
    else {
      keep(shown.addresses, ends.addresses);
      keep(shown.macs, ends.macs);
    }
  }

  sideOfAddress(number: number, ip: IpPacket): Side | undefined {
    const address = only(this.#interfaces.get(number)?.addresses);
    return address === undefined ? undefined : oneSide(ip.src === address, ip.dst === address);
  }

  sideOfMac(number: number, { srcMac, dstMac }: Decoded): Side | undefined {
    const shown = this.#interfaces.get(number);
    if (shown === undefined || shown.addresses.size === 1) return undefined;
    const mac = only(shown.macs);
    return mac === undefined ? undefined : oneSide(srcMac === mac, dstMac === mac);
  }
}

function oneSide(src: boolean, dst: boolean): Side | undefined {
  if (src === dst) return undefined;
  return src ? 'src' : 'dst';
}

function keep(set: Set<string>, others: Set<string>): void {
  for (const one of set) if (!others.has(one)) set.delete(one);
}

function only(set: Set<string> | undefined): string | undefined {
  return set?.size === 1 ? set.values().next().value : undefined;
}

/** IEEE 802: the lowest bit of the first octet makes an address a group's. */
function isGroup(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}
