// What JavaScript may call of packed columns; what takes rows from a collector is in addon.cc.
#pragma once
#include "columns_argument.h"
#include "napi_values.h"
#include "packed_reader.h"
#include "packed_writer.h"

namespace windrow {

struct OwnedPacker {
  static constexpr napi_type_tag kTag = {0x77696e64726f7731, 0x7061636b65000001};
  OwnedPacker(uint32_t max_rows, uint32_t max_bytes, bool has_reasons) : packer(max_rows, max_bytes, has_reasons) {}
  Packer packer;
};

// The ENI that is full, or -1. Throws where rows were not taken for another reason.
inline double read_stop(napi::Args& args, const Packer::Taken& taken) {
  switch (taken.stop) {
    case Packer::Stop::kFull:
      return double(taken.eni);
    case Packer::Stop::kOtherStatus:
      args.fail("rows of an ENI that has rows of another status");
      break;
    case Packer::Stop::kNoSuchEni:
      args.fail("rows of an ENI that cannot be");
      break;
    case Packer::Stop::kNoMemory:
      napi_throw_error(args.env(), "WINDROW_NO_MEMORY", "the entries of a window do not fit into memory");
      break;
    case Packer::Stop::kNone:
      break;
  }
  return -1;
}

// packer_new(maxRows, maxBytes, hasReasons) -> packer
inline napi_value packer_new(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 3);
  if (!args.ok()) return nullptr;
  double max_rows = args.whole(0, 1, Packer::kMostRows), max_bytes = args.whole(1, 1, Packer::kMostBytes);
  bool has_reasons = args.boolean(2);
  return args.ok() ? napi::own(env, new OwnedPacker(uint32_t(max_rows), uint32_t(max_bytes), has_reasons)) : nullptr;
}

// packer_begin(packer, windowStart): starts and ends are counted from there on; only while nothing is in it
inline napi_value packer_begin(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedPacker>(0);
  double start = args.whole(1, -napi::kMostExact, napi::kMostExact);
  if (args.ok() && !owned->packer.is_empty()) args.fail("a packer that is empty begins a window");
  if (args.ok()) owned->packer.begin(int64_t(start));
  return nullptr;
}

// packer_add(packer, columns, capacity, from, rows, Float64Array(4)): packs rows of one status; [next row, full ENI or -1,
// packets, bytes]
inline napi_value packer_add(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 6);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedPacker>(0);
  Columns columns;
  if (!args.ok() || !read_columns(args, 1, &columns)) return nullptr;
  double from = args.whole(3, 0, UINT32_MAX), rows = args.whole(4, 0, UINT32_MAX);
  auto* result = static_cast<double*>(args.array(5, napi_float64_array, 4));
  if (args.ok() && !(from <= rows && rows <= columns.capacity)) args.fail("no such rows");
  if (args.ok() && !can_be_packed(columns, uint32_t(from), uint32_t(rows), owned->packer.has_reasons())) args.fail("rows that no entries of one status can be");
  if (!args.ok()) return nullptr;
  Packer::Taken taken;
  uint32_t next = owned->packer.add(columns, uint32_t(from), uint32_t(rows), &taken);
  result[0] = next;
  result[1] = read_stop(args, taken);
  result[2] = double(taken.packets);
  result[3] = double(taken.bytes);
  return nullptr;
}

// packer_enis(packer) -> numbers of the ENIs with rows, ascending
inline napi_value packer_enis(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedPacker>(0);
  if (!args.ok()) return nullptr;
  napi::Array enis(env);
  for (uint32_t eni : owned->packer.enis()) enis.push(napi::number(env, eni));
  return enis.value();
}

// packer_size(packer, eni) -> bytes of its columns; with reasons they may become fewer
inline napi_value packer_size(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedPacker>(0);
  double eni = args.whole(1, 0, UINT32_MAX);
  return args.ok() ? napi::number(env, owned->packer.size(uint32_t(eni))) : nullptr;
}

// packer_take(packer, eni, out: Uint8Array, Float64Array(1 + columns)) -> numbers of the rules that rows have, ascending: those in
// the column are places there; moves its columns to `out`; [rows, bytes of each column]
inline napi_value packer_take(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 4);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedPacker>(0);
  double eni = args.whole(1, 0, UINT32_MAX);
  auto* out = static_cast<uint8_t*>(args.array(2, napi_uint8_array, args.ok() ? owned->packer.size(uint32_t(eni)) : 0));
  auto* result = static_cast<double*>(args.array(3, napi_float64_array, 1 + packed::kColumns));
  if (!args.ok()) return nullptr;
  uint32_t sizes[packed::kColumns];
  std::vector<uint32_t> rules;
  result[0] = owned->packer.take(uint32_t(eni), out, sizes, &rules);
  std::copy(std::begin(sizes), std::end(sizes), result + 1);
  napi::Array numbers(env);
  for (uint32_t rule : rules) numbers.push(napi::number(env, rule));
  return numbers.value();
}

// Argument `i`: an array of a Uint8Array for each column. All are fetched before one is looked at: fetching may run JavaScript.
inline void read_fields(napi::Args& args, size_t i, PackedField (&fields)[packed::kColumns]) {
  napi_value values[packed::kColumns];
  size_t count = 0;
  args.each(args[i], [&](napi_value value) {
    if (count < packed::kColumns) values[count] = value;
    count++;
  });
  if (args.ok() && count != packed::kColumns) args.fail("expected a Uint8Array for each column");
  for (size_t k = 0; k < packed::kColumns && args.ok(); k++)
    fields[k].data = static_cast<uint8_t*>(args.array_of(values[k], napi_uint8_array, 0, &fields[k].size));
}

// columns_unpack(fields: [Uint8Array of each column], status, entries, windowStart, rules, columns, capacity) -> undefined, or what
// is wrong with them. `rules`: how many names of rules there are, -1 without reasons. Numbers may come from whoever wrote the
// batch: any is taken, and refused as a value is.
inline napi_value columns_unpack(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 7);
  if (!args.ok()) return nullptr;
  PackedField fields[packed::kColumns];
  read_fields(args, 0, fields);
  double status = args.number(1), entries = args.number(2), start = args.number(3), rules = args.number(4);
  Columns columns;
  if (!args.ok() || !read_columns(args, 5, &columns)) return nullptr;
  auto is_whole = [](double v, double least, double most) { return v >= least && v <= most && v == std::floor(v); };
  if (!is_whole(status, kStatusOk, kStatusSkipData)) return napi::text(env, "status: expected 0 to 2, found another");
  if (!is_whole(entries, 0, columns.capacity))
    return napi::text(env, "entries: expected up to " + std::to_string(columns.capacity) + ", found another number");
  if (!is_whole(start, -napi::kMostExact, napi::kMostExact))
    return napi::text(env, "windowStart: expected whole seconds of at most 53 bits, found another number");
  if (!is_whole(rules, PackedReader::kNoReasons, UINT32_MAX)) return napi::text(env, "rules: expected how many names there are, found another number");
  PackedReader reader(fields, uint32_t(entries), int64_t(start), int64_t(rules), columns);
  return reader.read(uint8_t(status)) ? nullptr : napi::text(env, reader.reason());
}

}  // namespace windrow
