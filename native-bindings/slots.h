// Where flows live: slots of one or two cache lines in an arena that never moves, and an index of hashes over it.
#pragma once
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "flow_state.h"

namespace windrow {

// Zeroed memory that costs nothing until it is touched, on huge pages where the kernel gives them.
class Pages {
 public:
  Pages() = default;
  explicit Pages(size_t bytes) : bytes_(bytes) {
    void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    data_ = p;
    madvise(p, bytes, MADV_HUGEPAGE);
  }
  Pages(Pages&& other) noexcept : data_(other.data_), bytes_(other.bytes_) { other.data_ = nullptr; }
  Pages& operator=(Pages&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Pages() {
    if (data_) munmap(data_, bytes_);
  }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

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

// Open addressing over 8-byte index cells, so that probing stays within a cache line; slots are numbered from 1.
template <typename Key>
class Slots {
 public:
  using SlotType = Slot<Key>;

  explicit Slots(uint32_t most) : most_(most), arena_(sizeof(SlotType) * (size_t(most) + 1)) { set_index(1 << 12); }

  SlotType& operator[](uint32_t number) { return arena_.template as<SlotType>()[number]; }
  uint32_t live() const { return live_; }
  uint32_t top() const { return top_; }  // slots 1..top have been used

  [[gnu::always_inline]] void prefetch_index(uint64_t hash) const { __builtin_prefetch(&cells_[hash & mask_]); }

  // Inlined by force: GCC 12 takes a function that only prefetches for one without effect, and drops its calls.
  [[gnu::always_inline]] void prefetch_slot(uint64_t hash) {
    uint32_t tag = uint32_t(hash);
    for (uint64_t i = tag & mask_;; i = (i + 1) & mask_) {
      const Cell& cell = cells_[i];
      if (cell.slot == 0) return;
      if (cell.tag != tag) continue;
      __builtin_prefetch(&(*this)[cell.slot], 1);
      return;
    }
  }

  // 0 if the flow is not here.
  uint32_t find(const Key& key, uint64_t hash) {
    uint32_t tag = uint32_t(hash);
    for (uint64_t i = tag & mask_;; i = (i + 1) & mask_) {
      const Cell& cell = cells_[i];
      if (cell.slot == 0) return 0;
      if (cell.tag == tag && same_key((*this)[cell.slot].key, key)) return cell.slot;
    }
  }

  // The flow must not be here, and live() < most. Returns a slot with a fresh body.
  uint32_t insert(const Key& key, uint64_t hash) {
    if ((live_ + 1) * 5ull > (mask_ + 1) * 3ull) grow();
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
    place(hash, number);
    return number;
  }

  void erase(uint32_t number, uint64_t hash) {
    uint64_t i = hash & mask_;
    while (cells_[i].slot != number) i = (i + 1) & mask_;
    // Backward shift: whoever was pushed past this cell moves up, so that no tombstone is needed.
    for (uint64_t j = (i + 1) & mask_; cells_[j].slot; j = (j + 1) & mask_) {
      uint64_t home = cells_[j].tag & mask_;
      if (((j - home) & mask_) >= ((j - i) & mask_)) {
        cells_[i] = cells_[j];
        i = j;
      }
    }
    cells_[i] = Cell();
    SlotType& slot = (*this)[number];
    slot.body = FlowBody();
    slot.body.aside = free_;
    free_ = number;
    live_--;
  }

  uint32_t clock_hand = 0;

 private:
  struct Cell {
    uint32_t tag = 0;  // low half of the hash: where the search starts at any size, and a first comparison
    uint32_t slot = 0;  // 0: empty
  };

  void set_index(uint64_t cells) {
    index_ = Pages(cells * sizeof(Cell));
    cells_ = index_.template as<Cell>();
    mask_ = cells - 1;
  }

  void place(uint64_t hash, uint32_t number) {
    uint64_t i = hash & mask_;
    while (cells_[i].slot) i = (i + 1) & mask_;
    cells_[i] = Cell{uint32_t(hash), number};
  }

  void grow() {
    Pages old = std::move(index_);
    Cell* cells = cells_;
    uint64_t count = mask_ + 1;
    index_ = Pages();
    set_index(count * 2);
    for (uint64_t i = 0; i < count; i++)
      if (cells[i].slot) place(cells[i].tag, cells[i].slot);
  }

  uint32_t most_;
  Pages arena_;
  Pages index_;
  Cell* cells_ = nullptr;
  uint64_t mask_ = 0;
  uint32_t live_ = 0, top_ = 0, free_ = 0;
};

}  // namespace windrow
