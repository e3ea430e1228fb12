// Expressions of tcpdump as programs for the kernel, by libpcap's compiler (pcap-filter(7), pcap_compile(3PCAP)). The library
// is looked for when it is needed: who has no filter needs none, and nothing of it is needed to build this.
#pragma once
#include <dlfcn.h>
#include <linux/filter.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace windrow {

// The kernel takes no longer ones (BPF_MAXINSNS of include/uapi/linux/bpf_common.h).
constexpr size_t kMostFilterInstructions = 4096;

// What is used of libpcap, as pcap/pcap.h declares it. Its instructions are the kernel's sock_filter.
class Libpcap {
 public:
  struct Handle;
  struct Program {
    unsigned int length;
    sock_filter* instructions;
  };
  static_assert(sizeof(sock_filter) == 8);
  static constexpr uint32_t kNetmaskUnknown = 0xffffffff;

  // The first of these libraries that is there.
  explicit Libpcap(const std::vector<std::string>& names) {
    for (const std::string& name : names)
      if ((library_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL))) break;
    if (!library_) return;
    is_there_ = find(&open_dead, "pcap_open_dead") && find(&compile, "pcap_compile") && find(&geterr, "pcap_geterr") &&
                find(&freecode, "pcap_freecode") && find(&close, "pcap_close") && find(&lib_version, "pcap_lib_version");
  }
  ~Libpcap() {
    if (library_) dlclose(library_);
  }
  Libpcap(const Libpcap&) = delete;
  Libpcap& operator=(const Libpcap&) = delete;

  bool is_there() const { return is_there_; }

  Handle* (*open_dead)(int link_type, int snap_bytes);
  int (*compile)(Handle*, Program*, const char* expression, int optimized, uint32_t netmask);
  char* (*geterr)(Handle*);
  void (*freecode)(Program*);
  void (*close)(Handle*);
  const char* (*lib_version)();

 private:
  template <typename Function>
  bool find(Function* function, const char* name) {
    *function = reinterpret_cast<Function>(dlsym(library_, name));
    return *function != nullptr;
  }

  void* library_ = nullptr;
  bool is_there_ = false;
};

class FilterCompiler {
 public:
  // More are made at first, before those that come to the same are put together: that takes a time that grows with the cube of
  // their number, some seconds for so many.
  static constexpr size_t kMostUnoptimized = 12000;

  explicit FilterCompiler(const Libpcap& libpcap) : pcap_(libpcap) {}

  // Instructions for packets of a link type (https://www.tcpdump.org/linktypes.html), of which an accepted one gives at most
  // `snap_bytes` bytes. None: error() says why.
  std::vector<sock_filter> compile(uint32_t link_type, uint32_t snap_bytes, const std::string& expression) {
    std::vector<sock_filter> first = run(link_type, snap_bytes, expression, false, kMostUnoptimized);
    return first.empty() ? first : run(link_type, snap_bytes, expression, true, kMostFilterInstructions);
  }
  const std::string& error() const { return error_; }

 private:
  // What is LINKTYPE_RAW in files has another number in the library (DLT_RAW of pcap/dlt.h, on Linux).
  static int dlt_of(uint32_t link_type) { return link_type == 101 ? 12 : int(link_type); }

  std::vector<sock_filter> run(uint32_t link_type, uint32_t snap_bytes, const std::string& expression, bool optimized, size_t most) {
    Libpcap::Handle* handle = pcap_.open_dead(dlt_of(link_type), int(snap_bytes));
    if (!handle) return failed("libpcap has no memory");
    Libpcap::Program program{};
    if (pcap_.compile(handle, &program, expression.c_str(), optimized, Libpcap::kNetmaskUnknown) != 0) {
      failed(pcap_.geterr(handle));
      pcap_.close(handle);
      return {};
    }
    std::vector<sock_filter> code(program.instructions, program.instructions + program.length);
    pcap_.freecode(&program);
    pcap_.close(handle);
    if (code.size() <= most) return code;
    return failed("it is too long: " + std::to_string(code.size()) + " instructions, where at most " + std::to_string(most) + " can be");
  }

  std::vector<sock_filter> failed(const std::string& error) {
    error_ = error;
    return {};
  }

  const Libpcap& pcap_;
  std::string error_;
};

}  // namespace windrow
