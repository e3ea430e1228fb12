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
  MUST(tail.point == 0);
  MUST(p.vni <= kMostVni || p.vni == kNoVni);
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

// The straight line for plain Ethernet comes to the same as the general way, where it comes to anything.
void check_plain(const Record& r, Packet& p) {
  PlainPacket plain;
  if (!decode_plain(r, &plain)) return;
  MUST(r.link_type == 1);
  Packet same = p;
  same.reason = plain.reason;
  same.bytes = plain.bytes;
  same.flags = plain.flags;
  same.direction = plain.direction;
  same.is_v6 = false;
  const uint64_t words[2] = {plain.ends, plain.tail};
  memcpy(&same.k4, words, sizeof same.k4);
  MUST(has_addresses(same));
  check_equal(p, same);
}

// Decoded where nobody knows the fragments before it, nor wants to know addresses of Ethernet headers: the same as `p`, but
// that a fragment is noted. `fragments` have seen this frame and no other.
void check_before_its_turn(const Record& r, bool decapsulating, Fragments* fragments, Packet& p) {
  Decoder decoder(decapsulating);
  decoder.set_wants_macs(false);
  Packet early;
  decoder.decode(r, &early);
  check(r, early);
  check_equal(p, early);
  MUST(early.has_macs == p.has_macs);
  const FragmentNote* note = decoder.note();
  if (!note) return;
  MUST(has_addresses(early));
  MUST(note->sec == r.sec && note->nsec == r.nsec);
  const FragmentPorts* known = fragments->find(note->key, r.sec, r.nsec);
  if (note->is_first) {
    MUST(known && known->source == note->ports.source && known->destination == note->ports.destination);
    MUST(known->protocol == note->ports.protocol && known->has_ports == note->ports.has_ports);
    return;
  }
  // The ports of a first fragment make it the same, whether they are known at once or later.
  MUST(!known);
  const FragmentPorts first{443, 50000, kUdp, true};
  fragments->remember(note->key, first, r.sec, r.nsec);
  Decoder::set_ports(first, &early);
  decoder.set_fragments(fragments);
  Packet late;
  decoder.decode(r, &late);
  MUST(!decoder.note());
  check(r, late);
  check_equal(late, early);
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
  bool decapsulating = data[1] & 1;
  Fragments fragments{HashSeed()};
  Decoder decoder(decapsulating);
  decoder.set_fragments(&fragments);
  Packet p;
  decoder.decode(r, &p);
  check(r, p);
  MUST(!decoder.note());
  // What a decoder remembers of fragments does not change what it makes of the same frame.
  Packet again;
  decoder.decode(r, &again);
  check(r, again);
  check_equal(p, again);
  MUST(p.has_macs == again.has_macs);
  check_before_its_turn(r, decapsulating, &fragments, p);
  if (r.link_type != 1) return 0;
  MUST(p.has_macs == (captured >= 12));
  MUST(!p.has_macs || memcmp(p.macs, r.data, 12) == 0);
  if (!decapsulating) check_plain(r, p);
  return 0;
}
