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
};

// Drops that a capture reports (Interface Statistics Block), to become SKIPDATA entries.
struct DropReport {
  uint16_t interface = 0;
  uint64_t packets = 0;
  int64_t from_sec = 0, to_sec = 0;
};

class Interfaces {
 public:
  // False when the number is beyond what flow keys can hold.
  bool declare(uint32_t number, uint32_t link_type, const std::string& name) {
    if (number >= kMostInterfaces) return false;
    if (number >= all_.size()) all_.resize(number + 1);
    Interface& interface = all_[number];
    if (!interface.declared) interface.name = name;
    interface.declared = true;
    interface.is_supported |= is_link_type_supported(link_type);
    interface.link_type = link_type;
    changed_++;
    return true;
  }
  Interface& operator[](uint32_t number) { return all_[number]; }
  const std::vector<Interface>& all() const { return all_; }
  uint32_t changed() const { return changed_; }

  void report_drops(const DropReport& report) {
    all_[report.interface].dropped += report.packets;
    drops_.push_back(report);
  }
  std::deque<DropReport>& drops() { return drops_; }

 private:
  std::vector<Interface> all_;
  std::deque<DropReport> drops_;
  uint32_t changed_ = 0;
};

}  // namespace windrow
