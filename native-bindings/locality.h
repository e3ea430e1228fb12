// Which end of a flow is ours: the observation points that packets name, and the rules for all other flows.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "bytes.h"
#include "hash.h"
#include "interfaces.h"
#include "network.h"
#include "packet.h"
#include "tunnel_points.h"

namespace windrow {

constexpr uint32_t kNoEni = UINT32_MAX;

// What told the direction. The order is the order of DIRECTION_RULES in src/cloud/locality.ts.
enum class Rule : uint8_t { kCapture = 0, kEni, kLocal, kShownAddress, kShownMac, kPrivate, kOpener, kCount };

enum class Side : uint8_t { kNone = 0, kA, kB };

// An address of either family as a number: IPv4 with hi = 0 and v6 = false.
struct Address {
  uint64_t hi = 0, lo = 0;
  bool v6 = false;
  bool operator==(const Address& o) const { return hi == o.hi && lo == o.lo && v6 == o.v6; }
};
struct AddressHash {
  size_t operator()(const Address& a) const { return fold(a.hi ^ 0x9e3779b97f4a7c15, a.lo ^ (a.v6 ? 0xbf58476d1ce4e5b9 : 0x94d049bb133111eb)); }
};

inline Address address4(uint32_t a) { return {0, a, false}; }
inline Address address6(const uint64_t* a) { return {a[0], a[1], true}; }

struct Prefix {
  Address address;
  uint8_t length = 0;
  bool holds(const Address& a) const {
    if (a.v6 != address.v6) return false;
    if (!a.v6) return length == 0 || ((a.lo ^ address.lo) >> (32 - length)) == 0;
    if (length == 0) return true;
    if (length <= 64) return ((a.hi ^ address.hi) >> (64 - length)) == 0;
    return a.hi == address.hi && ((a.lo ^ address.lo) >> (128 - length)) == 0;
  }
};

// RFC 1918, RFC 6598, RFC 3927, loopback; RFC 4193, RFC 4291 link-local and loopback.
inline bool is_private(const Address& a) {
  if (!a.v6) {
    uint32_t v = uint32_t(a.lo);
    return (v >> 24) == 10 || (v >> 20) == 0xac1 || (v >> 16) == 0xc0a8 || (v >> 22) == (0x64400000 >> 22) || (v >> 16) == 0xa9fe ||
           (v >> 24) == 127;
  }
  return (a.hi >> 57) == 0xfc >> 1 || (a.hi >> 54) == 0xfe80 >> 6 || (a.hi == 0 && a.lo == 1);
}

inline uint64_t mac_number(const uint8_t* p) { return uint64_t(load_be16(p)) << 32 | load_be32(p + 2); }

constexpr uint64_t kNamedMac = uint64_t(1) << 48;  // in front of a MAC, which may be 0

// Where a packet was seen, as far as the packet itself tells; part of the flow key.
struct Point {
  uint16_t interface = 0;
  Side side = Side::kNone;
  Rule rule = Rule::kCount;
  uint64_t mac_a = 0, mac_b = 0;  // as kNamedMac has them, where they name an ENI; else 0
  bool is_rejected = false;       // by the kernel's firewall: such packets are flows of their own
  uint32_t vni = kNoVni;          // of the tunnel that it came in, where the network's ENIs have VNIs
};

// What the user said of the network, as JavaScript gives it.
struct LocalityConfig {
  uint32_t eni_count = 0;     // named ENIs; interface N without a name of its own is ENI eni_count + N
  uint32_t eni_of_all = kNoEni;
  std::vector<std::pair<std::string, uint32_t>> eni_of_interface;  // by name or number
  std::unordered_map<Address, uint32_t, AddressHash> eni_of_address;
  std::unordered_map<uint64_t, uint32_t> eni_of_mac;
  std::vector<Prefix> local;
  std::shared_ptr<const Network> network;  // whose addresses are: its ENIs are the named ones, by their numbers
  bool names_ends() const { return network || !eni_of_address.empty() || !eni_of_mac.empty(); }
};

// What is said from a window on. Of live sources the network may change; whoever judges a window asks what holds for it.
struct Names {
  Names(LocalityConfig c, int64_t from) : config(std::move(c)), from_window(from) {
    if (!config.network) return;
    bound = std::make_unique<std::atomic<uint32_t>[]>(kMostInterfaces);
    for (uint32_t i = 0; i < kMostInterfaces; i++) bound[i].store(kNoEni, std::memory_order_relaxed);
  }

  // The network's ENI that has all traffic of the interface, or kNoEni.
  uint32_t bound_at(uint32_t interface) const { return bound ? bound[interface].load(std::memory_order_relaxed) : kNoEni; }

  LocalityConfig config;
  int64_t from_window;
  std::unique_ptr<std::atomic<uint32_t>[]> bound;  // by interface, as they are declared
};
using NamesInTurn = std::vector<std::shared_ptr<const Names>>;

// The ends that all packets of an interface have in common: at most two candidates are left after the first packet.
template <typename T>
class CommonEnd {
 public:
  void see(const T* ends, int count) {
    if (!begun_) {
      begun_ = true;
      for (int i = 0; i < count; i++)
        if (std::find(left_.begin(), left_.end(), ends[i]) == left_.end()) left_.push_back(ends[i]);
      return;
    }
    std::erase_if(left_, [&](const T& c) { return std::find(ends, ends + count, c) == ends + count; });
  }
  // The one end that all have, or null.
  const T* only() const { return left_.size() == 1 ? left_.data() : nullptr; }

 private:
  bool begun_ = false;
  std::vector<T> left_;
};

class Locality {
 public:
  // A live source shows nothing by its first packets, and may tell of packets that were rejected.
  explicit Locality(LocalityConfig config, bool is_live = false) : config_(std::move(config)), is_live_(is_live) {
    names_.push_back(std::make_shared<Names>(config_, INT64_MIN));
    if (names_macs()) named_.reset(new Point[kMostNamed]);
  }

  // What was said first.
  const LocalityConfig& config() const { return config_; }
  // Before anybody else knows of this.
  void set_network(std::shared_ptr<const Network> network) {
    config_.network = std::move(network);
    names_ = {std::make_shared<Names>(config_, INT64_MIN)};
    // Another network may have what this one has not.
    if (is_live_ && !named_) named_.reset(new Point[kMostNamed]);
    if (is_live_ || config_.network->segments() > 0) tunnels_ = std::make_unique<TunnelPoints>(config_.network->segments());
  }

  // Of live sources, by any thread: this holds for windows from one on, which has not begun. What held before all windows from
  // `oldest` on is let go. Where MACs are named, one thread reads.
  void follow(LocalityConfig config, int64_t from_window, int64_t oldest) {
    auto next = std::make_shared<Names>(std::move(config), from_window);
    std::lock_guard lock(mutex_);
    for (const auto& [number, name] : declared_) next->bound[number].store(named_at(next->config, number, name), std::memory_order_relaxed);
    if (!next->config.eni_of_mac.empty()) looks_at_macs_.store(true, std::memory_order_relaxed);
    if (names_.back()->from_window == from_window) names_.pop_back();
    names_.push_back(std::move(next));
    while (names_.size() > 1 && names_[1]->from_window <= oldest) names_.erase(names_.begin());
    changes_.fetch_add(1, std::memory_order_release);
  }
  // How often that was called.
  uint32_t changes() const { return changes_.load(std::memory_order_acquire); }
  // All that holds for some window.
  NamesInTurn all_names() const {
    std::lock_guard lock(mutex_);
    return {names_.begin(), names_.end()};
  }
  std::shared_ptr<const Names> names_of(int64_t window) const {
    std::lock_guard lock(mutex_);
    size_t i = names_.size() - 1;
    while (i > 0 && names_[i]->from_window > window) i--;
    return names_[i];
  }

  // An interface is declared: its ENI, as was said first.
  uint32_t declare(uint32_t number, const std::string& name) {
    std::lock_guard lock(mutex_);
    if (config_.network) declared_[number] = name;
    for (auto& names : names_)
      if (names->bound) names->bound[number].store(named_at(names->config, number, name), std::memory_order_relaxed);
    const uint32_t eni = named_at(config_, number, name);
    return eni != kNoEni ? eni : config_.eni_of_all != kNoEni ? config_.eni_of_all : config_.eni_count + number;
  }
  // The same for a window; `first` is what that gave.
  uint32_t eni_of_interface(int64_t window, uint32_t number, uint32_t first) const {
    if (!config_.network) return first;
    const uint32_t eni = names_of(window)->bound_at(number);
    return eni != kNoEni ? eni : config_.eni_count + number;
  }

  // Takes in one of the capture's first packets.
  void see(const Packet& p) {
    Shown& shown = shown_of(p.interface);
    Address ends[2];
    ends_of(p, ends);
    shown.addresses.see(ends, 2);
    uint64_t macs[2];
    int count = 0;
    for (int i = 0; p.has_macs && i < 2; i++)
      if (!(p.macs[i * 6] & 1)) macs[count++] = mac_number(p.macs + i * 6);
    shown.macs.see(macs, count);
  }

  // Decides what the first packets show; from here on points can be told.
  void decide() {
    for (Shown& shown : shown_) {
      if (const Address* a = shown.addresses.only()) {
        shown.has_address = true;
        shown.address = *a;
      } else if (const uint64_t* mac = shown.macs.only()) {
        shown.has_mac = true;
        shown.mac = *mac;
        looks_at_macs_.store(true, std::memory_order_relaxed);
      }
    }
    if (names_macs()) looks_at_macs_.store(true, std::memory_order_relaxed);
  }

  bool names_macs() const { return !config_.eni_of_mac.empty(); }

  // Once decided: whether the addresses of Ethernet headers can tell anything.
  bool looks_at_macs() const { return looks_at_macs_.load(std::memory_order_relaxed); }

  // Points of named MACs have to be remembered: with those, one thread may ask at a time.
  // `names` are all that hold for some window.
  [[gnu::always_inline]] uint32_t point_of(const Packet& p, const NamesInTurn& names) {
    if (__builtin_expect(p.hint != Hint::kNone || looks_at_macs() || p.vni != kNoVni, 0)) return told_point(p, names);
    return plain(p.interface, kUntold);
  }

  // Where nothing but the interface is told, and the way if there is a hint.
  [[gnu::always_inline]] static uint32_t hinted_point(uint16_t interface, Hint hint, uint8_t direction) {
    if (hint == Hint::kNone) return plain(interface, kUntold);
    const bool is_local_b = (hint == Hint::kOut) == (direction != 0);
    return plain(interface, kTold + int(is_local_b ? Side::kB : Side::kA));
  }

  Point point(uint32_t number) const {
    Point point;
    if (number >= kFirstTunnel) {
      const TunnelPoint tunnel = tunnels_->at(number - kFirstTunnel);
      point.interface = tunnel.interface;
      point.is_rejected = tunnel.is_rejected;
      point.vni = tunnel.vni;
      return point;
    }
    if (number >= kFirstNamed) return named_[number - kFirstNamed];
    point.interface = uint16_t(number / kVariants);
    int variant = number % kVariants;
    if (variant == kUntold) return point;
    point.side = variant & 1 ? Side::kA : Side::kB;
    point.rule = is_live_ || variant <= kShown ? Rule::kCapture : Rule::kShownMac;
    point.is_rejected = is_live_ && variant > kRejected;
    return point;
  }
  uint32_t interface_of(uint32_t number) const { return number < kFirstNamed ? number / kVariants : point(number).interface; }

  // Where a flow's entries belong: one local side, both (`eni_a` and `eni_b` set, side kNone), or none at all.
  struct Place {
    Side side = Side::kNone;
    Rule rule = Rule::kOpener;
    uint32_t eni_a = kNoEni, eni_b = kNoEni;  // of named ends; kNoEni: the interface's ENI
    bool is_local = true;
  };

  // By what holds for the window.
  Place place(const Names& names, const Point& point, const Address& a, const Address& b, bool opened_by_b) const {
    const LocalityConfig& c = names.config;
    Place place;
    if (point.vni == kTooManyVnis) {
      place.is_local = false;
      return place;
    }
    const Network::Segment* segment = c.network && point.vni <= kMostVni ? c.network->segment(point.vni) : nullptr;
    if (segment) return place_inside(*c.network, *segment, point, a, b, opened_by_b);
    const uint32_t bound = names.bound_at(point.interface);
    if (bound != kNoEni) return place_at(c, bound, point, a, b, opened_by_b);
    if (c.names_ends()) {
      place.rule = Rule::kEni;
      place.eni_a = named(c, point, point.mac_a, a);
      place.eni_b = named(c, point, point.mac_b, b);
      bool has_a = place.eni_a != kNoEni, has_b = place.eni_b != kNoEni;
      place.is_local = has_a || has_b;
      if (place.is_local && point.rule == Rule::kCapture) {  // the capture knows the way, the names know at which ENI
        place.rule = Rule::kCapture;
        place.side = point.side;
        bool is_a = point.side == Side::kA ? has_a : !has_b;
        place.eni_a = place.eni_b = is_a ? place.eni_a : place.eni_b;
      } else if (has_a != has_b) {
        place.side = has_a ? Side::kA : Side::kB;
      }
      return place;
    }
    return place_unnamed(point, a, b, opened_by_b);
  }

  static void ends_of(const Packet& p, Address* ends) {
    ends[0] = p.is_v6 ? address6(p.k6.a) : address4(p.k4.a);
    ends[1] = p.is_v6 ? address6(p.k6.b) : address4(p.k4.b);
  }

 private:
  // At an interface that is an ENI of the network: everything is its traffic.
  Place place_at(const LocalityConfig& c, uint32_t eni, const Point& point, const Address& a, const Address& b, bool opened_by_b) const {
    const bool has_a = eni_of_mac(c, point.mac_a) == eni || is_of(*c.network, eni, a);
    const bool has_b = eni_of_mac(c, point.mac_b) == eni || is_of(*c.network, eni, b);
    Place place = point.rule != Rule::kCapture && has_a != has_b ? by(Rule::kEni, has_a ? Side::kA : Side::kB)
                                                                  : place_unnamed(point, a, b, opened_by_b);
    place.eni_a = place.eni_b = eni;
    return place;
  }

  // In a tunnel of a VNI that ENIs have: at the only one, whose traffic all of it is; at those of several that are an end.
  Place place_inside(const Network& network, const Network::Segment& segment, const Point& point, const Address& a, const Address& b,
                     bool opened_by_b) const {
    Place place;
    place.rule = Rule::kEni;
    place.eni_a = eni_inside(network, segment, point.vni, a);
    place.eni_b = eni_inside(network, segment, point.vni, b);
    const bool has_a = place.eni_a != kNoEni, has_b = place.eni_b != kNoEni;
    if (has_a != has_b) place.side = has_a ? Side::kA : Side::kB;
    if (segment.eni == kNoNumber) {
      place.is_local = has_a || has_b;
    } else {
      if (has_a == has_b) place = place_unnamed(point, a, b, opened_by_b);
      place.eni_a = place.eni_b = segment.eni;
    }
    return place;
  }

  Place place_unnamed(const Point& point, const Address& a, const Address& b, bool opened_by_b) const {
    if (point.rule == Rule::kCapture) return by(Rule::kCapture, point.side);
    if (!config_.local.empty()) {
      bool in_a = is_inside(a), in_b = is_inside(b);
      if (in_a != in_b) return by(Rule::kLocal, in_a ? Side::kA : Side::kB);
    }
    // What an interface shows is not that of the networks in its tunnels.
    if (point.vni == kNoVni && point.interface < shown_.size()) {
      const Shown& shown = shown_[point.interface];
      if (shown.has_address && (a == shown.address) != (b == shown.address))
        return by(Rule::kShownAddress, a == shown.address ? Side::kA : Side::kB);
    }
    if (point.rule == Rule::kShownMac) return by(Rule::kShownMac, point.side);
    bool private_a = is_private(a), private_b = is_private(b);
    if (private_a != private_b) return by(Rule::kPrivate, private_a ? Side::kA : Side::kB);
    return by(Rule::kOpener, opened_by_b ? Side::kA : Side::kB);
  }

  struct Shown {
    CommonEnd<Address> addresses;
    CommonEnd<uint64_t> macs;
    bool has_address = false, has_mac = false;
    Address address;
    uint64_t mac = 0;
  };

  static Place by(Rule rule, Side side) {
    Place place;
    place.rule = rule;
    place.side = side;
    return place;
  }

  static uint32_t eni_of(const Network& network, const Address& a) {
    const uint32_t eni = a.v6 ? network.eni_of(Ipv6{a.hi, a.lo}) : network.eni_of(Ipv4{uint32_t(a.lo)});
    return eni == kNoNumber ? kNoEni : eni;
  }

  static bool is_of(const Network& network, uint32_t eni, const Address& a) {
    return a.v6 ? network.is_of(eni, Ipv6{a.hi, a.lo}) : network.is_of(eni, Ipv4{uint32_t(a.lo)});
  }

  static uint32_t eni_inside(const Network& network, const Network::Segment& segment, uint32_t vni, const Address& a) {
    const uint32_t eni = a.v6 ? network.eni_inside(segment, vni, Ipv6{a.hi, a.lo}) : network.eni_inside(segment, vni, Ipv4{uint32_t(a.lo)});
    return eni == kNoNumber ? kNoEni : eni;
  }

  // In a network a MAC is that of a middle box, which forwards packets of others: who has the frame goes before whose address it is.
  // In a tunnel of a VNI that no ENI has, there are none of those that have one.
  static uint32_t named(const LocalityConfig& c, const Point& point, uint64_t mac, const Address& address) {
    const uint32_t by_mac = eni_of_mac(c, mac);
    if (c.network) {
      const uint32_t eni = by_mac != kNoEni ? by_mac : eni_of(*c.network, address);
      return eni != kNoEni && point.vni != kNoVni && c.network->vni_of(eni) != kNoVni ? kNoEni : eni;
    }
    auto it = c.eni_of_address.find(address);
    return it == c.eni_of_address.end() ? by_mac : it->second;
  }

  // Of a point's.
  static uint32_t eni_of_mac(const LocalityConfig& c, uint64_t mac) {
    if (mac == 0) return kNoEni;
    auto it = c.eni_of_mac.find(mac & ~kNamedMac);
    return it == c.eni_of_mac.end() ? kNoEni : it->second;
  }

  // By its name or its number.
  static uint32_t named_at(const LocalityConfig& c, uint32_t number, const std::string& name) {
    for (const auto& [value, eni] : c.eni_of_interface)
      if (!name.empty() && value == name) return eni;
    for (const auto& [value, eni] : c.eni_of_interface)
      if (value == std::to_string(number)) return eni;
    return kNoEni;
  }

  bool is_inside(const Address& a) const {
    return std::any_of(config_.local.begin(), config_.local.end(), [&](const Prefix& p) { return p.holds(a); });
  }

  Shown& shown_of(uint16_t interface) {
    if (interface >= shown_.size()) shown_.resize(interface + 1u);
    return shown_[interface];
  }

  uint32_t told_point(const Packet& p, const NamesInTurn& names) {
    auto names_vnis = [](const auto& n) { return n->config.network && n->config.network->segments() > 0; };
    if (p.vni != kNoVni && tunnels_ && std::any_of(names.begin(), names.end(), names_vnis)) {
      // Ways and MACs are those of the frames around the tunnel.
      const bool is_named = std::any_of(names.begin(), names.end(), [&](const auto& n) { return n->config.network->segment(p.vni); });
      return kFirstTunnel + tunnels_->number_of({is_named ? p.vni : kOtherVni, p.interface, p.is_rejected});
    }
    Side source = p.direction ? Side::kB : Side::kA, destination = p.direction ? Side::kA : Side::kB;
    if (p.has_macs && named_) {
      const uint64_t to = named_mac(names, p.macs), from = named_mac(names, p.macs + 6);
      if (to != 0 || from != 0) {
        Point point;
        point.interface = p.interface;
        point.is_rejected = p.is_rejected;
        if (p.hint != Hint::kNone) {
          point.side = p.hint == Hint::kOut ? source : destination;
          point.rule = Rule::kCapture;
        }
        point.mac_a = p.direction ? to : from;
        point.mac_b = p.direction ? from : to;
        return named_point(point);
      }
    }
    if (p.hint != Hint::kNone)
      return plain(p.interface, (p.is_rejected ? kRejected : kTold) + int(p.hint == Hint::kOut ? source : destination));
    if (p.has_macs && p.interface < shown_.size() && shown_[p.interface].has_mac) {
      uint64_t to = mac_number(p.macs), from = mac_number(p.macs + 6), ours = shown_[p.interface].mac;
      if ((to == ours) != (from == ours)) return plain(p.interface, kShown + int(from == ours ? source : destination));
    }
    return plain(p.interface, kUntold);
  }

  // 0: it names no ENI.
  static uint64_t named_mac(const NamesInTurn& names, const uint8_t* mac) {
    const uint64_t number = mac_number(mac);
    for (const auto& n : names)
      if (n->config.eni_of_mac.contains(number)) return kNamedMac | number;
    return 0;
  }

  // The points that an interface can have without named MACs: nothing told, and either side, told by the capture
  // (1, 2) or by the MAC that its first packets show (3, 4). Of a live source: told, and rejected (3, 4).
  static constexpr int kVariants = 5, kUntold = 0, kTold = 0, kShown = 2, kRejected = 2;
  static constexpr uint32_t kFirstNamed = kVariants * kMostInterfaces;
  static_assert(int(Side::kA) == 1 && int(Side::kB) == 2);
  static uint32_t plain(uint16_t interface, int variant) { return uint32_t(interface) * kVariants + uint32_t(variant); }
  static constexpr uint32_t kMostNamed = 1 << 16, kFirstTunnel = kFirstNamed + kMostNamed;
  static_assert(kFirstTunnel + TunnelPoints::kMostNumbers <= kMostPoints);

  // One pair too many stays unnamed: its addresses may still name it.
  uint32_t named_point(const Point& point) {
    std::tuple pair(point.interface, uint8_t(point.side), point.mac_a, point.mac_b, point.is_rejected);
    auto it = pairs_.find(pair);
    if (it != pairs_.end()) return it->second;
    if (pairs_.size() == kMostNamed) return plain(point.interface, kUntold);
    uint32_t number = kFirstNamed + uint32_t(pairs_.size());
    named_[number - kFirstNamed] = point;
    return pairs_[pair] = number;
  }

  LocalityConfig config_;
  bool is_live_;
  std::vector<Shown> shown_;
  std::atomic<bool> looks_at_macs_{false};
  // Held to copy pointers, once a window, and where something is said anew.
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Names>> names_;  // in the order of their windows, one at least
  std::map<uint32_t, std::string> declared_;   // interfaces, where there is a network
  std::atomic<uint32_t> changes_{0};
  // Never moved: shards read those of packets that they have got while others are added.
  std::unique_ptr<Point[]> named_;
  std::map<std::tuple<uint16_t, uint8_t, uint64_t, uint64_t, bool>, uint32_t> pairs_;
  std::unique_ptr<TunnelPoints> tunnels_;  // where ENIs have VNIs
};

}  // namespace windrow
