// Numbers of protobuf's wire format, many at once: seven bits a byte, the lowest first, the high bit set where more follow.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "bytes.h"

namespace windrow::packed {

constexpr uint64_t kHighBits = 0x8080808080808080;
constexpr size_t kMostOfVarint = 10;

// protobuf's sint32: small numbers of either sign are short.
constexpr uint32_t zigzag(int32_t v) { return uint32_t(v) << 1 ^ uint32_t(v >> 31); }
constexpr int64_t unzigzag(uint64_t v) { return int64_t(v >> 1 ^ (0 - (v & 1))); }

// Of any number. Writes 8 bytes from `p` on, or more, whatever the length.
inline uint8_t* put_varint(uint8_t* p, uint64_t v) {
  if (__builtin_expect(v >> 56 != 0, 0)) {
    for (; v >= 0x80; v >>= 7) *p++ = uint8_t(v | 0x80);
    *p = uint8_t(v);
    return p + 1;
  }
  // Seven bits to each byte: halves, quarters, eighths. No branch depends on the length.
  uint64_t w = (v & 0x0fffffff) | (v & 0x00fffffff0000000) << 4;
  w = (w & 0x00003fff00003fff) | (w & 0x0fffc0000fffc000) << 2;
  w = (w & 0x007f007f007f007f) | (w & 0x3f803f803f803f80) << 1;
  uint32_t last = (63 - uint32_t(__builtin_clzll(v | 1))) / 7;
  w |= kHighBits & ((uint64_t(1) << last * 8) - 1);
  memcpy(p, &w, 8);
  return p + last + 1;
}

// Of a number below 2^21; of more, the lowest 21 bits. Writes 4 bytes from `p` on.
inline uint8_t* put_short_varint(uint8_t* p, uint32_t v) {
  uint32_t last = (v >= 0x80) + (v >= 0x4000);
  uint32_t w = (v & 0x7f) | (v & 0x3f80) << 1 | (v & 0x1fc000) << 2;
  w |= uint32_t(kHighBits) & ((1u << last * 8) - 1);
  memcpy(p, &w, 4);
  return p + last + 1;
}

// The number in the low bytes of `w`, whose last is the first without a high bit; `stops`: those high bits, not none.
inline uint64_t varint_in(uint64_t w, uint64_t stops) {
  w &= (stops ^ (stops - 1)) & ~kHighBits;
  w = (w & 0x007f007f007f007f) | (w & 0x7f007f007f007f00) >> 1;
  w = (w & 0x00003fff00003fff) | (w & 0x3fff00003fff0000) >> 2;
  return (w & 0x0fffffff) | (w & 0x0fffffff00000000) >> 4;
}

// Why a number could not be read.
enum class Varint : uint8_t { kFine, kMissing, kCut, kTooLong };

// One number, byte by byte; `*at` passes it.
inline Varint read_varint(const uint8_t** at, const uint8_t* end, uint64_t* v) {
  const uint8_t* p = *at;
  if (p == end) return Varint::kMissing;
  *v = 0;
  for (size_t i = 0; i < kMostOfVarint; i++) {
    if (p == end) return Varint::kCut;
    uint8_t byte = *p++;
    *v |= uint64_t(byte & 0x7f) << 7 * i;
    if (byte & 0x80) continue;
    // The tenth byte has one bit of 64.
    if (i == kMostOfVarint - 1 && byte > 1) return Varint::kTooLong;
    *at = p;
    return Varint::kFine;
  }
  return Varint::kTooLong;
}

// What many numbers came to.
struct Varints {
  const uint8_t* at;  // behind the last one
  uint32_t count = 0;
  Varint why = Varint::kFine;  // there are fewer than were wanted
  bool is_wrong = false;       // one of them was not welcome
};

// Reads `wanted` numbers: put(i, number) -> whether it is not welcome; that is asked about only at the end, not at each.
template <typename Put>
Varints read_varints(const uint8_t* p, const uint8_t* end, uint32_t wanted, Put put) {
  Varint why = Varint::kFine;
  uint32_t i = 0;
  bool is_wrong = false;
  while (i < wanted) {
    uint64_t w = 0, stops = 0;
    if (end - p >= 8) {
      w = load_le64(p);
      stops = ~w & kHighBits;
    }
    if (stops == kHighBits && wanted - i >= 8) {  // eight of one byte
      for (uint32_t k = 0; k < 8; k++) is_wrong |= put(i + k, w >> 8 * k & 0x7f);
      i += 8;
      p += 8;
    } else if (stops) {
      is_wrong |= put(i++, varint_in(w, stops));
      p += __builtin_ctzll(stops) / 8 + 1;
    } else {  // long, or close to the end
      const uint8_t* at = p;
      uint64_t v;
      why = read_varint(&at, end, &v);
      if (why != Varint::kFine) break;
      is_wrong |= put(i++, v);
      p = at;
    }
  }
  return {p, i, why, is_wrong};
}

}  // namespace windrow::packed
