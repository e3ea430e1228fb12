// Packets and captures, written the way they are read: each function puts its header in front of a payload.

export type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes, a string of hexadecimal digits (blanks are ignored), or a single octet. */
export type Piece = Uint8Array | string | number;

/** Joins pieces. */
export function bytes(...pieces: Piece[]): Bytes {
  const parts = pieces.map((piece) =>
    typeof piece === 'number' ? [piece] : typeof piece === 'string' ? hex(piece) : piece,
  );
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function hex(text: string): number[] {
  return (text.replaceAll(/\s/g, '').match(/../g) ?? []).map((pair) => parseInt(pair, 16));
}

export function zeros(count: number): Bytes {
  return new Uint8Array(count);
}

/** Big-endian, as on the wire. */
export function u16(value: number): Bytes {
  return Uint8Array.of(value >>> 8, value);
}
export function u32(value: number): Bytes {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

export const ETHERTYPE = {
  ipv4: 0x0800,
  arp: 0x0806,
  vlan: 0x8100,
  ipv6: 0x86dd,
  mpls: 0x8847,
  pppoe: 0x8864,
  qinq: 0x88a8,
} as const;

export const PROTOCOL = {
  hopByHop: 0,
  icmp: 1,
  ipip: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  sixInFour: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  esp: 50,
  icmpv6: 58,
  none: 59,
  destination: 60,
  sctp: 132,
  udpLite: 136,
} as const;

export const TCP_FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;

export const LINK_TYPE = {
  null: 0,
  ethernet: 1,
  ppp: 9,
  raw: 101,
  sll: 113,
  ppi: 192,
  ipv4: 228,
  ipv6: 229,
  sll2: 276,
} as const;

// --- Link layers ---

export function mac(text: string): Bytes {
  return Uint8Array.from(text.split(':'), (part) => parseInt(part, 16));
}

export interface EthernetFields {
  readonly dst?: string;
  readonly src?: string;
  /** EtherType, or the length of an 802.3 frame. */
  readonly type?: number;
}

export function ethernet(fields: EthernetFields, payload: Uint8Array): Bytes {
  const { dst = '02:00:00:00:00:02', src = '02:00:00:00:00:01', type = ETHERTYPE.ipv4 } = fields;
  return bytes(mac(dst), mac(src), u16(type), payload);
}

/** The tag behind an EtherType such as 8100: VLAN number and the next EtherType. */
export function vlan(fields: { readonly id?: number; readonly type?: number }, payload: Uint8Array): Bytes {
  const { id = 1, type = ETHERTYPE.ipv4 } = fields;
  return bytes(u16(id), u16(type), payload);
}

/** One label of an MPLS stack; `isBottom` ends it. */
export function mpls(fields: { readonly label?: number; readonly isBottom?: boolean }, payload: Uint8Array): Bytes {
  const { label = 100, isBottom = true } = fields;
  return bytes(u32(label * 4096 + (isBottom ? 256 : 0) + 64), payload);
}

/** Linux cooked capture, version 1. Packet type 0 is to us, 4 from us. */
export function sll(fields: { readonly packetType?: number; readonly protocol?: number }, payload: Uint8Array): Bytes {
  const { packetType = 0, protocol = ETHERTYPE.ipv4 } = fields;
  return bytes(u16(packetType), u16(1), u16(6), '02 00 00 00 00 01 00 00', u16(protocol), payload);
}

// --- IP ---

/** Four bytes of a dotted address, or sixteen of one with colons. */
export function address(text: string): Bytes {
  if (!text.includes(':')) return Uint8Array.from(text.split('.'), Number);
  const [head = '', tail] = text.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const all = [...left, ...Array<string>(zeros).fill('0'), ...right];
  return bytes(...all.map((group) => u16(parseInt(group, 16))));
}

export interface Ipv4Fields {
  readonly src?: string;
  readonly dst?: string;
  readonly protocol?: number;
  readonly id?: number;
  readonly hasMoreFragments?: boolean;
  /** In bytes; a multiple of 8. */
  readonly fragmentOffset?: number;
  /** A multiple of four bytes. */
  readonly options?: Uint8Array;
  /** What the header says, where that is not the truth. */
  readonly totalLength?: number;
  readonly version?: number;
  readonly headerWords?: number;
}

export function ipv4(fields: Ipv4Fields, payload: Uint8Array): Bytes {
  const { src = '10.0.0.1', dst = '192.0.2.1', protocol = PROTOCOL.udp, id = 0, options = new Uint8Array() } = fields;
  const { version = 4, headerWords = 5 + options.length / 4 } = fields;
  const { totalLength = 20 + options.length + payload.length } = fields;
  const fragment = (fields.hasMoreFragments ? 0x2000 : 0) | ((fields.fragmentOffset ?? 0) / 8);
  const start = bytes((version << 4) | headerWords, 0, u16(totalLength), u16(id), u16(fragment));
  return bytes(start, 64, protocol, u16(0), address(src), address(dst), options, payload);
}

export interface Ipv6Fields {
  readonly src?: string;
  readonly dst?: string;
  /** Protocol, or the first extension header. */
  readonly next?: number;
  /** What the header says, where that is not the truth. */
  readonly payloadLength?: number;
}

export function ipv6(fields: Ipv6Fields, payload: Uint8Array): Bytes {
  const { src = 'fd00::1', dst = '2001:db8::1', next = PROTOCOL.udp, payloadLength = payload.length } = fields;
  return bytes('60 00 00 00', u16(payloadLength), next, 64, address(src), address(dst), payload);
}

/** Hop-by-hop, routing and destination options alike: `body` is padded to a multiple of eight bytes less two. */
export function extension(next: number, body: Uint8Array, payload: Uint8Array): Bytes {
  const words = Math.ceil((body.length + 2) / 8);
  const padding = new Uint8Array(words * 8 - 2 - body.length);
  return bytes(next, words - 1, body, padding, payload);
}

/** The jumbo payload option of RFC 2675, to stand in a hop-by-hop header. */
export function jumboOption(length: number): Bytes {
  return bytes('c2 04', u32(length));
}

export interface FragmentFields {
  readonly next?: number;
  readonly id?: number;
  readonly offset?: number;
  readonly hasMore?: boolean;
}

export function fragment6(fields: FragmentFields, payload: Uint8Array): Bytes {
  const { next = PROTOCOL.udp, id = 0, offset = 0, hasMore = false } = fields;
  return bytes(next, 0, u16(offset | (hasMore ? 1 : 0)), u32(id), payload);
}

// --- Transport and tunnels ---

export interface Ports {
  readonly sport?: number;
  readonly dport?: number;
}

export function tcp(fields: Ports & { readonly flags?: number }, payload: Uint8Array = new Uint8Array()): Bytes {
  const { sport = 40000, dport = 443, flags = TCP_FLAG.ack } = fields;
  return bytes(u16(sport), u16(dport), u32(1), u32(2), 0x50, flags, u16(1024), u16(0), u16(0), payload);
}

export function udp(fields: Ports & { readonly length?: number }, payload: Uint8Array = new Uint8Array()): Bytes {
  const { sport = 40000, dport = 53, length = 8 + payload.length } = fields;
  return bytes(u16(sport), u16(dport), u16(length), u16(0), payload);
}

/** What SCTP and DCCP have in common with all that has ports: they come first. */
export function ported(fields: Ports, rest: Uint8Array): Bytes {
  const { sport = 40000, dport = 9000 } = fields;
  return bytes(u16(sport), u16(dport), rest);
}

export function icmp(type: number, code: number, rest: Uint8Array = new Uint8Array(4)): Bytes {
  return bytes(type, code, u16(0), rest);
}

/** RFC 2784 without options. */
export function gre(type: number, payload: Uint8Array): Bytes {
  return bytes(u16(0), u16(type), payload);
}

/** RFC 7348, to stand behind UDP port 4789. */
export function vxlan(vni: number, frame: Uint8Array): Bytes {
  return bytes('08 00 00 00', u32(vni * 256), frame);
}

// --- Classic captures ---

export interface PcapRecord {
  readonly data: Uint8Array;
  readonly sec?: number;
  /** Microseconds or nanoseconds, as the file counts. */
  readonly fraction?: number;
  /** Length on the wire, where the capture cut the packet short. */
  readonly wireLength?: number;
  /** What the record header says, where that is not the truth. */
  readonly capturedLength?: number;
  /** Of the modified format only: 0 to us, 4 from us. */
  readonly packetType?: number;
}

export interface PcapOptions {
  readonly kind?: 'micro' | 'nano' | 'modified';
  readonly isBigEndian?: boolean;
  readonly version?: readonly [number, number];
  readonly linkType?: number;
  /** The whole word of link type and FCS length, where it is more than the type. */
  readonly linkWord?: number;
  /** Whether the two lengths of a record stand swapped, where the version does not say it. */
  readonly isSwapped?: boolean;
}

const PCAP_MAGIC = { micro: 0xa1b2c3d4, nano: 0xa1b23c4d, modified: 0xa1b2cd34 } as const;

/** A capture file. Before version 2.3 the two lengths of a record stand swapped. */
export function pcap(records: readonly PcapRecord[], options: PcapOptions = {}): Bytes {
  const {
    kind = 'micro',
    isBigEndian = false,
    version = [2, 4],
    linkType = LINK_TYPE.ethernet,
    linkWord = linkType,
    isSwapped = version[1] < 3,
  } = options;
  const order = byteOrder(isBigEndian);
  const header = bytes(order.u32(PCAP_MAGIC[kind]), order.u16(version[0]), order.u16(version[1]));
  return bytes(
    bytes(header, order.u32(0), order.u32(0), order.u32(65535), order.u32(linkWord)),
    ...records.flatMap((record) => {
      const {
        data,
        sec = 0,
        fraction = 0,
        capturedLength = data.length,
        wireLength = data.length,
        packetType = 0,
      } = record;
      const lengths = isSwapped ? [wireLength, capturedLength] : [capturedLength, wireLength];
      const start = bytes(order.u32(sec), order.u32(fraction), ...lengths.map(order.u32));
      return kind === 'modified' ? [start, order.u32(1), order.u16(0x0800), packetType, 0, data] : [start, data];
    }),
  );
}

// --- pcapng ---

export interface ByteOrder {
  readonly isBigEndian: boolean;
  readonly u16: (value: number) => Bytes;
  readonly u32: (value: number) => Bytes;
  readonly u64: (value: bigint) => Bytes;
}

/** Numbers as a file, or a header that follows its writer, has them. */
export function byteOrder(isBigEndian: boolean): ByteOrder {
  const turn = (value: Bytes): Bytes => (isBigEndian ? value : value.reverse());
  return {
    isBigEndian,
    u16: (value) => turn(u16(value)),
    u32: (value) => turn(u32(value)),
    u64: (value) => turn(bytes(u32(Number((value >> 32n) & 0xffffffffn)), u32(Number(value & 0xffffffffn)))),
  };
}

/** A block, once its section's byte order is known. */
export type Block = (order: ByteOrder) => Bytes;

/** An option of a block: its code, and its value in the section's byte order. */
export interface Option {
  readonly code: number;
  readonly value: (order: ByteOrder) => Uint8Array;
}

export function option(code: number, value: Uint8Array): Option {
  return { code, value: () => value };
}
export function option32(code: number, value: number): Option {
  return { code, value: (order) => order.u32(value) };
}
export function option64(code: number, value: bigint): Option {
  return { code, value: (order) => order.u64(value) };
}

function padded(data: Uint8Array): Bytes {
  return bytes(data, new Uint8Array(-data.length & 3));
}

function optionList(options: readonly Option[], order: ByteOrder): Bytes {
  if (options.length === 0) return new Uint8Array();
  const list = options.map(({ code, value }) => {
    const data = value(order);
    return bytes(order.u16(code), order.u16(data.length), padded(data));
  });
  return bytes(...list, order.u32(0));
}

/** Any block: type, body, and its length in front and behind. */
export function block(type: number, body: (order: ByteOrder) => Uint8Array): Block {
  return (order) => {
    const inner = padded(body(order));
    const length = order.u32(12 + inner.length);
    return bytes(order.u32(type), length, inner, length);
  };
}

/** A section: its header, and the blocks behind it in its byte order. Sections stand one behind another in a file. */
export function section(blocks: readonly Block[], options: { readonly isBigEndian?: boolean } = {}): Bytes {
  const order = byteOrder(options.isBigEndian ?? false);
  const unknownLength = order.u64(0xffffffffffffffffn);
  const header = block(0x0a0d0d0a, () => bytes(order.u32(0x1a2b3c4d), order.u16(1), order.u16(0), unknownLength));
  return bytes(header(order), ...blocks.map((one) => one(order)));
}

export interface InterfaceFields {
  readonly linkType?: number;
  readonly snapLength?: number;
  readonly name?: string;
  /** if_tsresol: a power of ten, or of two with the high bit; microseconds where not given. */
  readonly resolution?: number;
  /** if_tsoffset, seconds. */
  readonly offset?: bigint;
  readonly fcsLength?: number;
}

/** Declares the section's next interface; the first is number 0. */
export function interfaceBlock(fields: InterfaceFields = {}): Block {
  const { linkType = LINK_TYPE.ethernet, snapLength = 0, name, resolution, offset, fcsLength } = fields;
  const options = [
    ...(name === undefined ? [] : [option(2, new TextEncoder().encode(name))]),
    ...(resolution === undefined ? [] : [option(9, bytes(resolution))]),
    ...(fcsLength === undefined ? [] : [option(13, bytes(fcsLength))]),
    ...(offset === undefined ? [] : [option64(14, offset)]),
  ];
  return block(1, (order) =>
    bytes(order.u16(linkType), order.u16(0), order.u32(snapLength), optionList(options, order)),
  );
}

/** The high word of a time comes first in either byte order. */
function timeWords(units: bigint, order: ByteOrder): Bytes {
  return bytes(order.u32(Number((units >> 32n) & 0xffffffffn)), order.u32(Number(units & 0xffffffffn)));
}

export interface PacketFields {
  readonly data: Uint8Array;
  readonly interface?: number;
  /** Since the epoch, in the interface's resolution. */
  readonly units?: bigint;
  readonly wireLength?: number;
  readonly capturedLength?: number;
  readonly options?: readonly Option[];
}

/** epb_flags (and pack_flags): which way the packet went. */
export function directionOption(way: 'in' | 'out'): Option {
  return option32(2, way === 'in' ? 1 : 2);
}

export function enhancedPacket(fields: PacketFields): Block {
  const { data, units = 0n, options = [], wireLength = data.length, capturedLength = data.length } = fields;
  return block(6, (order) =>
    bytes(
      bytes(
        order.u32(fields.interface ?? 0),
        timeWords(units, order),
        order.u32(capturedLength),
        order.u32(wireLength),
      ),
      padded(data),
      optionList(options, order),
    ),
  );
}

/** The packet block that enhanced packets replaced: 16 bits of interface number, 16 of drops. */
export function obsoletePacket(fields: PacketFields): Block {
  const { data, units = 0n, options = [], wireLength = data.length, capturedLength = data.length } = fields;
  return block(2, (order) =>
    bytes(
      bytes(order.u16(fields.interface ?? 0), order.u16(0), timeWords(units, order)),
      bytes(order.u32(capturedLength), order.u32(wireLength)),
      padded(data),
      optionList(options, order),
    ),
  );
}

/** A packet of interface 0 without a time. */
export function simplePacket(data: Uint8Array, wireLength: number = data.length): Block {
  return block(3, (order) => bytes(order.u32(wireLength), data));
}

export interface StatisticsFields {
  readonly interface?: number;
  readonly units?: bigint;
  readonly startUnits?: bigint;
  readonly endUnits?: bigint;
  /** isb_ifdrop, counted since the interface was opened. */
  readonly drops?: bigint;
  /** isb_osdrop, the same. */
  readonly systemDrops?: bigint;
}

export function statistics(fields: StatisticsFields): Block {
  const { units = 0n, startUnits, endUnits, drops, systemDrops } = fields;
  const time = (code: number, value: bigint): Option => ({ code, value: (order) => timeWords(value, order) });
  const options = [
    ...(startUnits === undefined ? [] : [time(2, startUnits)]),
    ...(endUnits === undefined ? [] : [time(3, endUnits)]),
    ...(drops === undefined ? [] : [option64(5, drops)]),
    ...(systemDrops === undefined ? [] : [option64(7, systemDrops)]),
  ];
  return block(5, (order) =>
    bytes(order.u32(fields.interface ?? 0), timeWords(units, order), optionList(options, order)),
  );
}

/** A custom block of a private enterprise number: to be skipped. */
export function custom(enterprise: number, data: Uint8Array): Block {
  return block(0xbad, (order) => bytes(order.u32(enterprise), data));
}
