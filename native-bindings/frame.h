// A record's bytes while they are being decoded, and what was found in them.
#pragma once
#include <cstdint>

#include "bytes.h"
#include "packet.h"

namespace windrow {

// Bytes of one record. `captured` are there; `wire` is how long the frame was on the wire (less its FCS).
// Both count from `data`, and `captured <= limit of the buffer` is what every read is checked against.
struct Frame {
  const uint8_t* data = nullptr;
  uint32_t captured = 0;
  uint32_t wire = 0;
  bool big_endian = false;  // byte order of the file: some link headers are written in it

  bool has(uint32_t at, uint32_t n) const { return at <= captured && n <= captured - at; }
  uint8_t u8(uint32_t at) const { return data[at]; }
  uint16_t be16(uint32_t at) const { return load_be16(data + at); }
  uint32_t be32(uint32_t at) const { return load_be32(data + at); }
};

// Where the link layers end. `at` is the offset of the IP header when `reason` is kNone.
struct Layer3 {
  Reason reason = Reason::kNotIp;
  uint32_t at = 0;
  uint8_t claimed = 0;  // 4 or 6: what the header in front said; 0: told by the version nibble
  Hint hint = Hint::kNone;
  uint32_t macs_at = UINT32_MAX;  // offset of destination and source MAC, 12 bytes, if there are any
};

}  // namespace windrow
