// Classic pcap: https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcap and its older relatives.
#pragma once
#include "bytes.h"
#include "decoder.h"
#include "interfaces.h"
#include "span.h"

namespace windrow {

inline bool is_pcap_magic(const uint8_t* p) {
  uint32_t le = load_le32(p), be = load_be32(p);
  for (uint32_t magic : {0xa1b2c3d4u, 0xa1b23c4du, 0xa1b2cd34u})
    if (le == magic || be == magic) return true;
  return false;
}

class PcapReader {
 public:
  // Reads the 24-byte file header at span->here().
  Step open(Span* span, Interfaces* interfaces) {
    if (span->left() < 24) return span->eof ? span->damaged(Damage::kHeaderCut, span->left()) : span->need(24);
    const uint8_t* p = span->here();
    uint32_t magic = load_be32(p);
    order_.big = magic == 0xa1b2c3d4 || magic == 0xa1b23c4d || magic == 0xa1b2cd34;
    magic = order_.u32(p);
    is_nano_ = magic == 0xa1b23c4d;
    header_ = magic == 0xa1b2cd34 ? 24 : 16;
    uint16_t major = order_.u16(p + 4), minor = order_.u16(p + 6);
    if (major != 2) return span->damaged(Damage::kVersion, uint64_t(major) << 16 | minor);
    is_swapped_ = minor < 3;
    may_be_swapped_ = minor == 3;
    uint32_t word = order_.u32(p + 20);
    fcs_ = word & 0x04000000 ? (word >> 28) * 2 : 0;
    link_type_ = word & 0x03ffffff;
    if (!is_link_type_supported(link_type_)) return span->damaged(Damage::kLinkType, link_type_);
    interfaces->declare(0, link_type_, "");
    span->position += 24;
    return Step::kRecord;
  }

  [[gnu::always_inline]] Step next(Span* span, Record* r) {
    return each(span, UINT64_MAX, [&](const Record& found) {
      *r = found;
      return false;
    });
  }

  // Gives records until `take` says no or offset `end` is reached (both kRecord), or there are no more to be had.
  template <typename Take>
  [[gnu::always_inline]] Step each(Span* span, uint64_t end, Take take) const {
    const ByteOrder order = order_;
    const uint32_t header = header_, unit = is_nano_ ? 1000000000 : 1000000;
    const uint8_t* p = span->here();
    const uint8_t* const limit = span->data + span->size;
    const uint8_t* const stop = end - span->base < span->size ? span->data + (end - span->base) : limit;
    auto at = [&](const uint8_t* here) {
      span->position = size_t(here - span->data);
      return span;
    };
    for (;;) {
      if (p >= stop && end != UINT64_MAX && at(p)->offset() >= end) return Step::kRecord;
      size_t left = size_t(limit - p);
      if (__builtin_expect(left < header, 0)) {
        if (!span->eof) return at(p)->need(header);
        return left == 0 ? (at(p), Step::kEnd) : at(p)->damaged(Damage::kRecordCut, header - left);
      }
      uint32_t captured = order.u32(p + 8), wire = order.u32(p + 12);
      if (__builtin_expect(is_swapped_ || (may_be_swapped_ && captured > wire), 0)) std::swap(captured, wire);
      if (__builtin_expect(captured > kMostCaptured, 0)) return at(p)->damaged(Damage::kRecordLies, captured);
      if (__builtin_expect(left - header < captured, 0)) {
        if (!span->eof) return at(p)->need(header + captured);
        return at(p)->damaged(Damage::kRecordCut, header + captured - left);
      }
      uint32_t fraction = order.u32(p + 4);
      Record r;
      r.sec = order.u32(p);
      if (__builtin_expect(fraction >= unit, 0)) {  // carried, not refused
        r.sec += fraction / unit;
        fraction %= unit;
      }
      r.nsec = is_nano_ ? fraction : fraction * 1000;
      r.captured = captured;
      r.wire = wire;
      r.fcs = fcs_;
      r.link_type = link_type_;
      r.hint = header == 24 ? link::packet_type(p[22]) : Hint::kNone;
      r.data = p + header;
      p += header + captured;
      if (__builtin_expect(!take(r), 0)) {
        at(p);
        return Step::kRecord;
      }
    }
  }

  // Where in the span a record begins, as far as a look can tell: some headers that make sense follow one another, at
  // times that are not far apart. SIZE_MAX where nothing looks like it.
  size_t guess(const Span& span) const {
    for (size_t at = 0; at + header_ <= span.size; at++) {
      size_t next = at;
      int chained = 0;
      while (chained < kLikelyRecords && next + header_ <= span.size && is_likely(span.data + next, chained ? span.data + at : nullptr)) {
        next += header_ + order_.u32(span.data + next + 8);
        chained++;
      }
      if (chained == kLikelyRecords || (chained > 1 && next + header_ > span.size)) return at;
    }
    return SIZE_MAX;
  }

 private:
  static constexpr int kLikelyRecords = 8;
  static constexpr uint32_t kLikelySeconds = 86400;  // between neighbours

  bool is_likely(const uint8_t* p, const uint8_t* before) const {
    uint32_t captured = order_.u32(p + 8), wire = order_.u32(p + 12);
    if (captured == 0 || captured > kMostCaptured || wire < captured || wire > 2 * kMostCaptured) return false;
    if (order_.u32(p + 4) >= (is_nano_ ? 1000000000u : 1000000u)) return false;
    if (!before) return true;
    uint32_t sec = order_.u32(p), other = order_.u32(before);
    return (sec > other ? sec - other : other - sec) <= kLikelySeconds;
  }

  ByteOrder order_;
  bool is_nano_ = false, is_swapped_ = false, may_be_swapped_ = false;
  uint32_t header_ = 16;
  uint32_t fcs_ = 0, link_type_ = 0;
};

}  // namespace windrow
