// One packet: its IP header, its ports and flags, and what joins it to its fragments; or why it is in no entry.
import { Excluded, Frame, type Reason, malformed, truncated } from './frame.ts';
import { type Found, versionAt } from './layers.ts';
import { findIp, LINK_ETHERNET, linkSupported } from './links.ts';
import { formatIp } from './address.ts';
import type { Hint, PacketRecord } from './records.ts';
import { tunnelled } from './tunnels.ts';

export const TCP = 6;
/** TCP, UDP, DCCP, SCTP, UDP-Lite. */
const PORT_PROTOCOLS = new Set([TCP, 17, 33, 132, 136]);
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const NO_NEXT_HEADER = 59;
const DESTINATION = 60;
const MAX_EXTENSION_HEADERS = 32;
const MAX_NESTED_IP = 16;

export interface Fragment {
  readonly id: number;
  readonly role: 'first' | 'later';
}

export interface IpPacket {
  readonly version: 4 | 6;
  readonly src: string;
  readonly dst: string;
  readonly protocol: number;
  readonly bytes: number;
  readonly sport: string;
  readonly dport: string;
  /** Nothing where no TCP flags were captured. */
  readonly flags: number | undefined;
  readonly fragment: Fragment | undefined;
  /** Of the innermost tunnel around it that has one. */
  readonly vni?: number | undefined;
  /** Where the header's payload starts, and ends on the wire. */
  readonly payloadAt: number;
  readonly payloadEnd: number;
}

export interface Decoded {
  readonly ip: IpPacket | undefined;
  readonly reason: Reason | undefined;
  readonly hint: Hint | undefined;
  readonly srcMac: string | undefined;
  readonly dstMac: string | undefined;
}

export function decode(record: PacketRecord, decapsulate: boolean): Decoded {
  const macs = macsOf(record);
  if (!linkSupported(record.linkType)) {
    return { ip: undefined, reason: 'unsupported_link_type', hint: record.hint, ...macs };
  }
  const frame = new Frame(record.data, record.wireLength - record.fcsBytes);
  let hint = record.hint;
  try {
    const found = findIp(record.linkType, frame);
    hint ??= found.hint;
    const outer = readIp(frame, found);
    return { ip: decapsulate ? innermost(frame, outer) : outer, reason: undefined, hint, ...macs };
  } catch (error) {
    if (!(error instanceof Excluded)) throw error;
    return { ip: undefined, reason: error.reason, hint, ...macs };
  }
}

/** Where an inner header cannot be used, the last usable one is the packet. */
function innermost(frame: Frame, outer: IpPacket): IpPacket {
  let packet = outer;
  // What one layer leaves out, as padding, no layer inside it can claim.
  const inner = new Frame(frame.data, frame.end);
  for (let depth = 1; depth < MAX_NESTED_IP; depth++) {
    inner.limit(packet.payloadEnd);
    try {
      if (packet.fragment?.role === 'later') return packet;
      const found = tunnelled(inner, packet);
      if (found === undefined) return packet;
      packet = { ...readIp(inner, found), vni: found.vni ?? packet.vni };
    } catch (error) {
      if (!(error instanceof Excluded)) throw error;
      return packet;
    }
  }
  return packet;
}

function readIp(frame: Frame, found: Found): IpPacket {
  if (found.at >= frame.data.length) {
    if (found.at < frame.end) truncated();
    malformed();
  }
  return versionAt(frame, found) === 4 ? readIpv4(frame, found.at) : readIpv6(frame, found.at);
}

function needHeader(frame: Frame, at: number, bytes: number): void {
  if (at + bytes <= frame.data.length) return;
  if (at + bytes <= frame.end) truncated();
  malformed();
}

/** RFC 791. A total length of 0 is a super-frame of the sender's own segmentation: the frame's length stands for it. */
function readIpv4(frame: Frame, at: number): IpPacket {
  needHeader(frame, at, 20);
  const headerBytes = (frame.u8(at) & 0x0f) * 4;
  const bytes = frame.u16(at + 2) || frame.end - at;
  if (headerBytes < 20 || bytes < headerBytes) malformed();
  const protocol = frame.u8(at + 9);
  const moreFragments = (frame.u8(at + 6) & 0x20) !== 0;
  const isLater = (frame.u16(at + 6) & 0x1fff) !== 0;
  const role = isLater ? 'later' : moreFragments ? 'first' : undefined;
  const payloadAt = at + headerBytes;
  const payloadEnd = at + bytes;
  return {
    version: 4,
    src: formatIp(frame.data.subarray(at + 12, at + 16)),
    dst: formatIp(frame.data.subarray(at + 16, at + 20)),
    protocol,
    bytes,
    ...readTransport(frame, protocol, payloadAt, payloadEnd, isLater),
    fragment: role === undefined ? undefined : { id: frame.u16(at + 4), role },
    payloadAt,
    payloadEnd,
  };
}

function readIpv6(frame: Frame, at: number): IpPacket {
  needHeader(frame, at, 40);
  const bytes = ipv6Bytes(frame, at);
  const payloadEnd = at + bytes;
  const chain = walkExtensions(frame.data, frame.u8(at + 6), at + 40, payloadEnd);
  const isLater = chain.fragment?.role === 'later';
  return {
    version: 6,
    src: formatIp(frame.data.subarray(at + 8, at + 24)),
    dst: formatIp(frame.data.subarray(at + 24, at + 40)),
    protocol: chain.protocol,
    bytes,
    ...readTransport(frame, chain.protocol, chain.payloadAt, payloadEnd, isLater || chain.cut),
    fragment: chain.fragment,
    payloadAt: chain.payloadAt,
    payloadEnd,
  };
}

/** RFC 8200 section 3 and RFC 2675: a length of 0 is a jumbogram's with hop-by-hop options, else a super-frame's. */
function ipv6Bytes(frame: Frame, at: number): number {
  const payloadBytes = frame.u16(at + 4);
  const next = frame.u8(at + 6);
  if (payloadBytes !== 0 || next === NO_NEXT_HEADER) return 40 + payloadBytes;
  if (next !== HOP_BY_HOP) return Math.max(40, frame.end - at);
  // A jumbogram that would be longer than a length can say is as long as that.
  return Math.min(0xffff_ffff, 40 + jumboBytes(frame.data, at + 40));
}

function jumboBytes(data: Uint8Array, at: number): number {
  if (at + 2 > data.length) return 0;
  const end = Math.min(data.length, at + (data[at + 1] + 1) * 8);
  let option = at + 2;
  while (option + 6 <= end) {
    if (data[option] === 0) {
      option += 1;
      continue;
    }
    if (data[option] === 0xc2 && data[option + 1] === 4) {
      const length = new DataView(data.buffer, data.byteOffset + option + 2, 4).getUint32(0);
      return length > 65535 ? length : 0;
    }
    option += 2 + data[option + 1];
  }
  return 0;
}

interface Chain {
  readonly protocol: number;
  readonly payloadAt: number;
  readonly fragment: Fragment | undefined;
  /** The chain ends in a header that was not captured whole. */
  readonly cut: boolean;
}

/** RFC 8200 section 4; AH, ESP and Mobility are left to be the protocol, as in IPv4. */
function walkExtensions(data: Uint8Array, first: number, start: number, payloadEnd: number): Chain {
  const limit = Math.min(data.length, payloadEnd);
  let protocol = first;
  let at = start;
  let fragment: Fragment | undefined;
  for (let headers = 0; headers < MAX_EXTENSION_HEADERS; headers++) {
    const walked = protocol === HOP_BY_HOP || protocol === ROUTING || protocol === DESTINATION;
    if (!walked && protocol !== FRAGMENT) return { protocol, payloadAt: at, fragment, cut: false };
    if (at + (walked ? 2 : 8) > limit) return { protocol, payloadAt: at, fragment, cut: true };
    const next = data[at];
    if (walked) at += (data[at + 1] + 1) * 8;
    else {
      const isLater = ((data[at + 2] << 8) | (data[at + 3] & 0xf8)) !== 0;
      const id = new DataView(data.buffer, data.byteOffset + at + 4, 4).getUint32(0);
      fragment = { id, role: isLater ? 'later' : 'first' };
      at += 8;
      if (isLater) return { protocol: next, payloadAt: at, fragment, cut: false };
    }
    protocol = next;
  }
  return { protocol, payloadAt: at, fragment, cut: true };
}

/** The transport header is what was captured of it inside the IP packet: Ethernet's padding is not a port. */
function readTransport(
  frame: Frame,
  protocol: number,
  at: number,
  end: number,
  hidden: boolean,
): Pick<IpPacket, 'sport' | 'dport' | 'flags'> {
  const limit = Math.min(frame.data.length, end);
  const hasPorts = !hidden && PORT_PROTOCOLS.has(protocol);
  return {
    // Both or none: half a pair of ports names no flow.
    sport: hasPorts && at + 4 <= limit ? String(frame.u16(at)) : '-',
    dport: hasPorts && at + 4 <= limit ? String(frame.u16(at + 2)) : '-',
    flags: hasPorts && protocol === TCP && at + 14 <= limit ? frame.u8(at + 13) : undefined,
  };
}

/** Only a plain Ethernet capture has a header whose addresses are those of the observed interface. */
function macsOf({ linkType, data }: PacketRecord): { srcMac: string | undefined; dstMac: string | undefined } {
  if (linkType !== LINK_ETHERNET || data.length < 12) return { srcMac: undefined, dstMac: undefined };
  const text = Buffer.from(data.buffer, data.byteOffset, 12).toString('hex');
  return { dstMac: text.slice(0, 12), srcMac: text.slice(12) };
}
