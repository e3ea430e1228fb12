// What a slot keeps of a flow besides its key, and how packets change it: who opened it, whether it is closed.
#pragma once
#include <cstdint>

#include "packet.h"

namespace windrow {

// A flow is new again when the watermark is further than this from its latest packet: then its opener and its FINs are
// forgotten. The watermark, and not the packet that asks: so it makes no difference when an idle flow leaves the memory.
constexpr int64_t kIdleSeconds = 30, kIdleOpenTcpSeconds = 600;

// Both directions of a flow, and what its current window has counted: 48 bytes.
// Counters of other open windows stand aside (see AsideRecord); 32 bits that would overflow are folded there too.
struct FlowBody {
  int64_t last_sec = 0;          // of the flow's latest packet
  uint32_t packets[2] = {0, 0};  // of the window, per direction (0: from a to b)
  uint32_t bytes[2] = {0, 0};
  uint32_t first[2] = {0, 0};  // seconds into the window
  uint32_t last = 0;           // the same, both directions
  uint32_t window = 0;         // number of the window; 0: none
  uint32_t aside = 0;          // first record that stands aside; 0: none
  uint8_t flags[2] = {0, 0};
  uint8_t state = 0;  // of the flow: kFin0.. below
  uint8_t marks = 0;  // of the slot: kListed0.. below
};
static_assert(sizeof(FlowBody) == 48);

// FlowBody::state. kClosed: RST was seen, or FIN from both sides.
constexpr uint8_t kFin0 = 1, kFin1 = 2, kRstSeen = 4, kOpenedByB = 8, kClosed = 16;
// FlowBody::marks. kClosedHere: the flow was closed when the slot's window got its latest packet.
constexpr uint8_t kListed0 = 1, kListed1 = 2, kTouched = 4, kLive = 8, kVictim = 16, kClosedHere = 32;
static_assert(kClosedHere == kClosed << 1);

inline bool is_closed(uint8_t state) { return state & kClosed; }

inline int64_t idle_limit(uint8_t protocol, uint8_t state) {
  return protocol == kTcp && !is_closed(state) ? kIdleOpenTcpSeconds : kIdleSeconds;
}

// The sender of a flow's first packet opened it, but for a SYN+ACK, which answers an opening that was not seen.
inline void begin_flow(FlowBody* body, uint8_t direction, uint8_t flags, uint8_t protocol) {
  bool answers = protocol == kTcp && (flags & (kTcpSyn | kTcpAck)) == (kTcpSyn | kTcpAck);
  body->state = (direction != 0) != answers ? kOpenedByB : 0;
}

// Takes in a packet's time and flags. A SYN alone opens a closed flow again.
inline void advance(FlowBody* body, int64_t sec, uint8_t direction, uint8_t flags, uint8_t protocol) {
  if (sec > body->last_sec) body->last_sec = sec;
  if (protocol != kTcp) return;
  if (__builtin_expect((flags & (kTcpSyn | kTcpFin | kTcpRst)) == 0, 1)) return;
  if ((flags & (kTcpSyn | kTcpAck)) == kTcpSyn) {
    if (is_closed(body->state)) body->state = 0;
    body->state = uint8_t((body->state & ~kOpenedByB) | (direction ? kOpenedByB : 0));
  }
  if (flags & kTcpFin) body->state |= uint8_t(kFin0 << direction);
  if (flags & kTcpRst) body->state |= kRstSeen;
  if ((body->state & kRstSeen) || (body->state & (kFin0 | kFin1)) == (kFin0 | kFin1)) body->state |= kClosed;
}

inline void clear_counters(FlowBody* body) {
  body->window = 0;
  for (int d = 0; d < 2; d++) body->packets[d] = body->bytes[d] = body->first[d] = body->flags[d] = 0;
  body->last = 0;
  body->marks &= uint8_t(~(kListed0 | kListed1 | kClosedHere));
}

}  // namespace windrow
