// Hashes to slot numbers: open addressing over 8-byte cells, so that a search stays within a cache line. It grows a little
// with each insertion, so that no packet waits for all of it.
#pragma once
#include <cstdint>

#include "pages.h"

namespace windrow {

// A flow's tag is the low half of its key's hash; slot numbers count from 1.
class Index {
 public:
  Index() : now_(1 << 12) {}

  [[gnu::always_inline]] void prefetch(uint32_t tag) const {
    __builtin_prefetch(&now_.cells[tag & now_.mask]);
    if (__builtin_expect(before_.cells != nullptr, 0)) __builtin_prefetch(&before_.cells[tag & before_.mask]);
  }

  // The first slot with that tag for which is(slot) says yes; 0 if there is none.
  template <typename Is>
  [[gnu::always_inline]] uint32_t find(uint32_t tag, Is is) const {
    for (uint64_t i = tag & now_.mask;; i = (i + 1) & now_.mask) {
      const Cell& cell = now_.cells[i];
      if (cell.slot == 0) break;
      if (cell.tag == tag && is(cell.slot)) return cell.slot;
    }
    if (__builtin_expect(before_.cells == nullptr, 1)) return 0;
    for (uint64_t i = tag & before_.mask;; i = (i + 1) & before_.mask) {
      const Cell& cell = before_.cells[i];
      if (cell.slot == 0) return 0;
      if (i >= moved_ && cell.slot != kGone && cell.tag == tag && is(cell.slot)) return cell.slot;
    }
  }

  void insert(uint32_t tag, uint32_t slot) {
    if (before_.cells) move_some();
    if ((used_ + 1) * 5 > (now_.mask + 1) * 3) grow();
    used_++;
    now_.place({tag, slot});
  }

  // It must be here.
  void erase(uint32_t tag, uint32_t slot) {
    used_--;
    uint64_t i = tag & now_.mask;
    while (now_.cells[i].slot && now_.cells[i].slot != slot) i = (i + 1) & now_.mask;
    if (!now_.cells[i].slot) return erase_before(tag, slot);
    // Backward shift: whoever was pushed past this cell moves up, so that no tombstone is needed.
    for (uint64_t j = (i + 1) & now_.mask; now_.cells[j].slot; j = (j + 1) & now_.mask) {
      uint64_t home = now_.cells[j].tag & now_.mask;
      if (((j - home) & now_.mask) >= ((j - i) & now_.mask)) {
        now_.cells[i] = now_.cells[j];
        i = j;
      }
    }
    now_.cells[i] = Cell();
  }

 private:
  struct Cell {
    uint32_t tag = 0;   // where the search starts at any size, and a first comparison
    uint32_t slot = 0;  // 0: empty
  };
  struct Cells {
    Pages memory;
    Cell* cells = nullptr;
    uint64_t mask = 0;
    Cells() = default;
    explicit Cells(uint64_t count) : memory(count * sizeof(Cell), Pages::Size::kHuge), cells(memory.as<Cell>()), mask(count - 1) {}
    void place(Cell cell) {
      uint64_t i = cell.tag & mask;
      while (cells[i].slot) i = (i + 1) & mask;
      cells[i] = cell;
    }
  };
  static constexpr uint32_t kGone = UINT32_MAX;
  static constexpr int kMovedAtOnce = 8;

  // Doubles. What is in the cells before stays there until it is moved; those that were moved are not looked at.
  void grow() {
    while (before_.cells) move_some();
    Cells larger(2 * (now_.mask + 1));
    before_ = std::exchange(now_, std::move(larger));
    moved_ = 0;
  }

  // There are more insertions before the next growth than cells to be moved.
  void move_some() {
    for (int i = 0; i < kMovedAtOnce; i++) {
      const Cell& cell = before_.cells[moved_++];
      if (cell.slot && cell.slot != kGone) now_.place(cell);
      if (moved_ <= before_.mask) continue;
      before_ = Cells();
      return;
    }
  }

  void erase_before(uint32_t tag, uint32_t slot) {
    uint64_t i = tag & before_.mask;
    while (i < moved_ || before_.cells[i].slot != slot) i = (i + 1) & before_.mask;
    before_.cells[i].slot = kGone;
  }

  Cells now_, before_;
  uint64_t moved_ = 0;  // cells of before_
  uint64_t used_ = 0;
};

}  // namespace windrow
