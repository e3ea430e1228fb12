// The open capture windows of a shard: what each has touched, in the order in which it was first touched.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "bytes.h"

namespace windrow {

// A direction of a flow in a window's list: slot number, table and direction in one word.
struct ListedFlow {
  uint32_t word;  // so a table holds at most 2^30 flows
  static ListedFlow of(uint32_t slot, bool is_v6, uint8_t direction) { return {slot << 2 | uint32_t(is_v6) << 1 | direction}; }
  uint32_t slot() const { return word >> 2; }
  bool is_v6() const { return word & 2; }
  uint8_t direction() const { return word & 1; }
};

struct Window {
  int64_t id = 0;     // start / length, rounded down
  int64_t start = 0;  // seconds since the epoch
  int64_t end = 0;
  uint32_t serial = 0;
  bool is_late = false;            // opened again after it was closed: its entries are supplementary
  std::vector<ListedFlow> list;    // in the order of first packets
  std::vector<uint8_t> interfaces;  // 1 where the interface has a flow in this window
  std::vector<uint8_t> evicted_enis;  // 1 where a named ENI's entries left early
  // A flush in progress: entries before `read` are done, those kept stand before `kept`.
  size_t read = 0, kept = 0;
};

class Windows {
 public:
  Windows(int64_t seconds, int64_t lateness) : seconds_(seconds), lateness_(lateness) {}

  int64_t seconds() const { return seconds_; }
  int64_t lateness() const { return lateness_; }
  int64_t id_of(int64_t sec) const { return floor_div(sec, seconds_); }

  // The watermark: the greatest packet time seen. True when an open window is due now.
  bool raise(int64_t sec) {
    if (!has_mark_ || sec > mark_) {
      mark_ = sec;
      has_mark_ = true;
    }
    return mark_ >= due_at_;
  }
  bool has_mark() const { return has_mark_; }
  int64_t mark() const { return mark_; }
  bool is_late(int64_t id) const { return has_mark_ && id < floor_div(mark_ - lateness_, seconds_); }

  Window* at(int64_t sec) {
    if (current_ && sec >= current_->start && sec < current_->end) return current_;
    int64_t id = id_of(sec);
    auto it = std::lower_bound(open_.begin(), open_.end(), id, [](const auto& w, int64_t v) { return w->id < v; });
    if (it == open_.end() || (*it)->id != id) return nullptr;
    return current_ = it->get();
  }

  // How many windows stand open again after they were closed.
  size_t late_count() const { return late_count_; }

  Window* open(int64_t sec) {
    auto window = std::make_unique<Window>();
    window->id = id_of(sec);
    window->start = window->id * seconds_;
    window->end = window->start + seconds_;
    if (++serial_ == 0) serial_ = 1;
    window->serial = serial_;
    window->is_late = is_late(window->id);
    late_count_ += window->is_late;
    auto it = std::lower_bound(open_.begin(), open_.end(), window->id, [](const auto& w, int64_t v) { return w->id < v; });
    current_ = open_.insert(it, std::move(window))->get();
    update_due();
    return current_;
  }

  void close(Window* window) {
    auto it = std::find_if(open_.begin(), open_.end(), [&](const auto& w) { return w.get() == window; });
    late_count_ -= window->is_late;
    open_.erase(it);
    current_ = nullptr;
    update_due();
  }

  // Open windows, the earliest first.
  const std::vector<std::unique_ptr<Window>>& open_windows() const { return open_; }

  Window* by_serial(uint32_t serial) const {
    for (const auto& window : open_)
      if (window->serial == serial) return window.get();
    return nullptr;
  }

 private:
  void update_due() {
    due_at_ = INT64_MAX;
    for (const auto& window : open_) {
      if (window->is_late) continue;
      due_at_ = window->end + lateness_;
      return;
    }
  }

  int64_t seconds_, lateness_;
  bool has_mark_ = false;
  int64_t mark_ = 0;
  int64_t due_at_ = INT64_MAX;
  uint32_t serial_ = 0;
  size_t late_count_ = 0;
  Window* current_ = nullptr;
  std::vector<std::unique_ptr<Window>> open_;
};

}  // namespace windrow
