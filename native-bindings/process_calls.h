// What JavaScript may call of the process itself: which user it is, what it may do, and whom it tells how it is.
#pragma once
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "napi_values.h"

namespace windrow {

// user_find(name) -> {uid, gid}, or undefined where there is no such user
inline napi_value user_find(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 1);
  if (!args.ok()) return nullptr;
  std::string name = args.text_of(args[0]);
  if (!args.ok()) return nullptr;
  std::vector<char> text(1 << 16);
  passwd entry{}, *found = nullptr;
  if (getpwnam_r(name.c_str(), &entry, text.data(), text.size(), &found) != 0 || !found) return nullptr;
  return napi::Object(env).set("uid", double(entry.pw_uid)).set("gid", double(entry.pw_gid)).value();
}

// The program is started anew in this process, with no right but CAP_NET_RAW. Rights belong to threads (capabilities(7)): all
// threads of the new program have what the one had that started it, and those of the old one are gone.
struct Confinement {
  std::string path;               // of the program
  std::vector<std::string> args;  // the first is its name
  std::string script;             // that it will read
  std::string user;               // whom to become; empty: nobody else
  uid_t uid = 0;
  gid_t gid = 0;

  // Comes back only where that cannot be: with what failed, and errno.
  std::string apply() {
    // Nothing has changed yet.
    if (access(path.c_str(), X_OK) != 0) return path;
    for (int right = 0; prctl(PR_CAPBSET_READ, right, 0, 0, 0) >= 0; right++)
      if (right != CAP_NET_RAW && prctl(PR_CAPBSET_DROP, right, 0, 0, 0) != 0 && errno != EPERM) return "PR_CAPBSET_DROP";
    if (!user.empty()) {
      if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return "PR_SET_KEEPCAPS";
      if (initgroups(user.c_str(), gid) != 0) return "initgroups";
      if (setgid(gid) != 0) return "setgid";
      if (setuid(uid) != 0) return "setuid";
    }
    if (!keep_right()) return "capset";
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "PR_SET_NO_NEW_PRIVS";
    if (access(path.c_str(), X_OK) != 0) return path;
    if (access(script.c_str(), R_OK) != 0) return script;
    hand_on_streams();
    std::vector<char*> argv;
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    execv(path.c_str(), argv.data());
    return path;
  }

 private:
  // Standard input, output and error as they were: Node has them closed by execve(2), and libuv has made pipes non-blocking,
  // which others may share.
  static void hand_on_streams() {
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      fcntl(fd, F_SETFD, 0);
      if (int flags = fcntl(fd, F_GETFL); flags >= 0) fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    }
  }

  // CAP_NET_RAW, if it is there, and as an ambient one: so that a program has it whose user is not root.
  static bool keep_right() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct rights[_LINUX_CAPABILITY_U32S_3] = {};
    if (syscall(SYS_capget, &header, rights) != 0) return false;
    const uint32_t kept = rights[0].permitted & CAP_TO_MASK(CAP_NET_RAW);
    rights[0] = {kept, kept, kept};
    rights[1] = {};
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capset, &header, rights) != 0) return false;
    return kept == 0 || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) == 0;
  }
};

// process_confine(path, args, script, user, uid, gid) -> what failed and its errno, if it comes back: {what, errno}
inline napi_value process_confine(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 6);
  if (!args.ok()) return nullptr;
  Confinement confinement;
  confinement.path = args.text_of(args[0]);
  args.each(args[1], [&](napi_value arg) { confinement.args.push_back(args.text_of(arg)); });
  confinement.script = args.text_of(args[2]);
  confinement.user = args.text_of(args[3]);
  confinement.uid = uid_t(args.whole(4, 0, UINT32_MAX - 1.0));
  confinement.gid = gid_t(args.whole(5, 0, UINT32_MAX - 1.0));
  if (!args.ok()) return nullptr;
  std::string what = confinement.apply();
  double error = errno;
  return napi::Object(env).set("what", napi::text(env, what)).set("errno", error).value();
}

// datagram_send(address, text) -> 0, or an errno: to a socket of the file system, or to one of the abstract names where the
// address begins with @ (unix(7)). It never waits.
inline napi_value datagram_send(napi_env env, napi_callback_info info) {
  napi::Args args(env, info, 2);
  if (!args.ok()) return nullptr;
  std::string address = args.text_of(args[0]), text = args.text_of(args[1]);
  if (!args.ok()) return nullptr;
  sockaddr_un to{};
  if (address.size() >= sizeof to.sun_path) return napi::number(env, ENAMETOOLONG);
  to.sun_family = AF_UNIX;
  memcpy(to.sun_path, address.data(), address.size());
  const bool is_abstract = address.starts_with('@');
  if (is_abstract) to.sun_path[0] = '\0';
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return napi::number(env, errno);
  socklen_t size = socklen_t(offsetof(sockaddr_un, sun_path) + address.size() + (is_abstract ? 0 : 1));
  ssize_t sent = sendto(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&to), size);
  double error = sent < 0 ? errno : 0;
  close(fd);
  return napi::number(env, error);
}

}  // namespace windrow
