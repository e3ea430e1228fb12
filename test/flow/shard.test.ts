// A shard by its face: what it yields as captures pass, and what it says of those that end early.
import { describe, expect, test } from 'vitest';
import { WindrowError } from '../../src/base/errors.ts';
import { readLocality } from '../../src/cloud/locality.ts';
import { Shard } from '../../src/flow/shard.ts';
import type { ClosingWindow } from '../../src/flow/shard.ts';
import { Columns } from '../../src/flowlog/columns.ts';
import { ethernet, ipv4, pcap, udp } from '../packets.ts';
import { Workplace } from '../app/program.ts';

const workplace = new Workplace();

function capture(...times: number[]): Uint8Array {
  return pcap(
    times.map((sec, i) => ({ sec, data: ethernet({}, ipv4({ src: `10.0.${i >> 8}.${i & 255}` }, udp({}))) })),
  );
}

function shardOf(maxFlows = 1000): Shard {
  const { native } = readLocality([], []);
  return new Shard({ maxFlows, windowSeconds: 60, latenessSeconds: 2, decapsulate: false, locality: native });
}

/** Each window with the number of its rows. */
async function drain(shard: Shard): Promise<[ClosingWindow, number][]> {
  const columns = new Columns(8);
  const windows: [ClosingWindow, number][] = [];
  for await (const window of shard.windows()) {
    if (!window) continue;
    let all = 0;
    for (let rows; (rows = shard.fillRows(columns.buffer, columns.capacity)) > 0;) all += rows;
    windows.push([window, all]);
  }
  shard.close();
  return windows;
}

const bounds = ([{ start, end, isLate, isEarly }, rows]: [ClosingWindow, number]): unknown[] => [
  start,
  end,
  isLate ? 'late' : isEarly ? 'early' : 'due',
  rows,
];

describe('a shard', () => {
  test('yields windows in their order, with all their rows, however few are taken at once', async () => {
    const shard = shardOf();
    await shard.open([workplace.file(capture(...Array<number>(20).fill(60), 125, 130, 300))]);
    expect((await drain(shard)).map(bounds)).toEqual([
      [60, 120, 'due', 20],
      [120, 180, 'due', 2],
      [300, 360, 'due', 1],
    ]);
    expect(shard.state).toMatchObject({ first: 60, mark: 300 });
    expect(shard.incomplete).toEqual([]);
  });

  test('yields a window again as late for what comes after it closed', async () => {
    const shard = shardOf();
    await shard.open([workplace.file(capture(60, 125, 119, 61))]);
    expect((await drain(shard)).map(bounds)).toEqual([
      [60, 120, 'due', 1],
      [60, 120, 'late', 2],
      [120, 180, 'due', 1],
    ]);
  });

  test('yields rows early where its table is full, and loses none', async () => {
    const shard = shardOf(16);
    await shard.open([workplace.file(capture(...Array<number>(500).fill(60)))]);
    const windows = (await drain(shard)).map(bounds);
    expect(windows.some(([, , how]) => how === 'early')).toBe(true);
    expect(windows.reduce((sum, [, , , rows]) => sum + (rows as number), 0)).toBe(500);
  });

  test('of several captures takes the packets in the order of time', async () => {
    const shard = shardOf();
    const files = [capture(70, 200), capture(60, 300), capture()].map((bytes) => workplace.file(bytes));
    await shard.open(files);
    expect((await drain(shard)).map(bounds)).toEqual([
      [60, 120, 'due', 1],
      [180, 240, 'due', 1],
      [300, 360, 'due', 1],
    ]);
  });

  test('notes where an input ends early, and gives what was before', async () => {
    const shard = shardOf();
    const file = workplace.file(capture(60, 61, 62).subarray(0, -1));
    await shard.open([file]);
    expect((await drain(shard)).map(bounds)).toEqual([[60, 120, 'due', 2]]);
    expect(shard.incomplete).toMatchObject([{ input: file, damage: 'record_cut' }]);
  });

  test('refuses what is no capture, alone and among others', async () => {
    const text = workplace.file('no packets here');
    const good = workplace.file(capture(60));
    for (const files of [[text], [good, text], [workplace.at('gone')], [good, workplace.at('gone')]]) {
      const shard = shardOf();
      const run = async (): Promise<void> => {
        await shard.open(files);
        await drain(shard);
      };
      await expect(run()).rejects.toThrow(WindrowError);
      shard.close();
    }
  });

  test('may be many at once, each with its own', async () => {
    const counts = [1, 2, 3, 40];
    const shards = counts.map(() => shardOf());
    await Promise.all(
      shards.map((shard, i) => shard.open([workplace.file(capture(...Array<number>(counts[i]).fill(60)))])),
    );
    const all = await Promise.all(shards.map(drain));
    expect(all.map((windows) => windows.map(([, rows]) => rows))).toEqual(counts.map((count) => [count]));
  });
});
