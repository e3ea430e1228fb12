// A worker that reads a capture from a pipe: in pieces of any size, cut, broken, and given up.
import fs from 'node:fs';
import { expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import type { NativeExchange, NativeWorker } from '../../src/base/addon_types.ts';
import { PacketStream } from '../../src/capture/packet_stream.ts';
import * as p from '../packets.ts';
import { OPTIONS } from './natives.ts';

const RUN_END = 0;
const INTERFACE = 5;
const status = new Float64Array(4);

/** A worker, and where to write what it reads. */
class Piped {
  readonly exchange: NativeExchange = addon.exchange_new({ ...OPTIONS, isLive: true, maxFlows: 10_000 });
  readonly worker: NativeWorker = addon.worker_new(this.exchange, 0);
  readonly writeEnd: number;
  #isOpen = true;

  constructor(number = INTERFACE) {
    const pipe = addon.live_pipe();
    if (typeof pipe === 'number') throw new Error(`no pipe: ${pipe}`);
    this.writeEnd = pipe[1];
    addon.worker_add_stream(this.worker, pipe[0], number, 1, 'piped0');
  }

  /** As whoever captures does; while the worker reads. */
  write(bytes: Uint8Array, pieceBytes = 32_768): void {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      fs.writeSync(this.writeEnd, bytes.subarray(at, at + pieceBytes));
      addon.worker_run(this.worker, false, status);
    }
  }

  close(): void {
    if (this.#isOpen) fs.closeSync(this.writeEnd);
    this.#isOpen = false;
  }

  /** Reads to the end; gives the packets of the interface. */
  end(): number {
    this.close();
    addon.worker_remove_ring(this.worker, INTERFACE);
    addon.exchange_finish(this.exchange);
    while (addon.worker_run(this.worker, true, status) !== RUN_END);
    return addon.exchange_state(this.exchange).interfaces[INTERFACE].packets;
  }
}

/** Bytes that mean nothing, the same for a seed. */
function noise(seed: number, size: number): Uint8Array {
  let state = seed + 1;
  return Uint8Array.from({ length: size }, () => (state = (state * 48_271) % 2_147_483_647) & 0xff);
}

const FRAMES = Array.from({ length: 500 }, (_, n) =>
  p.ethernet({}, p.ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, p.udp({ sport: 1024 + n, dport: 53 }))),
);

function captureOf(frames: readonly Uint8Array[], time = Date.now()): Uint8Array {
  const written: Uint8Array[] = [];
  const stream = new PacketStream(1, 256, (bytes) => written.push(bytes.slice()));
  for (const frame of frames) stream.add(frame, frame.length, time, 'in');
  stream.flush();
  return Buffer.concat(written);
}

test.each([1, 7, 100, 4096, 65_536])('reads all of it in pieces of %i bytes, as of its own interface', (pieceBytes) => {
  const piped = new Piped();
  piped.write(captureOf(pieceBytes === 1 ? FRAMES.slice(0, 50) : FRAMES), pieceBytes);
  expect(piped.end()).toBe(pieceBytes === 1 ? 50 : 500);
  expect(addon.exchange_state(piped.exchange).interfaces[0]).toMatchObject({ packets: 0, name: '' });
  expect(addon.exchange_state(piped.exchange).interfaces[INTERFACE]).toMatchObject({
    name: 'piped0',
    bytes: (pieceBytes === 1 ? 50 : 500) * 28,
  });
});

test('goes on where it was written to again, and ends with its writer', () => {
  const piped = new Piped();
  const capture = captureOf(FRAMES);
  piped.write(capture.subarray(0, 1000));
  for (let turn = 0; turn < 10; turn++) addon.worker_run(piped.worker, false, status);
  piped.write(capture.subarray(1000));
  expect(piped.end()).toBe(500);
});

test('has what stands in front of the cut where its writer was killed', () => {
  const capture = captureOf(FRAMES);
  const piped = new Piped();
  piped.write(capture.subarray(0, capture.length - 1));
  expect(piped.end()).toBe(499);
  const empty = new Piped();
  expect(empty.end()).toBe(0);
});

test('gives up what is no capture, and tells its writer by closing the pipe', () => {
  for (let seed = 0; seed < 20; seed++) {
    const piped = new Piped();
    piped.write(Buffer.concat([Buffer.from([1, 2, 3, 4]), noise(seed, 4000)]), 5000);
    for (let turn = 0; turn < 10; turn++) addon.worker_run(piped.worker, false, status);
    expect(() => fs.writeSync(piped.writeEnd, 'more')).toThrow(/EPIPE/);
    expect(piped.end()).toBe(0);
  }
});

test('survives damage at any place', () => {
  const capture = captureOf(FRAMES.slice(0, 20));
  for (let at = 0; at < capture.length; at += 41) {
    const damaged = Uint8Array.from(capture);
    damaged[at] ^= 0xff;
    const piped = new Piped();
    piped.write(damaged);
    expect(piped.end()).toBeLessThanOrEqual(20);
  }
});
