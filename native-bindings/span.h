// The bytes of a capture that a reader may look at now, and how a step through them ends.
#pragma once
#include <cstddef>
#include <cstdint>

namespace windrow {

enum class Step : uint8_t {
  kRecord,    // *record is filled
  kNothing,   // a block that is no record was read
  kStateful,  // a block that changes how what follows is read, where that is not allowed
  kNeedData,  // `wanted` bytes from `position` on are needed to go on
  kEnd,       // all records were read
  kDamaged,   // the capture cannot be read further: `damage` says why
};

// Why reading stopped. The order is the order of DAMAGES in src/capture/damage.ts.
enum class Damage : uint8_t {
  kNone = 0,
  kEmpty,
  kNotACapture,
  kHeaderCut,
  kVersion,
  kLinkType,
  kRecordCut,
  kRecordLies,
  kBlockCut,
  kBlockLies,
  kInterfaceUnknown,
  kTooManyInterfaces,
};

// Borrowed from JavaScript between one run and the next. `eof`: no more bytes will come.
struct Span {
  const uint8_t* data = nullptr;
  size_t size = 0;
  size_t position = 0;
  bool eof = false;
  uint64_t base = 0;  // offset of data[0] in the capture
  size_t wanted = 0;
  Damage damage = Damage::kNone;
  uint64_t detail = 0;  // the number that is wrong: a length, a version, a link type

  size_t left() const { return size - position; }
  uint64_t offset() const { return base + position; }
  const uint8_t* here() const { return data + position; }
  Step need(size_t bytes) {
    wanted = bytes;
    return Step::kNeedData;
  }
  Step damaged(Damage what, uint64_t number) {
    damage = what;
    detail = number;
    return Step::kDamaged;
  }
};

constexpr uint32_t kMostCaptured = 262144;  // libpcap's MAXIMUM_SNAPLEN: a longer record lies

}  // namespace windrow
