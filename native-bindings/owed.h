// Packets that flows have counted as accepted, or will yet, and that the firewall has rejected: what it tells comes on
// another way than the packets, before them or after. They are settled when the flow's window gives its rows.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <unordered_map>

#include "hash.h"
#include "packet.h"
#include "rows.h"
#include "tally.h"

namespace windrow {

class Owed {
 public:
  // Logged as rejected, less what was taken from accepted: 0 where the ring had shown all that the firewall told of, and
  // super-frames were rejected as the packets that they were counted as.
  struct Balance {
    int64_t packets = 0, bytes = 0;
  };

  Owed(const HashSeed& seed, size_t most) : most_(most), v4_(0, Hash{seed}), v6_(0, Hash{seed}) {}

  bool is_empty() const { return v4_.empty() && v6_.empty(); }
  const Balance& unseen() const { return unseen_; }

  template <typename Key>
  void add(const Key& key, uint8_t direction, int64_t window, uint32_t bytes) {
    // Only rings that lose packets can leave so many that nobody pays.
    if (v4_.size() + v6_.size() >= most_) close([](int64_t) { return true; });
    Tally::Count& owed = of<Key>()[{key, window, direction}];
    owed.packets++;
    owed.bytes += bytes;
  }

  // Takes from `counted` what is owed of it. True when no packet is left.
  template <typename Key>
  bool pay(const Key& key, uint8_t direction, int64_t window, Counted* counted) {
    auto& all = of<Key>();
    auto it = all.find({key, window, direction});
    if (it == all.end()) return false;
    Tally::Count& owed = it->second;
    uint64_t packets = std::min(owed.packets, counted->packets), bytes = std::min(owed.bytes, counted->bytes);
    counted->packets -= packets;
    counted->bytes -= bytes;
    owed.packets -= packets;
    owed.bytes -= bytes;
    if (owed.packets == 0) {
      unseen_.bytes += int64_t(owed.bytes);
      all.erase(it);
    }
    if (counted->packets > 0) return false;
    unseen_.bytes -= int64_t(counted->bytes);
    return true;
  }

  // Of these windows no accepted packet comes any more.
  template <typename IsClosed>
  void close(IsClosed is_closed) {
    auto settle = [&](auto& all) {
      std::erase_if(all, [&](const auto& one) {
        if (!is_closed(one.first.window)) return false;
        unseen_.packets += int64_t(one.second.packets);
        unseen_.bytes += int64_t(one.second.bytes);
        return true;
      });
    };
    settle(v4_);
    settle(v6_);
  }

 private:
  template <typename Key>
  struct Place {
    Key key;
    int64_t window;
    uint8_t direction;
    bool operator==(const Place& o) const {
      return window == o.window && direction == o.direction && memcmp(&key, &o.key, sizeof key) == 0;
    }
  };
  struct Hash {
    HashSeed seed;
    template <typename Key>
    size_t operator()(const Place<Key>& at) const {
      return fold(hash_bytes(&at.key, sizeof at.key, seed) ^ uint64_t(at.window), 0x9e3779b97f4a7c15 + at.direction);
    }
  };
  template <typename Key>
  using All = std::unordered_map<Place<Key>, Tally::Count, Hash>;

  template <typename Key>
  All<Key>& of() {
    if constexpr (sizeof(Key) == sizeof(Key4)) return v4_;
    else return v6_;
  }

  size_t most_;
  All<Key4> v4_;
  All<Key6> v6_;
  Balance unseen_;
};

}  // namespace windrow
