// An IP header and the ports behind it, from checked bytes: RFC 791, RFC 8200, RFC 2675.
#pragma once
#include "frame.h"

namespace windrow {

// One IP packet inside a frame. Offsets count from the frame's data.
struct IpPacket {
  uint8_t version = 0;
  uint8_t protocol = 0;
  bool is_first_fragment = false;
  bool is_later_fragment = false;
  uint32_t identification = 0;
  bool has_identification = false;
  bool is_chain_cut = false;  // its extension headers are not all there
  uint32_t at = 0;         // of the IP header
  uint32_t bytes = 0;      // layer 3 length, as the header or the frame says
  uint32_t payload_at = 0;  // behind options and extension headers
  uint32_t end = 0;        // of the captured bytes that belong to it
  uint32_t wire_end = 0;   // of the packet on the wire: for packets inside that have no length
  uint32_t vni = kNoVni;   // of the innermost tunnel around it that has one
};

constexpr int kMostExtensionHeaders = 32;

// A header that was claimed and is not all there: cut by the capture, or already on the wire.
inline Reason cut(const Frame& f, uint64_t need_end) { return f.end >= need_end ? Reason::kTruncated : Reason::kMalformed; }

inline Reason parse_ipv4(const Frame& f, uint32_t at, IpPacket* ip) {
  if (!f.has(at, 20)) return cut(f, uint64_t(at) + 20);
  uint32_t header = (f.u8(at) & 15) * 4u;
  if (header < 20) return Reason::kMalformed;
  uint32_t length = f.be16(at + 2);
  if (length == 0) length = f.end > at ? f.end - at : 0;  // TSO, BIG TCP: the field was left to the card
  if (length < header) return Reason::kMalformed;
  uint16_t fragment = f.be16(at + 6);
  ip->version = 4;
  ip->protocol = f.u8(at + 9);
  ip->is_later_fragment = fragment & 0x1fff;
  ip->is_first_fragment = !ip->is_later_fragment && (fragment & 0x2000);
  ip->identification = f.be16(at + 4);
  ip->has_identification = true;
  ip->at = at;
  ip->bytes = length;
  ip->payload_at = at + header;
  ip->wire_end = at + length < at ? UINT32_MAX : at + length;
  ip->end = ip->wire_end < f.captured ? ip->wire_end : f.captured;
  return Reason::kNone;
}

// RFC 2675: the jumbo payload option (type 0xc2) of a hop-by-hop header at `at`; 0 if there is none.
inline uint32_t jumbo_length(const Frame& f, uint32_t at) {
  if (!f.has(at, 2)) return 0;
  uint32_t end = at + (f.u8(at + 1) + 1u) * 8;
  if (end > f.captured) end = f.captured;
  uint32_t option = at + 2;
  while (option + 6 <= end) {
    if (f.u8(option) == 0) {
      option++;
      continue;
    }
    if (f.u8(option) == 0xc2 && f.u8(option + 1) == 4) {
      uint32_t length = f.be32(option + 2);
      return length > 65535 ? length : 0;
    }
    option += 2u + f.u8(option + 1);
  }
  return 0;
}

inline Reason parse_ipv6(const Frame& f, uint32_t at, IpPacket* ip) {
  if (!f.has(at, 40)) return cut(f, uint64_t(at) + 40);
  uint32_t payload = f.be16(at + 4);
  uint8_t next = f.u8(at + 6);
  if (payload == 0) {
    if (next == 0) {
      payload = jumbo_length(f, at + 40);
    } else if (next != 59) {
      payload = f.end > at + 40 ? f.end - at - 40 : 0;
    }
  }
  uint32_t length = payload + 40 < payload ? UINT32_MAX : payload + 40;
  ip->version = 6;
  ip->at = at;
  ip->bytes = length;
  ip->wire_end = at + length < at ? UINT32_MAX : at + length;
  ip->end = ip->wire_end < f.captured ? ip->wire_end : f.captured;
  uint32_t header = at + 40;
  for (int i = 0; !ip->is_later_fragment; i++) {
    bool is_fragment = next == 44;
    if (!is_fragment && next != 0 && next != 43 && next != 60) break;
    uint32_t least = is_fragment ? 8 : 2;
    if (i == kMostExtensionHeaders || header > ip->end || ip->end - header < least) {
      ip->is_chain_cut = true;
      break;
    }
    uint32_t length = is_fragment ? 8 : (f.u8(header + 1) + 1u) * 8;
    if (is_fragment) {
      ip->is_later_fragment = load_be16(f.data + header + 2) & 0xfff8;
      ip->is_first_fragment = !ip->is_later_fragment;
      ip->identification = f.be32(header + 4);
      ip->has_identification = true;
    }
    next = f.u8(header);
    header += length;
  }
  ip->protocol = next;
  ip->payload_at = header;
  return Reason::kNone;
}

// The IP packet at `at`. Where IPv4 is claimed an IPv6 header is taken as well: senders of raw packets produce that.
inline Reason parse_ip(const Frame& f, const Layer3& found, IpPacket* ip) {
  if (!f.has(found.at, 1)) return cut(f, uint64_t(found.at) + 1);
  uint8_t version = f.u8(found.at) >> 4;
  if (version == 4 && !found.is_v6_claimed) return parse_ipv4(f, found.at, ip);
  return version == 6 ? parse_ipv6(f, found.at, ip) : Reason::kMalformed;
}

struct Transport {
  uint16_t source = 0, destination = 0;
  bool has_ports = false;
  uint8_t flags = 0;
};

// Ports where the protocol has them and the capture shows them. The data offset of TCP is not trusted: flags stand at 13.
inline Transport parse_transport(const Frame& f, const IpPacket& ip) {
  Transport t;
  if (ip.is_later_fragment || ip.is_chain_cut || !has_ports(ip.protocol) || ip.payload_at > ip.end) return t;
  uint32_t left = ip.end - ip.payload_at;
  if (left >= 4) {  // both or none: half a pair of ports names no flow
    t.source = f.be16(ip.payload_at);
    t.destination = f.be16(ip.payload_at + 2);
    t.has_ports = true;
  }
  if (ip.protocol == kTcp && left >= 14) t.flags = f.u8(ip.payload_at + 13);
  return t;
}

}  // namespace windrow
