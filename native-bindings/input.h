// One capture file or stream: told by its first bytes, read record by record from spans that JavaScript fills.
#pragma once
#include "pcap_reader.h"
#include "pcapng_reader.h"

namespace windrow {

class Input {
 public:
  Span span;

  // The next record in the order of the file.
  [[gnu::always_inline]] Step next(Interfaces* interfaces, Record* r) {
    if (__builtin_expect(format_ == Format::kPcap, 1)) return pcap_.next(&span, r);
    return next_of_others(interfaces, r);
  }

  // Gives records until `take` says no or offset `end` is reached (both kRecord), or there are no more to be had.
  template <typename Take>
  [[gnu::always_inline]] Step each(Interfaces* interfaces, uint64_t end, Take take) {
    if (__builtin_expect(format_ == Format::kPcap, 1)) return pcap_.each(&span, end, take);
    for (;;) {
      if (span.offset() >= end) return Step::kRecord;
      Record r;
      Step step = next(interfaces, &r);
      if (step != Step::kRecord) return step;
      if (!take(r)) return Step::kRecord;
    }
  }

  // The bytes that JavaScript holds have moved or grown: `data[0]` stands at offset `base` of the capture.
  void feed(const uint8_t* data, size_t size, uint64_t base, bool eof) {
    span.data = data;
    span.size = size;
    span.position = 0;
    span.base = base;
    span.eof = eof;
  }

  // Whether another thread can read on from the next record on with a copy of this: it reads packets only.
  bool is_settled() const { return format_ == Format::kPcap || (format_ == Format::kPcapng && pcapng_.is_between() && pcapng_.is_settled()); }
  // Grows with everything that changes how records are read.
  uint64_t changes() const { return format_ == Format::kPcapng ? pcapng_.changes() : 0; }
  // Where in the span a record is likely to begin; SIZE_MAX where nothing looks like it.
  size_t guess() const { return format_ == Format::kPcap ? pcap_.guess(span) : pcapng_.guess(span); }

 private:
  [[gnu::noinline]] Step next_of_others(Interfaces* interfaces, Record* r) {
    if (format_ == Format::kPcapng) return pcapng_.next(&span, interfaces, r);
    Step opened = open(interfaces);
    if (opened != Step::kRecord) return opened;
    return format_ == Format::kPcap ? pcap_.next(&span, r) : pcapng_.next(&span, interfaces, r);
  }

  enum class Format : uint8_t { kUnknown, kPcap, kPcapng };

  // kRecord: opened.
  Step open(Interfaces* interfaces) {
    if (span.left() < 12 && !span.eof) return span.need(12);
    if (span.left() == 0) return span.damaged(Damage::kEmpty, 0);
    if (span.left() >= 4 && load_le32(span.here()) == kSectionHeader) {
      if (span.left() < 12) return span.damaged(Damage::kHeaderCut, span.left());
      uint32_t magic = load_le32(span.here() + 8);
      if (magic != 0x1a2b3c4d && magic != 0x4d3c2b1a) return span.damaged(Damage::kNotACapture, magic);
      format_ = Format::kPcapng;
      return Step::kRecord;
    }
    if (span.left() < 4) return span.damaged(Damage::kHeaderCut, span.left());
    if (!is_pcap_magic(span.here())) return span.damaged(Damage::kNotACapture, load_be32(span.here()));
    Step step = pcap_.open(&span, interfaces);
    if (step == Step::kRecord) format_ = Format::kPcap;
    return step;
  }

  Format format_ = Format::kUnknown;
  PcapReader pcap_;
  PcapngReader pcapng_;
};

}  // namespace windrow
