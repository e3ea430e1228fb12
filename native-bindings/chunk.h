// A piece of a capture, read: its packets, divided among the shards, and what else its reader found.
#pragma once
#include <vector>

#include "decoder.h"
#include "interfaces.h"
#include "locality.h"
#include "span.h"
#include "stream.h"
#include "windows.h"

namespace windrow {

// No more records are in a chunk, so that 16 bits number them.
constexpr uint32_t kMostRecords = 1 << kStampIndexBits;
// Of live sources: packets of rings in a chunk, and with what the firewall tells.
constexpr uint32_t kRecordsOfLiveChunk = 16384, kRecordsOfLiveStream = 2 * kRecordsOfLiveChunk;

// Packets of an interface that its ring had no room for, between two times.
struct RingDrops {
  uint16_t interface;
  uint64_t packets;
  int64_t from_sec, to_sec;
};

// What the kernel's firewall has told: packets by what became of them.
struct Verdicts {
  uint64_t accepted = 0, rejected = 0;
  uint64_t unknown = 0;    // neither the group nor the prefix says what became of it
  uint64_t elsewhere = 0;  // at no interface that is captured
  uint64_t unreadable = 0;
  uint64_t lost = 0;       // there was no room for what was told, as is known with what is told next
  uint64_t overflows = 0;  // times that there was no room

  void add(const Verdicts& o) {
    accepted += o.accepted;
    rejected += o.rejected;
    unknown += o.unknown;
    elsewhere += o.elsewhere;
    unreadable += o.unreadable;
    lost += o.lost;
    overflows += o.overflows;
  }
};

struct Chunk {
  std::vector<Stream> streams;  // by shard
  std::vector<Stream> late;     // the same: later fragments, whose flow was not known before the chunk's turn
  std::vector<RingDrops> drops;     // of live interfaces
  Verdicts verdicts;                // the same
  std::vector<FragmentNote> notes;  // on the fragments, where the chunk was read before its turn
  uint32_t records = 0;
  Tally tally;
  int64_t first_sec = Stream::kNothingTold;  // of the first packet that has a time
  int64_t mark = Stream::kNothingTold;       // the greatest time
  uint64_t begin = 0, end = 0;               // offsets in the file, where it was read from one
  uint64_t changes = 0;                      // of the input, when it was read before its turn
  bool is_read_ahead = false;                // before its turn, from where a record seemed to begin
  int64_t looked_sec = Stream::kNothingTold;  // of a live source: when a clock was looked at last
  bool restarts = false;                     // the clock went back: all windows end before it
  bool is_last = false;                      // the capture ends in it
  Span ending;                               // then: where and why

  void clear() {
    for (Stream& stream : streams) stream.clear();
    for (Stream& stream : late) stream.clear();
    drops.clear();
    verdicts = Verdicts();
    notes.clear();
    tally.clear();
    records = 0;
    first_sec = mark = Stream::kNothingTold;
    begin = end = changes = 0;
    looked_sec = Stream::kNothingTold;
    is_read_ahead = restarts = is_last = false;
  }
};

// Divides packets among the shards, by the hash of their flow keys.
class Router {
 public:
  Router(const HashSeed& seed, int64_t window_seconds, int64_t lateness_seconds, bool decapsulating, Locality* locality)
      : seed_(seed),
        window_seconds_(window_seconds),
        lateness_seconds_(lateness_seconds),
        decapsulating_(decapsulating),
        locality_(locality) {}

  void begin(Chunk* chunk) {
    chunk_ = chunk;
    streams_ = chunk->streams.data();
    count_ = chunk->streams.size();
    next_frontier_ = INT64_MIN;
    // Of live sources it may change.
    const uint32_t changes = locality_->changes();
    if (names_.empty() || changes != changes_) names_ = locality_->all_names();
    changes_ = changes;
  }

  // The next record, if its packet is a plain one (see decode_plain) and nothing but its key and the capture's hint tell where it
  // belongs: that takes the locality to be decided.
  [[gnu::always_inline]] bool put_plain(const Record& r) {
    if (__builtin_expect(decapsulating_ || r.untimed || locality_->looks_at_macs(), 0)) return false;
    PlainPacket p;
    if (__builtin_expect(!decode_plain(r, &p), 0)) return false;
    Chunk& c = *chunk_;
    uint16_t index = uint16_t(c.records++);
    c.tally.add(r.interface, p.bytes, p.reason);
    if (__builtin_expect(r.sec > c.mark, 0)) raise(r.sec, index);
    if (__builtin_expect(p.reason != Reason::kNone, 0)) return true;
    p.tail |= uint64_t(Locality::hinted_point(r.interface, r.hint, p.direction)) << kPointBit;
    uint64_t hash = hash_words(p.ends, p.tail, seed_);
    stream_of(streams_, hash, c.mark, index)
        .put(WordKey{{p.ends, p.tail}}, ItemKind::kPacket4, {r.sec, uint32_t(hash), p.bytes, index, p.flags, p.direction, false});
    return true;
  }

  // The next record's packet, a later fragment of nobody knows which flow yet.
  void put_noted(const FragmentNote& note, Packet* p) {
    Chunk& c = *chunk_;
    uint16_t index = take_in(*p);
    if (p->reason != Reason::kNone) return;
    FragmentNote& own = c.notes.emplace_back(note);
    own.packet = *p;
    own.index = index;
    own.mark = c.mark;
  }

  // In the chunk's turn: the flows of its fragments are known.
  void settle(Chunk* chunk, Fragments* fragments) {
    for (FragmentNote& note : chunk->notes) {
      if (note.is_first) {
        fragments->remember(note.key, note.ports, note.sec, note.nsec);
        continue;
      }
      if (const FragmentPorts* first = fragments->find(note.key, note.sec, note.nsec)) Decoder::set_ports(*first, &note.packet);
      place(&note.packet, chunk->late.data(), note.mark, note.index);
    }
  }

  // The next record's packet. Its key gets its observation point.
  void put(Packet* p) {
    uint16_t index = take_in(*p);
    if (p->reason == Reason::kNone) place(p, streams_, chunk_->mark, index);
  }

  // A packet that the firewall has rejected: it is of a flow of its own. One that the ring had seen before is counted there
  // as accepted, or will be: then the flow of its key owes it. It moves no watermark.
  void put_rejected(Packet* p, bool was_seen) {
    if (!was_seen) chunk_->tally.add(p->interface, p->bytes, p->reason);
    const uint16_t index = uint16_t(chunk_->records++);
    if (p->reason != Reason::kNone) return;
    p->is_rejected = true;
    place(p, streams_, chunk_->mark, index);
    if (!was_seen) return;
    p->is_rejected = false;
    place(p, streams_, chunk_->mark, uint16_t(chunk_->records++), true);
  }

  // All packets of the source up to a time have been read: the watermark rises without one.
  void tell_time(int64_t sec) {
    if (sec > chunk_->mark) raise(sec, uint16_t(chunk_->records));
  }

 private:
  static ItemFields fields_of(const Packet& p, uint16_t index) {
    return {p.sec, uint32_t(p.hash), p.bytes, index, p.flags, p.direction, p.untimed};
  }

  // Counts a packet and its time; its number in the chunk.
  uint16_t take_in(const Packet& p) {
    uint16_t index = uint16_t(chunk_->records++);
    chunk_->tally.add(p.interface, p.bytes, p.reason);
    if (!p.untimed && p.sec > chunk_->mark) raise(p.sec, index);
    return index;
  }

  void place(Packet* p, Stream* streams, int64_t mark, uint16_t index, bool is_owed = false) {
    const uint32_t point = locality_->point_of(*p, names_);
    if (p->is_v6) {
      p->k6.tail.point = point;
      p->hash = hash_bytes(&p->k6, sizeof p->k6, seed_);
      stream_of(streams, p->hash, mark, index).put(p->k6, is_owed ? ItemKind::kOwed6 : ItemKind::kPacket6, fields_of(*p, index));
    } else {
      p->k4.tail.point = point;
      p->hash = hash_bytes(&p->k4, sizeof p->k4, seed_);
      stream_of(streams, p->hash, mark, index).put(p->k4, is_owed ? ItemKind::kOwed4 : ItemKind::kPacket4, fields_of(*p, index));
    }
  }

  // A shard knows the mark before it gets a packet. Where windows may close, all shards are told at once.
  [[gnu::always_inline]] Stream& stream_of(Stream* streams, uint64_t hash, int64_t mark, uint16_t index) {
    Stream& stream = streams[(hash >> 32) * count_ >> 32];
    stream.tell_mark(mark, index);
    return stream;
  }

  [[gnu::noinline]] void raise(int64_t sec, uint16_t index) {
    if (chunk_->first_sec == Stream::kNothingTold) chunk_->first_sec = sec;
    chunk_->mark = sec;
    if (sec < next_frontier_) return;
    next_frontier_ = (floor_div(sec - lateness_seconds_, window_seconds_) + 1) * window_seconds_ + lateness_seconds_;
    for (size_t i = 0; i < count_; i++) streams_[i].tell_mark(sec, index);
  }

  HashSeed seed_;
  int64_t window_seconds_, lateness_seconds_;
  bool decapsulating_;
  Locality* locality_;
  NamesInTurn names_;
  uint32_t changes_ = 0;
  Chunk* chunk_ = nullptr;
  Stream* streams_ = nullptr;
  size_t count_ = 0;
  int64_t next_frontier_ = INT64_MIN;
};

}  // namespace windrow
