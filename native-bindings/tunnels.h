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
};

inline Inside nothing() { return {}; }

// RFC 2784, 2890 and 1701 (version 0), RFC 2637 (version 1); ERSPAN I to III as in draft-foschiano-erspan-03.
inline Inside gre(const Frame& f, uint32_t at) {
  if (!f.has(at, 4)) return nothing();
  uint16_t flags = f.be16(at), type = f.be16(at + 2);
  uint32_t body = at + 4;
  if ((flags & 7) == 1) {
    body += 4 + (flags & 0x1000 ? 4 : 0) + (flags & 0x0080 ? 4 : 0);
  } else if ((flags & 7) == 0) {
    body += (flags & 0xc000 ? 4 : 0) + (flags & 0x2000 ? 4 : 0) + (flags & 0x1000 ? 4 : 0);
    if (flags & 0x4000) {  // source route entries: family, offset, length; an empty one ends them
      for (int i = 0;; i++) {
        if (i == kMostLayers || !f.has(body, 4)) return nothing();
        uint16_t family = f.be16(body);
        uint32_t length = f.u8(body + 3);
        body += 4 + length;
        if (family == 0 && length == 0) break;
      }
    }
  } else {
    return nothing();
  }
  if (type == 0x88be) return {Layer::kEthernet, body + (flags & 0x1000 ? 8 : 0), 0};
  if (type == 0x22eb) {
    if (!f.has(body, 12)) return nothing();
    return {Layer::kEthernet, body + 12 + (f.u8(body + 11) & 1 ? 8 : 0), 0};
  }
  if (type == 0x883e) {  // WCCP: a redirect header, or IP at once
    bool ip = f.has(body, 1) && (f.u8(body) >> 4) == 4;
    return {Layer::kIpOr, ip ? body : body + 4, 0};
  }
  if (type == 0x8909) {  // Cisco MetaData stands behind the type here, not in front of it
    if (!f.has(body, 2)) return nothing();
    return {Layer::kEtherType, body + 8, f.be16(body)};
  }
  if (type <= 1500) return nothing();
  return {Layer::kEtherType, body, type};
}

// RFC 7348; with a next protocol in the fourth byte: VXLAN-GPE.
inline Inside vxlan(const Frame& f, uint32_t at, bool generic) {
  if (!f.has(at, 8)) return nothing();
  if (!generic || !(f.u8(at) & 0x04)) return {Layer::kEthernet, at + 8, 0};
  switch (f.u8(at + 3)) {
    case 1: return {Layer::kEtherType, at + 8, 0x0800};
    case 2: return {Layer::kEtherType, at + 8, 0x86dd};
    case 3: return {Layer::kEthernet, at + 8, 0};
    case 4: return {Layer::kNsh, at + 8, 0};
    case 5: return {Layer::kMpls, at + 8, 0};
    default: return nothing();
  }
}

// RFC 8926.
inline Inside geneve(const Frame& f, uint32_t at) {
  if (!f.has(at, 8) || (f.u8(at) >> 6) != 0) return nothing();
  return {Layer::kEtherType, at + 8 + (f.u8(at) & 0x3f) * 4u, f.be16(at + 2)};
}

// 3GPP TS 29.281 section 5: a G-PDU, and its chain of extension headers.
inline Inside gtp(const Frame& f, uint32_t at) {
  if (!f.has(at, 8) || (f.u8(at) >> 5) != 1 || !(f.u8(at) & 0x10) || f.u8(at + 1) != 255) return nothing();
  uint8_t flags = f.u8(at) & 7;
  uint32_t body = at + 8;
  if (flags) {
    if (!f.has(body, 4)) return nothing();
    uint8_t next = flags & 4 ? f.u8(body + 3) : 0;
    body += 4;
    for (int i = 0; next; i++) {
      if (i == kMostLayers || !f.has(body, 1)) return nothing();
      uint32_t length = f.u8(body) * 4u;
      if (length == 0 || !f.has(body, length)) return nothing();
      next = f.u8(body + length - 1);
      body += length;
    }
  }
  return {Layer::kIpOr, body, 0};
}

// RFC 4380 section 5.1.1: authentication and origin indications in front of IPv6.
inline Inside teredo(const Frame& f, uint32_t at) {
  for (int i = 0; i < 2 && f.has(at, 4); i++) {
    uint16_t kind = f.be16(at);
    if (kind == 1) at += 4u + f.u8(at + 2) + f.u8(at + 3) + 9;
    else if (kind == 0) at += 8;
    else break;
  }
  if (!f.has(at, 1) || (f.u8(at) >> 4) != 6) return nothing();
  return {Layer::kIpOr, at, 0};
}

// RFC 2661 section 3.1: data messages carry PPP.
inline Inside l2tp(const Frame& f, uint32_t at) {
  if (!f.has(at, 2)) return nothing();
  uint16_t flags = f.be16(at);
  if ((flags & 0x8000) || (flags & 15) != 2) return nothing();
  uint32_t body = at + 2 + (flags & 0x4000 ? 2 : 0) + 4 + (flags & 0x0800 ? 4 : 0);
  if (flags & 0x0200) {
    if (!f.has(body, 2)) return nothing();
    body += 2u + f.be16(body);
  }
  return {Layer::kPpp, body, 0};
}

// RFC 5415 section 4.3: a CAPWAP data message with a whole 802.3 or 802.11 frame.
inline Inside capwap(const Frame& f, uint32_t at) {
  if (!f.has(at, 8) || f.u8(at) != 0) return nothing();
  uint32_t word = f.be32(at);
  uint32_t header = (word >> 19 & 31) * 4;
  bool native = word & 0x100, fragment = word & 0x80;
  if (header < 8 || (fragment && (f.be16(at + 6) & 0xfff8))) return nothing();
  if (!native) return {Layer::kEthernet, at + header, 0};
  return {(word >> 9 & 31) == 1 ? Layer::kWlan : Layer::kEnd, at + header, 0};
}

inline Inside by_udp_port(const Frame& f, uint32_t at, uint16_t port) {
  switch (port) {
    case 4789: case 8472: return vxlan(f, at, false);
    case 4790: return vxlan(f, at, true);
    case 6081: return geneve(f, at);
    case 2152: return gtp(f, at);
    case 3544: return teredo(f, at);
    case 1701: return l2tp(f, at);
    case 6635: return {Layer::kMpls, at, 0};
    case 5247: return capwap(f, at);
    case 4341: return {Layer::kIpOr, at + 8, 0};  // LISP, RFC 9300
    default: return nothing();
  }
}

inline Inside step(const Frame& f, const IpPacket& ip) {
  if (ip.is_later_fragment) return nothing();
  uint32_t at = ip.payload_at;
  uint8_t protocol = ip.protocol;
  for (int i = 0; protocol == 51 && i < 4; i++) {  // AH protects but does not hide
    if (!f.has(at, 2)) return nothing();
    protocol = f.u8(at);
    at += (f.u8(at + 1) + 2u) * 4;
  }
  switch (protocol) {
    case 4: case 41: return {Layer::kIpOr, at, 0};
    case 47: return gre(f, at);
    case 97: return {Layer::kEthernet, at + 2, 0};  // EtherIP, RFC 3378
    case 137: return {Layer::kMpls, at, 0};
    case kUdp: case kUdpLite: {
      if (!f.has(at, 8)) return nothing();
      Inside inside = by_udp_port(f, at + 8, f.be16(at + 2));
      return inside.layer != Layer::kEnd ? inside : by_udp_port(f, at + 8, f.be16(at));
    }
    default: return nothing();
  }
}

}  // namespace tunnel

constexpr int kMostTunnels = 8;

// Replaces *ip by the innermost IP packet that is reachable through known tunnels and can be used.
inline void decapsulate(const Frame& frame, IpPacket* ip) {
  for (int i = 0; i < kMostTunnels; i++) {
    Frame body = frame;
    body.captured = ip->end;
    body.wire = ip->wire_end;
    tunnel::Inside inside = tunnel::step(body, *ip);
    if (inside.layer == Layer::kEnd) return;
    Layer3 found;
    LayerWalk walk(body, &found);
    walk.wlan_may_be_swapped = true;
    walk.run(inside.layer, inside.at, inside.type);
    if (found.reason != Reason::kNone) return;
    IpPacket next;
    if (parse_ip(body, found.at, found.claimed, &next) != Reason::kNone) return;
    *ip = next;
  }
}

}  // namespace windrow
