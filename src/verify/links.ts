// Link types (tcpdump.org/linktypes.html): from a frame's first byte to its IP header.
import { Frame, notIp } from './frame.ts';
import {
  type Found,
  byVersion,
  ciscoHdlc,
  etherType,
  ethernet,
  llc,
  ppp,
  pppHdlc,
  snap,
  typeOrLength,
} from './layers.ts';
import { hintOfPacketType } from './records.ts';
import type { Hint } from './records.ts';
import { radiotap, wlan } from './wireless.ts';

/** A link header may know the direction as well. */
export interface LinkFound extends Found {
  readonly hint?: Hint | undefined;
}

type Link = (frame: Frame, at: number) => LinkFound;

export const LINK_ETHERNET = 1;

const rawIp: Link = (_frame, at) => ({ at, claim: 'ip' });

const LINKS = new Map<number, Link>([
  [0, nullLoop],
  [LINK_ETHERNET, ethernet],
  [6, tokenRing],
  [8, (frame, at) => byVersion(frame, at + 16)], // BSD SLIP: a direction octet and 15 of compression state
  [9, pppHdlc],
  [10, (frame, at) => llc(frame, at + 13)], // FDDI
  [12, raw],
  [14, raw],
  [50, pppHdlc],
  [51, (frame, at) => etherType(frame, 0x8864, at)],
  [101, raw],
  [104, ciscoHdlc],
  [105, wlan],
  [107, frameRelay],
  [108, loop],
  [113, sll],
  [119, (frame, at) => wlan(frame, at + 144)], // Prism header
  [127, radiotap],
  [129, arcnet],
  [163, (frame, at) => wlan(frame, at + frame.u32(at + 4))], // AVS header
  [192, ppi],
  [226, ipnet],
  [228, rawIp],
  [229, (_frame, at) => ({ at, claim: 'ipv6' })],
  [239, nflog],
  [242, (frame, at) => etherType(frame, frame.u16(at + 40), at + 44)], // IP over InfiniBand
  [258, pktap],
  [276, sll2],
  [281, (frame, at) => typeOrLength(frame, frame.u16(at + 16), at + 18, 0)], // Broadcom tag behind the addresses
  [282, (frame, at) => ethernet(frame, at + 4)], // Broadcom tag in front
  [284, (frame, at) => typeOrLength(frame, frame.u16(at + 16), at + 18, 0)], // Marvell DSA
  [285, (frame, at) => typeOrLength(frame, frame.u16(at + 20), at + 22, 0)], // Marvell EDSA
]);

export function linkSupported(linkType: number): boolean {
  return LINKS.has(linkType);
}

export function findIp(linkType: number, frame: Frame): LinkFound {
  if (frame.data.length === 0) notIp();
  return LINKS.get(linkType)!(frame, 0);
}

function wrapped(linkType: number, frame: Frame, at: number): LinkFound {
  const link = LINKS.get(linkType);
  if (link === undefined || link === ppi || link === pktap) notIp();
  return link(frame, at);
}

/** Some point-to-point drivers hand over the PPP header under the raw IP type. */
function raw(frame: Frame, at: number): LinkFound {
  return frame.starts(at, 0xff, 0x03) ? ppp(frame, at) : { at, claim: 'ip' };
}

/**
 * The family stands in the byte order of whoever captured; old Linux put an EtherType here, old IRIX 16 bits only.
 * AF_INET is 2 everywhere, AF_INET6 24 (BSD), 28 (FreeBSD), 30 (Darwin).
 */
function nullLoop(frame: Frame, at: number): LinkFound {
  if (frame.u16(at) === 0xff03) return ppp(frame, at);
  let family = frame.u32le(at);
  if (family >= 0x10000) {
    family = family < 0x60000 ? family >>> 16 : frame.u32(at);
  } else if ((family & 0xff) === 0 && family < 0x600) family >>>= 8;
  return family > 1500 ? etherType(frame, family & 0xffff, at + 4) : byFamily(family, at + 4);
}

/** OpenBSD's loopback: the family in network byte order. */
function loop(frame: Frame, at: number): LinkFound {
  return byFamily(frame.u32(at), at + 4);
}

function byFamily(family: number, at: number): LinkFound {
  if (family === 2) return { at, claim: 'ip' };
  return family === 24 || family === 28 || family === 30 ? { at, claim: 'ipv6' } : notIp();
}

function sll(frame: Frame, at: number): LinkFound {
  const hint = hintOfPacketType(frame.u16(at));
  return { ...cooked(frame, frame.u16(at + 2), frame.u16(at + 14), at + 16), hint };
}

function sll2(frame: Frame, at: number): LinkFound {
  const hint = hintOfPacketType(frame.u8(at + 10));
  return { ...cooked(frame, frame.u16(at + 8), frame.u16(at), at + 20), hint };
}

/** Linux if_arp.h says which hardware; below 1536 the protocol is one of if_ether.h's own. */
function cooked(frame: Frame, hardware: number, protocol: number, at: number): Found {
  if (hardware === 824) notIp(); // netlink
  if (protocol >= 1536) return etherType(frame, protocol, at);
  if (hardware === 770) return frameRelay(frame, at);
  if (hardware === 803) return radiotap(frame, at);
  switch (protocol) {
    case 3:
      return ethernet(frame, at);
    case 4:
      return llc(frame, at);
    case 7:
      return pppHdlc(frame, at);
    default:
      return notIp();
  }
}

/** Q.922 address, then RFC 2427, or Cisco's own encapsulation where no unnumbered information follows. */
function frameRelay(frame: Frame, start: number): LinkFound {
  let at = start;
  let dlci = frame.u8(at) >> 2;
  if ((frame.u8(at) & 1) === 0) {
    at += 1;
    dlci = (dlci << 4) | (frame.u8(at) >> 4);
    for (let more = 0; (frame.u8(at) & 1) === 0 && more < 8; more++) {
      at += 1;
      dlci = (dlci << 7) | (frame.u8(at) >> 1);
    }
  } else dlci = 0;
  at += 1;
  const control = frame.u8(at);
  if (control !== 0x03) {
    if (dlci === 0 || control === 0xaf) notIp();
    return etherType(frame, frame.u16(at), at + 2);
  }
  at += 1;
  if (frame.u8(at) === 0) at += 1;
  switch (frame.u8(at)) {
    case 0xcc:
      return { at: at + 1, claim: 'ip' };
    case 0x8e:
      return { at: at + 1, claim: 'ipv6' };
    case 0xcf:
      return ppp(frame, at + 1);
    case 0x80:
      return snap(frame, at + 1, 0);
    default:
      return notIp();
  }
}

function tokenRing(frame: Frame, at: number): LinkFound {
  const routed = (frame.u8(at + 8) & 0x80) !== 0;
  return llc(frame, at + 14 + (routed ? frame.u8(at + 14) & 0x1f : 0));
}

/** Linux ARCNET: RFC 1051 (240) has no split header, RFC 1201 (212 for IPv4, 196 for IPv6) does. */
function arcnet(frame: Frame, at: number): LinkFound {
  switch (frame.u8(at + 4)) {
    case 240:
      return { at: at + 5, claim: 'ip' };
    case 212:
    case 196:
      // A split flag of 255 is the exception header: three bytes of padding, then the real one.
      return { at: at + (frame.u8(at + 5) === 0xff ? 12 : 8), claim: frame.u8(at + 4) === 196 ? 'ipv6' : 'ip' };
    default:
      return notIp();
  }
}

function ppi(frame: Frame, at: number): LinkFound {
  return wrapped(frame.u32le(at + 4), frame, at + frame.u16le(at + 2));
}

/** Darwin pktap.h: header length, record type (1 is a packet), link type, interface name, then flags: 1 in, 2 out. */
function pktap(frame: Frame, at: number): LinkFound {
  if (frame.u32le(at + 4) !== 1) notIp();
  const flags = frame.u32le(at + 36);
  const found = wrapped(frame.u32le(at + 8), frame, at + frame.u32le(at));
  return { ...found, hint: (flags & 1) !== 0 ? 'in' : (flags & 2) !== 0 ? 'out' : undefined };
}

/** Solaris ipnet: its own families, 2 and 26, and the packet's length. */
function ipnet(frame: Frame, at: number): LinkFound {
  const family = frame.u8(at + 1);
  frame.limit(at + 24 + frame.u32(at + 4));
  if (family === 2) return { at: at + 24, claim: 'ip' };
  return family === 26 ? { at: at + 24, claim: 'ipv6' } : notIp();
}

/**
 * Linux nfnetlink_log: TLVs in the host's byte order; type 9 is the packet, from the network header on.
 * Type 1 starts with its EtherType; without one, the address family tells.
 */
function nflog(frame: Frame, start: number): LinkFound {
  const family = frame.u8(start);
  let protocol = family === 2 ? 0x0800 : family === 10 ? 0x86dd : 0;
  const little = frame.u16le(start + 4) < 0x100 || frame.u16(start + 4) >= 0x100;
  for (let at = start + 4; ;) {
    const length = little ? frame.u16le(at) : frame.u16(at);
    const type = little ? frame.u16le(at + 2) : frame.u16(at + 2);
    if (length < 4) notIp();
    if ((type & 0x7fff) === 1 && length >= 6) protocol = frame.u16(at + 4) || protocol;
    if ((type & 0x7fff) === 9) {
      frame.limit(at + length);
      return etherType(frame, protocol, at + 4);
    }
    at += Math.ceil(length / 4) * 4;
  }
}
