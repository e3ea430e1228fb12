// Each link type, header and tunnel that the decoder knows leads to its IP packet.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dns, dns6, frames, linked, syn, tunnels } from '../frames.ts';
import * as p from '../packets.ts';
import { DEFAULT_OPTIONS } from '../../src/verify/options.ts';
import { replayFiles } from './replayed.ts';

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-known-'));
});
afterAll(() => {
  fs.rmSync(folder, { recursive: true });
});

/** Bytes of the entries of a capture with this one frame. */
async function bytesLogged(linkType: number, frame: Uint8Array, decapsulate: boolean): Promise<number[]> {
  const file = path.join(folder, 'one.pcap');
  fs.writeFileSync(file, p.pcap([{ data: frame, sec: 1_700_000_000 }], { linkType }));
  const { lines } = await replayFiles([file], { ...DEFAULT_OPTIONS, decapsulate });
  const entries = lines.map((line) => JSON.parse(line) as Record<string, string>);
  return entries.filter((entry) => entry['log-status'] === 'OK').map((entry) => Number(entry.bytes));
}

const INSIDE = [syn.length, dns.length, dns6.length];

const read = Object.entries(linked).filter(([name]) => name !== 'unsupported');
test.each(read)('link type: %s', async (_, [linkType, frame]) => {
  const [bytes, ...others] = await bytesLogged(linkType, frame, false);
  expect(INSIDE).toContain(bytes);
  expect(others).toEqual([]);
});

test.each(Object.entries(frames).filter(([name]) => name !== 'arp'))('on Ethernet: %s', async (_, frame) => {
  const [bytes, ...others] = await bytesLogged(1, frame, false);
  expect(INSIDE).toContain(bytes);
  expect(others).toEqual([]);
});

test.each(Object.entries(tunnels))('tunnel: %s', async (name, packet) => {
  expect(await bytesLogged(101, packet, false)).toEqual([packet.length]);
  const [bytes] = await bytesLogged(101, packet, true);
  // An ICMP error carries the start of a packet that nobody sent here.
  if (name === 'unreachable') expect(bytes).toBe(packet.length);
  else expect(INSIDE).toContain(bytes);
});
