// What lines of entries are made of, in whatever format: constant pieces, numbers, addresses.
#pragma once
#include <cstring>
#include <string>

#include "columns.h"

namespace windrow {

// What is the same in all entries of an ENI, as its format writes it.
struct EniConstants {
  std::string account_id, eni_id, vm_id, vpc_id, vswitch_id;
  std::string flow_log{};  // empty: lines do not say it
};

class EntryText {
 protected:
  EntryText() {
    for (int i = 0; i < 256; i++) octets_[i] = Octet(i);
  }

  // Encodes rows from `row` on by `of`, while a whole line fits and their ENIs are known. Returns the row after the last one
  // encoded; *written: bytes in `out`; *packets, *bytes: of the OK rows, twins not counted again.
  template <typename Encoder>
  static uint32_t encode_rows(const Encoder& of, const Columns& c, uint32_t row, uint32_t rows, uint8_t* out, size_t room, size_t* written,
                              uint64_t* packets, uint64_t* bytes) {
    uint8_t* p = out;
    for (; row < rows; row++) {
      if (!of.knows(c.eni[row])) break;
      const auto& eni = of.pieces_[c.eni[row]];
      if (room - size_t(p - out) < eni.most) break;
      p = of.line(c, row, eni, p);
      if (c.status[row] == kStatusOk && !c.twin[row]) {
        *packets += c.packets[row];
        *bytes += c.bytes[row];
      }
    }
    *written = size_t(p - out);
    return row;
  }

  // A constant text that is copied in whole chunks: up to kChunk - 1 bytes behind it are written as well, which the
  // room kept for a row covers, and which the next text overwrites.
  static constexpr size_t kChunk = 32;
  struct Piece {
    std::string padded;
    size_t size = 0;
    Piece() = default;
    explicit Piece(std::string text) : padded(std::move(text)), size(padded.size()) { padded.resize(size + kChunk, ' '); }
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
  static uint8_t* put(uint8_t* p, const Piece& piece) {
    const char* text = piece.padded.data();
    for (size_t i = 0; i < piece.size; i += kChunk) memcpy(p + i, text + i, kChunk);
    return p + piece.size;
  }

  // Digits are written where they belong, two at a time.
  static uint8_t* number(uint8_t* p, uint64_t v) {
    static constexpr char kPairs[] =
        "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
        "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    if (v < 10) {
      *p = uint8_t('0' + v);
      return p + 1;
    }
    if (__builtin_expect(v > UINT32_MAX, 0)) {
      p = number(p, v / 1000000000);
      uint32_t low = uint32_t(v % 1000000000);
      for (int i = 8; i >= 0; i--, low /= 10) p[i] = uint8_t('0' + low % 10);
      return p + 9;
    }
    uint32_t w = uint32_t(v);
    int n = digits(w);
    uint8_t* q = p + n;
    for (; w >= 100; w /= 100) memcpy(q -= 2, kPairs + w % 100 * 2, 2);
    if (w >= 10) memcpy(q - 2, kPairs + w * 2, 2);
    else q[-1] = uint8_t('0' + w);
    return p + n;
  }

  static int digits(uint32_t v) {
    if (v < 10000) return v < 100 ? (v < 10 ? 1 : 2) : v < 1000 ? 3 : 4;
    if (v < 100000000) return v < 1000000 ? (v < 100000 ? 5 : 6) : v < 10000000 ? 7 : 8;
    return v < 1000000000 ? 9 : 10;
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

 private:
  Octet octets_[256];
};

}  // namespace windrow
