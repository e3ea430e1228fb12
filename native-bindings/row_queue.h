// Rows on their way from a shard to the thread that encodes them: blocks of columns in a ring, one writer, one reader.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "columns.h"
#include "pages.h"
#include "windows.h"

namespace windrow {

// After the last flush of a capture, and after everything.
constexpr Stamp kFinalFlush = UINT64_MAX - 1, kAllDone = UINT64_MAX;

// Rows of one window that one flush took, or a part of them.
struct Section {
  Stamp flush = 0;  // the record that made the flush necessary
  int64_t window = 0;
  uint32_t seconds = 0;   // its length
  bool is_late = false;   // its entries are supplementary
  bool is_early = false;  // its flows were closed because the table was full; the window stays open
  bool is_last = false;   // no part of this window follows in this flush
  uint32_t first_row = 0, rows = 0;
  uint32_t first_eni = 0, enis = 0;  // with entries in the window, ascending; only of its first part
};

// A fuzz target sets fewer, so that blocks become full.
#ifndef WINDROW_ROWS_OF_BLOCK
#define WINDROW_ROWS_OF_BLOCK 2048
#endif
constexpr uint32_t kRowsOfBlock = WINDROW_ROWS_OF_BLOCK;
constexpr size_t kSectionsOfBlock = 256;

struct RowBlock {
  Columns columns;
  Stamp* stamps = nullptr;  // of each row: of the first packet of the entry
  uint32_t rows = 0;
  std::vector<Section> sections;
  std::vector<uint32_t> enis;

  RowBlock() : memory_(Columns::bytes_for(kRowsOfBlock) + kRowsOfBlock * sizeof(Stamp)) {
    stamps = memory_.as<Stamp>();
    columns = Columns::over(stamps + kRowsOfBlock, kRowsOfBlock);
  }
  // A listed flow makes up to two rows.
  bool is_full() const { return rows + 2 > kRowsOfBlock; }
  void clear() {
    rows = 0;
    sections.clear();
    enis.clear();
  }

 private:
  Pages memory_;
};

class RowQueue {
 public:
  // --- The writer ---

  // The block that is being filled; null while the reader has not given any back.
  RowBlock* current() {
    uint64_t head = head_.load(std::memory_order_relaxed);
    if (head - tail_.load(std::memory_order_acquire) == kBlocks) return nullptr;
    auto& block = blocks_[head % kBlocks];
    if (!block) block = std::make_unique<RowBlock>();
    return block.get();
  }
  bool has_unpublished() {
    RowBlock* block = current();
    return block && !block->sections.empty();
  }
  // Hands the current block over.
  void publish() { head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }
  // All flushes up to this record are in published blocks.
  void set_progress(Stamp stamp) { progress_.store(stamp, std::memory_order_release); }

  // --- The reader ---

  // To be asked before front(): what was published before it then shows.
  Stamp progress() const { return progress_.load(std::memory_order_acquire); }
  const RowBlock* front() const {
    uint64_t tail = tail_.load(std::memory_order_relaxed);
    return tail == head_.load(std::memory_order_acquire) ? nullptr : blocks_[tail % kBlocks].get();
  }
  void pop() {
    uint64_t tail = tail_.load(std::memory_order_relaxed);
    blocks_[tail % kBlocks]->clear();
    tail_.store(tail + 1, std::memory_order_release);
  }

 private:
  static constexpr uint64_t kBlocks = 8;
  std::unique_ptr<RowBlock> blocks_[kBlocks];
  alignas(64) std::atomic<uint64_t> head_{0};
  std::atomic<Stamp> progress_{0};
  alignas(64) std::atomic<uint64_t> tail_{0};
};

}  // namespace windrow
