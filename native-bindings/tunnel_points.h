// Observation points inside of tunnels: which VNI at which interface. Numbered by whoever meets one first, without a lock.
#pragma once
#include <algorithm>
#include <atomic>
#include <bit>
#include <memory>

#include "hash.h"
#include "packet.h"

namespace windrow {

// In place of a VNI: one that no ENI has; one that there was no room for.
constexpr uint32_t kOtherVni = kMostVni + 1, kTooManyVnis = kMostVni + 2;

struct TunnelPoint {
  uint32_t vni;
  uint16_t interface;
  bool is_rejected;
};

// A number is the place of its point in a table that does not grow: any thread may ask for the point of a number that it
// has got, and for the number of a point.
class TunnelPoints {
 public:
  static constexpr uint32_t kMost = 1 << 22, kLeast = 1 << 16, kMostNumbers = kMost + 2 * (UINT16_MAX + 1);

  // Room for so many VNIs at some interfaces each, and for a few at all that there may be.
  explicit TunnelPoints(size_t vnis)
      : mask_(uint32_t(std::clamp<size_t>(std::bit_ceil(vnis * 16), kLeast, kMost) - 1)), points_(new std::atomic<uint64_t>[mask_ + 1]()) {}

  uint32_t number_of(const TunnelPoint& point) {
    const uint64_t wanted = packed(point);
    uint32_t at = uint32_t(hash_words(wanted, 0, {})) & mask_;
    for (int i = 0; i < kMostLooks; i++, at = (at + 1) & mask_) {
      uint64_t found = points_[at].load(std::memory_order_relaxed);
      if (found == 0 && points_[at].compare_exchange_strong(found, wanted, std::memory_order_relaxed)) return at;
      if (found == wanted) return at;
    }
    // Of what VNI the packet is cannot be kept: it is of no ENI.
    return mask_ + 1 + point.interface * 2u + point.is_rejected;
  }

  TunnelPoint at(uint32_t number) const {
    if (number > mask_) return {kTooManyVnis, uint16_t((number - mask_ - 1) / 2), bool((number - mask_ - 1) & 1)};
    const uint64_t point = points_[number].load(std::memory_order_relaxed);
    return {uint32_t(point >> 32 & INT32_MAX), uint16_t(point), bool(point >> 16 & 1)};
  }

 private:
  static constexpr int kMostLooks = 64;

  // Never 0, which is a free place.
  static uint64_t packed(const TunnelPoint& point) {
    return uint64_t(1) << 63 | uint64_t(point.vni) << 32 | uint64_t(point.is_rejected) << 16 | point.interface;
  }

  uint32_t mask_;
  std::unique_ptr<std::atomic<uint64_t>[]> points_;
};

}  // namespace windrow
