// libFuzzer target of the flow table alone: packets of few flows, times that jump, a budget that is soon reached.
// What leaves it as rows has to be, key by key and window by window, what went in.
//
//   0      window seconds, index into kWindows
//   1      lateness, index into kLateness
//   2      budget of flows: 16 to 64
//   3      rows taken at once; 128: flush everything from time to time
//   4...   four bytes a packet: other end (128: IPv6); 1: direction, 2 and 4: protocol, the rest TCP flags;
//          time since the packet before, index into kSteps; size, index into kSizes (128: of interface 1)
#include <algorithm>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "heap_pages.h"
#include "invariant.h"
#include "../../native-bindings/flow_table.h"

using namespace windrow;

namespace {

constexpr int64_t kWindows[] = {60, 1, 5, 600};
constexpr int64_t kLateness[] = {2, 0, 1, 700};
constexpr int64_t kSteps[] = {0,   0,   1,    1,   2,   7,   29,   30,  31,    59,    60,     61,       -1,       -2,         -3,          -31,
                              -59, -60, -599, 599, 600, 601, -700, 700, -4000, 4000, 100000, -100000, 1 << 30, -(1 << 30), 1ll << 40, -(1ll << 40)};
constexpr uint32_t kSizes[] = {20, 40, 1500, 65535, 0x7fffffff, 0xffffffff, 0xfffffffe, 100};
constexpr uint8_t kProtocols[] = {kTcp, kUdp, 1, kTcp};

// Interface, family, source, destination, protocol, window.
using Key = std::tuple<uint32_t, bool, uint64_t, uint64_t, uint8_t, int64_t>;

struct Sum {
  uint64_t packets = 0, bytes = 0;
  int64_t first = INT64_MAX, last = INT64_MIN;
  uint8_t flags = 0;
  bool operator==(const Sum& o) const {
    return packets == o.packets && bytes == o.bytes && first == o.first && flags == o.flags;
  }
};

constexpr uint64_t kOurs = 0x0a000001;

class Pass {
 public:
  explicit Pass(const uint8_t* options)
      : window_(kWindows[options[0] & 3]),
        capacity_(8 + 8 * (options[3] & 7)),
        often_(options[3] & 128),
        locality_(LocalityConfig()),
        table_(16 + options[2] % 49, window_, kLateness[options[1] & 3], HashSeed(), &locality_, &interfaces_) {
    interfaces_.declare(0, 1, "");
    interfaces_.declare(1, 1, "");
    cells_ = std::make_unique<uint8_t[]>(Columns::bytes_for(capacity_));
    columns_ = Columns::over(cells_.get(), capacity_);
  }

  void add(const uint8_t* what) {
    Packet p = packet(what);
    uint64_t other = 0xc0000200 + (what[0] & 127);
    bool is_back = what[1] & 1;
    Sum& sum = in_[Key(p.interface, p.is_v6, is_back ? other : kOurs, is_back ? kOurs : other, p.tail().protocol, floor_div(p.sec, window_))];
    sum.packets++;
    sum.bytes += p.bytes;
    sum.first = std::min(sum.first, p.sec);
    sum.last = std::max(sum.last, p.sec);
    sum.flags |= p.flags;
    for (int flushes = 0;; flushes++) {
      MUST(flushes < 100);
      Added added = table_.add(p);
      if (added == Added::kYes) break;
      flush(added == Added::kWindowDue ? FlushMode::kDue : added == Added::kLateFull ? FlushMode::kLate : FlushMode::kEvict);
    }
    if (often_ && what[2] % 41 == 7) flush(FlushMode::kEvict);
    if (often_ && what[2] % 41 == 9) flush(FlushMode::kLate);
  }

  void finish() {
    flush(FlushMode::kAll);
    MUST(table_.windows().open_windows().empty());
    MUST(in_ == out_);
  }

 private:
  Packet packet(const uint8_t* what) {
    Packet p;
    sec_ = std::clamp<int64_t>(sec_ + kSteps[what[2] & 31], -(1ll << 50), 1ll << 50);
    p.sec = sec_;
    p.bytes = kSizes[what[3] & 7];
    p.interface = what[3] >> 7;
    p.is_v6 = what[0] & 128;
    p.direction = what[1] & 1;
    uint64_t other = 0xc0000200 + (what[0] & 127);
    if (p.is_v6) {
      p.k6.a[1] = kOurs;
      p.k6.b[1] = other;
    } else {
      p.k4 = Key4();
      p.k4.a = uint32_t(kOurs);
      p.k4.b = uint32_t(other);
    }
    FlowTail& tail = p.tail();
    tail.protocol = kProtocols[what[1] >> 1 & 3];
    if (tail.protocol == kTcp) p.flags = what[1] >> 3;
    tail.point = locality_.point_of(p);
    p.hash = p.is_v6 ? hash_bytes(&p.k6, sizeof p.k6, HashSeed()) : hash_bytes(&p.k4, sizeof p.k4, HashSeed());
    return p;
  }

  void flush(FlushMode mode) {
    table_.begin_flush(mode);
    while (const Window* window = table_.next_window()) {
      int64_t id = window->id;
      while (uint32_t rows = table_.fill_rows(columns_, rule_packets_)) {
        MUST(rows <= capacity_);
        for (uint32_t i = 0; i < rows; i++) take(i, id);
      }
      table_.end_window();
    }
  }

  void take(uint32_t i, int64_t id) {
    const Columns& c = columns_;
    bool is_v6 = c.family[i] == 6;
    auto address = [&](const uint8_t* cell) { return is_v6 ? load_be64(cell + 8) : uint64_t(load_be32(cell)); };
    Key key(c.eni[i], is_v6, address(c.srcaddr + i * 16), address(c.dstaddr + i * 16), c.protocol[i], id);
    auto expected = in_.find(key);
    MUST(expected != in_.end());
    MUST(c.packets[i] > 0 && c.packets[i] <= expected->second.packets);
    MUST(c.start[i] >= expected->second.first && c.start[i] <= expected->second.last);
    MUST(c.start[i] <= c.end[i] && c.end[i] <= (id + 1) * window_);
    Sum& sum = out_[key];
    sum.packets += c.packets[i];
    sum.bytes += c.bytes[i];
    sum.first = std::min(sum.first, c.start[i]);
    if (c.tcp_flags[i] > 0) sum.flags |= uint8_t(c.tcp_flags[i]);
  }

  int64_t window_;
  uint32_t capacity_;
  bool often_;
  int64_t sec_ = 1700000000;
  Interfaces interfaces_;
  Locality locality_;
  FlowTable table_;
  std::unique_ptr<uint8_t[]> cells_;
  Columns columns_;
  uint64_t rule_packets_[size_t(Rule::kCount)] = {};
  std::map<Key, Sum> in_, out_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kPrefix = 4, kPacket = 4;
  if (size < kPrefix) return 0;
  Pass pass(data);
  for (size_t at = kPrefix; at + kPacket <= size; at += kPacket) pass.add(data + at);
  pass.finish();
  return 0;
}
