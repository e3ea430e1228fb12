// What JavaScript may call of networks.
#pragma once
#include <memory>
#include <new>

#include "columns_argument.h"
#include "exchange_options.h"
#include "napi_values.h"
#include "network.h"
#include "owned.h"

namespace windrow {

// A network may be shared with threads that judge by it; the last one lets it go.
struct OwnedNetwork {
  static constexpr napi_type_tag kTag = {0x77696e64726f7731, 0x6e6574776f000001};
  std::shared_ptr<const Network> network;
};

// The tables of a network out of the JavaScript object that src/base/addon.ts describes. Its arrays are borrowed for the call:
// all are fetched before one is looked at, as fetching may run JavaScript.
class TablesArgument {
 public:
  TablesArgument(napi::Args& args, napi_value object) : args_(args) {
    auto number = [&](const char* name) { return uint32_t(args_.whole_of(args_.get(object, name), 0, UINT32_MAX - 1)); };
    tables.vpcs = number("vpcs");
    tables.route_maps = number("routeMaps");
    tables.group_sets = number("groupSets");
    tables.lists = number("lists");
    tables.names = number("names");
    tables.default_in = number("defaultIn");
    tables.default_out = number("defaultOut");
    auto rows = [&](const char* name, std::span<const uint32_t>* into) { note(object, name, &words_, into); };
    auto columns = [&](const char* name, PrefixColumns* into) {
      napi_value of = args_.ok() ? args_.get(object, name) : nullptr;
      note(of, "words", &words_, &into->words);
      note(of, "lengths", &bytes_, &into->lengths);
      note(of, "values", &words_, &into->values);
    };
    rows("vswitches", &tables.vswitches.cells);
    rows("enis", &tables.enis.cells);
    rows("havips", &tables.havips.cells);
    rows("members", &tables.members.cells);
    rows("groups", &tables.groups.cells);
    rows("acls", &tables.acls.cells);
    rows("rules", &tables.rules.cells);
    rows("matches4", &tables.matches4.cells);
    rows("matches6", &tables.matches6.cells);
    rows("peerMatches", &tables.peer_matches.cells);
    rows("peers", &tables.peers);
    rows("layers4", &tables.layers4.cells);
    rows("layers6", &tables.layers6.cells);
    columns("vswitchCidrs4", &tables.vswitch_cidrs4);
    columns("vswitchCidrs6", &tables.vswitch_cidrs6);
    columns("owners4", &tables.owners4);
    columns("owners6", &tables.owners6);
    columns("own4", &tables.own4);
    columns("own6", &tables.own6);
    columns("matchPrefixes4", &tables.match_prefixes4);
    columns("matchPrefixes6", &tables.match_prefixes6);
    columns("routes4", &tables.routes4);
    columns("routes6", &tables.routes6);
    for (auto& [value, into] : words_) *into = span_of<uint32_t>(value, napi_uint32_array);
    for (auto& [value, into] : bytes_) *into = span_of<uint8_t>(value, napi_uint8_array);
  }

  NetworkTables tables;

 private:
  template <typename T>
  using Noted = std::vector<std::pair<napi_value, std::span<const T>*>>;

  template <typename T>
  void note(napi_value object, const char* name, Noted<T>* noted, std::span<const T>* into) {
    if (args_.ok()) noted->push_back({args_.get(object, name), into});
  }
  template <typename T>
  std::span<const T> span_of(napi_value value, napi_typedarray_type type) {
    size_t size = 0;
    auto* data = args_.ok() ? static_cast<const T*>(args_.array_of(value, type, 0, &size)) : nullptr;
    return args_.ok() ? std::span(data, size) : std::span<const T>();
  }

  napi::Args& args_;
  Noted<uint32_t> words_;
  Noted<uint8_t> bytes_;
};

// network_new(tables) -> network; a TypeError for tables that no network has
inline napi_value network_new(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  try {
    TablesArgument argument(args, args[0]);
    if (!args.ok()) return nullptr;
    if (const char* wrong = TablesCheck(argument.tables).wrong()) {
      args.fail(wrong);
      return nullptr;
    }
    return napi::own(env, new OwnedNetwork{std::make_shared<const Network>(argument.tables)});
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, "WINDROW_NO_MEMORY", "the network does not fit into memory");
    return nullptr;
  }
}

// exchange_judge_by(exchange, network): before any worker joins it
inline napi_value exchange_judge_by(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedExchange>(0);
  auto* network = args.ok() ? args.native<OwnedNetwork>(1) : nullptr;
  if (!args.ok()) return nullptr;
  if (network->network->enis() != owned->exchange->locality.config().eni_count) args.fail("the network has other ENIs than the exchange");
  if (args.ok()) owned->exchange->locality.set_network(network->network);
  return nullptr;
}

// exchange_follow(exchange, network, locality, fromWindow, oldestWindow): of live interfaces, by the thread that made the
// exchange. `locality` has interfaces and MACs of the network's ENIs.
inline napi_value exchange_follow(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 5);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedExchange>(0);
  auto* network = args.ok() ? args.native<OwnedNetwork>(1) : nullptr;
  LocalityConfig config;
  if (args.ok()) config = options::read_locality(args, args[2]);
  const double from = args.whole(3, -napi::kMostExact, napi::kMostExact), oldest = args.whole(4, -napi::kMostExact, napi::kMostExact);
  if (!args.ok()) return nullptr;
  Exchange& x = *owned->exchange;
  const Network& next = *network->network;
  auto is_missing = [&](uint32_t eni) { return !next.has(eni); };
  if (!x.config.is_live || !x.locality.config().network) args.fail("only live interfaces of a network follow another");
  else if (config.eni_count != next.enis()) args.fail("the network has other ENIs than the locality");
  for (const auto& [name, eni] : config.eni_of_interface)
    if (args.ok() && is_missing(eni)) args.fail("an interface of no ENI");
  for (const auto& [mac, eni] : config.eni_of_mac)
    if (args.ok() && is_missing(eni)) args.fail("a MAC of no ENI");
  if (!args.ok()) return nullptr;
  config.network = network->network;
  x.locality.follow(std::move(config), int64_t(from), int64_t(oldest));
  return nullptr;
}

// network_eni_of(network, Uint8Array of 4 or 16) -> the number of the ENI that has the address, or -1
inline napi_value network_eni_of(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedNetwork>(0);
  size_t size = 0;
  auto* address = static_cast<uint8_t*>(args.array(1, napi_uint8_array, 4, &size));
  if (args.ok() && size != 4 && size != 16) args.fail("expected an address of 4 or 16 bytes");
  if (!args.ok()) return nullptr;
  const Network& network = *owned->network;
  uint32_t eni = size == 4 ? network.eni_of(load_address(address, Ipv4{})) : network.eni_of(load_address(address, Ipv6{}));
  return napi::number(env, eni == kNoNumber ? -1 : double(eni));
}

// network_judge(network, columns, capacity, rows, opened: Uint8Array, sources: Uint8Array, rules: Uint32Array): tells action,
// path, source and rule of each row. `opened`: 1 where the receiver of the row opened the connection. A source that is not 0
// stands for a verdict that is known already.
inline napi_value network_judge(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 7);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedNetwork>(0);
  Columns columns;
  if (!args.ok() || !read_columns(args, 1, &columns)) return nullptr;
  double most = args.whole(3, 0, columns.capacity);
  uint32_t rows = uint32_t(most);
  auto* opened = static_cast<uint8_t*>(args.array(4, napi_uint8_array, rows));
  auto* sources = static_cast<uint8_t*>(args.array(5, napi_uint8_array, rows));
  auto* rules = static_cast<uint32_t*>(args.array(6, napi_uint32_array, rows));
  if (!args.ok()) return nullptr;
  const Network& network = *owned->network;
  for (uint32_t row = 0; row < rows; row++) network.judge(columns, row, opened[row] != 0, &sources[row], &rules[row]);
  return nullptr;
}

}  // namespace windrow
