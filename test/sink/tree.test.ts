// A tree of files: what a batch's entries become, where, and when a checkpoint is due.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { Unpacker } from '../../src/flowlog/unpacker.ts';
import { checkTrees } from '../../src/sink/check.ts';
import type { OffsetRange } from '../../src/sink/checkpoint.ts';
import { Tree } from '../../src/sink/tree.ts';
import type { TreeOptions, TreeTarget } from '../../src/sink/tree_target.ts';
import { Workplace, linesOf } from '../app/program.ts';
import { watchCalls } from './calls.ts';
import { numbersIn } from './courses.ts';
import { HOUR, TOPIC, batch } from './topic.ts';

const workplace = new Workplace();
const unpacker = new Unpacker();
let made = 0;
const trees: Tree[] = [];
afterEach(async () => {
  for (const tree of trees.splice(0)) await tree.close();
});

const OPTIONS: TreeOptions = { compress: undefined, rotateBytes: Infinity, replaces: false, owner: 'group' };

function open(options: Partial<TreeOptions> = {}, root = workplace.at(`root-${++made}`)): { root: string; tree: Tree } {
  const tree = Tree.open(root, { ...OPTIONS, ...options });
  trees.push(tree);
  return { root, tree };
}

async function close(tree: Tree): Promise<void> {
  trees.splice(trees.indexOf(tree), 1);
  await tree.close();
}

async function write(
  target: TreeTarget,
  offset: number,
  fields: Parameters<typeof batch>[0] = {},
  partition = 0,
): Promise<void> {
  const one = batch(fields);
  expect(unpacker.unpack(one)).toBeUndefined();
  await target.write({ topic: TOPIC, partition, offset }, one, unpacker.columns);
}

const range = (first: number, next: number, partition = 0): OffsetRange => ({ topic: TOPIC, partition, first, next });

/** A checkpoint that counts. */
async function commit(target: TreeTarget, id: string, ...ranges: OffsetRange[]): Promise<void> {
  await target.prepare(id, ranges);
  await target.settle(true);
}

function filesIn(root: string): string[] {
  const names = fs.readdirSync(root, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => !name.startsWith('_') && fs.statSync(path.join(root, name)).isFile()).sort();
}

function stagedIn(root: string): string[] {
  return checkTrees([root])
    .problems.filter(({ problem }) => problem === 'staged')
    .map(({ where }) => where);
}

const FIRST = `windrow/flow-logs/dt=2023-11-14/hour=22/${TOPIC}-0-00000000000000000000.ndjson`;

describe('entries', () => {
  test('are in the files of their project, logstore, hour and partition, from its first offset on', async () => {
    const { root, tree } = open();
    const target = tree.target();
    await write(target, 5, { numbers: [1, 2] });
    await write(target, 6, { windowStart: HOUR + 3600, numbers: [3] });
    await write(target, 7, { windowStart: HOUR + 60, numbers: [4] });
    await write(target, 8, { project: 'a/b', numbers: [5] });
    await write(target, 9, { logstore: 'other', numbers: [6] });
    await write(target, 2, { numbers: [7] }, 3);
    expect(filesIn(root)).toEqual([]);
    await commit(target, 'a', range(5, 10), range(2, 3, 3));
    const files = Object.fromEntries(
      filesIn(root).map((file) => [file, numbersIn([path.dirname(path.join(root, file))])]),
    );
    expect(files).toEqual({
      [`a%2Fb/flow-logs/dt=2023-11-14/hour=22/${TOPIC}-0-00000000000000000008.ndjson`]: [5],
      [`windrow/flow-logs/dt=2023-11-14/hour=22/${TOPIC}-0-00000000000000000005.ndjson`]: [1, 2, 4, 7],
      [`windrow/flow-logs/dt=2023-11-14/hour=22/${TOPIC}-3-00000000000000000002.ndjson`]: [1, 2, 4, 7],
      [`windrow/flow-logs/dt=2023-11-14/hour=23/${TOPIC}-0-00000000000000000006.ndjson`]: [3],
      [`windrow/other/dt=2023-11-14/hour=22/${TOPIC}-0-00000000000000000009.ndjson`]: [6],
    });
    expect(checkTrees([root])).toMatchObject({ problems: [], removed: 0 });
  });

  test('say whose they are', async () => {
    const { root, tree } = open();
    const target = tree.target();
    await write(target, 0, { eniId: 'eni-"quoted"', numbers: [1] });
    await write(target, 1, { eniId: 'eni-b', numbers: [2] });
    await commit(target, 'a', range(0, 2));
    const lines = linesOf(fs.readFileSync(path.join(root, FIRST), 'utf8')).map(
      (line) => JSON.parse(line) as Record<string, string>,
    );
    expect(lines.map((line) => line['eni-id'])).toEqual(['eni-"quoted"', 'eni-b']);
    expect(lines[0]).toMatchObject({ packets: '1', srcaddr: '10.0.0.1', start: String(HOUR + 1), 'log-status': 'OK' });
  });

  test.each([
    ['gzip', '.gz', (bytes: Buffer) => zlib.gunzipSync(bytes)],
    ['zstd', '.zst', (bytes: Buffer) => bytes],
  ] as const)('can be compressed with %s', async (compress, suffix, read) => {
    const { root, tree } = open({ compress });
    const target = tree.target();
    await write(target, 0, { numbers: Array.from({ length: 1000 }, (_, i) => i + 1) });
    await commit(target, 'a', range(0, 1));
    const stored = fs.readFileSync(path.join(root, FIRST + suffix));
    expect(stored.length).toBeLessThan(40_000);
    if (compress === 'gzip') expect(linesOf(read(stored).toString())).toHaveLength(1000);
    // RFC 8878, section 3.1.1
    else expect(stored.readUInt32LE(0)).toBe(0xfd2fb528);
    expect(checkTrees([root]).problems).toEqual([]);
  });

  test('of a checkpoint without any are no file, and the checkpoint is recorded', async () => {
    const { root, tree } = open();
    await commit(tree.target(), 'a', range(0, 4));
    expect(filesIn(root)).toEqual([]);
    expect(checkTrees([root])).toMatchObject({
      problems: [],
      partitions: [{ first: 0, next: 4, files: 0, entries: 0 }],
    });
  });
});

describe('a target is full', () => {
  test('when a file has as many bytes as it may have', async () => {
    const { tree } = open({ rotateBytes: 1 << 20 });
    const target = tree.target();
    const numbers = Array.from({ length: 500 }, (_, i) => i);
    let batches = 0;
    for (; !target.isFull; batches++) {
      await write(target, batches, { numbers });
      expect(batches).toBeLessThan(100);
    }
    // Of about 350 bytes an entry, and up to four blocks of 256 KiB under way.
    expect(batches).toBeGreaterThan(5);
    expect(batches).toBeLessThan(16);
    await commit(target, 'a', range(0, batches));
    expect(target.isFull).toBe(false);
    expect(target.settled).toMatchObject([{ path: FIRST, first: 0, entries: 500 * batches }]);
  });

  test('when it has as many files as it may have open', async () => {
    const { root, tree } = open();
    const target = tree.target();
    let files = 0;
    for (; !target.isFull; files++) {
      await write(target, files, { logstore: `logs-${files}`, numbers: [files] });
      expect(files).toBeLessThan(1000);
    }
    expect(files).toBe(512);
    await commit(target, 'a', range(0, files));
    expect(filesIn(root)).toHaveLength(512);
    expect(numbersIn([root])).toEqual(Array.from({ length: 512 }, (_, i) => i));
  });
});

describe('a checkpoint', () => {
  test('that is refused leaves nothing, and what was there stays', async () => {
    const { root, tree } = open();
    const target = tree.target();
    await write(target, 0, { numbers: [1] });
    await commit(target, 'a', range(0, 1));
    await write(target, 1, { numbers: [2] });
    await target.prepare('b', [range(1, 2)]);
    expect(numbersIn([root])).toEqual([1, 2]);
    await target.settle(false);
    expect(numbersIn([root])).toEqual([1]);
    expect(checkTrees([root])).toMatchObject({ problems: [], partitions: [{ first: 0, next: 1, checkpoints: 1 }] });
  });

  test('that is abandoned leaves nothing, prepared or not', async () => {
    const { root, tree } = open();
    const target = tree.target();
    await write(target, 0, { numbers: [1] });
    await target.abandon();
    await write(target, 0, { numbers: [1] });
    await target.prepare('a', [range(0, 1)]);
    await target.abandon();
    await target.abandon();
    expect(filesIn(root)).toEqual([]);
    expect(stagedIn(root)).toEqual([]);
    await write(target, 0, { numbers: [2] });
    await commit(target, 'b', range(0, 1));
    expect(numbersIn([root])).toEqual([2]);
  });

  test('of each target is its own', async () => {
    const { root, tree } = open();
    const [one, other] = [tree.target(), tree.target()];
    await write(one, 0, { numbers: [1] }, 0);
    await write(other, 0, { numbers: [2] }, 1);
    await write(other, 1, { numbers: [3], windowStart: HOUR + 3600 }, 1);
    await one.prepare('a', [range(0, 1, 0)]);
    await other.prepare('b', [range(0, 2, 1)]);
    await one.settle(false);
    expect(numbersIn([root])).toEqual([2, 3]);
    await other.settle(true);
    expect(numbersIn([root])).toEqual([2, 3]);
    expect(checkTrees([root]).problems).toEqual([]);
  });

  test('that counts is not taken back when it cannot be recorded, and is recorded before another one counts', async () => {
    const { root, tree } = open();
    const target = tree.target();
    let isFull = true;
    const restore = watchCalls({
      before: ({ name, paths }) => {
        if (!isFull || name !== 'openSync' || !paths[0].endsWith('checkpoints.ndjson')) return;
        throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'open' });
      },
    });
    try {
      await write(target, 0, { numbers: [1] });
      await target.prepare('a', [range(0, 1)]);
      await expect(target.settle(true)).rejects.toThrow('ENOSPC');
      await target.abandon();
      expect(numbersIn([root])).toEqual([1]);
      // Nor by a target that knows nothing of it.
      const other = tree.target();
      await target.leave();
      await write(other, 0, { numbers: [2] }, 1);
      await expect(other.prepare('b', [range(0, 1, 1)])).rejects.toThrow('ENOSPC');
      await other.abandon();
      expect(numbersIn([root])).toEqual([1]);
      isFull = false;
      await write(other, 0, { numbers: [3] }, 1);
      await other.prepare('c', [range(0, 1, 1)]);
      expect(checkTrees([root]).partitions).toMatchObject([{ partition: 0, first: 0, next: 1, entries: 1 }]);
      await other.settle(true);
    } finally {
      restore();
    }
    expect(numbersIn([root])).toEqual([1, 3]);
    expect(checkTrees([root]).problems).toEqual([]);
  });
});

describe('a tree', () => {
  /** Prepared by a process that is no more. */
  async function leftBehind(options: Partial<TreeOptions> = {}, root?: string): Promise<{ root: string; id: string }> {
    const { root: at, tree } = open(options, root);
    const target = tree.target();
    await write(target, 0, { numbers: [1] });
    await target.prepare('left', [range(0, 1)]);
    await tree.leave();
    const { id } = tree;
    await close(tree);
    return { root: at, id };
  }

  test.each([
    [true, { kept: 1, takenBack: 0 }, [1]],
    [false, { kept: 0, takenBack: 1 }, []],
  ])('ends what was left behind as its group has it: %s', async (counts, done, numbers) => {
    const { root, id } = await leftBehind();
    expect(stagedIn(root)).toHaveLength(1);
    const asked: [string, string][] = [];
    const { tree } = open({}, root);
    const result = await tree.recover((slotId, manifest) => {
      asked.push([slotId, manifest.id]);
      return Promise.resolve(counts);
    });
    expect(result).toEqual(done);
    expect(asked).toEqual([[id, 'left']]);
    expect(numbersIn([root])).toEqual(numbers);
    expect(checkTrees([root]).problems).toEqual([]);
    // And it is over.
    expect(await tree.recover(() => Promise.reject(new Error('asked again')))).toEqual({ kept: 0, takenBack: 0 });
  });

  test('leaves to others what is theirs', async () => {
    const { root } = await leftBehind();
    const asked = (): Promise<boolean> => Promise.reject(new Error('asked'));
    for (const owner of ['another group', 'replay']) {
      const { tree } = open({ owner }, root);
      expect(await tree.recover(asked)).toEqual({ kept: 0, takenBack: 0 });
      await close(tree);
    }
    const { tree } = open({}, root);
    expect(await tree.recover(() => Promise.resolve(undefined))).toEqual({ kept: 0, takenBack: 0 });
    expect(numbersIn([root])).toEqual([1]);
    expect(stagedIn(root)).toHaveLength(1);
  });

  test('leaves to others what they are about', async () => {
    const { root, tree } = open();
    const target = tree.target();
    await write(target, 0, { numbers: [1] });
    await target.prepare('under way', [range(0, 1)]);
    const { tree: other } = open({}, root);
    expect(await other.recover(() => Promise.resolve(false))).toEqual({ kept: 0, takenBack: 0 });
    expect(numbersIn([root])).toEqual([1]);
    await target.settle(true);
    expect(checkTrees([root]).problems).toEqual([]);
  });

  test('removes what was never prepared', async () => {
    const { root, tree } = open();
    await write(tree.target(), 0, { numbers: [1] });
    await tree.leave();
    expect(stagedIn(root)).toHaveLength(1);
    expect(await tree.recover(() => Promise.reject(new Error('asked')))).toEqual({ kept: 0, takenBack: 0 });
    expect(stagedIn(root)).toEqual([]);
  });

  test('that is asked whether it can be written says so', () => {
    const { root, tree } = open();
    expect(() => tree.probe()).not.toThrow();
    fs.mkdirSync(path.join(root, '_windrow/sink-0/probe.new'));
    expect(() => tree.probe()).toThrow(/EISDIR/);
  });
});

describe('checkpoints that take the place of others', () => {
  const replacing = { replaces: true, owner: 'replay' };

  /** Writes offsets 0 and so on, up to each of `ends` a checkpoint; the last one is the last of all if it `isComplete`. */
  async function run(root: string, ends: readonly number[], isComplete: boolean, number = 0): Promise<void> {
    const { tree } = open(replacing, root);
    const target = tree.target();
    let offset = 0;
    for (const [i, end] of ends.entries()) {
      const first = offset;
      // The hour changes in the midst of checkpoints.
      for (; offset < end; offset++) {
        await write(target, offset, { numbers: [number + offset], windowStart: HOUR + 3600 * Math.floor(offset / 7) });
      }
      if (isComplete && i === ends.length - 1) target.endWithNext();
      await commit(target, `${number}-${end}-${++made}`, range(first, offset));
    }
    await close(tree);
  }

  const upTo = (next: number, number = 0): number[] => Array.from({ length: next }, (_, i) => number + i);

  test('have all entries once in the end, whatever boundaries were before', async () => {
    const root = workplace.at(`root-${++made}`);
    for (const ends of [
      [20],
      [5, 10, 20],
      [7, 14, 20],
      [1, 2, 19, 20],
      [10, 20],
      [6, 13, 20],
      [20],
      [3, 20],
      [19, 20],
    ]) {
      await run(root, ends, true);
      expect(numbersIn([root]), ends.join()).toEqual(upTo(20));
      expect(checkTrees([root]).problems).toEqual([]);
    }
  });

  test('leave no entry twice when they end in the middle', async () => {
    const root = workplace.at(`root-${++made}`);
    await run(root, [8, 16, 20], true);
    for (const ends of [[5], [5, 9], [12], [1], [3, 4, 17]]) {
      await run(root, ends, false, 100);
      const numbers = numbersIn([root]).map((number) => number % 100);
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(checkTrees([root]).problems.filter(({ problem }) => problem !== 'gap')).toEqual([]);
    }
    await run(root, [4, 20], true);
    expect(numbersIn([root])).toEqual(upTo(20));
  });

  test('have nothing of a longer time before behind their last', async () => {
    const root = workplace.at(`root-${++made}`);
    await run(root, [10, 20, 30], true);
    await run(root, [12], true, 100);
    expect(numbersIn([root])).toEqual(upTo(12, 100));
    expect(checkTrees([root])).toMatchObject({ problems: [], partitions: [{ first: 0, next: 12 }] });
    await run(root, [5, 30], true);
    expect(numbersIn([root])).toEqual(upTo(30));
  });

  test('do so also where the clock went back', async () => {
    const root = workplace.at(`root-${++made}`);
    const now = Date.now;
    try {
      for (const [i, ends] of [
        [9, 20],
        [5, 20],
        [14, 20],
        [7, 9, 20],
      ].entries()) {
        Date.now = () => 1_700_000_000_000 - i * 86_400_000;
        await run(root, ends, true);
        expect(numbersIn([root])).toEqual(upTo(20));
        expect(checkTrees([root]).problems).toEqual([]);
      }
    } finally {
      Date.now = now;
    }
  });

  test('leave what others wrote', async () => {
    const root = workplace.at(`root-${++made}`);
    const { tree } = open({}, root);
    const target = tree.target();
    await write(target, 0, { numbers: [500], logstore: 'sink' }, 1);
    await commit(target, 'of a group', range(0, 1, 1));
    await run(root, [20], true);
    await run(root, [5, 20], true);
    expect(numbersIn([root])).toEqual([...upTo(20), 500]);
  });
});
