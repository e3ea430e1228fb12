// Chunks of what a worker's rings hold: read as it comes, completed in turn.
#pragma once
#include <time.h>

#include <memory>
#include <vector>

#include "exchange.h"
#include "nflog_reader.h"
#include "packet_stream.h"
#include "ring.h"

namespace windrow {

// A super-frame has no more packets: the largest that Linux makes (512 KiB) in segments of 64 bytes.
constexpr uint32_t kMostSegments = 8192;

inline int64_t monotonic_ms() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t(t.tv_sec) * 1000 + t.tv_nsec / 1000000;
}

class LiveReader {
 public:
  explicit LiveReader(Exchange* exchange)
      : x_(*exchange),
        decoder_(exchange->config.decapsulating),
        router_(exchange->config.seed, exchange->config.window_seconds, exchange->config.lateness_seconds,
                exchange->config.decapsulating, &exchange->locality) {}

  // The ring is open; its interface becomes known with this worker's next chunk.
  void add(std::unique_ptr<Ring> ring, const std::string& name) {
    new_.push_back({ring->options().interface, ring->options().link_type, name});
    rings_.push_back({std::move(ring), now()});
  }
  // The same, of an interface that another process captures at.
  void add(std::unique_ptr<PacketStream> stream, uint32_t link_type, const std::string& name) {
    new_.push_back({stream->interface(), link_type, name});
    streams_.push_back({std::move(stream)});
  }
  bool activate(uint16_t interface) {
    bool is_active = true;
    for (Source& source : rings_)
      if (source.ring->options().interface == interface && source.leave_at == INT64_MAX)
        is_active &= source.ring->activate();
    return is_active;
  }
  // It receives no more: its interface may be there still, and may be added again at once. Its packets that were not read
  // are: then it is closed.
  void remove(uint16_t interface) {
    for (Source& source : rings_) {
      if (source.ring->options().interface != interface || source.leave_at != INT64_MAX) continue;
      source.ring->deactivate();
      source.leave_at = monotonic_ms() + kLeaveMs;
    }
    // Who writes it has ended.
    for (Fed& fed : streams_) fed.is_leaving |= fed.stream->interface() == interface;
  }
  size_t rings() const { return rings_.size(); }
  // The firewall tells it of packets from now on.
  void hear(std::unique_ptr<Nflog> log) { nflog_ = std::make_unique<NflogReader>(std::move(log), x_.config.decapsulating); }

  // No more is wanted than what the rings hold once the block that is being filled has been handed over.
  void finish() {
    if (finish_at_ > 0) return;
    finish_at_ = monotonic_ms() + kLeaveMs;
    look_at_ = std::min(look_at_, finish_at_);
  }
  // What was lost last is known then, too.
  bool is_finished() const { return finish_at_ > 0 && looked_at_ >= finish_at_ && !has_packets(); }

  bool has_packets() const {
    for (const Source& source : rings_)
      if (source.ring->has_packets()) return true;
    for (const Fed& fed : streams_)
      if (fed.stream->has_packets()) return true;
    return false;
  }
  // Whether there is something to make a chunk of.
  bool has_work() const {
    return has_packets() || !new_.empty() || (nflog_ && nflog_->is_ready()) || monotonic_ms() >= look_at_;
  }

  // Fills a chunk before its turn.
  void read(Chunk* chunk) {
    router_.begin(chunk);
    decoder_.set_fragments(nullptr);
    decoder_.set_wants_macs(x_.locality.looks_at_macs());
    for (Source& source : rings_) {
      while (chunk->records + kMostSegments < kRecordsOfLiveChunk && source.ring->next(&record_)) {
        take(chunk);
        source.ring->release();
      }
    }
    record_.super = SuperFrame();
    for (Fed& fed : streams_)
      while (chunk->records + kMostSegments < kRecordsOfLiveChunk && fed.stream->next(&record_.record)) take(chunk);
    if (nflog_) hear(chunk);
    if (monotonic_ms() >= look_at_) look(chunk);
  }

  // In the chunk's turn. A watermark that is ahead of the clock tells that the clock went back.
  void settle(Chunk* chunk) {
    for (const Declared& d : std::exchange(new_, {})) x_.interfaces.redeclare(d.number, d.link_type, d.name);
    router_.begin(chunk);
    router_.settle(chunk, &x_.fragments);
    const int64_t late = chunk->looked_sec + x_.config.lateness_seconds + kSettledSeconds;
    chunk->restarts = chunk->looked_sec != Stream::kNothingTold && late < x_.mark();
    for (const RingDrops& d : chunk->drops) x_.interfaces.report_drops(d.interface, d.packets, d.from_sec, d.to_sec);
  }

  // Until a packet comes, a bell rings, or so many milliseconds are over. Who cannot take the packets that are there waits
  // for the bell alone. Packets are let come for a moment first: many that are read at once cost less than one by one.
  void wait(int wake_fd, int ms) {
    int nap = std::min(ms, nap_ms());
    if (nap > 0 && !has_packets()) {
      pollfd bell{wake_fd, POLLIN, 0};
      if (poll(&bell, 1, nap) > 0) return clear(wake_fd);
      ms -= nap;
    }
    polled_.clear();
    polled_.push_back({wake_fd, POLLIN, 0});
    if (!has_packets()) {
      for (const Source& source : rings_) polled_.push_back({source.ring->fd(), POLLIN | POLLERR, 0});
      for (const Fed& fed : streams_)
        if (!fed.stream->has_ended()) polled_.push_back({fed.stream->fd(), POLLIN, 0});
    }
    const size_t sources = polled_.size();
    if (nflog_ && !nflog_->is_ready()) polled_.push_back({nflog_->fd(), POLLIN | POLLERR, 0});
    if (poll(polled_.data(), polled_.size(), ms) <= 0) return;
    if (polled_[0].revents) clear(wake_fd);
    if (polled_.size() > sources && polled_[sources].revents) nflog_->set_ready();
    for (size_t i = 1; i < std::min(sources, rings_.size() + 1); i++)
      if (polled_[i].revents & POLLERR) rings_[i - 1].ring->take_error();
  }

 private:
  struct Source {
    std::unique_ptr<Ring> ring;
    int64_t looked_sec;  // when drops were asked for
    int64_t leave_at = INT64_MAX;
  };
  struct Fed {
    std::unique_ptr<PacketStream> stream;
    bool is_leaving = false;
  };
  struct Declared {
    uint32_t number, link_type;
    std::string name;
  };
  // Drops are asked for so often; a block that is being filled is handed over sooner.
  static constexpr int64_t kLookMs = 1000, kLeaveMs = 200;

  static void clear(int wake_fd) {
    uint64_t rung;
    while (::read(wake_fd, &rung, sizeof rung) < 0 && errno == EINTR) {
    }
  }

  // A ring that gets 2 M packets of 60 bytes a second is not a quarter full by then.
  int nap_ms() const {
    uint32_t blocks = kMostNapMs * kBlocksOfMs;
    for (const Source& source : rings_) blocks = std::min(blocks, source.ring->options().blocks);
    return int(blocks / kBlocksOfMs);
  }
  static constexpr uint32_t kMostNapMs = 10, kBlocksOfMs = 12;

  static int64_t now() { return int64_t(time(nullptr)); }

  // What the wire carries: one packet, or those that a super-frame becomes.
  void take(Chunk* chunk) {
    const Record& r = record_.record;
    if (record_.super.segment_bytes == 0 && router_.put_plain(r)) return;
    decoder_.decode(r, &packet_);
    FragmentNote* note = decoder_.note();
    if (note && note->is_first) chunk->notes.push_back(*note);
    if (note && !note->is_first) return router_.put_noted(*note, &packet_);
    const SuperFrame super = record_.super;
    uint32_t link = r.wire > packet_.bytes ? r.wire - packet_.bytes : 0;
    if (super.segment_bytes == 0 || super.header_bytes <= link) return router_.put(&packet_);
    put_segments(super.header_bytes - link, super.segment_bytes);
  }

  // `headers` are those of layer 3 and above.
  void put_segments(uint32_t headers, uint32_t segment) {
    uint32_t payload = packet_.bytes > headers ? packet_.bytes - headers : 0;
    const uint8_t flags = packet_.flags;
    for (uint32_t made = 1; payload > segment && made < kMostSegments; made++) {
      // FIN and PSH are on the last packet, CWR is on the first.
      packet_.flags = flags & (made == 1 ? uint8_t(~kLastFlags) : uint8_t(~(kLastFlags | kFirstFlags)));
      packet_.bytes = headers + segment;
      payload -= segment;
      Packet packet = packet_;
      router_.put(&packet);
    }
    packet_.flags = flags & uint8_t(~kFirstFlags);
    packet_.bytes = headers + payload;
    router_.put(&packet_);
  }
  static constexpr uint8_t kLastFlags = kTcpFin | 8, kFirstFlags = 128;

  // What became of packets is not known of any interface where something was lost that was told.
  void hear(Chunk* chunk) {
    nflog_->read(chunk, &router_, x_.locality.looks_at_macs(), [&](int if_index) -> const Ring* {
      for (const Source& source : rings_)
        if (source.ring->options().if_index == if_index) return source.ring.get();
      return nullptr;
    });
    const int64_t sec = now();
    if (chunk->verdicts.overflows > 0 || chunk->verdicts.lost > 0)
      for (const Source& source : rings_) chunk->drops.push_back({source.ring->options().interface, 0, heard_sec_, sec});
    if (!nflog_->is_ready()) heard_sec_ = sec;
  }

  // Asks for what was lost, lets rings go, and moves the clock on where nothing comes.
  void look(Chunk* chunk) {
    looked_at_ = monotonic_ms();
    look_at_ = looked_at_ + kLookMs;
    if (finish_at_ > looked_at_) look_at_ = std::min(look_at_, finish_at_);
    int64_t sec = now();
    for (Source& source : rings_) {
      if (uint64_t drops = source.ring->take_drops())
        chunk->drops.push_back({source.ring->options().interface, drops, source.looked_sec, sec});
      source.looked_sec = sec;
    }
    std::erase_if(rings_, [&](const Source& source) { return looked_at_ >= source.leave_at && !source.ring->has_packets(); });
    std::erase_if(streams_, [](const Fed& fed) { return fed.is_leaving && fed.stream->has_ended(); });
    chunk->looked_sec = sec;
    router_.tell_time(sec - kSettledSeconds);
  }
  // All packets that are older have been read: blocks are handed over much sooner.
  static constexpr int64_t kSettledSeconds = 1;

  Exchange& x_;
  Decoder decoder_;
  Router router_;
  std::vector<Source> rings_;
  std::vector<Fed> streams_;
  std::vector<Declared> new_;
  std::unique_ptr<NflogReader> nflog_;
  int64_t heard_sec_ = now();  // up to when all has been heard
  std::vector<pollfd> polled_;
  RingRecord record_;
  Packet packet_;
  int64_t look_at_ = 0, looked_at_ = 0, finish_at_ = 0;
};

}  // namespace windrow
