// Wrong arguments to the addon end in a TypeError, whatever they are, and never in a crash.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import type { NativeEncoder, NativeLocality, NativeShard, NativeShardOptions } from '../../src/base/addon.ts';
import { Columns } from '../../src/flowlog/columns.ts';
import * as p from '../packets.ts';

const LOCALITY: NativeLocality = {
  eniCount: 0,
  eniOfAll: -1,
  eniOfInterface: [],
  eniOfAddress: [],
  eniOfMac: [],
  local: [],
};
const OPTIONS: NativeShardOptions = {
  maxFlows: 64,
  windowSeconds: 60,
  latenessSeconds: 2,
  decapsulate: false,
  seed: new BigUint64Array(4),
  locality: LOCALITY,
};
const CAPTURE = p.pcap([{ data: p.ethernet({}, p.ipv4({}, p.udp({}))), sec: 1_700_000_000 }]);
const ENI = { accountId: '-', eniId: 'eni-1', vmId: '-', vpcId: '-', vswitchId: '-' };

function shard(): NativeShard {
  const made = addon.shard_new(OPTIONS);
  addon.shard_add_input(made, false, 0, 0);
  return made;
}
function encoder(): NativeEncoder {
  return addon.encoder_new([ENI]);
}

type Call = (...args: unknown[]) => unknown;
const calls = addon as unknown as Readonly<Record<string, Call>>;

/** For each function, arguments that it takes; made anew for each call. */
const RIGHT: Readonly<Record<string, () => unknown[]>> = {
  shard_new: () => [OPTIONS],
  shard_add_input: () => [shard(), false, 0, 0],
  shard_declare: () => [shard(), 0, 1, 'eth0'],
  shard_feed: () => [shard(), 0, CAPTURE, CAPTURE.length, 0, true],
  shard_run: () => [shard(), new Float64Array(4)],
  shard_damage: () => [shard(), 0],
  shard_take_ended: () => [shard()],
  shard_state: () => [shard()],
  shard_clock: () => [shard(), new Float64Array(4)],
  shard_drops: () => [shard()],
  flush_begin: () => [shard(), 3],
  flush_window: () => [shard()],
  encoder_new: () => [[ENI]],
  encoder_json: () => {
    const columns = new Columns(8);
    return [encoder(), columns.buffer, 8, 0, 0, new Uint8Array(4096), new Float64Array(4)];
  },
  capture_peek: () => [CAPTURE, CAPTURE.length, true],
};
/** These want a window that is being flushed. */
const IN_WINDOW = ['flush_enis', 'flush_rows', 'flush_end'];

const WRONG: readonly unknown[] = [
  undefined,
  null,
  -1,
  1.5,
  NaN,
  Infinity,
  2 ** 53,
  '',
  'text',
  true,
  Symbol('s'),
  1n,
  {},
  [],
  () => 0,
  new Uint8Array(),
  new Float64Array(1),
  new ArrayBuffer(8),
  new DataView(new ArrayBuffer(8)),
  new Proxy({}, {}),
  Object.create(null),
];

/** Calls, and gives what was thrown; anything but a TypeError of the addon fails the test. */
function thrownBy(name: string, args: unknown[]): TypeError | undefined {
  try {
    calls[name](...args);
    return undefined;
  } catch (error) {
    expect(error, `${name}(${args.map((arg) => typeof arg).join(', ')})`).toBeInstanceOf(TypeError);
    return error as TypeError;
  }
}

test('every exported function is tested here, and takes its right arguments', () => {
  expect([...Object.keys(RIGHT), ...IN_WINDOW, 'columns_layout'].sort()).toEqual(Object.keys(addon).sort());
  for (const [name, right] of Object.entries(RIGHT)) expect(thrownBy(name, right()), name).toBeUndefined();
});

test('too few arguments are a TypeError', () => {
  for (const [name, right] of Object.entries(RIGHT)) {
    for (let count = 0; count < right().length; count++) {
      expect(thrownBy(name, right().slice(0, count)), `${name} with ${count}`).toBeDefined();
    }
  }
});

test('a native object is only taken where it belongs', () => {
  for (const [name, right] of Object.entries(RIGHT)) {
    const isOfShard = name.startsWith('shard_') || name.startsWith('flush_');
    if (name.endsWith('_new') || name === 'capture_peek') continue;
    const [, ...rest] = right();
    for (const other of [isOfShard ? encoder() : shard(), {}, Object.create(shard()) as object, null]) {
      expect(thrownBy(name, [other, ...rest]), name).toBeDefined();
    }
  }
});

test('any wrong value in any place is a TypeError or is taken, and the addon goes on working', () => {
  for (const [name, right] of Object.entries(RIGHT)) {
    for (let place = 0; place < right().length; place++) {
      for (const wrong of WRONG) thrownBy(name, right().with(place, wrong));
    }
  }
  expect(thrownBy('shard_run', RIGHT.shard_run())).toBeUndefined();
});

test('any wrong value in any option of a shard is a TypeError or is taken', () => {
  for (const key of Object.keys(OPTIONS)) {
    for (const wrong of WRONG) thrownBy('shard_new', [{ ...OPTIONS, [key]: wrong }]);
  }
  for (const key of Object.keys(LOCALITY)) {
    for (const wrong of [...WRONG, [wrong_member()], [null], [{}]]) {
      thrownBy('shard_new', [{ ...OPTIONS, locality: { ...LOCALITY, [key]: wrong } }]);
    }
  }
});

function wrong_member(): object {
  return { interface: 1, eni: 'x', address: new Uint8Array(5), mac: new Uint8Array(2), length: 999 };
}

test.each([
  ['no window length', { windowSeconds: 0 }],
  ['a negative window length', { windowSeconds: -60 }],
  ['a window length that is no number', { windowSeconds: NaN }],
  ['a window length that 32 bits of seconds cannot hold', { windowSeconds: 2 ** 33 }],
  ['a negative lateness', { latenessSeconds: -1 }],
  ['a lateness that is no number', { latenessSeconds: NaN }],
  ['no flows', { maxFlows: 0 }],
  ['too many flows', { maxFlows: 2 ** 40 }],
  ['a negative number of flows', { maxFlows: -64 }],
  ['a short seed', { seed: new BigUint64Array(3) }],
  [
    'a prefix that is longer than its address',
    { locality: { ...LOCALITY, local: [{ address: new Uint8Array(4), length: 33 }] } },
  ],
  ['an address of five bytes', { locality: { ...LOCALITY, eniOfAddress: [{ address: new Uint8Array(5), eni: 0 }] } }],
  [
    'an ENI number beyond the ENIs',
    { locality: { ...LOCALITY, eniCount: 1, eniOfMac: [{ mac: new Uint8Array(6), eni: 7 }] } },
  ],
])('a shard with %s is refused', (_, wrong) => {
  expect(thrownBy('shard_new', [{ ...OPTIONS, ...wrong }])).toBeDefined();
});

test.each([
  ['more bytes than the array has', [CAPTURE, CAPTURE.length + 1, 0, true]],
  ['a negative number of bytes', [CAPTURE, -1, 0, true]],
  ['no number of bytes', [CAPTURE, NaN, 0, true]],
  ['bytes of another type', [new Uint16Array(64), 64, 0, true]],
])('feeding %s is refused', (_, [bytes, size, base, eof]) => {
  expect(thrownBy('shard_feed', [shard(), 0, bytes, size, base, eof])).toBeDefined();
});

test.each([1, -1, NaN, 2 ** 32, 0.5 + 1])('input number %s does not exist', (input) => {
  expect(thrownBy('shard_feed', [shard(), input, CAPTURE, CAPTURE.length, 0, true])).toBeDefined();
  expect(thrownBy('shard_damage', [shard(), input])).toBeDefined();
});

test('rows are only given while a window is being flushed', () => {
  const columns = new Columns(8);
  for (const name of IN_WINDOW) expect(thrownBy(name, [shard(), columns.buffer, 8]), name).toBeDefined();
});

test('columns have to be there, whole and aligned', () => {
  const made = shard();
  addon.shard_feed(made, 0, CAPTURE, CAPTURE.length, 0, true);
  addon.shard_run(made, new Float64Array(4));
  addon.flush_begin(made, 3);
  expect(addon.flush_window(made)).toMatchObject({ start: 1_699_999_980, isLate: false });
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
    expect(thrownBy('flush_rows', [made, ...args])).toBeDefined();
  }
  expect(addon.flush_rows(made, columns.buffer, 8)).toBe(1);
  expect(addon.flush_rows(made, columns.buffer, 8)).toBe(0);
  addon.flush_end(made);
  expect(thrownBy('flush_end', [made])).toBeDefined();
});

test('the encoder refuses rows that are not there and ENIs that it does not know', () => {
  const columns = new Columns(8);
  const result = new Float64Array(4);
  const encode = (from: unknown, rows: unknown): TypeError | undefined =>
    thrownBy('encoder_json', [encoder(), columns.buffer, 8, from, rows, new Uint8Array(4096), result]);
  for (const [from, rows] of [
    [0, 9],
    [5, 4],
    [-1, 4],
    [NaN, 4],
    [0, NaN],
    [0, Infinity],
  ]) {
    expect(encode(from, rows), `${from} to ${rows}`).toBeDefined();
  }
  expect(encode(0, 8)).toBeUndefined();
  columns.eni[7] = 1;
  expect(encode(0, 8)).toBeDefined();
  expect(encode(0, 7)).toBeUndefined();
});

test('random columns make lines of their size, or none where there is no room', () => {
  const columns = new Columns(8);
  const result = new Float64Array(4);
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: columns.buffer.length, maxLength: columns.buffer.length }),
      fc.nat(8192),
      (noise, room) => {
        columns.buffer.set(noise);
        columns.eni.fill(0);
        const out = new Uint8Array(room + 64).fill(0x7e);
        expect(
          thrownBy('encoder_json', [encoder(), columns.buffer, 8, 0, 8, out.subarray(0, room), result]),
        ).toBeUndefined();
        const [next, written] = result;
        expect(written).toBeLessThanOrEqual(room);
        expect(next > 0 || room < 1024).toBe(true);
        // Texts are copied in whole chunks: past what was written there may be rubbish, past the room there must not.
        expect(out.subarray(room).every((byte) => byte === 0x7e)).toBe(true);
        const lines = Buffer.from(out.subarray(0, written)).toString().split('\n').slice(0, -1);
        expect(lines).toHaveLength(next);
        for (const line of lines) expect(Object.keys(JSON.parse(line) as object)).toHaveLength(21);
      },
    ),
  );
});
