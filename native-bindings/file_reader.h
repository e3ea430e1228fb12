// Chunks of one capture file, read where they stand. A chunk whose turn it is begins where the one before ended. Any
// other is read ahead: from where a record seems to begin, which holds only if the chunk before turns out to end there.
#pragma once
#include <errno.h>
#include <unistd.h>

#include <vector>

#include "intake.h"

namespace windrow {

class FileReader {
 public:
  explicit FileReader(Exchange* exchange)
      : x_(*exchange),
        decoder_(exchange->config.decapsulating),
        router_(exchange->config.seed, exchange->config.window_seconds, exchange->config.lateness_seconds,
                exchange->config.decapsulating, &exchange->locality),
        intake_(exchange, &decoder_, &router_) {}

  // Reads chunk `number`, whose turn it is. False: the file could not be read, see error().
  bool read_in_turn(uint64_t number, Chunk* chunk) {
    chunk->clear();
    intake_.begin(number, chunk);
    bool is_head = number == 0;
    uint64_t end = is_head ? UINT64_MAX : end_of(number);
    open(x_.offset, end);
    x_.input.span = span_;
    Step step = read(&x_.input, end, &x_.interfaces, [&](const Record& r) __attribute__((always_inline)) {
      intake_.take(r);
      return !(is_head && x_.is_decided);
    });
    span_ = x_.input.span;
    if (error_) return false;
    if (step != Step::kRecord) {
      intake_.decide();
      chunk->is_last = true;
      chunk->ending = span_;
    }
    x_.offset = span_.offset();
    if (is_head) x_.head_end = x_.offset;
    return true;
  }

  // Reads chunk `number` before its turn, as far as it can be. Anything that goes wrong is left to be found in turn.
  void read_ahead(uint64_t number, Chunk* chunk) {
    std::shared_ptr<const Input> like = x_.settled_input();
    if (!like) return;
    ahead_ = *like;
    uint64_t end = end_of(number);
    open(end - x_.config.chunk_bytes, end);
    if (!fill(1)) return;
    ahead_.span = span_;
    size_t begin = ahead_.guess();
    if (begin == SIZE_MAX) return;
    ahead_.span.position = begin;
    chunk->begin = ahead_.span.offset();
    router_.begin(chunk);
    decoder_.set_fragments(nullptr);
    decoder_.set_wants_macs(x_.locality.looks_at_macs());
    Step step = read(&ahead_, end, nullptr, [&](const Record& r) __attribute__((always_inline)) {
      if (router_.put_plain(r)) return true;
      decoder_.decode(r, &packet_);
      FragmentNote* note = decoder_.note();
      if (note && note->is_first) chunk->notes.push_back(*note);
      if (note && !note->is_first) router_.put_noted(*note, &packet_);
      else router_.put(&packet_);
      return true;
    });
    bool is_whole = step == Step::kRecord && ahead_.is_settled() && !error_;
    error_ = 0;
    if (!is_whole) return;
    chunk->end = ahead_.span.offset();
    chunk->changes = ahead_.changes();
    chunk->is_read_ahead = true;
  }

  // In its turn: whether what was read ahead is what reading it now would give.
  bool is_right(const Chunk& chunk) const {
    return chunk.is_read_ahead && chunk.begin == x_.offset && x_.input.is_settled() && chunk.changes == x_.input.changes();
  }

  // In its turn: completes what was read ahead and is right.
  void accept(Chunk* chunk) {
    router_.begin(chunk);
    router_.settle(chunk, &x_.fragments);
    x_.offset = chunk->end;
  }

  // errno of the reading that failed; 0: none did.
  int error() const { return error_; }

 private:
  uint64_t end_of(uint64_t number) const { return x_.head_end + number * x_.config.chunk_bytes; }

  // What stands between two offsets of the file is to be read.
  void open(uint64_t begin, uint64_t end) {
    span_ = Span();
    span_.base = begin;
    end_ = end;
  }

  // Gives records until `take` says no, or `end` is reached (both kRecord), or there are no more to be had.
  template <typename Take>
  Step read(Input* input, uint64_t end, Interfaces* interfaces, Take take) {
    Span& span = input->span;
    for (;;) {
      Step step = input->each(interfaces, end, take);
      if (step != Step::kNeedData) return step;
      span_ = span;
      if (!fill(span.wanted)) return Step::kDamaged;
      span = span_;
    }
  }

  // Moves what is left to the front and reads until `wanted` bytes are there, or the end of the file.
  bool fill(size_t wanted) {
    size_t left = span_.left();
    uint64_t at = span_.offset() + left;
    uint64_t planned = at < end_ ? std::min<uint64_t>(end_ - at, x_.config.chunk_bytes) : 0;
    // Of the record that reaches over the chunk's end no more is read than is needed.
    size_t more = std::max<size_t>(size_t(planned), wanted > left ? wanted - left : 0);
    if (buffer_.size() < left + more) {
      std::vector<uint8_t> larger(left + more);
      if (left) memcpy(larger.data(), span_.here(), left);
      buffer_.swap(larger);
    } else if (left) {
      memmove(buffer_.data(), span_.here(), left);
    }
    size_t have = left;
    bool eof = false;
    while (have < left + more && !eof) {
      ssize_t got = pread(x_.config.fd, buffer_.data() + have, left + more - have, off_t(at));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        error_ = errno;
        return false;
      }
      eof = got == 0;
      have += size_t(got);
      at += uint64_t(got);
    }
    span_.base = span_.offset();
    span_.data = buffer_.data();
    span_.size = have;
    span_.position = 0;
    span_.eof = eof;
    return true;
  }

  Exchange& x_;
  Decoder decoder_;
  Router router_;
  Intake intake_;
  Packet packet_;
  std::vector<uint8_t> buffer_;
  Span span_;
  uint64_t end_ = 0;
  int error_ = 0;
  Input ahead_;
};

}  // namespace windrow
