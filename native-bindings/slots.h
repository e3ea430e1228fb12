// Where flows live: slots of one or two cache lines in an arena that never moves, and an index of hashes over it.
#pragma once
#include <cstdint>
#include <cstring>

#include "flow_state.h"
#include "index.h"
#include "pages.h"

namespace windrow {

template <typename Key>
struct alignas(sizeof(Key) == 16 ? 64 : 32) Slot {
  Key key;
  FlowBody body;
};
static_assert(sizeof(Slot<Key4>) == 64);
static_assert(sizeof(Slot<Key6>) == 96);

template <typename Key>
inline bool same_key(const Key& x, const Key& y) {
  if constexpr (sizeof(Key) == 16) {
    uint64_t x0, x1, y0, y1;
    memcpy(&x0, &x, 8);
    memcpy(&x1, reinterpret_cast<const char*>(&x) + 8, 8);
    memcpy(&y0, &y, 8);
    memcpy(&y1, reinterpret_cast<const char*>(&y) + 8, 8);
    return ((x0 ^ y0) | (x1 ^ y1)) == 0;
  } else {
    return memcmp(&x, &y, sizeof(Key)) == 0;
  }
}

// Slots are numbered from 1.
template <typename Key>
class Slots {
 public:
  using SlotType = Slot<Key>;

  // `tag` is the low half of the key's hash everywhere.
  explicit Slots(uint32_t most) : arena_(sizeof(SlotType) * (size_t(most) + 1), Pages::Size::kHuge) {}

  SlotType& operator[](uint32_t number) { return arena_.template as<SlotType>()[number]; }
  uint32_t live() const { return live_; }
  uint32_t top() const { return top_; }  // slots 1..top have been used

  [[gnu::always_inline]] void prefetch_index(uint32_t tag) const { index_.prefetch(tag); }

  // Inlined by force: GCC 12 takes a function that only prefetches for one without effect, and drops its calls.
  [[gnu::always_inline]] void prefetch_slot(uint32_t tag) {
    __builtin_prefetch(&(*this)[index_.find(tag, [](uint32_t) { return true; })], 1);
  }

  // 0 if the flow is not here.
  [[gnu::always_inline]] uint32_t find(const Key& key, uint32_t tag) {
    return index_.find(tag, [&](uint32_t slot) { return same_key((*this)[slot].key, key); });
  }

  // The flow must not be here, and live() < most. Returns a slot with a fresh body.
  uint32_t insert(const Key& key, uint32_t tag) {
    uint32_t number;
    if (free_) {
      number = free_;
      free_ = (*this)[number].body.aside;
    } else {
      number = ++top_;
    }
    live_++;
    SlotType& slot = (*this)[number];
    slot.key = key;
    slot.body = FlowBody();
    slot.body.marks = kLive;
    index_.insert(tag, number);
    return number;
  }

  void erase(uint32_t number, uint32_t tag) {
    index_.erase(tag, number);
    SlotType& slot = (*this)[number];
    slot.body = FlowBody();
    slot.body.aside = free_;
    free_ = number;
    live_--;
  }

  uint32_t clock_hand = 0;

 private:
  Pages arena_;
  Index index_;
  uint32_t live_ = 0, top_ = 0, free_ = 0;
};

}  // namespace windrow
