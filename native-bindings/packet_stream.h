// Packets of a live interface that another process captures: a pipe with a capture in it, pcap or pcapng, that does not end.
#pragma once
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "input.h"

namespace windrow {

// Owned by the thread that reads it.
class PacketStream {
 public:
  // Takes the reading end of a pipe, and closes it in the end. It must not block.
  PacketStream(int fd, uint16_t interface) : fd_(fd), interface_(interface), buffer_(kBufferBytes) {}
  ~PacketStream() { end(); }
  PacketStream(const PacketStream&) = delete;
  PacketStream& operator=(const PacketStream&) = delete;

  int fd() const { return fd_; }
  uint16_t interface() const { return interface_; }
  // Its writer has closed it and all is read, or it is broken and nothing more can be.
  bool has_ended() const { return has_ended_; }

  // Also at its end, which has to be read.
  bool has_packets() const {
    if (has_ended_) return false;
    if (may_have_more_) return true;
    pollfd readable{fd_, POLLIN, 0};
    return poll(&readable, 1, 0) > 0;
  }

  // The next packet that is there; `data` is valid until the next call.
  bool next(Record* r) {
    while (!has_ended_) {
      Step step = input_.next(&declared_, r);
      if (step == Step::kRecord) {
        r->interface = interface_;
        return may_have_more_ = true;
      }
      may_have_more_ = false;
      if (step != Step::kNeedData) end();
      else if (!read_more()) return false;
    }
    return false;
  }

 private:
  static constexpr size_t kBufferBytes = 1 << 18;

  // Whoever writes on is told so, and does not wait for ever.
  void end() {
    if (!has_ended_) close(fd_);
    has_ended_ = true;
  }

  // False where there is nothing to read now.
  bool read_more() {
    Span& span = input_.span;
    size_t left = span.left();
    // A block that does not fit is none that we write.
    if (span.wanted > buffer_.size()) {
      end();
      return false;
    }
    memmove(buffer_.data(), buffer_.data() + span.position, left);
    base_ += span.position;
    ssize_t got;
    do got = ::read(fd_, buffer_.data() + left, buffer_.size() - left);
    while (got < 0 && errno == EINTR);
    bool is_over = got == 0 || (got < 0 && errno != EAGAIN);
    input_.feed(buffer_.data(), left + size_t(std::max<ssize_t>(got, 0)), base_, is_over);
    return got > 0 || is_over;
  }

  int fd_;
  uint16_t interface_;
  Input input_;
  Interfaces declared_;  // in the stream: its numbers are not ours
  std::vector<uint8_t> buffer_;
  uint64_t base_ = 0;
  bool may_have_more_ = false, has_ended_ = false;
};

}  // namespace windrow
