// A capture is cut into chunks wherever that falls: in long records, between the parts of a packet, in front of what
// changes how the rest is read, and in front of damage.
import { describe, expect, test } from 'vitest';
import * as p from '../packets.ts';
import { EveryManner, OPTIONS } from './every_manner.ts';
import { HEAD_RECORDS, START, datagram, enhanced, headedPcap, headedPcapng, ordinary } from './headed.ts';
import type { Replayed } from './replayed.ts';

const manners = new EveryManner();
const guessesOf = (replays: readonly Replayed[]): number => replays.reduce((sum, { guesses }) => sum + guesses, 0);

type Entry = Record<string, string>;
const entriesOf = ({ lines }: Replayed): Entry[] => lines.map((line) => JSON.parse(line) as Entry);

describe('records', () => {
  /** As long as 16 bits of an IP length can tell, and as long as a record may be. */
  const long = [65_535, 262_144].flatMap((captured) => [
    ...ordinary(100, 10),
    { sec: START + 20, data: p.bytes(datagram(7), new Uint8Array(captured - datagram(7).length)) },
    { sec: START + 20, data: p.bytes(datagram(8), new Uint8Array(captured - datagram(8).length)) },
  ]);

  test('that are longer than chunks', async () => {
    for (const capture of [
      headedPcap([...long, ...ordinary(300, 30)]),
      headedPcapng([...long, ...ordinary(300, 30)].map((r) => enhanced(r))),
    ]) {
      const { one, others } = await manners.replay(capture);
      expect(one.accounting.packets).toMatchObject({ seen: HEAD_RECORDS + 504, logged: 504 });
      expect(guessesOf(others)).toBeGreaterThan(0);
    }
  });

  test.each<[string, (i: number) => p.PcapRecord]>([
    ['without a byte', (i) => ({ sec: START + i, data: new Uint8Array() })],
    ['that are days apart', (i) => ({ sec: START + i * 100_000, data: datagram(i) })],
    ['with fractions that are more than a second', (i) => ({ sec: START + i, fraction: 1_500_000, data: datagram(i) })],
    ['of which more was captured than sent', (i) => ({ sec: START + i, data: datagram(i), wireLength: 40 })],
  ])('%s, which nobody guesses', async (_, record) => {
    const records = Array.from({ length: 600 }, (__, i) => record(i));
    const { one, others } = await manners.replay(headedPcap(records));
    expect(one.accounting.packets.seen).toBe(HEAD_RECORDS + 600);
    expect(guessesOf(others)).toBe(0);
    const beside = await manners.replay(headedPcap([...records, ...ordinary(1000)]));
    expect(guessesOf(beside.others)).toBeGreaterThan(0);
  });
});

test('later fragments have the ports of first ones that are chunks in front of them', async () => {
  const v4 = (id: number): [Uint8Array, Uint8Array] => [
    p.ipv4({ id, hasMoreFragments: true }, p.udp({ sport: 5000 + id }, new Uint8Array(8))),
    p.ipv4({ id, fragmentOffset: 16 }, new Uint8Array(20)),
  ];
  const v6 = (id: number): [Uint8Array, Uint8Array] => [
    p.ipv6({ next: 44 }, p.fragment6({ id, hasMore: true }, p.udp({ sport: 6000 + id }, new Uint8Array(8)))),
    p.ipv6({ next: 44 }, p.fragment6({ id, offset: 16 }, new Uint8Array(20))),
  ];
  const framed = (packet: Uint8Array): p.PcapRecord => ({
    sec: START,
    data: p.ethernet({ type: packet[0] >> 4 === 6 ? 0x86dd : 0x0800 }, packet),
  });
  // The first ones of each group stand two chunks in front of its later ones.
  const groups = Array.from({ length: 20 }, (_, group) => {
    const pairs = [0, 1, 2].flatMap((i) => [v4(group * 3 + i), v6(group * 3 + i)]);
    return [...pairs.map(([first]) => framed(first)), ...ordinary(90), ...pairs.map(([, later]) => framed(later))];
  });
  const { one, others } = await manners.replay(headedPcap(groups.flat()));
  const joined = entriesOf(one).filter(({ srcport }) => Number(srcport) >= 5000);
  expect(joined.map(({ packets }) => packets)).toEqual(Array<string>(120).fill('2'));
  expect(entriesOf(one).filter(({ srcport, action }) => srcport === '-' && action === 'ACCEPT')).toEqual([]);
  expect(guessesOf(others)).toBeGreaterThan(0);
});

test('the latest time goes with the chunks, also to those that none of its packets is for', async () => {
  const [here, there] = ['198.51.100.1', '192.0.2.1'];
  const between = (src: string, dst: string): Uint8Array => p.ethernet({}, p.ipv4({ src, dst }, p.udp({ sport: 53 })));
  // Where a chunk ends with the packet in the middle, only its time tells that the flow was idle and is opened anew, from
  // the other side. It closes no window, and each group has a window of its own, so that this is seen.
  const groups = Array.from({ length: 1000 }, (_, i) => [
    { sec: START + i * 100 + 10, data: between(here, there) },
    { sec: START + i * 100 + 60, data: between(here, i % 2 ? '224.0.0.1' : `192.0.2.${10 + (i % 90)}`) },
    { sec: START + i * 100 + 11, data: between(there, here) },
  ]);
  const { one } = await manners.replay(headedPcap(groups.flat()), { ...OPTIONS, windowSeconds: 100 });
  expect(one.accounting.direction).toMatchObject({ opener: one.accounting.packets.logged });
});

describe('damage far behind the head ends the reading there, and says where', () => {
  const before = ordinary(700);
  const after = ordinary(700, 100);
  const blocks = (some: readonly p.PcapRecord[]): p.Block[] => some.map((r) => enhanced(r));
  const whole = headedPcap(before);
  const wholeNg = headedPcapng(blocks(before));
  const between = (block: p.Block): Uint8Array => headedPcapng([...blocks(before), block, ...blocks(after)]);

  test.each<[string, Uint8Array, number]>([
    ['record_lies', headedPcap([...before, { data: datagram(1), capturedLength: 262_145 }, ...after]), 700],
    ['record_cut', headedPcap([...before, { data: datagram(1), capturedLength: 200_000 }, ...after]), 700],
    ['record_cut', whole.subarray(0, -1), 699],
    ['record_cut', whole.subarray(0, -(16 + before[0].data.length) + 7), 699],
    ['block_cut', wholeNg.subarray(0, -1), 699],
    ['block_lies', between(() => p.bytes('06 00 00 00 08 00 00 00')), 700],
    [
      'block_lies',
      between((order) => p.bytes(p.custom(1, new Uint8Array(9000))(order).subarray(0, -4), p.u32(1))),
      700,
    ],
    ['block_cut', between((order) => p.bytes(order.u32(0xbad), order.u32(0x7ffffff0))), 700],
    ['interface_unknown', between(enhanced(before[0], { interface: 3 })), 700],
    ['record_lies', between(enhanced(before[0], { capturedLength: 5000, options: [p.option(1, p.u32(0))] })), 700],
  ])('%s', async (damage, capture, read) => {
    const { one, others } = await manners.replay(capture);
    expect(one.accounting.packets.seen).toBe(HEAD_RECORDS + read);
    expect(one.accounting.incomplete).toMatchObject([{ damage }]);
    expect(guessesOf(others)).toBeGreaterThan(0);
  });
});
