// Every link type and every layer in front of IP: the same packet is found behind each of them.
import { describe, expect, test } from 'vitest';
import * as p from '../packets.ts';
import { count, countFrames, flows, reasons } from './counted.ts';
import { FLOW_V4, FLOW_V6, V4, V6, cut, plain } from './samples.ts';

const FOUND_V4 = [`${FLOW_V4} 1/29`];
const FOUND_V6 = [`${FLOW_V6} 1/49`];
const SNAP = p.bytes('aaaa030000000800');
const WLAN = p.bytes('0801', p.zeros(22), SNAP, V4);
const FRAME = p.ethernet({}, V4);

function sll2(type: number, protocol: number, payload: Uint8Array): Uint8Array {
  return p.bytes(p.u16(protocol), p.zeros(6), p.u16(1), type, 6, p.zeros(8), payload);
}

function nflog(family: number, packet: Uint8Array, isBigEndian: boolean): Uint8Array {
  const order = p.byteOrder(isBigEndian);
  const tlv = (type: number, value: Uint8Array): Uint8Array =>
    p.bytes(order.u16(value.length + 4), order.u16(type), value, p.zeros(-value.length & 3));
  return p.bytes(family, p.zeros(3), tlv(10, p.bytes('464f4f00')), tlv(9, packet));
}

function pktap(linkType: number, flags: number, frame: Uint8Array): Uint8Array {
  const { u32 } = p.byteOrder(false);
  return p.bytes(u32(108), u32(1), u32(linkType), p.zeros(24), u32(flags), p.zeros(68), frame);
}

const LINKS: [string, number, Uint8Array, string[]][] = [
  ['Ethernet', 1, FRAME, FOUND_V4],
  ['null, little endian', 0, p.bytes('02000000', V4), FOUND_V4],
  ['null, big endian', 0, p.bytes(p.u32(2), V4), FOUND_V4],
  ['null, IPv6 of FreeBSD', 0, p.bytes('1c000000', V6), FOUND_V6],
  ['loop', 108, p.bytes(p.u32(2), V4), FOUND_V4],
  ['loop, IPv6 of OpenBSD', 108, p.bytes(p.u32(24), V6), FOUND_V6],
  ['raw IP 12', 12, V4, FOUND_V4],
  ['raw IP 14', 14, V6, FOUND_V6],
  ['raw IP 101', 101, V6, FOUND_V6],
  ['IPv4 228', 228, V4, FOUND_V4],
  ['IPv4 228 with IPv6', 228, V6, FOUND_V6],
  ['IPv6 229', 229, V6, FOUND_V6],
  ['SLL', 113, p.sll({}, V4), FOUND_V4],
  ['SLL, LLC', 113, p.sll({ protocol: 4 }, p.bytes(SNAP, V4)), FOUND_V4],
  ['SLL2', 276, sll2(0, 0x86dd, V6), FOUND_V6],
  ['PPP', 9, p.bytes('ff030021', V4), FOUND_V4],
  ['PPP, compressed fields', 9, p.bytes('21', V4), FOUND_V4],
  ['PPP serial', 50, p.bytes('ff030057', V6), FOUND_V6],
  ['PPP serial, Cisco HDLC', 50, p.bytes('0f000800', V4), FOUND_V4],
  ['PPPoE', 51, p.bytes('11000001', p.u16(V4.length + 2), '0021', V4), FOUND_V4],
  ['Cisco HDLC', 104, p.bytes('0f000800', V4), FOUND_V4],
  ['802.11', 105, WLAN, FOUND_V4],
  ['802.11 QoS', 105, p.bytes('8801', p.zeros(24), SNAP, V4), FOUND_V4],
  ['802.11 four addresses', 105, p.bytes('0803', p.zeros(28), SNAP, V4), FOUND_V4],
  ['802.11 A-MSDU', 105, p.bytes('8801', p.zeros(22), '8000', p.zeros(12), p.u16(8 + V4.length), SNAP, V4), FOUND_V4],
  ['radiotap', 127, p.bytes('0000080000000000', WLAN), FOUND_V4],
  [
    'radiotap with a padded header',
    127,
    p.bytes('00000900 02000000 20', '8801', p.zeros(24), p.zeros(2), SNAP, V4),
    FOUND_V4,
  ],
  ['PPI', 192, p.bytes('00000800', '01000000', FRAME), FOUND_V4],
  ['PPI with 802.11', 192, p.bytes('00000800', '69000000', WLAN), FOUND_V4],
  ['NFLOG', 239, nflog(2, V4, false), FOUND_V4],
  ['NFLOG, big endian', 239, nflog(10, V6, true), FOUND_V6],
  ['IP over InfiniBand', 242, p.bytes(p.zeros(40), '08000000', V4), FOUND_V4],
  ['Frame Relay', 107, p.bytes('184103cc', V4), FOUND_V4],
  ['Frame Relay, SNAP', 107, p.bytes('1841030080000000 0800', V4), FOUND_V4],
  ['Frame Relay, Cisco', 107, p.bytes('18410800', V4), FOUND_V4],
  ['SLIP', 8, p.bytes(p.zeros(16), V4), FOUND_V4],
  ['PKTAP', 258, pktap(1, 1, FRAME), FOUND_V4],
  ['ipnet', 226, p.bytes('0102000000000000', p.zeros(16), V4), []],
  ['ipnet with its length', 226, p.bytes('01020000', p.u32(V4.length), p.zeros(16), V4), FOUND_V4],
  ['ARCNET', 129, p.bytes('01020000f0', V4), FOUND_V4],
  ['token ring', 6, p.bytes('1040', p.zeros(12), SNAP, V4), FOUND_V4],
  ['FDDI', 10, p.bytes('50', p.zeros(12), SNAP, V4), FOUND_V4],
  ['Broadcom tag', 281, p.bytes(p.zeros(12), p.zeros(4), '0800', V4), FOUND_V4],
  ['DSA', 284, p.bytes(p.zeros(12), p.zeros(4), '0800', V4), FOUND_V4],
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
    expect(await directionOf(113, p.sll({ packetType: 4 }, V4))).toBe('capture out');
    expect(await directionOf(113, p.sll({}, V4))).toBe('capture in');
    expect(await directionOf(113, p.sll({ packetType: 3 }, V4))).toBe('private out');
    expect(await directionOf(276, sll2(4, 0x0800, V4))).toBe('capture out');
    expect(await directionOf(258, pktap(1, 1, FRAME))).toBe('capture in');
    expect(await directionOf(258, pktap(1, 2, FRAME))).toBe('capture out');
  });
});

const ICV = p.zeros(16);
const LABEL = p.bytes('000641ff');
const LAYERS: [string, number, Uint8Array][] = [
  ['802.1Q', 0x8100, p.bytes('00010800', V4)],
  ['802.1ad and 802.1Q', 0x88a8, p.bytes('0001 8100 0002 0800', V4)],
  ['QinQ 9100', 0x9100, p.bytes('00010800', V4)],
  ['QinQ 9200', 0x9200, p.bytes('00010800', V4)],
  ['a tag with LLC', 0x8100, p.bytes('0001', p.u16(8 + V4.length), SNAP, V4)],
  ['PBB', 0x88e7, p.bytes(p.zeros(16), '0800', V4)],
  ['MPLS', 0x8847, p.bytes('00064000', LABEL, V4)],
  ['MPLS pseudowire with a control word', 0x8847, p.bytes(LABEL, p.zeros(4), FRAME)],
  ['MPLS pseudowire without', 0x8847, p.bytes(LABEL, FRAME)],
  ['MPLS associated channel', 0x8847, p.bytes(LABEL, '10000021', V4)],
  ['PPPoE', 0x8864, p.bytes('11000001', p.u16(V4.length + 2), '0021', V4)],
  ['NSH', 0x894f, p.bytes('0fc20201 00000100', V4)],
  ['NSH with Ethernet', 0x894f, p.bytes('0fc20203 00000100', FRAME)],
  ['MACsec', 0x88e5, p.bytes('000000000001 0800', V4, ICV)],
  ['MACsec with a channel', 0x88e5, p.bytes('200000000001', p.zeros(8), '0800', V4, ICV)],
  ['LLC and SNAP', 8 + V4.length, p.bytes(SNAP, V4)],
  ['LLC', 3 + V4.length, p.bytes('060603', V4)],
  ['Arista, 64 bits', 0xd28b, p.bytes('00010010', p.zeros(8), '0800', V4)],
  ['Arista, 48 bits', 0xd28b, p.bytes('00010020', p.zeros(6), '0800', V4)],
  ['VN-Tag', 0x8926, p.bytes(p.zeros(4), '0800', V4)],
  ['E-TAG', 0x893f, p.bytes(p.zeros(6), '0800', V4)],
  ['R-TAG', 0xf1c1, p.bytes(p.zeros(4), '0800', V4)],
  ['HSR', 0x892f, p.bytes(p.zeros(4), '0800', V4)],
  ['TRILL', 0x22f3, p.bytes(p.zeros(6), FRAME)],
  ['FabricPath', 0x8903, p.bytes('0001', FRAME)],
  ['Cisco MetaData', 0x8909, p.bytes('010100010000 0800', V4)],
  ['bridged Ethernet', 0x6558, FRAME],
  ['PPP', 0x880b, p.bytes('0021', V4)],
];

describe('layers in front of IP', () => {
  for (const [name, type, payload] of LAYERS) {
    test(name, async () => {
      expect(flows(await countFrames([p.ethernet({ type }, payload)]))).toEqual(FOUND_V4);
    });
  }

  const NONE: [string, number, Uint8Array, string][] = [
    ['ARP', 0x0806, p.zeros(28), 'not_ip'],
    ['MACsec, encrypted', 0x88e5, p.bytes('0c0000000001 0800', V4, ICV), 'not_ip'],
    ['a type of neither kind', 1501, p.bytes(SNAP, V4), 'not_ip'],
    ['802.3 that ends in the header', 10, p.bytes(SNAP, V4), 'malformed'],
    ['IPv4 where IPv6 is claimed', 0x86dd, V4, 'malformed'],
    ['version 5', 0x0800, p.bytes(0x55, V4.subarray(1)), 'malformed'],
  ];
  for (const [name, type, payload, reason] of NONE) {
    test(`${name}: ${reason}`, async () => {
      expect(reasons(await countFrames([p.ethernet({ type }, payload)]))).toEqual({ [reason]: 1 });
    });
  }

  test('a frame without bytes is not IP, one cut by the capture is truncated', async () => {
    expect(reasons(await countFrames([p.zeros(0)]))).toEqual({ not_ip: 1 });
    const captured = (size: number): Uint8Array => p.pcap([cut(plain(), size)]);
    expect(reasons(await count(captured(13)))).toEqual({ truncated: 1 });
    expect(reasons(await count(captured(33)))).toEqual({ truncated: 1 });
    expect(reasons(await count(captured(34)))).toEqual({});
    expect(reasons(await countFrames([plain().subarray(0, 33)]))).toEqual({ malformed: 1 });
    expect(reasons(await countFrames([plain().subarray(0, 13)]))).toEqual({ not_ip: 1 });
  });
});
