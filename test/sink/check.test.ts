// What a check of trees finds: everything that is wrong, and nothing where nothing is.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROBLEMS, PROBLEM_DOCS, checkTrees } from '../../src/sink/check.ts';
import type { Manifest, OffsetRange, TreeFile } from '../../src/sink/checkpoint.ts';
import { recordCheckpoint } from '../../src/sink/checkpoint_log.ts';
import { Workplace } from '../app/program.ts';

const workplace = new Workplace();
let made = 0;

interface Said {
  readonly first: number;
  readonly next: number;
  readonly partition?: number;
  readonly slot?: number;
  readonly day?: string;
  readonly replaces?: boolean;
  readonly isLast?: boolean;
}

/** A tree that is written by the book. */
class Place {
  readonly root = workplace.at(`root-${++made}`);
  #time = 0;

  constructor() {
    fs.mkdirSync(this.root);
  }

  /** Records a checkpoint of one file of ten bytes an offset, and writes that. */
  checkpoint({ first, next, partition = 0, slot = 0, day = '01', replaces = false, isLast = false }: Said): TreeFile {
    const range: OffsetRange = { topic: 't', partition, first, next };
    const name = `t-${partition}-${first}.ndjson`;
    const bytes = 10 * (next - first);
    const file = {
      path: `p/l/dt=2023-11-${day}/hour=22/${name}`,
      topic: 't',
      partition,
      first,
      bytes,
      entries: next - first,
    };
    this.record({ ranges: [range], files: [file], replaces, isLast }, slot);
    this.write(file.path, bytes);
    return file;
  }

  record(said: Partial<Manifest>, slot = 0): void {
    const folder = path.join(this.root, `_windrow/sink-${slot}`);
    fs.mkdirSync(path.join(folder, 'staged'), { recursive: true });
    const base = { version: 1, replaces: false, isLast: false, owner: 'group', ranges: [], files: [] } as const;
    recordCheckpoint(folder, { ...base, id: `${slot}-${++this.#time}`, time: this.#time, ...said });
  }

  write(file: string, bytes: number): void {
    fs.mkdirSync(path.dirname(this.at(file)), { recursive: true });
    fs.writeFileSync(this.at(file), 'x'.repeat(bytes));
  }

  at(file: string): string {
    return path.join(this.root, file);
  }
}

function problemsOf(...places: readonly Place[]): string[] {
  return checkTrees(places.map(({ root }) => root)).problems.map(({ problem, where }) => `${problem}: ${where}`);
}

describe('a check finds nothing', () => {
  test('where nothing was written', () => {
    expect(checkTrees([new Place().root])).toEqual({ partitions: [], problems: [], removed: 0 });
  });

  test('where all is as it was written, and says what there is', () => {
    const place = new Place();
    place.checkpoint({ first: 100, next: 104 });
    place.checkpoint({ first: 107, next: 110, slot: 1 });
    place.checkpoint({ first: 104, next: 107 });
    place.checkpoint({ first: 0, next: 2, partition: 10 });
    place.checkpoint({ first: 0, next: 1, partition: 2 });
    place.record({ ranges: [{ topic: 't', partition: 2, first: 1, next: 5 }] });
    const of = { topic: 't', checkpoints: 1, files: 1 };
    expect(checkTrees([place.root])).toEqual({
      partitions: [
        { ...of, partition: 0, first: 100, next: 110, checkpoints: 3, files: 3, entries: 10, bytes: 100 },
        { ...of, partition: 2, first: 0, next: 5, checkpoints: 2, files: 1, entries: 1, bytes: 10 },
        { ...of, partition: 10, first: 0, next: 2, entries: 2, bytes: 20 },
      ],
      problems: [],
      removed: 0,
    });
  });

  test('where several trees have one topic together', () => {
    const [a, b] = [new Place(), new Place()];
    a.checkpoint({ first: 0, next: 4 });
    b.checkpoint({ first: 4, next: 6 });
    a.checkpoint({ first: 6, next: 9 });
    expect(problemsOf(a, b)).toEqual([]);
    expect(checkTrees([a.root, b.root]).partitions).toMatchObject([{ first: 0, next: 9, checkpoints: 3 }]);
  });

  test('where days were removed, and counts their files', () => {
    const place = new Place();
    place.checkpoint({ first: 0, next: 4, day: '01' });
    place.checkpoint({ first: 4, next: 6, day: '01' });
    place.checkpoint({ first: 6, next: 9, day: '02' });
    fs.rmSync(place.at('p/l/dt=2023-11-01'), { recursive: true });
    expect(checkTrees([place.root])).toMatchObject({ problems: [], removed: 2 });
  });

  test('where checkpoints took the place of others', () => {
    const place = new Place();
    const old = place.checkpoint({ first: 0, next: 7 });
    place.checkpoint({ first: 7, next: 20 });
    place.checkpoint({ first: 0, next: 9, replaces: true });
    fs.rmSync(place.at('p/l/dt=2023-11-01/hour=22/t-0-7.ndjson'));
    expect(problemsOf(place)).toEqual([]);
    place.checkpoint({ first: 15, next: 30 });
    fs.rmSync(place.at('p/l/dt=2023-11-01/hour=22/t-0-15.ndjson'));
    place.checkpoint({ first: 9, next: 12, replaces: true, isLast: true, slot: 1 });
    expect(problemsOf(place)).toEqual([]);
    expect(checkTrees([place.root]).partitions).toMatchObject([{ first: 0, next: 12, checkpoints: 2, entries: 12 }]);
    expect(old.bytes).toBe(70);
  });
});

describe('a check finds', () => {
  test('a gap', () => {
    const place = new Place();
    place.checkpoint({ first: 0, next: 4 });
    place.checkpoint({ first: 6, next: 9 });
    place.checkpoint({ first: 10, next: 11, slot: 1 });
    expect(problemsOf(place)).toEqual(['gap: t, partition 0: offsets 4 to 5', 'gap: t, partition 0: offsets 9 to 9']);
  });

  test('an overlap, also of different trees', () => {
    const [a, b] = [new Place(), new Place()];
    a.checkpoint({ first: 0, next: 10 });
    b.checkpoint({ first: 5, next: 12 });
    b.checkpoint({ first: 12, next: 13 });
    expect(problemsOf(a)).toEqual([]);
    expect(problemsOf(a, b)).toEqual(['overlap: t, partition 0: offsets 5 to 9']);
    a.checkpoint({ first: 2, next: 3, slot: 1 });
    expect(problemsOf(a)).toEqual(['overlap: t, partition 0: offsets 2 to 2']);
  });

  test('an overlap where what does not replace came later, or earlier', () => {
    const place = new Place();
    place.checkpoint({ first: 0, next: 10, replaces: true });
    place.checkpoint({ first: 0, next: 10 });
    expect(problemsOf(place)).toEqual(['overlap: t, partition 0: offsets 0 to 9']);
  });

  test('a file that is missing', () => {
    const place = new Place();
    place.checkpoint({ first: 0, next: 4 });
    const { path: file } = place.checkpoint({ first: 4, next: 6 });
    fs.rmSync(place.at(file));
    expect(problemsOf(place)).toEqual([`missing: ${place.at(file)}`]);
  });

  test('a file of another size', () => {
    const place = new Place();
    const { path: file } = place.checkpoint({ first: 0, next: 4 });
    place.write(file, 39);
    expect(problemsOf(place)).toEqual([`size: ${place.at(file)}: 40 bytes were written, 39 are there`]);
  });

  test('a file of nobody', () => {
    const place = new Place();
    place.checkpoint({ first: 0, next: 4 });
    place.write('p/l/dt=2023-11-01/hour=22/t-0-99.ndjson', 3);
    place.write('_windrow.txt', 3);
    fs.mkdirSync(place.at('p/empty'));
    expect(problemsOf(place).sort()).toEqual([
      `unknown: ${place.at('_windrow.txt')}`,
      `unknown: ${place.at('p/l/dt=2023-11-01/hour=22/t-0-99.ndjson')}`,
    ]);
  });

  test('what is half done', () => {
    const place = new Place();
    place.checkpoint({ first: 0, next: 4 });
    fs.mkdirSync(place.at('_windrow/sink-0/staged/abc'));
    expect(problemsOf(place)).toEqual([`staged: ${place.at('_windrow/sink-0/staged/abc')}`]);
  });
});

test('a check of what is not there, or is damaged, fails', () => {
  expect(() => checkTrees([workplace.at('nowhere')])).toThrow(/ENOENT/);
  const place = new Place();
  place.checkpoint({ first: 0, next: 4 });
  fs.appendFileSync(place.at('_windrow/sink-0/checkpoints.ndjson'), 'damaged\n');
  expect(() => checkTrees([place.root])).toThrow(SyntaxError);
});

test('every problem has a sentence', () => {
  expect(Object.keys(PROBLEM_DOCS)).toEqual([...PROBLEMS]);
});
