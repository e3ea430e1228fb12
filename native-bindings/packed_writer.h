// Rows to packed columns: entries wait by ENI until they are a batch.
#pragma once
#include <algorithm>
#include <bit>
#include <memory>
#include <new>
#include <vector>

#include "packed_batch.h"

namespace windrow {

// ENIs have smaller numbers.
constexpr uint32_t kMostPackedEnis = 1 << 21;

// Whether rows are entries, and all of one status. The shards make no others; JavaScript could.
inline bool can_be_packed(const Columns& c, uint32_t row, uint32_t to, bool has_reasons = false) {
  bool is_wrong = false;
  for (uint32_t i = row; i < to; i++) {
    is_wrong |= c.status[i] != c.status[row] || c.status[i] > kStatusSkipData || c.eni[i] >= kMostPackedEnis;
  }
  if (is_wrong || row == to || c.status[row] != kStatusOk) return !is_wrong;
  auto is_port = [](int32_t v) { return v >= -1 && v <= packed::kMostPort; };
  for (uint32_t i = row; i < to; i++) {
    const bool is_tcp = c.protocol[i] == kTcp;
    is_wrong |= !is_port(c.srcport[i]) || !is_port(c.dstport[i]) || c.traffic_path[i] < -1;
    is_wrong |= c.direction[i] > kDirectionOut || c.action[i] > 1 || (c.family[i] != 4 && c.family[i] != 6);
    is_wrong |= c.tcp_flags[i] < (is_tcp ? 0 : -1) || c.tcp_flags[i] > (is_tcp ? 255 : -1);
  }
  for (uint32_t i = row; has_reasons && i < to; i++) is_wrong |= c.source[i] > kMostSource;
  return !is_wrong;
}

class Packer {
 public:
  static constexpr uint32_t kMostRows = 1 << 20, kMostBytes = 1 << 30;

  // A batch takes a row where it has fewer than `max_rows` rows, and fewer than `max_bytes` bytes of columns. With reasons it
  // says by what rows were judged.
  Packer(uint32_t max_rows, uint32_t max_bytes, bool has_reasons = false)
      : max_rows_(max_rows), max_bytes_(max_bytes), has_reasons_(has_reasons) {}

  bool has_reasons() const { return has_reasons_; }
  bool is_empty() const { return free_.size() == batches_.size(); }
  // Starts and ends are counted from here on. Only while it is empty.
  void begin(int64_t window_start) { window_start_ = window_start; }

  // Why a row was not taken.
  enum class Stop : uint8_t { kNone, kFull, kOtherStatus, kNoSuchEni, kNoMemory };

  // What one or more calls have taken; packets and bytes of OK rows, twins not counted again.
  struct Taken {
    uint64_t packets = 0, bytes = 0;
    uint32_t rows = 0;
    Stop stop = Stop::kNone;
    uint32_t eni = 0;  // of the row that was not taken
  };

  // Appends rows from `row` on; returns the row after the last one that it took. If that is not `to`, `taken` says why.
  uint32_t add(const Columns& c, uint32_t row, uint32_t to, Taken* taken) {
    while (row < to) {
      const uint32_t eni = c.eni[row];
      const uint8_t status = c.status[row];
      uint32_t end = row + 1;
      while (end < to && c.eni[end] == eni && c.status[end] == status) end++;
      try {
        PackedBatch* batch = batch_of(eni, status, &taken->stop);
        while (batch && row < end) {
          uint32_t count = add_some(batch, c, row, end);
          if (!count) taken->stop = Stop::kFull;
          if (!count) break;
          if (status == kStatusOk) sum_up(c, row, count, taken);
          taken->rows += count;
          row += count;
        }
      } catch (const std::bad_alloc&) {
        taken->stop = Stop::kNoMemory;
      }
      taken->eni = eni;
      if (row < end) break;
    }
    return row;
  }

  // Numbers of the ENIs with rows, ascending.
  std::vector<uint32_t> enis() const {
    std::vector<uint32_t> found;
    for (const PackedBatch& batch : batches_)
      if (batch.rows) found.push_back(batch.eni);
    std::sort(found.begin(), found.end());
    return found;
  }

  // Bytes of an ENI's columns; with reasons they may become fewer.
  uint32_t size(uint32_t eni) const { return has(eni) ? batches_[slots_[eni]].size() : 0; }

  // Writes an ENI's columns, size(eni) bytes at most, and how long each is; it has none then. Returns how many rows there were.
  // `rules` has the numbers of rules that the column of them means, by their places there.
  uint32_t take(uint32_t eni, uint8_t* out, uint32_t (&sizes)[packed::kColumns], std::vector<uint32_t>* rules) {
    std::fill(std::begin(sizes), std::end(sizes), 0);
    rules->clear();
    if (!has(eni)) return 0;
    PackedBatch& batch = batches_[slots_[eni]];
    free_.push_back(slots_[eni]);
    slots_[eni] = kNoSlot;
    const uint32_t rows = batch.rows;
    if (has_reasons_) *rules = batch.number_rules();
    std::copy(std::begin(batch.sizes), std::end(batch.sizes), sizes);
    batch.copy_to(out);
    give_back(std::move(batch.memory), batch.capacity);
    batch = PackedBatch();
    return rows;
  }

 private:
  static constexpr uint32_t kNoSlot = UINT32_MAX, kLeastRows = 4, kLargeRows = 1024;
  static constexpr size_t kMostSpareBytes = 64 << 20;

  bool has(uint32_t eni) const { return eni < slots_.size() && slots_[eni] != kNoSlot; }

  // Null where there can be none.
  PackedBatch* batch_of(uint32_t eni, uint8_t status, Stop* stop) {
    if (eni >= kMostPackedEnis) {
      *stop = Stop::kNoSuchEni;
      return nullptr;
    }
    if (!has(eni)) open(eni, status);
    PackedBatch* batch = &batches_[slots_[eni]];
    if (batch->status == status) return batch;
    *stop = Stop::kOtherStatus;
    return nullptr;
  }

  void open(uint32_t eni, uint8_t status) {
    if (eni >= slots_.size()) slots_.resize(eni + 1, kNoSlot);
    if (free_.empty()) {
      batches_.emplace_back();
      free_.push_back(uint32_t(batches_.size() - 1));
    }
    slots_[eni] = free_.back();
    free_.pop_back();
    batches_[slots_[eni]].eni = eni;
    batches_[slots_[eni]].status = status;
    batches_[slots_[eni]].has_reasons = has_reasons_;
  }

  // Appends as many rows as there is certainly room for below the limits, one at least; none where it is full.
  uint32_t add_some(PackedBatch* batch, const Columns& c, uint32_t row, uint32_t to) {
    const uint32_t size = batch->size();
    if (size >= max_bytes_) return 0;
    uint32_t certain = (max_bytes_ - size + batch->most_of_row() - 1) / batch->most_of_row();
    uint32_t count = std::min({to - row, max_rows_ - batch->rows, certain});
    if (count > batch->free_rows) grow(batch, count);
    batch->append(c, row, count, window_start_);
    return count;
  }

  static void sum_up(const Columns& c, uint32_t row, uint32_t count, Taken* taken) {
    uint64_t packets = 0, bytes = 0;
    for (uint32_t i = row; i < row + count; i++) {
      const uint64_t once = c.twin[i] ? 0 : UINT64_MAX;
      packets += c.packets[i] & once;
      bytes += c.bytes[i] & once;
    }
    taken->packets += packets;
    taken->bytes += bytes;
  }

  // Makes room for `count` rows or more: a large batch doubles; small ones, of which there may be many, grow by a quarter.
  void grow(PackedBatch* batch, uint32_t count) {
    const uint32_t more = std::max(kLeastRows, batch->rows < kLargeRows ? batch->rows / 4 : batch->rows);
    const size_t bytes = batch->bytes_for(std::max(count, std::min(more, max_rows_ - batch->rows)));
    const uint32_t before = batch->capacity, capacity = uint32_t(std::bit_ceil(bytes));
    std::unique_ptr<uint8_t[]> memory;
    auto& spares = spares_[class_of(capacity)];
    if (spares.empty()) {
      memory = std::make_unique_for_overwrite<uint8_t[]>(capacity);
    } else {
      memory = std::move(spares.back());
      spares.pop_back();
      spare_bytes_ -= capacity;
    }
    batch->move_to(&memory, capacity);
    give_back(std::move(memory), before);
  }

  void give_back(std::unique_ptr<uint8_t[]> memory, uint32_t capacity) {
    if (!memory || spare_bytes_ + capacity > kMostSpareBytes) return;
    spares_[class_of(capacity)].push_back(std::move(memory));
    spare_bytes_ += capacity;
  }

  // Memory comes in powers of two, and is kept by them.
  static size_t class_of(uint32_t capacity) { return size_t(std::countr_zero(capacity)); }

  uint32_t max_rows_, max_bytes_;
  bool has_reasons_;
  int64_t window_start_ = 0;
  std::vector<uint32_t> slots_;  // by ENI: its place in batches_
  std::vector<PackedBatch> batches_;
  std::vector<uint32_t> free_;  // places in batches_ that nobody has
  std::vector<std::unique_ptr<uint8_t[]>> spares_[32];
  size_t spare_bytes_ = 0;
};

}  // namespace windrow
