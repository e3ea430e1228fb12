// What the workers of a replay share: chunks of the capture in a ring, read by any of them and folded by all of them in
// their order, each taking the flows of its own shard; and the rows that come out of it. No lock is held while anything is
// read, decoded or counted: a chunk belongs to the worker that claimed it until it is published, and then to all, for reading.
#pragma once
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "chunk.h"
#include "decoder.h"
#include "input.h"
#include "owed.h"
#include "row_queue.h"
#include "subscriptions.h"

namespace windrow {

// On so many packets a capture's own locality is decided. A fuzz target sets fewer, to get behind them.
#ifndef WINDROW_FIRST_PACKETS
#define WINDROW_FIRST_PACKETS 10000
#endif
constexpr size_t kFirstPackets = WINDROW_FIRST_PACKETS;
constexpr uint32_t kMostWorkers = 256;

struct ExchangeConfig {
  uint32_t workers = 1;
  int fd = -1;  // of a regular file that is read in chunks; -1: inputs are fed to the first worker
  bool is_live = false;  // all workers read rings instead
  size_t chunk_bytes = 1 << 19;
  uint32_t max_flows = 1000000;
  int64_t window_seconds = 600, lateness_seconds = 2;
  bool decapsulating = false;
  HashSeed seed;
  LocalityConfig locality;
};

// Of live interfaces: how they are at a time.
struct LiveBooks {
  std::vector<Interface> interfaces;
  Interface gone;
  Verdicts verdicts;
};

class Exchange {
 public:
  static constexpr size_t kLeastChunkBytes = 4096, kMostChunkBytes = size_t(kMostRecords) * 16;

  explicit Exchange(ExchangeConfig c)
      : config(std::move(c)),
        locality(config.locality, config.is_live),
        interfaces(config.window_seconds,
                   [this](uint32_t number, const std::string& name) { return locality.declare(number, name); }),
        fragments(config.seed),
        ring_(config.workers == 1 ? 1 : 2 * config.workers + 2),
        shards_(config.workers) {
    // A record takes 16 bytes of a capture at least.
    size_t records = config.is_live ? kRecordsOfLiveStream : std::max(config.chunk_bytes / 16, kFirstPackets);
    for (Chunk& chunk : ring_)
      for (uint32_t i = 0; i < config.workers; i++) {
        chunk.streams.emplace_back(records);
        chunk.late.emplace_back(records);
      }
    if (!config.is_live) return;
    // Interfaces say which way their packets go; nothing that comes first decides more.
    locality.decide();
    is_decided = true;
    for (PerShard& shard : shards_) shard.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  }
  ~Exchange() {
    for (PerShard& shard : shards_)
      if (shard.wake_fd >= 0) close(shard.wake_fd);
  }

  const ExchangeConfig config;

  // --- In turn: what only the worker whose chunk is the next to be published may touch. ---

  Locality locality;  // read by all, once it is decided
  Interfaces interfaces;
  Fragments fragments;
  Verdicts verdicts;
  Input input;                 // of the file that is read in chunks
  uint64_t offset = 0;         // where its next record begins
  uint64_t head_end = 0;       // where the chunk of the first packets ended
  bool is_decided = false;     // the locality is
  uint64_t guesses = 0, wrong_guesses = 0;  // chunks that were read ahead, and those of them that had to be read again

  // The ENI of an interface that is declared, in a window.
  uint32_t eni_of_interface(int64_t window, uint32_t number) const { return locality.eni_of_interface(window, number, interfaces.eni(number)); }

  // --- Who collects ---

  // Null: whoever takes all entries. Windows that close from now on do so by these.
  void subscribe(std::shared_ptr<const Subscriptions> subscriptions) {
    std::lock_guard lock(subscriptions_mutex_);
    subscriptions_ = std::move(subscriptions);
  }
  std::shared_ptr<const Subscriptions> subscriptions() const {
    std::lock_guard lock(subscriptions_mutex_);
    return subscriptions_;
  }

  // --- How to read ahead ---

  // A copy of the input as it was between two records, for anybody to read on with.
  std::shared_ptr<const Input> settled_input() const {
    std::lock_guard lock(settled_mutex_);
    return settled_input_;
  }

  // --- Chunks ---

  // A chunk for the caller to read and then to publish, or null when it has to wait. Their numbers count from 0.
  Chunk* claim(uint64_t* number) {
    if (is_over()) return nullptr;
    uint64_t next = claimed_.load(std::memory_order_relaxed);
    for (;;) {
      if (next - folded_by_all() >= ring_.size()) return nullptr;
      // How to read the capture, and what it shows, is known once its head has been read.
      if (next > 0 && published_.load(std::memory_order_acquire) == 0) return nullptr;
      if (claimed_.compare_exchange_weak(next, next + 1, std::memory_order_relaxed)) break;
    }
    *number = next;
    Chunk* chunk = &ring_[next % ring_.size()];
    chunk->clear();
    return chunk;
  }

  // Whether this chunk is the next to be published: all before it are.
  bool is_turn_of(uint64_t number) const { return published_.load(std::memory_order_acquire) == number; }

  // Called in turn.
  void publish(uint64_t number, Chunk* chunk) {
    interfaces.add(chunk->tally);
    if (!has_first()) first_sec_.store(chunk->first_sec, std::memory_order_relaxed);
    if (chunk->mark > mark() || chunk->restarts) {
      mark_.store(chunk->mark, std::memory_order_relaxed);
      if (config.is_live) note_mark(stamp_of(number + 1, 0) - 1, chunk->mark);
    }
    packets_.store(packets_.load(std::memory_order_relaxed) + chunk->records, std::memory_order_relaxed);
    if (config.fd >= 0) consumed_.store(offset, std::memory_order_relaxed);
    declared_.store(uint32_t(interfaces.all().size()), std::memory_order_relaxed);
    interfaces.place_drops(stamp_of(number, chunk->records));
    verdicts.add(chunk->verdicts);
    if (config.is_live && wants_books_.exchange(false)) {
      std::lock_guard lock(drops_mutex_);
      live_books_ = {interfaces.all(), interfaces.gone(), verdicts};
    }
    if (interfaces.has_drops()) {
      std::lock_guard lock(drops_mutex_);
      for (const DropReport& drops : interfaces.take_drops()) drops_.push_back(drops);
    }
    if (input.is_settled() && input.changes() != settled_changes_) {
      auto settled = std::make_shared<const Input>(input);
      settled_changes_ = input.changes();
      std::lock_guard lock(settled_mutex_);
      settled_input_ = std::move(settled);
    }
    if (chunk->is_last) {
      ending_ = chunk->ending;
      chunks_.store(number + 1, std::memory_order_relaxed);
    }
    published_.store(number + 1, std::memory_order_release);
    ring_bell();
  }

  // Null while that chunk is not published.
  const Chunk* published(uint64_t number) const {
    return number < published_.load(std::memory_order_acquire) ? &ring_[number % ring_.size()] : nullptr;
  }
  // Whether all chunks are published, and are no more than this.
  bool is_end(uint64_t number) const { return is_over() && number == chunks_.load(std::memory_order_relaxed); }
  bool is_over() const {
    return published_.load(std::memory_order_acquire) == chunks_.load(std::memory_order_relaxed);
  }
  void set_folded(uint32_t shard, uint64_t chunks, uint64_t flows) {
    shards_[shard].flows.store(flows, std::memory_order_relaxed);
    shards_[shard].folded.store(chunks, std::memory_order_release);
    ring_bell();
  }

  // --- Once all is published ---

  int64_t mark() const { return mark_.load(std::memory_order_relaxed); }
  const Span& ending() const { return ending_; }

  // --- Rows ---

  RowQueue& rows(uint32_t shard) { return shards_[shard].rows; }
  // Wakes the collector, if it waits for rows.
  void tell_rows() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (is_collector_waiting_.load(std::memory_order_relaxed) && is_collector_waiting_.exchange(false) && on_rows) on_rows();
  }
  bool is_collector_waiting() const { return is_collector_waiting_.load(std::memory_order_relaxed); }
  void await_rows() {
    is_collector_waiting_.store(true);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  // Called by any worker. Set before the workers begin.
  std::function<void()> on_rows;

  // --- For the collector, at any time ---

  // Drop reports that stand in front of that record, in their order.
  std::vector<DropReport> take_drops(Stamp before) {
    std::vector<DropReport> taken;
    std::lock_guard lock(drops_mutex_);
    while (!drops_.empty() && drops_.front().before <= before) {
      taken.push_back(drops_.front());
      drops_.pop_front();
    }
    return taken;
  }
  // Of a live source: the watermark that all shards have reached which have folded everything up to that stamp.
  int64_t mark_at(Stamp reached) {
    std::lock_guard lock(drops_mutex_);
    while (!marks_.empty() && marks_.front().first <= reached) {
      settled_mark_ = marks_.front().second;
      marks_.pop_front();
    }
    return settled_mark_;
  }
  // Of a live source: the books as they were when the first chunk after the call before was published.
  LiveBooks live_books() {
    std::lock_guard lock(drops_mutex_);
    wants_books_.store(true);
    return live_books_;
  }
  // In the tables of all shards.
  uint64_t flows() const {
    uint64_t sum = 0;
    for (const PerShard& shard : shards_) sum += shard.flows.load(std::memory_order_relaxed);
    return sum;
  }
  bool has_first() const { return first_sec() != Stream::kNothingTold; }  // known with the first rows
  int64_t first_sec() const { return first_sec_.load(std::memory_order_relaxed); }
  uint32_t declared() const { return declared_.load(std::memory_order_relaxed); }
  uint64_t packets() const { return packets_.load(std::memory_order_relaxed); }
  void set_consumed(uint64_t bytes) { consumed_.store(bytes, std::memory_order_relaxed); }
  uint64_t consumed() const { return consumed_.load(std::memory_order_relaxed); }

  // --- Waiting ---

  // Rises with everything that anybody may be waiting for.
  uint32_t bell() const { return bell_.load(std::memory_order_acquire); }
  void ring_bell() {
    bell_.fetch_add(1);
    bell_.notify_all();
    if (config.is_live) wake_sleepers();
  }
  // A worker that waits for packets too sleeps in poll(2): its descriptor becomes readable with the bell.
  int wake_fd(uint32_t worker) const { return shards_[worker].wake_fd; }
  // False where the bell has rung since: it is not to sleep then.
  bool fall_asleep(uint32_t worker, uint32_t bell) {
    shards_[worker].is_asleep.store(true);
    if (bell_.load() == bell) return true;
    shards_[worker].is_asleep.store(false);
    return false;
  }
  void wait(uint32_t bell) { bell_.wait(bell, std::memory_order_acquire); }
  void stop() {
    is_stopped_.store(true);
    ring_bell();
  }
  // Workers of a live source come back to their callers, who have been told something.
  void interrupt() {
    interrupts_.fetch_add(1);
    ring_bell();
  }
  uint32_t interrupts() const { return interrupts_.load(); }
  bool is_stopped() const { return is_stopped_.load(std::memory_order_relaxed); }

  // --- The end of a live source ---

  // Every worker reads what its rings hold, and worker 0 ends the source when all have.
  void finish() {
    is_finishing_.store(true);
    ring_bell();
  }
  bool is_finishing() const { return is_finishing_.load(std::memory_order_relaxed); }
  void tell_drained() {
    drained_.fetch_add(1);
    ring_bell();
  }
  uint32_t drained() const { return drained_.load(); }

  // What a shard leaves behind when it is done.
  struct ShardBooks {
    std::vector<Tally::Count> not_local;
    Owed::Balance unseen;
    std::vector<uint64_t> rule_packets;
  };
  // False where that shard has its worker, or the exchange its collector: there is one of each.
  bool take_shard(uint32_t shard) { return !shards_[shard].is_taken.exchange(true); }
  bool take_collector() { return !is_collected_.exchange(true); }
  ShardBooks& books(uint32_t shard) { return shards_[shard].books; }
  uint32_t workers() const { return config.workers; }

 private:
  struct alignas(64) PerShard {
    std::atomic<uint64_t> folded{0}, flows{0};
    std::atomic<bool> is_taken{false}, is_asleep{false};
    int wake_fd = -1;
    RowQueue rows;
    ShardBooks books;
  };

  void note_mark(Stamp stamp, int64_t mark) {
    std::lock_guard lock(drops_mutex_);
    marks_.emplace_back(stamp, mark);
  }

  void wake_sleepers() {
    const uint64_t one = 1;
    for (PerShard& shard : shards_)
      if (shard.is_asleep.load() && shard.is_asleep.exchange(false) && write(shard.wake_fd, &one, sizeof one) < 0) continue;
  }

  uint64_t folded_by_all() const {
    uint64_t least = UINT64_MAX;
    for (const PerShard& shard : shards_) least = std::min(least, shard.folded.load(std::memory_order_acquire));
    return least;
  }

  // Held to copy or set a pointer, once a chunk.
  mutable std::mutex subscriptions_mutex_;
  std::shared_ptr<const Subscriptions> subscriptions_;
  mutable std::mutex settled_mutex_;
  std::shared_ptr<const Input> settled_input_;
  uint64_t settled_changes_ = UINT64_MAX;
  std::vector<Chunk> ring_;
  std::vector<PerShard> shards_;
  alignas(64) std::atomic<uint64_t> claimed_{0};
  alignas(64) std::atomic<uint64_t> published_{0};
  std::atomic<uint64_t> chunks_{UINT64_MAX};
  alignas(64) std::atomic<uint32_t> bell_{0};
  std::atomic<bool> is_finishing_{false};
  std::atomic<uint32_t> drained_{0}, interrupts_{0};
  std::atomic<bool> is_stopped_{false}, is_collector_waiting_{false}, is_collected_{false};
  std::atomic<uint32_t> declared_{0};
  std::atomic<uint64_t> packets_{0}, consumed_{0};
  std::atomic<int64_t> first_sec_{Stream::kNothingTold}, mark_{Stream::kNothingTold};
  Span ending_;
  std::atomic<bool> wants_books_{true};
  // Reports of lost packets are rare, and taken by another thread than the workers.
  std::mutex drops_mutex_;
  LiveBooks live_books_;
  std::deque<DropReport> drops_;
  // Where the watermark rose, once a second at most, and what of it has been asked for.
  std::deque<std::pair<Stamp, int64_t>> marks_;
  int64_t settled_mark_ = Stream::kNothingTold;
};

}  // namespace windrow
