// What JavaScript may call of filters.
#pragma once
#include "filter_compiler.h"
#include "napi_values.h"

namespace windrow {

inline std::vector<std::string> read_names(napi::Args& args, napi_value array) {
  std::vector<std::string> names;
  args.each(array, [&](napi_value name) { names.push_back(args.text_of(name)); });
  return names;
}

// libpcap_version(libraries) -> what the first of them that is there says of itself; '' where none is
inline napi_value libpcap_version(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  Libpcap libpcap(read_names(args, args[0]));
  if (!args.ok()) return nullptr;
  return napi::text(env, libpcap.is_there() ? libpcap.lib_version() : "");
}

// filter_compile(libraries, expression, linkType, snapBytes, Uint8Array(8 * 4096)) -> {instructions, error}: as many
// instructions as were written, or 0 and why
inline napi_value filter_compile(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 5);
  if (!args.ok()) return nullptr;
  std::vector<std::string> names = read_names(args, args[0]);
  std::string expression = args.text_of(args[1]);
  double link_type = args.whole(2, 0, UINT16_MAX), snap_bytes = args.whole(3, 64, 1 << 20);
  void* out = args.array(4, napi_uint8_array, kMostFilterInstructions * sizeof(sock_filter));
  if (!args.ok()) return nullptr;
  Libpcap libpcap(names);
  if (!libpcap.is_there()) return napi::Object(env).set("instructions", 0.0).set("error", napi::text(env, "libpcap is not there")).value();
  FilterCompiler compiler(libpcap);
  std::vector<sock_filter> code = compiler.compile(uint32_t(link_type), uint32_t(snap_bytes), expression);
  if (!code.empty()) memcpy(out, code.data(), code.size() * sizeof(sock_filter));
  return napi::Object(env).set("instructions", double(code.size())).set("error", napi::text(env, compiler.error())).value();
}

}  // namespace windrow
