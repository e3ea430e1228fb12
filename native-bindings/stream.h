// What a decoder hands to a shard: packets packed into 32 or 64 bytes in the order of the capture, and the watermark
// wherever the shard has to know it.
#pragma once
#include <cstring>

#include "packet.h"
#include "pages.h"

namespace windrow {

// kMark: the watermark rises to a value. kBase: times count from a value from here on. kOwed4, kOwed6: a packet that the
// firewall has rejected, and that the flow has counted as accepted, or will yet.
enum class ItemKind : uint8_t { kPacket4 = 0, kPacket6, kMark, kBase, kOwed4, kOwed6 };

struct alignas(16) ItemHead {
  uint32_t tag = 0;    // low half of the key's hash
  uint32_t bytes = 0;  // layer 3
  int32_t sec = 0;     // packet time, in seconds since the stream's base
  uint16_t index = 0;  // of the record in its chunk
  uint8_t flags = 0;   // TCP flag octet
  uint8_t what = 0;    // direction, untimed, kind

  static uint8_t what_of(ItemKind kind, bool untimed, uint8_t direction) {
    return uint8_t(uint8_t(kind) << 2 | uint8_t(untimed) << 1 | direction);
  }
  ItemKind kind() const { return ItemKind(what >> 2); }
  bool untimed() const { return what & 2; }
  uint8_t direction() const { return what & 1; }
};

static_assert(sizeof(ItemHead) == 16 && offsetof(ItemHead, bytes) == 4 && offsetof(ItemHead, index) == 12 && offsetof(ItemHead, what) == 15);

template <typename Key>
struct alignas(32) Item {
  ItemHead head;
  Key key;
};
static_assert(sizeof(Item<Key4>) == 32);
static_assert(sizeof(Item<Key6>) == 64);

// What a packet has besides its key.
struct ItemFields {
  int64_t sec;
  uint32_t tag, bytes;
  uint16_t index;
  uint8_t flags, direction;
  bool untimed;
};

// A Key4 as words.
struct WordKey {
  uint64_t words[2];
};
static_assert(sizeof(WordKey) == sizeof(Key4));

struct alignas(32) Event {
  ItemHead head;
  int64_t value;
};
static_assert(sizeof(Event) == 32);

inline bool is_v6(ItemKind kind) { return kind == ItemKind::kPacket6 || kind == ItemKind::kOwed6; }
inline size_t size_of(const ItemHead& item) { return is_v6(item.kind()) ? sizeof(Item<Key6>) : sizeof(Item<Key4>); }

// The packets of one chunk for one shard.
class Stream {
 public:
  // A record makes at most one packet, and moves the mark and the base at most once.
  static constexpr size_t kMostOfRecord = sizeof(Item<Key6>) + 2 * sizeof(Event);
  static constexpr int64_t kNothingTold = INT64_MIN;

  explicit Stream(size_t records) : memory_(records * kMostOfRecord) { clear(); }

  void clear() {
    end_ = begin();
    base_ = 0;
    told_ = kNothingTold;
  }
  uint8_t* begin() const { return memory_.as<uint8_t>(); }
  uint8_t* end() const { return end_; }

  [[gnu::always_inline]] void tell_mark(int64_t mark, uint16_t index) {
    if (__builtin_expect(mark == told_, 1)) return;
    told_ = mark;
    put_event(ItemKind::kMark, mark, index);
  }

  template <typename Key>
  [[gnu::always_inline]] void put(const Key& key, ItemKind kind, const ItemFields& f) {
    if (__builtin_expect(f.sec - base_ != int32_t(f.sec - base_), 0)) {
      base_ = f.sec;
      put_event(ItemKind::kBase, base_, f.index);
    }
    // Written in whole words, as ItemHead lies in memory: it is read back soon.
    uint64_t words[2] = {uint64_t(f.bytes) << 32 | f.tag,
                         uint64_t(ItemHead::what_of(kind, f.untimed, f.direction)) << 56 | uint64_t(f.flags) << 48 |
                             uint64_t(f.index) << 32 | uint32_t(f.sec - base_)};
    memcpy(end_, words, sizeof words);
    memcpy(end_ + sizeof words, &key, sizeof key);
    end_ += sizeof(Item<Key>);
  }

 private:
  [[gnu::noinline]] void put_event(ItemKind kind, int64_t value, uint16_t index) {
    auto* event = reinterpret_cast<Event*>(end_);
    event->head = ItemHead();
    event->head.index = index;
    event->head.what = ItemHead::what_of(kind, false, 0);
    event->value = value;
    end_ += sizeof(Event);
  }

  Pages memory_;
  uint8_t* end_ = nullptr;
  int64_t base_ = 0;
  int64_t told_ = kNothingTold;
};

}  // namespace windrow
