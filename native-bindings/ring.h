// Packets of a live interface, in memory that the kernel shares: AF_PACKET with TPACKET_V3 (packet(7), Linux's
// Documentation/networking/packet_mmap.rst and include/uapi/linux/if_packet.h).
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "decoder.h"

namespace windrow {

// What stands in front of a packet with PACKET_VNET_HDR: virtio_net_hdr of include/uapi/linux/virtio_net.h, which C++ does
// not compile, in the host's order.
struct VnetHeader {
  static constexpr uint8_t kNeedsChecksum = 1;
  static constexpr uint8_t kNoSegments = 0, kTcp4 = 1, kTcp6 = 4, kCongestion = 0x80;
  uint8_t flags, gso_type;
  uint16_t header_bytes, gso_size, checksum_start, checksum_offset;
};
static_assert(sizeof(VnetHeader) == 10);

struct RingOptions {
  uint16_t interface = 0;   // its number among those that are declared
  int if_index = 0;         // the kernel's
  uint32_t link_type = 1;   // https://www.tcpdump.org/linktypes.html
  uint32_t block_bytes = 1 << 18, blocks = 64;
  uint32_t retire_ms = 20;  // a block that is not full is handed over after so long
  uint32_t snap_bytes = 256;
  int fanout_group = -1;    // -1: it has all of the interface's packets
  bool is_peer = false;     // what the host receives here, the ENI has sent: the host's end of a guest's interface
  std::vector<sock_filter> filter;  // what it takes, and how much of it; empty: the first snap_bytes of all packets
};

// A super-frame of the kernel or the card, which the wire carries as several packets: headers before the payload, counted
// from the frame's first byte, and bytes of payload in each packet.
struct SuperFrame {
  uint32_t segment_bytes = 0;  // 0: the frame is what the wire carries
  uint32_t header_bytes = 0;
};

struct RingRecord {
  Record record;
  SuperFrame super;
};

// One socket and its ring. Owned by the thread that reads it.
class Ring {
 public:
  // Takes an AF_PACKET socket of protocol 0, and closes it in the end. Nothing is received before activate().
  Ring(int fd, const RingOptions& options) : fd_(fd), options_(options) {}
  ~Ring() {
    if (map_ != MAP_FAILED) munmap(map_, map_bytes());
    if (fd_ >= 0) close(fd_);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  const RingOptions& options() const { return options_; }
  int fd() const { return fd_; }
  // Whether super-frames can be told from others.
  bool knows_segments() const { return vnet_bytes_ > 0; }

  // Sets the ring up and joins the others of its group. False: see errno, and what() for what the kernel refused.
  bool open() {
    int version = TPACKET_V3, yes = 1;
    if (!set(PACKET_VERSION, version, "TPACKET_V3")) return false;
    // Before the ring: how much room is in front of a packet is decided with it.
    if (setsockopt(fd_, SOL_PACKET, PACKET_VNET_HDR, &yes, sizeof yes) == 0) vnet_bytes_ = sizeof(VnetHeader);
    tpacket_req3 request{};
    request.tp_block_size = options_.block_bytes;
    request.tp_block_nr = options_.blocks;
    request.tp_frame_size = kFrameBytes;
    request.tp_frame_nr = uint32_t(uint64_t(options_.block_bytes) * options_.blocks / kFrameBytes);
    request.tp_retire_blk_tov = options_.retire_ms;
    if (!set(PACKET_RX_RING, request, "the memory of the ring")) return false;
    map_ = mmap(nullptr, map_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (map_ == MAP_FAILED) return failed("the mapping of the ring");
    // Here what is wrong with it can be said.
    if (!activate()) return false;
    // Until all members of a group are there, each would see the packets of those that are missing as well.
    if (!deactivate()) return false;
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = options_.if_index;
    if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return failed("the interface");
    if (options_.fanout_group < 0) return true;
    int fanout = (options_.fanout_group & 0xffff) | PACKET_FANOUT_HASH << 16;
    return set(PACKET_FANOUT, fanout, "the fanout group");
  }

  // From here on packets come. Not more than `snap_bytes` of each are copied.
  bool activate() {
    if (!options_.filter.empty()) return attach(options_.filter.data(), options_.filter.size());
    return take(options_.snap_bytes);
  }
  // From here on none comes.
  bool deactivate() { return take(0); }

  const char* what() const { return what_; }
  static constexpr const char* kFilter = "the filter";

  // The next packet that is there; `data` is valid until release().
  bool next(RingRecord* r) {
    for (;;) {
      if (left_ == 0 && !open_block()) return false;
      const auto* h = reinterpret_cast<const tpacket3_hdr*>(at_);
      left_--;
      at_ += h->tp_next_offset;
      read(h, r);
      return true;
    }
  }
  bool has_packets() const { return left_ > 0 || is_ready(); }

  // The kernel may write again where the packets stand that were read: all of their block has been.
  void release() {
    if (left_ > 0 || !is_open_) return;
    is_open_ = false;
    __atomic_store_n(&block()->hdr.bh1.block_status, uint32_t(TP_STATUS_KERNEL), __ATOMIC_RELEASE);
    current_ = (current_ + 1) % options_.blocks;
  }

  // Packets that the kernel had no room for since the last call.
  uint64_t take_drops() {
    tpacket_stats_v3 stats{};
    socklen_t size = sizeof stats;
    if (getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &stats, &size) != 0) return 0;
    return stats.tp_drops;
  }

  // Why poll(2) says that something is wrong: ENETDOWN while the interface is down or gone. Clears it.
  int take_error() {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
  }

 private:
  // TPACKET_V3 packs packets one behind another; the kernel wants a frame size all the same, which divides the blocks.
  static constexpr uint32_t kFrameBytes = 2048;

  size_t map_bytes() const { return size_t(options_.block_bytes) * options_.blocks; }
  tpacket_block_desc* block() const {
    return reinterpret_cast<tpacket_block_desc*>(static_cast<uint8_t*>(map_) + size_t(current_) * options_.block_bytes);
  }
  bool is_ready() const {
    return !is_open_ && (__atomic_load_n(&block()->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER);
  }

  bool open_block() {
    while (is_ready()) {
      const tpacket_hdr_v1& head = block()->hdr.bh1;
      is_open_ = true;
      left_ = head.num_pkts;
      at_ = reinterpret_cast<const uint8_t*>(block()) + head.offset_to_first_pkt;
      if (left_ > 0) return true;
      release();
    }
    return false;
  }

  void read(const tpacket3_hdr* h, RingRecord* out) const {
    const auto* start = reinterpret_cast<const uint8_t*>(h);
    const auto* address = reinterpret_cast<const sockaddr_ll*>(start + TPACKET_ALIGN(sizeof(tpacket3_hdr)));
    Record& r = out->record;
    r.data = start + h->tp_mac;
    r.captured = h->tp_snaplen;
    r.wire = h->tp_len;
    r.fcs = 0;
    r.link_type = options_.link_type;
    r.sec = h->tp_sec;
    r.nsec = h->tp_nsec;
    r.interface = options_.interface;
    r.hint = hint_of(address->sll_pkttype);
    r.untimed = false;
    out->super = SuperFrame();
    if (vnet_bytes_ > 0) read_super(reinterpret_cast<const VnetHeader*>(r.data - vnet_bytes_), r, &out->super);
  }

  // Packets to other hosts, as a bridge or promiscuous mode shows them, have come in as well.
  Hint hint_of(uint8_t packet_type) const {
    return (packet_type == PACKET_OUTGOING) != options_.is_peer ? Hint::kOut : Hint::kIn;
  }

  static void read_super(const VnetHeader* v, const Record& r, SuperFrame* super) {
    uint8_t type = v->gso_type & ~VnetHeader::kCongestion;
    if (type == VnetHeader::kNoSegments || v->gso_size == 0) return;
    // The innermost transport header: what stands before its payload is in every packet.
    if (!(v->flags & VnetHeader::kNeedsChecksum)) return;
    uint32_t transport = v->checksum_start, header = transport + 8;
    if (type == VnetHeader::kTcp4 || type == VnetHeader::kTcp6) {
      if (transport + 13 > r.captured) return;
      header = transport + (r.data[transport + 12] >> 4) * 4u;
    }
    if (header >= r.wire) return;
    super->segment_bytes = v->gso_size;
    super->header_bytes = header;
  }

  // At most so many bytes of each packet; 0: none is received.
  bool take(uint32_t bytes) {
    const sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, bytes)};
    return attach(code, 1);
  }
  bool attach(const sock_filter* code, size_t instructions) {
    sock_fprog program{uint16_t(instructions), const_cast<sock_filter*>(code)};
    if (setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0) return true;
    return failed(kFilter);
  }

  template <typename T>
  bool set(int option, const T& value, const char* what) {
    return setsockopt(fd_, SOL_PACKET, option, &value, sizeof value) == 0 || failed(what);
  }
  bool failed(const char* what) {
    what_ = what;
    return false;
  }

  int fd_;
  RingOptions options_;
  void* map_ = MAP_FAILED;
  size_t vnet_bytes_ = 0;
  uint32_t current_ = 0, left_ = 0;
  bool is_open_ = false;
  const uint8_t* at_ = nullptr;
  const char* what_ = "";
};

}  // namespace windrow
