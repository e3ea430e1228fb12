// A collector by its face: the windows of all workers, in the order in which they close.
import { describe, expect, test } from 'vitest';
import type { ClosingWindow } from '../../src/flow/collector.ts';
import * as p from '../packets.ts';
import { Workplace } from '../app/program.ts';
import { capture, drain } from './drained.ts';

const workplace = new Workplace();

const brief = ({ id, isLate, isEarly, rows }: ClosingWindow & { rows: number }): unknown[] => [
  id * 60,
  isLate ? 'late' : isEarly ? 'early' : 'due',
  rows,
];

/** So many packets at one time. */
const times = (count: number, sec: number): number[] => Array<number>(count).fill(sec);

describe.each([1, 2, 3, 7])('of %d workers, a collector', (workers) => {
  test('yields windows in their order, with all their rows, however few are taken at once', async () => {
    const file = workplace.file(capture(...times(200, 60), 125, 130, 300));
    for (const seed of [1, 2, 3]) {
      const { windows, sources, incomplete } = await drain([file], { workers }, seed);
      expect(windows.map(brief)).toEqual([
        [60, 'due', 200],
        [120, 'due', 2],
        [300, 'due', 1],
      ]);
      expect(sources).toEqual(Array.from({ length: 203 }, (_, i) => `10.0.0.${i}`));
      expect(incomplete).toEqual([]);
    }
  });

  test('yields a window again as late for what comes after it closed, with the next that is due', async () => {
    const file = workplace.file(capture(60, 125, 119, 61, 130, 190, 121));
    const { windows } = await drain([file], { workers });
    expect(windows.map(brief)).toEqual([
      [60, 'due', 1],
      [60, 'late', 2],
      [120, 'due', 2],
      [120, 'late', 1],
      [180, 'due', 1],
    ]);
  });

  test('names the ENIs with entries in a window, but for late ones', async () => {
    const packet = (number: number, sec: number): p.Block =>
      p.enhancedPacket({
        interface: number,
        units: BigInt(sec) * 1_000_000n,
        data: p.ethernet({}, p.ipv4({}, p.udp({}))),
      });
    const blocks = [p.interfaceBlock(), p.interfaceBlock(), p.interfaceBlock()];
    const file = p.section([...blocks, packet(2, 60), packet(0, 61), packet(1, 130), packet(1, 70)]);
    const { windows } = await drain([workplace.file(file)], { workers });
    expect(windows.map(({ enis }) => enis)).toEqual([[0, 2], [], [1]]);
  });

  test('yields rows early where a table is full, and loses none', async () => {
    const flows = Array.from({ length: 3000 }, (_, i) => (i * 7) % 1500);
    const records = flows.map((flow, i) => ({
      sec: 60 + (i >> 5),
      data: p.ethernet({}, p.ipv4({ src: `10.0.${flow >> 8}.${flow & 255}` }, p.udp({}))),
    }));
    const file = workplace.file(p.pcap(records));
    for (const seed of [1, 2, 3]) {
      const { windows, sources, packets } = await drain([file], { workers, maxFlows: 16 * workers }, seed);
      expect(windows.some(({ isEarly }) => isEarly)).toBe(true);
      expect(windows.filter(({ isEarly, enis }) => isEarly && enis.length > 0)).toEqual([]);
      expect(packets).toBe(3000);
      expect(new Set(sources).size).toBe(1500);
    }
  });

  test('of several captures takes the packets in the order of time', async () => {
    const files = [capture(70, 200), capture(60, 300), capture()].map((bytes) => workplace.file(bytes));
    const { windows, sources } = await drain(files, { workers });
    expect(windows.map(brief)).toEqual([
      [60, 'due', 1],
      [180, 'due', 1],
      [300, 'due', 1],
    ]);
    expect(sources).toEqual(['10.0.0.0', '10.0.0.1', '10.0.0.1']);
  });
});

test('many at once have each their own', async () => {
  const counts = [1, 2, 3, 40];
  const all = await Promise.all(
    counts.map((count, i) => drain([workplace.file(capture(...times(count, 60)))], { workers: i + 1 }, i)),
  );
  expect(all.map(({ windows }) => windows.map(({ rows }) => rows))).toEqual(counts.map((count) => [count]));
});
