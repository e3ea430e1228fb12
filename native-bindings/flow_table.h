// The flow table of a shard: packets in, flows folded per window, rows out when a window closes.
#pragma once
#include <vector>

#include "asides.h"
#include "locality.h"
#include "rows.h"
#include "slots.h"
#include "windows.h"

namespace windrow {

constexpr size_t kMostLateWindows = 8;
constexpr uint32_t kFirstLimit = 1 << 16;

// How a packet was received.
enum class Added : uint8_t { kYes, kWindowDue, kLateFull, kTableFull };

enum class FlushMode : uint8_t { kDue = 0, kLate, kEvict, kAll };

class FlowTable {
 public:
  FlowTable(uint32_t budget, int64_t window_seconds, int64_t lateness_seconds, const HashSeed& seed, Locality* locality,
            Interfaces* interfaces)
      : seed_(seed),
        budget_(budget),
        soft_limit_(budget < kFirstLimit ? budget : kFirstLimit),
        flows4_(budget),
        flows6_(budget),
        windows_(window_seconds, lateness_seconds),
        locality_(locality),
        interfaces_(interfaces) {}

  const Windows& windows() const { return windows_; }

  // Two looks ahead, so that neither the index nor the slot is waited for.
  [[gnu::always_inline]] void prefetch_index(const Packet& p) const {
    if (p.is_v6) flows6_.prefetch_index(p.hash);
    else flows4_.prefetch_index(p.hash);
  }
  [[gnu::always_inline]] void prefetch_slot(const Packet& p) {
    if (p.is_v6) flows6_.prefetch_slot(p.hash);
    else flows4_.prefetch_slot(p.hash);
  }

  // Takes in the packet, or says what has to be flushed first; then the same packet is to be given again.
  // Excluded packets only move the watermark.
  Added add(const Packet& p) {
    if (!p.untimed && windows_.raise(p.sec)) return Added::kWindowDue;
    if (p.reason != Reason::kNone) return Added::kYes;
    Window* window = windows_.at(p.sec);
    if (__builtin_expect(window == nullptr, 0)) {
      if (windows_.late_count() >= kMostLateWindows && windows_.is_late(windows_.id_of(p.sec))) return Added::kLateFull;
      window = windows_.open(p.sec);
    }
    return p.is_v6 ? add_to(flows6_, p.k6, p, window) : add_to(flows4_, p.k4, p, window);
  }

  // --- Flushing: begin, then per window rows until none is left, then end. ---

  void begin_flush(FlushMode mode) {
    mode_ = mode;
    flushed_ = 0;
    if (mode == FlushMode::kEvict) choose_victims();
  }

  // The next window to be flushed, the earliest first; null when the flush is over.
  Window* next_window() {
    const auto& open = windows_.open_windows();
    while (flushed_ < open.size()) {
      Window* window = open[flushed_].get();
      if (is_flushed(*window)) {
        window->read = window->kept = 0;
        return current_flush_ = window;
      }
      flushed_++;
    }
    if (mode_ == FlushMode::kEvict) erase_victims();
    current_flush_ = nullptr;
    return nullptr;
  }

  bool in_window() const { return current_flush_ != nullptr; }

  // Fills up to `columns.capacity` rows; 0: the window has no more.
  uint32_t fill_rows(const Columns& columns, uint64_t* rule_packets) {
    Window& w = *current_flush_;
    uint32_t row = 0;
    constexpr size_t kAhead = 12;
    while (w.read < w.list.size() && row + 2 <= columns.capacity) {
      if (w.read + kAhead < w.list.size()) prefetch_listed(w.list[w.read + kAhead]);
      ListedFlow listed = w.list[w.read++];
      if (mode_ == FlushMode::kEvict && !(body_of(listed).marks & kVictim)) {
        w.list[w.kept++] = listed;
        continue;
      }
      row = listed.is_v6() ? fill_from(flows6_, w, listed, columns, row, rule_packets)
                           : fill_from(flows4_, w, listed, columns, row, rule_packets);
    }
    return row;
  }

  void end_window() {
    if (mode_ == FlushMode::kEvict) {
      current_flush_->list.resize(current_flush_->kept);
      flushed_++;
    } else {
      windows_.close(current_flush_);
    }
    current_flush_ = nullptr;
  }

  // Which ENIs have rows in the window that is being flushed: marks[eni] = 1. To be asked before its rows are filled.
  void mark_enis(std::vector<uint8_t>* marks) {
    auto mark = [&](uint32_t eni) {
      if (eni >= marks->size()) marks->resize(eni + 1);
      (*marks)[eni] = 1;
    };
    const Window& w = *current_flush_;
    for (uint32_t eni = 0; eni < w.evicted_enis.size(); eni++)
      if (w.evicted_enis[eni]) mark(eni);
    if (!locality_->config().names_ends()) {
      for (uint32_t i = 0; i < w.interfaces.size(); i++)
        if (w.interfaces[i]) mark(locality_->eni_of_interface(i, *interfaces_));
      return;
    }
    for (ListedFlow listed : w.list) {
      Locality::Place place = listed.is_v6() ? place_of(flows6_[listed.slot()]) : place_of(flows4_[listed.slot()]);
      if (place.eni_a != kNoEni) mark(place.eni_a);
      if (place.eni_b != kNoEni) mark(place.eni_b);
    }
  }

 private:
  bool is_flushed(const Window& w) const {
    switch (mode_) {
      // What was opened again after its end goes along with every regular closing.
      case FlushMode::kDue: return w.is_late || windows_.mark() >= w.end + lateness();
      case FlushMode::kLate: return w.is_late;
      default: return true;
    }
  }
  int64_t lateness() const { return windows_.lateness(); }

  template <typename Key>
  Added add_to(Slots<Key>& flows, const Key& key, const Packet& p, Window* window) {
    if (__builtin_expect(used() + 2 > soft_limit_, 0) && !make_room()) return Added::kTableFull;
    uint8_t protocol = key.tail.protocol;
    uint32_t number = flows.find(key, p.hash);
    if (__builtin_expect(number == 0, 0)) {
      number = flows.insert(key, p.hash);
      FlowBody& fresh = flows[number].body;
      fresh.last_sec = p.sec;
      begin_flow(&fresh, p, protocol);
    } else {
      FlowBody& body = flows[number].body;
      body.marks |= kTouched;
      if (p.sec - body.last_sec > idle_limit(protocol, body.state)) begin_flow(&body, p, protocol);
    }
    FlowBody& body = flows[number].body;
    uint32_t offset = uint32_t(p.sec - window->start);
    uint8_t d = p.direction, listed = uint8_t(kListed0 << d);
    if (__builtin_expect(body.window != window->serial, 0)) {
      if (AsideRecord* record = turn_to(&body, *window)) {
        advance(&body, p, protocol);
        add_aside(record, p, offset, listed, window, number);
        record->is_closed = is_closed(body.state);
        return Added::kYes;
      }
    }
    advance(&body, p, protocol);
    body.marks = uint8_t((body.marks & ~kClosedHere) | (body.state & kClosed) << 1);
    if (!(body.marks & listed)) {
      body.marks |= listed;
      body.first[d] = offset;
      list(window, number, p);
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

  void list(Window* window, uint32_t number, const Packet& p) {
    window->list.push_back(ListedFlow::of(number, p.is_v6, p.direction));
    if (p.interface >= window->interfaces.size()) window->interfaces.resize(p.interface + 1u);
    window->interfaces[p.interface] = 1;
  }

  // Makes the slot count for `window`, or returns the record that does so aside. The newest window has the slot.
  AsideRecord* turn_to(FlowBody* body, const Window& window) {
    if (AsideRecord* record = asides_.find(*body, window.serial)) return record;
    if (body->window) {
      const Window* current = windows_.by_serial(body->window);
      if (current->id > window.id) return asides_.create(body, window.serial);
      asides_.put(body);
    }
    clear_counters(body);
    body->window = window.serial;
    return nullptr;
  }

  void add_aside(AsideRecord* record, const Packet& p, uint32_t offset, uint8_t listed, Window* window, uint32_t number) {
    uint8_t d = p.direction;
    if (!(record->listed & listed)) {
      record->listed |= listed;
      record->first[d] = offset;
      list(window, number, p);
    } else if (offset < record->first[d]) {
      record->first[d] = offset;
    }
    if (offset > record->last) record->last = offset;
    record->packets[d]++;
    record->bytes[d] += p.bytes;
    record->flags[d] |= p.flags;
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
    return locality_->place(locality_->point(slot.key.tail.point), end_address(slot.key, false), end_address(slot.key, true),
                            slot.body.state & kOpenedByB);
  }

  Counted take(FlowBody* body, const Window& w, uint8_t d) {
    Counted c;
    AsideRecord* record = body->aside ? asides_.find(*body, w.serial) : nullptr;
    if (record) {
      c.packets = record->packets[d];
      c.bytes = record->bytes[d];
      c.first = record->first[d];
      c.last = record->last;
      c.flags = record->flags[d];
      c.is_closed = record->is_closed;
      record->listed &= uint8_t(~(kListed0 << d));
    }
    if (body->window == w.serial) {
      c.packets += body->packets[d];
      c.bytes += body->bytes[d];
      c.first = body->first[d];
      c.last = body->last;
      c.flags |= body->flags[d];
      c.is_closed = body->marks & kClosedHere;
      body->marks &= uint8_t(~(kListed0 << d));
      if (!(body->marks & (kListed0 | kListed1))) {
        clear_counters(body);
        if (record) asides_.drop(body, w.serial);
      }
    } else if (record && !record->listed) {
      asides_.drop(body, w.serial);
    }
    return c;
  }

  int64_t end_of(const Window& w, const Counted& c, uint8_t protocol) const {
    int64_t last = w.start + c.last;
    if (mode_ == FlushMode::kEvict) return last;
    // The end of the capture ends the window that it falls into.
    bool is_cut = mode_ == FlushMode::kAll && windows_.has_mark() && !w.is_late && w.id == windows_.id_of(windows_.mark());
    int64_t end = is_cut ? windows_.mark() : w.end;
    if (c.is_closed) return last;
    if (protocol != kTcp && last < end - kIdleSeconds) return last;
    return end;
  }

  template <typename Key>
  uint32_t fill_from(Slots<Key>& flows, Window& w, ListedFlow listed, const Columns& columns, uint32_t row,
                     uint64_t* rule_packets) {
    Slot<Key>& slot = flows[listed.slot()];
    uint8_t d = listed.direction();
    Locality::Place place = place_of(slot);
    const Point& point = locality_->point(slot.key.tail.point);
    Counted c = take(&slot.body, w, d);
    if (!place.is_local) {
      Interface& interface = (*interfaces_)[point.interface];
      interface.excluded_packets[size_t(Reason::kNotLocal)] += c.packets;
      interface.excluded_bytes[size_t(Reason::kNotLocal)] += c.bytes;
      return row;
    }
    rule_packets[size_t(place.rule)] += c.packets;
    if (mode_ == FlushMode::kEvict && locality_->config().names_ends()) {
      for (uint32_t eni : {place.eni_a, place.eni_b}) {
        if (eni == kNoEni) continue;
        if (eni >= w.evicted_enis.size()) w.evicted_enis.resize(eni + 1);
        w.evicted_enis[eni] = 1;
      }
    }
    int64_t start = w.start + c.first, end = end_of(w, c, slot.key.tail.protocol);
    Side source = d ? Side::kB : Side::kA;
    if (place.side == Side::kNone) {  // both ends are ENIs: the sender's entry, then the receiver's
      put_row(columns, row, slot.key, d, c, start, end, kDirectionOut, d ? place.eni_b : place.eni_a, false);
      put_row(columns, row + 1, slot.key, d, c, start, end, kDirectionIn, d ? place.eni_a : place.eni_b, true);
      return row + 2;
    }
    uint32_t eni = place.side == Side::kA ? place.eni_a : place.eni_b;
    if (eni == kNoEni) eni = locality_->eni_of_interface(point.interface, *interfaces_);
    put_row(columns, row, slot.key, d, c, start, end, place.side == source ? kDirectionOut : kDirectionIn, eni, false);
    return row + 1;
  }

  // --- The budget ---

  // A record that stands aside counts as a flow.
  uint32_t used() const { return flows4_.live() + flows6_.live() + asides_.live(); }

  // Makes room for one flow and one record more: idle flows go first, then those that no open window needs,
  // and only then (false) open windows have to give up flows as entries.
  bool make_room() {
    sweep([&](const FlowBody& body, uint8_t protocol) {
      return windows_.has_mark() && windows_.mark() - body.last_sec > idle_limit(protocol, body.state);
    });
    if (used() > soft_limit_ / 4 * 3 && soft_limit_ < budget_) soft_limit_ = soft_limit_ > budget_ / 2 ? budget_ : soft_limit_ * 2;
    if (used() + 2 <= soft_limit_ - soft_limit_ / 16) return true;
    sweep([](const FlowBody&, uint8_t) { return true; });
    return used() + 2 <= soft_limit_ - soft_limit_ / 16;
  }

  // Forgets flows that have nothing to log, where `is_dead` says so.
  template <typename IsDead>
  void sweep(IsDead is_dead) {
    auto one = [&](auto& flows) {
      for (uint32_t i = 1; i <= flows.top(); i++) {
        FlowBody& body = flows[i].body;
        if ((body.marks & kLive) && body.window == 0 && body.aside == 0 && is_dead(body, flows[i].key.tail.protocol))
          flows.erase(i, hash_bytes(&flows[i].key, sizeof flows[i].key, seed_));
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
        if (flows[i].body.marks & kVictim) flows.erase(i, hash_bytes(&flows[i].key, sizeof flows[i].key, seed_));
    };
    one(flows4_);
    one(flows6_);
  }

  HashSeed seed_;
  uint32_t budget_;
  uint32_t soft_limit_;  // grows up to the budget: idle flows are swept out before the table grows
  Slots<Key4> flows4_;
  Slots<Key6> flows6_;
  Windows windows_;
  Locality* locality_;
  Interfaces* interfaces_;
  Asides asides_;
  FlushMode mode_ = FlushMode::kDue;
  size_t flushed_ = 0;
  Window* current_flush_ = nullptr;
};

}  // namespace windrow
