// Entries as columns: the layout that JavaScript allocates and src/flowlog/columns.ts reads.
#pragma once
#include <cstdint>
#include <cstring>

namespace windrow {

// name, C++ type, cells a row. The offsets follow from `capacity` in this order; wide cells stand first so that all are aligned.
#define WINDROW_COLUMNS(X)     \
  X(packets, uint64_t, 1)      \
  X(bytes, uint64_t, 1)        \
  X(start, int64_t, 1)         \
  X(end, int64_t, 1)           \
  X(srcaddr, uint8_t, 16)      \
  X(dstaddr, uint8_t, 16)      \
  X(eni, uint32_t, 1)          \
  X(srcport, int32_t, 1)       \
  X(dstport, int32_t, 1)       \
  X(rule, uint32_t, 1)         \
  X(tcp_flags, int16_t, 1)     \
  X(traffic_path, int16_t, 1)  \
  X(status, uint8_t, 1)        \
  X(direction, uint8_t, 1)     \
  X(action, uint8_t, 1)        \
  X(source, uint8_t, 1)        \
  X(family, uint8_t, 1)        \
  X(protocol, uint8_t, 1)      \
  X(twin, uint8_t, 1)

constexpr uint8_t kStatusOk = 0, kStatusNoData = 1, kStatusSkipData = 2;
constexpr uint8_t kDirectionIn = 0, kDirectionOut = 1;
constexpr uint8_t kAccept = 0, kReject = 1;

// Where a verdict comes from. The order is the order of VERDICT_SOURCES in src/cloud/verdicts.ts.
enum class VerdictSource : uint8_t { kNone = 0, kKernel, kSecurityGroup, kNetworkAcl };
constexpr uint8_t kMostSource = uint8_t(VerdictSource::kNetworkAcl);

// Pointers into one borrowed buffer.
struct Columns {
  uint32_t capacity = 0;
#define X(name, type, cells) type* name = nullptr;
  WINDROW_COLUMNS(X)
#undef X

  static size_t bytes_for(uint32_t capacity) {
    size_t bytes = 0;
#define X(name, type, cells) bytes += sizeof(type) * cells * capacity;
    WINDROW_COLUMNS(X)
#undef X
    return bytes;
  }

  // Copies `rows` rows of `from`, beginning with its row `row`, to `at`.
  void copy(uint32_t at, const Columns& from, uint32_t row, uint32_t rows) const {
#define X(name, type, cells) memcpy(name + size_t(at) * cells, from.name + size_t(row) * cells, sizeof(type) * cells * rows);
    WINDROW_COLUMNS(X)
#undef X
  }

  // `capacity` is a multiple of 8.
  static Columns over(void* buffer, uint32_t capacity) {
    Columns c;
    c.capacity = capacity;
    uint8_t* at = static_cast<uint8_t*>(buffer);
#define X(name, type, cells)              \
  c.name = reinterpret_cast<type*>(at);   \
  at += sizeof(type) * cells * capacity;
    WINDROW_COLUMNS(X)
#undef X
    return c;
  }
};

}  // namespace windrow
