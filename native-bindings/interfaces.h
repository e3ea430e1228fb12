// The interfaces of a capture, and what readers have to say besides records.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "link_types.h"
#include "tally.h"

namespace windrow {

constexpr uint32_t kMostInterfaces = 8192;

// The same number in every section and file is the same interface.
struct Interface {
  bool declared = false;
  uint32_t link_type = 0;     // of its latest declaration
  bool is_supported = false;  // of any
  std::string name;        // if_name of its first declaration, where it has one
  Tally::Books books;
  uint64_t dropped = 0;  // what the capturing kernel or driver reported as lost
  bool has_drops = false;
  int64_t drops_from = 0, drops_to = 0;  // windows of its latest run of drop reports
};

// Windows in which a capture reports drops (Interface Statistics Block), to become SKIPDATA entries.
struct DropReport {
  uint64_t before = 0;  // stamp of the record that it stands in front of
  uint16_t interface = 0;
  uint64_t packets = 0;
  int64_t from_window = 0, to_window = 0;
};

// Written by whoever reads the capture in its order. Others only ask for eni(), of interfaces whose packets they have got.
class Interfaces {
 public:
  using EniOf = std::function<uint32_t(uint32_t number, const std::string& name)>;

  // `eni_of` says which ENI an interface is, by its number and name.
  Interfaces(int64_t window_seconds, EniOf eni_of)
      : window_seconds_(window_seconds), eni_of_(std::move(eni_of)), enis_(new uint32_t[kMostInterfaces]) {}
  Interfaces() : Interfaces(1, [](uint32_t number, const std::string&) { return number; }) {}

  // False when the number is beyond what flow keys can hold.
  bool declare(uint32_t number, uint32_t link_type, const std::string& name) {
    if (number >= kMostInterfaces) return false;
    if (number >= all_.size()) all_.resize(number + 1);
    Interface& interface = all_[number];
    if (!interface.declared) {
      interface.name = name;
      enis_[number] = eni_of_(number, name);
    }
    interface.declared = true;
    interface.is_supported |= is_link_type_supported(link_type);
    interface.link_type = link_type;
    return true;
  }
  // Of a live source: an interface that is gone leaves its number to one of another name.
  void redeclare(uint32_t number, uint32_t link_type, const std::string& name) {
    if (number < all_.size() && all_[number].declared && all_[number].name != name) {
      const Interface left = std::exchange(all_[number], Interface());
      add_books(&gone_.books, left.books);
      gone_.dropped += left.dropped;
    }
    declare(number, link_type, name);
  }
  const std::vector<Interface>& all() const { return all_; }
  // Of all that left their numbers to others.
  const Interface& gone() const { return gone_; }
  uint32_t eni(uint32_t number) const { return enis_[number]; }

  void add(const Tally& tally) {
    tally.each([&](uint16_t number, const Tally::Books& books) { add_books(&all_[number].books, books); });
  }
  void exclude(uint32_t number, Reason reason, const Tally::Count& count) { add_to(&all_[number].books.excluded[size_t(reason)], count); }

  // Of packets that nobody could read, where there are no others: the link type; else -1.
  int64_t unread_link_type() const {
    int64_t link_type = -1;
    for (const Interface& interface : all_) {
      if (interface.is_supported) return -1;
      if (link_type < 0 && interface.books.seen.packets > 0) link_type = interface.link_type;
    }
    return link_type;
  }

  // Drops between two times. Windows that the interface's reports before covered are not reported again: a capture
  // may have statistics every second.
  void report_drops(uint16_t number, uint64_t packets, int64_t from_sec, int64_t to_sec) {
    Interface& interface = all_[number];
    interface.dropped += packets;
    int64_t from = floor_div(from_sec, window_seconds_), to = floor_div(to_sec, window_seconds_);
    bool touches = interface.has_drops && from <= interface.drops_to && to >= interface.drops_from;
    if (touches) from = interface.drops_to + 1;
    if (!touches) interface.drops_from = from;
    if (!touches || to > interface.drops_to) interface.drops_to = to;
    interface.has_drops = true;
    if (from <= to) drops_.push_back({kNotPlaced, number, packets, from, to});
  }
  // Reports since the last call of take_drops() stand in front of this record.
  void place_drops(uint64_t stamp) {
    for (auto i = drops_.rbegin(); i != drops_.rend() && i->before == kNotPlaced; ++i) i->before = stamp;
  }
  bool has_drops() const { return !drops_.empty(); }
  std::deque<DropReport> take_drops() { return std::exchange(drops_, {}); }

 private:
  static constexpr uint64_t kNotPlaced = UINT64_MAX;

  static void add_books(Tally::Books* into, const Tally::Books& books) {
    add_to(&into->seen, books.seen);
    for (size_t reason = 0; reason < size_t(Reason::kCount); reason++) add_to(&into->excluded[reason], books.excluded[reason]);
  }
  static void add_to(Tally::Count* into, const Tally::Count& count) {
    into->packets += count.packets;
    into->bytes += count.bytes;
  }

  std::vector<Interface> all_;
  Interface gone_;
  std::deque<DropReport> drops_;
  int64_t window_seconds_;
  EniOf eni_of_;
  std::unique_ptr<uint32_t[]> enis_;
};

}  // namespace windrow
