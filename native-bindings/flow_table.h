// The flow table of a shard: packets in, flows folded per window, rows out when a window closes.
#pragma once
#include <algorithm>
#include <memory>
#include <vector>

#include "asides.h"
#include "locality.h"
#include "owed.h"
#include "row_queue.h"
#include "rows.h"
#include "slots.h"
#include "stream.h"
#include "subscriptions.h"
#include "tally.h"

namespace windrow {

// Flows at which idle ones are looked for the first time. A fuzz target sets fewer.
#ifndef WINDROW_FIRST_LIMIT
#define WINDROW_FIRST_LIMIT (1 << 16)
#endif
constexpr uint32_t kFirstLimit = WINDROW_FIRST_LIMIT;
constexpr uint32_t kFlowsOfLateWindow = 4;  // what a window that was opened again takes, in flows of the budget

// How a packet was received.
enum class Added : uint8_t { kYes, kLateFull, kTableFull };

enum class FlushMode : uint8_t { kDue = 0, kLate, kEvict, kAll };

class FlowTable {
 public:
  FlowTable(uint32_t budget, int64_t window_seconds, int64_t lateness_seconds, const HashSeed& seed, const Locality* locality,
            const Interfaces* interfaces)
      : seed_(seed),
        budget_(budget),
        soft_limit_(budget < kFirstLimit ? budget : kFirstLimit),
        flows4_(budget),
        flows6_(budget),
        windows_(window_seconds, lateness_seconds),
        locality_(locality),
        interfaces_(interfaces),
        owed_(seed, budget) {}

  // Two looks ahead, so that neither the index nor the slot is waited for.
  [[gnu::always_inline]] void prefetch_index(const ItemHead& item) const {
    if (item.kind() == ItemKind::kPacket4) flows4_.prefetch_index(item.tag);
    else if (item.kind() == ItemKind::kPacket6) flows6_.prefetch_index(item.tag);
  }
  [[gnu::always_inline]] void prefetch_slot(const ItemHead& item) {
    if (item.kind() == ItemKind::kPacket4) flows4_.prefetch_slot(item.tag);
    else if (item.kind() == ItemKind::kPacket6) flows6_.prefetch_slot(item.tag);
  }

  // Takes in a watermark; true when windows have to be flushed (kDue) before the next packet.
  bool raise(int64_t sec) {
    return windows_.raise(sec) && windows_.any([&](const Window& w) { return is_due(w); });
  }

  // The clock went back, and all windows have been flushed.
  void restart() { windows_.restart(); }

  // The number of the chunk in which the packets that follow stand.
  void begin_chunk(uint64_t chunk) { chunk_ = chunk; }

  // Takes in a packet, whose time counts from `base`, or says what has to be flushed first; then the same packet is to be
  // given again.
  template <typename Key>
  [[gnu::always_inline]] Added add(const Item<Key>& item, int64_t base) {
    int64_t sec = base + item.head.sec;
    Window* window = windows_.at(sec);
    if (__builtin_expect(window == nullptr, 0)) {
      // A window that is opened again has to leave room for the packet.
      if (windows_.is_late(windows_.id_of(sec)) && (is_short_of_windows() || !has_room(kFlowsOfLateWindow + kMostOfPacket))) return full();
      window = windows_.open(sec);
    }
    if constexpr (sizeof(Key) == sizeof(Key4)) return add_to(flows4_, item, sec, window);
    else return add_to(flows6_, item, sec, window);
  }

  // A packet of an accepted flow, counted or yet to be, that was rejected.
  template <typename Key>
  void owe(const Item<Key>& item, int64_t base) {
    owed_.add(item.key, item.head.direction(), windows_.id_of(base + item.head.sec), item.head.bytes);
  }
  const Owed::Balance& unseen() const { return owed_.unseen(); }

  uint64_t flows() const { return uint64_t(flows4_.live()) + flows6_.live(); }
  // Packets and bytes of no named ENI, by interface.
  const std::vector<Tally::Count>& not_local() const { return not_local_; }
  // Logged packets by the rule that told their direction.
  uint64_t rule_packets[size_t(Rule::kCount)] = {};

  // --- Flushing: begin, then per window rows until none is left, then end. ---

  // `subscriptions`: how long the windows of each ENI are; null: all are as long as the table's.
  void begin_flush(FlushMode mode, std::shared_ptr<const Subscriptions> subscriptions) {
    mode_ = mode;
    subscriptions_ = std::move(subscriptions);
    flush_from_ = {INT64_MIN, INT64_MIN};
    if (mode == FlushMode::kEvict) choose_victims();
  }

  // The next window to be flushed, the shorter ones first, and the earliest first; null when the flush is over.
  Window* next_window() {
    for (Window* window = windows_.from(flush_from_); window; window = windows_.from(behind(*window))) {
      if (!is_flushed(*window)) continue;
      flush_from_ = behind(*window);
      if (!window->is_sorted) window->list.sort();
      window->is_sorted = true;
      window->cursor = TouchList::Cursor();
      window->kept.clear();
      names_ = locality_->names_of(windows_.id_of(window->start));
      return current_flush_ = window;
    }
    if (mode_ == FlushMode::kEvict) erase_victims();
    else if (!owed_.is_empty()) owed_.close([&](int64_t id) { return mode_ == FlushMode::kAll || windows_.is_late(id); });
    return current_flush_ = nullptr;
  }

  // Appends rows of the window to the block. True when the window has no more; else the block is full.
  bool fill_rows(RowBlock* block) {
    Window& w = *current_flush_;
    for (; !w.cursor.is_done(w.list); w.cursor.advance()) {
      if (block->is_full()) return false;
      size_t at = w.cursor.at();
      if (at + kListedAhead < w.list.size()) prefetch_listed(w.list[at + kListedAhead]);
      ListedFlow listed = w.list[at];
      uint64_t chunk = w.cursor.chunk(w.list);
      if (mode_ == FlushMode::kEvict && !(body_of(listed).marks & kVictim)) {
        w.kept.push(listed, chunk);
        continue;
      }
      uint32_t row = block->rows;
      const Listing listing{&w, listed, chunk};
      block->rows = listed.is_v6() ? fill_from(flows6_, listing, block->columns, row) : fill_from(flows4_, listing, block->columns, row);
      for (; row < block->rows; row++) block->stamps[row] = stamp_of(chunk, listed.index);
    }
    return true;
  }

  void end_window() {
    Window& w = *current_flush_;
    if (mode_ == FlushMode::kEvict) {
      std::swap(w.list, w.kept);
      w.latest = w.list.last_stamp();
    } else {
      windows_.close(&w);
    }
    current_flush_ = nullptr;
  }

  // Appends the ENIs that have rows in the window that is being flushed, ascending. To be asked before its rows are filled.
  // With subscriptions it depends on the rows who has any.
  void list_enis(std::vector<uint32_t>* enis) {
    if (subscriptions_) return;
    marks_.clear();
    auto mark = [&](uint32_t eni) {
      if (eni >= marks_.size()) marks_.resize(eni + 1);
      marks_[eni] = 1;
    };
    const Window& w = *current_flush_;
    for (uint32_t eni = 0; eni < w.evicted_enis.size(); eni++)
      if (w.evicted_enis[eni]) mark(eni);
    if (!names_->config.names_ends()) {
      for (uint32_t i = 0; i < w.interfaces.size(); i++)
        if (w.interfaces[i]) mark(interfaces_->eni(i));
    } else {
      for (size_t i = 0; i < w.list.size(); i++) {
        if (i + kListedAhead < w.list.size()) prefetch_listed(w.list[i + kListedAhead]);
        ListedFlow listed = w.list[i];
        Locality::Place place = listed.is_v6() ? place_of(flows6_[listed.slot()]) : place_of(flows4_[listed.slot()]);
        if (place.eni_a != kNoEni) mark(place.eni_a);
        if (place.eni_b != kNoEni) mark(place.eni_b);
      }
    }
    for (uint32_t eni = 0; eni < marks_.size(); eni++)
      if (marks_[eni]) enis->push_back(eni);
  }

 private:
  bool is_due(const Window& w) const { return w.is_late || windows_.is_over(w); }
  static WindowPlace behind(const Window& w) { return {w.seconds(), w.id + 1}; }
  bool is_flushed(const Window& w) const {
    switch (mode_) {
      // What was opened again after its end goes along with every regular closing.
      case FlushMode::kDue: return is_due(w);
      case FlushMode::kLate: return w.is_late;
      default: return true;
    }
  }

  template <typename Key>
  [[gnu::always_inline]] Added add_to(Slots<Key>& flows, const Item<Key>& item, int64_t sec, Window* window) {
    const ItemHead& p = item.head;
    uint8_t protocol = item.key.tail.protocol, d = p.direction(), listed = uint8_t(kListed0 << d);
    uint32_t number = flows.find(item.key, p.tag);
    if (__builtin_expect(number == 0, 0)) {
      if (!has_room()) return full();
      number = flows.insert(item.key, p.tag);
      FlowBody& fresh = flows[number].body;
      fresh.last_sec = sec;
      begin_flow(&fresh, d, p.flags, protocol);
    } else {
      FlowBody& body = flows[number].body;
      body.marks |= kTouched;
      int64_t idle = (windows_.has_mark() ? windows_.mark() : sec) - body.last_sec;
      if (__builtin_expect(idle > kIdleSeconds, 0) && idle > idle_limit(protocol, body.state) && !(p.untimed() && body.last_sec == 0)) {
        begin_flow(&body, d, p.flags, protocol);
        body.last_sec = sec;
      }
    }
    FlowBody& body = flows[number].body;
    uint32_t offset = uint32_t(sec - window->start);
    if (__builtin_expect(body.window != window->number, 0)) {
      if (body.window != 0 && !has_room()) return full();
      if (AsideRecord* record = turn_to(&body, *window)) {
        advance(&body, sec, d, p.flags, protocol);
        add_aside(record, item, offset, window, number);
        record->is_closed = is_closed(body.state);
        return Added::kYes;
      }
    }
    advance(&body, sec, d, p.flags, protocol);
    body.marks = uint8_t((body.marks & ~kClosedHere) | (body.state & kClosed) << 1);
    if (!(body.marks & listed)) {
      body.marks |= listed;
      body.first[d] = offset;
      list(window, number, item);
    } else if (offset < body.first[d]) {
      body.first[d] = offset;
    }
    if (offset > body.last) body.last = offset;
    if (__builtin_expect(body.packets[d] == UINT32_MAX || body.bytes[d] + p.bytes < p.bytes, 0)) asides_.fold(&body, d);
    body.packets[d]++;
    body.bytes[d] += p.bytes;
    body.flags[d] |= p.flags;
    return Added::kYes;
  }

  static constexpr size_t kListedAhead = 12;  // of what a list names, what comes into the cache before it is looked at
  // A packet adds a flow and a record that stands aside at most.
  static constexpr uint32_t kMostOfPacket = 2;
  // Whether so much may be added to what is used. Forgets flows for it that have nothing to log.
  bool has_room(uint32_t more = kMostOfPacket) { return __builtin_expect(used() + more <= soft_limit_, 1) || make_room(more); }
  Added full() const { return windows_.late_count() ? Added::kLateFull : Added::kTableFull; }

  template <typename Key>
  void list(Window* window, uint32_t number, const Item<Key>& item) {
    window->list.push(ListedFlow::of(number, sizeof(Key) == sizeof(Key6), item.head.direction(), item.head.index), chunk_);
    uint32_t interface = locality_->interface_of(item.key.tail.point);
    if (interface >= window->interfaces.size()) window->interfaces.resize(interface + 1u);
    window->interfaces[interface] = 1;
  }

  // Makes the slot count for `window`, or returns the record that does so aside. The newest window has the slot.
  AsideRecord* turn_to(FlowBody* body, const Window& window) {
    if (AsideRecord* record = asides_.find(*body, window.number)) return record;
    if (body->window) {
      const Window* current = windows_.by_number(body->window);
      if (current->id > window.id) return asides_.create(body, window.number);
      asides_.put(body);
    }
    clear_counters(body);
    body->window = window.number;
    return nullptr;
  }

  template <typename Key>
  void add_aside(AsideRecord* record, const Item<Key>& item, uint32_t offset, Window* window, uint32_t number) {
    uint8_t d = item.head.direction(), listed = uint8_t(kListed0 << d);
    if (!(record->listed & listed)) {
      record->listed |= listed;
      record->first[d] = offset;
      list(window, number, item);
    } else if (offset < record->first[d]) {
      record->first[d] = offset;
    }
    if (offset > record->last) record->last = offset;
    record->packets[d]++;
    record->bytes[d] += item.head.bytes;
    record->flags[d] |= item.head.flags;
  }

  // --- Rows ---

  [[gnu::always_inline]] void prefetch_listed(ListedFlow listed) {
    if (listed.is_v6()) __builtin_prefetch(&flows6_[listed.slot()], 1);
    else __builtin_prefetch(&flows4_[listed.slot()], 1);
  }
  FlowBody& body_of(ListedFlow listed) {
    return listed.is_v6() ? flows6_[listed.slot()].body : flows4_[listed.slot()].body;
  }

  static Address end_address(const Key4& k, bool b) { return address4(b ? k.b : k.a); }
  static Address end_address(const Key6& k, bool b) { return address6(b ? k.b : k.a); }

  template <typename Key>
  Locality::Place place_of(const Slot<Key>& slot) const {
    return locality_->place(*names_, locality_->point(slot.key.tail.point), end_address(slot.key, false), end_address(slot.key, true),
                            slot.body.state & kOpenedByB);
  }

  Counted take(FlowBody* body, const Window& w, uint8_t d) {
    Counted c;
    AsideRecord* record = body->aside ? asides_.find(*body, w.number) : nullptr;
    if (record) {
      c.packets = record->packets[d];
      c.bytes = record->bytes[d];
      c.first = record->first[d];
      c.last = record->last;
      c.flags = record->flags[d];
      c.is_closed = record->is_closed;
      record->listed &= uint8_t(~(kListed0 << d));
    }
    if (body->window == w.number) {
      c.packets += body->packets[d];
      c.bytes += body->bytes[d];
      c.first = body->first[d];
      c.last = body->last;
      c.flags |= body->flags[d];
      c.is_closed = body->marks & kClosedHere;
      body->marks &= uint8_t(~(kListed0 << d));
      if (!(body->marks & (kListed0 | kListed1))) {
        clear_counters(body);
        if (record) asides_.drop(body, w.number);
      }
    } else if (record && !record->listed) {
      asides_.drop(body, w.number);
    }
    return c;
  }

  int64_t end_of(const Window& w, const Counted& c, uint8_t protocol) const {
    int64_t last = w.start + c.last;
    if (mode_ == FlushMode::kEvict) return last;
    // The end of the capture ends the window that it falls into.
    bool is_cut = mode_ == FlushMode::kAll && windows_.has_mark() && !w.is_late && w.start <= windows_.mark() && windows_.mark() < w.end;
    int64_t end = is_cut ? windows_.mark() : w.end;
    if (c.is_closed) return last;
    if (protocol != kTcp && last < end - kIdleSeconds) return last;
    return end;
  }

  // A flow's direction as it stands in the list of a window.
  struct Listing {
    Window* window;
    ListedFlow listed;
    uint64_t chunk;
    uint8_t direction() const { return listed.direction(); }
  };

  template <typename Key>
  uint32_t fill_from(Slots<Key>& flows, const Listing& listing, const Columns& columns, uint32_t row) {
    const Window& w = *listing.window;
    Slot<Key>& slot = flows[listing.listed.slot()];
    uint8_t d = listing.direction();
    // A longer window lists a flow again where one of its packets turns out to have come before.
    if (__builtin_expect(w.is_longer, 0) && !is_listed(slot.body, w, d)) return row;
    Locality::Place place = place_of(slot);
    const Point point = locality_->point(slot.key.tail.point);
    Counted c = take(&slot.body, w, d);
    if (__builtin_expect(!owed_.is_empty(), 0) && !w.is_longer && !point.is_rejected && owed_.pay(slot.key, d, w.id, &c)) return row;
    const uint8_t action = point.is_rejected ? kReject : kAccept;
    if (!place.is_local) {
      if (point.interface >= not_local_.size()) not_local_.resize(point.interface + 1u);
      not_local_[point.interface].packets += c.packets;
      not_local_[point.interface].bytes += c.bytes;
      return row;
    }
    if (!w.is_longer) rule_packets[size_t(place.rule)] += c.packets;
    if (mode_ == FlushMode::kEvict && names_->config.names_ends()) {
      for (uint32_t eni : {place.eni_a, place.eni_b}) {
        if (eni == kNoEni) continue;
        if (eni >= listing.window->evicted_enis.size()) listing.window->evicted_enis.resize(eni + 1);
        listing.window->evicted_enis[eni] = 1;
      }
    }
    int64_t start = w.start + c.first, end = end_of(w, c, slot.key.tail.protocol);
    Side source = d ? Side::kB : Side::kA;
    const bool is_answer = bool(slot.body.state & kOpenedByB) != (d != 0);
    if (place.side == Side::kNone) {  // both ends are ENIs: the sender's entry, then the receiver's
      const uint32_t from = d ? place.eni_b : place.eni_a, to = d ? place.eni_a : place.eni_b;
      const int64_t from_seconds = seconds_of(from, w), to_seconds = seconds_of(to, w);
      if (from_seconds == w.seconds()) {
        put_row(columns, row, slot.key, d, c, start, end, kDirectionOut, action, from, false);
        judge(columns, row++, is_answer);
      } else {
        carry(&slot.body, listing, c, from_seconds);
      }
      if (to_seconds == w.seconds()) {
        put_row(columns, row, slot.key, d, c, start, end, kDirectionIn, action, to, true);
        judge(columns, row++, is_answer);
      } else if (to_seconds != from_seconds) {
        carry(&slot.body, listing, c, to_seconds);
      }
      return row;
    }
    uint32_t eni = place.side == Side::kA ? place.eni_a : place.eni_b;
    if (eni == kNoEni) eni = interfaces_->eni(point.interface);
    if (const int64_t seconds = seconds_of(eni, w); seconds != w.seconds()) {
      carry(&slot.body, listing, c, seconds);
      return row;
    }
    put_row(columns, row, slot.key, d, c, start, end, place.side == source ? kDirectionOut : kDirectionIn, action, eni, false);
    judge(columns, row, is_answer);
    return row + 1;
  }

  // How long the windows of an ENI are, of which one begins with this window or before it.
  int64_t seconds_of(uint32_t eni, const Window& w) const {
    return subscriptions_ ? int64_t(subscriptions_->seconds_at(eni, w.start)) : w.seconds();
  }

  bool is_listed(const FlowBody& body, const Window& w, uint8_t d) {
    const AsideRecord* record = asides_.find(body, w.number);
    return record && (record->listed & kListed0 << d);
  }

  // What a window has counted goes on into a longer one. Where that one gives its own, who has shorter windows got theirs.
  void carry(FlowBody* body, const Listing& listing, const Counted& c, int64_t seconds) {
    const Window& w = *listing.window;
    if (w.is_longer) return;
    Window* to = windows_.longer(seconds, w);
    AsideRecord* record = asides_.find(*body, to->number);
    if (!record) record = asides_.create_longer(body, to->number);
    const uint8_t d = listing.direction(), listed = uint8_t(kListed0 << d);
    const uint32_t shift = uint32_t(w.start - to->start), first = c.first + shift, last = c.last + shift;
    const Stamp stamp = stamp_of(listing.chunk, listing.listed.index);
    const bool is_first = !(record->listed & listed);
    if (is_first || first < record->first[d]) record->first[d] = first;
    if (w.id != to->comes_from) {
      to->comes_from = w.id;
      to->latest_before = std::max(to->latest_before, to->latest);
    }
    if (is_first || stamp < to->latest_before) {
      if (stamp < to->latest) to->is_sorted = false;
      to->latest = std::max(to->latest, stamp);
      to->list.push(listing.listed, listing.chunk);
    }
    if (last >= record->last) {
      record->last = last;
      record->is_closed = c.is_closed;
    }
    record->listed |= listed;
    record->packets[d] += c.packets;
    record->bytes[d] += c.bytes;
    record->flags[d] |= c.flags;
  }

  // An answer goes to the end that opened the connection.
  void judge(const Columns& columns, uint32_t row, bool is_answer) const {
    if (const Network* network = names_->config.network.get())
      network->judge(columns, row, is_answer, columns.source + row, columns.rule + row);
  }

  // --- The budget ---

  // A record that stands aside counts as a flow, but for the first of a longer window.
  uint32_t used() const {
    return flows4_.live() + flows6_.live() + asides_.counted() + uint32_t(windows_.late_count()) * kFlowsOfLateWindow;
  }
  bool is_short_of_windows() const { return windows_.late_count() * kFlowsOfLateWindow > budget_ / 2; }

  // Makes room for so much more: idle flows go first, then those that no open window needs, and only then (false) open
  // windows have to give up flows as entries.
  bool make_room(uint32_t more) {
    sweep([&](const FlowBody& body, uint8_t protocol) {
      // Time 0 is that of untimed packets, for which the watermark says nothing.
      return windows_.has_mark() && body.last_sec != 0 && windows_.mark() - body.last_sec > idle_limit(protocol, body.state);
    });
    if (used() > soft_limit_ / 4 * 3 && soft_limit_ < budget_) soft_limit_ = soft_limit_ > budget_ / 2 ? budget_ : soft_limit_ * 2;
    if (used() + more <= soft_limit_ - soft_limit_ / 16) return true;
    sweep([](const FlowBody&, uint8_t) { return true; });
    return used() + more <= soft_limit_ - soft_limit_ / 16;
  }

  // Forgets flows that have nothing to log, where `is_dead` says so.
  template <typename IsDead>
  void sweep(IsDead is_dead) {
    auto one = [&](auto& flows) {
      for (uint32_t i = 1; i <= flows.top(); i++) {
        FlowBody& body = flows[i].body;
        if ((body.marks & kLive) && body.window == 0 && body.aside == 0 && is_dead(body, flows[i].key.tail.protocol))
          flows.erase(i, tag_of(flows[i].key));
      }
    };
    one(flows4_);
    one(flows6_);
  }

  // The coldest eighth of the budget: a clock over both arenas, a second chance for what was touched since its last round.
  void choose_victims() {
    uint32_t wanted = budget_ / 8 ? budget_ / 8 : 1;
    auto round = [&](auto& flows, bool spare) {
      for (uint32_t steps = flows.top(); steps && wanted; steps--) {
        flows.clock_hand = flows.clock_hand >= flows.top() ? 1 : flows.clock_hand + 1;
        FlowBody& body = flows[flows.clock_hand].body;
        if (!(body.marks & kLive) || (body.marks & kVictim)) continue;
        if (spare && (body.marks & kTouched)) {
          body.marks &= uint8_t(~kTouched);
          continue;
        }
        body.marks |= kVictim;
        wanted--;
      }
    };
    for (bool spare : {true, false}) {
      bool first_is_4 = flows4_.live() >= flows6_.live();
      if (first_is_4) round(flows4_, spare);
      round(flows6_, spare);
      if (!first_is_4) round(flows4_, spare);
    }
  }

  void erase_victims() {
    auto one = [&](auto& flows) {
      for (uint32_t i = 1; i <= flows.top(); i++)
        if (flows[i].body.marks & kVictim) flows.erase(i, tag_of(flows[i].key));
    };
    one(flows4_);
    one(flows6_);
  }

  template <typename Key>
  uint32_t tag_of(const Key& key) const {
    return uint32_t(hash_bytes(&key, sizeof key, seed_));
  }

  HashSeed seed_;
  uint32_t budget_;
  uint32_t soft_limit_;  // grows up to the budget: idle flows are swept out before the table grows
  Slots<Key4> flows4_;
  Slots<Key6> flows6_;
  Windows windows_;
  const Locality* locality_;
  const Interfaces* interfaces_;
  std::shared_ptr<const Names> names_;  // of the window that is being flushed
  Owed owed_;
  Asides asides_;
  std::shared_ptr<const Subscriptions> subscriptions_;
  uint64_t chunk_ = 0;
  std::vector<Tally::Count> not_local_;
  FlushMode mode_ = FlushMode::kDue;
  std::vector<uint8_t> marks_;
  WindowPlace flush_from_{};  // of the first window that the flush has not looked at
  Window* current_flush_ = nullptr;
};

}  // namespace windrow
