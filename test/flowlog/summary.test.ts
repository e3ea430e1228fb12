// What a person sees of a replay: the largest flows, and the traffic of each window, in bounded memory.
import { describe, expect, test } from 'vitest';
import { Columns, DIRECTION, STATUS } from '../../src/flowlog/columns.ts';
import { Summarizer } from '../../src/flowlog/summary.ts';

interface Row {
  readonly src?: readonly number[];
  readonly dst?: readonly number[];
  readonly ports?: readonly [number, number];
  readonly packets?: number;
  readonly bytes?: number;
  readonly start?: number;
  readonly direction?: keyof typeof DIRECTION;
  readonly status?: keyof typeof STATUS;
  readonly isTwin?: boolean;
}

const V6 = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

function columns(rows: readonly Row[]): [Columns, number] {
  const c = new Columns(Math.ceil(rows.length / 8) * 8);
  rows.forEach((row, i) => {
    const { src = [10, 0, 0, 1], dst = [192, 0, 2, 1], ports = [1000, 53], packets = 1, bytes = 100 } = row;
    c.family[i] = src.length === 16 ? 6 : 4;
    c.srcaddr.set(src, i * 16);
    c.dstaddr.set(dst, i * 16);
    [c.srcport[i], c.dstport[i]] = ports;
    c.protocol[i] = 17;
    c.packets[i] = BigInt(packets);
    c.bytes[i] = BigInt(bytes);
    c.start[i] = BigInt(row.start ?? 0);
    c.direction[i] = DIRECTION[row.direction ?? 'out'];
    c.status[i] = STATUS[row.status ?? 'ok'];
    c.twin[i] = row.isTwin ? 1 : 0;
  });
  return [c, rows.length];
}

describe('the largest flows', () => {
  test('are summed over windows and stand by their bytes, as many as are asked for', () => {
    const summarizer = new Summarizer(60);
    summarizer.see(...columns([{ bytes: 10 }, { bytes: 70, ports: [2, 3] }, { bytes: 50, ports: [-1, -1] }]));
    summarizer.see(...columns([{ bytes: 100, packets: 3, start: 60 }]));
    const { flows, isExact } = summarizer.get(2);
    expect(isExact).toBe(true);
    expect(flows.map(({ srcport, packets, bytes }) => [srcport, packets, bytes])).toEqual([
      [1000, 4, 110],
      [2, 1, 70],
    ]);
    expect(summarizer.get(9).flows).toHaveLength(3);
  });

  test('are told apart by direction and addresses, which are written the short way', () => {
    const summarizer = new Summarizer(60);
    const row = { src: [...V6, 1], dst: [...V6, 2] };
    summarizer.see(...columns([row, { ...row, direction: 'in' }, { src: [10, 0, 0, 2] }]));
    const flows = summarizer.get(9).flows.map(({ direction, srcaddr, dstaddr }) => [direction, srcaddr, dstaddr]);
    expect(flows.sort()).toEqual([
      ['in', '2001:db8::1', '2001:db8::2'],
      ['out', '10.0.0.2', '192.0.2.1'],
      ['out', '2001:db8::1', '2001:db8::2'],
    ]);
  });

  test('are found among far more than are kept, and the summary says that it forgot some', () => {
    const summarizer = new Summarizer(60);
    const rows = Array.from({ length: 20_000 }, (_, i): Row => ({
      src: [10, i >> 16, (i >> 8) & 255, i & 255],
      bytes: i === 7777 ? 1_000_000 : 40 + (i % 10),
    }));
    for (let at = 0; at < rows.length; at += 1000) summarizer.see(...columns(rows.slice(at, at + 1000)));
    const { flows, isExact, windows } = summarizer.get(1);
    expect(flows).toMatchObject([{ srcaddr: '10.0.30.97', bytes: 1_000_000 }]);
    expect(isExact).toBe(false);
    expect(windows).toMatchObject([{ entries: 20_000, packets: 20_000 }]);
  });
});

describe('the traffic by window', () => {
  test('is in the order of time, whenever it came', () => {
    const summarizer = new Summarizer(60);
    summarizer.see(...columns([{ start: 130, bytes: 5 }, { start: 59 }, { start: 60 }, { start: 119, packets: 2 }]));
    summarizer.see(...columns([{ start: -1 }]));
    const { windows, windowSeconds } = summarizer.get(0);
    expect(windowSeconds).toBe(60);
    expect(windows).toEqual([
      { start: -60, entries: 1, packets: 1, bytes: 100 },
      { start: 0, entries: 1, packets: 1, bytes: 100 },
      { start: 60, entries: 2, packets: 3, bytes: 200 },
      { start: 120, entries: 1, packets: 1, bytes: 5 },
    ]);
  });

  test('counts a packet between two ENIs once, both of its entries, and silence not at all', () => {
    const summarizer = new Summarizer(60);
    summarizer.see(...columns([{}, { direction: 'in', isTwin: true }, { status: 'nodata' }, { status: 'skipdata' }]));
    expect(summarizer.get(9).windows).toEqual([{ start: 0, entries: 2, packets: 1, bytes: 100 }]);
    expect(summarizer.get(9).flows).toHaveLength(2);
  });

  test('joins neighbours where there are too many, and loses nothing', () => {
    const summarizer = new Summarizer(60);
    const rows = Array.from({ length: 5000 }, (_, i): Row => ({ start: i * 60 }));
    for (let at = 0; at < rows.length; at += 1000) summarizer.see(...columns(rows.slice(at, at + 1000)));
    const { windows, windowSeconds } = summarizer.get(0);
    expect(windows.length).toBeLessThanOrEqual(1024);
    expect(windowSeconds).toBe(480);
    expect(windows.reduce((sum, { packets }) => sum + packets, 0)).toBe(5000);
    expect(windows.every(({ start }) => start % windowSeconds === 0)).toBe(true);
  });

  test('of a capture that jumps over ages ends as well', () => {
    const summarizer = new Summarizer(1);
    const rows = Array.from({ length: 2000 }, (_, i): Row => ({ start: i * 2_000_000 }));
    summarizer.see(...columns(rows));
    const { windows } = summarizer.get(0);
    expect(windows.length).toBeLessThanOrEqual(1024);
    expect(windows.reduce((sum, { packets }) => sum + packets, 0)).toBe(2000);
  });
});
