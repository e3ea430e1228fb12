// The packer's batches: what each takes, when it is full, what is counted, and what is refused.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import { Columns, STATUS } from '../../src/flowlog/columns.ts';
import * as p from '../packets.ts';
import { CALLS, collector, exchange, worker } from './natives.ts';
import { MOST, WINDOW_START, add, addAll, packer, take, takeAll } from './packed_calls.ts';
import { columnsOf, packed, rowsOf, sizeOf } from './packed_model.ts';
import type { Packed, Row } from './packed_model.ts';
import { ROW, traffic } from './packed_rows.ts';

interface Batch {
  readonly eni: number;
  readonly rows: number;
  readonly columns: Packed;
}

/** Row by row: a row of an ENI that is full waits until its batch is taken. */
function batchesOf(rows: readonly Row[], maxRows: number, maxBytes: number): Batch[] {
  const waiting = new Map<number, { rows: Row[]; size: number }>();
  const batches: Batch[] = [];
  const deliver = (eni: number): void => {
    const own = waiting.get(eni)!.rows;
    batches.push({ eni, rows: own.length, columns: packed(own, WINDOW_START) });
    waiting.delete(eni);
  };
  for (const row of rows) {
    const before = waiting.get(row.eni);
    if (before && (before.rows.length >= maxRows || before.size >= maxBytes)) deliver(row.eni);
    const own = waiting.get(row.eni) ?? { rows: [], size: 0 };
    waiting.set(row.eni, { rows: [...own.rows, row], size: own.size + sizeOf(packed([row], WINDOW_START)) });
  }
  for (const eni of [...waiting.keys()].sort((a, b) => a - b)) deliver(eni);
  return batches;
}

test('an ENI has a batch whenever it reaches the rows or the bytes of one, and not before', () => {
  const limits = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 1500 }));
  fc.assert(
    fc.property(fc.array(traffic(3), { minLength: 1, maxLength: 150 }), limits, (rows, [maxRows, maxBytes]) => {
      const into = packer(maxRows, maxBytes);
      const columns = columnsOf(rows);
      const found: Batch[] = [];
      for (let row = 0; row < rows.length;) {
        const { next, full } = add(into, columns, row, rows.length);
        expect(full >= 0).toBe(next < rows.length);
        if (full >= 0) {
          expect(full).toBe(rows[next].eni);
          found.push({ eni: full, ...take(into, full) });
        }
        row = next;
      }
      found.push(...takeAll(into));
      expect(found).toEqual(batchesOf(rows, maxRows, maxBytes));
    }),
    { numRuns: 300 },
  );
});

test('a full ENI takes nothing more until its batch is taken, others do', () => {
  const into = packer(2);
  const of = (eni: number): Columns => columnsOf([{ ...ROW, eni }]);
  expect(add(into, of(5), 0, 1)).toMatchObject({ next: 1, full: -1 });
  expect(add(into, of(5), 0, 1)).toMatchObject({ next: 1, full: -1 });
  expect(add(into, of(5), 0, 1)).toMatchObject({ next: 0, full: 5, packets: 0, bytes: 0 });
  expect(add(into, of(6), 0, 1)).toMatchObject({ next: 1, full: -1 });
  expect(addon.packer_enis(into)).toEqual([5, 6]);
  expect(take(into, 5).rows).toBe(2);
  expect(addon.packer_enis(into)).toEqual([6]);
  expect(take(into, 5).rows).toBe(0);
  expect(add(into, of(5), 0, 1)).toMatchObject({ next: 1, full: -1 });
});

test('packets and bytes of a call are those of the rows that it took, twins once', () => {
  const into = packer(3);
  const columns = columnsOf([ROW, { ...ROW, twin: 1 }, { ...ROW, packets: 10n, bytes: 1000n }, ROW]);
  expect(add(into, columns, 0, 4)).toEqual({ next: 3, full: 0, packets: 13, bytes: 1180 });
  take(into, 0);
  expect(add(into, columns, 3, 4)).toEqual({ next: 4, full: -1, packets: 3, bytes: 180 });
});

test('many ENIs with a few rows each keep theirs', () => {
  const enis = 30_000;
  const into = packer();
  for (const packets of [1n, 2n]) {
    addAll(
      into,
      Array.from({ length: enis }, (_, i) => ({ ...ROW, eni: (i * 7919) % enis, packets, srcport: (i * 7919) % enis })),
    );
  }
  expect(addon.packer_enis(into)).toEqual(Array.from({ length: enis }, (_, eni) => eni));
  for (let eni = 0; eni < enis; eni += 997) {
    const own = [1n, 2n].map((packets) => ({ ...ROW, eni, packets, srcport: eni }));
    expect(take(into, eni)).toEqual({ rows: 2, columns: packed(own, WINDOW_START) });
  }
});

test('an ENI has rows of one status until they are taken', () => {
  const into = packer();
  addAll(into, [ROW]);
  const quiet = columnsOf([
    { ...ROW, eni: 1, status: STATUS.nodata },
    { ...ROW, status: STATUS.nodata },
  ]);
  const lost = columnsOf([{ ...ROW, status: STATUS.skipdata }]);
  expect(() => add(into, quiet, 0, 2)).toThrow(/status/);
  expect(take(into, 0)).toEqual({ rows: 1, columns: packed([ROW], WINDOW_START) });
  add(into, quiet, 1, 2);
  expect(() => add(into, lost, 0, 1)).toThrow(/status/);
  expect(() => addAll(into, [ROW])).toThrow(/status/);
  expect(addon.packer_size(into, 0)).toBe(3);
});

test('rows of one call have one status', () => {
  const into = packer();
  const columns = columnsOf([ROW, { ...ROW, eni: 1, status: STATUS.nodata }]);
  expect(() => add(into, columns, 0, 2)).toThrow(TypeError);
  expect(addon.packer_enis(into)).toEqual([]);
  expect(add(into, columns, 0, 1)).toMatchObject({ next: 1 });
  expect(add(into, columns, 1, 2)).toMatchObject({ next: 2 });
});

test.each<[string, Partial<Row>]>([
  ['port below -1', { srcport: -2 }],
  ['port above 65535', { dstport: 65536 }],
  ['path below -1', { traffic_path: -2 }],
  ['direction that is none', { direction: 2 }],
  ['action that is none', { action: 2 }],
  ['family that is none', { family: 5 }],
  ['status that is none', { status: 3 }],
  ['flags that no octet holds', { tcp_flags: 256 }],
  ['no flags for TCP', { tcp_flags: -1 }],
  ['flags for another protocol', { protocol: 17 }],
  ['ENI that cannot be', { eni: 2 ** 31 - 1 }],
  ['source that is none', { source: 4 }],
])('a row with a %s is refused', (_, wrong) => {
  const into = packer(MOST.rows, MOST.bytes, WINDOW_START, 'with reasons');
  expect(() => add(into, columnsOf([{ ...ROW, ...wrong }]), 0, 1)).toThrow(TypeError);
  expect(addon.packer_enis(into).every((eni) => addon.packer_size(into, eni) > 0)).toBe(true);
  expect(add(into, columnsOf([ROW]), 0, 1)).toMatchObject({ next: 1, full: -1 });
});

test('a window begins only while nothing waits', () => {
  const into = packer();
  addAll(into, [ROW]);
  expect(() => addon.packer_begin(into, 0)).toThrow(TypeError);
  take(into, 0);
  addon.packer_begin(into, WINDOW_START + 60);
  addAll(into, [ROW]);
  expect(take(into, 0).columns).toEqual(packed([ROW], WINDOW_START + 60));
});

test('what has no room is not taken, and not lost', () => {
  const into = packer();
  addAll(into, [ROW]);
  const size = addon.packer_size(into, 0);
  const result = new Float64Array(17);
  expect(() => addon.packer_take(into, 0, new Uint8Array(size - 1), result)).toThrow(TypeError);
  expect(() => addon.packer_take(into, 0, new Uint8Array(size), result.subarray(1))).toThrow(TypeError);
  expect(take(into, 0)).toEqual({ rows: 1, columns: packed([ROW], WINDOW_START) });
});

test.each([
  [0, 1],
  [1, 0],
  [MOST.rows + 1, 1],
  [1, MOST.bytes + 1],
  [1.5, 1],
  [1, NaN],
])('there is no packer for %s rows and %s bytes', (maxRows, maxBytes) => {
  expect(() => addon.packer_new(maxRows, maxBytes, false)).toThrow(TypeError);
});

test.each([
  [0, 9],
  [5, 4],
  [-1, 4],
  [0, NaN],
])('rows %s to %s are not there', (from, rows) => {
  expect(() => CALLS.packer_add(packer(), new Columns(8).buffer, 8, from, rows, new Float64Array(4))).toThrow(
    TypeError,
  );
});

describe('rows of a closing window', () => {
  const NEXT_WINDOW = 1;
  const ROWS = { full: 0, windowDone: 1, wait: 2 } as const;

  /** In front of the first window of two: flows of two interfaces, in turn. */
  function collected(): ReturnType<typeof collector> {
    const packets = Array.from({ length: 60 }, (_, i) =>
      p.enhancedPacket({
        data: p.ipv4({ src: `10.0.0.${1 + (i % 9)}`, protocol: 17 }, p.udp({ sport: 1000 + i })),
        units: BigInt(WINDOW_START + (i < 50 ? 0 : 600)) * 1_000_000n,
        interface: i % 3 === 0 ? 1 : 0,
      }),
    );
    const capture = p.section([p.interfaceBlock({ linkType: 101 }), p.interfaceBlock({ linkType: 101 }), ...packets]);
    const of = exchange();
    const from = worker(of);
    const rows = collector(of);
    addon.worker_feed(from, 0, capture, capture.length, 0, true);
    while (addon.worker_run(from, false, new Float64Array(4)) !== 0);
    return rows;
  }
  const isNext = (of: ReturnType<typeof collector>): boolean =>
    addon.collector_next(of, new Float64Array(4)) === NEXT_WINDOW;

  /** All rows of the window, without the packer. */
  function expectedRows(of: ReturnType<typeof collector>): Row[] {
    const columns = new Columns(1024);
    const result = new Float64Array(2);
    addon.collector_rows(of, columns.buffer, columns.capacity, result);
    expect(result[0]).toBe(ROWS.windowDone);
    return rowsOf(columns, result[1]);
  }

  test.each([1, 2, 7, 1000])('are packed in their order, %s at most in a batch', (maxRows) => {
    const [plain, packing] = [collected(), collected()];
    const into = addon.packer_new(maxRows, MOST.bytes, false);
    let windows = 0;
    for (; isNext(plain); windows++) {
      expect(isNext(packing)).toBe(true);
      addon.packer_begin(into, WINDOW_START);
      const expected = expectedRows(plain);
      const found: Batch[] = [];
      const sums = { rows: 0, packets: 0, bytes: 0 };
      const result = new Float64Array(5);
      for (let how = -1; how !== ROWS.windowDone;) {
        addon.collector_pack(packing, into, result);
        const [ended, rows, full, packets, bytes] = result as unknown as [number, number, number, number, number];
        how = ended;
        sums.rows += rows;
        sums.packets += packets;
        sums.bytes += bytes;
        expect([ROWS.full, ROWS.windowDone]).toContain(how);
        expect(full >= 0).toBe(how === ROWS.full);
        if (full >= 0) found.push({ eni: full, ...take(into, full) });
      }
      found.push(...takeAll(into));
      expect(found).toEqual(batchesOf(expected, maxRows, MOST.bytes));
      const once = expected.filter((row) => row.twin === 0);
      const sum = (of: (row: Row) => bigint): number => Number(once.reduce((all, row) => all + of(row), 0n));
      expect(sums).toEqual({
        rows: expected.length,
        packets: sum((row) => row.packets),
        bytes: sum((row) => row.bytes),
      });
      expect(new Set(expected.map((row) => row.eni)).size).toBe(2);
    }
    expect(windows).toBe(2);
  });

  test('do not come before there is a window', () => {
    const waiting = collector();
    const result = new Float64Array(5).fill(7);
    addon.collector_next(waiting, new Float64Array(4));
    addon.collector_pack(waiting, packer(), result);
    expect([...result.subarray(1)]).toEqual([0, -1, 0, 0]);
  });

  test('do not mix with rows of another status', () => {
    const rows = collected();
    expect(isNext(rows)).toBe(true);
    const into = packer();
    addAll(into, [{ ...ROW, status: STATUS.nodata }]);
    expect(() => addon.collector_pack(rows, into, new Float64Array(5))).toThrow(/status/);
    expect(take(into, 0).rows).toBe(1);
    // None is lost by it.
    const expected = collected();
    isNext(expected);
    const all = expectedRows(expected);
    addon.collector_pack(rows, into, new Float64Array(5));
    expect(takeAll(into)).toEqual(batchesOf(all, MOST.rows, MOST.bytes));
  });
});
