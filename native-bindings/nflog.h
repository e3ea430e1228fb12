// The socket by which the kernel's firewall tells of packets (NFLOG, nfnetlink_log), and what it says became of them.
#pragma once
#include <errno.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <utility>
#include <vector>

#include "nflog_message.h"

namespace windrow {

// What became of a packet. kByPrefix: as the rule's prefix says.
enum class Told : uint8_t { kByPrefix = 0, kAccept, kReject, kUnknown };

// Asks for groups, which takes CAP_NET_ADMIN; nothing that is done with the socket later does.
class NflogSetup {
 public:
  NflogSetup() : fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)) {}
  ~NflogSetup() {
    if (fd_ >= 0) close(fd_);
  }

  // 0, or errno. Not more than `snap_bytes` of each packet are copied.
  int open(const std::vector<uint16_t>& groups, uint32_t snap_bytes) {
    if (fd_ < 0) return errno;
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return errno;
    const int room = kRoomBytes;
    // More than the system's limit takes the right that groups take.
    if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    // A group that cannot be had is not answered for ever.
    const timeval patience{2, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (uint16_t group : groups) {
      group_ = group;
      nfulnl_msg_config_cmd bind{NFULNL_CFG_CMD_BIND};
      nfulnl_msg_config_mode mode{};
      mode.copy_range = be32(snap_bytes);
      mode.copy_mode = NFULNL_COPY_PACKET;
      const uint32_t threshold = be32(kMostWaiting), hundredths = be32(1);
      const uint16_t flags = be16(NFULNL_CFG_F_SEQ);
      for (int error : {configure(NFULA_CFG_CMD, &bind, sizeof bind), configure(NFULA_CFG_MODE, &mode, sizeof mode),
                        configure(NFULA_CFG_QTHRESH, &threshold, sizeof threshold),
                        configure(NFULA_CFG_TIMEOUT, &hundredths, sizeof hundredths), configure(NFULA_CFG_FLAGS, &flags, sizeof flags)})
        if (error != 0) return error;
    }
    return 0;
  }
  // That was refused last.
  uint16_t group() const { return group_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  // Of a datagram; and of what waits for us.
  static constexpr uint32_t kMostWaiting = 64;
  static constexpr int kRoomBytes = 4 << 20;

  static uint32_t be32(uint32_t v) { return __builtin_bswap32(v); }
  static uint16_t be16(uint16_t v) { return __builtin_bswap16(v); }

  int configure(uint16_t type, const void* value, uint16_t bytes) {
    alignas(nlmsghdr) uint8_t message[64] = {};
    const uint32_t size = uint32_t(NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(nfgenmsg)) + NLA_HDRLEN + bytes);
    const nlmsghdr head{size, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, NLM_F_REQUEST | NLM_F_ACK, ++sequence_, 0};
    const nfgenmsg general{AF_UNSPEC, NFNETLINK_V0, be16(group_)};
    const nlattr attribute{uint16_t(NLA_HDRLEN + bytes), type};
    uint8_t* at = message;
    memcpy(at, &head, sizeof head);
    memcpy(at += NLMSG_HDRLEN, &general, sizeof general);
    memcpy(at += NLMSG_ALIGN(sizeof general), &attribute, sizeof attribute);
    memcpy(at + NLA_HDRLEN, value, bytes);
    if (send(fd_, message, size, 0) < 0) return errno;
    return answer();
  }

  // Packets that come meanwhile are not ours yet.
  int answer() {
    alignas(nlmsghdr) uint8_t buffer[1 << 16];
    for (;;) {
      ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
      if (got < 0 && errno == ENOBUFS) continue;
      if (got < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
      nlmsghdr head;
      nlmsgerr error;
      if (size_t(got) < NLMSG_HDRLEN + sizeof error) continue;
      memcpy(&head, buffer, sizeof head);
      memcpy(&error, buffer + NLMSG_HDRLEN, sizeof error);
      if (head.nlmsg_type == NLMSG_ERROR && head.nlmsg_seq == sequence_) return -error.error == EPERM && has_right() ? EBUSY : -error.error;
    }
  }

  // The kernel says EPERM as well where another socket has the group.
  static bool has_right() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct rights[_LINUX_CAPABILITY_U32S_3] = {};
    return syscall(SYS_capget, &header, rights) == 0 && (rights[0].effective & CAP_TO_MASK(CAP_NET_ADMIN));
  }

  int fd_;
  uint16_t group_ = 0;
  uint32_t sequence_ = 0;
};

// Owned by the thread that reads it.
class Nflog {
 public:
  struct Group {
    uint16_t number;
    Told told;
  };

  // Takes a socket that NflogSetup has made.
  Nflog(int fd, std::vector<Group> groups) : fd_(fd), groups_(std::move(groups)), buffer_(1 << 16) {}
  ~Nflog() { close(fd_); }
  Nflog(const Nflog&) = delete;
  Nflog& operator=(const Nflog&) = delete;

  int fd() const { return fd_; }
  // Something is there, as far as is known.
  bool is_ready = true;

  // The next message, valid until the next call. Counts the times that there was no room for others, and how many those are
  // between this one and the one before.
  bool next(NflogMessage* m, uint64_t* overflows, uint64_t* lost) {
    while (!datagram_.next(m)) {
      ssize_t got = recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (got < 0 && errno == ENOBUFS) ++*overflows;
      if (got < 0 && (errno == ENOBUFS || errno == EINTR)) continue;
      if (got < 0) return is_ready = false;
      datagram_ = NflogDatagram(buffer_.data(), size_t(got));
    }
    *lost += gap(*m);
    return true;
  }

  // What became of a packet.
  Told told(const NflogMessage& m) const {
    for (const Group& group : groups_)
      if (group.number == m.group && group.told != Told::kByPrefix) return group.told;
    if (m.prefix.starts_with("ACCEPT:")) return Told::kAccept;
    return m.prefix.starts_with("REJECT:") ? Told::kReject : Told::kUnknown;
  }

 private:
  // Messages of its group are numbered; those that are missing have been lost.
  uint32_t gap(const NflogMessage& m) {
    if (!m.has_sequence) return 0;
    for (size_t i = 0; i < groups_.size(); i++) {
      if (groups_[i].number != m.group) continue;
      if (next_.size() <= i) next_.resize(i + 1);
      Next& next = next_[i];
      uint32_t gap = next.is_known ? m.sequence - next.sequence : 0;
      next = {true, m.sequence + 1};
      // It begins anew where somebody has configured the group again.
      return gap < 1u << 31 ? gap : 0;
    }
    return 0;
  }
  struct Next {
    bool is_known = false;
    uint32_t sequence = 0;
  };

  int fd_;
  std::vector<Group> groups_;
  std::vector<Next> next_;
  std::vector<uint8_t> buffer_;
  NflogDatagram datagram_;
};

}  // namespace windrow
