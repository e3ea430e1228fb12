// From a record's link type (https://www.tcpdump.org/linktypes.html) to the first layer behind its link header.
#pragma once
#include "layers.h"

namespace windrow {

inline bool is_link_type_supported(uint32_t link_type) {
  switch (link_type) {
    case 0: case 1: case 6: case 8: case 9: case 10: case 12: case 14: case 50: case 51: case 101: case 104: case 105: case 107:
    case 108: case 109: case 113: case 119: case 127: case 129: case 163: case 192: case 226: case 228: case 229: case 239:
    case 242: case 258: case 276: case 281: case 282: case 284: case 285: return true;
    default: return false;
  }
}

namespace link {

inline void fail(Layer3* found, Reason reason) { found->reason = reason; }

inline void family_word(const Frame& f, Layer3* found) {
  if (!f.has(0, 4)) return fail(found, Reason::kTruncated);
  // The family is in the capturing host's order, which the file does not always share.
  uint32_t family = load_le32(f.data);
  if (family > 0xffff) family = f.be32(0);
  LayerWalk walk(f, found);
  switch (family) {
    case 2: return walk.run(Layer::kIp, 4);
    case 10: case 24: case 28: case 30: return walk.run(Layer::kIp, 4);
    default: return walk.run(family > 1500 && family <= 0xffff ? Layer::kEtherType : Layer::kEnd, 4, uint16_t(family));
  }
}

// Packet type of SLL, SLL2 and the modified pcap: 0 to us, 1 broadcast, 2 multicast, 3 to another, 4 from us.
inline Hint packet_type(uint32_t type) {
  if (type == 4) return Hint::kOut;
  return type < 3 ? Hint::kIn : Hint::kNone;
}

inline void cooked(const Frame& f, Layer3* found, uint16_t type, uint16_t hardware, uint32_t at) {
  LayerWalk walk(f, found);
  if (hardware == 803) return walk.run(Layer::kEnd, at);
  if (hardware == 824 && type != 0x0800 && type != 0x86dd) return walk.run(Layer::kEnd, at);  // netlink
  if (type == 4) return walk.run(Layer::kLlc, at);
  return walk.run(type > 1500 ? Layer::kEtherType : Layer::kEnd, at, type);
}

inline void radiotap(const Frame& f, Layer3* found, uint32_t at) {
  if (!f.has(at, 8)) return fail(found, Reason::kTruncated);
  uint32_t length = load_le16(f.data + at + 2);
  if (length < 8) return fail(found, Reason::kMalformed);
  // Present words run on while their top bit is set; the flags field, if any, follows the time (8 bytes, aligned).
  uint32_t present = load_le32(f.data + at + 4), first = present, cursor = at + 4;
  for (int i = 0; i < kMostLayers && (present & 0x80000000u) && f.has(cursor + 4, 4); i++) {
    cursor += 4;
    present = load_le32(f.data + cursor);
  }
  cursor += 4;
  if (first & 1) cursor = at + ((cursor - at + 7) & ~7u) + 8;
  LayerWalk walk(f, found);
  if ((first & 2) && cursor < at + length && f.has(cursor, 1)) walk.wlan_padded = f.u8(cursor) & 0x20;
  walk.run(Layer::kWlan, at + length);
}

inline void ppp_serial(const Frame& f, Layer3* found, uint32_t at) {
  LayerWalk walk(f, found);
  // RFC 1662 and Cisco HDLC share the wire; the address byte tells them apart.
  bool cisco = f.has(at, 1) && (f.u8(at) == 0x0f || f.u8(at) == 0x8f);
  walk.run(cisco ? Layer::kChdlc : Layer::kPpp, at);
}

// Netfilter log: family, version, resource id, then TLVs of which number 9 is the packet.
inline void nflog(const Frame& f, Layer3* found) {
  uint32_t at = 4;
  for (int i = 0; i < 64 && f.has(at, 4); i++) {
    // The lengths are in the capturing host's order.
    uint16_t length = load_le16(f.data + at), type = load_le16(f.data + at + 2);
    if (length < 4 || (type & 0x7fff) > 0xff) length = load_be16(f.data + at), type = load_be16(f.data + at + 2);
    if (length < 4) return fail(found, Reason::kMalformed);
    if ((type & 0x7fff) == 9) return LayerWalk(f, found).run(Layer::kIp, at + 4);
    at += (length + 3u) & ~3u;
  }
  fail(found, f.has(at, 4) || f.captured >= f.wire ? Reason::kNotIp : Reason::kTruncated);
}

// RFC 2427, and Cisco's own: a type right behind the address.
inline void frame_relay(const Frame& f, Layer3* found) {
  uint32_t at = 0;
  while (f.has(at, 1) && !(f.u8(at) & 1) && at < 4) at++;  // Q.922: the last address byte has its low bit set
  at++;
  if (!f.has(at, 2)) return fail(found, Reason::kTruncated);
  LayerWalk walk(f, found);
  if (f.u8(at) != 0x03) return walk.run(Layer::kEtherType, at + 2, f.be16(at));
  uint32_t nlpid_at = at + 1;
  if (f.u8(nlpid_at) == 0 && f.has(nlpid_at + 1, 1)) nlpid_at++;  // padding
  switch (f.u8(nlpid_at)) {
    case 0xcc: case 0x8e: return walk.run(Layer::kIp, nlpid_at + 1);
    case 0xcf: return walk.run(Layer::kPpp, nlpid_at + 1);
    case 0x80:
      if (!f.has(nlpid_at + 1, 5)) return fail(found, Reason::kTruncated);
      if (f.be32(nlpid_at + 1) >> 8 == 0) return walk.run(Layer::kEtherType, nlpid_at + 6, f.be16(nlpid_at + 4));
      if (f.be32(nlpid_at + 1) >> 8 == 0x0080c2) return walk.run(Layer::kEthernet, nlpid_at + 6);
      return fail(found, Reason::kNotIp);
    default: return fail(found, Reason::kNotIp);
  }
}

// RFC 1201 (types 212, 213, 214 with a fragment header) and RFC 1051 (240, 241); Linux keeps a plain offset word.
inline void arcnet_linux(const Frame& f, Layer3* found) {
  if (!f.has(4, 1)) return fail(found, Reason::kTruncated);
  LayerWalk walk(f, found);
  switch (f.u8(4)) {
    case 0xf0: case 0xf1: return walk.run(Layer::kIpOr, 5);
    case 0xd4: return walk.run(Layer::kIpOr, 8);
    default: return fail(found, Reason::kNotIp);
  }
}

inline void by_type(const Frame& f, uint32_t link_type, Layer3* found, int depth);

inline void ppi(const Frame& f, Layer3* found, int depth) {
  if (!f.has(0, 8)) return fail(found, Reason::kTruncated);
  uint32_t length = load_le16(f.data + 2), inner_type = load_le32(f.data + 4);
  if (length < 8 || !f.has(length, 0)) return fail(found, length < 8 ? Reason::kMalformed : Reason::kTruncated);
  Frame inner{f.data + length, f.captured - length, f.wire > length ? f.wire - length : 0, f.big_endian};
  by_type(inner, inner_type, found, depth + 1);
  found->at += length;
  if (found->macs_at != UINT32_MAX) found->macs_at += length;
}

inline void pktap(const Frame& f, Layer3* found, int depth) {
  if (!f.has(0, 40)) return fail(found, Reason::kTruncated);
  uint32_t length = load_le32(f.data), inner_type = load_le32(f.data + 8), flags = load_le32(f.data + 36);
  if (length < 40) return fail(found, Reason::kMalformed);
  if (!f.has(length, 0)) return fail(found, Reason::kTruncated);
  Frame inner{f.data + length, f.captured - length, f.wire > length ? f.wire - length : 0, f.big_endian};
  by_type(inner, inner_type, found, depth + 1);
  found->at += length;
  if (found->macs_at != UINT32_MAX) found->macs_at += length;
  if (flags & 3) found->hint = flags & 2 ? Hint::kOut : Hint::kIn;
}

inline void tagged(const Frame& f, Layer3* found, uint32_t type_at) {
  if (!f.has(type_at, 2)) return fail(found, Reason::kTruncated);
  uint16_t type = f.be16(type_at);
  found->macs_at = 0;
  LayerWalk(f, found).run(type <= 1500 ? Layer::kLlc : Layer::kEtherType, type_at + 2, type);
}

// A wrapper may name any link type but another wrapper.
inline void by_type(const Frame& f, uint32_t link_type, Layer3* found, int depth) {
  LayerWalk walk(f, found);
  switch (link_type) {
    case 1: return walk.run(Layer::kEthernet, 0);
    case 12: case 14: case 101: case 228: return walk.run(Layer::kIp, 0);
    case 229: walk.run(Layer::kIp, 0); found->claimed = 6; return;
    case 0: case 108: return family_word(f, found);
    case 113:
      if (!f.has(0, 16)) return fail(found, Reason::kTruncated);
      cooked(f, found, f.be16(14), f.be16(2), 16);
      found->hint = packet_type(f.be16(0));
      return;
    case 276:
      if (!f.has(0, 20)) return fail(found, Reason::kTruncated);
      cooked(f, found, f.be16(0), f.be16(8), 20);
      found->hint = packet_type(f.u8(10));
      return;
    case 9: case 50: return ppp_serial(f, found, 0);
    case 51: return walk.run(Layer::kPpp, 6);  // PPPoE session
    case 104: return walk.run(Layer::kChdlc, 0);
    case 105: return walk.run(Layer::kWlan, 0);
    case 127: return radiotap(f, found, 0);
    case 119: return walk.run(Layer::kWlan, 144);  // Prism
    case 163: return walk.run(Layer::kWlan, 64);   // AVS
    case 239: return nflog(f, found);
    case 107: return frame_relay(f, found);
    case 226: return walk.run(Layer::kIp, 24);
    case 8: return walk.run(Layer::kIp, 16);
    case 109: return walk.run(Layer::kIp, 12);
    case 242:
      if (!f.has(40, 4)) return fail(found, Reason::kTruncated);
      return walk.run(Layer::kEtherType, 44, f.be16(40));
    case 6: {  // token ring: a source route stands between addresses and LLC when the source says so
      if (!f.has(0, 15)) return fail(found, Reason::kTruncated);
      return walk.run(Layer::kLlc, 14 + (f.u8(8) & 0x80 ? f.u8(14) & 31 : 0));
    }
    case 10: return walk.run(Layer::kLlc, 13);
    case 129: return arcnet_linux(f, found);
    case 281: case 284: return tagged(f, found, 16);
    case 285: return tagged(f, found, 20);
    case 282: return walk.run(Layer::kEthernet, 4);
    case 192: return depth ? fail(found, Reason::kUnsupportedLinkType) : ppi(f, found, depth);
    case 258: return depth ? fail(found, Reason::kUnsupportedLinkType) : pktap(f, found, depth);
    default: return fail(found, Reason::kUnsupportedLinkType);
  }
}

}  // namespace link

// Finds the outermost IP header of a record.
inline Layer3 find_layer3(const Frame& frame, uint32_t link_type) {
  Layer3 found;
  link::by_type(frame, link_type, &found, 0);
  return found;
}

}  // namespace windrow
