// Rows of a window on their way out: into columns and into lines, as much as there is room for, and no further.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import type { NativeCollector } from '../../src/base/addon_types.ts';
import { Columns } from '../../src/flowlog/columns.ts';
import * as p from '../packets.ts';
import { CALLS, CAPTURE, awsEncoder, collector, encoder, exchange, worker } from './natives.ts';

const WAIT = 0;
const WINDOW = 1;
const END = 2;
const FULL = 0;
const WINDOW_DONE = 1;
const UNKNOWN_ENI = 3;

/** Of a capture that is read to its end, in front of its first window. */
function collectorOf(capture: Uint8Array): NativeCollector {
  const made = exchange();
  const from = worker(made);
  const collected = collector(made);
  addon.worker_feed(from, 0, capture, capture.length, 0, true);
  const status = new Float64Array(4);
  const END_OF_RUN = 0;
  while (addon.worker_run(from, false, status) !== END_OF_RUN);
  return collected;
}

const result = new Float64Array(8);

test('columns have to be there, whole and aligned', () => {
  const collected = collectorOf(CAPTURE);
  expect(addon.collector_next(collected, result)).toBe(WINDOW);
  expect([...result.subarray(0, 3)]).toEqual([28_333_333, 0, 0]);
  expect(addon.collector_enis(collected)).toEqual([0]);
  const columns = new Columns(8);
  const unaligned = new Uint8Array(columns.buffer.length + 8).subarray(1);
  for (const args of [
    [new Uint8Array(columns.buffer.length - 1), 8],
    [columns.buffer, 7],
    [columns.buffer, 0],
    [columns.buffer, -8],
    [columns.buffer, NaN],
    [columns.buffer, 8.5],
    [columns.buffer, 16],
    [unaligned, 8],
    [new Uint16Array(4096), 8],
  ]) {
    expect(() => CALLS.collector_rows(collected, ...args, result)).toThrow(TypeError);
  }
  addon.collector_rows(collected, columns.buffer, 8, result);
  expect([...result.subarray(0, 2)]).toEqual([WINDOW_DONE, 1]);
  expect([columns.packets[0], columns.srcport[0]]).toEqual([1n, 40_000]);
  addon.collector_rows(collected, columns.buffer, 8, result);
  expect([...result.subarray(0, 2)]).toEqual([WINDOW_DONE, 0]);
  expect(addon.collector_next(collected, result)).toBe(END);
});

test('there are none while no window is closing, and none of a capture that is not read', () => {
  const columns = new Columns(8);
  const waiting = collector();
  expect(addon.collector_next(waiting, result)).toBe(WAIT);
  addon.collector_rows(waiting, columns.buffer, 8, result);
  expect(result[1]).toBe(0);
  const early = collectorOf(CAPTURE);
  addon.collector_json(early, encoder(), new Uint8Array(4096), result);
  expect(result[1]).toBe(0);
  expect(addon.collector_next(early, result)).toBe(WINDOW);
  addon.collector_json(early, encoder(), new Uint8Array(4096), result);
  expect(result[1]).toBe(1);
});

test('lines take only the room there is, and go on where they stopped', () => {
  const records = Array.from({ length: 50 }, (_, i) => ({
    sec: 1_700_000_000,
    data: p.ethernet({}, p.ipv4({}, p.udp({ sport: 1000 + i }))),
  }));
  const collected = collectorOf(p.pcap(records));
  expect(addon.collector_next(collected, result)).toBe(WINDOW);
  let text = '';
  for (let how = FULL, call = 0; how !== WINDOW_DONE; call++) {
    const out = new Uint8Array(2048).fill(0x7e);
    // Now and then there is no room at all.
    const room = call % 3 === 2 ? 0 : 1536;
    addon.collector_json(collected, encoder(), out.subarray(0, room), result);
    const [ended, rows, written, packets, bytes] = result;
    how = ended;
    expect([packets, bytes]).toEqual([rows, rows * 28]);
    expect(rows > 0).toBe(room > 0);
    expect(written).toBeLessThanOrEqual(room);
    expect(out.subarray(room).every((byte) => byte === 0x7e)).toBe(true);
    text += Buffer.from(out.subarray(0, written)).toString();
  }
  const ports = text
    .split('\n')
    .slice(0, -1)
    .map((line) => Number((JSON.parse(line) as { srcport: string }).srcport));
  expect(ports).toEqual(records.map((_, i) => 1000 + i));
});

test('of an ENI that the encoder does not know wait for one that does', () => {
  const collected = collectorOf(CAPTURE);
  addon.collector_next(collected, result);
  addon.collector_json(collected, addon.encoder_new([], [], [], []), new Uint8Array(4096), result);
  expect([...result.subarray(0, 3)]).toEqual([UNKNOWN_ENI, 0, 0]);
  addon.collector_json(collected, encoder(), new Uint8Array(4096), result);
  expect([...result.subarray(0, 2)]).toEqual([WINDOW_DONE, 1]);
});

test('the encoder refuses rows that are not there and ENIs that it does not know', () => {
  const columns = new Columns(8);
  const encode = (from: unknown, rows: unknown) => (): unknown =>
    CALLS.encoder_json(encoder(), columns.buffer, 8, from, rows, new Uint8Array(4096), result);
  for (const [from, rows] of [
    [0, 9],
    [5, 4],
    [-1, 4],
    [NaN, 4],
    [0, NaN],
    [0, Infinity],
  ]) {
    expect(encode(from, rows), `${from} to ${rows}`).toThrow(TypeError);
  }
  expect(encode(0, 8)).not.toThrow();
  columns.eni[7] = 1;
  expect(encode(0, 8)).toThrow(TypeError);
  expect(encode(0, 7)).not.toThrow();
});

test.each([
  ['JSON', encoder, (line: string) => Object.keys(JSON.parse(line) as object).length, 21],
  ['AWS', awsEncoder, (line: string) => line.split(' ').filter(Boolean).length, 29],
])('random columns make lines of %s of their size, or none where there is no room', (_, make, fieldsOf, fields) => {
  const columns = new Columns(8);
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: columns.buffer.length, maxLength: columns.buffer.length }),
      fc.nat(8192),
      (noise, room) => {
        columns.buffer.set(noise);
        columns.eni.fill(0);
        const out = new Uint8Array(room + 64).fill(0x7e);
        addon.encoder_json(make(), columns.buffer, 8, 0, 8, out.subarray(0, room), result);
        const [next, written] = result;
        expect(written).toBeLessThanOrEqual(room);
        expect(next > 0 || room < 2048).toBe(true);
        // Texts are copied in whole chunks: past what was written there may be rubbish, past the room there must not.
        expect(out.subarray(room).every((byte) => byte === 0x7e)).toBe(true);
        const lines = Buffer.from(out.subarray(0, written)).toString().split('\n').slice(0, -1);
        expect(lines).toHaveLength(next);
        for (const line of lines) expect(fieldsOf(line)).toBe(fields);
      },
    ),
  );
});

test('fields that AWS does not have are refused', () => {
  const make =
    (fields: number[], paths = 32) =>
    (): unknown =>
      CALLS.encoder_aws([], Uint8Array.from(fields), '2', new Uint8Array(paths));
  expect(make([0, 28])).not.toThrow();
  for (const wrong of [make([29]), make([255]), make([]), make([0], 31)]) expect(wrong).toThrow(TypeError);
});
