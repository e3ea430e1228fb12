// Rules of security groups and network ACLs: which is the first of a list that speaks of a packet.
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "packet.h"
#include "prefix_map.h"

namespace windrow {

constexpr uint32_t kNoRule = UINT32_MAX;
constexpr uint32_t kPortCodes = 1 << 17;

// Protocol and port as one number, so that a rule's range of ports is a range of those: 0 is a port that is not there, or
// not known; see ServiceRange in src/cloud/network_model.ts.
inline uint32_t service_of(uint8_t protocol, int32_t port) {
  bool has_port = has_ports(protocol) && port >= 0 && port <= UINT16_MAX;
  return protocol * kPortCodes + (has_port ? uint32_t(port) + 1 : 0);
}

// Four numbers that are compared at once, in one register.
constexpr uint32_t kLanes = 4;
typedef uint32_t Lanes __attribute__((vector_size(16)));
typedef uint64_t WideLanes __attribute__((vector_size(16)));

inline bool is_any(Lanes lanes) {
  WideLanes wide = WideLanes(lanes);
  return (wide[0] | wide[1]) != 0;
}

// Four rules that speak of addresses of one family.
template <typename Address>
struct RuleLanes;

template <>
struct RuleLanes<Ipv4> {
  Lanes address, mask, first, span;
  void set(uint32_t lane, const AddressPrefix<Ipv4>& prefix) {
    address[lane] = prefix.first;
    mask[lane] = prefix.mask();
  }
  // Ones where a rule speaks of the far end and of the service.
  Lanes match(Ipv4 far, uint32_t service) const { return Lanes(((far ^ address) & mask) == 0) & Lanes(service - first <= span); }
};

template <>
struct RuleLanes<Ipv6> {
  WideLanes hi[2], lo[2], hi_mask[2], lo_mask[2];
  Lanes first, span;
  void set(uint32_t lane, const AddressPrefix<Ipv6>& prefix) {
    hi[lane / 2][lane % 2] = prefix.first.hi;
    lo[lane / 2][lane % 2] = prefix.first.lo;
    hi_mask[lane / 2][lane % 2] = prefix.mask().hi;
    lo_mask[lane / 2][lane % 2] = prefix.mask().lo;
  }
  Lanes match(Ipv6 far, uint32_t service) const {
    Lanes low = Lanes(differing(far, 0) == 0), high = Lanes(differing(far, 1) == 0);
    // Each of those has two of 64 bits.
    return __builtin_shufflevector(low, high, 0, 2, 4, 6) & Lanes(service - first <= span);
  }

 private:
  WideLanes differing(Ipv6 far, int half) const { return ((far.hi ^ hi[half]) & hi_mask[half]) | ((far.lo ^ lo[half]) & lo_mask[half]); }
};

// Two of those, so that a list takes one branch for eight rules.
template <typename Address>
struct RuleBlock {
  static constexpr uint32_t kRules = 2 * kLanes;
  RuleLanes<Address> lanes[2];
  uint32_t rules[kRules];

  // No service is as great as that of rules that are not there.
  RuleBlock() : lanes{}, rules{} {
    for (RuleLanes<Address>& of : lanes)
      for (uint32_t lane = 0; lane < kLanes; lane++) of.first[lane] = UINT32_MAX;
  }
  void set(uint32_t i, const AddressPrefix<Address>& prefix, uint32_t first, uint32_t last, uint32_t rule) {
    RuleLanes<Address>& of = lanes[i / kLanes];
    of.set(i % kLanes, prefix);
    of.first[i % kLanes] = first;
    of.span[i % kLanes] = last - first;
    rules[i] = rule;
  }
  // The first that speaks of the far end and of the service, or kNoRule.
  uint32_t first_of(Address far, uint32_t service) const {
    Lanes low = lanes[0].match(far, service), high = lanes[1].match(far, service);
    if (__builtin_expect(!is_any(low | high), 1)) return kNoRule;
    uint32_t i = 0;
    while ((i < kLanes ? low[i] : high[i - kLanes]) == 0) i++;
    return rules[i];
  }
};

// One after another all lists, each with its rules in their order.
template <typename Address>
class AddressRules {
 public:
  explicit AddressRules(size_t lists = 0) : begins_(lists + 1) {}

  // Lists in ascending order, and each list's rules in theirs. What is added to none yet belongs to the list that follows.
  void add(uint32_t list, const AddressPrefix<Address>& prefix, uint32_t first, uint32_t last, uint32_t rule) {
    advance(list);
    if (used_ == RuleBlock<Address>::kRules || begins_[list] == blocks_.size()) {
      blocks_.emplace_back();
      used_ = 0;
    }
    blocks_.back().set(used_++, prefix, first, last, rule);
  }
  void end() { advance(uint32_t(begins_.size()) - 1); }

  // Or kNoRule.
  uint32_t first_of(uint32_t list, Address far, uint32_t service) const {
    for (uint32_t i = begins_[list]; i < begins_[list + 1]; i++) {
      uint32_t rule = blocks_[i].first_of(far, service);
      if (rule != kNoRule) return rule;
    }
    return kNoRule;
  }

 private:
  void advance(uint32_t list) {
    while (list_ < list) begins_[++list_] = uint32_t(blocks_.size());
  }
  std::vector<uint32_t> begins_;
  std::vector<RuleBlock<Address>> blocks_;
  uint32_t list_ = 0, used_ = 0;
};

// The security groups of an ENI: in its order, and so that one is found.
struct GroupSet {
  std::vector<uint32_t> in_order, sorted;
  uint64_t marks = 0;  // a bit for each, which several may share
  static uint64_t mark(uint32_t group) { return uint64_t(1) << (group & 63); }
  void add(uint32_t group) {
    in_order.push_back(group);
    marks |= mark(group);
  }
  bool has(uint32_t group) const { return (marks & mark(group)) && std::binary_search(sorted.begin(), sorted.end(), group); }
};

// Rules that speak of members of a group.
class PeerRules {
 public:
  explicit PeerRules(size_t lists = 0) : begins_(lists + 1) {}

  // As AddressRules takes them.
  void add(uint32_t list, uint32_t group, uint32_t first, uint32_t last, uint32_t rule) {
    advance(list);
    rules_.push_back({group, first, last - first, rule});
  }
  void end() { advance(uint32_t(begins_.size()) - 1); }

  bool has(uint32_t list) const { return begins_[list] < begins_[list + 1]; }

  // Or kNoRule.
  uint32_t first_of(uint32_t list, const GroupSet& far, uint32_t service) const {
    for (uint32_t i = begins_[list]; i < begins_[list + 1]; i++) {
      const PeerRule& r = rules_[i];
      if (service - r.first <= r.span && far.has(r.group)) return r.rule;
    }
    return kNoRule;
  }

 private:
  struct PeerRule {
    uint32_t group, first, span, rule;
  };
  void advance(uint32_t list) {
    while (list_ < list) begins_[++list_] = uint32_t(rules_.size());
  }

  std::vector<uint32_t> begins_;
  std::vector<PeerRule> rules_;
  uint32_t list_ = 0;
};

}  // namespace windrow
