// pcapng: https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng
#pragma once
#include <algorithm>
#include <vector>

#include "bytes.h"
#include "decoder.h"
#include "interfaces.h"
#include "span.h"

namespace windrow {

constexpr uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr uint64_t kMostBlock = 16u << 20;  // of a block that has to be held whole; libpcap's bound as well

class PcapngReader {
 public:
  // Without `interfaces` only packets are read: kStateful stands for blocks that say how to read them, or what was lost.
  Step next(Span* span, Interfaces* interfaces, Record* r) {
    for (;;) {
      if (skip_) {
        size_t some = skip_ < span->left() ? size_t(skip_) : span->left();
        span->position += some;
        skip_ -= some;
        if (skip_) return span->eof ? span->damaged(Damage::kBlockCut, skip_ + 4) : span->need(1);
        is_at_trailer_ = true;
      }
      if (is_at_trailer_) {
        if (span->left() < 4) return span->eof ? span->damaged(Damage::kBlockCut, 4 - span->left()) : span->need(4);
        uint32_t length = order_.u32(span->here());
        if (rounded(length) != skipped_length_) return span->damaged(Damage::kBlockLies, length);
        span->position += 4;
        is_at_trailer_ = false;
      }
      size_t left = span->left();
      if (left < 12) {
        if (!span->eof) return span->need(12);
        return left == 0 ? Step::kEnd : span->damaged(Damage::kBlockCut, 12 - left);
      }
      const uint8_t* p = span->here();
      if (load_le32(p) == kSectionHeader) {
        if (!interfaces) return Step::kStateful;
        if (left < 28) return span->eof ? span->damaged(sections_ ? Damage::kBlockCut : Damage::kHeaderCut, left) : span->need(28);
        if (!read_order(p)) return span->damaged(sections_ ? Damage::kBlockLies : Damage::kNotACapture, load_be32(p + 8));
      }
      uint32_t type = order_.u32(p);
      if (!interfaces && (type == kSectionHeader || type == 1 || type == 5)) return Step::kStateful;
      uint64_t length = rounded(order_.u32(p + 4));
      if (length < 12 || (sections_ == 0 && length > kMostBlock))
        return span->damaged(sections_ ? Damage::kBlockLies : Damage::kNotACapture, length);
      bool is_held = type == kSectionHeader || type == 1 || type == 2 || type == 3 || type == 5 || type == 6;
      if (type == 5 && length > kMostBlock) is_held = false;  // no packet in it
      if (!is_held) {
        skip_ = length - 4;
        skipped_length_ = length;
        continue;
      }
      if (length > kMostBlock) return span->damaged(Damage::kBlockLies, length);
      if (left < length) {
        if (!span->eof) return span->need(size_t(length));
        bool is_first = sections_ == 0;
        return span->damaged(is_first ? Damage::kHeaderCut : Damage::kBlockCut, is_first ? left : length - left);
      }
      if (rounded(order_.u32(p + length - 4)) != length)
        return span->damaged(sections_ ? Damage::kBlockLies : Damage::kNotACapture, order_.u32(p + length - 4));
      Step step = block(span, interfaces, type, p + 8, uint32_t(length - 12), r);
      if (step == Step::kDamaged) return step;
      span->position += length;
      if (step == Step::kRecord) return step;
    }
  }

  // Whether the next byte begins a block.
  bool is_between() const { return skip_ == 0 && !is_at_trailer_; }
  // Grows with everything that changes how packets are read.
  uint64_t changes() const { return changes_; }
  // Packets alone can be read from here on: nothing that the first packet decides is open.
  bool is_settled() const { return has_first_; }

  // Where in the span a packet's block begins, as far as a look can tell: some blocks of packets follow one
  // another. SIZE_MAX where nothing looks like it.
  size_t guess(const Span& span) const {
    for (size_t at = (4 - span.base % 4) % 4; at + 12 <= span.size; at += 4) {
      size_t next = at;
      uint64_t length;
      int chained = 0;
      while (chained < kLikelyBlocks && next + 12 <= span.size && is_likely_packet(span.data + next, &length) && next + length <= span.size &&
             rounded(order_.u32(span.data + next + length - 4)) == length) {
        next += length;
        chained++;
      }
      if (chained == kLikelyBlocks || (chained > 1 && next + 12 > span.size)) return at;
    }
    return SIZE_MAX;
  }

 private:
  static constexpr int kLikelyBlocks = 4;

  // Lengths are multiples of four, which some writers forget.
  static uint64_t rounded(uint32_t length) { return (uint64_t(length) + 3) & ~3ull; }

  // What a section says of one of its interfaces.
  struct Declared {
    uint32_t link_type = 0, snap_length = 0, fcs = 0;
    uint8_t resolution = 6;  // if_tsresol: a power of ten, or of two with the high bit
    int64_t offset = 0;      // if_tsoffset, seconds
    uint64_t drops = 0;      // of the latest statistics
    bool has_statistics = false;
    int64_t statistics_sec = 0;
  };

  // Takes on the byte order of the section header at `p`; false if it is none that can be read.
  bool read_order(const uint8_t* p) {
    uint32_t magic = load_le32(p + 8);
    if (magic != 0x1a2b3c4d && magic != 0x4d3c2b1a) return false;
    order_.big = magic == 0x4d3c2b1a;
    return order_.u16(p + 12) == 1 && order_.u32(p + 4) >= 28;
  }

  Step block(Span* span, Interfaces* interfaces, uint32_t type, const uint8_t* body, uint32_t size, Record* r) {
    switch (type) {
      case 1: return describe(span, interfaces, body, size);
      case 2: return packet(span, body, size, true, r);
      case 3: return simple(span, body, size, r);
      case 5: return statistics(span, interfaces, body, size);
      case 6: return packet(span, body, size, false, r);
      case kSectionHeader:
        changes_++;
        sections_++;
        declared_.clear();
        return Step::kNothing;
      default: return Step::kNothing;
    }
  }

  // Calls visit(code, value, length) for each option until the end of options or of the block.
  template <typename Visit>
  void options(const uint8_t* p, uint32_t size, Visit visit) {
    while (size >= 4) {
      uint16_t code = order_.u16(p), length = order_.u16(p + 2);
      uint32_t padded = (length + 3u) & ~3u;
      if (code == 0 || length > size - 4) return;
      visit(code, p + 4, length);
      if (padded > size - 4) return;
      p += 4 + padded;
      size -= 4 + padded;
    }
  }

  Step describe(Span* span, Interfaces* interfaces, const uint8_t* body, uint32_t size) {
    if (size < 8) return span->damaged(Damage::kBlockLies, size);
    Declared d;
    d.link_type = order_.u16(body);
    d.snap_length = order_.u32(body + 4);
    std::string name;
    options(body + 8, size - 8, [&](uint16_t code, const uint8_t* v, uint16_t n) {
      if (code == 2) name.assign(reinterpret_cast<const char*>(v), n);
      if (code == 9 && n >= 1) d.resolution = v[0];
      if (code == 13 && n >= 1) d.fcs = v[0];
      if (code == 14 && n >= 8) d.offset = int64_t(order_.u64(v));
    });
    while (!name.empty() && name.back() == '\0') name.pop_back();
    if (!interfaces->declare(uint32_t(declared_.size()), d.link_type, name))
      return span->damaged(Damage::kTooManyInterfaces, declared_.size() + 1);
    declared_.push_back(d);
    changes_++;
    return Step::kNothing;
  }

  // Units since the epoch to seconds and nanoseconds; any resolution that eight bits can name.
  static void to_time(const Declared& d, uint64_t units, int64_t* sec, uint32_t* nsec) {
    uint64_t seconds = 0;
    uint64_t rest = 0;
    if (d.resolution == 6) {
      seconds = units / 1000000;
      rest = units % 1000000 * 1000;
    } else if (d.resolution == 9) {
      seconds = units / 1000000000;
      rest = units % 1000000000;
    } else if (d.resolution & 0x80) {
      uint8_t bits = d.resolution & 0x7f;
      if (bits < 64) {
        seconds = units >> bits;
        uint64_t fraction = units & ((1ull << bits) - 1);
        rest = uint64_t(static_cast<unsigned __int128>(fraction) * 1000000000u >> bits);
      } else if (bits < 96) {
        rest = uint64_t(static_cast<unsigned __int128>(units) * 1000000000u >> bits);
      }
    } else {
      unsigned __int128 per_second = 1;
      for (int i = 0; i < d.resolution && i < 29; i++) per_second *= 10;
      seconds = uint64_t(units / per_second);
      rest = uint64_t((units - seconds * per_second) * 1000000000u / per_second);
    }
    constexpr int64_t kMost = 1ll << 52;  // stays exact as a JavaScript number
    int64_t whole = seconds > uint64_t(kMost) ? kMost : int64_t(seconds);
    int64_t offset = d.offset > kMost ? kMost : d.offset < -kMost ? -kMost : d.offset;
    whole += offset;
    *sec = whole > kMost ? kMost : whole < -kMost ? -kMost : whole;
    *nsec = uint32_t(rest);
  }

  Step packet(Span* span, const uint8_t* body, uint32_t size, bool is_obsolete, Record* r) {
    if (size < 20) return span->damaged(Damage::kBlockLies, size);
    uint32_t number = is_obsolete ? order_.u16(body) : order_.u32(body);
    if (number >= declared_.size()) return span->damaged(Damage::kInterfaceUnknown, number);
    const Declared& d = declared_[number];
    uint32_t captured = order_.u32(body + 12);
    if (captured > size - 20) return span->damaged(Damage::kRecordLies, captured);
    if (captured > kMostCaptured) return span->damaged(Damage::kRecordLies, captured);
    fill(r, d, number, body + 20, captured, order_.u32(body + 16));
    to_time(d, uint64_t(order_.u32(body + 4)) << 32 | order_.u32(body + 8), &r->sec, &r->nsec);
    r->untimed = false;
    if (!has_first_) has_first_ = true, first_sec_ = r->sec;
    uint32_t padded = (captured + 3) & ~3u;
    if (size - 20 > padded) {
      options(body + 20 + padded, size - 20 - padded, [&](uint16_t code, const uint8_t* v, uint16_t n) {
        if (code != 2 || n < 4) return;
        uint32_t way = order_.u32(v) & 3;  // 1 inbound, 2 outbound
        if (way == 1) r->hint = Hint::kIn;
        if (way == 2) r->hint = Hint::kOut;
      });
    }
    return Step::kRecord;
  }

  Step simple(Span* span, const uint8_t* body, uint32_t size, Record* r) {
    if (size < 4) return span->damaged(Damage::kBlockLies, size);
    if (declared_.empty()) return span->damaged(Damage::kInterfaceUnknown, 0);
    const Declared& d = declared_[0];
    uint32_t wire = order_.u32(body), captured = wire < size - 4 ? wire : size - 4;
    if (d.snap_length && captured > d.snap_length) captured = d.snap_length;
    if (captured > kMostCaptured) return span->damaged(Damage::kRecordLies, captured);
    fill(r, d, 0, body + 4, captured, wire);
    r->sec = 0;
    r->nsec = 0;
    r->untimed = true;
    return Step::kRecord;
  }

  void fill(Record* r, const Declared& d, uint32_t number, const uint8_t* data, uint32_t captured, uint32_t wire) const {
    r->data = data;
    r->captured = captured;
    r->wire = wire;
    r->fcs = d.fcs;
    r->link_type = d.link_type;
    r->interface = uint16_t(number);
    r->hint = Hint::kNone;
  }

  Step statistics(Span* span, Interfaces* interfaces, const uint8_t* body, uint32_t size) {
    if (size < 12) return span->damaged(Damage::kBlockLies, size);
    uint32_t number = order_.u32(body);
    if (number >= declared_.size()) return Step::kNothing;
    Declared& d = declared_[number];
    auto time_at = [&](const uint8_t* v) {
      int64_t sec;
      uint32_t nsec;
      to_time(d, uint64_t(order_.u32(v)) << 32 | order_.u32(v + 4), &sec, &nsec);
      return sec;
    };
    int64_t to_sec = time_at(body + 4), start_sec = 0;
    bool has_start = false;
    uint64_t drops = 0;
    options(body + 12, size - 12, [&](uint16_t code, const uint8_t* v, uint16_t n) {
      if (n < 8) return;
      if (code == 2) has_start = true, start_sec = time_at(v);
      if (code == 3) to_sec = time_at(v);
      if (code == 5 || code == 7) drops += order_.u64(v);
    });
    // The drops happened since the statistics before, or since counting began.
    int64_t from_sec = d.has_statistics ? d.statistics_sec : has_start ? start_sec : has_first_ ? first_sec_ : to_sec;
    if (drops > d.drops) interfaces->report_drops(uint16_t(number), drops - d.drops, std::min(from_sec, to_sec), to_sec);
    d.has_statistics = true;
    d.statistics_sec = to_sec;
    d.drops = drops;
    return Step::kNothing;
  }

  // Whether eight bytes at `p` can begin a block that carries a packet and fits among the likely ones.
  bool is_likely_packet(const uint8_t* p, uint64_t* length) const {
    uint32_t type = order_.u32(p), size = order_.u32(p + 4);
    *length = rounded(size);
    return (type == 6 || type == 3 || type == 2) && size >= 16 && *length <= 2 * kMostCaptured;
  }

  ByteOrder order_;
  std::vector<Declared> declared_;
  uint64_t skip_ = 0;  // bytes of a block that nobody wants, but for its trailing length
  uint64_t skipped_length_ = 0;
  bool is_at_trailer_ = false;
  uint32_t sections_ = 0;
  uint64_t changes_ = 0;
  bool has_first_ = false;  // of the file's packets with a time
  int64_t first_sec_ = 0;
};

}  // namespace windrow
