// What JavaScript may call. Every function takes what it needs as checked arguments and keeps no state of its own.
#include "json_encoder.h"
#include "napi_values.h"
#include "shard.h"
#include "shard_options.h"

namespace windrow {
namespace {

using napi::Args;
using napi::Array;
using napi::kMostExact;
using napi::Object;

// A shard and the JavaScript buffers that it borrows until the next feed or the input's end (see README.md, rule 2).
struct OwnedShard {
  static constexpr napi_type_tag kTag = {0x77696e64726f7731, 0x7368617264000001};
  explicit OwnedShard(napi_env e, ShardConfig config) : env(e), shard(std::move(config)) {}
  ~OwnedShard() {
    for (napi_ref ref : borrowed)
      if (ref) napi_delete_reference(env, ref);
  }
  napi_env env;
  Shard shard;
  std::vector<napi_ref> borrowed;
};

struct OwnedEncoder {
  static constexpr napi_type_tag kTag = {0x77696e64726f7731, 0x656e636f64000001};
  explicit OwnedEncoder(const std::vector<EniConstants>& enis) : encoder(enis) {}
  JsonEncoder encoder;
};

// shard_new({maxFlows, windowSeconds, latenessSeconds, decapsulate, seed: BigUint64Array(4), locality}) -> shard
napi_value shard_new(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  ShardConfig config = options::read_shard(args, args[0]);
  if (!args.ok()) return nullptr;
  try {
    return napi::own(env, new OwnedShard(env, std::move(config)));
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, "WINDROW_NO_MEMORY", "the flow table does not fit into memory");
    return nullptr;
  }
}

// shard_add_input(shard, isDormant, sec, nsec) -> input number
napi_value shard_add_input(napi_env env, napi_callback_info info) {
  Args args(env, info, 4);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedShard>(0);
  bool is_dormant = args.boolean(1);
  double sec = args.whole(2, -kMostExact, kMostExact), nsec = args.whole(3, 0, 999999999);
  if (!args.ok()) return nullptr;
  owned->borrowed.push_back(nullptr);
  return napi::number(env, double(owned->shard.add_input(is_dormant, int64_t(sec), uint32_t(nsec))));
}

// shard_declare(shard, number, linkType, name): an interface that a capture declares before its first packet
napi_value shard_declare(napi_env env, napi_callback_info info) {
  Args args(env, info, 4);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedShard>(0);
  double number = args.whole(1, 0, kMostInterfaces - 1), link_type = args.whole(2, 0, UINT32_MAX);
  std::string name = args.text_of(args[3]);
  if (!args.ok()) return nullptr;
  owned->shard.interfaces().declare(uint32_t(number), uint32_t(link_type), name);
  return nullptr;
}

// shard_feed(shard, input, Uint8Array, size, offset of its first byte in the capture, eof): borrows the array.
napi_value shard_feed(napi_env env, napi_callback_info info) {
  Args args(env, info, 6);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedShard>(0);
  double input = args.whole(1, 0, kMostExact), size = args.whole(3, 0, kMostExact), base = args.whole(4, 0, kMostExact);
  auto* data = static_cast<uint8_t*>(args.array(2, napi_uint8_array, size_t(size)));
  bool eof = args.boolean(5);
  if (args.ok() && input >= double(owned->borrowed.size())) args.fail("no such input");
  if (!args.ok()) return nullptr;
  napi_ref& ref = owned->borrowed[size_t(input)];
  if (ref) napi_delete_reference(env, ref);
  napi_create_reference(env, args[2], 1, &ref);
  owned->shard.feed(size_t(input), data, size_t(size), uint64_t(base), eof);
  return nullptr;
}

// shard_run(shard, Float64Array(3)) -> why it came back (Run); [input, position, wanted]
napi_value shard_run(napi_env env, napi_callback_info info) {
  Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedShard>(0);
  auto* out = static_cast<double*>(args.array(1, napi_float64_array, 3));
  if (!args.ok()) return nullptr;
  Run why = owned->shard.run();
  size_t input = owned->shard.current_input();
  const Span& span = owned->shard.span(input);
  out[0] = double(input);
  out[1] = double(span.position);
  out[2] = double(span.wanted);
  return napi::number(env, double(why));
}

// shard_damage(shard, input) -> {damage, detail, offset}
napi_value shard_damage(napi_env env, napi_callback_info info) {
  Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedShard>(0);
  double input = args.whole(1, 0, kMostExact);
  if (args.ok() && input >= double(owned->borrowed.size())) args.fail("no such input");
  if (!args.ok()) return nullptr;
  const Span& span = owned->shard.span(size_t(input));
  return Object(env).set("damage", double(span.damage)).set("detail", double(span.detail)).set("offset", double(span.offset())).value();
}

// shard_take_ended(shard) -> inputs that ended since the last call; what they borrowed is given back
napi_value shard_take_ended(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedShard>(0);
  if (!args.ok()) return nullptr;
  Array ended(env);
  for (size_t input : owned->shard.take_ended()) {
    napi_ref& ref = owned->borrowed[input];
    if (ref) napi_delete_reference(env, ref);
    ref = nullptr;
    ended.push(napi::number(env, double(input)));
  }
  return ended.value();
}

napi_value counts(napi_env env, const uint64_t* values, size_t n) {
  Array array(env);
  for (size_t i = 0; i < n; i++) array.push(napi::number(env, double(values[i])));
  return array.value();
}

// shard_state(shard) -> {interfaces: [...], rulePackets: [...], first, mark} (null where no packet had a time)
napi_value shard_state(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedShard>(0);
  if (!args.ok()) return nullptr;
  Shard& shard = owned->shard;
  Array interfaces(env);
  uint32_t number = 0;
  for (const Interface& i : shard.interfaces().all()) {
    Object o(env);
    o.set("number", double(number)).set("eni", double(shard.locality().eni_of_interface(number, shard.interfaces())));
    o.set("linkType", double(i.link_type)).set("name", napi::text(env, i.name));
    o.set("isSupported", napi::boolean(env, i.is_supported));
    o.set("packets", double(i.packets)).set("bytes", double(i.bytes)).set("dropped", double(i.dropped));
    o.set("excludedPackets", counts(env, i.excluded_packets, size_t(Reason::kCount)));
    o.set("excludedBytes", counts(env, i.excluded_bytes, size_t(Reason::kCount)));
    interfaces.push(o.value());
    number++;
  }
  const Windows& windows = shard.table().windows();
  Object state(env);
  state.set("interfaces", interfaces.value()).set("rulePackets", counts(env, shard.rule_packets, size_t(Rule::kCount)));
  state.set("first", shard.has_first() ? napi::number(env, double(shard.first_sec())) : napi::null(env));
  state.set("mark", windows.has_mark() ? napi::number(env, double(windows.mark())) : napi::null(env));
  return state.value();
}

// shard_clock(shard, Float64Array(4)): [1 if any packet had a time, the first's seconds, the watermark, interfaces declared]
napi_value shard_clock(napi_env env, napi_callback_info info) {
  Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedShard>(0);
  auto* out = static_cast<double*>(args.array(1, napi_float64_array, 4));
  if (!args.ok()) return nullptr;
  Shard& shard = owned->shard;
  out[0] = shard.has_first() && shard.table().windows().has_mark();
  out[1] = double(shard.first_sec());
  out[2] = double(shard.table().windows().mark());
  out[3] = double(shard.interfaces().all().size());
  return nullptr;
}

// shard_drops(shard) -> windows with drops, reported since the last call: [{eni, packets, from, to}], both included
napi_value shard_drops(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedShard>(0);
  if (!args.ok()) return nullptr;
  Array reports(env);
  Shard& shard = owned->shard;
  auto& drops = shard.interfaces().drops();
  for (const DropReport& d : drops) {
    Object o(env);
    o.set("eni", double(shard.locality().eni_of_interface(d.interface, shard.interfaces()))).set("packets", double(d.packets));
    reports.push(o.set("from", double(d.from_window)).set("to", double(d.to_window)).value());
  }
  drops.clear();
  return reports.value();
}

// flush_begin(shard, mode)
napi_value flush_begin(napi_env env, napi_callback_info info) {
  Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedShard>(0);
  double mode = args.whole(1, 0, double(FlushMode::kAll));
  if (!args.ok()) return nullptr;
  owned->shard.table().begin_flush(FlushMode(uint8_t(mode)));
  return nullptr;
}

// flush_window(shard) -> {id, start, end, isLate}, or null when the flush is over
napi_value flush_window(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedShard>(0);
  if (!args.ok()) return nullptr;
  const Window* w = owned->shard.table().next_window();
  if (!w) return napi::null(env);
  Object o(env);
  o.set("id", double(w->id)).set("start", double(w->start)).set("end", double(w->end));
  o.set("isLate", napi::boolean(env, w->is_late));
  return o.value();
}

bool in_window(Args& args, OwnedShard* owned) {
  if (args.ok() && !owned->shard.table().in_window()) args.fail("no window is being flushed");
  return args.ok();
}

// flush_enis(shard) -> numbers of the ENIs that have entries in this window, ascending
napi_value flush_enis(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedShard>(0);
  if (!in_window(args, owned)) return nullptr;
  std::vector<uint8_t> marks;
  owned->shard.table().mark_enis(&marks);
  Array enis(env);
  for (size_t i = 0; i < marks.size(); i++)
    if (marks[i]) enis.push(napi::number(env, double(i)));
  return enis.value();
}

// Columns over argument `i`, a Uint8Array, for `capacity` rows (argument i + 1).
bool read_columns(Args& args, size_t i, Columns* columns) {
  double capacity = args.whole(i + 1, 8, 1 << 24);
  if (args.ok() && uint32_t(capacity) % 8) args.fail("capacity is a multiple of 8");
  if (!args.ok()) return false;
  auto* buffer = args.array(i, napi_uint8_array, Columns::bytes_for(uint32_t(capacity)));
  if (args.ok() && reinterpret_cast<uintptr_t>(buffer) % 8) args.fail("columns are aligned to 8 bytes");
  if (!args.ok()) return false;
  *columns = Columns::over(buffer, uint32_t(capacity));
  return true;
}

// flush_rows(shard, columns, capacity) -> rows filled; 0: the window has no more
napi_value flush_rows(napi_env env, napi_callback_info info) {
  Args args(env, info, 3);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedShard>(0);
  Columns columns;
  if (!in_window(args, owned) || !read_columns(args, 1, &columns)) return nullptr;
  Shard& shard = owned->shard;
  return napi::number(env, double(shard.table().fill_rows(columns, shard.rule_packets)));
}

// flush_end(shard): the window is done
napi_value flush_end(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedShard>(0);
  if (!in_window(args, owned)) return nullptr;
  owned->shard.table().end_window();
  return nullptr;
}

// encoder_new([{accountId, eniId, vmId, vpcId, vswitchId}]) -> encoder; the texts are escaped for JSON already
napi_value encoder_new(napi_env env, napi_callback_info info) {
  Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  std::vector<EniConstants> enis;
  args.each(args[0], [&](napi_value e) {
    enis.push_back({args.text_of(args.get(e, "accountId")), args.text_of(args.get(e, "eniId")), args.text_of(args.get(e, "vmId")),
                    args.text_of(args.get(e, "vpcId")), args.text_of(args.get(e, "vswitchId"))});
  });
  return args.ok() ? napi::own(env, new OwnedEncoder(enis)) : nullptr;
}

// encoder_json(encoder, columns, capacity, from, rows, out: Uint8Array, Float64Array(4)); [next row, written, packets, bytes]
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
    if (columns.eni[i] >= owned->encoder.eni_count()) args.fail("a row of an ENI that the encoder does not know");
  if (!args.ok()) return nullptr;
  size_t written = 0;
  uint64_t packets = 0, bytes = 0;
  uint32_t next = owned->encoder.encode(columns, uint32_t(from), uint32_t(rows), out, room, &written, &packets, &bytes);
  result[0] = next;
  result[1] = double(written);
  result[2] = double(packets);
  result[3] = double(bytes);
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

napi_value init(napi_env env, napi_value exports) {
  const struct {
    const char* name;
    napi_callback call;
  } functions[] = {
      {"shard_new", shard_new},       {"shard_add_input", shard_add_input}, {"shard_feed", shard_feed},   {"shard_run", shard_run},
      {"shard_declare", shard_declare}, {"shard_take_ended", shard_take_ended},
      {"shard_damage", shard_damage}, {"shard_state", shard_state},         {"shard_drops", shard_drops}, {"shard_clock", shard_clock}, {"flush_begin", flush_begin},
      {"flush_window", flush_window}, {"flush_enis", flush_enis},           {"flush_rows", flush_rows},   {"flush_end", flush_end},
      {"encoder_new", encoder_new},   {"encoder_json", encoder_json},       {"columns_layout", columns_layout},
      {"capture_peek", capture_peek},
  };
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
