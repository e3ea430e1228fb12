// Memory that begins on a page, for writing past the page cache (open(2), O_DIRECT): JavaScript's own may begin anywhere.
#pragma once
#include <stdlib.h>

#include "napi_values.h"

namespace windrow {

constexpr size_t kPageBytes = 4096;
constexpr double kMostAlignedBytes = 1 << 30;

// aligned_bytes(size) -> Uint8Array of `size` bytes, not cleared; they are freed with the array's buffer
inline napi_value aligned_bytes(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  size_t size = size_t(args.whole(0, 1, kMostAlignedBytes));
  if (!args.ok()) return nullptr;
  void* data = nullptr;
  if (posix_memalign(&data, kPageBytes, size) != 0) {
    napi_throw_error(env, "WINDROW_NO_MEMORY", "no memory is left for a block of output");
    return nullptr;
  }
  napi_value buffer, bytes = nullptr;
  auto release = [](napi_env, void* memory, void*) { free(memory); };
  if (napi_create_external_arraybuffer(env, data, size, release, nullptr, &buffer) != napi_ok) {
    free(data);
    napi_throw_error(env, "WINDROW_NO_MEMORY", "this JavaScript engine takes no memory of others");
    return nullptr;
  }
  napi_create_typedarray(env, napi_uint8_array, size, buffer, 0, &bytes);
  return bytes;
}

}  // namespace windrow
