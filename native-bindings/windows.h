// The open capture windows of a shard: what each has touched, in the order in which it was first touched.
#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "bytes.h"
#include "growing_list.h"

namespace windrow {

// Where a record stands in the capture: the chunk that it was read in, and its place there.
using Stamp = uint64_t;
constexpr int kStampIndexBits = 16;
inline Stamp stamp_of(uint64_t chunk, uint32_t index) { return chunk << kStampIndexBits | index; }

// A direction of a flow in a window's list: slot number, table and direction in one word.
struct ListedFlow {
  uint32_t word;  // so a table holds at most 2^30 flows
  uint32_t index;  // of its first packet's record, in the chunk
  static ListedFlow of(uint32_t slot, bool is_v6, uint8_t direction, uint32_t index) {
    return {slot << 2 | uint32_t(is_v6) << 1 | direction, index};
  }
  uint32_t slot() const { return word >> 2; }
  bool is_v6() const { return word & 2; }
  uint8_t direction() const { return word & 1; }
};

// Flows in the order of their first packets, with the stamps of those.
class TouchList {
 public:
  void push(ListedFlow listed, uint64_t chunk) {
    if (runs_.empty() || runs_.back().chunk != chunk) runs_.push_back({chunk, flows_.size()});
    flows_.push_back(listed);
  }
  size_t size() const { return flows_.size(); }
  const ListedFlow& operator[](size_t i) const { return flows_[i]; }

  // Reads from the front; what is kept goes to a list that takes this one's place.
  class Cursor {
   public:
    bool is_done(const TouchList& list) const { return at_ >= list.flows_.size(); }
    size_t at() const { return at_; }
    uint64_t chunk(const TouchList& list) {
      while (run_ + 1 < list.runs_.size() && list.runs_[run_ + 1].begin <= at_) run_++;
      return list.runs_[run_].chunk;
    }
    void advance() { at_++; }

   private:
    size_t at_ = 0, run_ = 0;
  };

  void clear() {
    flows_.clear();
    runs_.clear();
  }
  // 0 where it is empty.
  Stamp last_stamp() const { return runs_.empty() ? 0 : stamp_of(runs_.back().chunk, flows_[flows_.size() - 1].index); }

  // By stamp. Those of one stamp stay in their order.
  void sort() {
    std::vector<std::pair<uint64_t, ListedFlow>> all;
    all.reserve(size());
    for (Cursor cursor; !cursor.is_done(*this); cursor.advance()) all.push_back({cursor.chunk(*this), (*this)[cursor.at()]});
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return stamp_of(a.first, a.second.index) < stamp_of(b.first, b.second.index);
    });
    clear();
    for (const auto& [chunk, listed] : all) push(listed, chunk);
  }

 private:
  struct Run {
    uint64_t chunk;
    size_t begin;  // its first flow
  };
  GrowingList<ListedFlow, 8192> flows_;
  std::vector<Run> runs_;
};

struct Window {
  int64_t id = 0;     // start / length, rounded down
  int64_t start = 0;  // seconds since the epoch
  int64_t end = 0;
  uint32_t number = 0;   // among the open ones, from 1
  bool is_longer = false;  // gets what shorter ones have counted, when those close
  int64_t opened_at = 0;   // windows that end by then were closed when it was opened
  bool is_late = false;  // opened again after it was closed: its entries are supplementary
  TouchList list;
  std::vector<uint8_t> interfaces;    // 1 where the interface has a flow in this window
  std::vector<uint8_t> evicted_enis;  // 1 where a named ENI's entries left early
  // Of the list of a longer window.
  Stamp latest = 0;           // the greatest stamp in it
  Stamp latest_before = 0;    // that came from other windows than the one below
  int64_t comes_from = 0;     // number of the window that gives it flows
  bool is_sorted = true;      // by stamps
  // A flush in progress.
  TouchList::Cursor cursor;
  TouchList kept;  // by a flush that takes only some

  int64_t seconds() const { return end - start; }
};

// Where a window stands among the open ones: the shorter ones first, the earliest first.
using WindowPlace = std::pair<int64_t, int64_t>;  // seconds, id
inline WindowPlace place_of(const Window& window) { return {window.seconds(), window.id}; }

class Windows {
 public:
  Windows(int64_t seconds, int64_t lateness) : seconds_(seconds), lateness_(lateness) {}

  int64_t lateness() const { return lateness_; }
  int64_t id_of(int64_t sec) const { return floor_div(sec, seconds_); }

  // The watermark: the greatest packet time seen. Windows below the frontier are closed; where it stands, all that count
  // this capture know, and where the mark stands they need not.
  bool has_mark() const { return has_mark_; }
  int64_t mark() const { return mark_; }
  bool is_late(int64_t id) const { return has_mark_ && id < frontier_; }
  bool is_over(const Window& w) const { return w.end <= closed_until(); }

  // True when the frontier moves: then everything below it is to be flushed.
  bool raise(int64_t sec) {
    if (has_mark_ && sec <= mark_) return false;
    int64_t frontier = floor_div(sec - lateness_, seconds_);
    bool moves = !has_mark_ || frontier > frontier_;
    has_mark_ = true;
    mark_ = sec;
    frontier_ = frontier;
    return moves;
  }

  // As in the beginning: no window is open, and none is closed.
  void restart() {
    has_mark_ = false;
    mark_ = frontier_ = 0;
  }

  Window* at(int64_t sec) {
    if (current_ && sec >= current_->start && sec < current_->end) return current_;
    auto it = open_.find({seconds_, id_of(sec)});
    return it == open_.end() ? nullptr : current_ = it->second.get();
  }

  // How many windows stand open again after they were closed.
  size_t late_count() const { return late_count_; }

  Window* open(int64_t sec) { return current_ = open_of(seconds_, sec, closed_until()); }

  // The window of this length, a multiple of the usual one, in which a shorter one lies.
  Window* longer(int64_t seconds, const Window& within) {
    auto it = open_.find({seconds, floor_div(within.start, seconds)});
    if (it != open_.end()) return it->second.get();
    // What counts is how far windows were closed when the packets came.
    Window* window = open_of(seconds, within.start, within.opened_at);
    window->is_longer = true;
    return window;
  }

  void close(Window* window) {
    late_count_ -= window->is_late;
    by_number_[window->number - 1] = nullptr;
    free_.push_back(window->number);
    // A list that has grown serves the next window: fresh memory costs more than anything that is done in it.
    if (spare_.size() < kSpareLists) {
      window->list.clear();
      spare_.push_back(std::move(window->list));
    }
    open_.erase(place_of(*window));
    current_ = nullptr;
  }

  template <typename Is>
  bool any(Is is) const {
    return std::any_of(open_.begin(), open_.end(), [&](const auto& one) { return is(*one.second); });
  }

  // The first open window from `place` on, or null.
  Window* from(const WindowPlace& place) const {
    auto it = open_.lower_bound(place);
    return it == open_.end() ? nullptr : it->second.get();
  }

  Window* by_number(uint32_t number) const { return by_number_[number - 1]; }

 private:
  static constexpr size_t kSpareLists = 4;

  // Windows that end by then are closed.
  int64_t closed_until() const { return has_mark_ ? frontier_ * seconds_ : INT64_MIN; }

  Window* open_of(int64_t seconds, int64_t sec, int64_t closed_until) {
    auto fresh = std::make_unique<Window>();
    Window* window = fresh.get();
    window->id = floor_div(sec, seconds);
    window->start = window->id * seconds;
    window->end = window->start + seconds;
    window->opened_at = closed_until;
    window->is_late = window->end <= closed_until;
    late_count_ += window->is_late;
    if (!spare_.empty()) {
      window->list = std::move(spare_.back());
      spare_.pop_back();
    }
    if (free_.empty()) {
      by_number_.push_back(nullptr);
      window->number = uint32_t(by_number_.size());
    } else {
      window->number = free_.back();
      free_.pop_back();
    }
    by_number_[window->number - 1] = window;
    open_.emplace(place_of(*window), std::move(fresh));
    return window;
  }

  int64_t seconds_, lateness_;
  bool has_mark_ = false;
  int64_t mark_ = 0, frontier_ = 0;
  size_t late_count_ = 0;
  Window* current_ = nullptr;
  std::map<WindowPlace, std::unique_ptr<Window>> open_;
  std::vector<Window*> by_number_;
  std::vector<uint32_t> free_;
  std::vector<TouchList> spare_;
};

}  // namespace windrow
