// What flows counted in windows other than the one in their slot: records that hang on the slot.
#pragma once
#include "flow_state.h"
#include "growing_list.h"

namespace windrow {

struct AsideRecord {
  uint64_t packets[2] = {0, 0}, bytes[2] = {0, 0};
  uint32_t first[2] = {0, 0};
  uint32_t last = 0;
  uint32_t window = 0;  // its number
  uint32_t next = 0;
  uint8_t flags[2] = {0, 0};
  bool is_closed = false;  // the flow was, when this window got its latest packet
  uint8_t listed = 0;
  bool is_uncounted = false;  // against the budget
};

// Owns the records; those that were dropped are used again.
class Asides {
 public:
  uint32_t live() const { return live_; }
  // Those that count as flows do.
  uint32_t counted() const { return live_ - uncounted_; }

  // As `create`, of a window that is longer than the table's: one of them is the flow's own, as its slot is.
  AsideRecord* create_longer(FlowBody* body, uint32_t window) {
    const bool is_only = body->aside == 0;
    AsideRecord* record = create(body, window);
    record->is_uncounted = is_only;
    uncounted_ += is_only;
    return record;
  }

  // A record for another window of the flow.
  AsideRecord* create(FlowBody* body, uint32_t window) {
    uint32_t number = free_;
    if (number) {
      free_ = records_[number].next;
    } else {
      if (records_.size() == 0) records_.push_back(AsideRecord());
      number = uint32_t(records_.size());
      records_.push_back(AsideRecord());
    }
    records_[number] = AsideRecord();
    records_[number].window = window;
    records_[number].next = body->aside;
    body->aside = number;
    live_++;
    return &records_[number];
  }

  // Null if the flow has none for that window.
  AsideRecord* find(const FlowBody& body, uint32_t window) {
    for (uint32_t i = body.aside; i; i = records_[i].next)
      if (records_[i].window == window) return &records_[i];
    return nullptr;
  }

  void drop(FlowBody* body, uint32_t window) {
    for (uint32_t* link = &body->aside; *link; link = &records_[*link].next) {
      uint32_t number = *link;
      if (records_[number].window != window) continue;
      uncounted_ -= records_[number].is_uncounted;
      *link = records_[number].next;
      records_[number].next = free_;
      free_ = number;
      live_--;
      return;
    }
  }

  // The slot's counters move into a record, which may hold what was folded before.
  void put(FlowBody* body) {
    AsideRecord* record = find(*body, body->window);
    if (!record) record = create(body, body->window);
    for (int d = 0; d < 2; d++) {
      record->packets[d] += body->packets[d];
      record->bytes[d] += body->bytes[d];
      record->first[d] = body->first[d];
      record->flags[d] |= body->flags[d];
    }
    record->last = body->last;
    record->is_closed = body->marks & kClosedHere;
    record->listed = body->marks & (kListed0 | kListed1);
  }

  // 32 bits are full: what was counted goes to a record of the same window, and counting goes on from 0.
  void fold(FlowBody* body, int d) {
    AsideRecord* record = find(*body, body->window);
    if (!record) record = create(body, body->window);
    record->packets[d] += body->packets[d];
    record->bytes[d] += body->bytes[d];
    body->packets[d] = body->bytes[d] = 0;
  }

 private:
  GrowingList<AsideRecord, 1024> records_;  // number 0 is no record
  uint32_t free_ = 0, live_ = 0, uncounted_ = 0;
};

}  // namespace windrow
