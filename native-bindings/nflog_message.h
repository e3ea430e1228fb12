// A message of the kernel's packet log, NFLOG: a packet, and what its rule says of it (Linux's
// include/uapi/linux/netfilter/nfnetlink_log.h and nfnetlink.h; netlink(7)).
#pragma once
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>

#include <cstdint>
#include <cstring>
#include <string_view>

#include "bytes.h"

namespace windrow {

// Pointers into the datagram that it came in.
struct NflogMessage {
  uint16_t group = 0;
  uint32_t in = 0, out = 0;                    // the kernel's numbers of interfaces; 0: none
  uint32_t physical_in = 0, physical_out = 0;  // ports of a bridge
  const uint8_t* payload = nullptr;            // from the IP header on
  uint32_t payload_bytes = 0;
  const uint8_t* header = nullptr;  // in front of it, where it had come in with one
  uint32_t header_bytes = 0;
  bool has_time = false;  // of arrival
  int64_t sec = 0;
  uint32_t nsec = 0;
  bool has_sequence = false;
  uint32_t sequence = 0;  // in its group
  std::string_view prefix;
};

// The messages of one datagram, whatever stands in it.
class NflogDatagram {
 public:
  NflogDatagram() = default;
  NflogDatagram(const uint8_t* data, size_t bytes) : at_(data), left_(bytes) {}

  // False: there are no more. Messages that are no packets are passed over.
  bool next(NflogMessage* m) {
    while (left_ >= sizeof(nlmsghdr)) {
      nlmsghdr head;
      memcpy(&head, at_, sizeof head);
      if (head.nlmsg_len < sizeof head || head.nlmsg_len > left_) break;
      const uint8_t* body = at_ + NLMSG_HDRLEN;
      const size_t bytes = head.nlmsg_len - NLMSG_HDRLEN;
      skip(NLMSG_ALIGN(head.nlmsg_len));
      if (head.nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) && read(body, bytes, m)) return true;
    }
    left_ = 0;
    return false;
  }

 private:
  void skip(size_t bytes) {
    bytes = bytes < left_ ? bytes : left_;
    at_ += bytes;
    left_ -= bytes;
  }

  static bool read(const uint8_t* at, size_t left, NflogMessage* m) {
    if (left < sizeof(nfgenmsg)) return false;
    *m = NflogMessage();
    m->group = load_be16(at + offsetof(nfgenmsg, res_id));
    uint32_t header_bytes = UINT32_MAX;
    for (size_t step = NLMSG_ALIGN(sizeof(nfgenmsg)); step < left;) {
      at += step;
      left -= step;
      nlattr attribute;
      if (left < sizeof attribute) break;
      memcpy(&attribute, at, sizeof attribute);
      if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > left) break;
      const uint8_t* value = at + NLA_HDRLEN;
      const uint32_t bytes = attribute.nla_len - NLA_HDRLEN;
      switch (attribute.nla_type & NLA_TYPE_MASK) {
        case NFULA_IFINDEX_INDEV: read_number(value, bytes, &m->in); break;
        case NFULA_IFINDEX_OUTDEV: read_number(value, bytes, &m->out); break;
        case NFULA_IFINDEX_PHYSINDEV: read_number(value, bytes, &m->physical_in); break;
        case NFULA_IFINDEX_PHYSOUTDEV: read_number(value, bytes, &m->physical_out); break;
        case NFULA_SEQ: m->has_sequence = read_number(value, bytes, &m->sequence); break;
        case NFULA_TIMESTAMP:
          if (bytes < 16) break;
          m->has_time = true;
          m->sec = int64_t(load_be64(value));
          m->nsec = uint32_t(load_be64(value + 8) * 1000);
          break;
        case NFULA_HWLEN:
          if (bytes >= 2) header_bytes = load_be16(value);
          break;
        case NFULA_HWHEADER:
          m->header = value;
          m->header_bytes = bytes;
          break;
        case NFULA_PAYLOAD:
          m->payload = value;
          m->payload_bytes = bytes;
          break;
        case NFULA_PREFIX: m->prefix = {reinterpret_cast<const char*>(value), strnlen(reinterpret_cast<const char*>(value), bytes)}; break;
        default: break;
      }
      step = NLA_ALIGN(attribute.nla_len);
    }
    if (m->header_bytes > header_bytes) m->header_bytes = header_bytes;
    return true;
  }

  static bool read_number(const uint8_t* value, uint32_t bytes, uint32_t* number) {
    if (bytes < 4) return false;
    *number = load_be32(value);
    return true;
  }

  const uint8_t* at_ = nullptr;
  size_t left_ = 0;
};

}  // namespace windrow
