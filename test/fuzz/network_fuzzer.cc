// libFuzzer target of networks. Tables that somebody made up are refused, or rows are judged by them without harm; prefixes
// and rules give what a plain look at all of them gives.
//
//   0      index into kModes
//   1...   numbers, a byte each, as they are taken; where there are no more they are 0. See Numbers.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "../../native-bindings/network.h"
#include "invariant.h"

using namespace windrow;

namespace {

enum class Mode : uint8_t { kTables, kPrefixes4, kPrefixes6, kRules4, kRules6 };
constexpr Mode kModes[] = {Mode::kTables, Mode::kPrefixes4, Mode::kPrefixes6, Mode::kRules4, Mode::kRules6};

class Numbers {
 public:
  Numbers(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  bool is_left() const { return at_ < size_; }
  uint8_t byte() { return at_ < size_ ? data_[at_++] : 0; }
  uint32_t below(uint32_t most) { return most ? byte() % most : 0; }
  // Mostly one of `count`; also none, and one that is not there.
  uint32_t number(size_t count) {
    uint8_t b = byte();
    if (b == 255) return kNoNumber;
    if (b >= 252) return uint32_t(count) + b - 252;
    return count ? uint32_t(b % count) : 0;
  }
  // Few addresses, so that prefixes meet each other; those at both ends of all are among them.
  Ipv4 address(Ipv4) {
    uint8_t b = byte();
    return b == 255 ? UINT32_MAX : b == 0 ? 0 : 0x0a000000 | uint32_t(b & 15) << 4 | b >> 4;
  }
  Ipv6 address(Ipv6) {
    uint8_t b = byte();
    if (b == 255) return {UINT64_MAX, UINT64_MAX};
    return {b == 0 ? 0 : 0xfd00000000000000 | (b & 3), uint64_t(b >> 2) << (b & 4 ? 58 : 0)};
  }
  template <typename Address>
  AddressPrefix<Address> prefix(Address kind) {
    AddressPrefix<Address> p{address(kind), uint8_t(below(kBitsOf<Address> + 1))};
    p.first = masked(p.first, p.mask());
    return p;
  }

 private:
  const uint8_t* data_;
  size_t size_, at_ = 0;
};

template <typename Address>
std::vector<Address> edges_of(const std::vector<AddressPrefix<Address>>& prefixes, Numbers* n) {
  std::vector<Address> all{Address{}, n->address(Address{})};
  for (const auto& p : prefixes) {
    Address before = p.first, after = p.last();
    if constexpr (sizeof(Address) == 4) {
      before--;
      after++;
    } else {
      before.hi -= before.lo-- == 0;
      after.hi += ++after.lo == 0;
    }
    all.insert(all.end(), {p.first, p.last(), before, after});
  }
  return all;
}

// Both maps beside a look at all prefixes, the shorter and earlier ones first.
template <typename Address>
void try_prefixes(Numbers* n, Address kind) {
  using Map = PrefixMap<Address>;
  std::vector<typename Map::Layer> layers;
  std::vector<AddressPrefix<Address>> prefixes;
  std::vector<uint32_t> spaces, values;
  for (uint32_t count = n->below(24); count && n->is_left(); count--) {
    prefixes.push_back(n->prefix(kind));
    layers.push_back({prefixes.back(), n->byte() * 0x01010101u, n->byte() * 0x01010101u});
    spaces.push_back(n->below(3));
    values.push_back(n->byte());
  }
  Map map(layers, 7);
  AddressMap<Address> addresses(prefixes.size());
  for (size_t i = 0; i < prefixes.size(); i++) {
    bool is_new = true;
    for (size_t j = 0; j < i; j++) is_new &= spaces[j] != spaces[i] || prefixes[j].length != prefixes[i].length || prefixes[j].first != prefixes[i].first;
    MUST(addresses.add(spaces[i], prefixes[i], values[i]) == is_new);
  }
  for (Address a : edges_of(prefixes, n)) {
    uint32_t layered = 7, found[3] = {kNoNumber, kNoNumber, kNoNumber};
    for (uint32_t length = 0; length <= kBitsOf<Address>; length++) {
      bool has[3] = {};
      for (size_t i = 0; i < prefixes.size(); i++) {
        if (prefixes[i].length != length || !prefixes[i].holds(a)) continue;
        layered = (layered & ~layers[i].mask) | layers[i].bits;
        if (!has[spaces[i]]) found[spaces[i]] = values[i];
        has[spaces[i]] = true;
      }
    }
    MUST(map.find(a) == layered);
    for (uint32_t space = 0; space < 3; space++) MUST(addresses.find(space, a) == found[space]);
  }
}

// Rules beside a look at one after the other.
template <typename Address>
void try_rules(Numbers* n, Address kind) {
  struct One {
    uint32_t list;
    AddressPrefix<Address> prefix;
    uint32_t first, last, rule;
  };
  std::vector<One> all;
  std::vector<AddressPrefix<Address>> prefixes;
  uint32_t lists = 1 + n->below(5);
  for (uint32_t count = n->below(64); count && n->is_left(); count--) {
    uint32_t a = n->byte() * 0x20202u % (256 * kPortCodes), b = n->byte() * 0x20202u % (256 * kPortCodes);
    all.push_back({n->below(lists), n->prefix(kind), std::min(a, b), std::max(a, b), 0});
    prefixes.push_back(all.back().prefix);
  }
  std::stable_sort(all.begin(), all.end(), [](const One& a, const One& b) { return a.list < b.list; });
  AddressRules<Address> rules(lists);
  for (size_t i = 0; i < all.size(); i++) {
    all[i].rule = uint32_t(i);
    rules.add(all[i].list, all[i].prefix, all[i].first, all[i].last, all[i].rule);
  }
  rules.end();
  for (Address a : edges_of(prefixes, n)) {
    uint32_t service = service_of(n->byte(), n->byte() * 257 - 1);
    for (uint32_t list = 0; list < lists; list++) {
      uint32_t expected = kNoRule;
      for (const One& one : all)
        if (expected == kNoRule && one.list == list && one.prefix.holds(a) && service >= one.first && service <= one.last) expected = one.rule;
      MUST(rules.first_of(list, a, service) == expected);
    }
  }
}

// Tables in memory that ends where they end.
class MadeUp {
 public:
  explicit MadeUp(Numbers* n) : n_(n) {
    size_t vpcs = n_->below(4), vswitches = n_->below(4), enis = n_->below(6), havips = n_->below(3), acls = n_->below(3), groups = n_->below(4),
           names = n_->below(9), rules = n_->below(8), sets = n_->below(4), lists = 2 * (groups + acls), maps = n_->below(4);
    t.vpcs = uint32_t(vpcs);
    t.route_maps = uint32_t(maps);
    t.names = uint32_t(names);
    t.default_in = n_->number(names);
    t.default_out = n_->number(names);
    t.group_sets = uint32_t(sets);
    t.lists = n_->byte() == 255 ? uint32_t(lists + 1) : uint32_t(lists);
    t.vswitches.cells = cells(vswitches, {vpcs, maps, acls});
    t.enis.cells = cells(enis, {vswitches, sets, 17, 129, 3});
    t.havips.cells = cells(havips, {vpcs});
    t.members.cells = cells(n_->below(8), {sets, groups});
    t.groups.cells = cells(groups, {lists, lists, names});
    t.acls.cells = cells(acls, {lists, lists, names, names});
    t.rules.cells = cells(rules, {2, 4, names});
    t.vswitch_cidrs4 = prefixes(Ipv4{}, n_->below(4), vswitches);
    t.vswitch_cidrs6 = prefixes(Ipv6{}, n_->below(4), vswitches);
    t.owners4 = prefixes(Ipv4{}, n_->below(12), enis + havips);
    t.owners6 = prefixes(Ipv6{}, n_->below(12), enis + havips);
    t.own4 = prefixes(Ipv4{}, n_->below(4), enis);
    t.own6 = prefixes(Ipv6{}, n_->below(4), enis);
    size_t matches4 = n_->below(20), matches6 = n_->below(20), peers = n_->below(8);
    t.matches4.cells = matches(matches4, lists, rules);
    t.matches6.cells = matches(matches6, lists, rules);
    t.peer_matches.cells = matches(peers, lists, rules);
    t.match_prefixes4 = prefixes(Ipv4{}, matches4, 1);
    t.match_prefixes6 = prefixes(Ipv6{}, matches6, 1);
    t.peers = cells(peers, {groups});
    size_t routes4 = n_->below(12), routes6 = n_->below(12);
    t.routes4 = prefixes(Ipv4{}, routes4, maps);
    t.routes6 = prefixes(Ipv6{}, routes6, maps);
    t.layers4.cells = layers(routes4);
    t.layers6.cells = layers(routes6);
  }

  NetworkTables t;

 private:
  template <typename T>
  std::span<const T> keep(const std::vector<T>& values) {
    auto memory = std::make_shared<std::unique_ptr<T[]>>(new T[values.size()]);
    std::copy(values.begin(), values.end(), memory->get());
    kept_.push_back(memory);
    return {memory->get(), values.size()};
  }
  std::span<const uint32_t> cells(size_t rows, std::initializer_list<size_t> counts) {
    std::vector<uint32_t> values;
    for (size_t row = 0; row < rows; row++)
      for (size_t count : counts) values.push_back(n_->number(count));
    return keep(values);
  }
  std::span<const uint32_t> layers(size_t rows) {
    std::vector<uint32_t> values;
    for (size_t i = 0; i < rows * 2; i++) values.push_back(uint32_t(n_->byte()) << (i % 3 * 4));
    return keep(values);
  }
  std::span<const uint32_t> matches(size_t rows, size_t lists, size_t rules) {
    std::vector<std::array<uint32_t, 4>> all;
    for (size_t row = 0; row < rows; row++) {
      uint32_t list = n_->number(lists), rule = n_->number(rules), first = n_->byte() * kPortCodes, last = n_->byte() * kPortCodes + n_->byte();
      all.push_back({list, first, last, rule});
    }
    if (n_->byte() != 255) std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a[0] != b[0] ? a[0] < b[0] : a[3] < b[3]; });
    std::vector<uint32_t> values;
    for (auto& row : all) values.insert(values.end(), row.begin(), row.end());
    return keep(values);
  }
  template <typename Address>
  PrefixColumns prefixes(Address kind, size_t rows, size_t count) {
    std::vector<uint32_t> words, values;
    std::vector<uint8_t> lengths;
    for (size_t row = 0; row < rows; row++) {
      AddressPrefix<Address> p = n_->prefix(kind);
      if constexpr (sizeof(Address) == 4) words.push_back(p.first);
      else words.insert(words.end(), {uint32_t(p.first.hi >> 32), uint32_t(p.first.hi), uint32_t(p.first.lo >> 32), uint32_t(p.first.lo)});
      lengths.push_back(n_->byte() == 255 ? 200 : p.length);
      values.push_back(n_->number(count));
    }
    return {keep(words), keep(lengths), keep(values)};
  }

  Numbers* n_;
  std::vector<std::shared_ptr<void>> kept_;
};

void try_tables(Numbers* n) {
  MadeUp made(n);
  if (TablesCheck(made.t).wrong()) return;
  const Network network(made.t);
  constexpr uint32_t kRows = 16;
  auto memory = std::make_unique<uint64_t[]>(Columns::bytes_for(kRows) / 8), before = std::make_unique<uint64_t[]>(Columns::bytes_for(kRows) / 8);
  Columns c = Columns::over(memory.get(), kRows), was = Columns::over(before.get(), kRows);
  uint8_t sources[kRows] = {};
  uint32_t rules[kRows] = {};
  for (uint32_t row = 0; row < kRows; row++) {
    c.eni[row] = n->number(network.enis());
    c.direction[row] = n->byte();
    c.family[row] = n->byte() & 1 ? 6 : 4;
    c.protocol[row] = n->byte();
    c.srcport[row] = n->byte() * 300 - 5;
    c.dstport[row] = n->byte() * 300 - 5;
    c.status[row] = n->byte() == 255;
    for (uint8_t* cell : {c.srcaddr + row * 16, c.dstaddr + row * 16}) {
      Ipv4 a4 = __builtin_bswap32(n->address(Ipv4{}));
      Ipv6 a6 = n->address(Ipv6{});
      uint64_t words[2] = {__builtin_bswap64(a6.hi), __builtin_bswap64(a6.lo)};
      if (c.family[row] == 6) memcpy(cell, words, 16);
      else memcpy(cell, &a4, 4);
    }
    sources[row] = n->byte() == 255;
  }
  memcpy(before.get(), memory.get(), Columns::bytes_for(kRows));
  for (uint32_t row = 0; row < kRows; row++) {
    uint8_t source = sources[row];
    network.judge(c, row, n->byte() & 1, &sources[row], &rules[row]);
    bool is_judged = c.status[row] == kStatusOk && c.eni[row] < network.enis();
    if (!is_judged) MUST(c.traffic_path[row] == was.traffic_path[row]);
    if (!is_judged || source) MUST(c.action[row] == was.action[row] && sources[row] == source && rules[row] == 0);
    MUST(c.action[row] <= 1 && sources[row] <= uint8_t(VerdictSource::kNetworkAcl));
    if (sources[row] > uint8_t(VerdictSource::kKernel)) MUST(rules[row] < made.t.names);
    if (sources[row] == uint8_t(VerdictSource::kNone)) MUST(c.action[row] == was.action[row]);
    uint32_t eni = network.eni_of(load_address(c.srcaddr + row * 16, Ipv4{}));
    MUST(eni == kNoNumber || eni < network.enis());
    eni = network.eni_of(load_address(c.dstaddr + row * 16, Ipv6{}));
    MUST(eni == kNoNumber || eni < network.enis());
    for (uint32_t vni = 0; vni < 4; vni++) {
      const Network::Segment* segment = network.segment(vni);
      if (!segment) continue;
      MUST(segment->eni == kNoNumber || (segment->eni < network.enis() && network.vni_of(segment->eni) == vni));
      eni = network.eni_inside(*segment, vni, load_address(c.srcaddr + row * 16, Ipv4{}));
      MUST(eni == kNoNumber || (network.vni_of(eni) == vni && network.is_of(eni, load_address(c.srcaddr + row * 16, Ipv4{}))));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  Numbers numbers(data + 1, size - 1);
  switch (kModes[data[0] % std::size(kModes)]) {
    case Mode::kTables: try_tables(&numbers); break;
    case Mode::kPrefixes4: try_prefixes(&numbers, Ipv4{}); break;
    case Mode::kPrefixes6: try_prefixes(&numbers, Ipv6{}); break;
    case Mode::kRules4: try_rules(&numbers, Ipv4{}); break;
    case Mode::kRules6: try_rules(&numbers, Ipv6{}); break;
  }
  return 0;
}
