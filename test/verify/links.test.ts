// Every link type and every layer in front of IP: the same packet is found behind each of them.
import { describe, expect, test } from 'vitest';
import { concat, ethernet, hex, ipv4, ipv6, packet, pcap, plain, u16, u32, udp, zeros } from './builder.ts';
import { count, countFrames, flows, reasons } from './counted.ts';

const V4 = ipv4(udp());
const V6 = ipv6(udp());
const FOUND_V4 = ['10.0.0.1:1111 > 198.51.100.7:2222 17 1/29'];
const FOUND_V6 = ['2001:db8::1:1111 > 2001:db8::2:2222 17 1/49'];
const SNAP = hex('aaaa030000000800');
const WLAN = concat(hex('0801'), zeros(22), SNAP, V4);
const FRAME = ethernet(0x0800, V4);

function sll(type: number, hardware: number, protocol: number, payload: Uint8Array): Uint8Array {
  return concat(u16(type), u16(hardware), u16(6), zeros(8), u16(protocol), payload);
}

function sll2(type: number, protocol: number, payload: Uint8Array): Uint8Array {
  return concat(u16(protocol), zeros(6), u16(1), [type, 6], zeros(8), payload);
}

function nflog(family: number, packetBytes: Uint8Array, le: boolean): Uint8Array {
  const tlv = (type: number, value: Uint8Array): Uint8Array =>
    concat(u16(value.length + 4, le), u16(type, le), value, zeros((4 - (value.length % 4)) % 4));
  return concat([family, 0, 0, 0], tlv(10, hex('464f4f00')), tlv(9, packetBytes));
}

function pktap(linkType: number, flags: number, frame: Uint8Array): Uint8Array {
  return concat(u32(108, true), u32(1, true), u32(linkType, true), zeros(24), u32(flags, true), zeros(68), frame);
}

const LINKS: [string, number, Uint8Array, string[]][] = [
  ['Ethernet', 1, FRAME, FOUND_V4],
  ['null, little endian', 0, concat(u32(2, true), V4), FOUND_V4],
  ['null, big endian', 0, concat(u32(2), V4), FOUND_V4],
  ['null, IPv6 of FreeBSD', 0, concat(u32(28, true), V6), FOUND_V6],
  ['loop', 108, concat(u32(2), V4), FOUND_V4],
  ['loop, IPv6 of OpenBSD', 108, concat(u32(24), V6), FOUND_V6],
  ['raw IP 12', 12, V4, FOUND_V4],
  ['raw IP 14', 14, V6, FOUND_V6],
  ['raw IP 101', 101, V6, FOUND_V6],
  ['IPv4 228', 228, V4, FOUND_V4],
  ['IPv4 228 with IPv6', 228, V6, FOUND_V6],
  ['IPv6 229', 229, V6, FOUND_V6],
  ['SLL', 113, sll(0, 1, 0x0800, V4), FOUND_V4],
  ['SLL, LLC', 113, sll(0, 1, 4, concat(SNAP, V4)), FOUND_V4],
  ['SLL2', 276, sll2(0, 0x86dd, V6), FOUND_V6],
  ['PPP', 9, concat(hex('ff030021'), V4), FOUND_V4],
  ['PPP, compressed fields', 9, concat(hex('21'), V4), FOUND_V4],
  ['PPP serial', 50, concat(hex('ff030057'), V6), FOUND_V6],
  ['PPP serial, Cisco HDLC', 50, concat(hex('0f000800'), V4), FOUND_V4],
  ['PPPoE', 51, concat(hex('11000001'), u16(V4.length + 2), hex('0021'), V4), FOUND_V4],
  ['Cisco HDLC', 104, concat(hex('0f000800'), V4), FOUND_V4],
  ['802.11', 105, WLAN, FOUND_V4],
  ['802.11 QoS', 105, concat(hex('8801'), zeros(24), SNAP, V4), FOUND_V4],
  ['802.11 four addresses', 105, concat(hex('0803'), zeros(28), SNAP, V4), FOUND_V4],
  [
    '802.11 A-MSDU',
    105,
    concat(hex('8801'), zeros(22), hex('8000'), zeros(12), u16(8 + V4.length), SNAP, V4),
    FOUND_V4,
  ],
  ['radiotap', 127, concat(hex('0000080000000000'), WLAN), FOUND_V4],
  [
    'radiotap with a padded header',
    127,
    concat(hex('00000900 02000000 20'), hex('8801'), zeros(24), zeros(2), SNAP, V4),
    FOUND_V4,
  ],
  ['PPI', 192, concat(hex('00000800'), u32(1, true), FRAME), FOUND_V4],
  ['PPI with 802.11', 192, concat(hex('00000800'), u32(105, true), WLAN), FOUND_V4],
  ['NFLOG', 239, nflog(2, V4, true), FOUND_V4],
  ['NFLOG, big endian', 239, nflog(10, V6, false), FOUND_V6],
  ['IP over InfiniBand', 242, concat(zeros(40), hex('08000000'), V4), FOUND_V4],
  ['Frame Relay', 107, concat(hex('184103cc'), V4), FOUND_V4],
  ['Frame Relay, SNAP', 107, concat(hex('1841030080000000 0800'), V4), FOUND_V4],
  ['Frame Relay, Cisco', 107, concat(hex('18410800'), V4), FOUND_V4],
  ['SLIP', 8, concat(zeros(16), V4), FOUND_V4],
  ['PKTAP', 258, pktap(1, 1, FRAME), FOUND_V4],
  ['ipnet', 226, concat(hex('0102000000000000'), zeros(16), V4), []],
  ['ipnet with its length', 226, concat(hex('01020000'), u32(V4.length), zeros(16), V4), FOUND_V4],
  ['ARCNET', 129, concat(hex('01020000f0'), V4), FOUND_V4],
  ['token ring', 6, concat(hex('1040'), zeros(12), SNAP, V4), FOUND_V4],
  ['FDDI', 10, concat(hex('50'), zeros(12), SNAP, V4), FOUND_V4],
  ['Broadcom tag', 281, concat(zeros(12), zeros(4), hex('0800'), V4), FOUND_V4],
  ['DSA', 284, concat(zeros(12), zeros(4), hex('0800'), V4), FOUND_V4],
];

describe('link types', () => {
  for (const [name, linkType, frame, found] of LINKS) {
    test(name, async () => {
      expect(flows(await countFrames([frame], { linkType }))).toEqual(found);
    });
  }

  test('any other is not supported', async () => {
    expect(await countFrames([FRAME], { linkType: 147 })).toMatchObject({ refused: true });
  });

  test('cooked captures and PKTAP tell the direction', async () => {
    const directionOf = async (linkType: number, frame: Uint8Array): Promise<string> => {
      const [entry] = (await countFrames([frame], { linkType })).ordered;
      return `${entry.rule} ${entry.direction}`;
    };
    expect(await directionOf(113, sll(4, 1, 0x0800, V4))).toBe('capture out');
    expect(await directionOf(113, sll(0, 1, 0x0800, V4))).toBe('capture in');
    expect(await directionOf(113, sll(3, 1, 0x0800, V4))).toBe('private out');
    expect(await directionOf(276, sll2(4, 0x0800, V4))).toBe('capture out');
    expect(await directionOf(258, pktap(1, 1, FRAME))).toBe('capture in');
    expect(await directionOf(258, pktap(1, 2, FRAME))).toBe('capture out');
  });
});

const ICV = zeros(16);
const LABEL = hex('000641ff');
const LAYERS: [string, number, Uint8Array][] = [
  ['802.1Q', 0x8100, concat(hex('00010800'), V4)],
  ['802.1ad and 802.1Q', 0x88a8, concat(hex('0001 8100 0002 0800'), V4)],
  ['QinQ 9100', 0x9100, concat(hex('00010800'), V4)],
  ['QinQ 9200', 0x9200, concat(hex('00010800'), V4)],
  ['a tag with LLC', 0x8100, concat(hex('0001'), u16(8 + V4.length), SNAP, V4)],
  ['PBB', 0x88e7, concat(zeros(16), hex('0800'), V4)],
  ['MPLS', 0x8847, concat(hex('00064000'), LABEL, V4)],
  ['MPLS pseudowire with a control word', 0x8847, concat(LABEL, zeros(4), FRAME)],
  ['MPLS pseudowire without', 0x8847, concat(LABEL, FRAME)],
  ['MPLS associated channel', 0x8847, concat(LABEL, hex('10000021'), V4)],
  ['PPPoE', 0x8864, concat(hex('11000001'), u16(V4.length + 2), hex('0021'), V4)],
  ['NSH', 0x894f, concat(hex('0fc20201 00000100'), V4)],
  ['NSH with Ethernet', 0x894f, concat(hex('0fc20203 00000100'), FRAME)],
  ['MACsec', 0x88e5, concat(hex('000000000001 0800'), V4, ICV)],
  ['MACsec with a channel', 0x88e5, concat(hex('200000000001'), zeros(8), hex('0800'), V4, ICV)],
  ['LLC and SNAP', 8 + V4.length, concat(SNAP, V4)],
  ['LLC', 3 + V4.length, concat(hex('060603'), V4)],
  ['Arista, 64 bits', 0xd28b, concat(hex('00010010'), zeros(8), hex('0800'), V4)],
  ['Arista, 48 bits', 0xd28b, concat(hex('00010020'), zeros(6), hex('0800'), V4)],
  ['VN-Tag', 0x8926, concat(zeros(4), hex('0800'), V4)],
  ['E-TAG', 0x893f, concat(zeros(6), hex('0800'), V4)],
  ['R-TAG', 0xf1c1, concat(zeros(4), hex('0800'), V4)],
  ['HSR', 0x892f, concat(zeros(4), hex('0800'), V4)],
  ['TRILL', 0x22f3, concat(zeros(6), FRAME)],
  ['FabricPath', 0x8903, concat(hex('0001'), FRAME)],
  ['Cisco MetaData', 0x8909, concat(hex('010100010000 0800'), V4)],
  ['bridged Ethernet', 0x6558, FRAME],
  ['PPP', 0x880b, concat(hex('0021'), V4)],
];

describe('layers in front of IP', () => {
  for (const [name, type, payload] of LAYERS) {
    test(name, async () => {
      expect(flows(await countFrames([ethernet(type, payload)]))).toEqual(FOUND_V4);
    });
  }

  const NONE: [string, number, Uint8Array, string][] = [
    ['ARP', 0x0806, zeros(28), 'not_ip'],
    ['MACsec, encrypted', 0x88e5, concat(hex('0c0000000001 0800'), V4, ICV), 'not_ip'],
    ['a type of neither kind', 1501, concat(SNAP, V4), 'not_ip'],
    ['802.3 that ends in the header', 10, concat(SNAP, V4), 'malformed'],
    ['IPv4 where IPv6 is claimed', 0x86dd, V4, 'malformed'],
    ['version 5', 0x0800, concat([0x55], V4.subarray(1)), 'malformed'],
  ];
  for (const [name, type, payload, reason] of NONE) {
    test(`${name}: ${reason}`, async () => {
      expect(reasons(await countFrames([ethernet(type, payload)]))).toEqual({ [reason]: 1 });
    });
  }

  test('a frame without bytes is not IP, one cut by the capture is truncated', async () => {
    expect(reasons(await countFrames([zeros(0)]))).toEqual({ not_ip: 1 });
    const cut = (captured: number): Uint8Array => pcap([packet(plain(), { captured })]);
    expect(reasons(await count(cut(13)))).toEqual({ truncated: 1 });
    expect(reasons(await count(cut(33)))).toEqual({ truncated: 1 });
    expect(reasons(await count(cut(34)))).toEqual({});
    expect(reasons(await countFrames([plain().subarray(0, 33)]))).toEqual({ malformed: 1 });
    expect(reasons(await countFrames([plain().subarray(0, 13)]))).toEqual({ not_ip: 1 });
  });
});
