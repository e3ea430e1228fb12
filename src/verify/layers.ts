// What stands between the link header and IP: EtherTypes, tags, labels, LLC, PPP. Each function walks to the IP header.
import { Frame, malformed, notIp } from './frame.ts';

/** IPv6 where the layer in front says so; IPv4 is only ever "IP": its carriers also carry IPv6. */
export type Claim = 'ip' | 'ipv6';

/** Where an IP header is claimed to start; a deeper stack of tags than this is not believed. */
export interface Found {
  readonly at: number;
  readonly claim: Claim;
  /** Of a tunnel that has one. */
  readonly vni?: number | undefined;
}

const MAX_TAGS = 32;
const MAX_802_3_LENGTH = 1500;
const MIN_ETHERTYPE = 1536;
/** 802.1Q, 802.1ad, and the older stacked types. */
const VLAN_TYPES = new Set([0x8100, 0x88a8, 0x9100, 0x9200]);

export function ethernet(frame: Frame, at: number, depth = 0): Found {
  if (isIsl(frame, at)) return isl(frame, at, depth);
  return typeOrLength(frame, frame.u16(at + 12), at + 14, depth);
}

/** IEEE 802.3 clause 3.2.6: up to 1500 it is a length and LLC follows, from 1536 on it is a type. */
export function typeOrLength(frame: Frame, value: number, at: number, depth: number): Found {
  if (value >= MIN_ETHERTYPE) return etherType(frame, value, at, depth);
  if (value > MAX_802_3_LENGTH || value === 0) notIp();
  frame.limit(at + value);
  return llc(frame, at, depth);
}

export function etherType(frame: Frame, type: number, at: number, depth = 0): Found {
  if (depth > MAX_TAGS) notIp();
  if (VLAN_TYPES.has(type)) return typeOrLength(frame, frame.u16(at + 2), at + 4, depth + 1);
  switch (type) {
    case 0x0800:
      return { at, claim: 'ip' };
    case 0x86dd:
      return { at, claim: 'ipv6' };
    case 0x22f3: // TRILL, RFC 6325: options in 32-bit words
      return ethernet(frame, at + 6 + ((frame.u16(at) >> 6) & 0x1f) * 4, depth + 1);
    case 0x6558: // Transparent Ethernet bridging
      return ethernet(frame, at, depth + 1);
    case 0x880b:
      return ppp(frame, at, depth + 1);
    case 0x8847:
    case 0x8848:
      return mpls(frame, at, depth + 1);
    case 0x8864:
      return pppoe(frame, at, depth + 1);
    case 0x8870: // draft-ietf-isis-ext-eth: jumbo frames with LLC
      return llc(frame, at, depth + 1);
    case 0x88e5:
      return macsec(frame, at, depth + 1);
    case 0x88e7: // IEEE 802.1ah: I-TAG with the customer's addresses
      return typeOrLength(frame, frame.u16(at + 16), at + 18, depth + 1);
    case 0x8903: // Cisco FabricPath: the tag's last two bytes, then the customer's frame
      return ethernet(frame, at + 2, depth + 1);
    case 0x8909: // Cisco MetaData
      return typeOrLength(frame, frame.u16(at + 6), at + 8, depth + 1);
    case 0x8926: // VN-Tag
      return typeOrLength(frame, frame.u16(at + 4), at + 6, depth + 1);
    case 0x892f: // HSR, IEC 62439-3
      return typeOrLength(frame, frame.u16(at + 4), at + 6, depth + 1);
    case 0x893f: // IEEE 802.1BR E-TAG
      return typeOrLength(frame, frame.u16(at + 6), at + 8, depth + 1);
    case 0x894f:
      return nsh(frame, at, depth + 1);
    case 0xd28b:
      return arista(frame, at, depth + 1);
    case 0xf1c1: // IEEE 802.1CB R-TAG
      return typeOrLength(frame, frame.u16(at + 4), at + 6, depth + 1);
    default:
      return notIp();
  }
}

/** The version nibble alone tells, and anything else is no claim. */
export function byVersion(frame: Frame, at: number): Found {
  const version = frame.u8(at) >> 4;
  if (version !== 4 && version !== 6) notIp();
  return { at, claim: 'ip' };
}

/** RFC 3032. The first nibble behind the stack tells the payload, RFC 4928; 0 is a pseudowire, RFC 4448. */
export function mpls(frame: Frame, start: number, depth: number): Found {
  let at = start;
  while ((frame.u8(at + 2) & 1) === 0) at += 4;
  const label = (frame.u16(at) << 4) | (frame.u8(at + 2) >> 4);
  at += 4;
  const nibble = frame.u8(at) >> 4;
  if (label === OAM_ALERT_LABEL || depth > MAX_TAGS) notIp();
  if (label === GENERIC_CHANNEL_LABEL || nibble === 1) return associatedChannel(frame, at);
  if (nibble === 4 || nibble === 6) return { at, claim: 'ip' };
  if (nibble !== 0) notIp();
  return ethernet(frame, hasControlWord(frame, at) ? at + 4 : at, depth);
}

const GENERIC_CHANNEL_LABEL = 13;
const OAM_ALERT_LABEL = 14;

/** RFC 5586 and RFC 4385: the channel type of IP is PPP's number for it. */
function associatedChannel(frame: Frame, at: number): Found {
  const channel = frame.u16(at + 2);
  if (channel === 0x21) return { at: at + 4, claim: 'ip' };
  return channel === 0x57 ? { at: at + 4, claim: 'ipv6' } : notIp();
}

/** Nothing in the packet says whether RFC 4448's optional control word is there: the frame behind it has to make sense. */
function hasControlWord(frame: Frame, at: number): boolean {
  const plausible = (type: number): boolean => KNOWN_TYPES.has(type);
  if (at + 18 > frame.data.length) return true;
  return plausible(frame.u16(at + 16)) || !plausible(frame.u16(at + 12));
}

const KNOWN_TYPES = new Set([...VLAN_TYPES, 0x0800, 0x0806, 0x86dd, 0x8847, 0x8848, 0x8864, 0x88e7]);

/** RFC 2516: its length leaves the padding out. */
function pppoe(frame: Frame, at: number, depth: number): Found {
  frame.limit(at + 6 + frame.u16(at + 4));
  return ppp(frame, at + 6, depth);
}

/** RFC 1661 with HDLC-like framing (RFC 1662) and compressed fields. */
export function ppp(frame: Frame, start: number, depth = 0): Found {
  if (depth > MAX_TAGS) notIp();
  let at = frame.u8(start) === 0xff ? start + 2 : start;
  let protocol = frame.u8(at);
  if ((protocol & 1) === 1) at += 1;
  else {
    protocol = frame.u16(at);
    at += 2;
  }
  switch (protocol) {
    case 0x21:
    case 0x0800: // not a PPP number, and yet seen
      return { at, claim: 'ip' };
    case 0x57:
    case 0x86dd:
      return { at, claim: 'ipv6' };
    case 0x31:
      return bridged(frame, at, depth + 1);
    case 0x3d: // RFC 1990: a whole packet in one fragment, with the long sequence number
      return (frame.u8(at) & 0xc0) === 0xc0 ? ppp(frame, at + 4, depth + 1) : notIp();
    case 0x281:
    case 0x283:
      return mpls(frame, at, depth + 1);
    default:
      return notIp();
  }
}

/** RFC 3518 section 4.1: a LAN identifier is optional; MAC type 1 is Ethernet. */
function bridged(frame: Frame, at: number, depth: number): Found {
  if (frame.u8(at + 1) !== 1) notIp();
  return ethernet(frame, at + 2 + ((frame.u8(at) & 0x40) !== 0 ? 4 : 0), depth);
}

/** PPP in HDLC framing, where Cisco's HDLC may stand as well: its address octet tells. */
export function pppHdlc(frame: Frame, at: number): Found {
  const address = frame.u8(at);
  return address === 0x0f || address === 0x8f ? ciscoHdlc(frame, at) : ppp(frame, at);
}

export function ciscoHdlc(frame: Frame, at: number): Found {
  return etherType(frame, frame.u16(at + 2), at + 4);
}

/** IEEE 802.2, and SNAP behind it. Only frames that carry information are read on. */
export function llc(frame: Frame, at: number, depth = 0): Found {
  const dsap = frame.u8(at);
  const ssap = frame.u8(at + 1);
  const control = frame.u8(at + 2);
  const next = at + ((control & 3) === 3 ? 3 : 4);
  if ((control & 1) === 1 && control !== 0x03) notIp();
  if (dsap === 0xaa && ssap === 0xaa) return snap(frame, next, 2, depth);
  return dsap === 0x06 ? { at: next, claim: 'ip' } : notIp();
}

/** RFC 1042 and its bridge-tunnel sibling; RFC 2684 puts two bytes in front of a bridged frame, RFC 2427 none. */
export function snap(frame: Frame, at: number, bridgePadBytes: number, depth = 0): Found {
  const oui = frame.u16(at) * 256 + frame.u8(at + 2);
  const type = frame.u16(at + 3);
  if (oui === 0 || oui === 0x0000f8) return etherType(frame, type, at + 5, depth + 1);
  if (oui === 0x0080c2 && (type === 1 || type === 7)) return ethernet(frame, at + 5 + bridgePadBytes, depth + 1);
  return notIp();
}

/** IEEE 802.1AE: neither encrypted nor changed; a channel identifier is optional, and 16 octets of ICV come last. */
function macsec(frame: Frame, at: number, depth: number): Found {
  const tci = frame.u8(at);
  if ((tci & 0x8c) !== 0) notIp();
  const next = at + 6 + ((tci & 0x20) !== 0 ? 8 : 0);
  frame.end -= 16;
  return typeOrLength(frame, frame.u16(next), next + 2, depth);
}

/** RFC 8300: metadata of type 1 has one length; that of type 2 is as long as the header says. */
export function nsh(frame: Frame, at: number, depth: number): Found {
  const isFixed = (frame.u8(at + 2) & 0x0f) === 1;
  const next = at + (isFixed ? 24 : Math.max(8, (frame.u16(at) & 0x3f) * 4));
  if (depth > MAX_TAGS) notIp();
  return nextProtocol(frame, frame.u8(at + 3), next, depth);
}

/** The numbers that NSH and VXLAN-GPE share. */
export function nextProtocol(frame: Frame, protocol: number, at: number, depth: number): Found {
  switch (protocol) {
    case 1:
      return { at, claim: 'ip' };
    case 2:
      return { at, claim: 'ipv6' };
    case 3:
      return ethernet(frame, at, depth);
    case 4:
      return nsh(frame, at, depth + 1);
    case 5:
      return mpls(frame, at, depth);
    default:
      return notIp();
  }
}

/** Arista's timestamp tag: subtype 1; TAI or UTC, 64 or 48 bits. Other versions have another layout and are not read. */
function arista(frame: Frame, at: number, depth: number): Found {
  if (frame.u16(at) !== 1) notIp();
  const version = frame.u16(at + 2);
  const next = at + (version === 0x10 || version === 0x110 ? 12 : version === 0x20 || version === 0x120 ? 10 : notIp());
  return etherType(frame, frame.u16(next), next + 2, depth);
}

function isIsl(frame: Frame, at: number): boolean {
  const group = frame.starts(at, 0x01, 0x00, 0x0c, 0x00, 0x00) || frame.starts(at, 0x0c, 0x00, 0x0c, 0x00, 0x00);
  return group && frame.u16(at + 12) <= MAX_802_3_LENGTH;
}

/** Cisco's ISL: 26 octets in front of the whole frame; the type in the address's last octet is 0 for Ethernet. */
function isl(frame: Frame, at: number, depth: number): Found {
  if (frame.u8(at + 5) >> 4 !== 0 || depth > MAX_TAGS) notIp();
  return ethernet(frame, at + 26, depth + 1);
}

/** The version that stands there, where the claim allows it: IPv4's carriers also carry IPv6, not the other way round. */
export function versionAt(frame: Frame, { at, claim }: Found): 4 | 6 {
  if (at >= frame.end && at >= frame.data.length) malformed();
  const version = frame.u8(at) >> 4;
  if (version === 6) return 6;
  return version === 4 && claim === 'ip' ? 4 : malformed();
}
