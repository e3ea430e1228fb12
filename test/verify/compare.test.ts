// The comparer: equal is equal, and one changed digit is found where it is.
import { describe, expect, test } from 'vitest';
import { type Comparison, compareLines } from '../../src/verify/compare.ts';
import type { Model } from '../../src/verify/model.ts';
import * as p from '../packets.ts';
import { OPTIONS, count, gapLine, linesOf } from './counted.ts';
import { plain } from './samples.ts';

const FRAMES: [number, Uint8Array][] = [
  [1000, p.ethernet({}, p.ipv4({ protocol: 6 }, p.tcp({ sport: 1111, dport: 80 })))],
  [1001, plain()],
  [1300, plain()],
];

function model(): Promise<Model> {
  return count(p.pcap(FRAMES.map(([sec, data]) => ({ sec, data }))));
}

async function compared(change: (lines: string[]) => string[]): Promise<Comparison> {
  const counted = await model();
  return compareLines(counted, change(linesOf(counted)), OPTIONS);
}

test('the same entries are equal, in any order', async () => {
  expect(await compared((lines) => lines)).toEqual({ equal: true, checked: 7, differing: 0, differences: [] });
  expect(await compared((lines) => lines.reverse())).toMatchObject({ equal: true });
});

test('an entry split into several that add up is equal', async () => {
  const counted = await count(p.pcap([{ data: plain() }, { data: plain() }]));
  const [line] = linesOf(counted);
  const half = line.replace('"packets":"2"', '"packets":"1"').replace('"bytes":"58"', '"bytes":"29"');
  expect(await compareLines(counted, [half, half], OPTIONS)).toMatchObject({ equal: true, checked: 2 });
  expect(await compareLines(counted, [half], OPTIONS)).toMatchObject({ equal: false });
});

describe('an entry and a supplementary one of the same key', () => {
  /** Two packets in the window, one of the other side that closes it, and two late ones. */
  const frames = [1000, 1001, 1023, 1010, 1012].map((sec) => ({ data: plain(sec === 1023 ? 2 : 1), sec }));
  const comparedLate = async (change: (lines: string[]) => string[]): Promise<Comparison> => {
    const counted = await count(p.pcap(frames));
    return compareLines(counted, change(linesOf(counted)), OPTIONS);
  };

  test('are equal, in any order', async () => {
    expect(await comparedLate((lines) => lines)).toMatchObject({ equal: true, checked: 3 });
    expect(await comparedLate((lines) => lines.reverse())).toMatchObject({ equal: true, checked: 3 });
  });

  test('are not one entry, though it sums up', async () => {
    const result = await comparedLate(([regular, , other]) => [
      regular.replace('"packets":"2"', '"packets":"4"').replace('"bytes":"58"', '"bytes":"116"'),
      other,
    ]);
    expect(result.differences).toEqual([expect.stringContaining(': entries: expected 2, found 1 (line 1)')]);
  });

  test('each have their own packets, start and end', async () => {
    const CHANGES: [string, string, string, string][] = [
      ['packets', '"packets":"2"', '"packets":"1"', '"packets":"3"'],
      ['bytes', '"bytes":"58"', '"bytes":"57"', '"bytes":"59"'],
      ['start', '"start":"1010"', '"start":"1009"', '"start":"1009"'],
      ['end', '"end":"1020"', '"end":"1020"', '"end":"1019"'],
    ];
    for (const [field, from, toRegular, toLate] of CHANGES) {
      const { differences } = await comparedLate(([regular, late, other]) => [
        regular.replace(from, toRegular),
        late.replace(from, toLate),
        other,
      ]);
      expect(differences.length).toBeGreaterThan(0);
      for (const difference of differences) expect(difference).toContain(`: ${field}: expected`);
    }
  });
});

describe('one change is found', () => {
  const CHANGES: [string, string, string][] = [
    ['bytes', '"bytes":"40"', '"bytes":"41"'],
    ['packets', '"packets":"1"', '"packets":"2"'],
    ['tcp-flags', '"tcp-flags":"16"', '"tcp-flags":"17"'],
    ['start', '"start":"1000"', '"start":"1001"'],
    ['end', '"end":"1020"', '"end":"1019"'],
    ['action', '"action":"ACCEPT"', '"action":"REJECT"'],
    ['version', '"version":"1"', '"version":"2"'],
    ['type', '"type":"IPv4"', '"type":"IPv6"'],
    ['vm-id', '"vm-id":"-"', '"vm-id":"x"'],
  ];
  for (const [field, from, to] of CHANGES) {
    test(field, async () => {
      const result = await compared(([first, ...rest]) => [first.replace(from, to), ...rest]);
      expect(result.equal).toBe(false);
      expect(result.differences[0]).toContain(`${field}: expected`);
      expect(result.differences[0]).toContain('(line 1)');
    });
  }

  test('a port: one entry is missing and one is not expected', async () => {
    const result = await compared(([first, ...rest]) => [first.replace('"1111"', '"1112"'), ...rest]);
    expect(result).toMatchObject({ equal: false, differing: 2 });
  });

  test('the direction', async () => {
    const result = await compared(([first, ...rest]) => [first.replace('"out"', '"in"'), ...rest]);
    expect(result.equal).toBe(false);
  });

  test('a missing entry, a missing silence, and one too many', async () => {
    expect(await compared((lines) => lines.slice(1))).toMatchObject({ differing: 1 });
    expect(await compared((lines) => lines.slice(0, -1))).toMatchObject({ differing: 1 });
    const more = await compared((lines) => [
      ...lines,
      gapLine({ status: 'SKIPDATA', eni: 'eni-if0', start: 960, end: 1020 }),
    ]);
    expect(more.differences).toEqual(['SKIPDATA eni-if0 960 1020: not expected (line 8)']);
  });
});

describe('a line that is no entry is found by its number', () => {
  const BAD: [string, (line: string) => string][] = [
    ['not JSON', (line) => line.slice(0, -5)],
    ['keys missing', (line) => line.replace('"vm-id":"-",', '')],
    ['keys not known', (line) => line.replace('{', '{"more":"1",')],
    ['keys not known', (line) => line.replace('}', ',"x-other":"1"}')],
    ['keys out of order', (line) => line.replace('}', ',"x-verdict-source":"none","x-rule":"-"}')],
    ['keys out of order', (line) => line.replace('{', '{"x-rule":"-",')],
    ['keys out of order', (line) => line.replace('"account-id":"-",', '').replace('}', ',"account-id":"-"}')],
    ['is no string', (line) => line.replace('"bytes":"40"', '"bytes":40')],
    ['log-status', (line) => line.replace('"OK"', '"FINE"')],
  ];
  for (const [what, change] of BAD) {
    test(`${what}: ${change('{}')}`, async () => {
      const result = await compared(([first, ...rest]) => [change(first), ...rest]);
      expect(result.differences[0]).toContain('line 1');
      expect(result.differences[0]).toContain(what);
    });
  }
});

test('by what entries were judged may stand behind the documented keys, and is nothing without a network', async () => {
  const judged = (line: string): string => {
    const source = line.includes('"OK"') ? 'none' : '-';
    return line.replace('}', `,"x-rule":"-","x-verdict-source":"${source}"}`);
  };
  expect(await compared((lines) => lines.map(judged))).toMatchObject({ equal: true, differing: 0 });
  const ofFlowLog = (line: string): string => judged(line).replace('"x-rule"', '"x-flow-log":"one","x-rule"');
  expect(await compared((lines) => lines.map(ofFlowLog))).toMatchObject({ equal: true });
  for (const [field, from, to] of [
    ['x-rule', '"x-rule":"-"', '"x-rule":"sg/r1"'],
    ['x-verdict-source', '"x-verdict-source":"none"', '"x-verdict-source":"kernel"'],
    ['x-verdict-source', '"x-verdict-source":"-"', '"x-verdict-source":"none"'],
  ]) {
    const result = await compared((lines) => lines.map((line) => judged(line).replace(from, to)));
    expect(result.differences[0]).toContain(`${field}: expected`);
  }
});

test('above half the budget of flows an entry may end early, but not outside its window', async () => {
  const counted = await model();
  expect(counted.peakFlows).toBe(2);
  const options = { ...OPTIONS, maxFlows: 3 };
  const ending = (end: string): string[] =>
    linesOf(counted).map((line) => line.replace('"end":"1020"', `"end":"${end}"`));
  expect(await compareLines(counted, ending('1010'), options)).toMatchObject({ equal: true });
  expect(await compareLines(counted, ending('1021'), options)).toMatchObject({ equal: false });
  expect(await compareLines(counted, ending('1010'), { ...options, maxFlows: 4 })).toMatchObject({ equal: false });
  expect(await compareLines(counted, ending('1010'), OPTIONS)).toMatchObject({ equal: false });
});

test('only the first twenty differences are spelled out', async () => {
  const frames = Array.from({ length: 30 }, (_, port) => ({ data: plain(port + 1) }));
  const result = await compareLines(await count(p.pcap(frames)), [], OPTIONS);
  expect(result.differences).toHaveLength(20);
  expect(result.differing).toBe(30);
});
