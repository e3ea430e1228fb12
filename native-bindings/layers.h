// The walk from one layer to the next until an IP header: one state machine over a checked cursor,
// for everything that can stand in front of IP, on the wire or inside a tunnel.
#pragma once
#include <utility>

#include "frame.h"

namespace windrow {

enum class Layer : uint8_t {
  kEnd,        // nothing that leads to IP
  kTruncated,  // the capture ends inside a header that would have led on
  kEthernet,
  kEtherType,     // the walk's type says what follows
  kTypeOrLength,  // the same, or a length and LLC
  kLlc,
  kPpp,
  kPppHdlc,  // PPP, or Cisco's HDLC in its place
  kChdlc,
  kMpls,
  kNsh,
  kRadiotap,
  kWlan,
  kWlanSwapped,  // CAPWAP: access points send the two bytes of frame control in the other order
  kIp,           // anything but version 4 or 6 is malformed
  kIp6,          // the same for 6
  kIpOr,         // IP if the version nibble says so, else nothing
};

constexpr int kMostLayers = 64;  // headers in front of one IP header; more is a bomb, not traffic

// `at` only grows, and nothing is read that Frame::has did not allow. Limits the frame as layers say how long they are.
class LayerWalk {
 public:
  LayerWalk(Frame* frame, Layer3* found) : frame_(*frame), found_(*found) {}

  // Walks from `layer` at offset `at` until IP or the end; fills *found.
  void run(Layer layer, uint32_t at, uint16_t type = 0) {
    at_ = at;
    type_ = type;
    for (int i = 0; i < kMostLayers; i++) {
      switch (layer) {
        case Layer::kEthernet: layer = ethernet(); break;
        case Layer::kEtherType: layer = ethertype(); break;
        case Layer::kTypeOrLength: layer = type_or_length(); break;
        case Layer::kLlc: layer = llc(); break;
        case Layer::kPpp: layer = ppp(); break;
        case Layer::kPppHdlc: layer = ppp_hdlc(); break;
        case Layer::kChdlc: layer = type_at(2, 4, Layer::kEtherType); break;
        case Layer::kMpls: layer = mpls(); break;
        case Layer::kNsh: layer = nsh(); break;
        case Layer::kRadiotap: layer = radiotap(); break;
        case Layer::kWlan: layer = wlan(false); break;
        case Layer::kWlanSwapped: layer = wlan(true); break;
        case Layer::kIpOr: layer = ip_or(); break;
        case Layer::kIp: return finish(Reason::kNone, false);
        case Layer::kIp6: return finish(Reason::kNone, true);
        case Layer::kTruncated: return finish(Reason::kTruncated, false);
        case Layer::kEnd: return finish(Reason::kNotIp, false);
      }
    }
    finish(Reason::kNotIp, false);
  }

  // SNAP at `at`: RFC 1042 and its bridge-tunnel sibling. RFC 2684 pads a bridged frame by two bytes, RFC 2427 does not.
  void run_snap(uint32_t at, uint32_t bridge_padding) {
    at_ = at;
    Layer next = snap(bridge_padding);  // before its results are read
    run(next, at_, type_);
  }

 private:
  void finish(Reason reason, bool is_v6_claimed) {
    found_.reason = reason;
    found_.at = at_;
    found_.is_v6_claimed = is_v6_claimed;
  }

  // True when `n` bytes at `at` cannot be read: a header that the frame itself does not hold claims nothing,
  // one that only the capture cut is truncated.
  bool lacks(uint32_t at, uint32_t n) {
    if (frame_.has(at, n)) return false;
    missing_ = uint64_t(at) + n <= frame_.end ? Layer::kTruncated : Layer::kEnd;
    return true;
  }

  // A tag of `length` bytes that has the next type at `offset`.
  Layer type_at(uint32_t offset, uint32_t length, Layer next = Layer::kTypeOrLength) {
    if (lacks(at_ + offset, 2)) return missing_;
    type_ = frame_.be16(at_ + offset);
    at_ += length;
    return next;
  }

  Layer skip(uint32_t length, Layer next) {
    at_ += length;
    return next;
  }

  Layer ip_or() {
    if (lacks(at_, 1)) return missing_;
    uint8_t version = frame_.u8(at_) >> 4;
    return version == 4 || version == 6 ? Layer::kIp : Layer::kEnd;
  }

  // IEEE 802.3 clause 3.2.6: up to 1500 it is a length and LLC follows, from 1536 on it is a type.
  Layer type_or_length() {
    if (type_ >= 1536) return Layer::kEtherType;
    if (type_ == 0 || type_ > 1500) return Layer::kEnd;
    frame_.limit(uint64_t(at_) + type_);
    return Layer::kLlc;
  }

  Layer ethernet() {
    if (lacks(at_ + 12, 2)) return missing_;
    const uint8_t* p = frame_.data + at_;
    bool is_isl = (p[0] == 0x01 || p[0] == 0x0c) && p[1] == 0 && p[2] == 0x0c && p[3] == 0 && p[4] == 0;
    if (is_isl && load_be16(p + 12) <= 1500) {  // Cisco ISL: 26 bytes in front of a whole frame, if it is Ethernet
      if (p[5] >> 4) return Layer::kEnd;
      return skip(26, Layer::kEthernet);
    }
    return type_at(12, 14);
  }

  Layer ethertype() {
    switch (type_) {
      case 0x0800: return Layer::kIp;
      case 0x86dd: return Layer::kIp6;
      case 0x8100:  // 802.1Q
      case 0x88a8:  // 802.1ad
      case 0x9100:
      case 0x9200: return type_at(2, 4);
      case 0x22f3: return trill();
      case 0x6558: return Layer::kEthernet;
      case 0x880b: return Layer::kPpp;
      case 0x8847:
      case 0x8848: return Layer::kMpls;
      case 0x8864: return pppoe();
      case 0x8870: return Layer::kLlc;  // LLC in a jumbo frame
      case 0x88e5: return macsec();
      case 0x88e7: return type_at(16, 18);  // 802.1ah I-TAG with the customer's addresses
      case 0x8903: return skip(2, Layer::kEthernet);  // Cisco FabricPath
      case 0x8909:                                    // Cisco MetaData
      case 0x893f: return type_at(6, 8);              // 802.1BR
      case 0x8926:                                    // VN-Tag
      case 0x892f:                                    // HSR
      case 0xf1c1: return type_at(4, 6);              // 802.1CB
      case 0x894f: return Layer::kNsh;
      case 0xd28b: return arista();
      default: return Layer::kEnd;
    }
  }

  // RFC 6325: options in 32-bit words, then the customer's frame.
  Layer trill() {
    if (lacks(at_, 2)) return missing_;
    return skip(6 + (frame_.be16(at_) >> 6 & 0x1f) * 4, Layer::kEthernet);
  }

  // RFC 2516: its length leaves the padding out.
  Layer pppoe() {
    if (lacks(at_ + 4, 2)) return missing_;
    frame_.limit(uint64_t(at_) + 6 + frame_.be16(at_ + 4));
    return skip(6, Layer::kPpp);
  }

  // IEEE 802.1AE: only a SecTag without encryption (E and C clear) shows what follows; 16 bytes of ICV come last.
  Layer macsec() {
    if (lacks(at_, 1)) return missing_;
    uint8_t tci = frame_.u8(at_);
    if (tci & 0x8c) return Layer::kEnd;
    uint32_t length = 6 + (tci & 0x20 ? 8 : 0);
    frame_.end = frame_.end > 16 ? frame_.end - 16 : 0;
    return type_at(length, length + 2);
  }

  // Arista's timestamp tag: subtype 1, then a version that says 64-bit or 48-bit time.
  Layer arista() {
    if (lacks(at_, 4)) return missing_;
    if (frame_.be16(at_) != 1) return Layer::kEnd;
    switch (frame_.be16(at_ + 2)) {
      case 0x0010: case 0x0110: return type_at(12, 14, Layer::kEtherType);
      case 0x0020: case 0x0120: return type_at(10, 12, Layer::kEtherType);
      default: return Layer::kEnd;
    }
  }

  // IEEE 802.2: only frames that carry information lead on.
  Layer llc() {
    if (lacks(at_, 3)) return missing_;
    uint8_t dsap = frame_.u8(at_), ssap = frame_.u8(at_ + 1), control = frame_.u8(at_ + 2);
    if ((control & 1) && control != 0x03) return Layer::kEnd;
    at_ += (control & 3) == 3 ? 3 : 4;
    if (dsap == 0xaa && ssap == 0xaa) return snap(2);
    return dsap == 0x06 ? Layer::kIp : Layer::kEnd;
  }

  Layer snap(uint32_t bridge_padding) {
    if (lacks(at_, 5)) return missing_;
    uint32_t oui = frame_.be32(at_) >> 8;
    type_ = frame_.be16(at_ + 3);
    at_ += 5;
    if (oui == 0x000000 || oui == 0x0000f8) return Layer::kEtherType;
    if (oui == 0x0080c2 && (type_ == 1 || type_ == 7)) return skip(bridge_padding, Layer::kEthernet);
    return Layer::kEnd;
  }

  // RFC 1661 section 6.5: a protocol number that is odd in its first byte is one byte long.
  Layer ppp() {
    if (frame_.has(at_, 2) && frame_.be16(at_) == 0xff03) at_ += 2;
    if (lacks(at_, 1)) return missing_;
    uint16_t protocol = frame_.u8(at_);
    if (!(protocol & 1)) {
      if (lacks(at_, 2)) return missing_;
      protocol = frame_.be16(at_++);
    }
    at_++;
    switch (protocol) {
      case 0x0021:
      case 0x0800: return Layer::kIp;  // the EtherTypes are no PPP numbers, and yet seen
      case 0x0057:
      case 0x86dd: return Layer::kIp6;
      case 0x0031: return bridged();
      case 0x003d:  // RFC 1990: a whole packet in one fragment, with the long sequence number
        if (lacks(at_, 1)) return missing_;
        return (frame_.u8(at_) & 0xc0) == 0xc0 ? skip(4, Layer::kPpp) : Layer::kEnd;
      case 0x0281:
      case 0x0283: return Layer::kMpls;
      default: return Layer::kEnd;
    }
  }

  // RFC 3518 section 4.1: MAC type 1 is Ethernet; a LAN identifier is optional.
  Layer bridged() {
    if (lacks(at_, 2)) return missing_;
    if (frame_.u8(at_ + 1) != 1) return Layer::kEnd;
    return skip(frame_.u8(at_) & 0x40 ? 6 : 2, Layer::kEthernet);
  }

  Layer ppp_hdlc() {
    if (lacks(at_, 1)) return missing_;
    uint8_t address = frame_.u8(at_);
    if (address == 0x0f || address == 0x8f) return Layer::kChdlc;
    return skip(address == 0xff ? 2 : 0, Layer::kPpp);
  }

  // RFC 3032; labels 13 and 14 are for maintenance (RFC 5586, RFC 3429).
  Layer mpls() {
    for (int i = 0; i < kMostLayers; i++) {
      if (lacks(at_, 4)) return missing_;
      uint32_t word = frame_.be32(at_);
      at_ += 4;
      if (word & 0x100) return mpls_payload(word >> 12);
    }
    return Layer::kEnd;
  }

  // RFC 4928: the first nibble behind the stack tells; 0 is a pseudowire (RFC 4448), 1 its associated channel (RFC 4385).
  Layer mpls_payload(uint32_t label) {
    if (lacks(at_, 1)) return missing_;
    uint8_t nibble = frame_.u8(at_) >> 4;
    if (label == 14) return Layer::kEnd;
    if (label == 13 || nibble == 1) {
      if (lacks(at_ + 2, 2)) return missing_;
      uint16_t channel = frame_.be16(at_ + 2);
      return channel == 0x21 ? skip(4, Layer::kIp) : channel == 0x57 ? skip(4, Layer::kIp6) : Layer::kEnd;
    }
    if (nibble == 4 || nibble == 6) return Layer::kIp;
    if (nibble) return Layer::kEnd;
    // Nothing says whether the optional control word is there: the frame behind it has to make sense.
    bool has_control_word = !frame_.has(at_, 18) || is_likely(frame_.be16(at_ + 16)) || !is_likely(frame_.be16(at_ + 12));
    return skip(has_control_word ? 4 : 0, Layer::kEthernet);
  }

  static bool is_likely(uint16_t type) {
    switch (type) {
      case 0x0800: case 0x0806: case 0x86dd: case 0x8100: case 0x88a8: case 0x9100: case 0x9200: case 0x8847: case 0x8848:
      case 0x8864: case 0x88e7: return true;
      default: return false;
    }
  }

  // RFC 8300: metadata of type 1 has one length, that of type 2 is as long as the header says.
  Layer nsh() {
    if (lacks(at_, 4)) return missing_;
    uint32_t length = (frame_.u8(at_ + 1) & 0x3f) * 4u;
    if ((frame_.u8(at_ + 2) & 0x0f) == 1) length = 24;
    uint8_t next = frame_.u8(at_ + 3);
    at_ += length < 8 ? 8 : length;
    return next_protocol(next);
  }

 public:
  // The numbers that NSH and VXLAN-GPE share.
  static Layer next_protocol(uint8_t protocol) {
    switch (protocol) {
      case 1: return Layer::kIp;
      case 2: return Layer::kIp6;
      case 3: return Layer::kEthernet;
      case 4: return Layer::kNsh;
      case 5: return Layer::kMpls;
      default: return Layer::kEnd;
    }
  }

 private:
  // radiotap.org: presence words run on while their top bit is set; the time (8 bytes, aligned) and the flags come first.
  Layer radiotap() {
    if (lacks(at_, 8)) return missing_;
    uint32_t length = frame_.le16(at_ + 2), present = frame_.le32(at_ + 4), field = at_ + 4;
    while (frame_.le32(field) & 0x80000000u) {
      field += 4;
      if (lacks(field, 4)) return missing_;
    }
    field += 4;
    if (present & 1) field = at_ + ((field - at_ + 7) & ~7u) + 8;
    if (present & 2) {
      if (lacks(field, 1)) return missing_;
      uint8_t flags = frame_.u8(field);
      if (flags & 0x10) frame_.limit(frame_.end > 4 ? frame_.end - 4 : 0);  // the FCS was captured
      is_padded_ = flags & 0x20;
    }
    return skip(length, Layer::kWlan);
  }

  // IEEE 802.11: data frames that carry data and are not encrypted; LLC follows. Of an A-MSDU the first subframe counts.
  Layer wlan(bool is_swapped) {
    if (lacks(at_, 2)) return missing_;
    uint8_t control = frame_.u8(at_), flags = frame_.u8(at_ + 1);
    if (is_swapped) std::swap(control, flags);
    if ((control & 0x4f) != 0x08 || (flags & 0x40)) return Layer::kEnd;
    uint32_t length = 24 + ((flags & 3) == 3 ? 6 : 0);
    bool is_aggregate = false;
    if (control & 0x80) {
      if (lacks(at_ + length, 1)) return missing_;
      is_aggregate = frame_.u8(at_ + length) & 0x80;
      length += 2 + (flags & 0x80 ? 4 : 0);
    }
    if (is_padded_) length = (length + 3) & ~3u;
    at_ += length;
    if (!is_aggregate) return Layer::kLlc;
    if (lacks(at_ + 12, 2)) return missing_;
    frame_.limit(uint64_t(at_) + 14 + frame_.be16(at_ + 12));
    return skip(14, Layer::kLlc);
  }

  Frame& frame_;
  Layer3& found_;
  uint32_t at_ = 0;
  uint16_t type_ = 0;
  bool is_padded_ = false;  // radiotap said that the 802.11 header is padded to four bytes
  Layer missing_ = Layer::kEnd;
};

}  // namespace windrow
