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
  kEtherType,  // `type` says what follows
  kLlc,
  kPpp,
  kChdlc,
  kMpls,
  kNsh,
  kWlan,
  kIp,      // version told by the nibble; anything else is malformed
  kIpOr,    // IP if the nibble says so, else nothing (behind MPLS, for one)
};

constexpr int kMostLayers = 32;  // headers in front of one IP header; more is a bomb, not traffic

// The state of a walk. `at` only grows, and nothing is read that Frame::has did not allow.
class LayerWalk {
 public:
  LayerWalk(const Frame& frame, Layer3* found) : frame_(frame), found_(found) {}

  // Walks from `layer` at offset `at` until IP or the end; fills *found.
  void run(Layer layer, uint32_t at, uint16_t type = 0) {
    at_ = at;
    type_ = type;
    for (int i = 0; i < kMostLayers; i++) {
      switch (layer) {
        case Layer::kEthernet: layer = ethernet(); break;
        case Layer::kEtherType: layer = ethertype(); break;
        case Layer::kLlc: layer = llc(); break;
        case Layer::kPpp: layer = ppp(); break;
        case Layer::kChdlc: layer = chdlc(); break;
        case Layer::kMpls: layer = mpls(); break;
        case Layer::kNsh: layer = nsh(); break;
        case Layer::kWlan: layer = wlan(); break;
        case Layer::kIp: return finish(Reason::kNone);
        case Layer::kIpOr: return finish(ip_nibble() ? Reason::kNone : Reason::kNotIp);
        case Layer::kTruncated: return finish(Reason::kTruncated);
        case Layer::kEnd: return finish(Reason::kNotIp);
      }
    }
    finish(Reason::kNotIp);
  }

 private:
  void finish(Reason reason) {
    found_->reason = reason;
    found_->at = at_;
    found_->claimed = claimed_;
  }

  bool ip_nibble() const {
    if (!frame_.has(at_, 1)) return false;
    uint8_t version = frame_.u8(at_) >> 4;
    return version == 4 || version == 6;
  }

  // IEEE 802.3: a type field of up to 1500 is a length, and LLC follows.
  Layer by_type(uint16_t type) {
    if (type <= 1500) return Layer::kLlc;
    type_ = type;
    return Layer::kEtherType;
  }

  // A tag of `skip` bytes whose last or named two bytes are the next type.
  Layer tag(uint32_t type_at, uint32_t skip) {
    if (!frame_.has(at_ + type_at, 2)) return Layer::kTruncated;
    uint16_t next = frame_.be16(at_ + type_at);
    at_ += skip;
    return by_type(next);
  }

  Layer ethernet() {
    if (!frame_.has(at_, 14)) return Layer::kTruncated;
    // Cisco ISL: 26 bytes of header in front of a whole Ethernet frame, told by its destination.
    const uint8_t* p = frame_.data + at_;
    if ((p[0] == 0x01 || p[0] == 0x03) && p[1] == 0 && p[2] == 0x0c && p[3] == 0 && p[4] == 0 && load_be16(p + 12) <= 1500 &&
        frame_.has(at_, 26 + 14)) {
      at_ += 26;
      return Layer::kEthernet;
    }
    if (found_->macs_at == UINT32_MAX) found_->macs_at = at_;
    return tag(12, 14);
  }

  Layer ethertype() {
    switch (type_) {
      case 0x0800: claimed_ = 4; return Layer::kIp;
      case 0x86dd: claimed_ = 6; return Layer::kIp;
      case 0x8100:  // 802.1Q
      case 0x88a8:  // 802.1ad
      case 0x9100:
      case 0x9200:
      case 0x9300: return tag(2, 4);
      case 0x8847:
      case 0x8848: return Layer::kMpls;
      case 0x8864:  // PPPoE session, RFC 2516: 6 bytes, then PPP
        at_ += 6;
        return Layer::kPpp;
      case 0x880b: return Layer::kPpp;
      case 0x88e7: return tag(16, 18);  // 802.1ah I-TAG with the customer's addresses
      case 0x894f: return Layer::kNsh;
      case 0x88e5: return macsec();
      case 0x8926:                    // VN-Tag
      case 0x892f:                    // HSR
      case 0xf1c1: return tag(4, 6);  // 802.1CB
      case 0x8909:                    // Cisco MetaData
      case 0x893f: return tag(6, 8);  // 802.1BR
      case 0x8903:                    // Cisco FabricPath: two bytes, then a whole frame
        at_ += 2;
        return Layer::kEthernet;
      case 0x6558: return Layer::kEthernet;
      case 0x8870: return Layer::kLlc;  // LLC in a jumbo frame
      case 0xd28b: return arista();
      default: return Layer::kEnd;
    }
  }

  // IEEE 802.1AE: only a SecTag without encryption (E and C bits clear) shows what follows.
  Layer macsec() {
    if (!frame_.has(at_, 6)) return Layer::kTruncated;
    uint8_t tci = frame_.u8(at_);
    if (tci & 0x0c) return Layer::kEnd;
    uint32_t length = 6 + (tci & 0x20 ? 8 : 0);
    return tag(length, length + 2);
  }

  // Arista's timestamp tag: subtype 1, then a version whose low byte says 64-bit or 48-bit time.
  Layer arista() {
    if (!frame_.has(at_, 4)) return Layer::kTruncated;
    if (frame_.be16(at_) != 1) return Layer::kEnd;
    switch (frame_.u8(at_ + 3)) {
      case 0x10: return tag(12, 14);
      case 0x20: return tag(10, 12);
      default: return Layer::kEnd;
    }
  }

  Layer llc() {
    if (!frame_.has(at_, 3)) return Layer::kTruncated;
    uint8_t dsap = frame_.u8(at_), ssap = frame_.u8(at_ + 1), control = frame_.u8(at_ + 2);
    uint32_t length = (control & 3) == 3 ? 3 : 4;
    if (dsap == 0xaa && ssap == 0xaa) {
      at_ += length;
      return snap();
    }
    if (dsap == 0x06) {
      at_ += length;
      claimed_ = 4;
      return Layer::kIp;
    }
    return Layer::kEnd;
  }

  Layer snap() {
    if (!frame_.has(at_, 5)) return Layer::kTruncated;
    uint32_t oui = frame_.be32(at_) >> 8;
    uint16_t type = frame_.be16(at_ + 3);
    at_ += 5;
    if (oui == 0x000000 || oui == 0x0000f8) {
      type_ = type;
      return Layer::kEtherType;
    }
    if (oui == 0x0080c2 && (type == 0x0001 || type == 0x0007)) return Layer::kEthernet;  // RFC 2684, bridged
    return Layer::kEnd;
  }

  Layer ppp() {
    if (!frame_.has(at_, 2)) return Layer::kTruncated;
    if (frame_.u8(at_) == 0xff && frame_.u8(at_ + 1) == 0x03) at_ += 2;
    if (!frame_.has(at_, 1)) return Layer::kTruncated;
    uint16_t protocol = frame_.u8(at_);
    if (protocol & 1) {  // RFC 1661 section 6.5: compressed to one byte
      at_ += 1;
    } else {
      if (!frame_.has(at_, 2)) return Layer::kTruncated;
      protocol = frame_.be16(at_);
      at_ += 2;
    }
    switch (protocol) {
      case 0x0021: claimed_ = 4; return Layer::kIp;
      case 0x0057: claimed_ = 6; return Layer::kIp;
      case 0x0281:
      case 0x0283: return Layer::kMpls;
      case 0x0031:  // BCP, RFC 3518: flags, MAC type 1 is Ethernet
        if (!frame_.has(at_, 2)) return Layer::kTruncated;
        if (frame_.u8(at_ + 1) != 1) return Layer::kEnd;
        at_ += 2;
        return Layer::kEthernet;
      default: return Layer::kEnd;
    }
  }

  Layer chdlc() {
    if (!frame_.has(at_, 4)) return Layer::kTruncated;
    type_ = frame_.be16(at_ + 2);
    at_ += 4;
    return Layer::kEtherType;
  }

  Layer mpls() {
    for (int i = 0; i < kMostLayers; i++) {
      if (!frame_.has(at_, 4)) return Layer::kTruncated;
      bool bottom = frame_.u8(at_ + 2) & 1;
      at_ += 4;
      if (bottom) return mpls_payload();
    }
    return Layer::kEnd;
  }

  // RFC 4928: what follows the stack is told by its first nibble; 0 is a pseudowire's control word (RFC 4385).
  Layer mpls_payload() {
    if (!frame_.has(at_, 1)) return Layer::kTruncated;
    uint8_t nibble = frame_.u8(at_) >> 4;
    if (nibble == 4 || nibble == 6) return Layer::kIpOr;
    if (nibble == 1) return Layer::kEnd;  // associated channel
    if (nibble == 0 && leads_on(at_ + 4)) {
      at_ += 4;
      return Layer::kEthernet;
    }
    return leads_on(at_) ? Layer::kEthernet : Layer::kEnd;
  }

  // Whether an Ethernet header at `at` carries a type that this walk knows: pseudowires do not say what they carry.
  bool leads_on(uint32_t at) const {
    if (!frame_.has(at, 14)) return false;
    switch (frame_.be16(at + 12)) {
      case 0x0800: case 0x86dd: case 0x8100: case 0x88a8: case 0x9100: case 0x8847: case 0x8864: return true;
      default: return false;
    }
  }

  // RFC 8300: length in words in the low six bits of the second byte, next protocol in the fourth.
  Layer nsh() {
    if (!frame_.has(at_, 4)) return Layer::kTruncated;
    uint32_t length = (frame_.u8(at_ + 1) & 0x3f) * 4u;
    uint8_t next = frame_.u8(at_ + 3);
    if (length < 8) return Layer::kEnd;
    at_ += length;
    switch (next) {
      case 1: claimed_ = 4; return Layer::kIp;
      case 2: claimed_ = 6; return Layer::kIp;
      case 3: return Layer::kEthernet;
      case 4: return Layer::kNsh;
      case 5: return Layer::kMpls;
      default: return Layer::kEnd;
    }
  }

  // IEEE 802.11: data frames that carry data and are not encrypted; LLC follows.
  Layer wlan() {
    if (!frame_.has(at_, 2)) return Layer::kTruncated;
    uint8_t control = frame_.u8(at_), flags = frame_.u8(at_ + 1);
    if (wlan_may_be_swapped && (flags & 0x0f) == 0x08) std::swap(control, flags);
    if ((control & 0x0c) != 0x08 || (control & 0x40) || (flags & 0x40)) return Layer::kEnd;
    uint32_t length = 24 + ((flags & 3) == 3 ? 6 : 0);
    bool aggregate = false;
    if (control & 0x80) {
      if (!frame_.has(at_ + length, 2)) return Layer::kTruncated;
      aggregate = frame_.u8(at_ + length) & 0x80;
      length += 2 + (flags & 0x80 ? 4 : 0);
    }
    if (wlan_padded) length = (length + 3) & ~3u;
    at_ += length;
    if (aggregate) at_ += 14;  // the first subframe's addresses and length
    return Layer::kLlc;
  }

 public:
  bool wlan_padded = false;          // radiotap said that the header is padded to four bytes
  bool wlan_may_be_swapped = false;  // CAPWAP: some controllers send the two control bytes in the other order

 private:
  const Frame& frame_;
  Layer3* found_;
  uint32_t at_ = 0;
  uint16_t type_ = 0;
  uint8_t claimed_ = 0;
};

}  // namespace windrow
