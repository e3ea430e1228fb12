// From a record's link type (https://www.tcpdump.org/linktypes.html) to the first layer behind its link header.
#pragma once
#include "layers.h"

namespace windrow {

inline bool is_link_type_supported(uint32_t link_type) {
  switch (link_type) {
    case 0: case 1: case 6: case 8: case 9: case 10: case 12: case 14: case 50: case 51: case 101: case 104: case 105: case 107:
    case 108: case 113: case 119: case 127: case 129: case 163: case 192: case 226: case 228: case 229: case 239: case 242:
    case 258: case 276: case 281: case 282: case 284: case 285: return true;
    default: return false;
  }
}

namespace link {

// A link header that does not fit: the frame does not hold it, or only the capture cut it.
inline void missing(const Frame& f, uint64_t end, Layer3* found) { found->reason = end <= f.end ? Reason::kTruncated : Reason::kNotIp; }

// Packet type of SLL, SLL2 and the modified pcap: 0 to us, 1 broadcast, 2 multicast, 3 to another, 4 from us.
inline Hint packet_type(uint32_t type) {
  if (type == 4) return Hint::kOut;
  return type < 3 ? Hint::kIn : Hint::kNone;
}

// Some point-to-point drivers hand over the PPP header under the raw type.
inline void raw(Frame* f, uint32_t at, Layer3* found) {
  LayerWalk(f, found).run(f->has(at, 2) && f->be16(at) == 0xff03 ? Layer::kPpp : Layer::kIp, at);
}

// AF_INET is 2 everywhere; AF_INET6 24 (NetBSD, OpenBSD), 28 (FreeBSD), 30 (Darwin).
inline void family(Frame* f, uint32_t at, uint32_t number, Layer3* found) {
  Layer layer = number == 2 ? Layer::kIp : number == 24 || number == 28 || number == 30 ? Layer::kIp6 : Layer::kEnd;
  LayerWalk(f, found).run(layer, at);
}

// The family in the capturing host's order; old Linux put an EtherType here, old IRIX 16 bits only.
inline void null_loop(Frame* f, uint32_t at, Layer3* found) {
  if (f->has(at, 2) && f->be16(at) == 0xff03) return LayerWalk(f, found).run(Layer::kPpp, at);
  if (!f->has(at, 4)) return missing(*f, uint64_t(at) + 4, found);
  uint32_t number = f->le32(at);
  if (number >= 0x10000) {
    number = number < 0x60000 ? number >> 16 : f->be32(at);
  } else if ((number & 0xff) == 0 && number < 0x600) {
    number >>= 8;
  }
  if (number > 1500) return LayerWalk(f, found).run(Layer::kEtherType, at + 4, uint16_t(number));
  family(f, at + 4, number, found);
}

// RFC 2427 behind a Q.922 address, or Cisco's own: a type right behind the address.
inline void frame_relay(Frame* f, uint32_t at, Layer3* found) {
  if (!f->has(at, 1)) return missing(*f, uint64_t(at) + 1, found);
  uint32_t channel = 0;
  if (!(f->u8(at) & 1)) {
    if (!f->has(at, 2)) return missing(*f, uint64_t(at) + 2, found);
    channel = uint32_t(f->u8(at) >> 2) << 4 | f->u8(at + 1) >> 4;
    at++;
    for (int more = 0; !(f->u8(at) & 1) && more < 8; more++) {
      at++;
      if (!f->has(at, 1)) return missing(*f, uint64_t(at) + 1, found);
      channel = channel << 7 | f->u8(at) >> 1;
    }
  }
  at++;
  if (!f->has(at, 1)) return missing(*f, uint64_t(at) + 1, found);
  uint8_t control = f->u8(at);
  LayerWalk walk(f, found);
  if (control != 0x03) {
    if (channel == 0 || control == 0xaf) return walk.run(Layer::kEnd, at);  // signalling
    if (!f->has(at, 2)) return missing(*f, uint64_t(at) + 2, found);
    return walk.run(Layer::kEtherType, at + 2, f->be16(at));
  }
  at++;
  if (!f->has(at, 1)) return missing(*f, uint64_t(at) + 1, found);
  if (f->u8(at) == 0) at++;  // padding
  if (!f->has(at, 1)) return missing(*f, uint64_t(at) + 1, found);
  switch (f->u8(at)) {
    case 0xcc: return walk.run(Layer::kIp, at + 1);
    case 0x8e: return walk.run(Layer::kIp6, at + 1);
    case 0xcf: return walk.run(Layer::kPpp, at + 1);
    case 0x80: return walk.run_snap(at + 1, 0);
    default: return walk.run(Layer::kEnd, at);
  }
}

// Linux if_arp.h says which hardware; below 1536 the protocol is one of if_ether.h's own.
inline void cooked(Frame* f, uint32_t at, uint16_t hardware, uint16_t protocol, Layer3* found) {
  LayerWalk walk(f, found);
  if (hardware == 824) return walk.run(Layer::kEnd, at);  // netlink
  if (protocol >= 1536) return walk.run(Layer::kEtherType, at, protocol);
  if (hardware == 770) return frame_relay(f, at, found);
  if (hardware == 803) return walk.run(Layer::kRadiotap, at);
  switch (protocol) {
    case 3: return walk.run(Layer::kEthernet, at);
    case 4: return walk.run(Layer::kLlc, at);
    case 7: return walk.run(Layer::kPppHdlc, at);
    default: return walk.run(Layer::kEnd, at);
  }
}

// Linux nfnetlink_log: TLVs in the capturing host's order; number 9 is the packet, number 1 starts with its EtherType.
inline void nflog(Frame* f, uint32_t at, Layer3* found) {
  if (!f->has(at, 8)) return missing(*f, uint64_t(at) + 8, found);
  uint8_t address_family = f->u8(at);
  uint16_t protocol = address_family == 2 ? 0x0800 : address_family == 10 ? 0x86dd : 0;
  bool is_little = f->le16(at + 4) < 0x100 || f->be16(at + 4) >= 0x100;
  for (at += 4;; ) {
    if (!f->has(at, 4)) return missing(*f, uint64_t(at) + 4, found);
    uint32_t length = is_little ? f->le16(at) : f->be16(at);
    uint16_t type = (is_little ? f->le16(at + 2) : f->be16(at + 2)) & 0x7fff;
    if (length < 4) return LayerWalk(f, found).run(Layer::kEnd, at);
    if (type == 1 && length >= 6) {
      if (!f->has(at, 6)) return missing(*f, uint64_t(at) + 6, found);
      if (f->be16(at + 4)) protocol = f->be16(at + 4);
    }
    if (type == 9) {
      f->limit(uint64_t(at) + length);
      return LayerWalk(f, found).run(Layer::kEtherType, at + 4, protocol);
    }
    at += (length + 3) & ~3u;
  }
}

// Linux ARCNET: RFC 1051 (240) has no split header, RFC 1201 (212 for IPv4, 196 for IPv6) does, and an exception header
// whose flag is 255 stands in front of it.
inline void arcnet(Frame* f, uint32_t at, Layer3* found) {
  if (!f->has(at, 6)) return missing(*f, uint64_t(at) + 6, found);
  uint8_t system = f->u8(at + 4);
  LayerWalk walk(f, found);
  if (system == 240) return walk.run(Layer::kIp, at + 5);
  if (system != 212 && system != 196) return walk.run(Layer::kEnd, at);
  walk.run(system == 196 ? Layer::kIp6 : Layer::kIp, at + (f->u8(at + 5) == 0xff ? 12 : 8));
}

// Solaris ipnet: its own families, and the packet's length.
inline void ipnet(Frame* f, uint32_t at, Layer3* found) {
  if (!f->has(at, 8)) return missing(*f, uint64_t(at) + 8, found);
  uint8_t address_family = f->u8(at + 1);
  f->limit(uint64_t(at) + 24 + f->be32(at + 4));
  LayerWalk(f, found).run(address_family == 2 ? Layer::kIp : address_family == 26 ? Layer::kIp6 : Layer::kEnd, at + 24);
}

inline void token_ring(Frame* f, uint32_t at, Layer3* found) {
  if (!f->has(at, 15)) return missing(*f, uint64_t(at) + 15, found);
  // A source route stands between the addresses and LLC when the source address says so.
  LayerWalk(f, found).run(Layer::kLlc, at + 14 + (f->u8(at + 8) & 0x80 ? f->u8(at + 14) & 0x1f : 0));
}

inline void by_type(Frame* f, uint32_t link_type, uint32_t at, Layer3* found, bool is_wrapped);

// A wrapper may name any link type but another wrapper.
inline void wrapped(Frame* f, uint32_t link_type, uint64_t at, Layer3* found) {
  if (at > f->captured) return missing(*f, at + 1, found);
  by_type(f, link_type, uint32_t(at), found, true);
}

inline void ppi(Frame* f, uint32_t at, Layer3* found) {
  if (!f->has(at, 8)) return missing(*f, uint64_t(at) + 8, found);
  wrapped(f, f->le32(at + 4), uint64_t(at) + f->le16(at + 2), found);
}

// Darwin's pktap.h: header length, record type (1 is a packet), link type, interface name, then flags: 1 in, 2 out.
inline void pktap(Frame* f, uint32_t at, Layer3* found) {
  if (!f->has(at, 40)) return missing(*f, uint64_t(at) + 40, found);
  uint32_t flags = f->le32(at + 36);
  if (f->le32(at + 4) != 1) return LayerWalk(f, found).run(Layer::kEnd, at);
  wrapped(f, f->le32(at + 8), uint64_t(at) + f->le32(at), found);
  found->hint = flags & 1 ? Hint::kIn : flags & 2 ? Hint::kOut : Hint::kNone;
}

// A header with an EtherType at `offset` and the next layer behind it.
inline void typed(Frame* f, uint32_t at, uint32_t offset, uint32_t length, Layer layer, Layer3* found) {
  if (!f->has(at + offset, 2)) return missing(*f, uint64_t(at) + offset + 2, found);
  LayerWalk(f, found).run(layer, at + length, f->be16(at + offset));
}

inline void by_type(Frame* f, uint32_t link_type, uint32_t at, Layer3* found, bool is_wrapped) {
  LayerWalk walk(f, found);
  switch (link_type) {
    case 0: return null_loop(f, at, found);
    case 1: return walk.run(Layer::kEthernet, at);
    case 6: return token_ring(f, at, found);
    case 8: return walk.run(Layer::kIpOr, at + 16);  // BSD SLIP: a direction byte and 15 of compression state
    case 9: case 50: return walk.run(Layer::kPppHdlc, at);
    case 10: return walk.run(Layer::kLlc, at + 13);  // FDDI
    case 12: case 14: case 101: return raw(f, at, found);
    case 51: return walk.run(Layer::kEtherType, at, 0x8864);
    case 104: return walk.run(Layer::kChdlc, at);
    case 105: return walk.run(Layer::kWlan, at);
    case 107: return frame_relay(f, at, found);
    case 108:
      if (!f->has(at, 4)) return missing(*f, uint64_t(at) + 4, found);
      return family(f, at + 4, f->be32(at), found);
    case 113:
      if (!f->has(at, 16)) return missing(*f, uint64_t(at) + 16, found);
      found->hint = packet_type(f->be16(at));
      return cooked(f, at + 16, f->be16(at + 2), f->be16(at + 14), found);
    case 119: return walk.run(Layer::kWlan, at + 144);  // Prism
    case 127: return walk.run(Layer::kRadiotap, at);
    case 129: return arcnet(f, at, found);
    case 163:  // AVS: its length in its second word
      if (!f->has(at, 8)) return missing(*f, uint64_t(at) + 8, found);
      return wrapped(f, 105, uint64_t(at) + f->be32(at + 4), found);
    case 226: return ipnet(f, at, found);
    case 228: return walk.run(Layer::kIp, at);
    case 229: return walk.run(Layer::kIp6, at);
    case 239: return nflog(f, at, found);
    case 242: return typed(f, at, 40, 44, Layer::kEtherType, found);  // IP over InfiniBand
    case 276:
      if (!f->has(at, 20)) return missing(*f, uint64_t(at) + 20, found);
      found->hint = packet_type(f->u8(at + 10));
      return cooked(f, at + 20, f->be16(at + 8), f->be16(at), found);
    case 281: case 284: return typed(f, at, 16, 18, Layer::kTypeOrLength, found);  // Broadcom and Marvell DSA tags
    case 282: return walk.run(Layer::kEthernet, at + 4);
    case 285: return typed(f, at, 20, 22, Layer::kTypeOrLength, found);
    case 192: return is_wrapped ? walk.run(Layer::kEnd, at) : ppi(f, at, found);
    case 258: return is_wrapped ? walk.run(Layer::kEnd, at) : pktap(f, at, found);
    default: found->reason = is_wrapped ? Reason::kNotIp : Reason::kUnsupportedLinkType;
  }
}

}  // namespace link

// Finds the outermost IP header of a record; limits the frame to what belongs to it.
inline Layer3 find_layer3(Frame* frame, uint32_t link_type) {
  Layer3 found;
  if (frame->captured || !is_link_type_supported(link_type)) link::by_type(frame, link_type, 0, &found, false);
  return found;
}

}  // namespace windrow
