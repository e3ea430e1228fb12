// What the firewall tells of packets, counted: those that it has rejected become flows of their own, at the interfaces
// that are captured.
#pragma once
#include <net/if.h>
#include <sys/ioctl.h>

#include "chunk.h"
#include "nflog.h"
#include "ring.h"

namespace windrow {

// A packet is counted as no more of them.
constexpr uint32_t kMostPieces = 1024;

// How the wire carries a packet that is larger than it can: headers in each piece, of layer 3 and above, and bytes behind
// them. A packet of TCP was put together from segments (GRO) or is still to be cut (GSO), any other one from fragments.
struct Pieces {
  uint32_t header_bytes = 0;  // of the packet as it is
  uint32_t piece_headers = 0, piece_bytes = 0;
};

inline Pieces pieces_of(const uint8_t* ip, uint32_t captured, uint32_t mtu) {
  if (captured < 20) return {};
  const bool is_v6 = ip[0] >> 4 == 6;
  const uint32_t header = is_v6 ? 40 : (ip[0] & 15) * 4u;
  const uint8_t protocol = is_v6 ? ip[6] : ip[9];
  Pieces pieces{header, header, 0};
  if (protocol == kTcp && captured >= header + 13) {
    pieces.header_bytes = pieces.piece_headers = header + (ip[header + 12] >> 4) * 4u;
    if (mtu > pieces.piece_headers) pieces.piece_bytes = mtu - pieces.piece_headers;
  } else {
    constexpr uint32_t kFragmentHeader = 8;
    if (is_v6) pieces.piece_headers += kFragmentHeader;
    if (mtu > pieces.piece_headers) pieces.piece_bytes = (mtu - pieces.piece_headers) & ~7u;
  }
  return pieces;
}

class NflogReader {
 public:
  NflogReader(std::unique_ptr<Nflog> log, bool decapsulating) : log_(std::move(log)), decoder_(decapsulating) {
    decoder_.set_fragments(nullptr);
  }

  int fd() const { return log_->fd(); }
  bool is_ready() const { return log_->is_ready; }
  void set_ready() { log_->is_ready = true; }

  // All that is there, as far as the chunk has room. `ring_of` gives the ring of an interface by the kernel's number, or null.
  template <typename RingOf>
  void read(Chunk* chunk, Router* router, bool wants_macs, RingOf ring_of) {
    decoder_.set_wants_macs(wants_macs);
    NflogMessage message;
    while (chunk->records + kMostRoom < kRecordsOfLiveStream && log_->next(&message, &chunk->verdicts.overflows, &chunk->verdicts.lost)) take(message, chunk, router, ring_of);
  }

 private:
  // Of a packet at two interfaces, in two records each time that it is seen already.
  static constexpr uint32_t kMostRoom = 3 * kMostPieces;
  // Bytes of a packet with what stands in front of it.
  static constexpr uint32_t kMostBytes = 1 << 12, kEthernet = 14;

  template <typename RingOf>
  void take(const NflogMessage& m, Chunk* chunk, Router* router, RingOf ring_of) {
    Verdicts& verdicts = chunk->verdicts;
    const Told told = log_->told(m);
    if (told == Told::kUnknown) {
      verdicts.unknown++;
      return;
    }
    auto either = [&](uint32_t port, uint32_t interface) {
      const Ring* ring = port ? ring_of(int(port)) : nullptr;
      return ring || !interface ? ring : ring_of(int(interface));
    };
    const Ring *in = either(m.physical_in, m.in), *out = either(m.physical_out, m.out);
    if (!in && !out) {
      verdicts.elsewhere++;
    } else if (told == Told::kAccept) {
      verdicts.accepted++;
    } else if (m.payload_bytes < 20 || (m.payload[0] >> 4 != 4 && m.payload[0] >> 4 != 6)) {
      verdicts.unreadable++;
    } else {
      verdicts.rejected++;
      // Where it came in it was seen before it was rejected; where it was to go out it never will be.
      if (in) put(m, *in, false, router);
      if (out) put(m, *out, true, router);
    }
  }

  void put(const NflogMessage& m, const Ring& ring, bool goes_out, Router* router) {
    const RingOptions& options = ring.options();
    Record record;
    record.interface = options.interface;
    record.hint = goes_out != options.is_peer ? Hint::kOut : Hint::kIn;
    record.link_type = options.link_type;
    set_time(m, &record);
    set_frame(m, goes_out, &record);
    decoder_.decode(record, &packet_);
    if (packet_.reason != Reason::kNone) return router->put_rejected(&packet_, !goes_out);
    put_pieces(m, mtu_of(ring), !goes_out, router);
  }

  // That of arrival, which the ring's packet has as well; one that was to be sent has none.
  static void set_time(const NflogMessage& m, Record* record) {
    record->sec = m.sec;
    record->nsec = m.nsec;
    if (m.has_time) return;
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    record->sec = now.tv_sec;
    record->nsec = uint32_t(now.tv_nsec);
  }

  // As the ring has it: with its Ethernet header, or one without addresses where it has not got its own yet.
  void set_frame(const NflogMessage& m, bool goes_out, Record* record) {
    record->data = m.payload;
    record->captured = record->wire = m.payload_bytes;
    if (record->link_type != kLinkEthernet) return;
    const uint32_t bytes = std::min(m.payload_bytes, kMostBytes - kEthernet);
    memset(frame_, 0, 12);
    if (!goes_out && m.header && m.header_bytes == kEthernet) memcpy(frame_, m.header, 12);
    const bool is_v6 = m.payload[0] >> 4 == 6;
    frame_[12] = is_v6 ? 0x86 : 0x08;
    frame_[13] = is_v6 ? 0xdd : 0x00;
    memcpy(frame_ + kEthernet, m.payload, bytes);
    record->data = frame_;
    record->captured = kEthernet + bytes;
    record->wire = kEthernet + m.payload_bytes;
  }
  static constexpr uint32_t kLinkEthernet = 1;

  // The log does not say of which packets of the wire one is that is larger than they can be: of full ones.
  void put_pieces(const NflogMessage& m, uint32_t mtu, bool was_seen, Router* router) {
    const uint32_t bytes = packet_.bytes;
    const Pieces pieces = bytes > mtu ? pieces_of(m.payload, m.payload_bytes, mtu) : Pieces();
    uint32_t left = bytes > pieces.header_bytes ? bytes - pieces.header_bytes : 0;
    if (pieces.piece_bytes == 0 || left <= pieces.piece_bytes) return router->put_rejected(&packet_, was_seen);
    for (uint32_t made = 1; left > pieces.piece_bytes && made < kMostPieces; made++) {
      Packet piece = packet_;
      piece.bytes = pieces.piece_headers + pieces.piece_bytes;
      left -= pieces.piece_bytes;
      router->put_rejected(&piece, was_seen);
    }
    packet_.bytes = pieces.piece_headers + left;
    router->put_rejected(&packet_, was_seen);
  }

  // Asked for when a packet is larger than any on most wires; UINT32_MAX: the interface is gone.
  uint32_t mtu_of(const Ring& ring) const {
    if (packet_.bytes <= 1280) return UINT32_MAX;
    ifreq request{};
    request.ifr_ifindex = ring.options().if_index;
    if (ioctl(ring.fd(), SIOCGIFNAME, &request) != 0 || ioctl(ring.fd(), SIOCGIFMTU, &request) != 0) return UINT32_MAX;
    return uint32_t(request.ifr_mtu);
  }

  std::unique_ptr<Nflog> log_;
  Decoder decoder_;
  Packet packet_;
  uint8_t frame_[kMostBytes];
};

}  // namespace windrow
