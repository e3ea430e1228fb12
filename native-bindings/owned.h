// Native objects as JavaScript holds them.
#pragma once
#include "napi_values.h"
#include "worker.h"

namespace windrow {

// The shared part of a replay. Each environment that takes part holds it; the last one lets it go.
struct OwnedExchange {
  static constexpr napi_type_tag kTag = {0x77696e64726f7731, 0x6578636861000001};
  std::shared_ptr<Exchange> exchange;
};

// Exchanges that may be joined, by number: the one thing that the environments of a process share.
class Joinable {
 public:
  static double add(const std::shared_ptr<Exchange>& exchange) {
    std::lock_guard lock(mutex());
    static double last = 0;
    all()[++last] = exchange;
    return last;
  }
  // Null where there is none, or it is gone.
  static std::shared_ptr<Exchange> find(double number) {
    std::lock_guard lock(mutex());
    std::erase_if(all(), [](const auto& entry) { return entry.second.expired(); });
    auto it = all().find(number);
    return it == all().end() ? nullptr : it->second.lock();
  }

 private:
  static std::mutex& mutex() {
    static std::mutex m;
    return m;
  }
  static std::map<double, std::weak_ptr<Exchange>>& all() {
    static std::map<double, std::weak_ptr<Exchange>> a;
    return a;
  }
};

// A worker and the JavaScript buffers that it borrows until the next feed or the input's end (see README.md, rule 2).
struct OwnedWorker {
  static constexpr napi_type_tag kTag = {0x77696e64726f7731, 0x776f726b65000001};
  OwnedWorker(napi_env e, std::shared_ptr<Exchange> x, uint32_t number) : env(e), exchange(x), worker(std::move(x), number) {}
  ~OwnedWorker() {
    for (napi_ref ref : borrowed)
      if (ref) napi_delete_reference(env, ref);
  }
  napi_env env;
  std::shared_ptr<Exchange> exchange;
  Worker worker;
  std::vector<napi_ref> borrowed;
};

}  // namespace windrow
