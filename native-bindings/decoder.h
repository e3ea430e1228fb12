// From a record of a capture to a packet: a straight line for plain Ethernet, the general way for the rest.
#pragma once
#include "fragments.h"
#include "ip.h"
#include "link_types.h"
#include "tunnels.h"

namespace windrow {

// One record as a reader found it. `data` is valid until the reader is given its next bytes.
struct Record {
  const uint8_t* data = nullptr;
  uint32_t captured = 0;  // bytes at `data`
  uint32_t wire = 0;      // length on the wire, as the capture says
  uint32_t fcs = 0;       // bytes of frame check sequence in both
  uint32_t link_type = 0;
  int64_t sec = 0;
  uint32_t nsec = 0;
  uint16_t interface = 0;
  Hint hint = Hint::kNone;
  bool untimed = false;
};

inline bool less_end4(uint32_t a, uint16_t port_a, uint32_t b, uint16_t port_b) {
  return a != b ? a < b : port_a <= port_b;
}

inline Reason destination_reason4(uint32_t destination) {
  if ((destination >> 28) == 0xe) return Reason::kMulticast;
  return destination == 0xffffffff ? Reason::kBroadcast : Reason::kNone;
}

// What the straight line makes of a record. The key is put together in registers, as the two words that it is hashed and
// compared as: pieces that are written one by one would be waited for when they are read together.
struct PlainPacket {
  uint64_t ends, tail;  // Key4::a and b; FlowTail without its observation point
  uint32_t bytes;
  uint8_t direction, flags;
  Reason reason;
};

// Ethernet with at most one 802.1Q tag, IPv4 without options or fragments, TCP or UDP, all captured. Everything else is
// left to Decoder (false): this is a shorter way to the same answer, for all that is not asked about tunnels or MACs.
[[gnu::always_inline]] inline bool decode_plain(const Record& r, PlainPacket* p) {
  const uint8_t* d = r.data;
  uint32_t captured = r.captured;
  if (captured < 14 + 20 + 8 || r.link_type != 1) return false;
  uint32_t at = 14;
  uint16_t type = load_be16(d + 12);
  if (type == 0x8100) {
    type = load_be16(d + 16);
    at = 18;
  }
  if (type != 0x0800 || d[at] != 0x45) return false;
  uint8_t protocol = d[at + 9];
  uint32_t need = protocol == kTcp ? 34 : 28;
  uint32_t length = load_be16(d + at + 2);
  if ((protocol != kTcp && protocol != kUdp) || captured < at + need || length < need) return false;
  if (load_be16(d + at + 6) & 0x3fff) return false;
  uint32_t source = load_be32(d + at + 12), destination = load_be32(d + at + 16);
  uint16_t from = load_be16(d + at + 20), to = load_be16(d + at + 22);
  bool forward = less_end4(source, from, destination, to);
  uint64_t a = forward ? source : destination, b = forward ? destination : source;
  uint64_t port_a = forward ? from : to, port_b = forward ? to : from;
  p->ends = b << 32 | a;
  p->tail = uint64_t(1) << kHasPortsBit | uint64_t(protocol) << 32 | port_b << 16 | port_a;
  p->direction = !forward;
  p->bytes = length;
  p->flags = protocol == kTcp ? d[at + 33] : 0;
  p->reason = destination_reason4(destination);
  return true;
}

class Decoder {
 public:
  explicit Decoder(bool decapsulating) : decapsulating_(decapsulating) {}

  // The fragments of the capture up to here; null where nobody knows them yet: then fragments are noted.
  void set_fragments(Fragments* fragments) { fragments_ = fragments; }

  // The note on the packet that was decoded last, or null if it is no fragment, or its fragments are known.
  FragmentNote* note() { return has_note_ ? &note_ : nullptr; }

  // Gives a later fragment's packet the ports of its first fragment.
  static void set_ports(const FragmentPorts& first, Packet* p) {
    Transport t;
    t.source = first.source;
    t.destination = first.destination;
    t.has_ports = first.has_ports;
    if (p->is_v6) {
      Key6 key = p->k6;
      set_ends6(p, p->direction ? key.b : key.a, p->direction ? key.a : key.b, t, first.protocol);
    } else {
      Key4 key = p->k4;
      set_ends4(p, p->direction ? key.b : key.a, p->direction ? key.a : key.b, t, first.protocol);
    }
  }

  // Until told otherwise, the addresses of Ethernet headers are copied along.
  void set_wants_macs(bool wants) { wants_macs_ = wants; }

  // Fills *p but for the observation point and the hash. `p->reason` says if it is to be in an entry;
  // `p->bytes` is set either way.
  [[gnu::always_inline]] void decode(const Record& r, Packet* p) {
    p->sec = r.sec;
    p->interface = r.interface;
    p->untimed = r.untimed;
    p->hint = r.hint;
    has_note_ = false;
    decode_any(r, p);
  }

 private:
  static void set_ends4(Packet* p, uint32_t source, uint32_t destination, const Transport& t, uint8_t protocol) {
    bool forward = less_end4(source, t.source, destination, t.destination);
    p->is_v6 = false;
    p->direction = !forward;
    p->k4.a = forward ? source : destination;
    p->k4.b = forward ? destination : source;
    set_tail(&p->k4.tail, t, protocol, forward);
  }

  static void set_ends6(Packet* p, const uint64_t* source, const uint64_t* destination, const Transport& t, uint8_t protocol) {
    bool forward = source[0] != destination[0]   ? source[0] < destination[0]
                   : source[1] != destination[1] ? source[1] < destination[1]
                                                 : t.source <= t.destination;
    p->is_v6 = true;
    p->direction = !forward;
    memcpy(p->k6.a, forward ? source : destination, 16);
    memcpy(p->k6.b, forward ? destination : source, 16);
    set_tail(&p->k6.tail, t, protocol, forward);
  }

  static void set_tail(FlowTail* tail, const Transport& t, uint8_t protocol, bool forward) {
    tail->port_a = forward ? t.source : t.destination;
    tail->port_b = forward ? t.destination : t.source;
    tail->protocol = protocol;
    tail->has_ports = t.has_ports;
    tail->point = 0;
  }

  [[gnu::noinline]] void decode_any(const Record& r, Packet* p) {
    Frame frame{r.data, r.captured, r.wire > r.fcs ? r.wire - r.fcs : 0};
    p->is_v6 = false;
    p->flags = 0;
    p->bytes = r.wire;
    // Only plain Ethernet shows the addresses of the interface that was captured at.
    p->has_macs = r.link_type == 1 && r.captured >= 12;
    if (p->has_macs && wants_macs_) memcpy(p->macs, r.data, 12);
    Layer3 found = find_layer3(&frame, r.link_type);
    if (p->hint == Hint::kNone) p->hint = found.hint;
    p->reason = found.reason;
    if (p->reason != Reason::kNone) return;
    IpPacket ip;
    p->reason = parse_ip(frame, found, &ip);
    if (p->reason != Reason::kNone) return;
    if (decapsulating_) {
      decapsulate(&frame, &ip);
      p->vni = ip.vni;
    }
    p->bytes = ip.bytes;
    Transport t = parse_transport(frame, ip);
    p->flags = t.flags;
    if (ip.version == 4) {
      finish4(r, frame, &ip, &t, p);
    } else {
      finish6(r, frame, &ip, &t, p);
    }
  }

  void finish4(const Record& r, const Frame& f, IpPacket* ip, Transport* t, Packet* p) {
    uint32_t source = f.be32(ip->at + 12), destination = f.be32(ip->at + 16);
    if (ip->is_first_fragment || ip->is_later_fragment) {
      FragmentKey key;
      key.source[0] = source;
      key.destination[0] = destination;
      key.identification = ip->identification;
      key.protocol = ip->protocol;
      key.version = 4;
      key.vni = ip->vni;
      join(r, key, ip, t);
    }
    set_ends4(p, source, destination, *t, ip->protocol);
    p->reason = destination_reason4(destination);
  }

  void finish6(const Record& r, const Frame& f, IpPacket* ip, Transport* t, Packet* p) {
    uint64_t source[2] = {load_be64(f.data + ip->at + 8), load_be64(f.data + ip->at + 16)};
    uint64_t destination[2] = {load_be64(f.data + ip->at + 24), load_be64(f.data + ip->at + 32)};
    if (ip->has_identification) {
      FragmentKey key;
      memcpy(key.source, source, 16);
      memcpy(key.destination, destination, 16);
      key.identification = ip->identification;
      key.protocol = 0x100;
      key.version = 6;
      key.vni = ip->vni;
      join(r, key, ip, t);
    }
    set_ends6(p, source, destination, *t, ip->protocol);
    p->reason = (destination[0] >> 56) == 0xff ? Reason::kMulticast : Reason::kNone;
  }

  void join(const Record& r, const FragmentKey& key, IpPacket* ip, Transport* t) {
    if (!fragments_) {
      note_.key = key;
      note_.ports = {t->source, t->destination, ip->protocol, t->has_ports};
      note_.sec = r.sec;
      note_.nsec = r.nsec;
      note_.is_first = ip->is_first_fragment;
      has_note_ = true;
    } else if (ip->is_first_fragment) {
      fragments_->remember(key, {t->source, t->destination, ip->protocol, t->has_ports}, r.sec, r.nsec);
    } else if (const FragmentPorts* first = fragments_->find(key, r.sec, r.nsec)) {
      t->source = first->source;
      t->destination = first->destination;
      t->has_ports = first->has_ports;
      ip->protocol = first->protocol;
    }
  }

  bool decapsulating_;
  bool wants_macs_ = true;
  Fragments* fragments_ = nullptr;
  bool has_note_ = false;
  FragmentNote note_;
};

}  // namespace windrow
