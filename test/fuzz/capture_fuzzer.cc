// libFuzzer target of everything from a capture's bytes to lines of JSON: readers, decoder, flow table, encoder.
//
//   0      window seconds, index into kWindows
//   1      lateness, index into kLateness
//   2      budget of flows: 16 to 64
//   3      bits of Choice
//   4, 5   how the captures are cut into chunks
//   6      where the bytes are split into two captures, in 256ths
//   7      rows taken at once, and the room for lines
//   8...   one capture, or two
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "invariant.h"

#include "heap_pages.h"

#include "../../native-bindings/json_encoder.h"
#include "../../native-bindings/shard.h"

using namespace windrow;

namespace {

constexpr int64_t kWindows[] = {60, 1, 5, 600};
constexpr int64_t kLateness[] = {2, 0, 1, 30};
enum Choice : uint8_t {
  kDecapsulate = 1,
  kTwoCaptures = 2,
  kNamesAddress = 4,
  kNamesMac = 8,
  kNamesInterface = 16,
  kNamesAll = 32,
  kHasLocal = 64,
  kOftenFlush = 128,
};

// What one pass over the captures gives.
struct Outcome {
  std::string lines;
  uint64_t seen_packets = 0, seen_bytes = 0, excluded_packets = 0, excluded_bytes = 0, dropped = 0;
  uint64_t logged_packets = 0, logged_bytes = 0;
};

struct Sizes {
  uint32_t state;
  bool at_once;
  size_t next(size_t left) {
    if (at_once) return left;
    state = state * 1664525 + 1013904223;
    size_t most = (state >> 8 & 3) == 0 ? 7 : 1 + (state >> 16 & 511);
    return 1 + (state >> 10) % most;
  }
};

// The bytes of one capture, handed over as JavaScript does: what was not read moves to the front, more follows.
struct Feed {
  const uint8_t* bytes;
  size_t size;
  size_t base = 0, have = 0;
  std::unique_ptr<uint8_t[]> buffer;

  void fill(size_t position, size_t wanted, Sizes* sizes) {
    base += position;
    have -= position;
    bool is_greedy = sizes->state & 1;  // else fewer bytes than wanted may come
    do have += std::min(sizes->next(size - base - have), size - base - have);
    while (is_greedy && have < wanted && base + have < size);
    // A new buffer of exactly this size: what still points into the old one is found as well.
    buffer = std::make_unique<uint8_t[]>(have);
    if (have) memcpy(buffer.get(), bytes + base, have);
  }
  bool eof() const { return base + have == size; }
};

LocalityConfig locality(uint8_t choice) {
  LocalityConfig c;
  if (choice & kNamesAddress) {
    c.eni_of_address[address4(0x0a000001)] = 0;
    const uint64_t words[2] = {0xfd00000000000000, 1};
    c.eni_of_address[address6(words)] = 1;
  }
  if (choice & kNamesMac) {
    const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    c.eni_of_mac[mac_number(mac)] = 2;
  }
  if (choice & kNamesInterface) c.eni_of_interface.emplace_back("1", 3);
  if (choice & kNamesAll) c.eni_of_all = 0;
  c.eni_count = 4;
  if (choice & kHasLocal) {
    c.local.push_back({address4(0xc0000200), 24});
    const uint64_t words[2] = {0x20010db800000000, 0};
    c.local.push_back({address6(words), 32});
  }
  return c;
}

class Pass {
 public:
  Pass(const uint8_t* options, std::vector<Feed> feeds, bool at_once)
      : feeds_(std::move(feeds)),
        sizes_{load_le16(options + 4), at_once},
        capacity_(8 + 8 * (options[7] & 7)),
        room_(1024 + 64 * (options[7] >> 3)),
        often_(options[3] & kOftenFlush),
        window_(kWindows[options[0] & 3]),
        shard_(config(options)) {
    for (size_t i = 0; i < feeds_.size(); i++) shard_.add_input(false, 0, 0);
    cells_ = std::make_unique<uint8_t[]>(Columns::bytes_for(capacity_));
    columns_ = Columns::over(cells_.get(), capacity_);
  }

  Outcome run() {
    for (size_t i = 0; i < feeds_.size(); i++) feed(i, 0, 1);
    for (Run why; (why = shard_.run()) != Run::kEnd;) {
      switch (why) {
        case Run::kNeedData: {
          size_t input = shard_.current_input();
          MUST(!feeds_[input].eof());
          const Span& span = shard_.span(input);
          feed(input, span.position, span.wanted);
          break;
        }
        case Run::kWindowDue: flush(FlushMode::kDue); break;
        case Run::kLateFull: flush(FlushMode::kLate); break;
        case Run::kTableFull: flush(FlushMode::kEvict); break;
        case Run::kEnd: break;
      }
    }
    if (often_) flush(FlushMode::kLate);
    if (often_) flush(FlushMode::kEvict);
    flush(FlushMode::kAll);
    MUST(shard_.table().windows().open_windows().empty());
    keep_books();
    return std::move(out_);
  }

 private:
  static ShardConfig config(const uint8_t* options) {
    ShardConfig c;
    c.window_seconds = kWindows[options[0] & 3];
    c.lateness_seconds = kLateness[options[1] & 3];
    c.max_flows = 16 + options[2] % 49;
    c.decapsulating = options[3] & kDecapsulate;
    c.locality = locality(options[3]);
    return c;
  }

  void feed(size_t input, size_t position, size_t wanted) {
    feeds_[input].fill(position, wanted, &sizes_);
    shard_.feed(input, feeds_[input].buffer.get(), feeds_[input].have, feeds_[input].base, feeds_[input].eof());
  }

  void flush(FlushMode mode) {
    FlowTable& table = shard_.table();
    table.begin_flush(mode);
    while (const Window* window = table.next_window()) {
      int64_t start = window->start, end = window->end;
      std::vector<uint8_t> marks;
      table.mark_enis(&marks);
      MUST(marks.size() <= 4 + shard_.interfaces().all().size());
      while (uint32_t rows = table.fill_rows(columns_, shard_.rule_packets)) {
        MUST(rows <= capacity_);
        for (uint32_t i = 0; i < rows; i++) check_row(i, start, end);
        encode(rows);
      }
      table.end_window();
    }
    MUST(!table.in_window());
  }

  void check_row(uint32_t i, int64_t start, int64_t end) {
    const Columns& c = columns_;
    MUST(c.packets[i] > 0);
    MUST(c.bytes[i] >= c.packets[i] * 20);
    MUST(start <= c.start[i] && c.start[i] <= c.end[i] && c.end[i] <= end && end - start == window_);
    MUST(c.eni[i] < 4 + shard_.interfaces().all().size());
    MUST(c.status[i] == kStatusOk && c.direction[i] <= 1 && c.twin[i] <= 1);
    MUST(c.family[i] == 4 || c.family[i] == 6);
    MUST((c.srcport[i] < 0 && c.dstport[i] < 0) || has_ports(c.protocol[i]));
    MUST((c.tcp_flags[i] >= 0) == (c.protocol[i] == kTcp));
  }

  void encode(uint32_t rows) {
    std::vector<EniConstants> enis;
    for (size_t i = 0; i < 4 + shard_.interfaces().all().size(); i++) enis.push_back({"-", "eni-" + std::to_string(i), "-", "-", "-"});
    JsonEncoder encoder(enis);
    auto room = std::make_unique<uint8_t[]>(room_);
    for (uint32_t row = 0; row < rows;) {
      size_t written = 0;
      uint32_t next = encoder.encode(columns_, row, rows, room.get(), room_, &written, &out_.logged_packets, &out_.logged_bytes);
      MUST(next > row && next <= rows && written <= room_);
      check_lines(reinterpret_cast<const char*>(room.get()), written, next - row);
      out_.lines.append(reinterpret_cast<const char*>(room.get()), written);
      row = next;
    }
  }

  // 21 keys and values in quotes a line, and nothing that JSON would not have inside them.
  static void check_lines(const char* text, size_t size, uint32_t expected) {
    uint32_t lines = 0, quotes = 0;
    for (size_t i = 0; i < size; i++) {
      quotes += text[i] == '"';
      if (text[i] == '\n') {
        MUST(quotes == 21 * 4);
        quotes = 0;
        lines++;
      } else {
        MUST(text[i] >= ' ' && text[i] <= '~' && text[i] != '\\');
      }
    }
    MUST(lines == expected && quotes == 0);
  }

  // seen = logged + excluded, in packets and bytes, and every logged packet has its rule.
  void keep_books() {
    uint64_t ruled = 0;
    for (const Interface& i : shard_.interfaces().all()) {
      out_.seen_packets += i.packets;
      out_.seen_bytes += i.bytes;
      out_.dropped += i.dropped;
      for (size_t reason = 1; reason < size_t(Reason::kCount); reason++) {
        out_.excluded_packets += i.excluded_packets[reason];
        out_.excluded_bytes += i.excluded_bytes[reason];
      }
    }
    for (uint64_t packets : shard_.rule_packets) ruled += packets;
    MUST(out_.seen_packets == out_.logged_packets + out_.excluded_packets);
    MUST(out_.seen_bytes == out_.logged_bytes + out_.excluded_bytes);
    MUST(ruled == out_.logged_packets);
  }

  std::vector<Feed> feeds_;
  Sizes sizes_;
  uint32_t capacity_;
  size_t room_;
  bool often_;
  int64_t window_;
  Shard shard_;
  std::unique_ptr<uint8_t[]> cells_;
  Columns columns_;
  Outcome out_;
};

std::vector<Feed> feeds(const uint8_t* options, const uint8_t* bytes, size_t size) {
  std::vector<Feed> all;
  size_t first = options[3] & kTwoCaptures ? size * options[6] / 256 : size;
  all.push_back({bytes, first, 0, 0, nullptr});
  if (options[3] & kTwoCaptures) all.push_back({bytes + first, size - first, 0, 0, nullptr});
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kPrefix = 8;
  if (size < kPrefix) return 0;
  const uint8_t* bytes = data + kPrefix;
  Outcome whole = Pass(data, feeds(data, bytes, size - kPrefix), true).run();
  Outcome pieces = Pass(data, feeds(data, bytes, size - kPrefix), false).run();
  // How the bytes came does not matter: not to the sums, and not to a byte of the entries.
  MUST(whole.seen_packets == pieces.seen_packets && whole.seen_bytes == pieces.seen_bytes);
  MUST(whole.excluded_packets == pieces.excluded_packets && whole.excluded_bytes == pieces.excluded_bytes);
  MUST(whole.dropped == pieces.dropped);
  MUST(whole.lines == pieces.lines);
  return 0;
}
