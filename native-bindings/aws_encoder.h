// Rows to lines of AWS VPC flow logs: the chosen fields in their order, separated by blanks.
// docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html says what each of them is.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "entry_text.h"
#include "packet.h"

namespace windrow {

// In the order of AWS_FIELDS in src/flowlog/aws_fields.ts.
enum class AwsField : uint8_t {
  kVersion = 0,
  kAccountId,
  kInterfaceId,
  kSrcAddr,
  kDstAddr,
  kSrcPort,
  kDstPort,
  kProtocol,
  kPackets,
  kBytes,
  kStart,
  kEnd,
  kAction,
  kLogStatus,
  kVpcId,
  kSubnetId,
  kInstanceId,
  kTcpFlags,
  kType,
  kPktSrcAddr,
  kPktDstAddr,
  kRegion,
  kAzId,
  kSublocationType,
  kSublocationId,
  kPktSrcAwsService,
  kPktDstAwsService,
  kFlowDirection,
  kTrafficPath,
  kCount,
};

// By traffic_path: the digit of the path as AWS counts them, or '-'.
using AwsPaths = std::array<char, 32>;

class AwsEncoder : EntryText {
 public:
  // The constants have no blanks, and are "-" where they are not known.
  AwsEncoder(const std::vector<EniConstants>& enis, const std::vector<AwsField>& fields, const std::string& version, const AwsPaths& paths)
      : paths_(paths) {
    for (AwsField field : fields)
      if (!is_constant(field)) values_.push_back(field);
    for (const EniConstants& eni : enis) {
      Pieces pieces;
      std::string text;
      for (size_t i = 0; i < fields.size(); i++) {
        if (i) text += ' ';
        if (is_constant(fields[i])) {
          text += constant(fields[i], eni, version);
          continue;
        }
        pieces.before.emplace_back(text);
        pieces.most += text.size() + kMostOfValue;
        text.clear();
      }
      pieces.tail = Piece(text + '\n');
      pieces.most += pieces.tail.size + kChunk;
      pieces_.push_back(std::move(pieces));
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
  static constexpr size_t kMostOfValue = 40;  // an address of IPv6 has 39

  // What stands before each value, and behind the last one.
  struct Pieces {
    std::vector<Piece> before;
    Piece tail;
    size_t most = 0;
  };

  // The same in all lines of an ENI. Of regions, zones and services nothing is known.
  static bool is_constant(AwsField field) {
    switch (field) {
      case AwsField::kVersion:
      case AwsField::kAccountId:
      case AwsField::kInterfaceId:
      case AwsField::kVpcId:
      case AwsField::kSubnetId:
      case AwsField::kInstanceId:
        return true;
      default:
        return field >= AwsField::kRegion && field <= AwsField::kPktDstAwsService;
    }
  }

  static std::string constant(AwsField field, const EniConstants& eni, const std::string& version) {
    switch (field) {
      case AwsField::kVersion: return version;
      case AwsField::kAccountId: return eni.account_id;
      case AwsField::kInterfaceId: return eni.eni_id;
      case AwsField::kVpcId: return eni.vpc_id;
      case AwsField::kSubnetId: return eni.vswitch_id;
      case AwsField::kInstanceId: return eni.vm_id;
      default: return "-";
    }
  }

  uint8_t* line(const Columns& c, uint32_t i, const Pieces& eni, uint8_t* p) const {
    const bool is_ok = c.status[i] == kStatusOk;
    for (size_t n = 0; n < values_.size(); n++) {
      p = put(p, eni.before[n]);
      p = is_ok ? value(c, i, values_[n], p) : silent_value(c, i, values_[n], p);
    }
    return put(p, eni.tail);
  }

  uint8_t* value(const Columns& c, uint32_t i, AwsField field, uint8_t* p) const {
    switch (field) {
      case AwsField::kSrcAddr:
      case AwsField::kPktSrcAddr: return address(p, c.srcaddr + i * 16, c.family[i]);
      case AwsField::kDstAddr:
      case AwsField::kPktDstAddr: return address(p, c.dstaddr + i * 16, c.family[i]);
      case AwsField::kSrcPort: return port0(p, c.srcport[i]);
      case AwsField::kDstPort: return port0(p, c.dstport[i]);
      case AwsField::kProtocol: return number(p, c.protocol[i]);
      case AwsField::kPackets: return number(p, c.packets[i]);
      case AwsField::kBytes: return number(p, c.bytes[i]);
      case AwsField::kStart: return signed_number(p, c.start[i]);
      case AwsField::kEnd: return signed_number(p, c.end[i]);
      case AwsField::kAction: return c.action[i] ? put(p, "REJECT") : put(p, "ACCEPT");
      case AwsField::kLogStatus: return put(p, "OK");
      case AwsField::kTcpFlags: return number(p, flags(c, i));
      case AwsField::kType: return c.family[i] == 6 ? put(p, "IPv6") : put(p, "IPv4");
      case AwsField::kFlowDirection: return c.direction[i] == kDirectionOut ? put(p, "egress") : put(p, "ingress");
      case AwsField::kTrafficPath: *p = uint8_t(path(c, i)); return p + 1;
      default: *p = '-'; return p + 1;
    }
  }

  static uint8_t* silent_value(const Columns& c, uint32_t i, AwsField field, uint8_t* p) {
    switch (field) {
      case AwsField::kStart: return signed_number(p, c.start[i]);
      case AwsField::kEnd: return signed_number(p, c.end[i]);
      case AwsField::kLogStatus: return c.status[i] == kStatusNoData ? put(p, "NODATA") : put(p, "SKIPDATA");
      default: *p = '-'; return p + 1;
    }
  }

  // AWS writes 0 where a protocol has no ports.
  static uint8_t* port0(uint8_t* p, int32_t v) { return number(p, v < 0 ? 0 : uint64_t(v)); }

  // FIN, SYN, RST; ACK counts as a part of SYN-ACK only, PSH and others never. A row has the OR of its packets' octets: where
  // SYN and ACK came in several packets, whoever has the lower port is taken for the server, which answers with SYN-ACK.
  static uint8_t flags(const Columns& c, uint32_t i) {
    if (c.tcp_flags[i] < 0) return 0;
    const uint8_t all = uint8_t(c.tcp_flags[i]), counted = all & (kTcpFin | kTcpSyn | kTcpRst);
    if ((all & (kTcpSyn | kTcpAck)) != (kTcpSyn | kTcpAck)) return counted;
    return c.packets[i] == 1 || c.srcport[i] < c.dstport[i] ? counted | kTcpAck : counted;
  }

  // AWS tells the path of what leaves an interface only.
  char path(const Columns& c, uint32_t i) const {
    if (c.direction[i] != kDirectionOut || uint16_t(c.traffic_path[i]) >= paths_.size()) return '-';
    return paths_[uint16_t(c.traffic_path[i])];
  }

  std::vector<AwsField> values_;
  std::vector<Pieces> pieces_;
  AwsPaths paths_;
};

}  // namespace windrow
