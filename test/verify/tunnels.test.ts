// Tunnels: the outer packet is the flow, and with decapsulation the inner one.
import { describe, expect, test } from 'vitest';
import * as p from '../packets.ts';
import { countFrames, flows } from './counted.ts';
import { FLOW_V6, UDP, V6 } from './samples.ts';

const PRIVATE = { src: '192.168.1.1', dst: '192.168.1.2' };
const INNER = p.ipv4(PRIVATE, UDP);
const FRAME = p.ethernet({}, INNER);
const FOUND = ['192.168.1.1:40000 > 192.168.1.2:53 17 1/29'];
const FOUND6 = [`${FLOW_V6} 1/49`];
const over = (protocol: number, payload: Uint8Array): Uint8Array => p.ethernet({}, p.ipv4({ protocol }, payload));
const overUdp = (port: number, payload: Uint8Array): Uint8Array => over(17, p.udp({ sport: 9, dport: port }, payload));
const LABEL = p.bytes('000641ff');

const TUNNELS: [string, Uint8Array, string[]][] = [
  ['IPIP', over(4, INNER), FOUND],
  ['6in4', over(41, V6), FOUND6],
  ['4in6', p.ethernet({ type: 0x86dd }, p.ipv6({ next: 4 }, INNER)), FOUND],
  ['GRE', over(47, p.bytes('00000800', INNER)), FOUND],
  ['GRE with checksum, key and sequence', over(47, p.bytes('b0000800', p.zeros(12), INNER)), FOUND],
  ['GRE with routing', over(47, p.bytes('40000800', p.zeros(4), '0800000401020304 00000000', INNER)), FOUND],
  ['GRE version 1 with PPP', over(47, p.bytes('3081880b', p.zeros(12), 'ff030021', INNER)), FOUND],
  ['GRE with Ethernet', over(47, p.bytes('00006558', FRAME)), FOUND],
  ['GRE with MPLS', over(47, p.bytes('00008847', LABEL, INNER)), FOUND],
  ['ERSPAN I', over(47, p.bytes('000088be', FRAME)), FOUND],
  ['ERSPAN II', over(47, p.bytes('100088be 00000000 1001000000000000', FRAME)), FOUND],
  ['ERSPAN III', over(47, p.bytes('100022eb 00000000 2001', p.zeros(10), FRAME)), FOUND],
  ['ERSPAN III with a subheader', over(47, p.bytes('100022eb 00000000 2001', p.zeros(9), 1, p.zeros(8), FRAME)), FOUND],
  ['VXLAN', overUdp(4789, p.bytes('0800000000000100', FRAME)), FOUND],
  ['VXLAN-GPE', overUdp(4790, p.bytes('0c00000100000100', INNER)), FOUND],
  ['VXLAN-GPE with NSH', overUdp(4790, p.bytes('0c00000400000100 0fc20201 00000100', INNER)), FOUND],
  ['GENEVE with options', overUdp(6081, p.bytes('0200655800000100', p.zeros(8), FRAME)), FOUND],
  ['GENEVE with IP', overUdp(6081, p.bytes('0000080000000100', INNER)), FOUND],
  ['GTP-U', overUdp(2152, p.bytes('30ff', p.u16(INNER.length), p.zeros(4), INNER)), FOUND],
  [
    'GTP-U with extension headers',
    overUdp(2152, p.bytes('34ff', p.u16(INNER.length + 8), p.zeros(4), '00000085 01100900', INNER)),
    FOUND,
  ],
  ['Teredo', overUdp(3544, V6), FOUND6],
  ['Teredo with indications', overUdp(3544, p.bytes('00010000', p.zeros(9), '0000', p.zeros(6), V6)), FOUND6],
  ['L2TP', overUdp(1701, p.bytes('000200010001 ff030021', INNER)), FOUND],
  ['L2TP with every field', overUdp(1701, p.bytes('4a02', p.zeros(10), '0002 0000 ff030021', INNER)), FOUND],
  ['MPLS in UDP', overUdp(6635, p.bytes(LABEL, INNER)), FOUND],
  ['MPLS in IP', over(137, p.bytes(LABEL, INNER)), FOUND],
  ['EtherIP', over(97, p.bytes('3000', FRAME)), FOUND],
  ['AH in tunnel mode', over(51, p.bytes('04040000', p.zeros(20), INNER)), FOUND],
  ['CAPWAP', overUdp(5247, p.bytes('0010000000000000', FRAME)), FOUND],
  ['two in each other', over(4, p.ipv4({ protocol: 47 }, p.gre(0x0800, INNER))), FOUND],
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
    ['an ICMP error', over(1, p.bytes('0301000000000000', INNER))],
    ['ESP', over(50, p.bytes(p.zeros(8), INNER))],
    ['another port', overUdp(53, INNER)],
    ['an inner version of neither kind', over(4, p.bytes('99000000'))],
    ['an inner header cut off by the outer length', over(4, INNER.subarray(0, 15))],
    ['a later fragment', p.ethernet({}, p.ipv4({ protocol: 4, fragmentOffset: 24 }, INNER))],
  ];
  for (const [name, frame] of OTHERS) {
    test(name, async () => {
      const [found] = (await countFrames([frame], {}, { decapsulate: true })).ordered;
      expect(found.src).toBe('10.0.0.1');
    });
  }
});

test('an inner total length of 0 ends with the outer packet, not with the padding', async () => {
  const inner = p.ipv4({ ...PRIVATE, totalLength: 0 }, UDP);
  const padded = p.bytes(over(4, inner), p.zeros(10));
  expect(flows(await countFrames([padded], {}, { decapsulate: true }))).toEqual(FOUND);
});
