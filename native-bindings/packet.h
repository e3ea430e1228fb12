// What the decoder makes of one record: a flow key and what to add to it, or the reason why not.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>

namespace windrow {

// Why a packet is in no entry. The order is the order of EXCLUSIONS in src/flowlog/accounting.ts.
enum class Reason : uint8_t {
  kNone = 0,
  kNotIp,
  kMalformed,
  kTruncated,
  kMulticast,
  kBroadcast,
  kNotLocal,
  kUnsupportedLinkType,
  kCount,
};

// What the capture itself says of a packet's way, seen from the interface.
enum class Hint : uint8_t { kNone = 0, kIn, kOut };

constexpr uint8_t kTcp = 6, kUdp = 17, kDccp = 33, kSctp = 132, kUdpLite = 136;
inline bool has_ports(uint8_t protocol) {
  return protocol == kTcp || protocol == kUdp || protocol == kSctp || protocol == kDccp || protocol == kUdpLite;
}

constexpr uint8_t kTcpFin = 1, kTcpSyn = 2, kTcpRst = 4, kTcpAck = 16;

// The VNI of a tunnel (VXLAN, GENEVE) that a packet came in, which has 24 bits; none: it came in no such tunnel.
constexpr uint32_t kMostVni = (1 << 24) - 1, kNoVni = UINT32_MAX;

// Both ends of a flow in canonical order (a <= b), so that its two directions meet in one slot.
// `point` is the observation point (see Point in locality.h). Laid out without padding: compared and hashed as words.
struct FlowTail {
  uint16_t port_a = 0;
  uint16_t port_b = 0;
  uint32_t protocol : 8 = 0;
  uint32_t has_ports : 1 = 0;  // 1: the ports are known; "-" otherwise
  uint32_t point : 23 = 0;
};
static_assert(sizeof(FlowTail) == 8);
constexpr uint32_t kMostPoints = 1 << 23;

struct Key4 {
  uint32_t a = 0, b = 0;  // host byte order
  FlowTail tail;
};
static_assert(sizeof(Key4) == 16);

// Where the parts of a FlowTail are in it as a word, on the machines that we build for.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
constexpr int kHasPortsBit = 40, kPointBit = 41;
#ifndef __clang__  // which cannot look at bit fields while it compiles
constexpr FlowTail kTailOfBits = {.port_a = 1, .port_b = 2, .protocol = 3, .has_ports = 1, .point = 5};
static_assert(std::bit_cast<uint64_t>(kTailOfBits) ==
              (uint64_t(1) | uint64_t(2) << 16 | uint64_t(3) << 32 | uint64_t(1) << kHasPortsBit | uint64_t(5) << kPointBit));
#endif

struct Key6 {
  uint64_t a[2] = {0, 0}, b[2] = {0, 0};  // host byte order, most significant first
  FlowTail tail;
};
static_assert(sizeof(Key6) == 40);

// One packet, ready for the flow table. 88 bytes; no pointer into the capture's buffer.
struct Packet {
  union {
    Key4 k4;
    Key6 k6;
  };
  uint64_t hash = 0;
  int64_t sec = 0;         // packet time, whole seconds since the epoch
  uint32_t bytes = 0;      // layer 3
  uint16_t interface = 0;  // its number in the capture
  Reason reason = Reason::kNone;
  bool is_v6 = false;
  uint8_t direction = 0;  // 0: from a to b, 1: from b to a
  uint8_t flags = 0;      // TCP flag octet
  Hint hint = Hint::kNone;
  bool untimed = false;  // Simple Packet Block: its time is 0 and moves no watermark
  bool is_rejected = false;  // as the kernel's firewall tells, and not the ring
  bool has_macs = false;
  uint8_t macs[12] = {};  // destination, source: as on Ethernet
  uint32_t vni = kNoVni;  // of the innermost tunnel that has one

  Packet() : k6() {}
  FlowTail& tail() { return is_v6 ? k6.tail : k4.tail; }
};
static_assert(sizeof(Packet) == 88);

}  // namespace windrow
