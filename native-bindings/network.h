// A cloud network that does not change: whose an address is, which path traffic takes, and whether rules let it pass.
// Any number of threads may ask it. What the rules are is written down once, in README.md: how traffic is judged.
#pragma once
#include <unordered_map>
#include <vector>

#include "columns.h"
#include "network_tables.h"

namespace windrow {

class Network {
 public:
  // Of tables that were found right.
  explicit Network(const NetworkTables& t)
      : has_one_vpc_(t.vpcs == 1), enis_(t.enis.size()), havip_vpcs_(t.havips.cells.begin(), t.havips.cells.end()), default_in_(t.default_in), default_out_(t.default_out) {
    read_vswitches(t);
    read_enis(t);
    read_rules(t);
    read_routes(t.routes4, t.layers4, t.route_maps, &family4_);
    read_routes(t.routes6, t.layers6, t.route_maps, &family6_);
    read_addresses(t.owners4, t.own4, &family4_);
    read_addresses(t.owners6, t.own6, &family6_);
    read_cidrs(t.vswitch_cidrs4, &family4_);
    read_cidrs(t.vswitch_cidrs6, &family6_);
  }

  // Numbers that ENIs may have, and whether there is one of a number.
  size_t enis() const { return enis_.size(); }
  bool has(uint32_t eni) const { return eni < enis_.size() && enis_[eni].vswitch != kNoNumber; }

  // The ENI that has the address or a prefix around it; kNoNumber: none has, or it may be one of several VPCs.
  template <typename Address>
  uint32_t eni_of(Address a) const {
    const Family<Address>& f = family(a);
    uint32_t found = kNoNumber;
    bool is_one = true;
    (has_one_vpc_ ? f.owners : f.anywhere).each(0, a, [&](uint32_t owner) {
      if (owner == kSeveral) is_one = false;
      else if (found == kNoNumber) found = owner;
      else is_one &= vpc_of(owner) == vpc_of(found);
    });
    return is_one && found < enis_.size() ? found : kNoNumber;
  }

  // Whether the ENI has the address or a prefix around it.
  template <typename Address>
  bool is_of(uint32_t eni, Address a) const {
    return family(a).owners.find(enis_[eni].vpc, a) == eni;
  }

  // The ENIs that have a VNI, which are of one VPC.
  struct Segment {
    uint32_t eni, vpc;  // kNoNumber: there are several
  };
  // Null: none has it.
  const Segment* segment(uint32_t vni) const {
    auto it = segments_.find(vni);
    return it == segments_.end() ? nullptr : &it->second;
  }
  size_t segments() const { return segments_.size(); }
  uint32_t vni_of(uint32_t eni) const { return enis_[eni].vni; }

  // The ENI of that VNI that has the address or a prefix around it, or kNoNumber.
  template <typename Address>
  uint32_t eni_inside(const Segment& segment, uint32_t vni, Address a) const {
    const uint32_t owner = family(a).owners.find(segment.vpc, a);
    return owner < enis_.size() && enis_[owner].vni == vni ? owner : kNoNumber;
  }

  // Judges a row. `opened_by_receiver`: the connection was opened by the end to which the row's packets go. An entry of an
  // ENI that is not here stays as it is, and so does a verdict that has a source.
  void judge(const Columns& c, uint32_t row, bool opened_by_receiver, uint8_t* source, uint32_t* rule) const {
    if (c.status[row] != kStatusOk || c.eni[row] >= enis_.size() || enis_[c.eni[row]].vswitch == kNoNumber) return;
    if (c.family[row] == 6) judge_as(Ipv6{}, c, row, opened_by_receiver, source, rule);
    else judge_as(Ipv4{}, c, row, opened_by_receiver, source, rule);
  }

 private:
  static constexpr uint32_t kSeveral = UINT32_MAX - 1;
  static constexpr uint8_t kPublicAddressPath = 15, kHavipPath = 4, kVmPath = 2, kSameVpcPath = 1;

  struct Eni {
    uint32_t vswitch, vpc, groups, path, vni;
    uint32_t marks;
    bool is(NetworkTables::EniMark mark) const { return marks & mark; }
  };
  struct Vswitch {
    uint32_t vpc, routes, acl;
  };
  struct Group {
    uint32_t in, out, same;
  };
  struct Acl {
    uint32_t in, out, in_default, out_default;
  };
  struct Rule {
    uint32_t rank, name;
    bool is_accepting;
  };
  struct Verdict {
    bool is_said = false, is_accepting = true;
    uint32_t rule = 0;
  };

  // All that depends on how long addresses are.
  template <typename Address>
  struct Family {
    AddressMap<Address> owners;    // by VPC
    AddressMap<Address> anywhere;  // kSeveral: two VPCs have it; empty where there is one VPC
    AddressMap<Address> own;       // by ENI that is a box
    AddressRules<Address> rules;
    std::vector<PrefixMap<Address>> routes;
    std::vector<uint32_t> cidr_begins;  // by vSwitch
    std::vector<AddressPrefix<Address>> cidrs;
  };
  const Family<Ipv4>& family(Ipv4) const { return family4_; }
  const Family<Ipv6>& family(Ipv6) const { return family6_; }

  // --- Judging ---

  template <typename Address>
  void judge_as(Address kind, const Columns& c, uint32_t row, bool opened_by_receiver, uint8_t* source, uint32_t* rule) const {
    const Eni& eni = enis_[c.eni[row]];
    const Vswitch& vswitch = vswitches_[eni.vswitch];
    const Family<Address>& f = family(kind);
    bool is_out = c.direction[row] != kDirectionIn;
    const uint8_t *from = c.srcaddr + size_t(row) * 16, *to = c.dstaddr + size_t(row) * 16;
    Address far = load_address(is_out ? to : from, kind), near = load_address(is_out ? from : to, kind);
    uint32_t route = f.routes[vswitch.routes].find(far);
    uint32_t owner = route & kInVpc ? f.owners.find(eni.vpc, far) : kNoNumber;
    c.traffic_path[row] = int16_t(path(f, eni, c.eni[row], near, far, route, owner));
    if (*source != uint8_t(VerdictSource::kNone)) return;

    Verdict groups, acl;
    auto judge_groups = [&] {
      // The far end opened the connection: its request comes in, to a port of the ENI.
      bool is_in = is_out == opened_by_receiver;
      int32_t port = is_in == is_out ? c.srcport[row] : c.dstport[row];
      groups = of_groups(f, eni, far, owner, is_in, service_of(c.protocol[row], port));
    };
    auto judge_acl = [&] { acl = of_acl(f, eni.vswitch, vswitch, far, is_out, service_of(c.protocol[row], c.dstport[row])); };
    if (is_out) {
      judge_groups();
      if (groups.is_accepting) judge_acl();
    } else {
      judge_acl();
      if (acl.is_accepting) judge_groups();
    }
    bool is_of_acl = !acl.is_accepting || !groups.is_said;
    const Verdict& verdict = is_of_acl ? acl : groups;
    c.action[row] = verdict.is_accepting ? kAccept : kReject;
    *source = uint8_t(!verdict.is_said ? VerdictSource::kNone : is_of_acl ? VerdictSource::kNetworkAcl : VerdictSource::kSecurityGroup);
    *rule = verdict.rule;
  }

  template <typename Address>
  uint32_t path(const Family<Address>& f, const Eni& eni, uint32_t number, Address near, Address far, uint32_t route, uint32_t owner) const {
    if (eni.is(NetworkTables::kIsBox) && eni.path != kNoNumber && f.own.find(number, near) == kNoNumber && f.own.find(number, far) == kNoNumber)
      return eni.path;
    auto has_public = sizeof(Address) == 4 ? NetworkTables::kHasPublic4 : NetworkTables::kHasPublic6;
    if ((route & kYields) && !(route & kPrivate) && eni.is(has_public)) return kPublicAddressPath;
    if ((route & kRoutePath) != kRouteLocal) return route & kRoutePath;
    if (owner == kNoNumber) return kSameVpcPath;
    if (owner >= enis_.size()) return kHavipPath;
    return enis_[owner].is(NetworkTables::kHasVm) ? kVmPath : kSameVpcPath;
  }

  template <typename Address>
  Verdict of_groups(const Family<Address>& f, const Eni& eni, Address far, uint32_t owner, bool is_in, uint32_t service) const {
    if (eni.groups == kNoNumber) return {};
    const GroupSet& set = sets_[eni.groups];
    const GroupSet* peer = owner < enis_.size() && enis_[owner].groups != kNoNumber ? &sets_[enis_[owner].groups] : nullptr;
    uint32_t best = kNoRule;
    for (uint32_t group : set.in_order) {
      uint32_t list = is_in ? groups_[group].in : groups_[group].out;
      uint32_t found = f.rules.first_of(list, far, service);
      if (peer) found = std::min(found, peer_rules_.first_of(list, *peer, service));
      if (found != kNoRule && (best == kNoRule || rules_[found].rank < rules_[best].rank)) best = found;
    }
    if (best != kNoRule) return {true, rules_[best].is_accepting, rules_[best].name};
    if (!is_in) return {true, true, default_out_};
    if (peer)
      for (uint32_t group : set.in_order)
        if (groups_[group].same != kNoNumber && peer->has(group)) return {true, true, groups_[group].same};
    return {true, false, default_in_};
  }

  template <typename Address>
  Verdict of_acl(const Family<Address>& f, uint32_t number, const Vswitch& vswitch, Address far, bool is_out, uint32_t service) const {
    if (vswitch.acl == kNoNumber || is_inside(f, number, far)) return {};
    const Acl& acl = acls_[vswitch.acl];
    uint32_t found = f.rules.first_of(is_out ? acl.out : acl.in, far, service);
    if (found != kNoRule) return {true, rules_[found].is_accepting, rules_[found].name};
    return {true, false, is_out ? acl.out_default : acl.in_default};
  }

  template <typename Address>
  static bool is_inside(const Family<Address>& f, uint32_t vswitch, Address a) {
    for (uint32_t i = f.cidr_begins[vswitch]; i < f.cidr_begins[vswitch + 1]; i++)
      if (f.cidrs[i].holds(a)) return true;
    return false;
  }

  uint32_t vpc_of(uint32_t owner) const { return owner < enis_.size() ? enis_[owner].vpc : havip_vpcs_[owner - enis_.size()]; }

  // --- Building ---

  void read_vswitches(const NetworkTables& t) {
    for (size_t i = 0; i < t.vswitches.size(); i++)
      vswitches_.push_back({t.vswitches.at(i, t.kVswitchVpc), t.vswitches.at(i, t.kVswitchRoutes), t.vswitches.at(i, t.kVswitchAcl)});
  }

  void read_enis(const NetworkTables& t) {
    for (size_t i = 0; i < t.enis.size(); i++) {
      uint32_t vswitch = t.enis.at(i, t.kEniVswitch);
      if (vswitch == kNoNumber) {
        enis_[i] = {kNoNumber, kNoNumber, kNoNumber, kNoNumber, kNoVni, 0};
        continue;
      }
      enis_[i] = {vswitch, vswitches_[vswitch].vpc, t.enis.at(i, t.kEniGroups), t.enis.at(i, t.kEniPath), t.enis.at(i, t.kEniVni), t.enis.at(i, t.kEniMarks)};
      if (enis_[i].vni == kNoVni) continue;
      auto [it, is_first] = segments_.try_emplace(enis_[i].vni, Segment{uint32_t(i), enis_[i].vpc});
      if (!is_first) it->second.eni = kNoNumber;
    }
    sets_.resize(t.group_sets);
    for (size_t i = 0; i < t.members.size(); i++) sets_[t.members.at(i, t.kMemberSet)].add(t.members.at(i, t.kMemberGroup));
    for (GroupSet& set : sets_) {
      set.sorted = set.in_order;
      std::sort(set.sorted.begin(), set.sorted.end());
    }
  }

  void read_rules(const NetworkTables& t) {
    for (size_t i = 0; i < t.groups.size(); i++) groups_.push_back({t.groups.at(i, t.kGroupIn), t.groups.at(i, t.kGroupOut), t.groups.at(i, t.kGroupSame)});
    for (size_t i = 0; i < t.acls.size(); i++)
      acls_.push_back({t.acls.at(i, t.kAclIn), t.acls.at(i, t.kAclOut), t.acls.at(i, t.kAclInDefault), t.acls.at(i, t.kAclOutDefault)});
    for (size_t i = 0; i < t.rules.size(); i++) rules_.push_back({t.rules.at(i, t.kRuleRank), t.rules.at(i, t.kRuleName), t.rules.at(i, t.kRuleAccepts) == 1});
    read_matches(t, t.matches4, t.match_prefixes4, &family4_);
    read_matches(t, t.matches6, t.match_prefixes6, &family6_);
    peer_rules_ = PeerRules(t.lists);
    for (size_t i = 0; i < t.peer_matches.size(); i++) {
      auto cell = [&](size_t at) { return t.peer_matches.at(i, at); };
      peer_rules_.add(cell(t.kMatchList), t.peers[i], cell(t.kMatchFirst), cell(t.kMatchLast), cell(t.kMatchRule));
    }
    peer_rules_.end();
  }

  template <typename Address>
  static void read_matches(const NetworkTables& t, const Rows<NetworkTables::kMatchCells>& matches, const PrefixColumns& prefixes, Family<Address>* f) {
    f->rules = AddressRules<Address>(t.lists);
    for (size_t i = 0; i < matches.size(); i++) {
      auto cell = [&](size_t at) { return matches.at(i, at); };
      f->rules.add(cell(t.kMatchList), prefixes.at(i, Address{}), cell(t.kMatchFirst), cell(t.kMatchLast), cell(t.kMatchRule));
    }
    f->rules.end();
  }

  template <typename Address>
  static void read_routes(const PrefixColumns& routes, const Rows<NetworkTables::kLayerCells>& layers, uint32_t maps, Family<Address>* f) {
    std::vector<std::vector<typename PrefixMap<Address>::Layer>> of_maps(maps);
    for (size_t i = 0; i < routes.size(); i++)
      of_maps[routes.values[i]].push_back({routes.at(i, Address{}), layers.at(i, NetworkTables::kLayerMask), layers.at(i, NetworkTables::kLayerBits)});
    for (auto& of_map : of_maps) f->routes.emplace_back(std::move(of_map), kYields);
  }

  template <typename Address>
  void read_addresses(const PrefixColumns& owners, const PrefixColumns& own, Family<Address>* f) {
    f->owners = AddressMap<Address>(owners.size());
    f->anywhere = AddressMap<Address>(has_one_vpc_ ? 0 : owners.size());
    for (size_t i = 0; i < owners.size(); i++) {
      AddressPrefix<Address> prefix = owners.at(i, Address{});
      uint32_t owner = owners.values[i];
      f->owners.add(vpc_of(owner), prefix, owner);
      if (!has_one_vpc_ && !f->anywhere.add(0, prefix, owner)) f->anywhere.change(0, prefix, kSeveral);
    }
    f->own = AddressMap<Address>(own.size());
    for (size_t i = 0; i < own.size(); i++) f->own.add(own.values[i], own.at(i, Address{}), 0);
  }

  template <typename Address>
  void read_cidrs(const PrefixColumns& cidrs, Family<Address>* f) {
    std::vector<uint32_t> counts(vswitches_.size() + 1);
    for (uint32_t vswitch : cidrs.values) counts[vswitch + 1]++;
    for (size_t i = 1; i < counts.size(); i++) counts[i] += counts[i - 1];
    f->cidr_begins = counts;
    f->cidrs.resize(cidrs.size());
    for (size_t i = 0; i < cidrs.size(); i++) f->cidrs[counts[cidrs.values[i]]++] = cidrs.at(i, Address{});
  }

  bool has_one_vpc_;
  std::vector<Eni> enis_;
  std::unordered_map<uint32_t, Segment> segments_;  // by VNI
  std::vector<uint32_t> havip_vpcs_;
  std::vector<Vswitch> vswitches_;
  std::vector<GroupSet> sets_;
  std::vector<Group> groups_;
  std::vector<Acl> acls_;
  std::vector<Rule> rules_;
  PeerRules peer_rules_;
  Family<Ipv4> family4_;
  Family<Ipv6> family6_;
  uint32_t default_in_, default_out_;
};

}  // namespace windrow
