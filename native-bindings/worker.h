// A worker: reads chunks of the capture, and owns a shard. One thread calls it.
#pragma once
#include <deque>
#include <memory>

#include "file_reader.h"
#include "inputs_reader.h"
#include "live_reader.h"
#include "shard.h"

namespace windrow {

// Why run() came back. The order is the order of RUN in src/flow/worker.ts.
// kEnd: the capture is read and all its rows are handed over; what is wrong with an input stands in its span.
enum class Run : uint8_t { kEnd = 0, kNeedData, kStopped, kFailed, kIdle };

// A worker of live interfaces comes back so often at least, for its caller to tell it of others.
constexpr int kTurnMs = 100;

class Worker {
 public:
  // Worker 0 reads what is fed. A regular file is read by all.
  Worker(std::shared_ptr<Exchange> exchange, uint32_t number)
      : exchange_(std::move(exchange)), x_(*exchange_), number_(number), shard_(&x_, number), reads_file_(x_.config.fd >= 0), inputs_(&x_),
        file_(&x_), is_reader_(reads_file_ || x_.config.is_live || number == 0) {
    if (x_.config.is_live) live_ = std::make_unique<LiveReader>(&x_);
  }

  InputsReader& inputs() { return inputs_; }
  // Null where the source is not live.
  LiveReader* live() { return live_.get(); }
  // errno, after kFailed.
  int error() const { return file_.error(); }

  // What a step came to. kIdle: nothing can be done before the bell rings.
  enum class Did : uint8_t { kWork, kIdle, kEnd, kNeedData, kFailed };

  Did step() {
    Shard::Did folded = shard_.step();
    if (folded == Shard::Did::kWork) return Did::kWork;
    // A shard that waits for room does not keep its worker from reading on.
    Did read = is_reader_ ? read_step() : Did::kIdle;
    if (read == Did::kWork || read == Did::kFailed) return read;
    if (folded == Shard::Did::kDone) return Did::kEnd;
    if (shard_.publish_rows()) return Did::kWork;
    // More bytes may be long in coming, room for rows is not.
    return folded == Shard::Did::kBlocked ? Did::kIdle : read;
  }

  // Goes on until something is needed of the caller, and while there is nothing to do its thread waits. One that does not
  // wait does one step, and gives kIdle: several workers can take turns in one thread.
  Run run(bool waits) {
    const int64_t turn_ends = live_ ? monotonic_ms() + kTurnMs : INT64_MAX;
    for (;;) {
      if (x_.is_stopped()) return Run::kStopped;
      if (waits && live_ && is_interrupted()) return Run::kIdle;
      uint32_t bell = x_.bell();
      switch (step()) {
        case Did::kWork:
          if (!waits || (live_ && monotonic_ms() >= turn_ends)) return Run::kIdle;
          break;
        case Did::kIdle:
          if (!waits) return Run::kIdle;
          if (live_) {
            int64_t left = turn_ends - monotonic_ms();
            if (left <= 0) return Run::kIdle;
            if (x_.fall_asleep(number_, bell)) live_->wait(x_.wake_fd(number_), int(left));
            break;
          }
          x_.wait(bell);
          break;
        case Did::kEnd: return Run::kEnd;
        case Did::kNeedData: return Run::kNeedData;
        case Did::kFailed: return Run::kFailed;
      }
    }
  }

 private:
  bool is_interrupted() {
    const uint32_t interrupts = x_.interrupts();
    return std::exchange(interrupts_, interrupts) != interrupts;
  }

  struct Claimed {
    uint64_t number;
    Chunk* chunk;
  };
  // Chunks that were read ahead and wait for their turn, at most.
  static constexpr size_t kMostAhead = 2;

  Did read_step() {
    if (live_) return read_live();
    if (!reads_file_) return read_inputs();
    if (!claimed_.empty() && x_.is_turn_of(claimed_.front().number)) return finish();
    if (claimed_.size() == kMostAhead) return Did::kIdle;
    Claimed next;
    next.chunk = x_.claim(&next.number);
    if (!next.chunk) return Did::kIdle;
    claimed_.push_back(next);
    if (!x_.is_turn_of(next.number)) file_.read_ahead(next.number, next.chunk);
    return Did::kWork;
  }

  // The turn has come: what was read ahead is right, or is read now.
  Did finish() {
    auto [number, chunk] = claimed_.front();
    if (x_.is_over()) {
      claimed_.clear();
      return Did::kIdle;
    }
    x_.guesses += chunk->is_read_ahead;
    if (file_.is_right(*chunk)) {
      file_.accept(chunk);
    } else {
      x_.wrong_guesses += chunk->is_read_ahead;
      if (!file_.read_in_turn(number, chunk)) return Did::kFailed;
    }
    claimed_.pop_front();
    x_.publish(number, chunk);
    return Did::kWork;
  }

  Did read_live() {
    if (!claimed_.empty() && x_.is_turn_of(claimed_.front().number)) {
      auto [number, chunk] = claimed_.front();
      claimed_.pop_front();
      live_->settle(chunk);
      x_.publish(number, chunk);
      return Did::kWork;
    }
    bool is_last = false;
    if (x_.is_finishing() && !is_drained_) {
      live_->finish();
      if (live_->is_finished() && claimed_.empty()) {
        is_drained_ = true;
        x_.tell_drained();
      }
    }
    if (is_drained_) {
      is_last = number_ == 0 && !has_ended_ && x_.drained() == x_.workers();
      if (!is_last) return Did::kIdle;
    } else if (claimed_.size() == kMostAhead || !live_->has_work()) {
      return Did::kIdle;
    }
    Claimed next;
    next.chunk = x_.claim(&next.number);
    if (!next.chunk) return Did::kIdle;
    live_->read(next.chunk);
    next.chunk->is_last = has_ended_ = is_last;
    claimed_.push_back(next);
    return Did::kWork;
  }

  Did read_inputs() {
    if (inputs_.needs_data()) return Did::kNeedData;
    if (claimed_.empty()) {
      Claimed next;
      next.chunk = x_.claim(&next.number);
      if (!next.chunk) return Did::kIdle;
      claimed_.push_back(next);
    }
    auto [number, chunk] = claimed_.front();
    inputs_.read(number, chunk);
    // The first packets are one chunk, however their bytes come.
    if (!x_.is_decided) return Did::kNeedData;
    claimed_.pop_front();
    x_.publish(number, chunk);
    return Did::kWork;
  }

  std::shared_ptr<Exchange> exchange_;
  Exchange& x_;
  uint32_t number_;
  Shard shard_;
  bool reads_file_;
  InputsReader inputs_;
  FileReader file_;
  std::unique_ptr<LiveReader> live_;
  bool is_drained_ = false, has_ended_ = false;
  uint32_t interrupts_ = 0;  // that its caller knows of
  bool is_reader_;
  std::deque<Claimed> claimed_;
};

}  // namespace windrow
