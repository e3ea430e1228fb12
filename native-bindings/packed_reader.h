// Packed columns to rows. Whoever wrote them may have meant harm: nothing is read past a field, and no row is taken on trust.
#pragma once
#include <algorithm>
#include <string>

#include "columns.h"
#include "packed_columns.h"
#include "packed_varint.h"
#include "packet.h"

namespace windrow {

struct PackedField {
  const uint8_t* data = nullptr;
  size_t size = 0;
};

class PackedReader {
 public:
  // Borrows all for as long as it is there. `columns` has room for `entries` rows. `rules`: how many names of rules there are,
  // kNoReasons where the batch has none.
  static constexpr int64_t kNoReasons = -1;
  PackedReader(const PackedField (&fields)[packed::kColumns], uint32_t entries, int64_t window_start, int64_t rules, const Columns& columns)
      : fields_(fields), entries_(entries), window_start_(uint64_t(window_start)), rules_(rules), c_(columns) {}

  // Fills the rows with entries of a status, of ENI 0 and no twins. False: reason() says why not, and the rows are worth nothing.
  bool read(uint8_t status) {
    memset(c_.eni, 0, sizeof *c_.eni * entries_);
    memset(c_.twin, 0, entries_);
    memset(c_.rule, 0, sizeof *c_.rule * entries_);
    memset(c_.source, 0, entries_);
    memset(c_.status, status, entries_);
    if (!read_times(packed::start, c_.start) || !read_times(packed::end, c_.end)) return false;
    return status == kStatusOk ? read_traffic() : read_silence();
  }

  // "srcport: expected -1 to 65535, found 65536 in entry 7"; entries are counted from 0.
  const std::string& reason() const { return reason_; }

 private:
  bool read_traffic() {
    return read_counts(packed::packets, c_.packets) && read_counts(packed::bytes, c_.bytes) &&
           read_signed(packed::srcport, c_.srcport, packed::kMostPort) && read_signed(packed::dstport, c_.dstport, packed::kMostPort) &&
           read_signed(packed::traffic_path, c_.traffic_path, packed::kMostPath) && read_small(packed::direction, c_.direction, 1) &&
           read_small(packed::action, c_.action, 1) && read_small(packed::protocol, c_.protocol, 255) &&
           read_small(packed::tcp_flags, c_.tcp_flags, 255) && clear_flags() && read_small(packed::family, c_.family, 1) &&
           read_addresses() && read_reasons();
  }

  // Rows without reasons have those of nobody.
  bool read_reasons() {
    if (rules_ == kNoReasons) return is_nothing(packed::rule, kWithoutReasons) && is_nothing(packed::verdict_source, kWithoutReasons);
    if (rules_ == 0 && entries_) return refuse(packed::rule, "names of rules", "none");
    return read_small(packed::rule, c_.rule, uint64_t(std::max<int64_t>(rules_, 1) - 1)) &&
           read_small(packed::verdict_source, c_.source, kMostSource);
  }

  // Rows without traffic have times only; the rest is what "-" is in a row.
  bool read_silence() {
    for (size_t i = 0; i < packed::kColumns; i++) {
      if (i != packed::start && i != packed::end && !is_nothing(i, "nothing, as the status is not OK")) return false;
    }
    memset(c_.packets, 0, sizeof *c_.packets * entries_);
    memset(c_.bytes, 0, sizeof *c_.bytes * entries_);
    memset(c_.srcaddr, 0, size_t(entries_) * 16);
    memset(c_.dstaddr, 0, size_t(entries_) * 16);
    memset(c_.srcport, 0xff, sizeof *c_.srcport * entries_);
    memset(c_.dstport, 0xff, sizeof *c_.dstport * entries_);
    memset(c_.tcp_flags, 0xff, sizeof *c_.tcp_flags * entries_);
    memset(c_.traffic_path, 0xff, sizeof *c_.traffic_path * entries_);
    memset(c_.direction, 0, entries_);
    memset(c_.action, 0, entries_);
    memset(c_.family, 4, entries_);
    memset(c_.protocol, 0, entries_);
    return true;
  }

  static constexpr const char* kWithoutReasons = "nothing, as the batch has no reasons";
  bool is_nothing(size_t column, const char* expected) {
    return !fields_[column].size || refuse(column, expected, std::to_string(fields_[column].size) + " bytes");
  }

  bool read_times(packed::Column column, int64_t* cells) {
    return read_all(column, [cells, start = window_start_](uint32_t i, uint64_t v) {
      cells[i] = int64_t(v + start);
      return false;
    });
  }
  bool read_counts(packed::Column column, uint64_t* cells) {
    return read_all(column, [cells](uint32_t i, uint64_t v) {
      cells[i] = v;
      return false;
    });
  }
  // From -1 on.
  template <typename Cell>
  bool read_signed(packed::Column column, Cell* cells, int64_t most) {
    auto put = [cells, most](uint32_t i, uint64_t v) {
      cells[i] = Cell(packed::unzigzag(v));
      return uint64_t(packed::unzigzag(v)) + 1 > uint64_t(most) + 1;
    };
    return read_all(column, put, "-1 to " + std::to_string(most), [](uint64_t v) { return std::to_string(packed::unzigzag(v)); });
  }
  // From 0 on.
  template <typename Cell>
  bool read_small(packed::Column column, Cell* cells, uint64_t most) {
    auto put = [cells, most](uint32_t i, uint64_t v) {
      cells[i] = Cell(v);
      return v > most;
    };
    return read_all(column, put, "0 to " + std::to_string(most), [](uint64_t v) { return std::to_string(v); });
  }

  // Reads a column to its end: one number an entry, and nothing behind them. Of those that `put` does not welcome, the first
  // is looked for only if there is one.
  template <typename Put>
  bool read_all(packed::Column column, Put put, const std::string& range = "", std::string (*text)(uint64_t) = nullptr) {
    const uint8_t *p = fields_[column].data, *end = p + fields_[column].size;
    const packed::Varints read = packed::read_varints(p, end, entries_, put);
    const std::string values = std::to_string(entries_) + " values";
    switch (read.why) {
      case packed::Varint::kMissing:
        return refuse(column, values, std::to_string(read.count));
      case packed::Varint::kCut:
        return refuse(column, values, std::to_string(read.count) + " and a part of one");
      case packed::Varint::kTooLong:
        return refuse(column, "values of 64 bits", "more in entry " + std::to_string(read.count));
      case packed::Varint::kFine:
        break;
    }
    if (read.at != end) return refuse(column, values, std::to_string(end - read.at) + " bytes behind them");
    if (!read.is_wrong) return true;
    for (uint32_t i = 0;; i++) {
      uint64_t v = 0;
      packed::read_varint(&p, end, &v);
      if (put(i, v)) return refuse(column, range, text(v) + " in entry " + std::to_string(i));
    }
  }

  // Only TCP has flags.
  bool clear_flags() {
    for (uint32_t i = 0; i < entries_; i++) {
      if (c_.protocol[i] == kTcp) continue;
      if (c_.tcp_flags[i]) {
        return refuse(packed::tcp_flags, "0 for protocol " + std::to_string(c_.protocol[i]),
                      std::to_string(c_.tcp_flags[i]) + " in entry " + std::to_string(i));
      }
      c_.tcp_flags[i] = -1;
    }
    return true;
  }

  // Families are 0 and 1 until here.
  bool read_addresses() {
    size_t sixes = 0;
    for (uint32_t i = 0; i < entries_; i++) {
      sixes += c_.family[i];
      c_.family[i] = uint8_t(4 + 2 * c_.family[i]);
    }
    const size_t size = size_t(entries_) * 4 + sixes * 12;
    for (packed::Column column : {packed::srcaddr, packed::dstaddr}) {
      if (fields_[column].size != size) return refuse(column, std::to_string(size) + " bytes", std::to_string(fields_[column].size));
      uint8_t* cell = column == packed::srcaddr ? c_.srcaddr : c_.dstaddr;
      const uint8_t* p = fields_[column].data;
      for (uint32_t i = 0; i < entries_; i++, cell += 16) {
        const size_t bytes = c_.family[i] == 6 ? 16 : 4;
        memset(cell + 4, 0, 12);
        if (bytes == 4) memcpy(cell, p, 4);
        else memcpy(cell, p, 16);
        p += bytes;
      }
    }
    return true;
  }

  bool refuse(size_t column, const std::string& expected, const std::string& found) {
    reason_ = std::string(packed::kNames[column]) + ": expected " + expected + ", found " + found;
    return false;
  }

  const PackedField (&fields_)[packed::kColumns];
  uint32_t entries_;
  uint64_t window_start_;
  int64_t rules_;
  const Columns& c_;
  std::string reason_;
};

}  // namespace windrow
