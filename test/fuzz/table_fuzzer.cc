// libFuzzer target of the router and the flow tables alone: packets of few flows, times that jump, a budget that is soon
// reached. What leaves the tables as rows has to be, key by key and window by window, what went in.
//
//   0      window seconds, index into kWindows; bits 2 and 3: tables beyond the first
//   1      lateness, index into kLateness; bits 2 to 4: packets of a chunk, index into kChunks
//   2      budget of flows: 16 to 64
//   3      rows that there is room for at once; 64: longer windows, kLonger of them, at each interface; 128: flush from time to time
//   4...   four bytes a packet: other end (128: IPv6); 1: direction, 2 and 4: protocol, the rest TCP flags;
//          time since the packet before, index into kSteps (32: without a time, 64: multicast, 128: flush before it);
//          size, index into kSizes (128: of interface 1)
#include <algorithm>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "heap_pages.h"
#include "invariant.h"
#include "../../native-bindings/chunk.h"
#include "../../native-bindings/flow_table.h"

using namespace windrow;

namespace {

constexpr int64_t kWindows[] = {60, 1, 5, 600};
constexpr uint32_t kLonger[] = {5, 10};
constexpr int64_t kLateness[] = {2, 0, 1, 700};
constexpr uint32_t kChunks[] = {8, 1, 2, 3, 5, 16, 60, 128};
constexpr int64_t kSteps[] = {0,   0,   1,    1,   2,   7,   29,   30,  31,    59,    60,     61,       -1,       -2,         -3,          -31,
                              -59, -60, -599, 599, 600, 601, -700, 700, -4000, 4000, 100000, -100000, 1 << 30, -(1 << 30), 1ll << 40, -(1ll << 40)};
constexpr uint32_t kSizes[] = {20, 40, 1500, 65535, 0x7fffffff, 0xffffffff, 0xfffffffe, 100};
constexpr uint8_t kProtocols[] = {kTcp, kUdp, 1, kTcp};
constexpr size_t kBytesOfPacket = 4;

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
        packets_of_chunk_(kChunks[options[1] >> 2 & 7]),
        room_(std::min<uint32_t>(2 + (options[3] & 63), kRowsOfBlock)),
        often_(options[3] & 128),
        subscriptions_(options[3] & 64 ? longer(uint32_t(window_)) : nullptr),
        locality_(LocalityConfig()),
        router_(HashSeed(), window_, kLateness[options[1] & 3], false, &locality_) {
    interfaces_.declare(0, 1, "");
    interfaces_.declare(1, 1, "");
    size_t tables = 1 + (options[0] >> 2 & 3);
    for (size_t i = 0; i < tables; i++) {
      tables_.push_back(std::make_unique<FlowTable>(16 + options[2] % 49, window_, kLateness[options[1] & 3], HashSeed(), &locality_,
                                                    &interfaces_));
      chunk_.streams.emplace_back(packets_of_chunk_);
    }
  }

  // Packets of one chunk through the router, and out of its streams into the tables.
  size_t add(const uint8_t* what, size_t size) {
    size_t count = std::min<size_t>(size / kBytesOfPacket, packets_of_chunk_);
    chunk_.clear();
    router_.begin(&chunk_);
    for (size_t i = 0; i < count; i++) route(what + i * kBytesOfPacket);
    MUST(chunk_.records == count);
    chunk_.tally.each([&](uint16_t, const Tally::Books& books) {
      seen_.packets += books.seen.packets;
      seen_.bytes += books.seen.bytes;
      excluded_.packets += books.excluded[size_t(Reason::kMulticast)].packets;
      excluded_.bytes += books.excluded[size_t(Reason::kMulticast)].bytes;
    });
    for (size_t i = 0; i < tables_.size(); i++) fold(i, what);
    mark_ = std::max(mark_, chunk_.mark);
    number_++;
    return count * kBytesOfPacket;
  }

  void finish() {
    for (auto& table : tables_) {
      if (mark_ != Stream::kNothingTold) table->raise(mark_);
      flush(table.get(), FlushMode::kAll);
      table->begin_flush(FlushMode::kAll, subscriptions_);
      MUST(table->next_window() == nullptr);
      MUST(table->not_local().empty());
      for (uint64_t packets : table->rule_packets) ruled_ += packets;
    }
    MUST(in_ == out_);
    MUST(seen_.packets == logged_.packets + excluded_.packets && seen_.bytes == logged_.bytes + excluded_.bytes);
    MUST(ruled_ == logged_.packets);
  }

 private:
  void route(const uint8_t* what) {
    Packet p = packet(what);
    bool is_back = what[1] & 1;
    uint64_t other = other_end(what);
    if (p.reason == Reason::kNone) {
      int64_t window = floor_div(p.sec, window_ * (subscriptions_ ? kLonger[p.interface] : 1));
      Sum& sum = in_[Key(p.interface, p.is_v6, is_back ? other : kOurs, is_back ? kOurs : other, protocol(what), window)];
      sum.packets++;
      sum.bytes += p.bytes;
      sum.first = std::min(sum.first, p.sec);
      sum.last = std::max(sum.last, p.sec);
      sum.flags |= p.flags;
    }
    uint32_t before = chunk_.records;
    router_.put(&p);
    MUST(chunk_.records == before + 1);
  }

  // Without subscribers: how long windows are is all that tables ask for. What was so before the epoch is so after it.
  static std::shared_ptr<const Subscriptions> longer(uint32_t window) {
    std::vector<Subscriptions::Epoch> epochs;
    for (uint32_t times : kLonger) {
      epochs.push_back({INT64_MIN, window * times, 0, 0});
      epochs.push_back({0, window * times, 0, 0});
    }
    return std::make_shared<const Subscriptions>(window, std::vector<uint32_t>{0, 2, 4}, std::move(epochs), std::vector<Subscriptions::Subscriber>());
  }

  static uint64_t other_end(const uint8_t* what) { return 0xc0000200 + (what[0] & 127); }
  static uint8_t protocol(const uint8_t* what) { return kProtocols[what[1] >> 1 & 3]; }

  Packet packet(const uint8_t* what) {
    Packet p;
    sec_ = std::clamp<int64_t>(sec_ + kSteps[what[2] & 31], -(1ll << 50), 1ll << 50);
    p.untimed = what[2] & 32;
    p.sec = p.untimed ? 0 : sec_;
    p.bytes = kSizes[what[3] & 7];
    p.reason = what[2] & 64 ? Reason::kMulticast : Reason::kNone;
    p.interface = what[3] >> 7;
    p.is_v6 = what[0] & 128;
    p.direction = what[1] & 1;
    if (p.is_v6) {
      p.k6.a[1] = kOurs;
      p.k6.b[1] = other_end(what);
    } else {
      p.k4 = Key4();
      p.k4.a = uint32_t(kOurs);
      p.k4.b = uint32_t(other_end(what));
    }
    p.tail().protocol = protocol(what);
    if (protocol(what) == kTcp) p.flags = what[1] >> 3;
    return p;
  }

  void fold(size_t which, const uint8_t* what) {
    FlowTable* table = tables_[which].get();
    const Stream& stream = chunk_.streams[which];
    table->begin_chunk(number_);
    // As a live source begins it whose clock has gone back.
    if (often_ && (what[2] & 128)) {
      flush(table, FlushMode::kAll);
      table->restart();
    }
    int64_t base = 0;
    int last = -1;
    for (const uint8_t* at = stream.begin(); at != stream.end();) {
      MUST(at < stream.end());
      const auto& item = *reinterpret_cast<const ItemHead*>(at);
      at += size_of(item);
      MUST(item.index < chunk_.records && item.index >= last);
      last = item.index;
      if (item.kind() == ItemKind::kMark || item.kind() == ItemKind::kBase) {
        int64_t value = reinterpret_cast<const Event&>(item).value;
        if (item.kind() == ItemKind::kBase) base = value;
        else if (table->raise(value)) flush(table, FlushMode::kDue);
        continue;
      }
      if (often_ && (what[item.index * kBytesOfPacket + 2] & 128)) flush(table, item.index & 1 ? FlushMode::kEvict : FlushMode::kLate);
      if (item.kind() == ItemKind::kPacket6) give(table, reinterpret_cast<const Item<Key6>&>(item), base);
      else give(table, reinterpret_cast<const Item<Key4>&>(item), base);
    }
  }

  template <typename K>
  void give(FlowTable* table, const Item<K>& item, int64_t base) {
    for (int flushes = 0;; flushes++) {
      MUST(flushes < 100);
      Added added = table->add(item, base);
      if (added == Added::kYes) return;
      flush(table, added == Added::kLateFull ? FlushMode::kLate : FlushMode::kEvict);
    }
  }

  void flush(FlowTable* table, FlushMode mode) {
    table->begin_flush(mode, subscriptions_);
    WindowPlace before{INT64_MIN, INT64_MIN};
    while (const Window* window = table->next_window()) {
      MUST(place_of(*window) > before);
      before = place_of(*window);
      std::vector<uint32_t> told, found;
      table->list_enis(&told);
      MUST(std::is_sorted(told.begin(), told.end()));
      Stamp stamp = 0;
      bool is_done = false;
      while (!is_done) {
        // As if it were almost full.
        block_.rows = kRowsOfBlock - room_;
        is_done = table->fill_rows(&block_);
        MUST(block_.rows <= kRowsOfBlock && (is_done || block_.is_full()));
        for (uint32_t i = kRowsOfBlock - room_; i < block_.rows; i++) {
          MUST(stamp <= block_.stamps[i] && block_.stamps[i] < stamp_of(number_ + 1, 0));
          stamp = block_.stamps[i];
          found.push_back(block_.columns.eni[i]);
          take(i, *window, mode);
        }
      }
      std::sort(found.begin(), found.end());
      found.erase(std::unique(found.begin(), found.end()), found.end());
      // After some left early, and where only some are taken, more are told than found; with subscriptions none are told.
      MUST(subscriptions_ ? told.empty() : std::includes(told.begin(), told.end(), found.begin(), found.end()));
      table->end_window();
    }
  }

  void take(uint32_t i, const Window& window, FlushMode mode) {
    const Columns& c = block_.columns;
    bool is_v6 = c.family[i] == 6;
    auto address = [&](const uint8_t* cell) { return is_v6 ? load_be64(cell + 8) : uint64_t(load_be32(cell)); };
    Key key(c.eni[i], is_v6, address(c.srcaddr + i * 16), address(c.dstaddr + i * 16), c.protocol[i], window.id);
    auto expected = in_.find(key);
    MUST(expected != in_.end());
    MUST(c.packets[i] > 0 && c.packets[i] <= expected->second.packets);
    MUST(c.start[i] >= expected->second.first && c.start[i] <= expected->second.last);
    MUST(window.seconds() == window_ * (subscriptions_ ? kLonger[c.eni[i]] : 1));
    MUST(c.start[i] <= c.end[i] && c.end[i] <= window.end);
    // Both directions have their latest packet in common.
    if (mode == FlushMode::kEvict) MUST(c.end[i] < window.end);
    Sum& sum = out_[key];
    sum.packets += c.packets[i];
    sum.bytes += c.bytes[i];
    sum.first = std::min(sum.first, c.start[i]);
    if (c.tcp_flags[i] > 0) sum.flags |= uint8_t(c.tcp_flags[i]);
    logged_.packets += c.packets[i];
    logged_.bytes += c.bytes[i];
  }

  int64_t window_;
  uint32_t packets_of_chunk_, room_;
  bool often_;
  std::shared_ptr<const Subscriptions> subscriptions_;
  int64_t sec_ = 1700000000;
  Interfaces interfaces_;
  Locality locality_;
  Router router_;
  Chunk chunk_;
  uint64_t number_ = 0;
  int64_t mark_ = Stream::kNothingTold;
  std::vector<std::unique_ptr<FlowTable>> tables_;
  RowBlock block_;
  Tally::Count seen_, excluded_, logged_;
  uint64_t ruled_ = 0;
  std::map<Key, Sum> in_, out_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kPrefix = 4;
  if (size < kPrefix) return 0;
  Pass pass(data);
  for (size_t at = kPrefix; at + kBytesOfPacket <= size;) at += pass.add(data + at, size - at);
  pass.finish();
  return 0;
}
