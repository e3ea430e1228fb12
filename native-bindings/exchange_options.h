// The options of an exchange, out of the JavaScript object that src/base/addon.ts describes.
#pragma once
#include <cstring>

#include "napi_values.h"
#include "exchange.h"

namespace windrow::options {

inline Address address_of(const uint8_t* bytes, size_t size) {
  if (size == 4) return address4(load_be32(bytes));
  uint64_t words[2] = {load_be64(bytes), load_be64(bytes + 8)};
  return address6(words);
}

// {bytes: Uint8Array of 4 or 16}
inline bool read_address(napi::Args& args, napi_value value, Address* address) {
  size_t size = 0;
  auto* bytes = static_cast<uint8_t*>(args.array_of(value, napi_uint8_array, 4, &size));
  if (!args.ok()) return false;
  if (size != 4 && size != 16) {
    args.fail("expected an address of 4 or 16 bytes");
    return false;
  }
  *address = address_of(bytes, size);
  return true;
}

inline LocalityConfig read_locality(napi::Args& args, napi_value object) {
  LocalityConfig c;
  c.eni_count = uint32_t(args.whole_of(args.get(object, "eniCount"), 0, 1 << 22));
  double last = double(c.eni_count) - 1;
  auto eni_of = [&](napi_value e) { return uint32_t(args.whole_of(args.get(e, "eni"), 0, last)); };
  double of_all = args.whole_of(args.get(object, "eniOfAll"), -1, last);
  c.eni_of_all = of_all < 0 ? kNoEni : uint32_t(of_all);
  args.each(args.get(object, "eniOfInterface"), [&](napi_value e) {
    c.eni_of_interface.emplace_back(args.text_of(args.get(e, "interface")), eni_of(e));
  });
  args.each(args.get(object, "eniOfAddress"), [&](napi_value e) {
    Address address;
    if (read_address(args, args.get(e, "address"), &address)) c.eni_of_address[address] = eni_of(e);
  });
  args.each(args.get(object, "eniOfMac"), [&](napi_value e) {
    auto* mac = static_cast<uint8_t*>(args.array_of(args.get(e, "mac"), napi_uint8_array, 6));
    if (args.ok()) c.eni_of_mac[mac_number(mac)] = eni_of(e);
  });
  args.each(args.get(object, "local"), [&](napi_value e) {
    Prefix prefix;
    if (!read_address(args, args.get(e, "address"), &prefix.address)) return;
    prefix.length = uint8_t(args.whole_of(args.get(e, "length"), 0, prefix.address.v6 ? 128 : 32));
    c.local.push_back(prefix);
  });
  return c;
}

// {workers, fd, isLive, chunkBytes, maxFlows, windowSeconds, latenessSeconds, decapsulate, seed: BigUint64Array(4), locality};
// check args.ok() after.
inline ExchangeConfig read_exchange(napi::Args& args, napi_value object) {
  ExchangeConfig config;
  config.workers = uint32_t(args.whole_of(args.get(object, "workers"), 1, kMostWorkers));
  config.fd = int(args.whole_of(args.get(object, "fd"), -1, INT32_MAX));
  config.is_live = args.boolean_of(args.get(object, "isLive"));
  config.chunk_bytes = size_t(args.whole_of(args.get(object, "chunkBytes"), Exchange::kLeastChunkBytes, Exchange::kMostChunkBytes));
  config.max_flows = uint32_t(args.whole_of(args.get(object, "maxFlows"), 16, 1 << 28));
  config.window_seconds = int64_t(args.whole_of(args.get(object, "windowSeconds"), 1, UINT32_MAX));
  config.lateness_seconds = int64_t(args.whole_of(args.get(object, "latenessSeconds"), 0, napi::kMostExact));
  config.decapsulating = args.boolean_of(args.get(object, "decapsulate"));
  void* seed = args.array_of(args.get(object, "seed"), napi_biguint64_array, 4);
  if (args.ok()) config.locality = read_locality(args, args.get(object, "locality"));
  if (args.ok()) memcpy(config.seed.words, seed, sizeof config.seed.words);
  return config;
}

}  // namespace windrow::options
