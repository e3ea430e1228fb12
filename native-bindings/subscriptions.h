// Which flow logs collect at each ENI, from when on: how long its windows are, and who takes which of its entries.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "columns.h"

namespace windrow {

// What a flow log takes: a bit for each value.
struct EntryFilter {
  static constexpr uint8_t kIpv4 = 1, kIpv6 = 2;
  static constexpr uint32_t kUnknownPath = 1u << 31;

  uint8_t families = 0, actions = 0;
  uint32_t paths = 0;

  bool takes(const Columns& c, uint32_t row) const {
    const int16_t path = c.traffic_path[row];
    return (families & (c.family[row] == 6 ? kIpv6 : kIpv4)) && (actions & 1u << c.action[row]) &&
           (paths & (path < 0 ? kUnknownPath : 1u << (path & 31)));
  }
};

class Subscriptions {
 public:
  // A flow log at an ENI; entries for it have its number in place of the ENI's.
  struct Subscriber {
    uint32_t number = 0;
    EntryFilter filter;
  };
  // What is so at an ENI from a window's start on, up to the next one. Subscribers stand from `begin` to `end`.
  struct Epoch {
    int64_t from = 0;
    uint32_t seconds = 0, begin = 0, end = 0;
  };

  // `begins`: of each ENI, where its epochs begin; and where they end. All are in the order of time.
  Subscriptions(uint32_t seconds, std::vector<uint32_t> begins, std::vector<Epoch> epochs, std::vector<Subscriber> subscribers)
      : seconds_(seconds), begins_(std::move(begins)), epochs_(std::move(epochs)), subscribers_(std::move(subscribers)) {}

  // Of the shortest windows.
  uint32_t seconds() const { return seconds_; }

  // Of the windows of an ENI, the one that this second falls into. Where nobody collects they are the shortest.
  uint32_t seconds_at(uint32_t eni, int64_t sec) const {
    const Epoch* epoch = at(eni, sec);
    return epoch ? epoch->seconds : seconds_;
  }

  // What became of rows.
  struct Routed {
    uint32_t row = 0, subscriber = 0;  // where to go on: a row, and how many of its subscribers have had their turn
    uint32_t written = 0;
    uint64_t packets = 0, bytes = 0;  // of all rows, twins once
    uint64_t left_entries = 0, left_packets = 0, left_bytes = 0;  // of rows that nobody took, twins among them
  };

  // Copies rows of a window, one for each subscriber that takes it, until there is no room. `busy`: 1 for whoever took one.
  void route(const Columns& in, uint32_t rows, int64_t window_start, const Columns& out, std::span<uint8_t> busy, Routed* r) const {
    for (; r->row < rows; r->row++, r->subscriber = 0) {
      const std::span<const Subscriber> all = subscribers_at(in.eni[r->row], window_start);
      for (; r->subscriber < all.size(); r->subscriber++) {
        const Subscriber& one = all[r->subscriber];
        if (!one.filter.takes(in, r->row)) continue;
        if (r->written == out.capacity) return;
        out.copy(r->written, in, r->row, 1);
        out.eni[r->written++] = one.number;
        if (one.number < busy.size()) busy[one.number] = 1;
      }
      count(in, r->row, std::any_of(all.begin(), all.end(), [&](const Subscriber& one) { return one.filter.takes(in, r->row); }), r);
    }
  }

 private:
  const Epoch* at(uint32_t eni, int64_t sec) const {
    if (eni + 1u >= begins_.size()) return nullptr;
    const Epoch *first = epochs_.data() + begins_[eni], *end = epochs_.data() + begins_[eni + 1];
    if (first == end) return nullptr;
    const Epoch* epoch = std::upper_bound(first, end, sec, [](int64_t s, const Epoch& e) { return s < e.from; });
    return epoch == first ? first : epoch - 1;
  }

  std::span<const Subscriber> subscribers_at(uint32_t eni, int64_t sec) const {
    const Epoch* epoch = at(eni, sec);
    if (!epoch) return {};
    return std::span(subscribers_).subspan(epoch->begin, epoch->end - epoch->begin);
  }

  static void count(const Columns& in, uint32_t row, bool is_taken, Routed* r) {
    if (!in.twin[row]) {
      r->packets += in.packets[row];
      r->bytes += in.bytes[row];
    }
    if (is_taken) return;
    r->left_entries++;
    r->left_packets += in.packets[row];
    r->left_bytes += in.bytes[row];
  }

  uint32_t seconds_;
  std::vector<uint32_t> begins_;
  std::vector<Epoch> epochs_;
  std::vector<Subscriber> subscribers_;
};

}  // namespace windrow
