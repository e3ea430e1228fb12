// Chunks of captures whose bytes JavaScript brings: streams, compressed files, and several files merged by packet time.
#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "intake.h"

namespace windrow {

constexpr uint32_t kRecordsOfFedChunk = 8192;

class InputsReader {
 public:
  explicit InputsReader(Exchange* exchange)
      : x_(*exchange),
        decoder_(exchange->config.decapsulating),
        router_(exchange->config.seed, exchange->config.window_seconds, exchange->config.lateness_seconds,
                exchange->config.decapsulating, &exchange->locality),
        intake_(exchange, &decoder_, &router_) {}

  // Inputs are merged by packet time. One that stays dormant until `sec` and `nsec` holds no bytes before it is asked for.
  size_t add_input(bool is_dormant, int64_t sec, uint32_t nsec) {
    auto source = std::make_unique<Source>();
    source->is_dormant = is_dormant;
    source->record.sec = sec;
    source->record.nsec = nsec;
    sources_.push_back(std::move(source));
    return sources_.size() - 1;
  }

  void feed(size_t input, const uint8_t* data, size_t size, uint64_t base, bool eof) {
    sources_[input]->is_dormant = false;
    sources_[input]->input.feed(data, size, base, eof);
    needs_data_ = false;
  }

  // Reads until the chunk is full, or no more can be had now, or ever.
  void read(uint64_t number, Chunk* chunk) {
    bool was_decided = x_.is_decided;
    intake_.begin(number, chunk);
    while (!was_decided || intake_.records() < kRecordsOfFedChunk) {
      Why why = Why::kNeedData;
      const Record* r = sources_.size() == 1 ? step(0, &record_, &why) : merge(&why);
      if (!r) {
        needs_data_ = why == Why::kNeedData;
        if (needs_data_) return;
        intake_.decide();
        chunk->is_last = true;
        return;
      }
      intake_.take(*r);
      if (!was_decided && x_.is_decided) return;
    }
  }

  // True when feed() has to be called for current_input() before reading goes on.
  bool needs_data() const { return needs_data_; }
  size_t current_input() const { return current_; }
  const Span& span(size_t input) const { return sources_[input]->input.span; }
  size_t inputs() const { return sources_.size(); }

  // Inputs that came to their end, or to where they are damaged, since the last call.
  std::vector<size_t> take_ended() { return std::exchange(ended_, {}); }

 private:
  enum class Why : uint8_t { kNeedData, kEnd };

  struct Source {
    Input input;
    Record record;
    bool has_record = false, is_done = false, is_dormant = false;
  };

  // The next record of one input, or null and why.
  const Record* step(size_t input, Record* r, Why* why) {
    Source& source = *sources_[input];
    current_ = input;
    Step step = source.is_done ? Step::kEnd : source.input.next(&x_.interfaces, r);
    if (step == Step::kRecord) return r;
    *why = step == Step::kNeedData ? Why::kNeedData : Why::kEnd;
    if (step != Step::kNeedData && !source.is_done) {
      source.is_done = true;
      ended_.push_back(input);
    }
    return nullptr;
  }

  // The earliest record that any input has next; ties go to the input that was named first.
  const Record* merge(Why* why) {
    Source* best = nullptr;
    size_t best_input = 0;
    for (size_t i = 0; i < sources_.size(); i++) {
      Source* s = sources_[i].get();
      if (s->is_done) continue;
      if (!s->has_record && !s->is_dormant) {
        if (!step(i, &s->record, why)) {
          if (*why == Why::kNeedData) return nullptr;
          continue;
        }
        s->has_record = true;
      }
      bool is_earlier = !best || s->record.sec < best->record.sec ||
                        (s->record.sec == best->record.sec && s->record.nsec < best->record.nsec);
      if (!is_earlier) continue;
      best = s;
      best_input = i;
    }
    current_ = best_input;
    *why = best ? Why::kNeedData : Why::kEnd;
    if (!best || best->is_dormant) return nullptr;
    best->has_record = false;
    return &best->record;
  }

  Exchange& x_;
  Decoder decoder_;
  Router router_;
  Intake intake_;
  std::vector<std::unique_ptr<Source>> sources_;
  size_t current_ = 0;
  std::vector<size_t> ended_;
  Record record_;
  bool needs_data_ = false;
};

}  // namespace windrow
