// Rows to lines of JSON: the 21 documented keys in alphabetical order, every value a string; and where verdicts come from, if
// that is asked for, behind them.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "entry_text.h"

namespace windrow {

class JsonEncoder : EntryText {
 public:
  // The constants are escaped for JSON already. With names of `sources` and of `rules` each line says by which it was judged.
  explicit JsonEncoder(const std::vector<EniConstants>& enis, const std::vector<std::string>& sources = {},
                       const std::vector<std::string>& rules = {}) {
    size_t longest = 0;
    for (const std::string& rule : rules) rules_.emplace_back(",\"x-rule\":\"" + rule + "\"");
    for (const Piece& rule : rules_) longest = std::max(longest, rule.size);
    for (const std::string& source : sources) sources_.emplace_back(",\"x-verdict-source\":\"" + source + "\"}\n");
    for (const EniConstants& e : enis) {
      Pieces p;
      p.head = Piece("{\"account-id\":\"" + e.account_id + "\",\"action\":\"");
      p.middle = Piece("\",\"eni-id\":\"" + e.eni_id + "\",\"log-status\":\"");
      const std::string flow_log = e.flow_log.empty() ? "" : "\",\"x-flow-log\":\"" + e.flow_log;
      p.tail = Piece("\",\"version\":\"1\",\"vm-id\":\"" + e.vm_id + "\",\"vpc-id\":\"" + e.vpc_id + "\",\"vswitch-id\":\"" + e.vswitch_id + flow_log +
                     (is_extended() ? "\"" : "\"}\n"));
      p.most = p.head.size + p.middle.size + p.tail.size + kMostOfRow + longest;
      pieces_.push_back(std::move(p));
    }
  }

  bool knows(uint32_t eni) const { return eni < pieces_.size(); }

  // See EntryText::encode_rows.
  uint32_t encode(const Columns& c, uint32_t row, uint32_t rows, uint8_t* out, size_t room, size_t* written, uint64_t* packets,
                  uint64_t* bytes) const {
    return encode_rows(*this, c, row, rows, out, room, written, packets, bytes);
  }

 private:
  friend class EntryText;
  static constexpr size_t kMostOfRow = 480;  // the fixed keys and the longest values of one row

  struct Pieces {
    Piece head, middle, tail;
    size_t most = 0;
  };

  uint8_t* line(const Columns& c, uint32_t i, const Pieces& eni, uint8_t* p) const {
    if (c.status[i] != kStatusOk) return extend(c, i, silent_line(c, i, eni, p));
    p = put(p, eni.head);
    p = c.action[i] ? put(p, "REJECT\",\"bytes\":\"") : put(p, "ACCEPT\",\"bytes\":\"");
    p = number(p, c.bytes[i]);
    p = c.direction[i] == kDirectionOut ? put(p, "\",\"direction\":\"out\",\"dstaddr\":\"") : put(p, "\",\"direction\":\"in\",\"dstaddr\":\"");
    p = address(p, c.dstaddr + i * 16, c.family[i]);
    p = put(p, "\",\"dstport\":\"");
    p = port(p, c.dstport[i]);
    p = put(p, "\",\"end\":\"");
    p = signed_number(p, c.end[i]);
    p = put(p, eni.middle);
    p = put(p, "OK\",\"packets\":\"");
    p = number(p, c.packets[i]);
    p = put(p, "\",\"protocol\":\"");
    p = number(p, c.protocol[i]);
    p = put(p, "\",\"srcaddr\":\"");
    p = address(p, c.srcaddr + i * 16, c.family[i]);
    p = put(p, "\",\"srcport\":\"");
    p = port(p, c.srcport[i]);
    p = put(p, "\",\"start\":\"");
    p = signed_number(p, c.start[i]);
    p = put(p, "\",\"tcp-flags\":\"");
    p = port(p, c.tcp_flags[i]);
    p = put(p, "\",\"traffic_path\":\"");
    p = port(p, c.traffic_path[i]);
    p = c.family[i] == 6 ? put(p, "\",\"type\":\"IPv6") : put(p, "\",\"type\":\"IPv4");
    return extend(c, i, put(p, eni.tail));
  }

  bool is_extended() const { return !sources_.empty() && !rules_.empty(); }

  // What has no traffic has no verdict.
  uint8_t* extend(const Columns& c, uint32_t i, uint8_t* p) const {
    if (!is_extended()) return p;
    if (c.status[i] != kStatusOk) return put(p, ",\"x-rule\":\"-\",\"x-verdict-source\":\"-\"}\n");
    p = put(p, rules_[c.rule[i] < rules_.size() ? c.rule[i] : 0]);
    return put(p, sources_[c.source[i] < sources_.size() ? c.source[i] : 0]);
  }

  static uint8_t* silent_line(const Columns& c, uint32_t i, const Pieces& eni, uint8_t* p) {
    p = put(p, eni.head);
    p = put(p, "-\",\"bytes\":\"-\",\"direction\":\"-\",\"dstaddr\":\"-\",\"dstport\":\"-\",\"end\":\"");
    p = signed_number(p, c.end[i]);
    p = put(p, eni.middle);
    p = c.status[i] == kStatusNoData ? put(p, "NODATA") : put(p, "SKIPDATA");
    p = put(p, "\",\"packets\":\"-\",\"protocol\":\"-\",\"srcaddr\":\"-\",\"srcport\":\"-\",\"start\":\"");
    p = signed_number(p, c.start[i]);
    p = put(p, "\",\"tcp-flags\":\"-\",\"traffic_path\":\"-\",\"type\":\"-");
    return put(p, eni.tail);
  }

  std::vector<Piece> sources_, rules_;  // empty: nobody asked
  std::vector<Pieces> pieces_;
};

}  // namespace windrow
