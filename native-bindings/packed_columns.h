// Entries on the wire: the columns of a batch, each the payload of one field. What they mean: src/flowlog/packed_columns.ts.
#pragma once
#include <cstddef>
#include <cstdint>

namespace windrow::packed {

// Name, and the most bytes that an entry takes in it; in the order of PACKED_COLUMNS.
#define WINDROW_PLAIN_COLUMNS(X) \
  X(packets, 10)                 \
  X(bytes, 10)                   \
  X(start, 10)                   \
  X(end, 10)                     \
  X(srcaddr, 16)                 \
  X(dstaddr, 16)                 \
  X(srcport, 3)                  \
  X(dstport, 3)                  \
  X(tcp_flags, 2)                \
  X(traffic_path, 3)             \
  X(direction, 1)                \
  X(action, 1)                   \
  X(family, 1)                   \
  X(protocol, 2)
// Those of batches with reasons: by what entries were judged.
#define WINDROW_REASON_COLUMNS(X) \
  X(rule, 5)                      \
  X(verdict_source, 1)
#define WINDROW_PACKED_COLUMNS(X) WINDROW_PLAIN_COLUMNS(X) WINDROW_REASON_COLUMNS(X)

#define X(name, most) name,
enum Column : size_t { WINDROW_PACKED_COLUMNS(X) kColumns };
#undef X
#define X(name, most) #name,
constexpr const char* kNames[kColumns] = {WINDROW_PACKED_COLUMNS(X)};
#undef X
#define X(name, most) most,
constexpr uint32_t kMost[kColumns] = {WINDROW_PACKED_COLUMNS(X)};
#undef X

constexpr size_t kPlainColumns = rule;

// The most bytes that an entry takes in all of them.
#define X(name, most) +most
constexpr uint32_t kMostOfPlainRow = 0 WINDROW_PLAIN_COLUMNS(X), kMostOfRow = 0 WINDROW_PACKED_COLUMNS(X);
#undef X

constexpr int64_t kMostPort = 65535, kMostPath = INT16_MAX;

}  // namespace windrow::packed
