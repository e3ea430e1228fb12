// Flow logs with windows of several lengths: each gets what it would get if all windows were of its length.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FlowLog } from '../../src/flowlog/flow_log.ts';
import { DEFAULT_OPTIONS } from '../../src/verify/options.ts';
import { entriesOf } from '../app/entry_line.ts';
import { Workplace } from '../app/program.ts';
import * as p from '../packets.ts';
import { batchFile, linesOfBatches } from './batched.ts';
import type { Batched } from './batched.ts';
import { flowLog } from './flow_logs.ts';

const workplace = new Workplace();
const T = 1_700_000_400;
const MICROS = 1_000_000n;
const ENIS = ['eni-a', 'eni-b', 'eni-c'] as const;
const OPTIONS = { ...DEFAULT_OPTIONS, eni: ENIS.map((eni, i) => `${eni}=10.0.0.${i + 1}`) };
const MINUTES = [1, 5, 10] as const;

interface Sent {
  /** Seconds since the packet before; it may have been sent earlier, and then no other counts from it. */
  readonly after: number;
  readonly from: number;
  readonly to: number;
  readonly isTcp: boolean;
  readonly flags: number;
  readonly port: number;
  readonly bytes: number;
}

const { fin, syn, rst, ack } = p.TCP_FLAG;
const SENT = fc.record<Sent>({
  after: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 }) },
    { weight: 1, arbitrary: fc.integer({ min: -200, max: 0 }) },
    { weight: 1, arbitrary: fc.integer({ min: 300, max: 2000 }) },
  ),
  from: fc.integer({ min: 1, max: 5 }),
  to: fc.integer({ min: 1, max: 5 }),
  isTcp: fc.boolean(),
  flags: fc.constantFrom(ack, ack, syn, syn | ack, fin | ack, rst),
  port: fc.integer({ min: 1000, max: 1002 }),
  bytes: fc.integer({ min: 0, max: 200 }),
});

function captureOf(sent: readonly Sent[]): string {
  let sec = T;
  const blocks = sent.map(({ after, from, to, isTcp, flags, port, bytes }) => {
    const isLate = after < 0;
    if (!isLate) sec += after;
    // Connections of late packets stay open: whether one was closed is told by the order of time in longer windows.
    const ports = { sport: isLate ? port + 10 : port, dport: 80 };
    const carried = isTcp
      ? p.tcp({ ...ports, flags: isLate ? ack : flags }, p.zeros(bytes))
      : p.udp(ports, p.zeros(bytes));
    const protocol = isTcp ? p.PROTOCOL.tcp : p.PROTOCOL.udp;
    const data = p.ethernet({}, p.ipv4({ src: `10.0.0.${from}`, dst: `10.0.0.${to}`, protocol }, carried));
    return p.enhancedPacket({ units: BigInt(isLate ? sec + after : sec) * MICROS, data });
  });
  return workplace.file(p.section([p.interfaceBlock(), ...blocks]));
}

/** Lines of batches: of traffic in their order, and of none in any. */
async function linesOf(
  { batches }: Batched,
  isWanted: (batch: Batched['batches'][number]) => boolean,
): Promise<string[]> {
  const wanted = batches.filter(isWanted);
  const quiet = await linesOfBatches(wanted.filter(({ status }) => status !== 'ok'));
  return [...(await linesOfBatches(wanted.filter(({ status }) => status === 'ok'))), ...quiet.sort()];
}

async function expectAlike(file: string, flowLogs: readonly FlowLog[], lateness: number, manner = {}): Promise<number> {
  const seconds = 60 * Math.min(...flowLogs.map(({ aggregationInterval }) => aggregationInterval));
  const options = { ...OPTIONS, latenessSeconds: lateness };
  const mixed = await batchFile(file, { ...options, windowSeconds: seconds }, { ...manner, flowLogs });
  let lines = 0;
  for (const one of flowLogs) {
    const own = one.aggregationInterval * 60;
    const plain = await batchFile(file, { ...options, windowSeconds: own });
    const got = await linesOf(mixed, (batch) => batch.flowLog.name === one.name);
    expect(got, one.name).toEqual(await linesOf(plain, (batch) => batch.eni.eniId === one.resourceId));
    for (const batch of mixed.batches) {
      if (batch.flowLog.name !== one.name) continue;
      expect(batch).toMatchObject({ windowSeconds: own, flowLog: { project: one.project, logstore: one.logstore } });
      expect(batch.windowStart % own).toBe(0);
    }
    lines += got.length;
  }
  expect(lines).toBe(mixed.batches.reduce((sum, batch) => sum + batch.entries, 0));
  return lines;
}

const byEni = (minutes: readonly FlowLog['aggregationInterval'][]): FlowLog[] =>
  minutes.map((aggregationInterval, i) =>
    flowLog({
      name: `of ${ENIS[i]}`,
      resourceType: 'NetworkInterface',
      resourceId: ENIS[i],
      aggregationInterval,
      logstore: ENIS[i],
    }),
  );

describe('windows of several lengths', () => {
  test('give what each would give alone, in whatever order packets come', async () => {
    let lines = 0;
    const lengths = fc.tuple(...ENIS.map(() => fc.constantFrom(...MINUTES)));
    await fc.assert(
      fc.asyncProperty(
        fc.array(SENT, { minLength: 1, maxLength: 80 }),
        lengths,
        fc.constantFrom(0, 2, 120),
        fc.constantFrom(1, 2, 3),
        async (sent, minutes, lateness, workers) => {
          lines += await expectAlike(captureOf(sent), byEni(minutes), lateness, { workers });
        },
      ),
      { numRuns: 150 },
    );
    expect(lines).toBeGreaterThan(1000);
  });
});

test('windows of several lengths are not silent where packets were lost, each by its own length', async () => {
  const at = (sec: number, from: number): p.Block => {
    const data = p.ethernet({}, p.ipv4({ src: `10.0.0.${from}`, dst: '192.0.2.1' }, p.udp({})));
    return p.enhancedPacket({ units: BigInt(T + sec) * MICROS, data });
  };
  const drops = p.statistics({ units: BigInt(T + 1210) * MICROS, startUnits: BigInt(T + 1150) * MICROS, drops: 2n });
  const blocks = [p.interfaceBlock(), at(0, 1), at(0, 2), at(0, 3), at(1260, 9), drops, at(2400, 1), at(2400, 2)];
  const file = workplace.file(p.section(blocks));
  const { batches } = await batchFile(file, { ...OPTIONS, windowSeconds: 60 }, { flowLogs: byEni([1, 5, 10]) });
  const starts = async (eni: string, status: string): Promise<number[]> => {
    const own = batches.filter((batch) => batch.eni.eniId === eni && batch.status === status);
    const lines = entriesOf((await linesOfBatches(own)).join('\n'));
    return lines.map(({ start }) => Number(start) - T).sort((a, b) => a - b);
  };
  const other = (minutes: number, lost: readonly number[]): number[] =>
    Array.from({ length: 40 / minutes - 1 }, (_, i) => (i + 1) * minutes * 60).filter((start) => !lost.includes(start));
  for (const [eni, minutes, lost] of [
    ['eni-a', 1, [1140, 1200]],
    ['eni-b', 5, [900, 1200]],
    ['eni-c', 10, [600, 1200]],
  ] as const) {
    expect(await starts(eni, 'skipdata'), eni).toEqual(lost);
    expect(await starts(eni, 'nodata'), eni).toEqual(other(minutes, lost));
  }
});

/** Traffic of both families and of both verdicts cannot be told apart without a network: families are. */
function bothFamilies(): string {
  const blocks = Array.from({ length: 40 }, (_, i) => {
    const data =
      i % 4 === 0
        ? p.ethernet({ type: p.ETHERTYPE.ipv6 }, p.ipv6({ src: 'fd00::1', dst: 'fd00::9' }, p.udp({ sport: 5000 })))
        : p.ethernet({}, p.ipv4({ src: '10.0.0.1', dst: '10.0.9.9' }, p.udp({ sport: 5000 })));
    return p.enhancedPacket({ units: BigInt(T + i * 30) * MICROS, data });
  });
  return workplace.file(p.section([p.interfaceBlock(), ...blocks]));
}

const TWO_FAMILIES = { ...DEFAULT_OPTIONS, eni: ['eni-a=10.0.0.1', 'eni-a=fd00::1', 'eni-b=10.0.9.10'] };
const ofA = { resourceType: 'NetworkInterface', resourceId: 'eni-a' } as const;

describe('several flow logs over one ENI', () => {
  const four = flowLog({ ...ofA, name: 'four', ipVersion: 'IPv4', aggregationInterval: 10 });
  const both = flowLog({ ...ofA, name: 'both', aggregationInterval: 5 });
  const none = flowLog({ ...ofA, name: 'none', trafficPaths: ['nat-gateway'] });
  const idle = flowLog({ ...ofA, name: 'idle', status: 'Inactive', aggregationInterval: 1 });

  test('each get what passes their filter, in the shortest windows of those that are active', async () => {
    const file = bothFamilies();
    const { batches, accounting } = await batchFile(
      file,
      { ...TWO_FAMILIES, windowSeconds: 300 },
      { flowLogs: [four, both, none, idle] },
    );
    const plain = await batchFile(file, { ...TWO_FAMILIES, windowSeconds: 300 });
    const ofPlain = (isWanted: (line: string) => boolean) =>
      linesOf(plain, ({ eni, status }) => eni.eniId === 'eni-a' && status === 'ok').then((lines) =>
        lines.filter(isWanted),
      );
    const got = (name: string): Promise<string[]> =>
      linesOf({ batches, accounting }, ({ flowLog: { name: found } }) => found === name);
    expect(await got('four')).toEqual(await ofPlain((line) => line.includes('"type":"IPv4"')));
    expect(await got('both')).toEqual(await ofPlain(() => true));
    expect(await got('idle')).toEqual([]);
    // Nothing that it asks for has come: NODATA of each window, of this flow log alone.
    const silent = await got('none');
    expect(silent).toHaveLength(4);
    expect(silent.every((line) => line.includes('"log-status":"NODATA"') && line.includes('"eni-a"'))).toBe(true);
    expect(new Set(batches.map(({ windowSeconds }) => windowSeconds))).toEqual(new Set([300]));
    expect(accounting.packets.logged).toBe(40);
    expect(accounting.uncollected).toEqual({ entries: 0, packets: 0, bytes: 0 });
  });

  test('that none of them takes is in the books, and nowhere else', async () => {
    const { batches, accounting } = await batchFile(
      bothFamilies(),
      { ...TWO_FAMILIES, windowSeconds: 600 },
      { flowLogs: [four] },
    );
    expect(batches.every(({ flowLog: { name } }) => name === 'four')).toBe(true);
    expect(accounting.packets.logged).toBe(40);
    expect(accounting.uncollected).toMatchObject({ entries: 2, packets: 10 });
    expect(accounting.entries).toMatchObject({ ok: 2, nodata: 0 });
  });

  test('that there are none of: nothing is written, and all is in the books', async () => {
    const { batches, accounting } = await batchFile(
      bothFamilies(),
      { ...TWO_FAMILIES, windowSeconds: 600 },
      { flowLogs: [idle] },
    );
    expect(batches).toEqual([]);
    expect(accounting.uncollected).toMatchObject({ packets: 40 });
    expect(accounting.entries).toEqual({ ok: 0, nodata: 0, skipdata: 0, supplementary: 0 });
  });

  test('of more than a block of copies: each gets all', async () => {
    const many = Array.from({ length: 90 }, (_, i) => flowLog({ ...ofA, name: `fl ${i}`, logstore: `l${i}` }));
    const blocks = Array.from({ length: 500 }, (_, i) => {
      const data = p.ethernet(
        {},
        p.ipv4({ src: '10.0.0.1', dst: `10.1.${i >> 8}.${i & 255}` }, p.udp({ sport: 5000 })),
      );
      return p.enhancedPacket({ units: BigInt(T) * MICROS, data });
    });
    const file = workplace.file(p.section([p.interfaceBlock(), ...blocks]));
    const { batches, accounting } = await batchFile(file, { ...TWO_FAMILIES, windowSeconds: 600 }, { flowLogs: many });
    expect(accounting.entries.ok).toBe(90 * 500);
    const entries = new Map<string, number>();
    for (const { flowLog: one, entries: count } of batches) {
      entries.set(one.name, (entries.get(one.name) ?? 0) + count);
    }
    expect([...entries.values()]).toEqual(many.map(() => 500));
  });
});

describe('a table that is full', () => {
  test('closes flows of long windows early, and loses nothing', async () => {
    const blocks = Array.from({ length: 600 }, (_, i) => {
      const src = `10.0.0.${1 + (i % 3)}`;
      const data = p.ethernet({}, p.ipv4({ src, dst: `10.1.${i % 7}.${i % 251}` }, p.udp({ sport: 5000 })));
      return p.enhancedPacket({ units: BigInt(T + i * 2) * MICROS, data });
    });
    const file = workplace.file(p.section([p.interfaceBlock(), ...blocks]));
    const flowLogs = byEni([1, 5, 10]);
    for (const workers of [1, 2]) {
      const options = { ...OPTIONS, windowSeconds: 60, maxFlows: 64 };
      const { batches, accounting } = await batchFile(file, options, { workers, flowLogs });
      expect(accounting.closedEarly).toBeGreaterThan(100);
      expect(accounting.uncollected).toEqual({ entries: 0, packets: 0, bytes: 0 });
      const lines = await linesOfBatches(batches.filter(({ status }) => status === 'ok'));
      const entries = entriesOf(lines.join('\n'));
      for (const [i, eni] of ENIS.entries()) {
        const own = entries.filter((entry) => entry['eni-id'] === eni);
        expect(own.reduce((sum, { packets }) => sum + Number(packets), 0)).toBe(200);
        const seconds = 60 * MINUTES[i];
        const isWithin = ({ start, end }: Record<string, string>): boolean =>
          Math.floor(Number(start) / seconds) === Math.floor((Number(end) - 1) / seconds) || start === end;
        expect(own.every((entry) => isWithin(entry as unknown as Record<string, string>))).toBe(true);
      }
      // Windows that had traffic are not silent, even where all of it left early.
      const silent = batches.filter(({ status }) => status === 'nodata');
      expect(silent).toEqual([]);
    }
  });
});
