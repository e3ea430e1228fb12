// What is told of lost batches: the windows that they were of, all of them and no other.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Batch } from '../../src/flowlog/batch.ts';
import { STATUS } from '../../src/flowlog/columns.ts';
import { PACKED_COLUMNS } from '../../src/flowlog/packed_columns.ts';
import { Unpacker } from '../../src/flowlog/unpacker.ts';
import { LostWindows, packedValues } from '../../src/kafka/lost_windows.ts';
import type { UnsentBatch } from '../../src/kafka/lost_windows.ts';
import { packed } from '../native/packed_model.ts';
import { ROW } from '../native/packed_rows.ts';
import { WINDOW_SECONDS, batchOf } from './shipper_batches.ts';
import type { BatchFields } from './shipper_batches.ts';

const unpacker = new Unpacker();
const IDENTITY = { agent: 'agent', boot: 1, sequence: 0 };

function takeAll(lost: LostWindows): UnsentBatch[] {
  const taken: UnsentBatch[] = [];
  for (let batch = lost.take(); batch; batch = lost.take()) taken.push(batch);
  return taken;
}

/** The entries of a batch, as a sink reads them: start and end of each, in windows. */
function spansOf(batch: UnsentBatch): [start: number, end: number][] {
  expect(unpacker.unpack({ ...batch, identity: IDENTITY })).toBeUndefined();
  const { start, end, status } = unpacker.columns;
  return Array.from({ length: batch.entries }, (_, row) => {
    expect(status[row]).toBe(STATUS.skipdata);
    return [Number(start[row]) / WINDOW_SECONDS, Number(end[row]) / WINDOW_SECONDS];
  });
}

/** A batch that tells of a silence, or of a loss, that covers so many windows. */
function quiet(status: 'nodata' | 'skipdata', from: number, windows: number, fields: BatchFields = {}): Batch {
  const windowStart = from * WINDOW_SECONDS;
  const [start, end] = [BigInt(windowStart), BigInt(windowStart + windows * WINDOW_SECONDS)];
  const columns = packed([{ ...ROW, start, end, status: STATUS[status] }], windowStart);
  const asColumns = PACKED_COLUMNS.map(({ name }) => Uint8Array.from(columns[name]));
  return { ...batchOf(from, fields), status, columns: asColumns };
}

const A = { eniId: 'eni-a' };

describe('a lost batch', () => {
  test('becomes a batch of the same flow log, ENI and window, with one SKIPDATA entry that covers it', () => {
    const lost = new LostWindows();
    const batch = batchOf(28_333_334, A);
    lost.add(batch);
    expect(lost.isEmpty).toBe(false);
    const [skipped, ...others] = takeAll(lost);
    expect(others).toEqual([]);
    const { columns, ...head } = skipped;
    const { flowLog, eni, windowStart, windowSeconds } = batch;
    expect(head).toEqual({ flowLog, eni, windowStart, windowSeconds, status: 'skipdata', entries: 1 });
    expect(spansOf(skipped)).toEqual([[28_333_334, 28_333_335]]);
    const named = PACKED_COLUMNS.map(({ name }, i) => [name, columns[i].length]);
    expect(named.filter(([, bytes]) => bytes !== 0).map(([name]) => name)).toEqual(['start', 'end']);
    expect(lost.isEmpty).toBe(true);
  });

  test('with reasons becomes one with reasons, which no rule is of, and is not mixed with those without', () => {
    const lost = new LostWindows();
    const reasons = { rules: ['sg/r1', '-'], isOfFlowLogs: true };
    lost.add(batchOf(5, A));
    lost.add({ ...batchOf(6, A), reasons });
    lost.add({ ...batchOf(7, A), reasons: { ...reasons, rules: ['sg/r2'] } });
    const taken = takeAll(lost);
    expect(taken.map((batch) => batch.reasons)).toEqual([
      undefined,
      { rules: [], isOfFlowLogs: true },
      { rules: [], isOfFlowLogs: true },
    ]);
    expect(taken.flatMap(spansOf)).toEqual([
      [5, 6],
      [6, 7],
      [7, 8],
    ]);
  });

  test('is told once for its window, however many of it are lost, and again if another one is lost later', () => {
    const lost = new LostWindows();
    for (const number of [5, 6, 5, 5, 6]) lost.add(batchOf(number, A));
    expect(takeAll(lost).flatMap(spansOf)).toEqual([
      [5, 6],
      [6, 7],
    ]);
    lost.add(batchOf(5, A));
    expect(takeAll(lost).flatMap(spansOf)).toEqual([[5, 6]]);
  });

  test('is told for its own ENI, flow log and length of windows', () => {
    const lost = new LostWindows();
    lost.add(batchOf(5, A));
    lost.add(batchOf(5, { eniId: 'eni-b' }));
    lost.add(batchOf(5, { ...A, flowLog: 'other' }));
    lost.add({ ...batchOf(5, A), windowSeconds: 300, windowStart: 900 });
    const told = takeAll(lost).map(({ eni, flowLog, windowStart, windowSeconds }) => [
      ...[eni.eniId, flowLog.name, windowStart, windowSeconds],
    ]);
    expect(told).toEqual([
      ['eni-a', 'fl', 300, 60],
      ['eni-b', 'fl', 300, 60],
      ['eni-a', 'other', 300, 60],
      ['eni-a', 'fl', 900, 300],
    ]);
  });

  test('that tells of a silence or a loss is told for all windows of that, also where they are cut off', () => {
    for (const status of ['nodata', 'skipdata'] as const) {
      const lost = new LostWindows();
      lost.add(quiet(status, 10, 3, A));
      lost.add(quiet(status, 20, 1.5, A));
      lost.add(quiet(status, 30, 0, A));
      const windows = [10, 11, 12, 20, 21, 30];
      expect(takeAll(lost).flatMap(spansOf)).toEqual(windows.map((window) => [window, window + 1]));
    }
  });

  test('may be of a window before 1970, or of one that no calendar has', () => {
    const lost = new LostWindows();
    lost.add(batchOf(-3, A));
    lost.add(batchOf(2 ** 40, A));
    expect(takeAll(lost).map(({ windowStart }) => windowStart)).toEqual([-180, 2 ** 40 * 60]);
  });
});

describe('windows in a row', () => {
  const ofRow = (windows: number): UnsentBatch[] => {
    const lost = new LostWindows();
    for (let number = 0; number < windows; number++) lost.add(batchOf(100 + number, A));
    return takeAll(lost);
  };

  test('are an entry each up to sixty, and more of them one for all', () => {
    expect(ofRow(60).flatMap(spansOf)).toHaveLength(60);
    expect(ofRow(61).map(spansOf)).toEqual([[[100, 161]]]);
    expect(ofRow(10_000).map(spansOf)).toEqual([[[100, 10_100]]]);
  });

  test('are the same windows when what tells of them is lost itself', () => {
    for (const windows of [1, 60, 61, 5000]) {
      const lost = new LostWindows();
      for (const batch of ofRow(windows)) lost.add(batch);
      expect(takeAll(lost)).toEqual(ofRow(windows));
    }
  });

  test('cost no more memory than one, nor does a batch cost its columns', () => {
    const before = process.memoryUsage().rss;
    const lost = new LostWindows();
    for (let number = 0; number < 3000; number++) {
      lost.add({ ...batchOf(number, A), columns: PACKED_COLUMNS.map(() => new Uint8Array(10_000)) });
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
    expect(takeAll(lost)).toHaveLength(1);
  });
});

test('the windows that are told are those that were lost, whatever is taken, put back and lost in between', () => {
  const event = fc.oneof(
    { weight: 5, arbitrary: fc.record({ from: fc.nat(200), windows: fc.nat(80), eni: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.constantFrom('told' as const, 'put back' as const) },
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const lost = new LostWindows();
      const expected = new Set<string>();
      const told = new Set<string>();
      const tell = (batch: UnsentBatch): void => {
        const [[from, to]] = spansOf(batch);
        for (let window = from; window < to; window++) told.add(`${batch.eni.eniId} ${window}`);
      };
      for (const one of events) {
        const batch = typeof one === 'string' ? lost.take() : undefined;
        if (batch && one === 'told') tell(batch);
        else if (batch) lost.add(batch);
        if (typeof one === 'string') continue;
        const eniId = `eni-${one.eni}`;
        lost.add(
          one.windows === 0 ? batchOf(one.from, { eniId }) : quiet('skipdata', one.from, one.windows, { eniId }),
        );
        for (let i = 0; i < Math.max(1, one.windows); i++) expected.add(`${eniId} ${one.from + i}`);
      }
      takeAll(lost).forEach(tell);
      expect([...told].sort()).toEqual([...expected].sort());
    }),
  );
});

test('packed values are read as they are written', () => {
  const values = fc.array(fc.oneof(fc.nat(300), fc.nat(Number.MAX_SAFE_INTEGER)));
  fc.assert(
    fc.property(values, (numbers) => {
      const rows = numbers.map((number) => ({ ...ROW, packets: BigInt(number) }));
      expect([...packedValues(Uint8Array.from(packed(rows, 0).packets))]).toEqual(numbers);
    }),
  );
});
