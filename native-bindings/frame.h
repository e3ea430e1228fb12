// A record's bytes while they are being decoded, and what was found in them.
#pragma once
#include <cstdint>

#include "bytes.h"
#include "packet.h"

namespace windrow {

// Bytes of one record: `captured` of them are there, `end` is where the frame ended on the wire (less its FCS).
// Both count from `data`. Every read is asked for with has() first. A layer that says how long it is limits both.
struct Frame {
  const uint8_t* data = nullptr;
  uint32_t captured = 0;
  uint32_t end = 0;

  bool has(uint32_t at, uint32_t n) const { return at <= captured && n <= captured - at; }
  uint8_t u8(uint32_t at) const { return data[at]; }
  uint16_t be16(uint32_t at) const { return load_be16(data + at); }
  uint32_t be32(uint32_t at) const { return load_be32(data + at); }
  uint16_t le16(uint32_t at) const { return load_le16(data + at); }
  uint32_t le32(uint32_t at) const { return load_le32(data + at); }

  // What stands behind `to` is padding or a trailer.
  void limit(uint64_t to) {
    if (to < end) end = uint32_t(to);
    if (to < captured) captured = uint32_t(to);
  }
};

// Where the link layers end. `at` is the offset of the IP header when `reason` is kNone.
struct Layer3 {
  Reason reason = Reason::kNotIp;
  uint32_t at = 0;
  bool is_v6_claimed = false;  // the layer in front said IPv6; one that says IPv4 also carries IPv6
  Hint hint = Hint::kNone;
};

}  // namespace windrow
