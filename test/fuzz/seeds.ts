// The fuzz targets' seed corpus: a small frame or capture for each thing that the readers and the decoder know.
import fs from 'node:fs';
import path from 'node:path';
import * as p from '../packets.ts';

const out = process.argv[2];
if (out === undefined) throw new Error('usage: seeds.js FOLDER');

const empty = new Uint8Array();
const text = new TextEncoder().encode('payload');
const fromUs = { src: '10.0.0.1', dst: '192.0.2.1' };
const toUs = { src: '192.0.2.1', dst: '10.0.0.1' };
const syn = p.ipv4({ ...fromUs, protocol: 6 }, p.tcp({ flags: 2 }));
const synAck = p.ipv4({ ...toUs, protocol: 6 }, p.tcp({ sport: 443, dport: 40000, flags: 18 }));
const fin = p.ipv4({ ...fromUs, protocol: 6 }, p.tcp({ flags: 17 }, text));
const dns = p.ipv4({ ...fromUs, protocol: 17 }, p.udp({ dport: 53 }, text));
const dns6 = p.ipv6({ next: 17 }, p.udp({ dport: 53 }, text));
const frame = p.ethernet({ type: 0x0800 }, dns);
const frame6 = p.ethernet({ type: 0x86dd }, dns6);

/** IP packets that are unusual in themselves. */
const packets: Record<string, Uint8Array> = {
  syn,
  dns,
  dns6,
  icmp: p.ipv4({ protocol: 1 }, p.icmp(8, 0)),
  options: p.ipv4({ protocol: 6, options: p.bytes('01 01 01 00') }, p.tcp({ flags: 2 })),
  offloaded: p.ipv4({ protocol: 6, totalLength: 0 }, p.tcp({}, text)),
  multicast: p.ipv4({ dst: '224.0.0.251', protocol: 17 }, p.udp({ dport: 5353 })),
  broadcast: p.ipv4({ dst: '255.255.255.255', protocol: 17 }, p.udp({ dport: 67 })),
  sctp: p.ipv4({ protocol: 132 }, p.ported({}, p.bytes('00 00 00 01 00 00 00 00'))),
  first: p.ipv4({ protocol: 17, id: 7, hasMoreFragments: true }, p.udp({}, text)),
  later: p.ipv4({ protocol: 17, id: 7, fragmentOffset: 16 }, text),
  first6: p.ipv6({ next: 44 }, p.fragment6({ id: 7, hasMore: true }, p.udp({}, text))),
  later6: p.ipv6({ next: 44 }, p.fragment6({ id: 7, offset: 16 }, text)),
  chain6: p.ipv6(
    { next: 0 },
    p.extension(43, empty, p.extension(60, empty, p.extension(6, empty, p.tcp({ flags: 2 })))),
  ),
  jumbo6: p.ipv6({ next: 0, payloadLength: 0 }, p.extension(17, p.jumboOption(100_000), p.udp({ length: 0 }, text))),
  offloaded6: p.ipv6({ next: 6, payloadLength: 0 }, p.tcp({}, text)),
  malformed: p.ipv4({ headerWords: 4 }, p.udp({})),
};

const tunnel = (port: number, inside: Uint8Array): Uint8Array =>
  p.ipv4({ protocol: 17 }, p.udp({ dport: port }, inside));
/** IP packets that carry others. */
const tunnels: Record<string, Uint8Array> = {
  ipip: p.ipv4({ protocol: 4 }, syn),
  sixInFour: p.ipv4({ protocol: 41 }, dns6),
  fourInSix: p.ipv6({ next: 4 }, syn),
  gre: p.ipv4({ protocol: 47 }, p.gre(0x0800, syn)),
  greAll: p.ipv4({ protocol: 47 }, p.bytes('b0 00 08 00', p.u32(0), p.u32(5), p.u32(6), syn)),
  greRouted: p.ipv4({ protocol: 47 }, p.bytes('40 00 08 00', p.u32(0), '08 00 00 04 01 02 03 04', p.u32(0), syn)),
  pptp: p.ipv4({ protocol: 47 }, p.bytes('30 81 88 0b 00 20 00 01', p.u32(1), p.u32(2), '00 21', syn)),
  erspan1: p.ipv4({ protocol: 47 }, p.bytes('00 00 88 be', frame)),
  erspan2: p.ipv4({ protocol: 47 }, p.bytes('10 00 88 be', p.u32(1), '10 00 00 00 00 00 00 00', frame)),
  erspan3: p.ipv4(
    { protocol: 47 },
    p.bytes('10 00 22 eb', p.u32(1), '20 00 00 00 00 00 00 00 00 00 00 01', p.u32(0), p.u32(0), frame),
  ),
  etherip: p.ipv4({ protocol: 97 }, p.bytes('30 00', frame)),
  mplsInIp: p.ipv4({ protocol: 137 }, p.mpls({}, syn)),
  authenticated: p.ipv4({ protocol: 51 }, p.bytes('04 04 00 00', p.u32(1), p.u32(1), new Uint8Array(12), syn)),
  vxlan: tunnel(4789, p.vxlan(7, frame)),
  vxlanTwice: tunnel(4789, p.vxlan(7, p.ethernet({}, tunnel(8472, p.vxlan(8, frame6))))),
  vxlanGpe: tunnel(4790, p.bytes('0c 00 00 01 00 00 07 00', syn)),
  vxlanGpeNsh: tunnel(4790, p.bytes('0c 00 00 04 00 00 07 00', '00 02 02 02 00 00 01 ff', dns6)),
  geneve: tunnel(6081, p.bytes('01 00 65 58 00 00 07 00', p.u32(0x01020300), frame)),
  geneveIp: tunnel(6081, p.bytes('00 00 08 00 00 00 07 00', syn)),
  gtp: tunnel(2152, p.bytes('30 ff', p.u16(syn.length), p.u32(9), syn)),
  gtpExtended: tunnel(2152, p.bytes('34 ff', p.u16(syn.length + 8), p.u32(9), '00 00 00 85 01 00 01 00', syn)),
  teredo: tunnel(3544, p.bytes('00 01 00 00 00 00 00 00 00 00 00 00 00', '00 00 ff ff ff ff ff ff', dns6)),
  l2tp: tunnel(1701, p.bytes('40 02 00 20 00 01 00 02 ff 03 00 21', syn)),
  mplsInUdp: tunnel(6635, p.mpls({}, syn)),
  capwap: tunnel(5247, p.bytes('00 10 02 00 00 00 00 00', frame)),
  lisp: tunnel(4341, p.bytes('80 00 00 00 00 00 00 00', syn)),
  unreachable: p.ipv4({ protocol: 1 }, p.icmp(3, 3, p.bytes(p.u32(0), dns))),
};

const snap = (type: number, inside: Uint8Array): Uint8Array => p.bytes('aa aa 03 00 00 00', p.u16(type), inside);
const wlan = p.bytes('08 01 00 00', new Uint8Array(20), snap(0x0800, syn));
/** Ethernet frames with something between their header and IP. */
const frames: Record<string, Uint8Array> = {
  arp: p.ethernet({ type: 0x0806 }, new Uint8Array(28)),
  vlan: p.ethernet({ type: 0x8100 }, p.vlan({ type: 0x0800 }, syn)),
  qinq: p.ethernet({ type: 0x88a8 }, p.vlan({ type: 0x8100 }, p.vlan({ type: 0x86dd }, dns6))),
  pbb: p.ethernet({ type: 0x88e7 }, p.bytes(p.u32(1), frame)),
  mpls: p.ethernet({ type: 0x8847 }, p.mpls({ isBottom: false }, p.mpls({}, dns6))),
  pseudowire: p.ethernet({ type: 0x8847 }, p.mpls({}, p.bytes(p.u32(0), frame))),
  pppoe: p.ethernet({ type: 0x8864 }, p.bytes('11 00 00 01', p.u16(syn.length + 2), '00 21', syn)),
  nsh: p.ethernet({ type: 0x894f }, p.bytes('00 06 01 03 00 00 01 ff', new Uint8Array(16), frame)),
  macsec: p.ethernet({ type: 0x88e5 }, p.bytes('20 00', p.u32(1), new Uint8Array(8), '08 00', syn, new Uint8Array(16))),
  llc: p.ethernet({ type: syn.length + 8 }, snap(0x0800, syn)),
  isl: p.bytes(
    '01 00 0c 00 00 00 02 00 00 00 00 01',
    p.u16(frame.length + 12),
    'aa aa 03 00 00 0c',
    new Uint8Array(8),
    frame,
  ),
  arista: p.ethernet({ type: 0xd28b }, p.bytes('00 01 00 10', new Uint8Array(8), '08 00', syn)),
  metadata: p.ethernet({ type: 0x8909 }, p.bytes('01 01 00 01 00 00 08 00', syn)),
  fabricPath: p.ethernet({ type: 0x8903 }, p.bytes('00 01', frame)),
  vnTag: p.ethernet({ type: 0x8926 }, p.bytes(p.u32(1), '08 00', syn)),
};

/** Frames of every other link type, by its index in the target's list. */
const linked: Record<string, [number, Uint8Array]> = {
  null: [1, p.bytes('02 00 00 00', syn)],
  nullSix: [1, p.bytes('00 00 00 1e', dns6)],
  tokenRing: [2, p.bytes('10 40', new Uint8Array(6), '80', new Uint8Array(5), '02 00', snap(0x0800, syn))],
  slip: [3, p.bytes(new Uint8Array(16), syn)],
  ppp: [4, p.bytes('ff 03 00 21', syn)],
  fddi: [5, p.bytes(new Uint8Array(13), snap(0x0800, syn))],
  raw: [6, syn],
  pppSerialCisco: [8, p.bytes('0f 00 08 00', syn)],
  pppoe: [9, p.bytes('11 00 00 01', p.u16(syn.length + 2), '00 21', syn)],
  ciscoHdlc: [11, p.bytes('0f 00 86 dd', dns6)],
  wlan: [12, wlan],
  wlanQos: [12, p.bytes('88 03 00 00', new Uint8Array(26), '00 00', snap(0x86dd, dns6))],
  frameRelay: [13, p.bytes('18 41 03 cc', syn)],
  frameRelaySnap: [13, p.bytes('18 41 03 00 80 00 00 00 08 00', syn)],
  frameRelayCisco: [13, p.bytes('18 41 08 00', syn)],
  loop: [14, p.bytes(p.u32(24), dns6)],
  sll: [16, p.sll({ packetType: 4 }, syn)],
  prism: [17, p.bytes(new Uint8Array(144), wlan)],
  radiotap: [18, p.bytes('00 00 0a 00', '02 00 00 00 20 00', '08 01 00 00', new Uint8Array(20), snap(0x0800, syn))],
  arcnet: [19, p.bytes('01 02 00 00 d4 00 00 01', syn)],
  avs: [20, p.bytes('80 21 10 01 00 00 00 40', new Uint8Array(56), wlan)],
  ppi: [21, p.bytes('00 00 08 00 01 00 00 00', frame)],
  ppiWlan: [21, p.bytes('00 00 08 00 69 00 00 00', wlan)],
  ipnet: [22, p.bytes('01 02 00 00', p.u32(syn.length), new Uint8Array(16), syn)],
  ipv4: [23, syn],
  ipv6: [24, dns6],
  nflog: [25, p.bytes('02 00 00 00', '08 00 01 00 08 00 01 00', '2c 00 09 00', syn)],
  infiniband: [26, p.bytes(new Uint8Array(40), '08 00 00 00', syn)],
  pktap: [
    27,
    p.bytes('6c 00 00 00 01 00 00 00 01 00 00 00', new Uint8Array(24), '02 00 00 00', new Uint8Array(68), frame),
  ],
  sll2: [28, p.bytes('86 dd 00 00 00 00 00 02 00 01 04 06', new Uint8Array(8), dns6)],
  broadcomBehind: [29, p.bytes(new Uint8Array(16), '08 00', syn)],
  broadcomFront: [30, p.bytes(new Uint8Array(4), frame)],
  marvell: [31, p.bytes(new Uint8Array(16), '08 00', syn)],
  marvellExtended: [32, p.bytes(new Uint8Array(20), '86 dd', dns6)],
  unsupported: [33, frame],
};

const at = 1_700_000_000;
const micro = (second: number): bigint => BigInt(second) * 1_000_000n;
const ethernets = [syn, synAck, fin, dns].map((packet) => p.ethernet({}, packet));
const stream = [...ethernets, ...Object.values(frames)];
const many = Array.from({ length: 80 }, (_, i) =>
  p.ethernet({}, p.ipv4({ src: `10.0.${i}.1`, protocol: 6 }, p.tcp({ sport: 1000 + i, flags: i % 3 ? 16 : 2 }))),
);
const timed = (data: readonly Uint8Array[], step: (i: number) => number): p.PcapRecord[] =>
  data.map((one, i) => ({ data: one, sec: at + step(i), fraction: i }));

const captures: Record<string, Uint8Array> = {
  micro: p.pcap(timed(stream, (i) => i)),
  nano: p.pcap(
    timed(stream, (i) => i * 40),
    { kind: 'nano', isBigEndian: true },
  ),
  modified: p.pcap(
    ethernets.map((data, i) => ({ data, sec: at + i, packetType: i })),
    { kind: 'modified' },
  ),
  swapped: p.pcap(
    timed(ethernets, (i) => i),
    { version: [2, 1] },
  ),
  backAndForth: p.pcap(timed(stream, (i) => (i % 5) * 100_000 - (i % 3) * 7)),
  late: p.pcap(timed(many.slice(0, 40), (i) => (i === 0 ? 100_000 : i * 601))),
  crowded: p.pcap(timed(many, (i) => i >> 3)),
  fragments: p.pcap(
    ['first', 'later', 'first6', 'later6'].map((name, i) => ({ data: packets[name], sec: at + i })),
    { linkType: 101 },
  ),
  raw: p.pcap(
    Object.values(packets).map((data, i) => ({ data, sec: at + i })),
    { linkType: 101 },
  ),
  tunnels: p.pcap(
    Object.values(tunnels).map((data, i) => ({ data, sec: at + i })),
    { linkType: 101 },
  ),
  fcs: p.pcap([{ data: p.bytes(frame, p.u32(0)), sec: at }], { linkWord: 0x24000001 }),
  short: p.pcap(
    timed(stream, (i) => i).map((record) => ({ ...record, data: record.data.subarray(0, 34), wireLength: 1500 })),
  ),
  cut: p.pcap(timed(stream, (i) => i)).subarray(0, -3),
  blocks: p.section([
    p.interfaceBlock({ name: 'eth0', resolution: 9 }),
    p.interfaceBlock({ linkType: 101, resolution: 0x8a, offset: -60n, fcsLength: 4, snapLength: 96 }),
    p.enhancedPacket({ data: frame, units: micro(at) * 1000n, options: [p.directionOption('out')] }),
    p.enhancedPacket({ data: dns6, units: BigInt(at) << 10n, interface: 1 }),
    p.obsoletePacket({ data: frame6, units: micro(at) * 1000n, options: [p.directionOption('in')] }),
    p.simplePacket(frame),
    p.statistics({ units: micro(at + 9) * 1000n, drops: 3n }),
    p.statistics({ units: micro(at + 99) * 1000n, startUnits: 1n, endUnits: 2n, drops: 4n, systemDrops: 9n }),
    p.custom(1, text),
  ]),
  sections: p.bytes(
    p.section([p.interfaceBlock(), ...stream.map((data, i) => p.enhancedPacket({ data, units: micro(at + i * 61) }))]),
    p.section(
      [
        p.interfaceBlock({ linkType: 113 }),
        p.enhancedPacket({ data: p.sll({ packetType: 4 }, syn), units: micro(at) }),
      ],
      {
        isBigEndian: true,
      },
    ),
  ),
};

function write(target: string, name: string, ...pieces: p.Piece[]): void {
  const folder = path.join(out, target);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, name), p.bytes(...pieces));
}

/** The prefix of decode_fuzzer.cc. */
const decoding = (link: number, choices = 0): Uint8Array => p.bytes(link, choices, 0, 0);
for (const [name, packet] of Object.entries(packets)) {
  const type = packet[0] >> 4 === 6 ? 0x86dd : 0x0800;
  write('decode', name, decoding(0), p.ethernet({ type }, packet));
}
for (const [name, packet] of Object.entries(tunnels)) write('decode', name, decoding(6, 1), packet);
for (const [name, one] of Object.entries(frames)) write('decode', `ethernet-${name}`, decoding(0), one);
for (const [name, [link, one]] of Object.entries(linked)) write('decode', `link-${name}`, decoding(link), one);

/** The prefix of capture_fuzzer.cc: once plain, once with everything that can be chosen. */
const plain = p.bytes(0, 0, 48, 0, 1, 2, 0, 7);
Object.entries(captures).forEach(([name, capture], i) => {
  write('capture', name, plain, capture);
  write('capture', `${name}-chosen`, p.bytes(i, i, i, 1 + ((i * 37) % 256) * 2, i * 11, i * 7, 128, i * 19), capture);
});
write('capture', 'two', p.bytes(0, 0, 48, 2, 1, 2, 128, 7), captures['micro'], captures['micro']);
write(
  'capture',
  'two-kinds',
  p.bytes(
    1,
    1,
    0,
    3,
    1,
    2,
    Math.floor((256 * captures['blocks'].length) / (captures['blocks'].length + captures['micro'].length)),
    7,
  ),
  captures['blocks'],
  captures['micro'],
);

/** The prefix of table_fuzzer.cc, then four bytes a packet: a few flows at ease, and many in a hurry. */
const calm = Array.from({ length: 60 }, (_, i) => [
  i % 7,
  ((i % 2) | (i % 3 === 0 ? 0x10 : 0x80)) & 0xff,
  i % 12,
  i % 8,
]);
const crowd = Array.from({ length: 300 }, (_, i) => [(i * 37) % 256, (i * 29) % 256, (i * 13) % 32, (i * 131) % 256]);
write('table', 'calm', p.bytes(0, 0, 40, 1), ...calm.flat());
write(
  'table',
  'late',
  p.bytes(2, 3, 40, 0),
  ...calm.map(([end, kind, , size]) => p.bytes(end, kind, 16 + (end % 8), size)),
);
write('table', 'crowd', p.bytes(0, 0, 0, 7), ...crowd.flat());
write('table', 'crowd-flushed', p.bytes(1, 1, 3, 128), ...crowd.flat());
