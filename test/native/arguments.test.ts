// Wrong arguments to the addon end in a TypeError, whatever they are, and never in a crash.
import os from 'node:os';
import { expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import { CALLS, CAPTURE, LOCALITY, MAKERS, OPTIONS, RIGHT, exchange, kindOf, worker } from './natives.ts';

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
    CALLS[name](...args);
    return undefined;
  } catch (error) {
    expect(error, `${name}(${args.map((arg) => typeof arg).join(', ')})`).toBeInstanceOf(TypeError);
    return error as TypeError;
  }
}

test('every exported function is tested here, and takes its right arguments', () => {
  expect([...Object.keys(RIGHT), 'columns_layout'].sort()).toEqual(Object.keys(addon).sort());
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
  let refused = 0;
  for (const [name, right] of Object.entries(RIGHT)) {
    right().forEach((argument, place) => {
      const kind = kindOf(argument);
      if (kind === undefined) return;
      const others = Object.entries(MAKERS).filter(([other]) => other !== kind);
      const impostors = [...others.map(([, make]) => make()), {}, Object.create(MAKERS[kind]()) as object, null];
      for (const impostor of impostors) {
        expect(thrownBy(name, right().with(place, impostor)), `${name}, ${place}`).toBeDefined();
        refused++;
      }
    });
  }
  expect(refused).toBeGreaterThan(20 * 6);
});

test('any wrong value in any place is a TypeError or is taken, and the addon goes on working', () => {
  for (const [name, right] of Object.entries(RIGHT)) {
    for (let place = 0; place < right().length; place++) {
      for (const wrong of WRONG) thrownBy(name, right().with(place, wrong));
    }
  }
  expect(thrownBy('worker_run', RIGHT.worker_run())).toBeUndefined();
});

test('a worker of captures takes no ring, and a ring says what the kernel refused', () => {
  const [, ring, name] = RIGHT.worker_add_ring();
  expect(thrownBy('worker_add_ring', [worker(), ring, name])?.message).toContain('not a worker of live interfaces');
  expect(CALLS.worker_add_ring(...RIGHT.worker_add_ring())).toEqual({
    errno: os.constants.errno.ENOTSOCK,
    refused: 'TPACKET_V3',
    knowsSegments: false,
  });
  for (const key of Object.keys(ring as object)) {
    for (const wrong of WRONG) {
      const [live] = RIGHT.worker_add_ring();
      thrownBy('worker_add_ring', [live, { ...(RIGHT.worker_add_ring()[1] as object), [key]: wrong }, name]);
    }
  }
});

test('any wrong value in any option of an exchange is a TypeError or is taken', () => {
  for (const key of Object.keys(OPTIONS)) {
    for (const wrong of WRONG) thrownBy('exchange_new', [{ ...OPTIONS, [key]: wrong }]);
  }
  for (const key of Object.keys(LOCALITY)) {
    for (const wrong of [...WRONG, [wrongMember()], [null], [{}]]) {
      thrownBy('exchange_new', [{ ...OPTIONS, locality: { ...LOCALITY, [key]: wrong } }]);
    }
  }
});

function wrongMember(): object {
  return { interface: 1, eni: 'x', address: new Uint8Array(5), mac: new Uint8Array(2), length: 999 };
}

test.each([
  ['no worker', { workers: 0 }],
  ['more workers than there may be', { workers: 257 }],
  ['half a worker', { workers: 1.5 }],
  ['a descriptor that is none', { fd: -2 }],
  ['a descriptor that no number is', { fd: NaN }],
  ['chunks that are too small', { chunkBytes: 4095 }],
  ['chunks that are too large', { chunkBytes: 2 ** 20 + 1 }],
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
])('an exchange with %s is refused', (_, wrong) => {
  expect(thrownBy('exchange_new', [{ ...OPTIONS, ...wrong }])).toBeDefined();
});

test.each([1, -1, NaN, 2 ** 32, 0.5])('a worker number %s of one worker does not exist', (number) => {
  expect(thrownBy('worker_new', [exchange(), number])).toBeDefined();
});

test.each([0, -1, 0.5, NaN, 2 ** 53, 2 ** 52])('number %s joins no exchange', (number) => {
  expect(thrownBy('exchange_join', [number])).toBeDefined();
});

test.each([0, -1, 1.5, NaN, 2 ** 30 + 1])('there are no %s aligned bytes', (size) => {
  expect(thrownBy('aligned_bytes', [size])).toBeDefined();
});

test.each([
  ['more bytes than the array has', [CAPTURE, CAPTURE.length + 1, 0, true]],
  ['a negative number of bytes', [CAPTURE, -1, 0, true]],
  ['no number of bytes', [CAPTURE, NaN, 0, true]],
  ['bytes of another type', [new Uint16Array(64), 64, 0, true]],
])('feeding %s is refused', (_, [bytes, size, base, eof]) => {
  expect(thrownBy('worker_feed', [worker(), 0, bytes, size, base, eof])).toBeDefined();
});

test.each([1, -1, NaN, 2 ** 32, 0.5 + 1])('input number %s does not exist', (input) => {
  expect(thrownBy('worker_feed', [worker(), input, CAPTURE, CAPTURE.length, 0, true])).toBeDefined();
  expect(thrownBy('worker_damage', [worker(), input])).toBeDefined();
});
