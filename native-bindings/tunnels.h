// From an IP packet to the IP packet that it carries, for --decapsulate.
#pragma once
#include "ip.h"
#include "layers.h"

namespace windrow {

namespace tunnel {

// What a tunnel header leads to; kEnd where it leads nowhere.
struct Inside {
  Layer layer = Layer::kEnd;
  uint32_t at = 0;
  uint16_t type = 0;
  uint32_t vni = kNoVni;
};

inline Inside nothing() { return {}; }

// RFC 2784, 2890, 1701, 2637; ERSPAN I to III as in draft-foschiano-erspan-03.
inline Inside gre(const Frame& f, uint32_t at) {
  if (!f.has(at, 4)) return nothing();
  uint16_t flags = f.be16(at), type = f.be16(at + 2);
  at += 4 + (flags & 0xc000 ? 4 : 0) + (flags & 0x2000 ? 4 : 0) + (flags & 0x1000 ? 4 : 0);
  if ((flags & 0x0087) == 0x0081) at += 4;  // version 1: an acknowledgement
  for (int i = 0; flags & 0x4000; i++) {    // source route entries: family, offset, length; an empty one ends them
    if (i == kMostLayers || !f.has(at, 4)) return nothing();
    bool is_last = f.be16(at) == 0 && f.u8(at + 3) == 0;
    at += 4 + f.u8(at + 3);
    if (is_last) break;
  }
  switch (type) {
    case 0x0800: case 0x6558: case 0x86dd: case 0x880b: case 0x8847: case 0x8848: case 0x894f: return {Layer::kEtherType, at, type};
    case 0x6400: return {Layer::kEthernet, at, 0};  // MikroTik EoIP
    case 0x88be:                                    // ERSPAN: type I has no sequence number and no header
      if (!(flags & 0x1000)) return {Layer::kEthernet, at, 0};
      return f.has(at, 8) && f.u8(at) >> 4 == 1 ? Inside{Layer::kEthernet, at + 8, 0} : nothing();
    case 0x22eb:
      if (!f.has(at, 12) || f.u8(at) >> 4 != 2 || (f.be16(at + 10) >> 10 & 0x1f)) return nothing();
      return {Layer::kEthernet, at + 12 + (f.u8(at + 11) & 1 ? 8 : 0), 0};
    case 0x883e:  // WCCP: a redirect header, or IP at once
      return {Layer::kIpOr, f.has(at, 1) && f.u8(at) >> 4 == 4 ? at : at + 4, 0};
    case 0x8909:  // Cisco MetaData stands behind the type here, not in front of it
      return f.has(at, 2) ? Inside{Layer::kEtherType, at + 8, f.be16(at)} : nothing();
    default: return nothing();
  }
}

// 3GPP TS 29.281 section 5: a G-PDU, and its chain of extension headers; version 0 is TS 09.60.
inline Inside gtp(Frame* f, uint32_t at) {
  if (!f->has(at, 8) || f->u8(at + 1) != 255) return nothing();
  uint8_t flags = f->u8(at);
  if (flags >> 5 == 0) return {Layer::kIpOr, at + 20, 0};
  if (flags >> 5 != 1 || !(flags & 0x10)) return nothing();
  f->limit(uint64_t(at) + 8 + f->be16(at + 2));
  uint32_t body = at + 8;
  if (flags & 7) {
    if (!f->has(body, 4)) return nothing();
    uint8_t next = flags & 4 ? f->u8(body + 3) : 0;
    body += 4;
    while (next) {
      uint32_t length = f->has(body, 1) ? f->u8(body) * 4u : 0;
      if (length == 0 || !f->has(body, length)) return nothing();
      next = f->u8(body + length - 1);
      body += length;
    }
  }
  return {Layer::kIpOr, body, 0};
}

// RFC 4380 section 5.1.1: authentication and origin indications may stand in front of IPv6.
inline Inside teredo(const Frame& f, uint32_t at) {
  if (f.has(at, 4) && f.be16(at) == 1) at += 13u + f.u8(at + 2) + f.u8(at + 3);
  if (f.has(at, 2) && f.be16(at) == 0) at += 8;
  return {Layer::kIp6, at, 0};
}

// RFC 2661 section 3.1: data messages carry PPP.
inline Inside l2tp(const Frame& f, uint32_t at) {
  if (!f.has(at, 2)) return nothing();
  uint16_t flags = f.be16(at);
  if ((flags & 0x8000) || (flags & 15) != 2) return nothing();
  at += 2 + (flags & 0x4000 ? 2 : 0) + 4 + (flags & 0x0800 ? 4 : 0);
  if (flags & 0x0200) {
    if (!f.has(at, 2)) return nothing();
    at += 2u + f.be16(at);
  }
  return {Layer::kPpp, at, 0};
}

// A VNI is 24 bits, in front of a byte that is reserved.
inline uint32_t vni_at(const Frame& f, uint32_t at) { return f.has(at, 4) ? f.be32(at) >> 8 : kNoVni; }

// RFC 8926.
inline Inside geneve(const Frame& f, uint32_t at) {
  if (!f.has(at, 4)) return nothing();
  return {Layer::kEtherType, at + 8 + (f.u8(at) & 0x3f) * 4u, f.be16(at + 2), vni_at(f, at + 4)};
}

// RFC 7348, draft-ietf-nvo3-vxlan-gpe: the VNI is valid where the I bit says so.
inline uint32_t vni_of_vxlan(const Frame& f, uint32_t at) { return f.has(at, 1) && (f.u8(at) & 8) ? vni_at(f, at + 4) : kNoVni; }

// RFC 5415 section 4.3: a whole 802.3 or 802.11 frame; neither DTLS, fragments nor keep-alives.
inline Inside capwap(const Frame& f, uint32_t at) {
  if (!f.has(at, 4) || (f.u8(at) & 0x0f)) return nothing();
  uint32_t word = f.be32(at);
  if (word & 0x88) return nothing();
  return {word & 0x100 ? Layer::kWlanSwapped : Layer::kEthernet, at + (word >> 19 & 31) * 4, 0};
}

// By the lower of the two ports that is a tunnel's; false: neither is.
inline bool by_udp_port(Frame* f, uint32_t at, uint16_t port, Inside* inside) {
  switch (port) {
    case 1701: *inside = l2tp(*f, at); return true;
    case 2123: case 2152: case 3386: *inside = gtp(f, at); return true;
    case 3544: *inside = teredo(*f, at); return true;
    case 4341: *inside = {Layer::kIpOr, at + 8, 0}; return true;      // LISP, RFC 9300
    case 4754: *inside = gre(*f, at); return true;                    // RFC 8086
    case 4789: *inside = {Layer::kEthernet, at + 8, 0, vni_of_vxlan(*f, at)}; return true;
    case 4790: *inside = {f->has(at, 4) ? LayerWalk::next_protocol(f->u8(at + 3)) : Layer::kEnd, at + 8, 0, vni_of_vxlan(*f, at)}; return true;
    case 5247: *inside = capwap(*f, at); return true;
    case 6081: *inside = geneve(*f, at); return true;
    case 6635: *inside = {Layer::kMpls, at, 0}; return true;  // RFC 7510
    default: return false;
  }
}

inline Inside udp(Frame* f, const IpPacket& ip, uint32_t at, uint8_t protocol) {
  if (!f->has(at, 6)) return nothing();
  uint16_t low = f->be16(at), high = f->be16(at + 2), length = f->be16(at + 4);
  if (low > high) std::swap(low, high);
  Frame body = *f;
  if (protocol == kUdp && length >= 8) {
    body.limit(uint64_t(at) + length);
  } else if (protocol == kUdp && (length || ip.version == 4)) {
    return nothing();  // RFC 2675: 0 is an IPv6 jumbogram's
  }
  Inside inside;
  if (!by_udp_port(&body, at + 8, low, &inside)) by_udp_port(&body, at + 8, high, &inside);
  *f = body;
  return inside;
}

// What the payload of an IP packet leads to, as far as it is a tunnel; may limit the frame.
inline Inside step(Frame* f, const IpPacket& ip) {
  if (ip.is_later_fragment) return nothing();
  uint32_t at = ip.payload_at;
  uint8_t protocol = ip.protocol;
  while (protocol == 51) {  // RFC 4302: AH protects but does not hide; its length counts words less two
    if (!f->has(at, 2)) return nothing();
    protocol = f->u8(at);
    at += (f->u8(at + 1) + 2u) * 4;
  }
  switch (protocol) {
    case 4: return {Layer::kIp, at, 0};
    case 41: return {Layer::kIp6, at, 0};
    case 47: return gre(*f, at);
    case 97: return {Layer::kEthernet, at + 2, 0};  // EtherIP, RFC 3378
    case 137: return {Layer::kMpls, at, 0};         // RFC 4023
    case 143: return {Layer::kEthernet, at, 0};     // RFC 8986
    case kUdp: case kUdpLite: return udp(f, ip, at, protocol);
    default: return nothing();
  }
}

}  // namespace tunnel

constexpr int kMostTunnels = 15;

// Replaces *ip by the innermost IP packet that is reachable through known tunnels and can be used.
inline void decapsulate(Frame* frame, IpPacket* ip) {
  for (int i = 0; i < kMostTunnels; i++) {
    frame->limit(ip->wire_end);
    tunnel::Inside inside = tunnel::step(frame, *ip);
    if (inside.layer == Layer::kEnd) return;
    Layer3 found;
    LayerWalk(frame, &found).run(inside.layer, inside.at, inside.type);
    if (found.reason != Reason::kNone) return;
    IpPacket next;
    if (parse_ip(*frame, found, &next) != Reason::kNone) return;
    next.vni = inside.vni == kNoVni ? ip->vni : inside.vni;
    *ip = next;
  }
}

}  // namespace windrow
