// That network interfaces have changed, as the kernel tells (rtnetlink(7)): not what has changed, which sysfs knows.
#pragma once
#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <memory>

#include "napi_values.h"

namespace windrow {

// A socket that hears of changes, in the loop of the environment that made it; it does not keep that alive. The loop holds it
// until its handle is closed, which the environment waits for. What is called stands in JavaScript's object, which is held
// weakly: one that nobody can reach is collected, also where what is called refers to it.
class LinkWatch {
 public:
  // A descriptor, or a negative errno.
  static int open_socket() {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) return -errno;
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK;
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    int error = errno;
    close(fd);
    return -error;
  }

  // Takes the descriptor. Nothing is heard before start().
  LinkWatch(napi_env env, int fd) : env_(env), fd_(fd) {}
  ~LinkWatch() { close_socket(); }
  LinkWatch(const LinkWatch&) = delete;
  LinkWatch& operator=(const LinkWatch&) = delete;

  // 0, or a negative errno: then it may only be let go.
  static int start(const std::shared_ptr<LinkWatch>& self) {
    uv_loop_t* loop = nullptr;
    napi_get_uv_event_loop(self->env_, &loop);
    int error = uv_poll_init(loop, &self->handle_, self->fd_);
    if (error != 0) return error;
    self->held_by_loop_ = self;
    self->handle_.data = self.get();
    uv_unref(reinterpret_cast<uv_handle_t*>(&self->handle_));
    napi_add_async_cleanup_hook(self->env_, on_cleanup, self.get(), &self->hook_);
    self->poll();
    return 0;
  }

  // Calls `changed` from now on, as long as `object` is there.
  void tell(napi_value object, napi_value changed) {
    napi_property_descriptor property{};
    property.utf8name = kChanged;
    property.value = changed;
    napi_define_properties(env_, object, 1, &property);
    napi_create_reference(env_, object, 0, &object_);
  }

  // Nothing is heard any more. May be called again.
  void stop() {
    if (!held_by_loop_ || is_closing_) return;
    is_closing_ = true;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_), on_closed);
    close_socket();
    napi_delete_reference(env_, object_);
  }

 private:
  static constexpr const char* kChanged = "changed";

  static void on_cleanup(napi_async_cleanup_hook_handle, void* data) { static_cast<LinkWatch*>(data)->stop(); }

  static void on_closed(uv_handle_t* handle) {
    auto self = std::move(static_cast<LinkWatch*>(handle->data)->held_by_loop_);
    // Until here the environment waits for it, also where it was stopped before.
    napi_remove_async_cleanup_hook(self->hook_);
  }

  static void on_event(uv_poll_t* handle, int status, int) {
    auto* self = static_cast<LinkWatch*>(handle->data);
    self->drain();
    // More than the socket has room for is an error to libuv, and it has stopped.
    if (status < 0) self->poll();
    self->call();
  }

  void poll() { uv_poll_start(&handle_, UV_READABLE, on_event); }

  // A message is dropped with its first byte; ENOBUFS: some are lost.
  void drain() {
    char byte;
    while (recv(fd_, &byte, 1, 0) >= 0 || errno == ENOBUFS || errno == EINTR) continue;
  }

  void call() {
    napi_handle_scope scope;
    napi_open_handle_scope(env_, &scope);
    napi_value object = nullptr, changed = nullptr;
    napi_get_reference_value(env_, object_, &object);
    if (object && napi_get_named_property(env_, object, kChanged, &changed) == napi_ok)
      napi_make_callback(env_, nullptr, object, changed, 0, nullptr, nullptr);
    bool has_thrown = false;
    napi_is_exception_pending(env_, &has_thrown);
    napi_value error;
    if (has_thrown && napi_get_and_clear_last_exception(env_, &error) == napi_ok) napi_fatal_exception(env_, error);
    napi_close_handle_scope(env_, scope);
  }

  void close_socket() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

  napi_env env_;
  int fd_;
  uv_poll_t handle_;
  napi_ref object_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  bool is_closing_ = false;
  std::shared_ptr<LinkWatch> held_by_loop_;
};

struct OwnedLinkWatch {
  static constexpr napi_type_tag kTag = {0x77696e64726f7731, 0x6c696e6b77000001};
  explicit OwnedLinkWatch(std::shared_ptr<LinkWatch> w) : watch(std::move(w)) {}
  ~OwnedLinkWatch() { watch->stop(); }
  std::shared_ptr<LinkWatch> watch;
};

// link_watch(changed) -> watch, or a negative errno; changed() is called in this thread when interfaces have changed
inline napi_value link_watch(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  napi_value changed = args.function(0);
  if (!args.ok()) return nullptr;
  int fd = LinkWatch::open_socket();
  if (fd < 0) return napi::number(env, fd);
  auto watch = std::make_shared<LinkWatch>(env, fd);
  int error = LinkWatch::start(watch);
  if (error != 0) return napi::number(env, error);
  napi_value object = napi::own(env, new OwnedLinkWatch(watch));
  watch->tell(object, changed);
  return object;
}

// link_unwatch(watch): may be called again
inline napi_value link_unwatch(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  auto* owned = args.native<OwnedLinkWatch>(0);
  if (args.ok()) owned->watch->stop();
  return nullptr;
}

}  // namespace windrow
