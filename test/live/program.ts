// What the tests of the agent have in common: frames to send, and what entries say.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import * as p from '../packets.ts';
import type { Veth } from './veth.ts';

export type Entry = Readonly<Record<string, string>>;

/** Frames of UDP, each of a flow of its own: from this port on. */
export function frames(count: number, port = 1024): Uint8Array[] {
  return Array.from({ length: count }, (_, n) =>
    p.ethernet({}, p.ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, p.udp({ sport: port + n, dport: 53 }))),
  );
}

/** Packets of a flow of its own, and the time in which they were sent, in seconds since the epoch. */
export interface Burst {
  readonly port: number;
  readonly packets: number;
  readonly from: number;
  readonly until: number;
}

/** Sends packets of one flow. */
export async function burst(veth: Veth, port: number, packets: number): Promise<Burst> {
  const from = Math.floor(Date.now() / 1000);
  await veth.send(frames(1, port), packets);
  return { port, packets, from, until: Math.floor(Date.now() / 1000) };
}

/** Each burst is logged whole, or a window in which it was sent says that something is missing. Gives those that are not whole. */
export function incompleteOf(entries: readonly Entry[], bursts: readonly Burst[], windowSeconds: number): Burst[] {
  const windowAt = (second: number): number => Math.floor(second / windowSeconds);
  const skipped = new Set(
    entries.filter(isSkipped).flatMap(({ start, end }) => {
      const first = windowAt(Number(start));
      return Array.from({ length: Math.max(1, windowAt(Number(end) - 1) - first + 1) }, (_, n) => first + n);
    }),
  );
  const logged = new Map<string, number>();
  for (const { srcport, packets } of entries.filter(isOk)) {
    logged.set(srcport, (logged.get(srcport) ?? 0) + Number(packets));
  }
  return bursts.filter(({ port, packets, from, until }) => {
    const found = logged.get(`${port}`) ?? 0;
    assert(found <= packets, `${found} packets of a burst of ${packets} are logged`);
    if (found === packets) return false;
    const windows = Array.from({ length: windowAt(until) - windowAt(from) + 1 }, (_, n) => windowAt(from) + n);
    const isSaid = windows.some((window) => skipped.has(window));
    assert(isSaid, `${packets - found} packets of ${from} to ${until} are missing without a word`);
    return true;
  });
}

export function entriesIn(text: string): Entry[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Entry);
}

/** Of all files of a tree; none where it is not there yet. */
export function entriesOfTree(root: string): Entry[] {
  if (!fs.existsSync(root)) return [];
  const files = fs.readdirSync(root, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.ndjson') && !file.startsWith('_windrow'))
    .flatMap((file) => entriesIn(fs.readFileSync(path.join(root, file), 'utf8')));
}

export function packetsOf(entries: readonly Entry[]): number {
  return entries.filter(isOk).reduce((sum, { packets }) => sum + Number(packets), 0);
}

export function isOk(entry: Entry): boolean {
  return entry['log-status'] === 'OK';
}

export function isSkipped(entry: Entry): boolean {
  return entry['log-status'] === 'SKIPDATA';
}

/** All windows of an ENI from its first to its last: those that something is said of. Fails where one is missing. */
export function windowsOf(entries: readonly Entry[], eni: string, windowSeconds: number): number[] {
  const own = entries.filter((entry) => entry['eni-id'] === eni);
  const touched = own.flatMap(({ start, end }) => {
    const first = Math.floor(Number(start) / windowSeconds);
    const last = Math.max(first, Math.ceil(Number(end) / windowSeconds) - 1);
    return Array.from({ length: last - first + 1 }, (_, n) => first + n);
  });
  const windows = [...new Set(touched)].sort((a, b) => a - b);
  assert.deepEqual(
    windows,
    windows.map((_, n) => windows[0] + n),
    `${eni}: nothing is said of a window`,
  );
  return windows;
}
