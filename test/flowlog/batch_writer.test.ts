// Entries as batches: all of them, in a fixed order, each with its kind, and none too large for a message.
import { describe, expect, test } from 'vitest';
import type { Batch } from '../../src/flowlog/batch.ts';
import { encodeBatch } from '../../src/kafka/codec.ts';
import { DEFAULT_OPTIONS } from '../../src/verify/options.ts';
import { entriesOf } from '../app/entry_line.ts';
import { Workplace } from '../app/program.ts';
import { replayFiles } from '../native/replayed.ts';
import * as p from '../packets.ts';
import { FLOW_LOG, batchFile, linesOfBatches } from './batched.ts';

const workplace = new Workplace();
const OPTIONS = { ...DEFAULT_OPTIONS, windowSeconds: 60 };
const T = 1_700_000_040;
const MICROS = 1_000_000n;

interface Sent {
  readonly sec: number;
  readonly eni?: number;
  readonly sport?: number;
  readonly isV6?: boolean;
  readonly host?: number;
}

function packet({ sec, eni = 0, sport = 5000, isV6 = false, host = 1 }: Sent): p.Block {
  const data = isV6
    ? p.ethernet({ type: p.ETHERTYPE.ipv6 }, p.ipv6({ src: `fd00::${host.toString(16)}` }, p.udp({ sport })))
    : p.ethernet({}, p.ipv4({ src: `10.0.${host >> 8}.${host & 255}` }, p.udp({ sport })));
  return p.enhancedPacket({ interface: eni, units: BigInt(sec) * MICROS, data });
}

function capture(enis: number, ...blocks: readonly p.Block[]): string {
  return workplace.file(p.section([...Array.from({ length: enis }, () => p.interfaceBlock()), ...blocks]));
}

/** Three ENIs, both families, a window without traffic, a loss, and packets that come late. */
function varied(): string {
  const times = [
    ...Array.from({ length: 300 }, (_, i) => ({
      sec: T + (i >> 2),
      eni: i % 3,
      sport: 1024 + (i % 7),
      isV6: i % 5 === 0,
    })),
    { sec: T + 5, eni: 1, sport: 9 },
    { sec: T + 6, eni: 2, sport: 9 },
    { sec: T + 400, eni: 0 },
    { sec: T + 401, eni: 1, isV6: true },
  ].map(packet);
  const drops = p.statistics({ interface: 1, units: BigInt(T + 100) * MICROS, drops: 7n });
  return capture(3, ...times.toSpliced(200, 0, drops));
}

function identities(batches: readonly Batch[]): unknown[] {
  return batches.map(({ identity }) => identity);
}

describe('batches', () => {
  test('have all entries that are written as lines, and no others', async () => {
    const file = varied();
    const { lines, accounting } = await replayFiles([file], OPTIONS);
    const batched = await batchFile(file, OPTIONS);
    expect((await linesOfBatches(batched.batches)).sort()).toEqual([...lines].sort());
    expect(batched.accounting).toEqual(accounting);
    const seen = new Set(
      entriesOf(lines.join('\n')).map((entry) => `${entry['log-status']} ${entry['eni-id']} ${entry.type}`),
    );
    for (const kind of ['OK eni-if0 IPv4', 'OK eni-if2 IPv6', 'NODATA eni-if1 -', 'SKIPDATA eni-if1 -']) {
      expect(seen).toContain(kind);
    }
    expect(accounting.entries.supplementary).toBe(2);
  });

  test('are of one ENI, window and status each, and counted up', async () => {
    const { batches } = await batchFile(varied(), OPTIONS);
    expect(identities(batches)).toEqual(batches.map((_, sequence) => ({ agent: 'agent', boot: 4, sequence })));
    const kinds = new Set<string>();
    for (const batch of batches) {
      const entries = entriesOf((await linesOfBatches([batch])).join('\n'));
      expect(entries).toHaveLength(batch.entries);
      expect(batch.entries).toBeGreaterThan(0);
      expect(new Set(entries.map((entry) => entry['eni-id']))).toEqual(new Set([batch.eni.eniId]));
      expect(new Set(entries.map((entry) => entry['log-status'].toLowerCase()))).toEqual(new Set([batch.status]));
      expect(batch).toMatchObject({ flowLog: FLOW_LOG, windowSeconds: 60 });
      expect(batch.windowStart % 60).toBe(0);
      for (const entry of entries) {
        expect(Number(entry.start)).toBeGreaterThanOrEqual(batch.windowStart);
        expect(Number(entry.start)).toBeLessThan(batch.windowStart + 60);
      }
      kinds.add(batch.status);
    }
    expect([...kinds].sort()).toEqual(['nodata', 'ok', 'skipdata']);
  });

  test.each([2, 3, 7])('are the same of %i workers, however these take turns', async (workers) => {
    const file = varied();
    const { batches } = await batchFile(file, OPTIONS);
    expect(batches.length).toBeGreaterThan(10);
    for (const seed of [1, 2, 3]) {
      expect((await batchFile(file, OPTIONS, { workers, seed })).batches).toEqual(batches);
    }
  });

  test('have the same entries where somebody looks at all rows', async () => {
    const file = varied();
    const [plain, watched] = [await batchFile(file, OPTIONS), await batchFile(file, OPTIONS, { isWatched: true })];
    expect((await linesOfBatches(watched.batches)).sort()).toEqual((await linesOfBatches(plain.batches)).sort());
    expect(watched.accounting).toEqual(plain.accounting);
  });

  test('end where they have enough, so that each is a message of less than a megabyte', async () => {
    const packets = Array.from({ length: 40_000 }, (_, i) =>
      packet({ sec: T, eni: i % 3 === 0 ? 1 : 0, sport: 1 + (i % 60_000), host: i & 0xffff, isV6: i % 2 === 0 }),
    );
    const file = capture(2, ...packets);
    const { batches } = await batchFile(file, OPTIONS, { workers: 2 });
    expect(batches.map(({ eni, entries }) => [eni.eniId, entries])).toEqual([
      ['eni-if0', 16_384],
      ['eni-if0', 26_666 - 16_384],
      ['eni-if1', 13_334],
    ]);
    for (const batch of batches) expect(encodeBatch(batch).length).toBeLessThan(1_000_000);
    expect(await linesOfBatches(batches)).toHaveLength(40_000);
    const { lines } = await replayFiles([file], OPTIONS);
    expect((await linesOfBatches(batches)).sort()).toEqual([...lines].sort());
  });

  test('begin another life with the first flows that are closed early, and lose none', async () => {
    const packets = Array.from({ length: 600 }, (_, i) =>
      packet({ sec: T + Math.floor(i / 4), sport: 1 + i, host: i }),
    );
    const { batches, accounting } = await batchFile(capture(1, ...packets), { ...OPTIONS, maxFlows: 16 });
    const boots = batches.map(({ identity }) => identity.boot);
    const first = boots.indexOf(7);
    expect(boots).toEqual(boots.map((_, i) => (i < first ? 4 : 7)));
    const counts = batches.map(({ identity }) => identity.sequence);
    expect(counts).toEqual(counts.map((_, i) => (i < first ? i : i - first)));
    expect(accounting.closedEarly).toBeGreaterThan(100);
    const sums = entriesOf((await linesOfBatches(batches)).join('\n')).filter((entry) => entry['log-status'] === 'OK');
    expect(sums.reduce((sum, entry) => sum + Number(entry.packets), 0)).toBe(600);
  });

  test('of nothing are none', async () => {
    const { batches } = await batchFile(workplace.file(p.section([p.interfaceBlock()])), OPTIONS);
    expect(batches).toEqual([]);
  });
});

describe('who takes batches', () => {
  test('is waited for', async () => {
    let isBusy = false;
    let taken = 0;
    await batchFile(
      varied(),
      OPTIONS,
      { workers: 2 },
      {
        take: async () => {
          expect(isBusy).toBe(false);
          isBusy = true;
          await new Promise((resolve) => setImmediate(resolve));
          isBusy = false;
          taken++;
        },
      },
    );
    expect(taken).toBeGreaterThan(10);
  });

  test('ends the replay by refusing one', async () => {
    let taken = 0;
    const replay = batchFile(
      varied(),
      OPTIONS,
      {},
      {
        take: () => (++taken === 5 ? Promise.reject(new Error('no more')) : undefined),
      },
    );
    await expect(replay).rejects.toThrow('no more');
    expect(taken).toBe(5);
  });
});
