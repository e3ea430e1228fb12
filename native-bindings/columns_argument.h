// Columns as an argument of a call.
#pragma once
#include "columns.h"
#include "napi_values.h"

namespace windrow {

// Columns over argument `i`, a Uint8Array, for `capacity` rows (argument i + 1).
inline bool read_columns(napi::Args& args, size_t i, Columns* columns) {
  double capacity = args.whole(i + 1, 8, 1 << 24);
  if (args.ok() && uint32_t(capacity) % 8) args.fail("capacity is a multiple of 8");
  if (!args.ok()) return false;
  auto* buffer = args.array(i, napi_uint8_array, Columns::bytes_for(uint32_t(capacity)));
  if (args.ok() && reinterpret_cast<uintptr_t>(buffer) % 8) args.fail("columns are aligned to 8 bytes");
  if (!args.ok()) return false;
  *columns = Columns::over(buffer, uint32_t(capacity));
  return true;
}

}  // namespace windrow
