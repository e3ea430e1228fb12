{
  "targets": [
    {
      "target_name": "windrow",
      "sources": ["addon.cc"],
      "defines": ["NAPI_VERSION=8", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags!": ["-O2", "-fno-exceptions", "-fno-rtti"],
      "cflags_cc!": ["-O2", "-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["-std=c++20", "-O3", "-Wall", "-Wextra", "-fvisibility=hidden"],
      "conditions": [["target_arch=='x64'", { "cflags_cc": ["-march=x86-64-v2"] }]]
    }
  ]
}
