// What JavaScript may call of live sources.
#pragma once
#include <fcntl.h>

#include <fcntl.h>

#include "filter_compiler.h"
#include "owned.h"

namespace windrow {

// live_socket() -> descriptor of an AF_PACKET socket that receives nothing yet, or a negative errno. It takes CAP_NET_RAW;
// nothing that is done with it later does.
inline napi_value live_socket(napi_env env, napi_callback_info) {
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  return napi::number(env, double(fd >= 0 ? fd : -errno));
}

// {fd, interface, ifIndex, linkType, blockBytes, blocks, retireMs, snapBytes, fanoutGroup, isPeer, filter}; check args.ok() after.
inline RingOptions read_ring(napi::Args& args, napi_value object) {
  RingOptions o;
  auto whole = [&](const char* name, double least, double most) { return args.whole_of(args.get(object, name), least, most); };
  o.interface = uint16_t(whole("interface", 0, kMostInterfaces - 1));
  o.if_index = int(whole("ifIndex", 1, INT32_MAX));
  o.link_type = uint32_t(whole("linkType", 0, UINT32_MAX));
  o.block_bytes = uint32_t(whole("blockBytes", 4096, 1 << 30));
  o.blocks = uint32_t(whole("blocks", 1, 1 << 20));
  o.retire_ms = uint32_t(whole("retireMs", 1, 1000));
  o.snap_bytes = uint32_t(whole("snapBytes", 64, 1 << 20));
  o.fanout_group = int(whole("fanoutGroup", -1, UINT16_MAX));
  o.is_peer = args.boolean_of(args.get(object, "isPeer"));
  size_t bytes = 0;
  const void* code = args.array_of(args.get(object, "filter"), napi_uint8_array, 0, &bytes);
  if (bytes % sizeof(sock_filter) != 0 || bytes / sizeof(sock_filter) > kMostFilterInstructions) args.fail("expected whole instructions");
  if (!args.ok() || bytes == 0) return o;
  o.filter.resize(bytes / sizeof(sock_filter));
  memcpy(o.filter.data(), code, bytes);
  return o;
}

// live_pipe() -> [descriptor to read, to write], or a negative errno: reading does not block, and writing does
inline napi_value live_pipe(napi_env env, napi_callback_info) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return napi::number(env, -errno);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  napi::Array pair(env);
  for (int end : ends) pair.push(napi::number(env, end));
  return pair.value();
}

// Whether a worker reads live interfaces.
inline LiveReader* live_of(napi::Args& args, OwnedWorker* owned) {
  LiveReader* live = args.ok() ? owned->worker.live() : nullptr;
  if (args.ok() && !live) args.fail("not a worker of live interfaces");
  return live;
}

// worker_add_ring(worker, options, name) -> {errno, refused, knowsSegments}: errno is 0 where all went well; else what the
// kernel refused, and the descriptor is closed. It receives from worker_activate_ring on.
inline napi_value worker_add_ring(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 3);
  if (!args.ok()) return nullptr;
  LiveReader* live = live_of(args, args.native<OwnedWorker>(0));
  int fd = int(args.whole_of(args.get(args[1], "fd"), 0, INT32_MAX));
  RingOptions options = read_ring(args, args[1]);
  std::string name = args.text_of(args[2]);
  if (!args.ok()) return nullptr;
  auto ring = std::make_unique<Ring>(fd, options);
  int error = ring->open() ? 0 : errno;
  napi_value result = napi::Object(env)
                          .set("errno", double(error))
                          .set("refused", napi::text(env, error ? ring->what() : ""))
                          .set("knowsSegments", napi::boolean(env, ring->knows_segments()))
                          .value();
  if (error == 0) live->add(std::move(ring), name);
  return result;
}

// worker_add_stream(worker, fd, interface, linkType, name): the worker reads a capture from a pipe, which it closes in the end
inline napi_value worker_add_stream(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 5);
  if (!args.ok()) return nullptr;
  LiveReader* live = live_of(args, args.native<OwnedWorker>(0));
  int fd = int(args.whole(1, 0, INT32_MAX));
  double interface = args.whole(2, 0, kMostInterfaces - 1), link_type = args.whole(3, 0, UINT16_MAX);
  std::string name = args.text_of(args[4]);
  if (args.ok()) live->add(std::make_unique<PacketStream>(fd, uint16_t(interface)), uint32_t(link_type), name);
  return nullptr;
}

// worker_activate_ring(worker, interface) -> whether its rings receive
inline napi_value worker_activate_ring(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  LiveReader* live = live_of(args, args.native<OwnedWorker>(0));
  double interface = args.whole(1, 0, kMostInterfaces - 1);
  if (!args.ok()) return nullptr;
  return napi::boolean(env, live->activate(uint16_t(interface)));
}

// worker_remove_ring(worker, interface): what its rings hold is read, then they are closed
inline napi_value worker_remove_ring(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  LiveReader* live = live_of(args, args.native<OwnedWorker>(0));
  double interface = args.whole(1, 0, kMostInterfaces - 1);
  if (args.ok()) live->remove(uint16_t(interface));
  return nullptr;
}

// nflog_open(groups, snapBytes) -> {fd, errno, group}: a socket of the kernel's packet log, which execve(2) leaves open; or why
// there is none, and the group that was refused. It takes CAP_NET_ADMIN.
inline napi_value nflog_open(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  std::vector<uint16_t> groups;
  args.each(args[0], [&](napi_value group) { groups.push_back(uint16_t(args.whole_of(group, 0, UINT16_MAX))); });
  double snap_bytes = args.whole(1, 64, UINT16_MAX);
  if (!args.ok()) return nullptr;
  NflogSetup setup;
  double error = setup.open(groups, uint32_t(snap_bytes));
  double group = setup.group();
  int fd = error == 0 ? setup.release() : -1;
  if (fd >= 0) fcntl(fd, F_SETFD, 0);
  return napi::Object(env).set("fd", double(fd)).set("errno", error).set("group", group).value();
}

// worker_hear(worker, fd, groups: [{group, told}]): the firewall tells it by a socket of nflog_open, which it closes in the end
inline napi_value worker_hear(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 3);
  if (!args.ok()) return nullptr;
  LiveReader* live = live_of(args, args.native<OwnedWorker>(0));
  double fd = args.whole(1, 0, INT32_MAX);
  std::vector<Nflog::Group> groups;
  args.each(args[2], [&](napi_value object) {
    double group = args.whole_of(args.get(object, "group"), 0, UINT16_MAX);
    double told = args.whole_of(args.get(object, "told"), double(Told::kByPrefix), double(Told::kReject));
    groups.push_back({uint16_t(group), Told(uint8_t(told))});
  });
  int protocol = 0;
  socklen_t size = sizeof protocol;
  if (args.ok() && (getsockopt(int(fd), SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0 || protocol != NETLINK_NETFILTER))
    args.fail("not a socket of the packet log");
  if (!args.ok()) return nullptr;
  fcntl(int(fd), F_SETFD, FD_CLOEXEC);
  live->hear(std::make_unique<Nflog>(int(fd), std::move(groups)));
  return nullptr;
}

// exchange_interrupt(exchange): its workers come back, to be told something
inline napi_value exchange_interrupt(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedExchange>(0);
  if (args.ok()) owned->exchange->interrupt();
  return nullptr;
}

// exchange_finish(exchange): its workers read what their rings hold, and then the source is at its end
inline napi_value exchange_finish(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedExchange>(0);
  if (args.ok()) owned->exchange->finish();
  return nullptr;
}

}  // namespace windrow
