// What an address belongs to, by the longest prefix: in layers over few prefixes, and by hash over many.
#pragma once
#include <algorithm>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <vector>

#include "bytes.h"
#include "hash.h"
#include "pages.h"

namespace windrow {

// Addresses as numbers.
using Ipv4 = uint32_t;
struct Ipv6 {
  uint64_t hi = 0, lo = 0;
  auto operator<=>(const Ipv6&) const = default;
};

inline Ipv4 load_address(const uint8_t* cell, Ipv4) { return load_be32(cell); }
inline Ipv6 load_address(const uint8_t* cell, Ipv6) { return {load_be64(cell), load_be64(cell + 8)}; }

template <typename Address>
constexpr uint32_t kBitsOf = sizeof(Address) * 8;

// Ones where a prefix of so many bits has bits.
inline Ipv4 prefix_mask(uint32_t length, Ipv4) { return length == 0 ? 0 : UINT32_MAX << (32 - length); }
inline Ipv6 prefix_mask(uint32_t length, Ipv6) {
  uint64_t hi = length >= 64 ? UINT64_MAX : length == 0 ? 0 : UINT64_MAX << (64 - length);
  uint64_t lo = length <= 64 ? 0 : UINT64_MAX << (128 - length);
  return {hi, lo};
}
inline Ipv4 masked(Ipv4 a, Ipv4 mask) { return a & mask; }
inline Ipv6 masked(Ipv6 a, Ipv6 mask) { return {a.hi & mask.hi, a.lo & mask.lo}; }

template <typename Address>
struct AddressPrefix {
  Address first{};
  uint8_t length = 0;
  Address mask() const { return prefix_mask(length, first); }
  bool holds(Address a) const { return masked(a, mask()) == first; }
  // Ones after the prefix.
  Address last() const {
    Address m = mask();
    if constexpr (sizeof(Address) == 4) return first | ~m;
    else return {first.hi | ~m.hi, first.lo | ~m.lo};
  }
};

// A value for every address. Prefixes are layers: each sets some bits of what is below it, the longer above the shorter,
// and of equals the later above the earlier. Flattened into disjoint ranges: few of them, so that they stay in the cache.
template <typename Address>
class PrefixMap {
 public:
  struct Layer {
    AddressPrefix<Address> prefix;
    uint32_t mask = 0, bits = 0;
  };

  PrefixMap() : PrefixMap({}, 0) {}
  PrefixMap(std::vector<Layer> layers, uint32_t base) {
    std::stable_sort(layers.begin(), layers.end(), [](const Layer& a, const Layer& b) {
      return a.prefix.first != b.prefix.first ? a.prefix.first < b.prefix.first : a.prefix.length < b.prefix.length;
    });
    begin(Address{}, base);
    struct Open {
      Address last;
      uint32_t below;
    };
    std::vector<Open> open;  // each inside the one before it
    auto close_before = [&](Address next, bool is_end) {
      while (!open.empty() && (is_end || open.back().last < next)) {
        Address after = open.back().last;
        if (increment(&after)) begin(after, open.back().below);
        open.pop_back();
      }
    };
    for (const Layer& layer : layers) {
      close_before(layer.prefix.first, false);
      uint32_t below = values_.back();
      open.push_back({layer.prefix.last(), below});
      begin(layer.prefix.first, (below & ~layer.mask) | layer.bits);
    }
    close_before({}, true);
  }

  // Of the range that begins last before the address or at it. No branch depends on the address.
  uint32_t find(Address a) const {
    size_t at = 0;
    for (size_t left = firsts_.size(); left > 1;) {
      size_t half = left / 2;
      at = firsts_[at + half] <= a ? at + half : at;
      left -= half;
    }
    return values_[at];
  }
  size_t ranges() const { return firsts_.size(); }

 private:
  void begin(Address first, uint32_t value) {
    if (!firsts_.empty() && firsts_.back() == first) {
      values_.back() = value;
    } else {
      firsts_.push_back(first);
      values_.push_back(value);
    }
  }
  // False at the last of all addresses.
  static bool increment(Ipv4* a) { return ++*a != 0; }
  static bool increment(Ipv6* a) { return ++a->lo != 0 || ++a->hi != 0; }

  std::vector<Address> firsts_;  // ascending, beginning with 0
  std::vector<uint32_t> values_;
};

// Prefixes of many spaces of addresses (each VPC is one), and a value for each: one table of all, asked once for each length
// that there is. Of a million scattered addresses, ranges took 37 to 280 ns a look, this takes 17 to 60.
template <typename Address>
class AddressMap {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kMostSpaces = 1 << 24;

  AddressMap() : AddressMap(0) {}
  explicit AddressMap(size_t most)
      : mask_(std::bit_ceil(most * 2 + 1) - 1), memory_((mask_ + 1) * sizeof(Slot), Pages::Size::kHuge), slots_(memory_.as<Slot>()) {}

  // At most as many as there is room for. Where it is there already, the first stays: false.
  bool add(uint32_t space, const AddressPrefix<Address>& prefix, uint32_t value) {
    Slot& slot = slots_[slot_of(space, prefix)];
    if (!slot.is_free()) return false;
    slot = {prefix.first, tag(space, prefix.length), value + 1};
    auto at = std::find_if(lengths_.begin(), lengths_.end(), [&](uint8_t l) { return l <= prefix.length; });
    if (at == lengths_.end() || *at != prefix.length) lengths_.insert(at, prefix.length);
    return true;
  }

  // The value of the longest prefix that holds the address, or kNone.
  uint32_t find(uint32_t space, Address a) const {
    for (uint8_t length : lengths_) {
      uint32_t value = exact(space, {masked(a, prefix_mask(length, a)), length});
      if (value != kNone) return value;
    }
    return kNone;
  }

  // Calls with the value of each prefix that holds the address, the longest first.
  template <typename Visit>
  void each(uint32_t space, Address a, Visit visit) const {
    for (uint8_t length : lengths_) {
      uint32_t value = exact(space, {masked(a, prefix_mask(length, a)), length});
      if (value != kNone) visit(value);
    }
  }

  uint32_t exact(uint32_t space, const AddressPrefix<Address>& prefix) const { return slots_[slot_of(space, prefix)].value_plus_1 - 1; }
  // Of a prefix that was added.
  void change(uint32_t space, const AddressPrefix<Address>& prefix, uint32_t value) { slots_[slot_of(space, prefix)].value_plus_1 = value + 1; }

 private:
  struct Slot {
    Address first{};
    uint32_t tag = 0;
    uint32_t value_plus_1 = 0;  // as memory begins with zeros; kNone comes out where it is one
    bool is_free() const { return value_plus_1 == 0; }
  };

  static uint32_t tag(uint32_t space, uint8_t length) { return space << 8 | length; }

  // That of the prefix, or the one where it would stand. At least one is free.
  size_t slot_of(uint32_t space, const AddressPrefix<Address>& prefix) const {
    uint64_t wanted = tag(space, prefix.length), hash;
    if constexpr (sizeof(Address) == 4) hash = hash_words(prefix.first, wanted, {});
    else hash = hash_words(prefix.first.hi ^ wanted << 32 ^ wanted, prefix.first.lo, {});
    size_t at = size_t(hash) & mask_;
    for (; !slots_[at].is_free(); at = (at + 1) & mask_)
      if (slots_[at].tag == wanted && slots_[at].first == prefix.first) break;
    return at;
  }

  size_t mask_;
  Pages memory_;
  Slot* slots_;
  std::vector<uint8_t> lengths_;  // that occur, the longest first
};

}  // namespace windrow
