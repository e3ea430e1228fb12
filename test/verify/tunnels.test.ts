// Tunnels: the outer packet is the flow, and with decapsulation the inner one.
import { describe, expect, test } from 'vitest';
import { concat, ethernet, hex, ipv4, ipv6, u16, udp, zeros } from './builder.ts';
import { countFrames, flows } from './counted.ts';

const INNER = ipv4(udp(), { src: '192.168.1.1', dst: '192.168.1.2' });
const INNER6 = ipv6(udp());
const FRAME = ethernet(0x0800, INNER);
const FOUND = ['192.168.1.1:1111 > 192.168.1.2:2222 17 1/29'];
const FOUND6 = ['2001:db8::1:1111 > 2001:db8::2:2222 17 1/49'];
const over = (protocol: number, payload: Uint8Array): Uint8Array => ethernet(0x0800, ipv4(payload, { protocol }));
const overUdp = (port: number, payload: Uint8Array): Uint8Array => over(17, udp(9, port, payload));
const LABEL = hex('000641ff');

const TUNNELS: [string, Uint8Array, string[]][] = [
  ['IPIP', over(4, INNER), FOUND],
  ['6in4', over(41, INNER6), FOUND6],
  ['4in6', ethernet(0x86dd, ipv6(INNER, { next: 4 })), FOUND],
  ['GRE', over(47, concat(hex('00000800'), INNER)), FOUND],
  ['GRE with checksum, key and sequence', over(47, concat(hex('b0000800'), zeros(12), INNER)), FOUND],
  ['GRE with routing', over(47, concat(hex('40000800'), zeros(4), hex('0800000401020304 00000000'), INNER)), FOUND],
  ['GRE version 1 with PPP', over(47, concat(hex('3081880b'), zeros(12), hex('ff030021'), INNER)), FOUND],
  ['GRE with Ethernet', over(47, concat(hex('00006558'), FRAME)), FOUND],
  ['GRE with MPLS', over(47, concat(hex('00008847'), LABEL, INNER)), FOUND],
  ['ERSPAN I', over(47, concat(hex('000088be'), FRAME)), FOUND],
  ['ERSPAN II', over(47, concat(hex('100088be 00000000 1001000000000000'), FRAME)), FOUND],
  ['ERSPAN III', over(47, concat(hex('100022eb 00000000 2001'), zeros(10), FRAME)), FOUND],
  [
    'ERSPAN III with a subheader',
    over(47, concat(hex('100022eb 00000000 2001'), zeros(9), [1], zeros(8), FRAME)),
    FOUND,
  ],
  ['VXLAN', overUdp(4789, concat(hex('0800000000000100'), FRAME)), FOUND],
  ['VXLAN-GPE', overUdp(4790, concat(hex('0c00000100000100'), INNER)), FOUND],
  ['VXLAN-GPE with NSH', overUdp(4790, concat(hex('0c00000400000100 0fc20201 00000100'), INNER)), FOUND],
  ['GENEVE with options', overUdp(6081, concat(hex('0200655800000100'), zeros(8), FRAME)), FOUND],
  ['GENEVE with IP', overUdp(6081, concat(hex('0000080000000100'), INNER)), FOUND],
  ['GTP-U', overUdp(2152, concat(hex('30ff'), u16(INNER.length), zeros(4), INNER)), FOUND],
  [
    'GTP-U with extension headers',
    overUdp(2152, concat(hex('34ff'), u16(INNER.length + 8), zeros(4), hex('00000085 01100900'), INNER)),
    FOUND,
  ],
  ['Teredo', overUdp(3544, INNER6), FOUND6],
  ['Teredo with indications', overUdp(3544, concat(hex('00010000'), zeros(9), hex('0000'), zeros(6), INNER6)), FOUND6],
  ['L2TP', overUdp(1701, concat(hex('000200010001 ff030021'), INNER)), FOUND],
  ['L2TP with every field', overUdp(1701, concat(hex('4a02'), zeros(10), hex('0002 0000 ff030021'), INNER)), FOUND],
  ['MPLS in UDP', overUdp(6635, concat(LABEL, INNER)), FOUND],
  ['MPLS in IP', over(137, concat(LABEL, INNER)), FOUND],
  ['EtherIP', over(97, concat(hex('3000'), FRAME)), FOUND],
  ['AH in tunnel mode', over(51, concat(hex('04040000'), zeros(20), INNER)), FOUND],
  ['CAPWAP', overUdp(5247, concat(hex('0010000000000000'), FRAME)), FOUND],
  ['two in each other', over(4, ipv4(concat(hex('00000800'), INNER), { protocol: 47 })), FOUND],
];

describe('with decapsulation the inner packet is the flow', () => {
  for (const [name, frame, found] of TUNNELS) {
    test(name, async () => {
      expect(flows(await countFrames([frame], {}, { decapsulate: true }))).toEqual(found);
      const [outer] = flows(await countFrames([frame]));
      expect(found).not.toContain(outer);
    });
  }
});

describe('the last usable packet stays the flow', () => {
  const OTHERS: [string, Uint8Array][] = [
    ['an ICMP error', over(1, concat(hex('0301000000000000'), INNER))],
    ['ESP', over(50, concat(zeros(8), INNER))],
    ['another port', overUdp(53, INNER)],
    ['an inner version of neither kind', over(4, hex('99000000'))],
    ['an inner header cut off by the outer length', over(4, INNER.subarray(0, 15))],
    ['a later fragment', ethernet(0x0800, ipv4(INNER, { protocol: 4, fragment: 3 }))],
  ];
  for (const [name, frame] of OTHERS) {
    test(name, async () => {
      const [found] = (await countFrames([frame], {}, { decapsulate: true })).ordered;
      expect(found.src).toBe('10.0.0.1');
    });
  }
});

test('an inner total length of 0 ends with the outer packet, not with the padding', async () => {
  const inner = ipv4(udp(), { totalLength: 0, src: '192.168.1.1', dst: '192.168.1.2' });
  const padded = concat(over(4, inner), zeros(10));
  expect(flows(await countFrames([padded], {}, { decapsulate: true }))).toEqual(FOUND);
});
