// A shard: captures in, decoded packets through the table, rows out. One thread owns all of it.
#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "decoder.h"
#include "flow_table.h"
#include "input.h"

namespace windrow {

constexpr size_t kBatch = 64;        // packets that are looked up together
constexpr size_t kFirstPackets = 10000;  // on which a capture's own locality is decided

struct ShardConfig {
  uint32_t max_flows = 1000000;
  int64_t window_seconds = 600, lateness_seconds = 2;
  bool decapsulating = false;
  HashSeed seed;
  LocalityConfig locality;
};

// Why run() came back. The order is the order of RUN in src/flow/shard.ts.
// kEnd: nothing more comes of any input; what is wrong with one stands in its span.
enum class Run : uint8_t { kEnd = 0, kNeedData, kWindowDue, kLateFull, kTableFull };

class Shard {
 public:
  explicit Shard(ShardConfig config)
      : config_(config),
        interfaces_(config.window_seconds),
        decoder_(config.decapsulating, config.seed),
        locality_(std::move(config.locality)),
        table_(config.max_flows, config.window_seconds, config.lateness_seconds, config.seed, &locality_, &interfaces_) {
    batch_.resize(kFirstPackets);
  }

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
  }

  // Goes on until something is needed of the caller.
  Run run() {
    for (;;) {
      while (is_decided_ && cursor_ < count_) {
        switch (table_.add(batch_[cursor_])) {
          case Added::kYes: cursor_++; break;
          case Added::kWindowDue: return Run::kWindowDue;
          case Added::kLateFull: return Run::kLateFull;
          case Added::kTableFull: return Run::kTableFull;
        }
      }
      if (is_decided_) cursor_ = count_ = 0;
      Run why = fill();
      if (!is_decided_) {
        if (why == Run::kNeedData) return why;
        decide();
      } else if (count_ == 0) {
        return why;
      }
      for (size_t i = 0; i < count_; i++) table_.prefetch_slot(batch_[i]);
    }
  }

  // The input that run() is about, and what it says of it.
  size_t current_input() const { return current_; }
  const Span& span(size_t input) const { return sources_[input]->input.span; }

  // Inputs that came to their end, or to where they are damaged, since the last call.
  std::vector<size_t> take_ended() { return std::exchange(ended_, {}); }

  FlowTable& table() { return table_; }
  Interfaces& interfaces() { return interfaces_; }
  Locality& locality() { return locality_; }
  bool has_first() const { return has_first_; }
  int64_t first_sec() const { return first_sec_; }

  // Logged packets by the rule that told their direction.
  uint64_t rule_packets[size_t(Rule::kCount)] = {};

 private:
  struct Source {
    Input input;
    Record record;
    bool has_record = false, is_done = false, is_dormant = false;
  };

  // Reads and decodes until the batch is full or nothing more can be had now; says why not.
  Run fill() {
    size_t target = is_decided_ ? kBatch : kFirstPackets;
    Run why = Run::kEnd;
    Record own;
    while (count_ < target) {
      const Record* r = sources_.size() == 1 ? step(0, &own, &why) : merge(&why);
      if (!r) return why;
      Packet& p = batch_[count_++];
      decoder_.decode(*r, &p);
      account(p);
      if (p.reason != Reason::kNone) continue;
      if (is_decided_) {
        prepare(&p);
      } else {
        locality_.see(p);
      }
    }
    return why;
  }

  // The next record of one input, or null and why.
  const Record* step(size_t input, Record* r, Run* why) {
    Source& source = *sources_[input];
    current_ = input;
    Step step = source.is_done ? Step::kEnd : source.input.next(&interfaces_, r);
    if (step == Step::kRecord) return r;
    *why = step == Step::kNeedData ? Run::kNeedData : Run::kEnd;
    if (step != Step::kNeedData && !source.is_done) {
      source.is_done = true;
      ended_.push_back(input);
    }
    return nullptr;
  }

  // The earliest record that any input has next; ties go to the input that was named first.
  const Record* merge(Run* why) {
    Source* best = nullptr;
    size_t best_input = 0;
    for (size_t i = 0; i < sources_.size(); i++) {
      Source* s = sources_[i].get();
      if (s->is_done) continue;
      if (!s->has_record && !s->is_dormant) {
        if (!step(i, &s->record, why)) {
          if (*why == Run::kNeedData) return nullptr;
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
    *why = best ? Run::kNeedData : Run::kEnd;
    if (!best || best->is_dormant) return nullptr;
    best->has_record = false;
    return &best->record;
  }

  void account(const Packet& p) {
    Interface& interface = interfaces_[p.interface];
    interface.packets++;
    interface.bytes += p.bytes;
    if (p.reason != Reason::kNone) {
      interface.excluded_packets[size_t(p.reason)]++;
      interface.excluded_bytes[size_t(p.reason)] += p.bytes;
    }
    if (!has_first_ && !p.untimed) {
      has_first_ = true;
      first_sec_ = p.sec;
    }
  }

  void prepare(Packet* p) {
    uint16_t point = locality_.point_of(*p);
    if (p->is_v6) {
      p->k6.tail.point = point;
      p->hash = hash_bytes(&p->k6, sizeof p->k6, config_.seed);
    } else {
      p->k4.tail.point = point;
      p->hash = hash_bytes(&p->k4, sizeof p->k4, config_.seed);
    }
    table_.prefetch_index(*p);
  }

  void decide() {
    is_decided_ = true;
    locality_.decide();
    decoder_.set_wants_macs(locality_.looks_at_macs());
    for (size_t i = 0; i < count_; i++)
      if (batch_[i].reason == Reason::kNone) prepare(&batch_[i]);
  }

  ShardConfig config_;
  Interfaces interfaces_;
  Decoder decoder_;
  Locality locality_;
  FlowTable table_;
  std::vector<std::unique_ptr<Source>> sources_;
  size_t current_ = 0;
  std::vector<size_t> ended_;
  std::vector<Packet> batch_;
  size_t count_ = 0, cursor_ = 0;
  bool is_decided_ = false;
  bool has_first_ = false;
  int64_t first_sec_ = 0;
};

}  // namespace windrow
