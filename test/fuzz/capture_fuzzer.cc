// libFuzzer target of everything from a capture's bytes to lines of JSON: readers, decoder, flow tables, collector, encoder.
// The same capture goes through it in several ways: fed at once and in pieces, and read as a file by one worker and by
// several, who take their steps in an order that the input chooses. What comes out has to be the same.
//
//   0      window seconds, index into kWindows; bits 2 and 3: lateness, index into kLateness; bits 4 to 6: rows taken at once
//   1      budget of flows: below 128 more than are needed, else 16 to 79
//   2      bits of Choice
//   3      where the bytes are split into two captures, in 256ths
//   4, 5   how the captures are cut into pieces where they are fed
//   6, 7   bytes of a chunk where one worker reads the file, and where several do, in 16ths
//   8      workers beyond two; bit 2: the pieces are fed to several as well; the rest: room for lines
//   9..11  the order of steps
//   12...  one capture, or two
#include "heap_pages.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "invariant.h"

#include "../../native-bindings/collector.h"
#include "../../native-bindings/json_encoder.h"
#include "../../native-bindings/worker.h"

using namespace windrow;

namespace {

constexpr int64_t kWindows[] = {60, 1, 5, 600};
constexpr int64_t kLateness[] = {2, 0, 1, 30};
constexpr size_t kPrefix = 12;
constexpr uint32_t kNamedEnis = 4;
enum Choice : uint8_t {
  kDecapsulate = 1,
  kTwoCaptures = 2,
  kNamesAddress = 4,
  kNamesMac = 8,
  kNamesInterface = 16,
  kNamesAll = 32,
  kHasLocal = 64,
  kHasNetwork = 128,
};

struct Random {
  uint32_t state;
  uint32_t next() {
    state = state * 1664525 + 1013904223;
    return state >> 8;
  }
};

// A capture that is fed, as JavaScript does it: what was not read moves to the front, more follows.
class Feed {
 public:
  Feed(const uint8_t* bytes, size_t size) : bytes_(bytes), size_(size) {}

  void fill(size_t position, size_t wanted, bool at_once, Random* random) {
    MUST(position <= have_);
    base_ += position;
    have_ -= position;
    bool is_greedy = random->state & 1;  // else fewer bytes than wanted may come
    do have_ += at_once ? left() : std::min(piece(random), left());
    while (is_greedy && have_ < wanted && left());
    // A new buffer of exactly this size: what still points into the old one is found as well.
    buffer_ = std::make_unique<uint8_t[]>(have_);
    if (have_) memcpy(buffer_.get(), bytes_ + base_, have_);
  }
  void give_to(InputsReader* inputs, size_t input) const { inputs->feed(input, buffer_.get(), have_, base_, left() == 0); }
  void close() { buffer_.reset(); }

  // What a capture shows of itself before it is read among others.
  Step peek(Interfaces* interfaces, Record* record) const {
    Input input;
    input.feed(bytes_, size_, 0, true);
    return input.next(interfaces, record);
  }
  size_t left() const { return size_ - base_ - have_; }

 private:
  static size_t piece(Random* random) {
    uint32_t chosen = random->next();
    size_t most = (chosen & 3) == 0 ? 7 : 1 + (chosen >> 8 & 511);
    return 1 + (chosen >> 2) % most;
  }

  const uint8_t* bytes_;
  size_t size_;
  size_t base_ = 0, have_ = 0;
  std::unique_ptr<uint8_t[]> buffer_;
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
  c.eni_count = kNamedEnis;
  if (choice & kHasLocal) {
    c.local.push_back({address4(0xc0000200), 24});
    const uint64_t words[2] = {0x20010db800000000, 0};
    c.local.push_back({address6(words), 32});
  }
  return c;
}

// Of the addresses that names are given to as well: an ENI alone with its VNI, two that share one, and one without.
std::shared_ptr<const Network> made_network() {
  const uint32_t none = kNoNumber, one4[] = {0x0a000001, 0xc0000200, 0x0a000002}, one6[] = {0xfd000000, 0, 0, 1}, of4[] = {0, 1, 3}, of6[] = {2};
  const uint8_t lengths4[] = {32, 24, 32}, length6[] = {128};
  const uint32_t vswitches[] = {0, 0, none};
  const uint32_t enis[] = {0, none, 0, none, 7, 0, none, 0, none, 8, 0, none, 0, none, 8, 0, none, 0, none, none};
  NetworkTables t;
  t.vpcs = t.route_maps = 1;
  t.names = 1;
  t.vswitches.cells = vswitches;
  t.enis.cells = enis;
  t.owners4 = {one4, lengths4, of4};
  t.owners6 = {one6, length6, of6};
  MUST(TablesCheck(t).wrong() == nullptr);
  return std::make_shared<const Network>(t);
}

// An input of the target, taken apart.
struct Trial {
  const uint8_t* data;
  size_t size;
  uint8_t choice() const { return data[2]; }
  bool is_crowded() const { return data[1] & 128; }
  int64_t window() const { return kWindows[data[0] & 3]; }
  std::vector<Feed> captures() const {
    const uint8_t* bytes = data + kPrefix;
    size_t count = size - kPrefix, first = choice() & kTwoCaptures ? count * data[3] / 256 : count;
    std::vector<Feed> all;
    all.emplace_back(bytes, first);
    if (choice() & kTwoCaptures) all.emplace_back(bytes + first, count - first);
    return all;
  }
};

// How the captures are read.
struct Way {
  uint32_t workers = 1;
  int fd = -1;
  size_t chunk_bytes = 0;
  bool at_once = true;
};

// Rows of a key are additive, however they were divided.
struct Sum {
  uint64_t packets = 0, bytes = 0;
  int64_t first = INT64_MAX;
  uint8_t flags = 0;
  bool operator==(const Sum& o) const { return packets == o.packets && bytes == o.bytes && first == o.first && flags == o.flags; }
};

template <typename T>
void append(std::string* text, const T* values, size_t count = 1) {
  text->append(reinterpret_cast<const char*>(values), sizeof(T) * count);
}

// What one pass over the captures gives.
struct Outcome {
  std::string events;  // windows, their rows and reports of drops, in their order
  std::string lines;
  std::map<std::string, Sum> sums;
  std::string endings;
  std::vector<Interface> interfaces;
  uint64_t rules[size_t(Rule::kCount)] = {};
  uint64_t packets = 0;
  int64_t first_sec = 0, mark = 0;
};

class Pass {
 public:
  Pass(const Trial& input, const Way& way)
      : window_(input.window()),
        capacity_(1 + (input.data[0] >> 4 & 7) * 3),
        room_(1024 + 64 * (input.data[8] >> 3)),
        is_crowded_(input.is_crowded()),
        at_once_(way.at_once),
        sizes_{load_le16(input.data + 4)},
        order_{load_le16(input.data + 9) | uint32_t(input.data[11]) << 16},
        exchange_(exchange(input, way)),
        x_(*exchange_),
        collector_(exchange_),
        feeds_(way.fd < 0 ? input.captures() : std::vector<Feed>()),
        hands_(way.workers) {
    x_.on_rows = [this] { is_rung_ = true; };
    for (uint32_t i = 0; i < way.workers; i++) hands_[i].worker = std::make_unique<Worker>(exchange_, i);
    if (way.fd < 0) open_inputs();
  }

  Outcome run() {
    // One thread plays all of them; whoever said that it waits is not asked before what it waits for was rung.
    while (!is_over()) {
      size_t actor = next_actor();
      for (uint32_t steps = 1u << (order_.next() & 3); steps && can_go(actor); steps--) {
        if (actor < hands_.size()) work(actor);
        else collect();
      }
    }
    MUST(x_.take_drops(kAllDone).empty());
    keep_books();
    return std::move(out_);
  }

 private:
  struct Hand {
    std::unique_ptr<Worker> worker;
    bool is_over = false, waits = false, needs_data = false;
    uint32_t bell = 0;
  };

  static std::shared_ptr<Exchange> exchange(const Trial& input, const Way& way) {
    static const std::shared_ptr<const Network> network = made_network();
    auto made = std::make_shared<Exchange>(config(input, way));
    if (input.choice() & kHasNetwork) made->locality.set_network(network);
    return made;
  }

  static ExchangeConfig config(const Trial& input, const Way& way) {
    ExchangeConfig c;
    c.workers = way.workers;
    c.fd = way.fd;
    // Where captures are fed, a chunk takes whatever there is: a record takes 16 bytes of it at least.
    c.chunk_bytes = way.fd < 0 ? input.size + 16 : way.chunk_bytes;
    c.window_seconds = input.window();
    c.lateness_seconds = kLateness[input.data[0] >> 2 & 3];
    c.max_flows = input.is_crowded() ? 16 + (input.data[1] & 63) : 2048 * way.workers;
    c.decapsulating = input.choice() & kDecapsulate;
    c.locality = locality(input.choice());
    return c;
  }

  // Several are merged by packet time, each fed when its first packet's turn comes.
  void open_inputs() {
    InputsReader& inputs = hands_[0].worker->inputs();
    for (const Feed& feed : feeds_) {
      if (feeds_.size() == 1) {
        inputs.add_input(false, 0, 0);
        break;
      }
      Interfaces interfaces;
      Record record;
      bool has_record = feed.peek(&interfaces, &record) == Step::kRecord;
      inputs.add_input(true, has_record ? record.sec : -(1ll << 53) + 1, has_record ? record.nsec : 0);
      uint32_t number = 0;
      for (const Interface& i : interfaces.all()) x_.interfaces.declare(number++, i.link_type, i.name);
    }
    if (feeds_.size() == 1) this->feed(0, 0, 1);
  }

  void feed(size_t input, size_t position, size_t wanted) {
    feeds_[input].fill(position, wanted, at_once_, &sizes_);
    feeds_[input].give_to(&hands_[0].worker->inputs(), input);
  }

  bool is_over() const {
    return is_collected_ && std::all_of(hands_.begin(), hands_.end(), [](const Hand& hand) { return hand.is_over; });
  }
  bool can_go(size_t actor) const {
    if (actor == hands_.size()) return !is_collected_ && (!awaits_rows_ || is_rung_);
    const Hand& hand = hands_[actor];
    return !hand.is_over && !(hand.waits && x_.bell() == hand.bell);
  }
  size_t next_actor() {
    std::vector<size_t> able;
    for (size_t i = 0; i <= hands_.size(); i++)
      if (can_go(i)) able.push_back(i);
    bool everybody_waits_for_somebody_else = able.empty();
    MUST(!everybody_waits_for_somebody_else);
    if (able.size() == 1 && able[0] == 0 && hands_[0].needs_data) {
      // More bytes may be long in coming: nothing is held back until then.
      for (uint32_t shard = 0; shard < x_.workers(); shard++) MUST(!x_.rows(shard).has_unpublished());
    }
    return able[order_.next() % able.size()];
  }

  void work(size_t number) {
    Hand& hand = hands_[number];
    Worker& worker = *hand.worker;
    if (hand.needs_data) {
      InputsReader& inputs = worker.inputs();
      size_t input = inputs.current_input();
      MUST(feeds_[input].left() > 0 || !inputs.span(input).eof);
      feed(input, inputs.span(input).position, inputs.span(input).wanted);
      hand.needs_data = false;
    }
    hand.bell = x_.bell();
    Worker::Did did = worker.step();
    MUST(did != Worker::Did::kFailed);
    hand.waits = did == Worker::Did::kIdle;
    hand.needs_data = did == Worker::Did::kNeedData;
    hand.is_over = did == Worker::Did::kEnd;
    MUST(!hand.needs_data || (number == 0 && !feeds_.empty()));
    for (size_t input : worker.inputs().take_ended()) {
      add_ending(worker.inputs().span(input), input);
      feeds_[input].close();
    }
  }

  void add_ending(const Span& span, uint64_t input) {
    uint64_t offset = span.offset();
    append(&out_.endings, &input);
    append(&out_.endings, &span.damage);
    append(&out_.endings, &span.detail);
    append(&out_.endings, &offset);
  }

  // --- Rows ---

  void collect() {
    is_rung_ = awaits_rows_ = false;
    if (is_in_window_) {
      uint32_t rows = 0;
      lines_.clear();
      bool is_done = collector_.rows([&](const Columns& columns, uint32_t from, uint32_t to) { return take(columns, from, to, &rows); });
      check_lines(rows);
      if (is_done) end_window();
      else awaits_rows_ = collector_.is_waiting() && rows == 0;
      return;
    }
    Collector::Next next = collector_.next_window();
    for (const DropReport& drops : collector_.take_drops()) {
      out_.events += 'D';
      append(&out_.events, &drops.interface);
      append(&out_.events, &drops.packets);
      append(&out_.events, &drops.from_window);
      append(&out_.events, &drops.to_window);
    }
    awaits_rows_ = next == Collector::Next::kWait;
    is_collected_ = next == Collector::Next::kEnd;
    is_in_window_ = next == Collector::Next::kWindow;
    if (is_in_window_) begin_window(collector_.closing());
  }

  void begin_window(const Collector::Closing& closing) {
    MUST(!closing.is_early || is_crowded_);
    MUST((!closing.is_early && !closing.is_late) || closing.enis.empty());
    MUST(std::is_sorted(closing.enis.begin(), closing.enis.end()));
    out_.events += 'W';
    append(&out_.events, &closing.id);
    append(&out_.events, &closing.is_late);
    append(&out_.events, &closing.is_early);
    append(&out_.events, closing.enis.data(), closing.enis.size());
    enis_.clear();
  }

  void end_window() {
    is_in_window_ = false;
    const Collector::Closing& closing = collector_.closing();
    if (closing.is_early || closing.is_late) return;
    std::set<uint32_t> told(closing.enis.begin(), closing.enis.end());
    MUST(std::includes(told.begin(), told.end(), enis_.begin(), enis_.end()));
    // Of flows that were closed early the rows came before.
    MUST(is_crowded_ || told == enis_);
  }

  // Takes rows as long as there is room for them.
  uint32_t take(const Columns& c, uint32_t from, uint32_t to, uint32_t* rows) {
    MUST(from < to && to <= c.capacity);
    to = std::min(to, from + capacity_ - *rows);
    if (x_.declared() > known_) {
      known_ = x_.declared();
      std::vector<EniConstants> enis;
      for (uint32_t i = 0; i < kNamedEnis + known_; i++) enis.push_back({"-", "eni-" + std::to_string(i), "-", "-", "-"});
      encoder_ = std::make_unique<JsonEncoder>(enis);
    }
    if (to == from) return from;
    size_t written = 0, left = room_ - lines_.size();
    uint64_t packets = 0, bytes = 0;
    for (uint32_t i = from; i < to; i++) MUST(c.eni[i] < kNamedEnis + known_);
    auto room = std::make_unique<uint8_t[]>(left);
    uint32_t next = encoder_->encode(c, from, to, room.get(), left, &written, &packets, &bytes);
    MUST(next >= from && next <= to && written <= left);
    MUST(next > from || *rows > 0);
    lines_.append(reinterpret_cast<const char*>(room.get()), written);
    for (uint32_t i = from; i < next; i++) take_row(c, i, &packets, &bytes);
    MUST(packets == 0 && bytes == 0);
    *rows += next - from;
    return next;
  }

  void take_row(const Columns& c, uint32_t i, uint64_t* packets, uint64_t* bytes) {
    const Collector::Closing& closing = collector_.closing();
    int64_t start = closing.id * window_, end = start + window_;
    MUST(c.packets[i] > 0);
    MUST(c.bytes[i] >= c.packets[i] * 20);
    MUST(start <= c.start[i] && c.start[i] <= c.end[i] && c.end[i] <= end);
    MUST(c.status[i] == kStatusOk && c.direction[i] <= 1 && c.twin[i] <= 1);
    MUST(c.family[i] == 4 || c.family[i] == 6);
    MUST((c.srcport[i] < 0 && c.dstport[i] < 0) || has_ports(c.protocol[i]));
    MUST((c.tcp_flags[i] >= 0) == (c.protocol[i] == kTcp));
    size_t address = c.family[i] == 4 ? 4 : 16;
    std::string key;
    append(&key, &closing.id);
    append(&key, c.eni + i);
    append(&key, c.srcaddr + i * 16, address);
    append(&key, c.dstaddr + i * 16, address);
    append(&key, c.srcport + i);
    append(&key, c.dstport + i);
    append(&key, c.protocol + i);
    append(&key, c.twin + i);
    Sum& sum = out_.sums[key];
    sum.packets += c.packets[i];
    sum.bytes += c.bytes[i];
    sum.first = std::min(sum.first, c.start[i]);
    if (c.tcp_flags[i] > 0) sum.flags |= uint8_t(c.tcp_flags[i]);
    out_.events += 'R';
    out_.events += key;
    append(&out_.events, c.packets + i);
    append(&out_.events, c.bytes + i);
    append(&out_.events, c.start + i);
    append(&out_.events, c.end + i);
    append(&out_.events, c.tcp_flags + i);
    append(&out_.events, c.traffic_path + i);
    append(&out_.events, c.direction + i);
    append(&out_.events, c.action + i);
    enis_.insert(c.eni[i]);
    if (c.twin[i]) return;
    *packets -= c.packets[i];
    *bytes -= c.bytes[i];
    logged_.packets += c.packets[i];
    logged_.bytes += c.bytes[i];
  }

  // 21 keys and values in quotes a line, and nothing that JSON would not have inside them.
  void check_lines(uint32_t expected) {
    uint32_t lines = 0, quotes = 0;
    for (char c : lines_) {
      quotes += c == '"';
      if (c == '\n') {
        MUST(quotes == 21 * 4);
        quotes = 0;
        lines++;
      } else {
        MUST(c >= ' ' && c <= '~' && c != '\\');
      }
    }
    MUST(lines == expected && quotes == 0);
    out_.lines += lines_;
  }

  // --- Books ---

  // seen = logged + excluded, in packets and bytes, and every logged packet has its rule.
  void keep_books() {
    out_.interfaces = x_.interfaces.all();
    for (uint32_t shard = 0; shard < x_.workers(); shard++) {
      const Exchange::ShardBooks& books = x_.books(shard);
      MUST(books.rule_packets.size() == size_t(Rule::kCount) && books.not_local.size() <= out_.interfaces.size());
      for (size_t i = 0; i < books.rule_packets.size(); i++) out_.rules[i] += books.rule_packets[i];
      for (size_t i = 0; i < books.not_local.size(); i++)
        add(&out_.interfaces[i].books.excluded[size_t(Reason::kNotLocal)], books.not_local[i]);
    }
    Tally::Count seen, excluded;
    for (const Interface& i : out_.interfaces) {
      add(&seen, i.books.seen);
      for (size_t reason = 1; reason < size_t(Reason::kCount); reason++) add(&excluded, i.books.excluded[reason]);
    }
    uint64_t ruled = 0;
    for (uint64_t packets : out_.rules) ruled += packets;
    MUST(seen.packets == logged_.packets + excluded.packets);
    MUST(seen.bytes == logged_.bytes + excluded.bytes);
    MUST(ruled == logged_.packets);
    out_.packets = x_.packets();
    MUST(out_.packets == seen.packets);
    out_.first_sec = x_.first_sec();
    out_.mark = x_.mark();
    MUST(x_.wrong_guesses <= x_.guesses);
    if (feeds_.empty()) {
      add_ending(x_.ending(), 0);
      MUST(x_.consumed() == x_.ending().offset());
    }
  }

  static void add(Tally::Count* into, const Tally::Count& count) {
    into->packets += count.packets;
    into->bytes += count.bytes;
  }

  int64_t window_;
  uint32_t capacity_;
  size_t room_;
  bool is_crowded_, at_once_;
  Random sizes_, order_;
  std::shared_ptr<Exchange> exchange_;
  Exchange& x_;
  Collector collector_;
  std::vector<Feed> feeds_;
  std::vector<Hand> hands_;
  bool is_collected_ = false, is_in_window_ = false;
  bool awaits_rows_ = false, is_rung_ = false;
  std::set<uint32_t> enis_;  // of the window's rows
  uint32_t known_ = 0;       // interfaces, to the encoder
  std::unique_ptr<JsonEncoder> encoder_;
  std::string lines_;  // of one taking of rows
  Tally::Count logged_;
  Outcome out_;
};

void check_equal(const Tally::Count& x, const Tally::Count& y) { MUST(x.packets == y.packets && x.bytes == y.bytes); }

// Says where lines part.
void show_difference(const std::string& x, const std::string& y) {
  size_t same = size_t(std::mismatch(x.begin(), x.begin() + ptrdiff_t(std::min(x.size(), y.size())), y.begin()).first - x.begin());
  size_t begin = same ? x.rfind('\n', same - 1) + 1 : 0;
  for (const std::string* lines : {&x, &y}) fprintf(stderr, "%s\n", lines->substr(begin, lines->find('\n', begin) - begin).c_str());
}

// How the captures were read does not matter: not to the sums, and not to a byte of the entries.
void check_equal(const Outcome& x, const Outcome& y, bool is_exact) {
  MUST(x.endings == y.endings);
  MUST(x.packets == y.packets && x.first_sec == y.first_sec && x.mark == y.mark);
  MUST(x.interfaces.size() == y.interfaces.size());
  for (size_t i = 0; i < x.interfaces.size(); i++) {
    const Interface &a = x.interfaces[i], &b = y.interfaces[i];
    MUST(a.declared == b.declared && a.link_type == b.link_type && a.is_supported == b.is_supported && a.name == b.name);
    MUST(a.dropped == b.dropped && a.has_drops == b.has_drops && a.drops_from == b.drops_from && a.drops_to == b.drops_to);
    check_equal(a.books.seen, b.books.seen);
    for (size_t reason = 0; reason < size_t(Reason::kCount); reason++) check_equal(a.books.excluded[reason], b.books.excluded[reason]);
  }
  MUST(std::equal(std::begin(x.rules), std::end(x.rules), std::begin(y.rules)));
  MUST(x.sums == y.sums);
  if (!is_exact) return;
  if (x.lines != y.lines) show_difference(x.lines, y.lines);
  MUST(x.lines == y.lines);
  MUST(x.events == y.events);
}

// A file in memory, for as long as it is read.
class File {
 public:
  File(const uint8_t* bytes, size_t size) : fd_(memfd_create("capture", MFD_CLOEXEC)) {
    MUST(fd_ >= 0 && write(fd_, bytes, size) == ssize_t(size));
  }
  ~File() { close(fd_); }
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kPrefix) return 0;
  const Trial input{data, size};
  uint32_t several = 2 + (data[8] & 3) % 3;
  // Each shard has its part of the budget: where that is reached, rows depend on how many there are.
  auto is_exact = [&](uint32_t workers) { return workers == 1 || !input.is_crowded(); };

  Way fed;
  Outcome expected = Pass(input, fed).run();

  Way pieces;
  pieces.at_once = false;
  pieces.workers = data[8] & 4 ? several : 1;
  check_equal(expected, Pass(input, pieces).run(), is_exact(pieces.workers));

  // Named MACs make points that only one thread may tell.
  if (input.choice() & (kTwoCaptures | kNamesMac)) return 0;
  File file(data + kPrefix, size - kPrefix);
  for (uint32_t workers : {1u, several}) {
    Way way;
    way.fd = file.fd();
    way.workers = workers;
    way.chunk_bytes = 64 + 16 * data[workers == 1 ? 6 : 7];
    check_equal(expected, Pass(input, way).run(), is_exact(workers));
  }
  return 0;
}
