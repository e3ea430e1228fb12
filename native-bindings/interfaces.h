// The interfaces of a capture, and what readers have to say besides records.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "link_types.h"

namespace windrow {

constexpr uint32_t kMostInterfaces = 8192;  // each has up to five observation points, numbered in 16 bits

// Counted for each interface number; the same number in every section and file is the same interface.
struct Interface {
  bool declared = false;
  uint32_t link_type = 0;     // of its latest declaration
  bool is_supported = false;  // of any
  std::string name;        // if_name of its first declaration, where it has one
  uint64_t packets = 0, bytes = 0;  // seen
  uint64_t excluded_packets[size_t(Reason::kCount)] = {};
  uint64_t excluded_bytes[size_t(Reason::kCount)] = {};
  uint64_t dropped = 0;  // what the capturing kernel or driver reported as lost
  bool has_drops = false;
  int64_t drops_from = 0, drops_to = 0;  // windows of its latest run of drop reports
};

// Windows in which a capture reports drops (Interface Statistics Block), to become SKIPDATA entries.
struct DropReport {
  uint16_t interface = 0;
  uint64_t packets = 0;
  int64_t from_window = 0, to_window = 0;
};

class Interfaces {
 public:
  explicit Interfaces(int64_t window_seconds = 1) : window_seconds_(window_seconds) {}

  // False when the number is beyond what flow keys can hold.
  bool declare(uint32_t number, uint32_t link_type, const std::string& name) {
    if (number >= kMostInterfaces) return false;
    if (number >= all_.size()) all_.resize(number + 1);
    Interface& interface = all_[number];
    if (!interface.declared) interface.name = name;
    interface.declared = true;
    interface.is_supported |= is_link_type_supported(link_type);
    interface.link_type = link_type;
    return true;
  }
  Interface& operator[](uint32_t number) { return all_[number]; }
  const std::vector<Interface>& all() const { return all_; }
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
    if (from <= to) drops_.push_back({number, packets, from, to});
  }
  std::deque<DropReport>& drops() { return drops_; }

 private:
  std::vector<Interface> all_;
  std::deque<DropReport> drops_;
  int64_t window_seconds_;
};

}  // namespace windrow
