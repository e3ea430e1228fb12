// A shard: the flows whose keys hash to it. Takes its stream of each chunk in turn, and gives rows when windows close.
#pragma once
#include <chrono>
#include <utility>
#include <vector>

#include "exchange.h"
#include "flow_table.h"

namespace windrow {

class Shard {
 public:
  // What a step did: kBlocked waits for room for rows, kStarved for chunks, kDone has nothing to do ever more.
  enum class Did : uint8_t { kWork, kBlocked, kStarved, kDone };

  Shard(Exchange* exchange, uint32_t number)
      : x_(*exchange),
        number_(number),
        rows_(exchange->rows(number)),
        table_(budget_of(exchange->config), exchange->config.window_seconds, exchange->config.lateness_seconds, exchange->config.seed,
               &exchange->locality, &exchange->interfaces) {}

  // Folds the next chunk, or as much of it as there is room for the rows of.
  Did step() {
    if (is_done_) return Did::kDone;
    if (is_flushing_ && !flush_on()) return Did::kBlocked;
    if (!chunk_ && !begin_chunk()) {
      if (!x_.is_end(next_)) return Did::kStarved;
      return end();
    }
    if (chunk_->restarts && !restart()) return Did::kBlocked;
    for (;;) {
      // Later fragments stand in a stream of their own; packets are folded in the order of their records.
      bool has_late = late_.at != late_.end;
      if (!fold(&main_, has_late ? item_at(late_.at).index : UINT32_MAX)) return Did::kBlocked;
      if (!has_late) break;
      bool has_main = main_.at != main_.end;
      if (!fold(&late_, has_main ? item_at(main_.at).index - 1u : UINT32_MAX)) return Did::kBlocked;
    }
    // Packets of other shards may have raised the mark behind this shard's last. Where windows close all were told before.
    if (chunk_->mark != Stream::kNothingTold) table_.raise(chunk_->mark);
    chunk_ = nullptr;
    x_.set_folded(number_, ++next_, table_.flows());
    if (x_.is_collector_waiting()) publish_rows();
    return Did::kWork;
  }

  // Hands over the rows there are, and how far they go: called when nothing else is to be done. False: there were none.
  bool publish_rows() {
    if (is_flushing_) return false;
    bool has_rows = rows_.has_unpublished();
    if (has_rows) rows_.publish();
    Stamp progress = is_done_ ? kAllDone : next_ == 0 ? 0 : stamp_of(next_, 0) - 1;
    if (!has_rows && (progress == told_progress_ || !is_progress_due())) return false;
    rows_.set_progress(told_progress_ = progress);
    x_.tell_rows();
    return true;
  }

 private:
  // The collector of a live source is woken for rows; that there are none is told it now and then.
  bool is_progress_due() {
    if (!x_.config.is_live || is_done_ || x_.is_finishing()) return true;
    auto now = std::chrono::steady_clock::now();
    if (now - told_at_ < kTellProgressEach) return false;
    told_at_ = now;
    return true;
  }
  static constexpr auto kTellProgressEach = std::chrono::milliseconds(200);

  static constexpr int kIndexAhead = 24, kSlotAhead = 12;  // items between a prefetch and what it is for

  // A shard's part of the flows, and some more, since hashes do not divide them evenly.
  static uint32_t budget_of(const ExchangeConfig& config) {
    uint32_t part = config.max_flows / config.workers;
    return config.workers == 1 ? config.max_flows : std::max<uint32_t>(16, part + part / 16);
  }

  static const ItemHead& item_at(const uint8_t* at) { return *reinterpret_cast<const ItemHead*>(at); }

  // Where a stream of the current chunk is read: what is next to be folded, and what comes into the cache before it.
  struct Cursor {
    const uint8_t* at = nullptr;
    const uint8_t* slot_at = nullptr;
    const uint8_t* index_at = nullptr;
    const uint8_t* end = nullptr;
    int64_t base = 0;  // of the times

    void begin(const Stream& stream) {
      at = slot_at = index_at = stream.begin();
      end = stream.end();
      base = 0;
    }
  };

  bool begin_chunk() {
    chunk_ = x_.published(next_);
    if (!chunk_) return false;
    table_.begin_chunk(next_);
    for (Cursor* cursor : {&main_, &late_}) {
      cursor->begin((cursor == &main_ ? chunk_->streams : chunk_->late)[number_]);
      for (int i = 0; i < kIndexAhead; i++) cursor->index_at = look_at_index(cursor->index_at, cursor->end);
      for (int i = 0; i < kSlotAhead; i++) cursor->slot_at = look_at_slot(cursor->slot_at, cursor->end);
    }
    return true;
  }

  // Brings the index cells and then the slots of the items that come into the cache, so that add() waits for neither.
  [[gnu::always_inline]] const uint8_t* look_at_index(const uint8_t* at, const uint8_t* end) const {
    if (at == end) return at;
    table_.prefetch_index(item_at(at));
    return at + size_of(item_at(at));
  }
  [[gnu::always_inline]] const uint8_t* look_at_slot(const uint8_t* at, const uint8_t* end) {
    if (at == end) return at;
    table_.prefetch_slot(item_at(at));
    return at + size_of(item_at(at));
  }

  // Takes in the packets of records up to `last`. False: it waits for room for rows, and is to be called again.
  bool fold(Cursor* cursor, uint32_t last) {
    Cursor c = *cursor;
    bool goes_on = true;
    while (goes_on && c.at != c.end) {
      const ItemHead& item = item_at(c.at);
      if (__builtin_expect(item.index > last, 0)) break;
      c.index_at = look_at_index(c.index_at, c.end);
      c.slot_at = look_at_slot(c.slot_at, c.end);
      if (__builtin_expect(item.kind() == ItemKind::kPacket4, 1)) {
        Added added = table_.add(reinterpret_cast<const Item<Key4>&>(item), c.base);
        if (__builtin_expect(added == Added::kYes, 1)) c.at += sizeof(Item<Key4>);
        else goes_on = make_room(added, item);
      } else if (item.kind() == ItemKind::kPacket6) {
        Added added = table_.add(reinterpret_cast<const Item<Key6>&>(item), c.base);
        if (__builtin_expect(added == Added::kYes, 1)) c.at += sizeof(Item<Key6>);
        else goes_on = make_room(added, item);
      } else if (__builtin_expect(item.kind() == ItemKind::kOwed4, 0)) {
        table_.owe(reinterpret_cast<const Item<Key4>&>(item), c.base);
        c.at += sizeof(Item<Key4>);
      } else if (__builtin_expect(item.kind() == ItemKind::kOwed6, 0)) {
        table_.owe(reinterpret_cast<const Item<Key6>&>(item), c.base);
        c.at += sizeof(Item<Key6>);
      } else {
        const Event& event = reinterpret_cast<const Event&>(item);
        c.at += sizeof(Event);
        if (event.head.kind() == ItemKind::kBase) c.base = event.value;
        else goes_on = raise(event);
      }
    }
    *cursor = c;
    return goes_on;
  }

  // The clock went back: windows that are open end as they are, and may come again.
  bool restart() {
    if (restarted_ == next_) return true;
    if (!is_restarting_) {
      is_restarting_ = true;
      if (!flush(FlushMode::kAll, stamp_of(next_, 0))) return false;
    }
    is_restarting_ = false;
    restarted_ = next_;
    table_.restart();
    return true;
  }

  // Both give false when the flush has to wait for room for rows.
  [[gnu::noinline]] bool raise(const Event& event) {
    return !table_.raise(event.value) || flush(FlushMode::kDue, stamp_of(next_, event.head.index));
  }
  [[gnu::noinline]] bool make_room(Added added, const ItemHead& item) {
    return flush(added == Added::kLateFull ? FlushMode::kLate : FlushMode::kEvict, stamp_of(next_, item.index));
  }

  Did end() {
    if (!is_ended_) {
      is_ended_ = true;
      if (x_.mark() != Stream::kNothingTold) table_.raise(x_.mark());
      if (!flush(FlushMode::kAll, kFinalFlush)) return Did::kBlocked;
    }
    Exchange::ShardBooks& books = x_.books(number_);
    books.not_local = table_.not_local();
    books.unseen = table_.unseen();
    books.rule_packets.assign(std::begin(table_.rule_packets), std::end(table_.rule_packets));
    is_done_ = true;
    publish_rows();
    x_.ring_bell();
    return Did::kDone;
  }

  bool flush(FlushMode mode, Stamp stamp) {
    is_flushing_ = true;
    mode_ = mode;
    flush_stamp_ = stamp;
    table_.begin_flush(mode, x_.subscriptions());
    return flush_on();
  }

  // Fills blocks with rows until the flush is over (true), or the collector has taken none of them yet.
  bool flush_on() {
    for (;;) {
      RowBlock* block = rows_.current();
      if (!block) return false;
      if (block->is_full() || block->sections.size() >= kSectionsOfBlock) {
        rows_.publish();
        x_.tell_rows();
        continue;
      }
      bool is_first = false;
      if (!window_) {
        window_ = table_.next_window();
        if (!window_) {
          is_flushing_ = false;
          return true;
        }
        is_first = true;
      }
      Section section;
      section.flush = flush_stamp_;
      section.window = window_->id;
      section.seconds = uint32_t(window_->seconds());
      section.is_late = window_->is_late;
      section.is_early = mode_ == FlushMode::kEvict;
      section.first_row = block->rows;
      section.first_eni = uint32_t(block->enis.size());
      if (is_first && !section.is_late && !section.is_early) table_.list_enis(&block->enis);
      section.enis = uint32_t(block->enis.size()) - section.first_eni;
      section.is_last = table_.fill_rows(block);
      section.rows = block->rows - section.first_row;
      block->sections.push_back(section);
      if (!section.is_last) continue;
      table_.end_window();
      window_ = nullptr;
    }
  }

  Exchange& x_;
  uint32_t number_;
  RowQueue& rows_;
  FlowTable table_;
  uint64_t next_ = 0;  // chunk
  const Chunk* chunk_ = nullptr;
  Cursor main_, late_;
  bool is_flushing_ = false, is_ended_ = false, is_done_ = false, is_restarting_ = false;
  uint64_t restarted_ = UINT64_MAX;  // the latest chunk that did so
  FlushMode mode_ = FlushMode::kDue;
  Stamp flush_stamp_ = 0, told_progress_ = 0;
  std::chrono::steady_clock::time_point told_at_{};
  Window* window_ = nullptr;  // whose rows are being taken
};

}  // namespace windrow
