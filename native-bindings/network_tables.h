// A network as flat tables, as src/cloud/network_tables.ts makes them, and what can be wrong with them.
#pragma once
#include <cstdint>
#include <span>

#include "packet.h"
#include "prefix_map.h"
#include "rule_lists.h"

namespace windrow {

constexpr uint32_t kNoNumber = UINT32_MAX;  // where a number of something stands, and there is none

// Prefixes of one family, and a number for each.
struct PrefixColumns {
  std::span<const uint32_t> words;  // 1 or 4 of each, most significant first
  std::span<const uint8_t> lengths;
  std::span<const uint32_t> values;

  size_t size() const { return lengths.size(); }
  AddressPrefix<Ipv4> at(size_t i, Ipv4) const { return {words[i], lengths[i]}; }
  AddressPrefix<Ipv6> at(size_t i, Ipv6) const {
    auto word = [&](size_t w) { return uint64_t(words[i * 4 + w]); };
    return {{word(0) << 32 | word(1), word(2) << 32 | word(3)}, lengths[i]};
  }
  // As many of each, no prefix longer than its address, with no bits behind it, and no value that is not below `most`.
  template <typename Address>
  bool is_right(size_t most) const {
    if (words.size() != size() * sizeof(Address) / 4 || values.size() != size()) return false;
    for (size_t i = 0; i < size(); i++) {
      if (lengths[i] > kBitsOf<Address> || values[i] >= most) return false;
      AddressPrefix<Address> prefix = at(i, Address{});
      if (!prefix.holds(prefix.first)) return false;
    }
    return true;
  }
};

// Rows of a table: so many numbers each.
template <size_t kCells>
struct Rows {
  std::span<const uint32_t> cells;
  size_t size() const { return cells.size() / kCells; }
  bool is_whole() const { return cells.size() % kCells == 0; }
  uint32_t at(size_t row, size_t cell) const { return cells[row * kCells + cell]; }
};

struct NetworkTables {
  uint32_t vpcs = 0, route_maps = 0, names = 0;
  uint32_t default_in = 0, default_out = 0;  // names of the rules that groups end with

  enum Vswitch : size_t { kVswitchVpc, kVswitchRoutes, kVswitchAcl, kVswitchCells };
  Rows<kVswitchCells> vswitches;
  PrefixColumns vswitch_cidrs4, vswitch_cidrs6;  // values: vSwitches

  // Without a vSwitch: a number that is no ENI's. kEniPath: through a box, or none; kEniVni: of tunnels that its packets come in, or none
  enum Eni : size_t { kEniVswitch, kEniGroups, kEniMarks, kEniPath, kEniVni, kEniCells };
  enum EniMark : uint32_t { kHasVm = 1, kHasPublic4 = 2, kHasPublic6 = 4, kIsBox = 8, kAllMarks = 15 };
  Rows<kEniCells> enis;
  Rows<1> havips;                 // VPC
  PrefixColumns owners4, owners6;  // values: ENIs, and HaVips behind them
  PrefixColumns own4, own6;        // values: ENIs that are boxes

  enum SetMember : size_t { kMemberSet, kMemberGroup, kMemberCells };
  uint32_t group_sets = 0;
  Rows<kMemberCells> members;  // in the order of sets

  enum Group : size_t { kGroupIn, kGroupOut, kGroupSame, kGroupCells };  // lists, and the name of the rule of the same group
  Rows<kGroupCells> groups;
  enum Acl : size_t { kAclIn, kAclOut, kAclInDefault, kAclOutDefault, kAclCells };  // lists, and names
  Rows<kAclCells> acls;

  uint32_t lists = 0;
  enum Rule : size_t { kRuleAccepts, kRuleRank, kRuleName, kRuleCells };  // the lower rank wins among groups
  Rows<kRuleCells> rules;
  enum Match : size_t { kMatchList, kMatchFirst, kMatchLast, kMatchRule, kMatchCells };  // in the order of lists, then rules
  Rows<kMatchCells> matches4, matches6, peer_matches;
  PrefixColumns match_prefixes4, match_prefixes6;  // of each match; values are not used: 0
  std::span<const uint32_t> peers;                 // the group of each match

  PrefixColumns routes4, routes6;  // values: route maps; later ones lie above earlier ones of the same prefix
  enum RouteLayer : size_t { kLayerMask, kLayerBits, kLayerCells };
  Rows<kLayerCells> layers4, layers6;
};

// What the value of a route map says of an address.
constexpr uint32_t kRoutePath = 0xff, kRouteLocal = 0xff, kInVpc = 0x100, kPrivate = 0x200, kYields = 0x400;

class TablesCheck {
 public:
  explicit TablesCheck(const NetworkTables& t) : t_(t) {}

  // What is wrong, or null: whoever made the tables, what is built of them reads nothing that is not there.
  const char* wrong() const {
    if (t_.vpcs >= AddressMap<Ipv4>::kMostSpaces || t_.enis.size() >= AddressMap<Ipv4>::kMostSpaces) return "more VPCs or ENIs than there may be";
    if (t_.default_in >= t_.names || t_.default_out >= t_.names) return "names of defaults that are not there";
    if (!are_vswitches_right()) return "vSwitches that cannot be";
    if (!are_enis_right()) return "ENIs that cannot be";
    if (!are_groups_right()) return "security groups that cannot be";
    if (!are_rules_right()) return "rules that cannot be";
    if (!are_routes_right(t_.routes4, t_.layers4, Ipv4{}) || !are_routes_right(t_.routes6, t_.layers6, Ipv6{})) return "routes that cannot be";
    return nullptr;
  }

 private:
  template <size_t kCells, typename Is>
  static bool all(const Rows<kCells>& rows, Is is) {
    for (size_t i = 0; i < rows.size(); i++)
      if (!is(i)) return false;
    return rows.is_whole();
  }
  static bool is_one(uint32_t number, size_t of) { return number < of; }
  static bool is_one_or_none(uint32_t number, size_t of) { return number < of || number == kNoNumber; }

  bool are_vswitches_right() const {
    const auto& v = t_.vswitches;
    return all(v, [&](size_t i) {
             return is_one(v.at(i, t_.kVswitchVpc), t_.vpcs) && is_one(v.at(i, t_.kVswitchRoutes), t_.route_maps) &&
                    is_one_or_none(v.at(i, t_.kVswitchAcl), t_.acls.size());
           }) &&
           t_.vswitch_cidrs4.is_right<Ipv4>(v.size()) && t_.vswitch_cidrs6.is_right<Ipv6>(v.size());
  }

  bool are_enis_right() const {
    const auto& e = t_.enis;
    size_t owners = e.size() + t_.havips.size();
    return all(e, [&](size_t i) {
             return is_one_or_none(e.at(i, t_.kEniVswitch), t_.vswitches.size()) && is_one_or_none(e.at(i, t_.kEniGroups), t_.group_sets) &&
                    e.at(i, t_.kEniMarks) <= t_.kAllMarks && is_one_or_none(e.at(i, t_.kEniPath), INT8_MAX) &&
                    is_one_or_none(e.at(i, t_.kEniVni), size_t(kMostVni) + 1);
           }) &&
           all(t_.havips, [&](size_t i) { return is_one(t_.havips.at(i, 0), t_.vpcs); }) && t_.owners4.is_right<Ipv4>(owners) &&
           t_.owners6.is_right<Ipv6>(owners) && t_.own4.is_right<Ipv4>(e.size()) && t_.own6.is_right<Ipv6>(e.size());
  }

  bool are_groups_right() const {
    const auto& m = t_.members;
    const auto& g = t_.groups;
    const auto& a = t_.acls;
    return t_.group_sets <= m.size() && all(m, [&](size_t i) {
             return is_one(m.at(i, t_.kMemberSet), t_.group_sets) && is_one(m.at(i, t_.kMemberGroup), g.size());
           }) &&
           all(g, [&](size_t i) {
             return is_one(g.at(i, t_.kGroupIn), t_.lists) && is_one(g.at(i, t_.kGroupOut), t_.lists) &&
                    is_one_or_none(g.at(i, t_.kGroupSame), t_.names);
           }) &&
           all(a, [&](size_t i) {
             return is_one(a.at(i, t_.kAclIn), t_.lists) && is_one(a.at(i, t_.kAclOut), t_.lists) &&
                    is_one(a.at(i, t_.kAclInDefault), t_.names) && is_one(a.at(i, t_.kAclOutDefault), t_.names);
           });
  }

  bool are_rules_right() const {
    const auto& r = t_.rules;
    return t_.lists <= 2 * (t_.groups.size() + t_.acls.size()) &&
           all(r, [&](size_t i) { return r.at(i, t_.kRuleAccepts) <= 1 && is_one(r.at(i, t_.kRuleName), t_.names); }) &&
           are_matches_right(t_.matches4) && are_matches_right(t_.matches6) && are_matches_right(t_.peer_matches) &&
           t_.match_prefixes4.size() == t_.matches4.size() && t_.match_prefixes6.size() == t_.matches6.size() &&
           t_.match_prefixes4.is_right<Ipv4>(1) && t_.match_prefixes6.is_right<Ipv6>(1) && t_.peers.size() == t_.peer_matches.size() &&
           std::all_of(t_.peers.begin(), t_.peers.end(), [&](uint32_t group) { return is_one(group, t_.groups.size()); });
  }

  bool are_matches_right(const Rows<NetworkTables::kMatchCells>& m) const {
    return all(m, [&](size_t i) {
      uint32_t list = m.at(i, t_.kMatchList), rule = m.at(i, t_.kMatchRule);
      bool is_after = i == 0 || list > m.at(i - 1, t_.kMatchList) || (list == m.at(i - 1, t_.kMatchList) && rule >= m.at(i - 1, t_.kMatchRule));
      return is_after && is_one(list, t_.lists) && is_one(rule, t_.rules.size()) && m.at(i, t_.kMatchFirst) <= m.at(i, t_.kMatchLast) &&
             m.at(i, t_.kMatchLast) < 256 * kPortCodes;
    });
  }

  template <typename Address>
  bool are_routes_right(const PrefixColumns& routes, const Rows<NetworkTables::kLayerCells>& layers, Address) const {
    return routes.is_right<Address>(t_.route_maps) && layers.size() == routes.size() && layers.is_whole() && t_.route_maps <= t_.vswitches.size();
  }

  const NetworkTables& t_;
};

}  // namespace windrow
