// libFuzzer target of the decoder: the first bytes choose how a frame was captured, the rest is the frame.
//
//   0      index into kLinkTypes
//   1      1: decapsulate, bits 2 and 3: hint of the capture, bits 4 to 7: FCS bytes
//   2, 3   bytes of the frame that were not captured, little-endian; from 0xff00 on the wire length is shorter
//   4...   the frame
#include <cstring>
#include <memory>

#include "../../native-bindings/decoder.h"
#include "invariant.h"

using namespace windrow;

namespace {

// All that are read, and some that are not.
constexpr uint32_t kLinkTypes[] = {1,   0,   6,   8,   9,   10,  12,  14,  50,  51,  101, 104, 105, 107, 108, 109, 113, 119,
                                   127, 129, 163, 192, 226, 228, 229, 239, 242, 258, 276, 281, 282, 284, 285, 2,   147, 0x3ffffff};

bool has_addresses(const Packet& p) {
  return p.reason == Reason::kNone || p.reason == Reason::kMulticast || p.reason == Reason::kBroadcast;
}

bool is_canonical(const Packet& p) {
  if (!p.is_v6) return p.k4.a != p.k4.b ? p.k4.a < p.k4.b : p.k4.tail.port_a <= p.k4.tail.port_b;
  int order = 0;
  for (int i = 1; i >= 0; i--)
    if (p.k6.a[i] != p.k6.b[i]) order = p.k6.a[i] < p.k6.b[i] ? -1 : 1;
  return order ? order < 0 : p.k6.tail.port_a <= p.k6.tail.port_b;
}

void check(const Record& r, Packet& p) {
  uint32_t wire = r.wire > r.fcs ? r.wire - r.fcs : 0;
  MUST(p.reason < Reason::kCount && p.reason != Reason::kNotLocal);
  MUST(p.direction <= 1);
  if (p.reason == Reason::kTruncated) MUST(r.captured < wire);
  if (!is_link_type_supported(r.link_type)) MUST(p.reason == Reason::kUnsupportedLinkType);
  if (!has_addresses(p)) {
    MUST(p.bytes == r.wire);
    return;
  }
  const FlowTail& tail = p.tail();
  MUST(p.bytes >= (p.is_v6 ? 40u : 20u));
  MUST(is_canonical(p));
  MUST(tail.has_ports <= 1 && tail.point == 0);
  MUST(!tail.has_ports || has_ports(tail.protocol));
  MUST(tail.has_ports || (tail.port_a == 0 && tail.port_b == 0));
  MUST(p.flags == 0 || tail.protocol == kTcp);
  MUST(!(p.reason == Reason::kBroadcast && p.is_v6));
}

void check_equal(Packet& x, Packet& y) {
  MUST(x.reason == y.reason);
  MUST(x.hint == y.hint);
  if (!has_addresses(x)) return;
  MUST(x.bytes == y.bytes);
  MUST(x.flags == y.flags);
  MUST(x.direction == y.direction);
  MUST(x.is_v6 == y.is_v6);
  MUST(x.is_v6 ? memcmp(&x.k6, &y.k6, sizeof x.k6) == 0 : memcmp(&x.k4, &y.k4, sizeof x.k4) == 0);
}

// The same frame behind a header of Per-Packet Information, which leads past the short way for plain Ethernet.
void check_general_way(const Record& r, Packet& p) {
  constexpr uint32_t kHeader = 8;
  auto copy = std::make_unique<uint8_t[]>(kHeader + r.captured);
  const uint8_t header[kHeader] = {0, 0, kHeader, 0, 1, 0, 0, 0};
  memcpy(copy.get(), header, kHeader);
  if (r.captured) memcpy(copy.get() + kHeader, r.data, r.captured);
  Record wrapped = r;
  wrapped.data = copy.get();
  wrapped.captured += kHeader;
  wrapped.wire += kHeader;
  wrapped.link_type = 192;
  Decoder decoder(false, HashSeed());
  Packet general;
  decoder.decode(wrapped, &general);
  // A wrapper that is all there is leads nowhere, where an empty frame is a frame without IP.
  if (r.captured) check_equal(p, general);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kPrefix = 4;
  if (size < kPrefix || size - kPrefix > 262144) return 0;
  // A buffer of exactly this size: one byte too far is found.
  size_t captured = size - kPrefix;
  auto frame = std::make_unique<uint8_t[]>(captured);
  if (captured) memcpy(frame.get(), data + kPrefix, captured);
  Record r;
  r.data = frame.get();
  r.captured = uint32_t(captured);
  uint32_t missing = load_le16(data + 2);
  uint32_t shorter = missing - 0xff00;
  r.wire = missing < 0xff00 ? r.captured + missing : r.captured > shorter ? r.captured - shorter : 0;
  r.link_type = kLinkTypes[data[0] % (sizeof kLinkTypes / sizeof *kLinkTypes)];
  r.hint = Hint((data[1] >> 2 & 3) % 3);
  r.fcs = data[1] >> 4;
  r.sec = 1700000000;
  Decoder decoder(data[1] & 1, HashSeed());
  Packet p;
  decoder.decode(r, &p);
  check(r, p);
  // What a decoder remembers of fragments does not change what it makes of the same frame.
  Packet again;
  decoder.decode(r, &again);
  check(r, again);
  check_equal(p, again);
  MUST(p.has_macs == again.has_macs);
  if (r.link_type != 1) return 0;
  MUST(p.has_macs == (captured >= 12));
  MUST(!p.has_macs || memcmp(p.macs, r.data, 12) == 0);
  if (!(data[1] & 1)) check_general_way(r, p);
  return 0;
}
