// Records of a chunk that is read in its turn. The first packets of a capture are held until what they show of its locality is decided.
#pragma once
#include <vector>

#include "exchange.h"

namespace windrow {

// What reading a chunk in its turn does with records.
class Intake {
 public:
  Intake(Exchange* exchange, Decoder* decoder, Router* router) : x_(*exchange), decoder_(*decoder), router_(*router) {}

  // The chunk that records go to from here on.
  void begin(uint64_t number, Chunk* chunk) {
    number_ = number;
    chunk_ = chunk;
    router_.begin(chunk);
    decoder_.set_fragments(&x_.fragments);
    decoder_.set_wants_macs(!x_.is_decided || x_.locality.looks_at_macs());
  }

  [[gnu::always_inline]] void take(const Record& r) {
    if (__builtin_expect(x_.interfaces.has_drops(), 0)) x_.interfaces.place_drops(stamp_of(number_, records()));
    if (__builtin_expect(!x_.is_decided, 0)) return hold(r);
    if (__builtin_expect(router_.put_plain(r), 1)) return;
    decoder_.decode(r, &packet_);
    router_.put(&packet_);
  }

  // Records of the chunk so far.
  size_t records() const { return x_.is_decided ? chunk_->records : held_.size(); }

  // No more first packets come.
  void decide() {
    if (x_.is_decided) return;
    x_.locality.decide();
    x_.is_decided = true;
    decoder_.set_wants_macs(x_.locality.looks_at_macs());
    for (Packet& p : held_) router_.put(&p);
    held_ = {};
  }

 private:
  [[gnu::noinline]] void hold(const Record& r) {
    Packet& p = held_.emplace_back();
    decoder_.decode(r, &p);
    if (p.reason == Reason::kNone) x_.locality.see(p);
    if (held_.size() == kFirstPackets) decide();
  }

  Exchange& x_;
  Decoder& decoder_;
  Router& router_;
  uint64_t number_ = 0;
  Chunk* chunk_ = nullptr;
  Packet packet_;
  std::vector<Packet> held_;
};

}  // namespace windrow
