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

  Step next(Span* span, Record* r) {
    size_t left = span->left();
    if (left < header_) {
      if (!span->eof) return span->need(header_);
      return left == 0 ? Step::kEnd : span->damaged(Damage::kRecordCut, header_ - left);
    }
    const uint8_t* p = span->here();
    uint32_t captured = order_.u32(p + 8), wire = order_.u32(p + 12);
    if (is_swapped_ || (may_be_swapped_ && captured > wire)) std::swap(captured, wire);
    if (captured > kMostCaptured) return span->damaged(Damage::kRecordLies, captured);
    if (left - header_ < captured) {
      if (!span->eof) return span->need(header_ + captured);
      return span->damaged(Damage::kRecordCut, header_ + captured - left);
    }
    uint32_t fraction = order_.u32(p + 4), unit = is_nano_ ? 1000000000 : 1000000;
    r->sec = order_.u32(p);
    if (__builtin_expect(fraction >= unit, 0)) {  // carried, not refused
      r->sec += fraction / unit;
      fraction %= unit;
    }
    r->nsec = is_nano_ ? fraction : fraction * 1000;
    r->captured = captured;
    r->wire = wire;
    r->fcs = fcs_;
    r->link_type = link_type_;
    r->interface = 0;
    r->untimed = false;
    r->hint = header_ == 24 ? link::packet_type(p[22]) : Hint::kNone;
    r->data = p + header_;
    span->position += header_ + captured;
    return Step::kRecord;
  }

 private:
  ByteOrder order_;
  bool is_nano_ = false, is_swapped_ = false, may_be_swapped_ = false;
  uint32_t header_ = 16;
  uint32_t fcs_ = 0, link_type_ = 0;
};

}  // namespace windrow
