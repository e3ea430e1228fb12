// What native code borrows of JavaScript stays where it is for as long as it is borrowed, and not longer; and what threads
// share is there for as long as one of them holds it.
import { expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import type { NativeExchange, NativeWorker } from '../../src/base/addon_types.ts';
import * as p from '../packets.ts';
import { collectGarbage } from './garbage.ts';
import { CAPTURE, exchange, worker } from './natives.ts';

const status = new Float64Array(4);
const END = 0;
const NEED_DATA = 1;
const IDLE = 4;

function runOn(one: NativeWorker): number {
  for (;;) {
    const why = addon.worker_run(one, false, status);
    if (why !== IDLE) return why;
  }
}

/** Feeds a copy of the bytes that nobody else has. */
function feed(to: NativeWorker, bytes: Uint8Array, base: number, eof: boolean): WeakRef<Uint8Array> {
  const own = Uint8Array.from(bytes);
  addon.worker_feed(to, 0, own, own.length, base, eof);
  return new WeakRef(own);
}

const packetsOf = (of: NativeExchange): number => addon.exchange_state(of).interfaces[0].packets;

test('bytes that were fed stay until the next are, or until their input has ended', async () => {
  const shared = exchange();
  const reader = worker(shared);
  // Up to the first record's header: it is needed again.
  const half = CAPTURE.subarray(0, 40);
  const first = feed(reader, half, 0, false);
  await collectGarbage();
  expect(first.deref()).toBeDefined();
  expect(runOn(reader)).toBe(NEED_DATA);
  expect([...status.subarray(0, 2)]).toEqual([0, 24]);
  const second = feed(reader, CAPTURE.subarray(24), 24, true);
  expect(await collectGarbage(() => first.deref() === undefined)).toBe(true);
  expect(second.deref()).toBeDefined();
  expect(runOn(reader)).toBe(END);
  expect(packetsOf(shared)).toBe(1);
  await collectGarbage();
  expect(second.deref()).toBeDefined();
  expect(addon.worker_take_ended(reader)).toEqual([0]);
  expect(addon.worker_take_ended(reader)).toEqual([]);
  expect(await collectGarbage(() => second.deref() === undefined)).toBe(true);
});

test('bytes that only native code has are read as they were', async () => {
  const shared = exchange();
  const reader = worker(shared);
  const records = Array.from({ length: 5000 }, (_, i) => ({
    sec: 1_700_000_000,
    data: p.ethernet({}, p.ipv4({ src: '10.0.0.7' }, p.udp({ sport: i % 40 }))),
  }));
  feed(reader, p.pcap(records), 0, true);
  await collectGarbage();
  // Other memory that may come to lie where the bytes were.
  const rubbish = Array.from({ length: 50 }, () => new Uint8Array(100_000).fill(0xff));
  expect(runOn(reader)).toBe(END);
  expect(rubbish).toHaveLength(50);
  expect(addon.exchange_state(shared).interfaces[0]).toMatchObject({ packets: 5000, bytes: 5000 * 28 });
});

test('bytes go with the worker that borrowed them', async () => {
  const ref = feed(worker(), CAPTURE, 0, false);
  expect(await collectGarbage(() => ref.deref() === undefined)).toBe(true);
});

test('an exchange is there while a worker of it is, and can be joined; then it is gone, and joining it is an error', async () => {
  const number = addon.exchange_share(exchange());
  await readByWorker(number);
  const isGone = (): boolean => {
    try {
      addon.exchange_join(number);
      return false;
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toBe('no such exchange');
      return true;
    }
  };
  expect(await collectGarbage(isGone)).toBe(true);
});

/** Only a worker holds the exchange meanwhile. */
async function readByWorker(number: number): Promise<void> {
  const reader = worker(addon.exchange_join(number));
  await collectGarbage();
  feed(reader, CAPTURE, 0, true);
  expect(runOn(reader)).toBe(END);
  expect(packetsOf(addon.exchange_join(number))).toBe(1);
}
