// What JavaScript may call. Every function takes what it needs as checked arguments.
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <system_error>
#include <variant>

#include "aligned.h"
#include "aws_encoder.h"
#include "collector.h"
#include "columns_argument.h"
#include "exchange_options.h"
#include "filter_calls.h"
#include "json_encoder.h"
#include "link_watch.h"
#include "live_calls.h"
#include "napi_values.h"
#include "network_calls.h"
#include "subscription_calls.h"
#include "owned.h"
#include "packed_calls.h"
#include "process_calls.h"

namespace windrow {
namespace {

using napi::Args;
using napi::Array;
using napi::kMostExact;
using napi::Object;

// Calls JavaScript in its thread when workers have rows for it.
class RowsBell {
 public:
  RowsBell(napi_env env, napi_value callback) {
    napi_value name = napi::text(env, "windrow rows");
    napi_create_threadsafe_function(env, callback, nullptr, name, 0, 1, nullptr, nullptr, nullptr, nullptr, &function_);
    // It does not keep the process alive.
    napi_unref_threadsafe_function(env, function_);
  }
  void ring() {
    std::lock_guard lock(mutex_);
    if (function_) napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
  }
  void close() {
    std::lock_guard lock(mutex_);
    if (function_) napi_release_threadsafe_function(function_, napi_tsfn_abort);
    function_ = nullptr;
  }

 private:
  std::mutex mutex_;
  napi_threadsafe_function function_ = nullptr;
};

struct OwnedCollector {
  static constexpr napi_type_tag kTag = {0x77696e64726f7731, 0x636f6c6c65000001};
  OwnedCollector(std::shared_ptr<Exchange> x, std::shared_ptr<RowsBell> b) : exchange(x), bell(std::move(b)), collector(std::move(x)) {}
  ~OwnedCollector() { bell->close(); }
  std::shared_ptr<Exchange> exchange;
  std::shared_ptr<RowsBell> bell;
  Collector collector;
};

// Of any format: which one it is, is asked once for a run of rows.
struct OwnedEncoder {
  static constexpr napi_type_tag kTag = {0x77696e64726f7731, 0x656e636f64000001};
  explicit OwnedEncoder(std::variant<JsonEncoder, AwsEncoder> e) : encoder(std::move(e)) {}
  bool knows(uint32_t eni) const {
    return std::visit([&](const auto& e) { return e.knows(eni); }, encoder);
  }
  uint32_t encode(const Columns& c, uint32_t row, uint32_t rows, uint8_t* out, size_t room, size_t* written, uint64_t* packets,
                  uint64_t* bytes) const {
    return std::visit([&](const auto& e) { return e.encode(c, row, rows, out, room, written, packets, bytes); }, encoder);
  }
  std::variant<JsonEncoder, AwsEncoder> encoder;
};

// Runs `make`; what does not fit into memory is an error for JavaScript.
template <typename Make>
napi_value with_memory(napi_env env, Make make) {
  try {
    return make();
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, "WINDROW_NO_MEMORY", "the flow table does not fit into memory");
    return nullptr;
  }
}

// exchange_new(options: see exchange_options.h) -> exchange
napi_value exchange_new(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  ExchangeConfig config = options::read_exchange(args, args[0]);
  if (!args.ok()) return nullptr;
  return with_memory(env, [&] { return napi::own(env, new OwnedExchange{std::make_shared<Exchange>(std::move(config))}); });
}

// exchange_share(exchange) -> a number by which other environments join it
napi_value exchange_share(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedExchange>(0);
  if (!args.ok()) return nullptr;
  return napi::number(env, Joinable::add(owned->exchange));
}

// exchange_join(number) -> exchange
napi_value exchange_join(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  double number = args.whole(0, 1, kMostExact);
  std::shared_ptr<Exchange> exchange = args.ok() ? Joinable::find(number) : nullptr;
  if (args.ok() && !exchange) args.fail("no such exchange");
  if (!args.ok()) return nullptr;
  return napi::own(env, new OwnedExchange{std::move(exchange)});
}

// exchange_stop(exchange): its workers come back as soon as they can
napi_value exchange_stop(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedExchange>(0);
  if (args.ok()) owned->exchange->stop();
  return nullptr;
}

napi_value counts(napi_env env, const Tally::Count* values, uint64_t Tally::Count::* unit) {
  Array array(env);
  for (size_t i = 0; i < size_t(Reason::kCount); i++) array.push(napi::number(env, double(values[i].*unit)));
  return array.value();
}

// {packets, bytes, dropped, excludedPackets, excludedBytes}
Object books_of(napi_env env, const Interface& i) {
  Object o(env);
  o.set("packets", double(i.books.seen.packets)).set("bytes", double(i.books.seen.bytes)).set("dropped", double(i.dropped));
  o.set("excludedPackets", counts(env, i.books.excluded, &Tally::Count::packets));
  o.set("excludedBytes", counts(env, i.books.excluded, &Tally::Count::bytes));
  return o;
}

// [{number, eni, linkType, name, isSupported, and its books}]
napi_value interfaces_of(napi_env env, const Exchange& x, const std::vector<Interface>& all) {
  Array interfaces(env);
  uint32_t number = 0;
  for (const Interface& i : all) {
    Object o = books_of(env, i);
    o.set("number", double(number)).set("eni", double(i.declared ? x.eni_of_interface(INT64_MAX, number) : number));
    o.set("linkType", double(i.link_type)).set("name", napi::text(env, i.name));
    o.set("isSupported", napi::boolean(env, i.is_supported));
    interfaces.push(o.value());
    number++;
  }
  return interfaces.value();
}

// exchange_live(exchange) -> {interfaces: [...], gone, flows, verdicts}: the books of live interfaces as they were lately
napi_value exchange_live(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedExchange>(0);
  if (!args.ok()) return nullptr;
  Exchange& x = *owned->exchange;
  const LiveBooks books = x.live_books();
  const Verdicts& told = books.verdicts;
  Object verdicts(env);
  verdicts.set("accepted", double(told.accepted)).set("rejected", double(told.rejected)).set("unknown", double(told.unknown));
  verdicts.set("elsewhere", double(told.elsewhere)).set("unreadable", double(told.unreadable)).set("lost", double(told.lost));
  verdicts.set("overflows", double(told.overflows));
  Object live(env);
  live.set("interfaces", interfaces_of(env, x, books.interfaces)).set("gone", books_of(env, books.gone).value());
  live.set("flows", double(x.flows())).set("verdicts", verdicts.value());
  return live.value();
}

// exchange_state(exchange) -> {interfaces: [...], gone, rulePackets: [...], unseen, guesses, wrongGuesses}; once all workers have ended
napi_value exchange_state(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedExchange>(0);
  if (!args.ok()) return nullptr;
  Exchange& x = *owned->exchange;
  std::vector<Interface> all = x.interfaces.all();
  std::vector<uint64_t> rules(size_t(Rule::kCount));
  Owed::Balance unseen;
  for (uint32_t shard = 0; shard < x.workers(); shard++) {
    const Exchange::ShardBooks& books = x.books(shard);
    for (size_t i = 0; i < books.rule_packets.size(); i++) rules[i] += books.rule_packets[i];
    unseen.packets += books.unseen.packets;
    unseen.bytes += books.unseen.bytes;
    for (size_t i = 0; i < books.not_local.size(); i++) {
      Tally::Count& into = all[i].books.excluded[size_t(Reason::kNotLocal)];
      into.packets += books.not_local[i].packets;
      into.bytes += books.not_local[i].bytes;
    }
  }
  Array rule_packets(env);
  for (uint64_t packets : rules) rule_packets.push(napi::number(env, double(packets)));
  Object state(env);
  state.set("interfaces", interfaces_of(env, x, all)).set("gone", books_of(env, x.interfaces.gone()).value());
  state.set("rulePackets", rule_packets.value());
  state.set("unseen", Object(env).set("packets", double(unseen.packets)).set("bytes", double(unseen.bytes)).value());
  state.set("guesses", double(x.guesses)).set("wrongGuesses", double(x.wrong_guesses));
  return state.value();
}

// exchange_clock(exchange, Float64Array(6)): [1 if any packet had a time, the first's seconds, the watermark, interfaces
// declared, packets read, bytes read]
napi_value exchange_clock(napi_env env, napi_callback_info info) {
  Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedExchange>(0);
  auto* out = static_cast<double*>(args.array(1, napi_float64_array, 6));
  if (!args.ok()) return nullptr;
  Exchange& x = *owned->exchange;
  out[0] = x.has_first();
  out[1] = double(x.first_sec());
  out[2] = double(x.mark());
  out[3] = double(x.declared());
  out[4] = double(x.packets());
  out[5] = double(x.consumed());
  return nullptr;
}

napi_value damage_of(napi_env env, const Span& span) {
  return Object(env).set("damage", double(span.damage)).set("detail", double(span.detail)).set("offset", double(span.offset())).value();
}

// exchange_damage(exchange) -> {damage, detail, offset} of the file that was read in chunks; once all workers have ended
napi_value exchange_damage(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedExchange>(0);
  return args.ok() ? damage_of(env, owned->exchange->ending()) : nullptr;
}

// exchange_unread(exchange) -> the link type of packets of which none could be read, or -1; once all chunks are read
napi_value exchange_unread(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedExchange>(0);
  return args.ok() ? napi::number(env, double(owned->exchange->interfaces.unread_link_type())) : nullptr;
}

// worker_new(exchange, number) -> worker
napi_value worker_new(napi_env env, napi_callback_info info) {
  Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedExchange>(0);
  double number = args.whole(1, 0, kMostWorkers);
  if (args.ok() && number >= double(owned->exchange->workers())) args.fail("no such worker");
  if (args.ok() && !owned->exchange->take_shard(uint32_t(number))) args.fail("this worker has been made already");
  if (!args.ok()) return nullptr;
  return with_memory(env, [&] { return napi::own(env, new OwnedWorker(env, owned->exchange, uint32_t(number))); });
}

// worker_add_input(worker, isDormant, sec, nsec) -> input number
napi_value worker_add_input(napi_env env, napi_callback_info info) {
  Args args(env, info, 4);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedWorker>(0);
  bool is_dormant = args.boolean(1);
  double sec = args.whole(2, -kMostExact, kMostExact), nsec = args.whole(3, 0, 999999999);
  if (!args.ok()) return nullptr;
  owned->borrowed.push_back(nullptr);
  return napi::number(env, double(owned->worker.inputs().add_input(is_dormant, int64_t(sec), uint32_t(nsec))));
}

// worker_declare(worker, number, linkType, name): an interface that a capture declares before its first packet
napi_value worker_declare(napi_env env, napi_callback_info info) {
  Args args(env, info, 4);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedWorker>(0);
  double number = args.whole(1, 0, kMostInterfaces - 1), link_type = args.whole(2, 0, UINT32_MAX);
  std::string name = args.text_of(args[3]);
  if (!args.ok()) return nullptr;
  owned->exchange->interfaces.declare(uint32_t(number), uint32_t(link_type), name);
  return nullptr;
}

// An input's number as argument `i`.
size_t read_input(Args& args, size_t i, const OwnedWorker* owned) {
  double input = args.whole(i, 0, kMostExact);
  if (args.ok() && input >= double(owned->borrowed.size())) args.fail("no such input");
  return args.ok() ? size_t(input) : 0;
}

// worker_feed(worker, input, Uint8Array, size, offset of its first byte in the capture, eof): borrows the array.
napi_value worker_feed(napi_env env, napi_callback_info info) {
  Args args(env, info, 6);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedWorker>(0);
  double size = args.whole(3, 0, kMostExact), base = args.whole(4, 0, kMostExact);
  auto* data = static_cast<uint8_t*>(args.array(2, napi_uint8_array, size_t(size)));
  bool eof = args.boolean(5);
  size_t input = read_input(args, 1, owned);
  if (!args.ok()) return nullptr;
  napi_ref& ref = owned->borrowed[input];
  if (ref) napi_delete_reference(env, ref);
  napi_create_reference(env, args[2], 1, &ref);
  owned->worker.inputs().feed(input, data, size_t(size), uint64_t(base), eof);
  return nullptr;
}

// worker_run(worker, waits, Float64Array(4)) -> why it came back (Run); [input, position, wanted, errno]
napi_value worker_run(napi_env env, napi_callback_info info) {
  Args args(env, info, 3);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedWorker>(0);
  bool waits = args.boolean(1);
  auto* out = static_cast<double*>(args.array(2, napi_float64_array, 4));
  if (!args.ok()) return nullptr;
  Run why;
  try {
    why = owned->worker.run(waits);
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, "WINDROW_NO_MEMORY", "no memory is left");
    return nullptr;
  }
  const InputsReader& inputs = owned->worker.inputs();
  if (why == Run::kNeedData) {
    const Span& span = inputs.span(inputs.current_input());
    out[0] = double(inputs.current_input());
    out[1] = double(span.position);
    out[2] = double(span.wanted);
  }
  out[3] = owned->worker.error();
  return napi::number(env, double(why));
}

// worker_damage(worker, input) -> {damage, detail, offset}
napi_value worker_damage(napi_env env, napi_callback_info info) {
  Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedWorker>(0);
  size_t input = args.ok() ? read_input(args, 1, owned) : 0;
  return args.ok() ? damage_of(env, owned->worker.inputs().span(input)) : nullptr;
}

// worker_take_ended(worker) -> inputs that ended since the last call; what they borrowed is given back
napi_value worker_take_ended(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedWorker>(0);
  if (!args.ok()) return nullptr;
  Array ended(env);
  for (size_t input : owned->worker.inputs().take_ended()) {
    napi_ref& ref = owned->borrowed[input];
    if (ref) napi_delete_reference(env, ref);
    ref = nullptr;
    ended.push(napi::number(env, double(input)));
  }
  return ended.value();
}

// worker_consumed(worker, bytes): how much of its inputs was read, as stored
napi_value worker_consumed(napi_env env, napi_callback_info info) {
  Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedWorker>(0);
  double bytes = args.whole(1, 0, kMostExact);
  if (args.ok()) owned->exchange->set_consumed(uint64_t(bytes));
  return nullptr;
}

// collector_new(exchange, onRows) -> collector; onRows is called after collector_next or a taking of rows had to wait
napi_value collector_new(napi_env env, napi_callback_info info) {
  Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedExchange>(0);
  napi_value callback = args.function(1);
  if (args.ok() && !owned->exchange->take_collector()) args.fail("this exchange has its collector already");
  if (!args.ok()) return nullptr;
  auto bell = std::make_shared<RowsBell>(env, callback);
  owned->exchange->on_rows = [bell] { bell->ring(); };
  return napi::own(env, new OwnedCollector(owned->exchange, std::move(bell)));
}

// collector_close(collector): onRows is not called any more
napi_value collector_close(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedCollector>(0);
  if (args.ok()) owned->bell->close();
  return nullptr;
}

// collector_next(collector, Float64Array(4)) -> what is next (Next); of a window: [id, isLate, isEarly, seconds]; where it has to
// wait: [the watermark whose windows have all been given, 1 if there is any]
napi_value collector_next(napi_env env, napi_callback_info info) {
  Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedCollector>(0);
  auto* out = static_cast<double*>(args.array(1, napi_float64_array, 4));
  if (!args.ok()) return nullptr;
  Collector::Next next = owned->collector.next_window();
  const Collector::Closing& closing = owned->collector.closing();
  out[0] = double(closing.id);
  out[1] = closing.is_late;
  out[2] = closing.is_early;
  out[3] = closing.seconds;
  if (next == Collector::Next::kWait) {
    int64_t mark = owned->collector.settled_mark();
    out[0] = double(mark);
    out[1] = mark != Stream::kNothingTold;
  }
  return napi::number(env, double(next));
}

// collector_enis(collector) -> numbers of the ENIs that have entries in the window, ascending
napi_value collector_enis(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedCollector>(0);
  if (!args.ok()) return nullptr;
  Array enis(env);
  for (uint32_t eni : owned->collector.closing().enis) enis.push(napi::number(env, eni));
  return enis.value();
}

// collector_drops(collector) -> windows with drops, to be written before what comes next: [{eni, packets, from, to}], both included
napi_value collector_drops(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedCollector>(0);
  if (!args.ok()) return nullptr;
  Array reports(env);
  for (const DropReport& d : owned->collector.take_drops()) {
    Object o(env);
    o.set("eni", double(owned->exchange->eni_of_interface(d.from_window, d.interface))).set("packets", double(d.packets));
    reports.push(o.set("from", double(d.from_window)).set("to", double(d.to_window)).value());
  }
  return reports.value();
}

std::vector<EniConstants> read_enis(Args& args, size_t i) {
  std::vector<EniConstants> enis;
  args.each(args[i], [&](napi_value e) {
    enis.push_back({args.text_of(args.get(e, "accountId")), args.text_of(args.get(e, "eniId")), args.text_of(args.get(e, "vmId")),
                    args.text_of(args.get(e, "vpcId")), args.text_of(args.get(e, "vswitchId"))});
  });
  return enis;
}

// encoder_new([{accountId, eniId, vmId, vpcId, vswitchId}], sources, rules, flowLogs) -> encoder; the texts are escaped for JSON
// already. Lists of names: where verdicts come from, rules, and flow logs by ENI; empty: lines do not say that.
napi_value encoder_new(napi_env env, napi_callback_info info) {
  Args args(env, info, 4);
  if (!args.ok()) return nullptr;
  std::vector<EniConstants> enis = read_enis(args, 0);
  std::vector<std::string> sources, rules;
  size_t eni = 0;
  args.each(args[1], [&](napi_value name) { sources.push_back(args.text_of(name)); });
  args.each(args[2], [&](napi_value name) { rules.push_back(args.text_of(name)); });
  args.each(args[3], [&](napi_value name) {
    if (eni < enis.size()) enis[eni++].flow_log = args.text_of(name);
  });
  return args.ok() ? napi::own(env, new OwnedEncoder(JsonEncoder(enis, sources, rules))) : nullptr;
}

// encoder_aws([{accountId, eniId, vmId, vpcId, vswitchId}], fields: Uint8Array of AwsField, version, paths: Uint8Array(32) of
// characters by traffic_path) -> encoder; the texts have no blanks
napi_value encoder_aws(napi_env env, napi_callback_info info) {
  Args args(env, info, 4);
  if (!args.ok()) return nullptr;
  std::vector<EniConstants> enis = read_enis(args, 0);
  size_t count = 0;
  auto* numbers = static_cast<uint8_t*>(args.array(1, napi_uint8_array, 1, &count));
  std::string version = args.text_of(args[2]);
  AwsPaths paths;
  auto* characters = static_cast<uint8_t*>(args.array(3, napi_uint8_array, paths.size()));
  std::vector<AwsField> fields;
  for (size_t i = 0; args.ok() && i < count; i++) {
    if (numbers[i] >= uint8_t(AwsField::kCount)) args.fail("no such field");
    fields.push_back(AwsField(numbers[i]));
  }
  if (!args.ok()) return nullptr;
  std::copy_n(characters, paths.size(), paths.begin());
  return napi::own(env, new OwnedEncoder(AwsEncoder(enis, fields, version, paths)));
}

// encoder_json(encoder, columns, capacity, from, rows, out: Uint8Array, Float64Array(4)): lines in the encoder's format;
// [next row, written, packets, bytes]
napi_value encoder_json(napi_env env, napi_callback_info info) {
  Args args(env, info, 7);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedEncoder>(0);
  Columns columns;
  if (!args.ok() || !read_columns(args, 1, &columns)) return nullptr;
  double from = args.whole(3, 0, UINT32_MAX), rows = args.whole(4, 0, UINT32_MAX);
  size_t room = 0;
  auto* out = static_cast<uint8_t*>(args.array(5, napi_uint8_array, 0, &room));
  auto* result = static_cast<double*>(args.array(6, napi_float64_array, 4));
  if (args.ok() && !(from <= rows && rows <= columns.capacity)) args.fail("no such rows");
  for (uint32_t i = uint32_t(from); args.ok() && i < uint32_t(rows); i++)
    if (!owned->knows(columns.eni[i])) args.fail("a row of an ENI that the encoder does not know");
  if (!args.ok()) return nullptr;
  size_t written = 0;
  uint64_t packets = 0, bytes = 0;
  uint32_t next = owned->encode(columns, uint32_t(from), uint32_t(rows), out, room, &written, &packets, &bytes);
  result[0] = next;
  result[1] = double(written);
  result[2] = double(packets);
  result[3] = double(bytes);
  return nullptr;
}

// How taking rows ended. The order is the order of ROWS in src/flow/collector.ts.
enum class Rows : uint8_t { kFull = 0, kWindowDone, kWait, kUnknownEni };

double rows_ended(bool is_done, const Collector& collector) {
  return double(is_done ? Rows::kWindowDone : collector.is_waiting() ? Rows::kWait : Rows::kFull);
}

// collector_rows(collector, columns, capacity, Float64Array(2)): copies rows of the window; [how it ended (Rows), rows]
napi_value collector_rows(napi_env env, napi_callback_info info) {
  Args args(env, info, 4);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedCollector>(0);
  Columns columns;
  if (!args.ok() || !read_columns(args, 1, &columns)) return nullptr;
  auto* result = static_cast<double*>(args.array(3, napi_float64_array, 2));
  if (!args.ok()) return nullptr;
  uint32_t rows = 0;
  bool is_done = owned->collector.rows([&](const Columns& from, uint32_t row, uint32_t to) {
    uint32_t some = std::min(to - row, columns.capacity - rows);
    columns.copy(rows, from, row, some);
    rows += some;
    return row + some;
  });
  result[0] = rows_ended(is_done, owned->collector);
  result[1] = rows;
  return nullptr;
}

// collector_json(collector, encoder, out: Uint8Array, Float64Array(5)): encodes rows of the window in the encoder's format;
// [how it ended (Rows), rows, bytes written, packets, bytes]
napi_value collector_json(napi_env env, napi_callback_info info) {
  Args args(env, info, 4);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedCollector>(0);
  auto* encoder = args.native<OwnedEncoder>(1);
  size_t room = 0;
  auto* out = static_cast<uint8_t*>(args.array(2, napi_uint8_array, 0, &room));
  auto* result = static_cast<double*>(args.array(3, napi_float64_array, 5));
  if (!args.ok()) return nullptr;
  size_t written = 0;
  uint64_t packets = 0, bytes = 0, rows = 0;
  bool is_unknown = false;
  bool is_done = owned->collector.rows([&](const Columns& from, uint32_t row, uint32_t to) {
    size_t some = 0;
    uint32_t next = encoder->encode(from, row, to, out + written, room - written, &some, &packets, &bytes);
    written += some;
    rows += next - row;
    is_unknown = next < to && !encoder->knows(from.eni[next]);
    return next;
  });
  result[0] = is_unknown ? double(Rows::kUnknownEni) : rows_ended(is_done, owned->collector);
  result[1] = double(rows);
  result[2] = double(written);
  result[3] = double(packets);
  result[4] = double(bytes);
  return nullptr;
}

// collector_pack(collector, packer, Float64Array(5)): packs rows of the window up to one whose ENI is full;
// [how it ended (Rows), rows, ENI that is full or -1, packets, bytes]
napi_value collector_pack(napi_env env, napi_callback_info info) {
  Args args(env, info, 3);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedCollector>(0);
  auto* packer = args.native<OwnedPacker>(1);
  auto* result = static_cast<double*>(args.array(2, napi_float64_array, 5));
  if (!args.ok()) return nullptr;
  Packer::Taken taken;
  bool is_done = owned->collector.rows([&](const Columns& from, uint32_t row, uint32_t to) { return packer->packer.add(from, row, to, &taken); });
  result[0] = rows_ended(is_done, owned->collector);
  result[1] = taken.rows;
  result[2] = read_stop(args, taken);
  result[3] = double(taken.packets);
  result[4] = double(taken.bytes);
  return nullptr;
}

// columns_layout() -> [{name, width, cells}] in the order of the buffer
napi_value columns_layout(napi_env env, napi_callback_info) {
  Array layout(env);
#define X(column, type, count) \
  layout.push(Object(env).set("name", napi::text(env, #column)).set("width", sizeof(type)).set("cells", count).value());
  WINDROW_COLUMNS(X)
#undef X
  return layout.value();
}

// capture_peek(Uint8Array, size, eof) -> {found: 0 record, 1 needs more, 2 nothing, sec, nsec, wanted, damage, detail,
// interfaces: [{linkType, name}] declared before the record}
napi_value capture_peek(napi_env env, napi_callback_info info) {
  Args args(env, info, 3);
  if (!args.ok()) return nullptr;
  double size = args.whole(1, 0, kMostExact);
  auto* data = static_cast<uint8_t*>(args.array(0, napi_uint8_array, size_t(size)));
  bool eof = args.boolean(2);
  if (!args.ok()) return nullptr;
  Input input;
  Interfaces interfaces;
  Record record;
  input.feed(data, size_t(size), 0, eof);
  Step step = input.next(&interfaces, &record);
  Object o(env);
  o.set("found", step == Step::kRecord ? 0 : step == Step::kNeedData ? 1 : 2);
  o.set("sec", double(record.sec)).set("nsec", record.nsec);
  o.set("wanted", double(input.span.position + input.span.wanted));
  o.set("damage", double(input.span.damage)).set("detail", double(input.span.detail));
  Array declared(env);
  for (const Interface& i : interfaces.all()) declared.push(Object(env).set("linkType", double(i.link_type)).set("name", napi::text(env, i.name)).value());
  return o.set("interfaces", declared.value()).value();
}

// file_lock(fd) -> whether the open file has its lock now (flock(2): it goes with the last descriptor of this opening)
napi_value file_lock(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  int fd = int(args.whole(0, 0, INT32_MAX));
  if (!args.ok()) return nullptr;
  int result;
  do result = flock(fd, LOCK_EX | LOCK_NB);
  while (result != 0 && errno == EINTR);
  if (result != 0 && errno != EWOULDBLOCK) {
    napi_throw_error(env, "WINDROW_FILE_LOCK", ("a file cannot be locked: " + std::generic_category().message(errno)).c_str());
    return nullptr;
  }
  return napi::boolean(env, result == 0);
}

napi_value init(napi_env env, napi_value exports) {
#define X(name) {#name, name}
  const struct {
    const char* name;
    napi_callback call;
  } functions[] = {
      X(exchange_new), X(exchange_share), X(exchange_join), X(exchange_stop), X(exchange_finish), X(exchange_interrupt), X(live_socket),
      X(nflog_open), X(worker_hear), X(worker_add_ring), X(worker_activate_ring), X(worker_remove_ring), X(live_pipe), X(worker_add_stream),
      X(exchange_state), X(exchange_live), X(exchange_clock), X(exchange_damage), X(exchange_unread), X(worker_new),
      X(worker_add_input), X(worker_declare), X(worker_feed), X(worker_run),
      X(worker_damage), X(worker_take_ended), X(worker_consumed), X(collector_new),
      X(collector_close), X(collector_next), X(collector_enis), X(collector_drops),
      X(collector_rows), X(collector_json), X(collector_pack), X(encoder_new), X(encoder_aws), X(encoder_json),
      X(packer_new), X(packer_begin), X(packer_add), X(packer_enis), X(packer_size), X(packer_take),
      X(columns_unpack), X(columns_layout), X(capture_peek), X(aligned_bytes), X(file_lock),
      X(network_new), X(network_eni_of), X(network_judge), X(exchange_judge_by), X(exchange_follow), X(libpcap_version), X(filter_compile),
      X(subscriptions_new), X(subscriptions_route), X(exchange_subscribe),
      X(link_watch), X(link_unwatch), X(user_find), X(process_confine), X(datagram_send),
  };
#undef X
  for (const auto& f : functions) {
    napi_value function;
    napi_create_function(env, f.name, NAPI_AUTO_LENGTH, f.call, nullptr, &function);
    napi_set_named_property(env, exports, f.name, function);
  }
  return exports;
}

}  // namespace
}  // namespace windrow

NAPI_MODULE_INIT() { return windrow::init(env, exports); }
