// npm's pcap-parser, which nobody here wrote, finds the same packets and the same bytes in classic captures.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { parse } from 'pcap-parser';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEFAULT_OPTIONS } from '../../src/verify/options.ts';
import * as p from '../packets.ts';
import { replayFiles } from './replayed.ts';

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-parser-'));
});
afterAll(() => {
  fs.rmSync(folder, { recursive: true });
});

interface Counted {
  packets: number;
  /** On the wire. */
  bytes: number;
}

function countWithParser(file: string): Promise<Counted> {
  return new Promise((resolve, reject) => {
    const counted = { packets: 0, bytes: 0 };
    const parser = parse(file);
    parser.on('packet', ({ header, data }) => {
      expect(data.length).toBe(header.capturedLength);
      counted.packets++;
      counted.bytes += header.originalLength;
    });
    parser.on('error', reject);
    parser.on('end', () => resolve(counted));
  });
}

/** The parser counts frames: with only frames of not IP, the books count their whole length as well. */
function frameOf(size: number): Uint8Array {
  return p.ethernet({ type: 0x88cc }, new Uint8Array(size));
}

const records = fc.array(fc.record({ size: fc.nat(1500), cut: fc.boolean(), sec: fc.nat(5000) }), { maxLength: 200 });

test('frames and their lengths on the wire are the same, in both byte orders and with short captures', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.boolean(), async (plan, isBigEndian) => {
      const file = path.join(folder, 'frames.pcap');
      const frames = plan.map(({ size, cut, sec }) => {
        const data = frameOf(size);
        return { data: cut ? data.subarray(0, 40) : data, wireLength: data.length, sec };
      });
      fs.writeFileSync(file, p.pcap(frames, { isBigEndian }));
      const { accounting } = await replayFiles([file], DEFAULT_OPTIONS);
      const counted = await countWithParser(file);
      expect(counted.packets).toBe(plan.length);
      expect({ packets: accounting.packets.seen, bytes: accounting.bytes.seen }).toEqual(counted);
      expect(accounting.packets.excluded.not_ip).toBe(plan.length);
    }),
    { numRuns: 50 },
  );
});

test('IP packets are as many, and their bytes are the frames less the Ethernet headers', async () => {
  const file = path.join(folder, 'packets.pcap');
  const sizes = Array.from({ length: 20_000 }, (_, i) => (i * 37) % 1400);
  const frames = sizes.map((size, i) => {
    const packet = p.ipv4({ src: `10.0.0.${i % 250}`, protocol: 17 }, p.udp({ sport: i % 1000 }, new Uint8Array(size)));
    return { data: p.ethernet({}, packet), sec: 1_700_000_000 + Math.floor(i / 100) };
  });
  fs.writeFileSync(file, p.pcap(frames));
  const { accounting, lines } = await replayFiles([file], DEFAULT_OPTIONS, { workers: 3, chunkBytes: 65_536 });
  const counted = await countWithParser(file);
  expect(accounting.packets.logged).toBe(counted.packets);
  expect(accounting.bytes.logged).toBe(counted.bytes - 14 * counted.packets);
  const entries = lines.map((line) => JSON.parse(line) as { packets: string; bytes: string });
  expect(entries.reduce((sum, entry) => sum + Number(entry.packets), 0)).toBe(counted.packets);
  expect(entries.reduce((sum, entry) => sum + Number(entry.bytes), 0)).toBe(counted.bytes - 14 * counted.packets);
});
