// libFuzzer target of what the firewall tells: the input is a datagram of NFLOG, which a reader takes from a socket.
//
//   0      1: two interfaces, or one that is Ethernet; 2: MACs are looked at; 4: decapsulate; 8: by the group
//   1...   the datagram
#include <fcntl.h>

#include "heap_pages.h"

#include "../../native-bindings/nflog_reader.h"
#include "invariant.h"

using namespace windrow;

namespace {

Ring ring_of_number(int number) {
  RingOptions options;
  options.interface = uint16_t(number);
  options.if_index = number;
  options.link_type = number == 1 ? 1 : 101;
  options.is_peer = number == 2;
  return Ring(-1, options);
}

void check_pieces(const uint8_t* data, size_t size) {
  for (uint32_t mtu : {0u, 1u, 60u, 68u, 1280u, 1500u, 65535u}) {
    Pieces pieces = pieces_of(data, uint32_t(size), mtu);
    MUST(pieces.piece_bytes == 0 || pieces.piece_headers + pieces.piece_bytes <= mtu);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const uint8_t how = data[0];
  const std::vector<uint8_t> datagram(data + 1, data + size);
  check_pieces(datagram.data(), datagram.size());
  int ends[2];
  MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
  MUST(send(ends[0], datagram.data(), datagram.size(), 0) == ssize_t(datagram.size()));
  close(ends[0]);

  LocalityConfig config;
  if (how & 2) config.eni_of_mac[0x020000000001] = 0;
  Locality locality(config, true);
  locality.decide();
  Chunk chunk;
  chunk.streams.emplace_back(kRecordsOfLiveStream);
  Router router(HashSeed(), 60, 2, how & 4, &locality);
  router.begin(&chunk);
  const Ring first = ring_of_number(1), second = ring_of_number(2);
  const Told told = how & 8 ? Told::kReject : Told::kByPrefix;
  NflogReader reader(std::make_unique<Nflog>(ends[1], std::vector<Nflog::Group>{{0, told}, {5, told}}), how & 4);
  reader.read(&chunk, &router, locality.looks_at_macs(), [&](int number) -> const Ring* {
    return number == 1 ? &first : number == 2 && (how & 1) ? &second : nullptr;
  });
  MUST(!reader.is_ready());

  // What is rejected is in the books, or the ring had it; and what is owed is of what is rejected.
  uint64_t packets = 0, owed = 0, seen = 0;
  for (const uint8_t* at = chunk.streams[0].begin(); at != chunk.streams[0].end();) {
    const ItemHead& item = *reinterpret_cast<const ItemHead*>(at);
    packets += item.kind() == ItemKind::kPacket4 || item.kind() == ItemKind::kPacket6;
    owed += item.kind() == ItemKind::kOwed4 || item.kind() == ItemKind::kOwed6;
    at += size_of(item);
  }
  chunk.tally.each([&](uint16_t, const Tally::Books& books) {
    seen += books.seen.packets;
    for (const Tally::Count& count : books.excluded) seen -= count.packets;
  });
  MUST(packets == owed + seen);
  MUST(chunk.records < kRecordsOfLiveStream);
  return 0;
}
