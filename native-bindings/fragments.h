// Which flow a later fragment belongs to: the ports of first fragments, remembered for 30 seconds of packet time.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

#include "hash.h"
#include "packet.h"

namespace windrow {

struct FragmentKey {
  uint64_t source[2] = {0, 0}, destination[2] = {0, 0};
  uint32_t identification = 0;
  uint16_t protocol = 0;  // 0x100 for IPv6, where the identification alone tells (RFC 8200 section 4.5)
  uint16_t version = 0;
  uint64_t vni = kNoVni;  // what is inside of tunnels is another network in each
};
static_assert(sizeof(FragmentKey) == 48);

struct FragmentPorts {
  uint16_t source = 0, destination = 0;
  uint8_t protocol = 0;
  bool has_ports = false;
};

constexpr int64_t kFragmentSeconds = 30;

// A fragment that was met where nobody knows the fragments before it.
struct FragmentNote {
  FragmentKey key;
  FragmentPorts ports;  // of a first fragment
  int64_t sec = 0;
  uint32_t nsec = 0;
  bool is_first = false;
  // Of a later fragment: its packet, still without ports, its record in the chunk, and the mark at it.
  Packet packet;
  uint16_t index = 0;
  int64_t mark = 0;
};

// A bounded table: 4-way sets, the oldest of a set gives way. 64 Ki first fragments within 30 s are kept at least
// as long as they spread; beyond that a later fragment loses its ports, never its packet.
class Fragments {
 public:
  explicit Fragments(const HashSeed& seed) : seed_(seed) {}

  void remember(const FragmentKey& key, const FragmentPorts& ports, int64_t sec, uint32_t nsec) {
    if (sets_.empty()) sets_.resize(kSets * kWays);
    Entry* set = &sets_[place(key)];
    Entry* victim = set;
    for (int i = 0; i < kWays; i++) {
      if (set[i].used && memcmp(&set[i].key, &key, sizeof key) == 0) {
        victim = &set[i];
        break;
      }
      if (!set[i].used || set[i].stamp < victim->stamp) victim = &set[i];
      if (!victim->used) break;
    }
    *victim = Entry{key, ports, sec, nsec, true, ++stamp_};
  }

  // The ports of the first fragment, or null if it was not seen, or more than 30 s ago.
  const FragmentPorts* find(const FragmentKey& key, int64_t sec, uint32_t nsec) const {
    if (sets_.empty()) return nullptr;
    const Entry* set = &sets_[place(key)];
    for (int i = 0; i < kWays; i++) {
      if (!set[i].used || memcmp(&set[i].key, &key, sizeof key) != 0) continue;
      int64_t age = sec - set[i].sec;
      bool fresh = age < kFragmentSeconds || (age == kFragmentSeconds && nsec <= set[i].nsec);
      return fresh ? &set[i].ports : nullptr;
    }
    return nullptr;
  }

 private:
  static constexpr int kSets = 1 << 14, kWays = 4;
  struct Entry {
    FragmentKey key;
    FragmentPorts ports;
    int64_t sec = 0;
    uint32_t nsec = 0;
    bool used = false;
    uint64_t stamp = 0;
  };
  size_t place(const FragmentKey& key) const { return (hash_bytes(&key, sizeof key, seed_) & (kSets - 1)) * kWays; }

  HashSeed seed_;
  uint64_t stamp_ = 0;
  std::vector<Entry> sets_;
};

}  // namespace windrow
