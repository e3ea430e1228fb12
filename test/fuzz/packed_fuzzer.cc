// libFuzzer target of packed columns. What somebody made up is refused, or is rows that are packed again and come back as
// they were; rows are packed by ENI in batches, and each batch comes back as those rows in their order.
//
//   0      index into kModes; bits 2 and 3: status; bit 4: with reasons; columns: bits 5 to 7: how many rules there are
//   1, 2   columns: index into kStarts, and entries; rows: what a batch has at most: rows, and bytes in 16ths
//   3...   columns: where each begins in what follows these, and its length, two bytes little-endian
//          rows: as struct Seed has them; as they are: an ENI for each, then the bytes of the columns
#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "../../native-bindings/packed_reader.h"
#include "../../native-bindings/packed_writer.h"
#include "invariant.h"

using namespace windrow;

namespace {

enum class Mode : uint8_t { kColumns, kRows, kAsTheyAre };
constexpr Mode kModes[] = {Mode::kColumns, Mode::kRows, Mode::kAsTheyAre, Mode::kColumns};
constexpr int64_t kStarts[] = {1700000000, 0, -600, INT64_MAX, INT64_MIN};
constexpr size_t kPrefix = 3;

// Rows in memory that ends where they end.
class Rows {
 public:
  explicit Rows(uint32_t rows, uint8_t fill = 0)
      : count(rows), memory_(std::make_unique<uint64_t[]>(Columns::bytes_for(room(rows)) / 8)), columns(Columns::over(memory_.get(), room(rows))) {
    memset(memory_.get(), fill, Columns::bytes_for(columns.capacity));
  }
  // Whether all that stands behind the rows is as it was filled.
  bool ends(uint8_t fill) const {
    bool is_same = true;
#define X(name, type, cells) is_same = is_same && is_filled(columns.name + count * cells, columns.name + columns.capacity * cells, fill);
    WINDROW_COLUMNS(X)
#undef X
    return is_same;
  }
  bool operator==(const Rows& o) const {
    bool is_same = count == o.count;
#define X(name, type, cells) is_same = is_same && memcmp(columns.name, o.columns.name, sizeof(type) * cells * count) == 0;
    WINDROW_COLUMNS(X)
#undef X
    return is_same;
  }

  uint32_t count;

 private:
  static bool is_filled(const void* from, const void* to, uint8_t fill) {
    const uint8_t* end = static_cast<const uint8_t*>(to);
    return std::all_of(static_cast<const uint8_t*>(from), end, [fill](uint8_t byte) { return byte == fill; });
  }
  static uint32_t room(uint32_t rows) { return std::max(8u, (rows + 7) / 8 * 8); }
  std::unique_ptr<uint64_t[]> memory_;

 public:
  Columns columns;
};

// Columns in memory of their own each: one byte too far is found.
class Fields {
 public:
  // Of bytes in which each begins somewhere and has a length; what is missing is missing.
  struct Place {
    size_t begin, size;
  };
  Fields(const uint8_t* bytes, size_t size, const Place (&places)[packed::kColumns]) {
    for (size_t i = 0; i < packed::kColumns; i++) {
      const size_t begin = std::min(places[i].begin, size), some = std::min(places[i].size, size - begin);
      memory_[i] = std::make_unique<uint8_t[]>(some);
      if (some) memcpy(memory_[i].get(), bytes + begin, some);
      fields[i] = {memory_[i].get(), some};
    }
  }
  PackedField fields[packed::kColumns];

 private:
  std::unique_ptr<uint8_t[]> memory_[packed::kColumns];
};

Fields take(Packer* packer, uint32_t eni, uint32_t* rows, std::vector<uint32_t>* rules) {
  const uint32_t size = packer->size(eni);
  auto out = std::make_unique<uint8_t[]>(size);
  uint32_t sizes[packed::kColumns];
  *rows = packer->take(eni, out.get(), sizes, rules);
  Fields::Place places[packed::kColumns];
  size_t end = 0;
  for (size_t i = 0; i < packed::kColumns; end += sizes[i++]) places[i] = {end, sizes[i]};
  // Places of rules may be shorter than their numbers.
  MUST((rules->empty() ? end == size : end <= size) && packer->size(eni) == 0);
  return Fields(out.get(), end, places);
}

// Unpacks what must be fine; with reasons rows have the numbers of rules again, each of which is of a row.
Rows unpack(const Fields& from, uint8_t status, uint32_t rows, int64_t start, bool has_reasons, const std::vector<uint32_t>& rules) {
  Rows into(rows, 0xa5);
  PackedReader reader(from.fields, rows, start, has_reasons ? int64_t(rules.size()) : PackedReader::kNoReasons, into.columns);
  MUST(reader.read(status) && into.ends(0xa5));
  MUST(std::adjacent_find(rules.begin(), rules.end(), std::greater_equal<uint32_t>()) == rules.end());
  if (status != kStatusOk) MUST(rules.empty());
  std::vector<bool> seen(rules.size());
  for (uint32_t i = 0; i < rows && !rules.empty(); i++) {
    seen[into.columns.rule[i]] = true;
    into.columns.rule[i] = rules[into.columns.rule[i]];
  }
  MUST(std::find(seen.begin(), seen.end(), false) == seen.end());
  return into;
}

void check_columns(const uint8_t* data, size_t size, uint8_t status, bool has_reasons) {
  constexpr size_t kPlaces = packed::kColumns * 4;
  if (size < kPrefix + kPlaces) return;
  const int64_t start = kStarts[data[1] % (sizeof kStarts / sizeof *kStarts)];
  Fields::Place places[packed::kColumns];
  for (size_t i = 0; i < packed::kColumns; i++) places[i] = {load_le16(data + kPrefix + i * 4), load_le16(data + kPrefix + i * 4 + 2)};
  const Fields made_up(data + kPrefix + kPlaces, size - kPrefix - kPlaces, places);
  Rows rows(data[2], 0xa5);
  PackedReader reader(made_up.fields, rows.count, start, has_reasons ? data[0] >> 5 : PackedReader::kNoReasons, rows.columns);
  const bool is_fine = reader.read(status);
  MUST(rows.ends(0xa5));
  if (!is_fine) {
    MUST(reader.reason().find(": expected ") != std::string::npos);
    return;
  }
  MUST(can_be_packed(rows.columns, 0, rows.count, has_reasons));
  Packer packer(Packer::kMostRows, Packer::kMostBytes, has_reasons);
  packer.begin(start);
  Packer::Taken taken;
  MUST(packer.add(rows.columns, 0, rows.count, &taken) == rows.count && taken.rows == rows.count);
  uint32_t count;
  std::vector<uint32_t> rules;
  const Fields again = take(&packer, 0, &count, &rules);
  MUST(count == rows.count);
  for (size_t i = 0; i < packed::kColumns; i++) MUST(again.fields[i].size <= made_up.fields[i].size);
  MUST(unpack(again, status, count, start, has_reasons, rules) == rows);
}

// What a row is made of.
struct Seed {
  static constexpr size_t kBytes = 24;
  const uint8_t* at;

  // Of any length.
  uint64_t number(size_t which) const { return load_le64(at + 8) >> (at[4 + which] & 63); }
  void put(const Rows& rows, uint32_t i, uint8_t status) const {
    const Columns& c = rows.columns;
    c.packets[i] = number(0);
    c.bytes[i] = number(1);
    c.start[i] = int64_t(number(2));
    c.end[i] = int64_t(number(3));
    c.family[i] = at[0] & 1 ? 6 : 4;
    memcpy(c.srcaddr + i * 16, at + 8, c.family[i] == 6 ? 16 : 4);
    memcpy(c.dstaddr + i * 16, at, c.family[i] == 6 ? 16 : 4);
    c.direction[i] = at[0] >> 1 & 1;
    c.action[i] = at[0] >> 2 & 1;
    c.twin[i] = at[0] >> 3 & 1;
    c.eni[i] = (at[0] >> 4 & 3) * 5;
    c.srcport[i] = at[0] & 64 ? -1 : load_le16(at + 16);
    c.dstport[i] = at[0] & 128 ? -1 : load_le16(at + 18);
    c.traffic_path[i] = int16_t(std::max(-1, int(int16_t(load_le16(at + 20)))));
    c.protocol[i] = at[1] & 1 ? uint8_t(kTcp) : at[1];
    c.tcp_flags[i] = c.protocol[i] == kTcp ? at[2] : -1;
    c.status[i] = status;
    c.source[i] = at[3] & 3;
    c.rule[i] = at[3] & 4 ? uint32_t(number(0)) : at[3] >> 3;
  }
};

// Takes what an ENI has, which must be its next rows.
void check_batch(Packer* packer, uint32_t eni, const Rows& all, uint32_t end, uint32_t* first, uint8_t status, int64_t start) {
  uint32_t count;
  std::vector<uint32_t> rules;
  const Fields fields = take(packer, eni, &count, &rules);
  MUST(count > 0);
  Rows expected(count);
  for (uint32_t i = 0; i < count; (*first)++) {
    MUST(*first < end);
    if (all.columns.eni[*first] != eni) continue;
    expected.columns.copy(i, all.columns, *first, 1);
    expected.columns.eni[i] = 0;
    if (!packer->has_reasons()) expected.columns.rule[i] = expected.columns.source[i] = 0;
    expected.columns.twin[i++] = 0;
  }
  const Rows found = unpack(fields, status, count, start, packer->has_reasons(), rules);
  if (status == kStatusOk) MUST(found == expected);
  MUST(memcmp(found.columns.start, expected.columns.start, count * sizeof(int64_t)) == 0);
  MUST(memcmp(found.columns.end, expected.columns.end, count * sizeof(int64_t)) == 0);
}

void check_rows(const uint8_t* data, size_t size, uint8_t status, bool has_reasons) {
  const uint32_t count = uint32_t((size - kPrefix) / Seed::kBytes);
  Rows all(count);
  for (uint32_t i = 0; i < count; i++) Seed{data + kPrefix + i * Seed::kBytes}.put(all, i, status);
  MUST(can_be_packed(all.columns, 0, count, has_reasons));
  const uint32_t max_rows = 1 + data[1], max_bytes = 1 + data[2] * 16u;
  const int64_t start = kStarts[(size_t(data[1]) + data[2]) % (sizeof kStarts / sizeof *kStarts)];
  Packer packer(max_rows, max_bytes, has_reasons);
  packer.begin(start);
  std::map<uint32_t, uint32_t> firsts;  // by ENI: where its next batch begins
  Packer::Taken taken;
  for (uint32_t row = 0; row < count;) {
    taken.stop = Packer::Stop::kNone;
    row = packer.add(all.columns, row, count, &taken);
    if (row == count) break;
    MUST(taken.stop == Packer::Stop::kFull && taken.eni == all.columns.eni[row]);
    // One row passes the limit, and no more.
    MUST(packer.size(taken.eni) < max_bytes + packed::kMostOfRow);
    check_batch(&packer, taken.eni, all, row, &firsts[taken.eni], status, start);
  }
  MUST(taken.rows == count);
  for (uint32_t eni : packer.enis()) check_batch(&packer, eni, all, count, &firsts[eni], status, start);
  MUST(packer.is_empty());
}

// Rows that no shard makes stay inside of the memory that is theirs, whatever they come to.
void check_as_they_are(const uint8_t* data, size_t size, bool has_reasons) {
  const uint32_t count = uint32_t((size - kPrefix) / (Columns::bytes_for(8) / 8 + 1));
  Rows all(count);
  const size_t noise = std::min(size - kPrefix - count, Columns::bytes_for(all.columns.capacity));
  memcpy(all.columns.packets, data + kPrefix + count, noise);  // the first of the columns in memory
  for (uint32_t i = 0; i < count; i++) {
    all.columns.eni[i] = data[kPrefix + i] & 3;
    // Else an ENI's rows are of many statuses, and few are taken.
    if (!(data[kPrefix + i] & 4)) all.columns.status[i] = kStatusOk;
  }
  Packer packer(1 + data[1], 1 + data[2] * 16u, has_reasons);
  for (uint32_t row = 0; row < count;) {
    Packer::Taken taken;
    const uint32_t before = row;
    row = packer.add(all.columns, row, count, &taken);
    MUST(taken.rows == row - before);
    if (row == count) break;
    MUST(taken.stop == Packer::Stop::kFull || taken.stop == Packer::Stop::kOtherStatus);
    uint32_t rows;
    std::vector<uint32_t> rules;
    take(&packer, taken.eni, &rows, &rules);
    MUST(rows > 0 && rows <= 1u + data[1]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kPrefix) return 0;
  const uint8_t status = uint8_t((data[0] >> 2 & 3) % 3);
  const bool has_reasons = data[0] >> 4 & 1;
  switch (kModes[data[0] & 3]) {
    case Mode::kColumns:
      check_columns(data, size, status, has_reasons);
      break;
    case Mode::kRows:
      check_rows(data, size, status, has_reasons);
      break;
    case Mode::kAsTheyAre:
      check_as_they_are(data, size, has_reasons);
      break;
  }
  return 0;
}
