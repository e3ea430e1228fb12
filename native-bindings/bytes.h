// Unaligned loads, and a view of bytes that knows where it ends.
#pragma once
#include <cstdint>
#include <cstring>

namespace windrow {

inline uint16_t load_be16(const uint8_t* p) {
  uint16_t v;
  memcpy(&v, p, 2);
  return __builtin_bswap16(v);
}
inline uint32_t load_be32(const uint8_t* p) {
  uint32_t v;
  memcpy(&v, p, 4);
  return __builtin_bswap32(v);
}
inline uint64_t load_be64(const uint8_t* p) {
  uint64_t v;
  memcpy(&v, p, 8);
  return __builtin_bswap64(v);
}
inline uint16_t load_le16(const uint8_t* p) {
  uint16_t v;
  memcpy(&v, p, 2);
  return v;
}
inline uint32_t load_le32(const uint8_t* p) {
  uint32_t v;
  memcpy(&v, p, 4);
  return v;
}
inline uint64_t load_le64(const uint8_t* p) {
  uint64_t v;
  memcpy(&v, p, 8);
  return v;
}

// Loads in the byte order that a file or a section declares.
struct ByteOrder {
  bool big = false;
  uint16_t u16(const uint8_t* p) const { return big ? load_be16(p) : load_le16(p); }
  uint32_t u32(const uint8_t* p) const { return big ? load_be32(p) : load_le32(p); }
  uint64_t u64(const uint8_t* p) const { return big ? load_be64(p) : load_le64(p); }
};

inline int64_t floor_div(int64_t a, int64_t b) {
  int64_t q = a / b;
  return q - ((a % b != 0) && ((a < 0) != (b < 0)));
}

}  // namespace windrow
