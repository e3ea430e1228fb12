// One direction of a flow in one window, and how it becomes a row of columns.
#pragma once
#include <cstring>

#include "columns.h"
#include "packet.h"

namespace windrow {

// What one direction of a flow counted in a window: from the slot, from aside, or both after a fold.
struct Counted {
  uint64_t packets = 0, bytes = 0;
  uint32_t first = 0, last = 0;
  uint8_t flags = 0;
  bool is_closed = false;
};

inline void put_address(uint8_t* cell, const Key4& k, bool b) {
  uint32_t v = __builtin_bswap32(b ? k.b : k.a);
  memcpy(cell, &v, 4);
}
inline void put_address(uint8_t* cell, const Key6& k, bool b) {
  uint64_t hi = __builtin_bswap64(b ? k.b[0] : k.a[0]), lo = __builtin_bswap64(b ? k.b[1] : k.a[1]);
  memcpy(cell, &hi, 8);
  memcpy(cell + 8, &lo, 8);
}

// Writes a row: direction `d` of the flow, as an entry of `eni`. Seconds since the epoch. A twin repeats the packets of
// the row before it, at the other end's ENI.
template <typename Key>
void put_row(const Columns& o, uint32_t row, const Key& key, uint8_t d, const Counted& c, int64_t start, int64_t end,
             uint8_t direction, uint8_t action, uint32_t eni, bool is_twin) {
  const FlowTail& tail = key.tail;
  o.packets[row] = c.packets;
  o.bytes[row] = c.bytes;
  o.start[row] = start;
  o.end[row] = end;
  put_address(o.srcaddr + row * 16, key, d != 0);
  put_address(o.dstaddr + row * 16, key, d == 0);
  o.eni[row] = eni;
  int32_t a = tail.has_ports ? tail.port_a : -1, b = tail.has_ports ? tail.port_b : -1;
  o.srcport[row] = d ? b : a;
  o.dstport[row] = d ? a : b;
  o.tcp_flags[row] = tail.protocol == kTcp ? c.flags : -1;
  o.traffic_path[row] = -1;
  o.status[row] = kStatusOk;
  o.direction[row] = direction;
  o.action[row] = action;
  o.rule[row] = 0;
  o.source[row] = uint8_t(action == kReject ? VerdictSource::kKernel : VerdictSource::kNone);
  o.family[row] = sizeof(Key) == sizeof(Key4) ? 4 : 6;
  o.protocol[row] = tail.protocol;
  o.twin[row] = is_twin;
}

}  // namespace windrow
