// Brings the rows of all shards together: window by window as flushes happened, and in a window in the order of first
// packets. What comes out does not depend on how many shards there were.
#pragma once
#include <algorithm>
#include <memory>
#include <tuple>
#include <vector>

#include "exchange.h"

namespace windrow {

class Collector {
 public:
  explicit Collector(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)), x_(*exchange_), heads_(x_.workers()) {}

  // The order is the order of NEXT in src/flow/collector.ts.
  enum class Next : uint8_t { kWait = 0, kWindow, kEnd };

  // A window whose rows are to be taken before the next one.
  struct Closing {
    int64_t id = 0;
    uint32_t seconds = 0;  // its length
    bool is_late = false, is_early = false;
    std::vector<uint32_t> enis;  // with entries in it, ascending; empty where it is late or early
  };

  // kWait: the shards have not come far enough; on_rows will be called.
  Next next_window() {
    Next next = look();
    if (next != Next::kWait) return next;
    x_.await_rows();
    return look();
  }
  const Closing& closing() const { return closing_; }

  // After kWait, of a live source: all windows that this watermark closes have been given; kNothingTold: none is known.
  int64_t settled_mark() { return x_.mark_at(reached_); }

  // Reports of lost packets that are to be written before anything that comes now.
  std::vector<DropReport> take_drops() { return x_.take_drops(reached_); }

  // Gives the rows of the window, in order, as runs of columns: emit(columns, from, to) -> the row after the last one
  // that it took. True: there are no more. False: it did not take all, or (is_waiting) the shards have not come far enough.
  template <typename Emit>
  bool rows(Emit emit) {
    is_waiting_ = false;
    for (;;) {
      Head* first = nullptr;
      Stamp second = UINT64_MAX;  // where another shard's rows come in
      for (Head& head : heads_) {
        if (!head.is_in_window) continue;
        if (!has_row(&head) && head.is_in_window) {
          // Asked once more after it was said that rows are awaited: else their coming could go unnoticed.
          x_.await_rows();
          is_waiting_ = !has_row(&head) && head.is_in_window;
          if (is_waiting_) return false;
        }
        if (!head.is_in_window) continue;
        Stamp stamp = head.block->stamps[head.row];
        if (!first || stamp < first->block->stamps[first->row]) {
          if (first) second = std::min(second, first->block->stamps[first->row]);
          first = &head;
        } else {
          second = std::min(second, stamp);
        }
      }
      if (!first) return true;
      uint32_t to = first->row, end = first->section().first_row + first->section().rows;
      if (second == UINT64_MAX) to = end;
      else
        while (to < end && first->block->stamps[to] < second) to++;
      first->row = emit(first->block->columns, first->row, to);
      if (first->row < to) return false;
    }
  }
  bool is_waiting() const { return is_waiting_; }

 private:
  // Where a shard's queue is read.
  struct Head {
    const RowBlock* block = nullptr;
    size_t at = 0;  // section of the block
    uint32_t row = 0;
    bool is_in_window = false;  // it has rows left of the current window, or may have
    const Section& section() const { return block->sections[at]; }
  };

  size_t number_of(const Head* head) const { return size_t(head - heads_.data()); }

  // Moves to the next section where this one is used up; false where there is none yet.
  bool load(Head* head) {
    if (head->block) return true;
    RowQueue& queue = x_.rows(uint32_t(number_of(head)));
    head->block = queue.front();
    head->at = 0;
    if (head->block) head->row = head->section().first_row;
    return head->block != nullptr;
  }
  void pass(Head* head) {
    if (++head->at < head->block->sections.size()) {
      head->row = head->section().first_row;
      return;
    }
    head->block = nullptr;
    x_.rows(uint32_t(number_of(head))).pop();
    x_.ring_bell();
  }

  // Whether the shard has a row of the current window at hand; passes what is used up.
  bool has_row(Head* head) {
    while (load(head)) {
      const Section& section = head->section();
      if (head->row < section.first_row + section.rows) return true;
      bool is_last = section.is_last;
      pass(head);
      if (is_last) {
        head->is_in_window = false;
        return false;
      }
    }
    return false;
  }
  static auto order_of(const Section& s) { return std::tuple(s.flush, s.seconds, s.window); }

  Next look() {
    const Section* first = nullptr;
    Stamp certain = kAllDone;  // what shards without rows have reached
    for (Head& head : heads_) {
      Stamp progress = x_.rows(uint32_t(number_of(&head))).progress();
      if (!load(&head)) certain = std::min(certain, progress);
      else if (!first || order_of(head.section()) < order_of(*first)) first = &head.section();
    }
    reached_ = std::min(certain, first ? first->flush : kAllDone);
    if (!first) return certain == kAllDone ? Next::kEnd : Next::kWait;
    if (certain < first->flush) return Next::kWait;
    closing_.id = first->window;
    closing_.seconds = first->seconds;
    closing_.is_late = first->is_late;
    closing_.is_early = first->is_early;
    closing_.enis.clear();
    const Section chosen = *first;
    for (Head& head : heads_) {
      head.is_in_window = head.block && order_of(head.section()) == order_of(chosen);
      if (!head.is_in_window) continue;
      const Section& section = head.section();
      closing_.enis.insert(closing_.enis.end(), head.block->enis.begin() + section.first_eni,
                           head.block->enis.begin() + section.first_eni + section.enis);
    }
    std::sort(closing_.enis.begin(), closing_.enis.end());
    closing_.enis.erase(std::unique(closing_.enis.begin(), closing_.enis.end()), closing_.enis.end());
    return Next::kWindow;
  }

  std::shared_ptr<Exchange> exchange_;
  Exchange& x_;
  std::vector<Head> heads_;
  Closing closing_;
  Stamp reached_ = 0;
  bool is_waiting_ = false;
};

}  // namespace windrow
