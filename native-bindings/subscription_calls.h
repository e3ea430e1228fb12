// What JavaScript may call of subscriptions.
#pragma once
#include <cmath>
#include <memory>

#include "columns_argument.h"
#include "napi_values.h"
#include "owned.h"
#include "subscriptions.h"

namespace windrow {

// Shared with the threads that close windows by it; the last one lets it go.
struct OwnedSubscriptions {
  static constexpr napi_type_tag kTag = {0x77696e64726f7731, 0x7375627363000001};
  std::shared_ptr<const Subscriptions> subscriptions;
};

// A Uint32Array that is a field of an object.
inline std::span<const uint32_t> words_of(napi::Args& args, napi_value object, const char* name) {
  size_t size = 0;
  auto* data = args.ok() ? static_cast<const uint32_t*>(args.array_of(args.get(object, name), napi_uint32_array, 0, &size)) : nullptr;
  return args.ok() ? std::span(data, size) : std::span<const uint32_t>();
}

// Whether these begin somewhere up to `end`, one not before the other, and the last one there.
inline bool are_bounds(std::span<const uint32_t> begins, size_t end) {
  return !begins.empty() && begins[0] == 0 && begins.back() == end && std::is_sorted(begins.begin(), begins.end());
}

// subscriptions_new({seconds, epochBegins, epochs, subscriberBegins, subscribers}) -> subscriptions. Epochs have three words
// each: the low and the high half of where they begin, and how long windows are; subscribers have four: number, families,
// actions, paths.
inline napi_value subscriptions_new(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  const uint32_t seconds = uint32_t(args.whole_of(args.get(args[0], "seconds"), 1, UINT32_MAX));
  const auto epoch_begins = words_of(args, args[0], "epochBegins"), epoch_words = words_of(args, args[0], "epochs");
  const auto subscriber_begins = words_of(args, args[0], "subscriberBegins"), subscriber_words = words_of(args, args[0], "subscribers");
  const size_t count = epoch_words.size() / 3, subscriber_count = subscriber_words.size() / 4;
  if (args.ok() && (epoch_words.size() % 3 || subscriber_words.size() % 4 || !are_bounds(epoch_begins, count) ||
                    subscriber_begins.size() != count + 1 || !are_bounds(subscriber_begins, subscriber_count)))
    args.fail("subscriptions do not fit together");
  if (!args.ok()) return nullptr;
  std::vector<Subscriptions::Epoch> epochs(count);
  for (size_t i = 0; i < count; i++) {
    const uint32_t* words = &epoch_words[i * 3];
    epochs[i] = {int64_t(uint64_t(words[1]) << 32 | words[0]), words[2], subscriber_begins[i], subscriber_begins[i + 1]};
    if (words[2] == 0 || words[2] % seconds) args.fail("windows are as long as the shortest, or many times that");
  }
  std::vector<Subscriptions::Subscriber> subscribers(subscriber_count);
  for (size_t i = 0; i < subscriber_count; i++) {
    const uint32_t* words = &subscriber_words[i * 4];
    subscribers[i] = {words[0], {uint8_t(words[1]), uint8_t(words[2]), words[3]}};
  }
  if (!args.ok()) return nullptr;
  return napi::own(env, new OwnedSubscriptions{std::make_shared<const Subscriptions>(
                            seconds, std::vector(epoch_begins.begin(), epoch_begins.end()), std::move(epochs), std::move(subscribers))});
}

// exchange_subscribe(exchange, subscriptions): windows that close from now on do so by these
inline napi_value exchange_subscribe(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedExchange>(0);
  auto* subscriptions = args.ok() ? args.native<OwnedSubscriptions>(1) : nullptr;
  if (!args.ok()) return nullptr;
  if (int64_t(subscriptions->subscriptions->seconds()) != owned->exchange->config.window_seconds)
    args.fail("the shortest windows are those of the exchange");
  if (args.ok()) owned->exchange->subscribe(subscriptions->subscriptions);
  return nullptr;
}

// subscriptions_route(subscriptions, from, capacity, to, capacity, busy: Uint8Array, Float64Array(10)): copies rows of a window
// to `to`, one for each subscriber, whose number stands in place of the ENI's. The numbers, of which the first four are given:
// [rows, the window's start, row and subscriber to go on at, rows written, packets, bytes, entries, packets and bytes that
// nobody took]
inline napi_value subscriptions_route(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 7);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedSubscriptions>(0);
  Columns from, to;
  if (!args.ok() || !read_columns(args, 1, &from) || !read_columns(args, 3, &to)) return nullptr;
  size_t busy_size = 0;
  auto* busy = static_cast<uint8_t*>(args.array(5, napi_uint8_array, 0, &busy_size));
  auto* numbers = static_cast<double*>(args.array(6, napi_float64_array, 10));
  if (!args.ok()) return nullptr;
  auto is_up_to = [&](double value, double most) { return value >= 0 && value <= most; };
  if (!(is_up_to(numbers[0], from.capacity) && is_up_to(std::abs(numbers[1]), napi::kMostExact) && is_up_to(numbers[2], numbers[0]) &&
        is_up_to(numbers[3], UINT32_MAX))) {
    args.fail("expected rows that there are");
    return nullptr;
  }
  Subscriptions::Routed routed;
  routed.row = uint32_t(numbers[2]);
  routed.subscriber = uint32_t(numbers[3]);
  owned->subscriptions->route(from, uint32_t(numbers[0]), int64_t(numbers[1]), to, std::span(busy, busy_size), &routed);
  numbers[2] = routed.row;
  numbers[3] = routed.subscriber;
  numbers[4] = routed.written;
  numbers[5] = double(routed.packets);
  numbers[6] = double(routed.bytes);
  numbers[7] = double(routed.left_entries);
  numbers[8] = double(routed.left_packets);
  numbers[9] = double(routed.left_bytes);
  return nullptr;
}

}  // namespace windrow
