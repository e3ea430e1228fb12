// A frame for each thing that the decoder knows: IP packets, tunnels, what stands in front of IP, and link types.
import * as p from './packets.ts';

const empty = new Uint8Array();
export const text = new TextEncoder().encode('payload');
const fromUs = { src: '10.0.0.1', dst: '192.0.2.1' };
const toUs = { src: '192.0.2.1', dst: '10.0.0.1' };
export const syn = p.ipv4({ ...fromUs, protocol: 6 }, p.tcp({ flags: 2 }));
export const synAck = p.ipv4({ ...toUs, protocol: 6 }, p.tcp({ sport: 443, dport: 40000, flags: 18 }));
export const fin = p.ipv4({ ...fromUs, protocol: 6 }, p.tcp({ flags: 17 }, text));
export const dns = p.ipv4({ ...fromUs, protocol: 17 }, p.udp({ dport: 53 }, text));
export const dns6 = p.ipv6({ next: 17 }, p.udp({ dport: 53 }, text));
export const frame = p.ethernet({ type: 0x0800 }, dns);
export const frame6 = p.ethernet({ type: 0x86dd }, dns6);

/** IP packets that are unusual in themselves. */
export const packets: Record<string, Uint8Array> = {
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
export const tunnels: Record<string, Uint8Array> = {
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
  vxlanTwice: tunnel(4789, p.vxlan(7, p.ethernet({}, tunnel(4789, p.vxlan(8, frame6))))),
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
export const frames: Record<string, Uint8Array> = {
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
    new Uint8Array(6),
    frame,
  ),
  arista: p.ethernet({ type: 0xd28b }, p.bytes('00 01 00 10', new Uint8Array(8), '08 00', syn)),
  metadata: p.ethernet({ type: 0x8909 }, p.bytes('01 01 00 01 00 00 08 00', syn)),
  fabricPath: p.ethernet({ type: 0x8903 }, p.bytes('00 01', frame)),
  vnTag: p.ethernet({ type: 0x8926 }, p.bytes(p.u32(1), '08 00', syn)),
};

/** Frames of every other link type, with its number. */
export const linked: Record<string, [number, Uint8Array]> = {
  null: [0, p.bytes('02 00 00 00', syn)],
  nullSix: [0, p.bytes('00 00 00 1e', dns6)],
  tokenRing: [6, p.bytes('10 40', new Uint8Array(6), '80', new Uint8Array(5), '02 00', snap(0x0800, syn))],
  slip: [8, p.bytes(new Uint8Array(16), syn)],
  ppp: [9, p.bytes('ff 03 00 21', syn)],
  fddi: [10, p.bytes(new Uint8Array(13), snap(0x0800, syn))],
  raw: [12, syn],
  pppSerialCisco: [50, p.bytes('0f 00 08 00', syn)],
  pppoe: [51, p.bytes('11 00 00 01', p.u16(syn.length + 2), '00 21', syn)],
  ciscoHdlc: [104, p.bytes('0f 00 86 dd', dns6)],
  wlan: [105, wlan],
  wlanQos: [105, p.bytes('88 03 00 00', new Uint8Array(26), '00 00', snap(0x86dd, dns6))],
  frameRelay: [107, p.bytes('18 41 03 cc', syn)],
  frameRelaySnap: [107, p.bytes('18 41 03 00 80 00 00 00 08 00', syn)],
  frameRelayCisco: [107, p.bytes('18 41 08 00', syn)],
  loop: [108, p.bytes(p.u32(24), dns6)],
  sll: [113, p.sll({ packetType: 4 }, syn)],
  prism: [119, p.bytes(new Uint8Array(144), wlan)],
  radiotap: [127, p.bytes('00 00 0a 00', '02 00 00 00 20 00', '08 01 00 00', new Uint8Array(20), snap(0x0800, syn))],
  arcnet: [129, p.bytes('01 02 00 00 d4 00 00 01', syn)],
  avs: [163, p.bytes('80 21 10 01 00 00 00 40', new Uint8Array(56), wlan)],
  ppi: [192, p.bytes('00 00 08 00 01 00 00 00', frame)],
  ppiWlan: [192, p.bytes('00 00 08 00 69 00 00 00', wlan)],
  ipnet: [226, p.bytes('01 02 00 00', p.u32(syn.length), new Uint8Array(16), syn)],
  ipv4: [228, syn],
  ipv6: [229, dns6],
  nflog: [239, p.bytes('02 00 00 00', '08 00 01 00 08 00 01 00', '2c 00 09 00', syn)],
  infiniband: [242, p.bytes(new Uint8Array(40), '08 00 00 00', syn)],
  pktap: [
    258,
    p.bytes('6c 00 00 00 01 00 00 00 01 00 00 00', new Uint8Array(24), '02 00 00 00', new Uint8Array(68), frame),
  ],
  sll2: [276, p.bytes('86 dd 00 00 00 00 00 02 00 01 04 06', new Uint8Array(8), dns6)],
  broadcomBehind: [281, p.bytes(new Uint8Array(16), '08 00', syn)],
  broadcomFront: [282, p.bytes(new Uint8Array(4), frame)],
  marvell: [284, p.bytes(new Uint8Array(16), '08 00', syn)],
  marvellExtended: [285, p.bytes(new Uint8Array(20), '86 dd', dns6)],
  unsupported: [2, frame],
};
