// The bare loop: the least that any flow logger has to do with a capture, and nothing else.
// Reads a classic Ethernet pcap in blocks of 4 MiB, decodes Ethernet and IPv4, and folds packets into two-sided
// slots of 64 bytes in one open-addressing table, in batches so that a slot is fetched before it is needed.
// Nothing is written: no windows, no entries, no checks beyond the length of a record. It bounds what can be hoped for.
//
// bare_loop CAPTURE FLOWS: the table is sized once for FLOWS. Prints packets, bytes and slots in use as JSON.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr size_t kBlockBytes = 4 << 20;
constexpr size_t kRecordMost = 16 + 262144;
constexpr size_t kBatch = 64;

struct alignas(64) Slot {
  uint64_t addresses;  // the smaller one in the upper half
  uint64_t rest;       // ports in the order of the addresses, protocol, and 1 << 40 so that a used slot is never 0
  uint32_t first[2], last[2];
  uint32_t packets[2];
  uint64_t bytes[2];
};
static_assert(sizeof(Slot) == 64);

struct Packet {
  uint64_t addresses, rest, hash;
  uint32_t sec, bytes;
  uint8_t direction, flags;
};

uint16_t be16(const uint8_t* p) { return uint16_t(p[0] << 8 | p[1]); }
uint32_t be32(const uint8_t* p) {
  uint32_t v;
  memcpy(&v, p, 4);
  return __builtin_bswap32(v);
}
uint32_t le32(const uint8_t* p) {
  uint32_t v;
  memcpy(&v, p, 4);
  return v;
}

uint64_t hash_of(uint64_t addresses, uint64_t rest) {
  unsigned __int128 m = static_cast<unsigned __int128>(addresses ^ 0x9e3779b97f4a7c15) * (rest ^ 0xbf58476d1ce4e5b9);
  return uint64_t(m) ^ uint64_t(m >> 64);
}

class Table {
 public:
  explicit Table(uint64_t flows) {
    uint64_t slots = 1024;
    while (slots < flows * 3 / 2) slots *= 2;
    mask_ = slots - 1;
    void* p = mmap(nullptr, slots * sizeof(Slot), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) abort();
    madvise(p, slots * sizeof(Slot), MADV_HUGEPAGE);
    slots_ = static_cast<Slot*>(p);
  }

  void prefetch(uint64_t hash) const { __builtin_prefetch(&slots_[hash & mask_], 1); }

  void add(const Packet& p) {
    uint64_t i = p.hash & mask_;
    while (slots_[i].rest && (slots_[i].addresses != p.addresses || slots_[i].rest != p.rest)) i = (i + 1) & mask_;
    Slot& s = slots_[i];
    if (!s.rest) {
      if (++used > mask_) abort();  // more flows than were announced
      s.addresses = p.addresses;
      s.rest = p.rest;
    }
    int d = p.direction;
    if (!s.packets[d]++) s.first[d] = p.sec;
    s.bytes[d] += p.bytes;
    s.last[d] = p.sec;
  }

  uint64_t used = 0;

 private:
  Slot* slots_;
  uint64_t mask_;
};

// False where it is not TCP or UDP over plain IPv4.
bool decode(const uint8_t* frame, uint32_t captured, uint32_t sec, Packet* p) {
  if (captured < 14 + 20 + 8 || be16(frame + 12) != 0x0800 || frame[14] != 0x45) return false;
  uint8_t protocol = frame[23];
  if ((protocol != 6 && protocol != 17) || (be16(frame + 20) & 0x3fff)) return false;
  uint32_t source = be32(frame + 26), destination = be32(frame + 30);
  uint64_t from = be16(frame + 34), to = be16(frame + 36);
  bool forward = source != destination ? source < destination : from <= to;
  p->direction = !forward;
  p->addresses = forward ? uint64_t(source) << 32 | destination : uint64_t(destination) << 32 | source;
  p->rest = (forward ? from << 16 | to : to << 16 | from) | uint64_t(protocol) << 32 | uint64_t(1) << 40;
  p->hash = hash_of(p->addresses, p->rest);
  p->sec = sec;
  p->bytes = be16(frame + 16);
  p->flags = protocol == 6 && captured >= 48 ? frame[47] : 0;
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  int fd = open(arguments[1], O_RDONLY);
  if (fd < 0) return 1;
  Table table(strtoull(arguments[2], nullptr, 10));
  std::vector<uint8_t> buffer(kBlockBytes + kRecordMost);
  std::vector<Packet> batch(kBatch);
  uint64_t packets = 0, bytes = 0;
  uint32_t flags = 0;
  size_t have = 0, filled = 0;
  auto fold_batch = [&] {
    for (size_t i = 0; i < filled; i++) table.add(batch[i]);
    filled = 0;
  };
  uint8_t header[24];
  if (read(fd, header, sizeof header) != ssize_t(sizeof header) || le32(header) != 0xa1b2c3d4) return 1;
  for (;;) {
    ssize_t got = read(fd, buffer.data() + have, kBlockBytes);
    if (got <= 0) break;
    have += size_t(got);
    const uint8_t* at = buffer.data();
    const uint8_t* end = at + have;
    while (size_t(end - at) >= 16) {
      uint32_t captured = le32(at + 8);
      if (captured > 262144) return 1;
      if (size_t(end - at) < 16 + captured) break;
      Packet& p = batch[filled];
      if (decode(at + 16, captured, le32(at), &p)) {
        table.prefetch(p.hash);
        packets++;
        bytes += p.bytes;
        flags |= p.flags;
        if (++filled == kBatch) fold_batch();
      }
      at += 16 + captured;
    }
    have = size_t(end - at);
    memmove(buffer.data(), at, have);
  }
  fold_batch();
  printf("{\"packets\":%lu,\"bytes\":%lu,\"flows\":%lu,\"flags\":%u}\n", packets, bytes, table.used, flags);
  return 0;
}
