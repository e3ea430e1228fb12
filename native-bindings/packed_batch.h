// The columns of a batch while they are written.
#pragma once
#include <algorithm>
#include <iterator>
#include <memory>
#include <vector>

#include "columns.h"
#include "packed_columns.h"
#include "packed_varint.h"
#include "packet.h"

namespace windrow {

// All columns stand in one block of memory. Behind what it has, each has room for the longest of `free_rows` more: nothing is
// asked about while rows are appended, column by column. Rows are much shorter mostly, so moving makes room, too.
class PackedBatch {
 public:
  uint32_t eni = 0, rows = 0, free_rows = 0, capacity = 0;
  uint8_t status = 0;
  bool has_reasons = false;  // it says by what its rows were judged
  uint32_t sizes[packed::kColumns] = {};
  std::unique_ptr<uint8_t[]> memory;  // of `capacity` bytes

  uint32_t size() const {
    uint32_t sum = 0;
    for (uint32_t size : sizes) sum += size;
    return sum;
  }
  uint32_t most_of_row() const { return has_reasons ? packed::kMostOfRow : packed::kMostOfPlainRow; }
  // Memory for what there is, and for so many rows more.
  size_t bytes_for(uint32_t more) const { return size() + columns() * kSlack + size_t(more) * most_of_row(); }

  // Moves to other memory that is large enough; what it had is exchanged for it.
  void move_to(std::unique_ptr<uint8_t[]>* other, uint32_t other_capacity) {
    free_rows = uint32_t((other_capacity - bytes_for(0)) / most_of_row());
    uint32_t begin = 0;
    for (size_t i = 0; i < columns(); i++) {
      if (sizes[i]) memcpy(other->get() + begin, column(i), sizes[i]);
      begins_[i] = begin;
      begin += sizes[i] + free_rows * packed::kMost[i] + kSlack;
    }
    memory.swap(*other);
    capacity = other_capacity;
  }

  // Writes the columns one behind another.
  void copy_to(uint8_t* out) const {
    for (size_t i = 0; i < columns(); i++) {
      if (sizes[i]) memcpy(out, column(i), sizes[i]);
      out += sizes[i];
    }
  }

  // Rules, which are numbers of a whole network until here, become places in a list of those that the rows have, ascending.
  // No place is greater than its number was, so that the column does not grow.
  std::vector<uint32_t> number_rules() {
    std::vector<uint32_t> numbers;
    if (!sizes[packed::rule]) return numbers;
    std::vector<uint32_t> of_rows(rows);
    uint8_t* const first = column(packed::rule);
    packed::read_varints(first, first + sizes[packed::rule], rows, [&](uint32_t i, uint64_t v) {
      of_rows[i] = uint32_t(v);
      return false;
    });
    std::unique_copy(of_rows.begin(), of_rows.end(), std::back_inserter(numbers));
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    uint8_t* p = first;
    for (uint32_t number : of_rows) {
      p = packed::put_varint(p, uint64_t(std::lower_bound(numbers.begin(), numbers.end(), number) - numbers.begin()));
    }
    sizes[packed::rule] = uint32_t(p - first);
    return numbers;
  }

  // Appends `count` rows, for which there is room; all of this batch's ENI and status. What no row can have is cut to what
  // the room is for, not looked at.
  void append(const Columns& c, uint32_t row, uint32_t count, int64_t window_start) {
    put_long(packed::start, c.start + row, count, uint64_t(window_start));
    put_long(packed::end, c.end + row, count, uint64_t(window_start));
    rows += count;
    free_rows -= count;
    if (status != kStatusOk) return;
    const int16_t* flags = c.tcp_flags + row;
    const uint8_t *families = c.family + row, *protocols = c.protocol + row;
    put_long(packed::packets, c.packets + row, count);
    put_long(packed::bytes, c.bytes + row, count);
    put_addresses(packed::srcaddr, c.srcaddr + size_t(row) * 16, families, count);
    put_addresses(packed::dstaddr, c.dstaddr + size_t(row) * 16, families, count);
    put_signed(packed::srcport, c.srcport + row, count);
    put_signed(packed::dstport, c.dstport + row, count);
    put(packed::tcp_flags, count, [=](uint8_t* p, uint32_t i) { return packed::put_short_varint(p, protocols[i] == kTcp ? uint8_t(flags[i]) : 0); });
    put_signed(packed::traffic_path, c.traffic_path + row, count);
    put_bits(packed::direction, c.direction + row, count, kDirectionOut);
    put_bits(packed::action, c.action + row, count, 1);
    put_bits(packed::family, families, count, 6);
    put(packed::protocol, count, [=](uint8_t* p, uint32_t i) { return packed::put_short_varint(p, protocols[i]); });
    if (!has_reasons) return;
    const uint8_t* sources = c.source + row;
    put_long(packed::rule, c.rule + row, count);
    put(packed::verdict_source, count, [=](uint8_t* p, uint32_t i) { return *p = sources[i] & 0x7f, p + 1; });
  }

 private:
  // Behind each column: a varint is written in a word that is longer than what is kept of it.
  static constexpr uint32_t kSlack = 8;

  size_t columns() const { return has_reasons ? packed::kColumns : packed::kPlainColumns; }
  uint8_t* column(size_t i) const { return memory.get() + begins_[i]; }

  // Appends `count` entries to a column: put_one(at, i) -> behind what it wrote.
  template <typename PutOne>
  void put(packed::Column to, uint32_t count, PutOne put_one) {
    uint8_t* const first = column(to);
    uint8_t* p = first + sizes[to];
    for (uint32_t i = 0; i < count; i++) p = put_one(p, i);
    sizes[to] = uint32_t(p - first);
  }

  // Numbers of any size; `less` is taken off each, modulo 2^64.
  template <typename Cell>
  void put_long(packed::Column to, const Cell* cells, uint32_t count, uint64_t less = 0) {
    put(to, count, [=](uint8_t* p, uint32_t i) { return packed::put_varint(p, uint64_t(cells[i]) - less); });
  }
  template <typename Cell>
  void put_signed(packed::Column to, const Cell* cells, uint32_t count) {
    put(to, count, [=](uint8_t* p, uint32_t i) { return packed::put_short_varint(p, packed::zigzag(cells[i])); });
  }
  // Each a byte; the columns do not overlap what they are made of, so that many are made at once.
  void put_bits(packed::Column to, const uint8_t* __restrict cells, uint32_t count, uint8_t one) {
    uint8_t* __restrict p = column(to) + sizes[to];
    for (uint32_t i = 0; i < count; i++) p[i] = cells[i] == one;
    sizes[to] += count;
  }
  // A whole cell is written each time; of IPv4 the next overwrites what is not kept.
  void put_addresses(packed::Column to, const uint8_t* cells, const uint8_t* families, uint32_t count) {
    put(to, count, [=](uint8_t* p, uint32_t i) {
      memcpy(p, cells + size_t(i) * 16, 16);
      return p + (families[i] == 6 ? 16 : 4);
    });
  }

  uint32_t begins_[packed::kColumns] = {};
};

}  // namespace windrow
