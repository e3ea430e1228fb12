// What a sink does with what arrives: each batch once, and everything of a checkpoint or nothing.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkTrees } from '../../src/sink/check.ts';
import type { Commit, Committer } from '../../src/sink/checkpoint.ts';
import { Sink } from '../../src/sink/sink.ts';
import type { Arrival } from '../../src/sink/sink.ts';
import { Tree } from '../../src/sink/tree.ts';
import { Workplace } from '../app/program.ts';
import { numbersIn } from './courses.ts';
import { HOUR, TOPIC, arrival, batch, refused } from './topic.ts';

const workplace = new Workplace();
let made = 0;

/** Says yes until it is told otherwise. */
class Answering implements Committer {
  readonly commits: Commit[] = [];
  answer: 'yes' | 'no' | 'yes, unheard' | 'no, unheard' = 'yes';

  commit(commit: Commit): Promise<boolean> {
    if (this.answer.startsWith('yes')) this.commits.push(commit);
    if (this.answer.endsWith('unheard')) return Promise.reject(new Error('no answer'));
    return Promise.resolve(this.answer === 'yes');
  }
}

let root: string;
let tree: Tree;
let committer: Answering;
let sink: Sink;
let now: number;

beforeEach(() => {
  root = workplace.at(`root-${++made}`);
  tree = Tree.open(root, { compress: undefined, rotateBytes: 1 << 20, replaces: false, owner: 'group' });
  committer = new Answering();
  now = 1000;
  sink = newSink();
});
afterEach(() => tree.close());

function newSink(): Sink {
  const own = new Sink(tree.target(), committer, { rotateMs: 500, now: () => now });
  for (const partition of [0, 1]) own.assign(partition, []);
  return own;
}

async function takeAll(...arrivals: readonly Arrival[]): Promise<unknown[]> {
  const fates: unknown[] = [];
  for (const one of arrivals) fates.push(await sink.take(one));
  return fates;
}

const of = (offset: number, sequence: number, number: number, partition = 0): Arrival =>
  arrival(offset, { sequence, numbers: [number] }, partition);

describe('a checkpoint', () => {
  test('is none where nothing came', async () => {
    expect(sink.isEmpty).toBe(true);
    expect(await sink.checkpoint()).toBe('nothing');
    expect(committer.commits).toEqual([]);
  });

  test('has the offsets of each partition, the last batch of each life, and what is no batch', async () => {
    const fates = await takeAll(of(7, 3, 1), refused(8), of(2, 4, 2, 1), of(9, 5, 3), of(10, 5, 3), of(11, 1, 9));
    const letter = {
      topic: TOPIC,
      partition: 0,
      offset: 8,
      refusal: 'malformed',
      reason: 'it is none',
      key: null,
      message: Buffer.from('no batch 0/8'),
    };
    expect(fates).toEqual(['written', letter, 'written', 'written', 'duplicate', 'duplicate']);
    expect(sink.isEmpty).toBe(false);
    expect(await sink.checkpoint()).toBe('committed');
    expect(sink.isEmpty).toBe(true);
    const mark = { agent: 'agent', boot: 1 };
    expect(committer.commits).toEqual([
      {
        id: expect.any(String) as string,
        ranges: [
          { topic: TOPIC, partition: 0, first: 7, next: 12 },
          { topic: TOPIC, partition: 1, first: 2, next: 3 },
        ],
        marks: [
          { ...mark, partition: 0, sequence: 5 },
          { ...mark, partition: 1, sequence: 4 },
        ],
        deadLetters: [letter],
      },
    ]);
    expect(numbersIn([root])).toEqual([1, 2, 3]);
    expect(checkTrees([root]).problems).toEqual([]);
  });

  test('begins with what came after the one before', async () => {
    await takeAll(of(0, 0, 1), refused(1));
    await sink.checkpoint();
    await takeAll(of(2, 0, 1), of(3, 1, 2));
    expect(await sink.checkpoint()).toBe('committed');
    expect(committer.commits[1]).toMatchObject({
      ranges: [{ partition: 0, first: 2, next: 4 }],
      marks: [{ sequence: 1 }],
      deadLetters: [],
    });
    expect(committer.commits[1].id).not.toBe(committer.commits[0].id);
    expect(numbersIn([root])).toEqual([1, 2]);
  });

  test('is also made of batches that were known', async () => {
    sink.assign(0, [{ partition: 0, agent: 'agent', boot: 1, sequence: 9 }]);
    expect(await takeAll(of(0, 8, 1), of(1, 9, 2))).toEqual(['duplicate', 'duplicate']);
    expect(await sink.checkpoint()).toBe('committed');
    expect(committer.commits).toMatchObject([{ ranges: [{ first: 0, next: 2 }], marks: [], deadLetters: [] }]);
    expect(numbersIn([root])).toEqual([]);
  });

  test('that is refused leaves nothing, and what comes again is new', async () => {
    await takeAll(of(0, 0, 1));
    await sink.checkpoint();
    committer.answer = 'no';
    await takeAll(of(1, 1, 2), refused(2));
    expect(await sink.checkpoint()).toBe('refused');
    expect(sink.isEmpty).toBe(true);
    expect(numbersIn([root])).toEqual([1]);
    committer.answer = 'yes';
    expect(await takeAll(of(0, 0, 1), of(1, 1, 2))).toEqual(['duplicate', 'written']);
    expect(await sink.checkpoint()).toBe('committed');
    expect(committer.commits[1]).toMatchObject({ marks: [{ sequence: 1 }], deadLetters: [] });
    expect(numbersIn([root])).toEqual([1, 2]);
    expect(checkTrees([root]).problems.map(({ problem }) => problem)).toEqual(['overlap']);
  });

  test('that is abandoned leaves nothing, and what comes again is new', async () => {
    await takeAll(of(0, 0, 1), refused(1));
    await sink.abandon();
    expect(await sink.checkpoint()).toBe('nothing');
    expect(await takeAll(of(0, 0, 1))).toEqual(['written']);
    await sink.checkpoint();
    expect(committer.commits).toMatchObject([{ ranges: [{ first: 0, next: 1 }], deadLetters: [] }]);
    expect(numbersIn([root])).toEqual([1]);
    expect(checkTrees([root]).problems).toEqual([]);
  });

  test.each([
    ['yes, unheard', [1, 2], ['duplicate', 'written']],
    ['no, unheard', [1], ['written', 'written']],
  ] as const)('of which nobody knows is as the group has it: %s', async (answer, numbers, fates) => {
    await takeAll(of(0, 0, 1));
    await sink.checkpoint();
    committer.answer = answer;
    await takeAll(of(1, 1, 2));
    await expect(sink.checkpoint()).rejects.toThrow('no answer');
    // Until it is known, what is there stays.
    expect(numbersIn([root])).toEqual([1, 2]);
    await tree.leave();
    await tree.recover((_, { id }) => Promise.resolve(committer.commits.some((commit) => commit.id === id)));
    expect(numbersIn([root])).toEqual(numbers);
    committer.answer = 'yes';
    sink = newSink();
    sink.assign(0, committer.commits.at(-1)!.marks);
    expect(await takeAll(of(1, 1, 2), of(2, 2, 3))).toEqual(fates);
    await sink.checkpoint();
    expect(numbersIn([root])).toEqual([1, 2, 3]);
  });
});

describe('a batch', () => {
  test('whose columns do not fit together is a dead letter, and does not count as written', async () => {
    const whole = batch({ sequence: 4, numbers: [1, 2] });
    const wrong = { ...whole, columns: whole.columns.map((column, i) => (i === 0 ? column.subarray(1) : column)) };
    const message = Buffer.from('as it came');
    const said = { topic: TOPIC, partition: 0, offset: 0, key: Buffer.from('eni-a'), message };
    const reason = 'packets: expected 2 values, found 1';
    expect(await takeAll({ ...said, batch: wrong })).toEqual([{ ...said, refusal: 'malformed', reason }]);
    expect(await takeAll({ ...said, offset: 1, batch: whole })).toEqual(['written']);
    await sink.checkpoint();
    expect(committer.commits).toMatchObject([{ marks: [{ sequence: 4 }], deadLetters: [{ offset: 0, reason }] }]);
    expect(numbersIn([root])).toEqual([1, 2]);
  });

  test('of a project with any name is written', async () => {
    const names = ['..', '_windrow', 'x'.repeat(256), '日'.repeat(256), '\0/\n'];
    await takeAll(...names.map((project, i) => arrival(i, { project, logstore: project, sequence: i, numbers: [i] })));
    expect(await sink.checkpoint()).toBe('committed');
    expect(numbersIn([root])).toEqual([0, 1, 2, 3, 4]);
    expect(checkTrees([root])).toMatchObject({ problems: [], partitions: [{ files: 5 }] });
  });

  test('of any time is written', async () => {
    const times = [0, -1, HOUR, Number.MAX_SAFE_INTEGER - 60, Number.MIN_SAFE_INTEGER];
    await takeAll(...times.map((windowStart, i) => arrival(i, { windowStart, sequence: i, numbers: [i] })));
    expect(await sink.checkpoint()).toBe('committed');
    expect(numbersIn([root])).toEqual([0, 1, 2, 3, 4]);
    expect(checkTrees([root]).problems).toEqual([]);
  });
});

describe('a partition', () => {
  test('that goes and comes back is what the group has of it', async () => {
    await takeAll(of(0, 5, 1), of(0, 5, 2, 1));
    await sink.checkpoint();
    sink.revoke(0);
    sink.assign(0, [{ partition: 0, agent: 'agent', boot: 1, sequence: 3 }]);
    expect(await takeAll(of(1, 3, 3), of(2, 4, 4), of(1, 5, 5, 1))).toEqual(['duplicate', 'written', 'duplicate']);
  });
});

describe('a checkpoint is due', () => {
  test('so long after the first message of it, whatever came since', async () => {
    expect(sink.isDue).toBe(false);
    now = 5000;
    expect(sink.isDue).toBe(false);
    await takeAll(refused(0));
    now = 5499;
    await takeAll(of(1, 0, 1));
    expect(sink.isDue).toBe(false);
    now = 5500;
    expect(sink.isDue).toBe(true);
    expect(sink.isFull).toBe(false);
    await sink.checkpoint();
    expect(sink.isDue).toBe(false);
  });

  test('at once when files are full', async () => {
    const numbers = Array.from({ length: 5000 }, (_, i) => i);
    for (let i = 0; i < 2; i++) await takeAll(arrival(i, { sequence: i, numbers }));
    expect([sink.isFull, sink.isDue]).toEqual([true, true]);
    await sink.checkpoint();
    expect([sink.isFull, sink.isDue]).toEqual([false, false]);
  });

  test('at once when too many messages are no batches', async () => {
    for (let offset = 0; offset < 999; offset++) await takeAll(refused(offset));
    expect(sink.isFull).toBe(false);
    await takeAll(refused(999));
    expect([sink.isFull, sink.isDue]).toEqual([true, true]);
    await sink.checkpoint();
    expect(committer.commits[0].deadLetters).toHaveLength(1000);
    expect(sink.isFull).toBe(false);
    // Or too large.
    for (let offset = 1000; !sink.isFull; offset++)
      await takeAll({ ...refused(offset), message: Buffer.alloc(1 << 20) });
    await sink.checkpoint();
    expect(committer.commits[1].deadLetters).toHaveLength(8);
    expect(sink.isFull).toBe(false);
  });
});
