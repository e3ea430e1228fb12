// Rows to lines of JSON: the 21 documented keys in alphabetical order, every value a string.
#pragma once
#include <cstring>
#include <string>
#include <vector>

#include "columns.h"
#include "packet.h"

namespace windrow {

// What is the same in all entries of an ENI, already escaped for JSON.
struct EniConstants {
  std::string account_id, eni_id, vm_id, vpc_id, vswitch_id;
};

class JsonEncoder {
 public:
  explicit JsonEncoder(const std::vector<EniConstants>& enis) {
    for (const EniConstants& e : enis) {
      Pieces p;
      p.head = "{\"account-id\":\"" + e.account_id + "\",\"action\":\"";
      p.middle = "\",\"eni-id\":\"" + e.eni_id + "\",\"log-status\":\"";
      p.tail = "\",\"version\":\"1\",\"vm-id\":\"" + e.vm_id + "\",\"vpc-id\":\"" + e.vpc_id + "\",\"vswitch-id\":\"" + e.vswitch_id + "\"}\n";
      p.most = p.head.size() + p.middle.size() + p.tail.size() + kMostOfRow;
      pieces_.push_back(std::move(p));
    }
    for (int i = 0; i < 256; i++) octets_[i] = Octet(i);
  }

  size_t eni_count() const { return pieces_.size(); }

  // Encodes rows from `row` on while a whole line fits. Returns the row after the last one encoded;
  // *written: bytes in `out`; *totals: packets and bytes of the OK rows, twins not counted again.
  uint32_t encode(const Columns& c, uint32_t row, uint32_t rows, uint8_t* out, size_t room, size_t* written, uint64_t* packets,
                  uint64_t* bytes) const {
    uint8_t* p = out;
    for (; row < rows; row++) {
      const Pieces& eni = pieces_[c.eni[row]];
      if (room - size_t(p - out) < eni.most) break;
      p = line(c, row, eni, p);
      if (c.status[row] == kStatusOk && !c.twin[row]) {
        *packets += c.packets[row];
        *bytes += c.bytes[row];
      }
    }
    *written = size_t(p - out);
    return row;
  }

 private:
  static constexpr size_t kMostOfRow = 480;  // the fixed keys and the longest values of one row

  struct Pieces {
    std::string head, middle, tail;
    size_t most = 0;
  };

  // An octet in decimal with a dot behind it, and how many bytes that is.
  struct Octet {
    char text[4] = {0, 0, 0, 0};
    uint8_t size = 0;
    Octet() = default;
    explicit Octet(int v) {
      if (v >= 100) text[size++] = char('0' + v / 100);
      if (v >= 10) text[size++] = char('0' + v / 10 % 10);
      text[size++] = char('0' + v % 10);
      text[size] = '.';
    }
  };

  template <size_t N>
  static uint8_t* put(uint8_t* p, const char (&text)[N]) {
    memcpy(p, text, N - 1);
    return p + N - 1;
  }
  static uint8_t* put(uint8_t* p, const std::string& text) {
    memcpy(p, text.data(), text.size());
    return p + text.size();
  }

  static uint8_t* number(uint8_t* p, uint64_t v) {
    static constexpr char kPairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263"
        "6465666768697071727374757677787980818283848586878889909192939495969798" "99";
    char digits[20];
    int at = 20;
    while (v >= 100) {
      at -= 2;
      memcpy(digits + at, kPairs + v % 100 * 2, 2);
      v /= 100;
    }
    if (v >= 10) {
      at -= 2;
      memcpy(digits + at, kPairs + v * 2, 2);
    } else {
      digits[--at] = char('0' + v);
    }
    memcpy(p, digits + at, size_t(20 - at));
    return p + 20 - at;
  }

  static uint8_t* signed_number(uint8_t* p, int64_t v) {
    if (v >= 0) return number(p, uint64_t(v));
    *p++ = '-';
    return number(p, uint64_t(0) - uint64_t(v));
  }

  static uint8_t* port(uint8_t* p, int32_t v) {
    if (v >= 0) return number(p, uint64_t(v));
    *p = '-';
    return p + 1;
  }

  uint8_t* address(uint8_t* p, const uint8_t* a, uint8_t family) const {
    if (family == 6) return address6(p, a);
    for (int i = 0; i < 4; i++) {
      memcpy(p, octets_[a[i]].text, 4);
      p += octets_[a[i]].size + 1;
    }
    return p - 1;
  }

  // RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as "::", the first of equals.
  static uint8_t* address6(uint8_t* p, const uint8_t* a) {
    uint16_t groups[8];
    for (int i = 0; i < 8; i++) groups[i] = uint16_t(a[i * 2] << 8 | a[i * 2 + 1]);
    int best = 8, best_length = 1;
    for (int i = 0; i < 8;) {
      int j = i;
      while (j < 8 && groups[j] == 0) j++;
      if (j - i > best_length) best = i, best_length = j - i;
      i = j > i ? j : i + 1;
    }
    for (int i = 0; i < 8; i++) {
      if (i == best) {
        p = put(p, "::");
        i += best_length - 1;
        continue;
      }
      if (i && i != best + best_length) *p++ = ':';
      p = hex(p, groups[i]);
    }
    return p;
  }

  static uint8_t* hex(uint8_t* p, uint16_t v) {
    static constexpr char kDigits[] = "0123456789abcdef";
    if (v >= 0x1000) *p++ = uint8_t(kDigits[v >> 12]);
    if (v >= 0x100) *p++ = uint8_t(kDigits[v >> 8 & 15]);
    if (v >= 0x10) *p++ = uint8_t(kDigits[v >> 4 & 15]);
    *p++ = uint8_t(kDigits[v & 15]);
    return p;
  }

  uint8_t* line(const Columns& c, uint32_t i, const Pieces& eni, uint8_t* p) const {
    if (c.status[i] != kStatusOk) return silent_line(c, i, eni, p);
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
    return put(p, eni.tail);
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

  std::vector<Pieces> pieces_;
  Octet octets_[256];
};

}  // namespace windrow
