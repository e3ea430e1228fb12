// Sends frames of 60 bytes at an interface: UDP of so many flows, at a rate or as fast as it can.
//
// sender INTERFACE PACKETS RATE FLOWS: a rate of 0 is the greatest one. Prints how many were taken.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr int kFrame = 60, kBatch = 64, kHeaders = 42;

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return double(t.tv_sec) + double(t.tv_nsec) / 1e9;
}

void put16(uint8_t* at, uint32_t value) {
  at[0] = uint8_t(value >> 8);
  at[1] = uint8_t(value);
}

// From 198.18.0.0/15, which RFC 2544 sets aside for benchmarks.
void write_frame(uint8_t* f, uint32_t flow) {
  memset(f, 0, kFrame);
  memset(f, 2, 12);
  put16(f + 12, ETH_P_IP);
  uint8_t* ip = f + 14;
  ip[0] = 0x45;
  put16(ip + 2, kFrame - 14);
  ip[8] = 64;
  ip[9] = 17;
  ip[12] = 198, ip[13] = 18, ip[14] = uint8_t(flow >> 8), ip[15] = uint8_t(flow);
  ip[16] = 198, ip[17] = 19, ip[19] = 1;
  uint32_t sum = 0;
  for (int i = 0; i < 20; i += 2) sum += uint32_t(ip[i]) << 8 | ip[i + 1];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  put16(ip + 10, ~sum & 0xffff);
  put16(f + 34, 1024 + flow % 60000);
  put16(f + 36, 53);
  put16(f + 38, kFrame - 34);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) return 2;
  const int64_t packets = atoll(arguments[2]);
  const double rate = atof(arguments[3]);
  const uint32_t flows = uint32_t(atoi(arguments[4]));
  int fd = socket(AF_PACKET, SOCK_RAW, 0);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = int(if_nametoindex(arguments[1]));
  int yes = 1;
  if (fd < 0 || to.sll_ifindex == 0 || bind(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    perror(arguments[1]);
    return 1;
  }
  setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes);
  std::vector<uint8_t> frames(size_t(flows) * kFrame);
  for (uint32_t flow = 0; flow < flows; flow++) write_frame(&frames[size_t(flow) * kFrame], flow);
  mmsghdr messages[kBatch] = {};
  iovec parts[kBatch];
  int64_t sent = 0;
  uint32_t flow = 0;
  const double begun = now();
  while (sent < packets) {
    if (rate > 0) {
      double ahead = double(sent) / rate - (now() - begun);
      if (ahead > 0.0005) usleep(useconds_t(ahead * 1e6));
    }
    int wanted = int(packets - sent < kBatch ? packets - sent : kBatch);
    for (int i = 0; i < wanted; i++) {
      parts[i] = {&frames[size_t((flow + i) % flows) * kFrame], kFrame};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    int done = sendmmsg(fd, messages, unsigned(wanted), 0);
    if (done < 0 && errno != ENOBUFS && errno != EAGAIN) {
      perror("sendmmsg");
      return 1;
    }
    if (done < 0) continue;
    sent += done;
    flow = (flow + uint32_t(done)) % flows;
  }
  printf("%lld %.3f\n", static_cast<long long>(sent), now() - begun);
}
