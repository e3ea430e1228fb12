// Tunnels: from an IP packet's payload to the IP header that it carries, where a known tunnel says that it does.
import { Frame, notIp } from './frame.ts';
import { type Found, byVersion, etherType, ethernet, mpls, nextProtocol, ppp } from './layers.ts';
import type { IpPacket } from './packet.ts';
import { wlan } from './wireless.ts';

type Tunnel = (frame: Frame, at: number) => Found;

const UDP = 17;
const UDP_LITE = 136;
const AUTHENTICATION = 51;

/** By IP protocol number. */
const PROTOCOLS = new Map<number, Tunnel>([
  [4, (_frame, at) => ({ at, claim: 'ip' })],
  [41, (_frame, at) => ({ at, claim: 'ipv6' })],
  [47, gre],
  [97, (frame, at) => ethernet(frame, at + 2)], // EtherIP, RFC 3378
  [137, (frame, at) => mpls(frame, at, 0)], // RFC 4023
  [143, ethernet], // RFC 8986
]);

/** By UDP port. */
const PORTS = new Map<number, Tunnel>([
  [1701, l2tp],
  [2123, gtpU],
  [2152, gtpU],
  [3386, gtpU],
  [3544, teredo],
  [4341, (frame, at) => byVersion(frame, at + 8)], // LISP data, RFC 9300
  [4754, gre], // RFC 8086
  [4789, (frame, at) => ({ ...ethernet(frame, at + 8), vni: vxlanVni(frame, at) })], // VXLAN, RFC 7348
  [4790, (frame, at) => ({ ...nextProtocol(frame, frame.u8(at + 3), at + 8, 0), vni: vxlanVni(frame, at) })], // VXLAN-GPE
  [5247, capwap],
  [6081, geneve],
  [6635, (frame, at) => mpls(frame, at, 0)], // RFC 7510
]);

/** Nothing where the packet is no tunnel's; throws where the tunnel carries no IP. */
export function tunnelled(frame: Frame, packet: IpPacket): Found | undefined {
  let protocol = packet.protocol;
  let at = packet.payloadAt;
  while (protocol === AUTHENTICATION) {
    // RFC 4302: its length counts 32-bit words less two.
    protocol = frame.u8(at);
    at += (frame.u8(at + 1) + 2) * 4;
  }
  if (protocol === UDP || protocol === UDP_LITE) return udp(frame, at, protocol, packet.version);
  return PROTOCOLS.get(protocol)?.(frame, at);
}

function udp(frame: Frame, at: number, protocol: number, version: 4 | 6): Found | undefined {
  const ports = [frame.u16(at), frame.u16(at + 2)].sort((one, other) => one - other);
  const tunnel = PORTS.get(ports[0]) ?? PORTS.get(ports[1]);
  if (tunnel === undefined) return undefined;
  // RFC 2675: a length of 0 is an IPv6 jumbogram's; UDP-Lite has its checksum's coverage there.
  const length = frame.u16(at + 4);
  if (protocol === UDP && length >= 8) frame.limit(at + length);
  else if (protocol === UDP && (length !== 0 || version === 4)) notIp();
  return tunnel(frame, at + 8);
}

/** RFC 2784 and 2890, RFC 1701's routing, RFC 2637's acknowledgement. */
function gre(frame: Frame, start: number): Found {
  const flags = frame.u16(start);
  const type = frame.u16(start + 2);
  let at = start + 4;
  if ((flags & 0xc000) !== 0) at += 4;
  if ((flags & 0x2000) !== 0) at += 4;
  if ((flags & 0x1000) !== 0) at += 4;
  if ((flags & 0x0080) !== 0 && (flags & 7) === 1) at += 4;
  if ((flags & 0x4000) !== 0) at = greRoutingEnd(frame, at);
  if (type === 0x88be) return (flags & 0x1000) !== 0 ? erspan2(frame, at) : ethernet(frame, at); // type I has no sequence
  if (type === 0x22eb) return erspan3(frame, at);
  if (type === 0x6400) return ethernet(frame, at); // MikroTik EoIP
  if (type === 0x883e) return frame.u8(at) >> 4 === 4 ? byVersion(frame, at) : byVersion(frame, at + 4); // WCCP
  // Cisco MetaData has its EtherType in front here, not behind.
  if (type === 0x8909) return etherType(frame, frame.u16(at), at + 8);
  return GRE_TYPES.has(type) ? etherType(frame, type, at) : notIp();
}

const GRE_TYPES = new Set([0x0800, 0x6558, 0x86dd, 0x880b, 0x8847, 0x8848, 0x894f]);

function greRoutingEnd(frame: Frame, start: number): number {
  let at = start;
  for (;;) {
    const family = frame.u16(at);
    const length = frame.u8(at + 3);
    at += 4 + length;
    if (family === 0 && length === 0) return at;
  }
}

/** draft-foschiano-erspan section 4.2: version 1. */
function erspan2(frame: Frame, at: number): Found {
  return frame.u8(at) >> 4 === 1 ? ethernet(frame, at + 8) : notIp();
}

/** draft-foschiano-erspan section 4.3: version 2; eight more bytes with the O bit; frame type 0 is Ethernet. */
function erspan3(frame: Frame, at: number): Found {
  const word = frame.u16(at + 10);
  if (frame.u8(at) >> 4 !== 2 || ((word >> 10) & 0x1f) !== 0) notIp();
  return ethernet(frame, at + 12 + ((word & 1) !== 0 ? 8 : 0));
}

/** 3GPP TS 29.281: version 1, message 255 (G-PDU), and a chain of extension headers; version 0 is TS 09.60. */
function gtpU(frame: Frame, start: number): Found {
  const flags = frame.u8(start);
  if (frame.u8(start + 1) !== 255) notIp();
  if (flags >> 5 === 0) return byVersion(frame, start + 20);
  if (flags >> 5 !== 1 || (flags & 0x10) === 0) notIp();
  frame.limit(start + 8 + frame.u16(start + 2));
  let at = start + 8;
  if ((flags & 7) !== 0) {
    at += 4;
    let next = (flags & 4) !== 0 ? frame.u8(at - 1) : 0;
    while (next !== 0) {
      const length = frame.u8(at) * 4;
      if (length === 0) notIp();
      at += length;
      next = frame.u8(at - 1);
    }
  }
  return byVersion(frame, at);
}

/** RFC 4380 section 5.1.1: an authentication and an origin indication may stand in front. */
function teredo(frame: Frame, start: number): Found {
  let at = start;
  if (frame.u16(at) === 1) at += 13 + frame.u8(at + 2) + frame.u8(at + 3);
  if (frame.u16(at) === 0) at += 8;
  return { at, claim: 'ipv6' };
}

/** RFC 2661 section 3.1: data messages of version 2. */
function l2tp(frame: Frame, start: number): Found {
  const flags = frame.u16(start);
  if ((flags & 0x8000) !== 0 || (flags & 0x0f) !== 2) notIp();
  let at = start + 2 + ((flags & 0x4000) !== 0 ? 2 : 0) + 4 + ((flags & 0x0800) !== 0 ? 4 : 0);
  if ((flags & 0x0200) !== 0) at += 2 + frame.u16(at);
  return ppp(frame, at);
}

/** RFC 8926. */
function geneve(frame: Frame, at: number): Found {
  const found = etherType(frame, frame.u16(at + 2), at + 8 + (frame.u8(at) & 0x3f) * 4);
  return { ...found, vni: vniAt(frame, at + 4) };
}

/** It is valid where the I flag is set. */
function vxlanVni(frame: Frame, at: number): number | undefined {
  return (frame.u8(at) & 0x08) === 0 ? undefined : vniAt(frame, at + 4);
}

function vniAt(frame: Frame, at: number): number {
  return frame.u16(at) * 0x100 + frame.u8(at + 2);
}

/** RFC 5415 section 4.3; with the T bit the payload is 802.11, whose frame control access points swap. */
function capwap(frame: Frame, at: number): Found {
  if ((frame.u8(at) & 0x0f) !== 0) notIp(); // DTLS
  const bits = frame.u8(at + 1) * 0x10000 + frame.u16(at + 2);
  const isFragment = (bits & 0x80) !== 0;
  const isKeepAlive = (bits & 0x08) !== 0;
  if (isFragment || isKeepAlive) notIp();
  const next = at + (bits >> 19) * 4;
  return (bits & 0x100) !== 0 ? wlan(frame, next, false, true) : ethernet(frame, next);
}
