// What a decoder counts while it reads a chunk: the books of each interface, to be added to those of the capture once it
// is certain that the chunk was read from the right place.
#pragma once
#include <cstdint>
#include <vector>

#include "packet.h"

namespace windrow {

class Tally {
 public:
  struct Count {
    uint64_t packets = 0, bytes = 0;
  };
  struct Books {
    Count seen;
    Count excluded[size_t(Reason::kCount)];
  };

  [[gnu::always_inline]] void add(uint16_t interface, uint32_t bytes, Reason reason) {
    if (__builtin_expect(interface >= all_.size(), 0)) all_.resize(interface + 1u);
    Books& books = all_[interface];
    if (__builtin_expect(books.seen.packets == 0, 0)) touched_.push_back(interface);
    books.seen.packets++;
    books.seen.bytes += bytes;
    if (__builtin_expect(reason == Reason::kNone, 1)) return;
    books.excluded[size_t(reason)].packets++;
    books.excluded[size_t(reason)].bytes += bytes;
  }

  // Calls visit(interface, books) for each interface with packets.
  template <typename Visit>
  void each(Visit visit) const {
    for (uint16_t interface : touched_) visit(interface, all_[interface]);
  }

  void clear() {
    for (uint16_t interface : touched_) all_[interface] = Books();
    touched_.clear();
  }

 private:
  std::vector<Books> all_;
  std::vector<uint16_t> touched_;
};

}  // namespace windrow
