// Files of two checkpoints under the same names: of two processes, of which one goes on where the other one stands.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/sink/checkpoint.ts';
import { keep, prepare, preparedIn, publish, removeStaged, stagedFile, takeBack } from '../../src/sink/staging.ts';
import { Workplace } from '../app/program.ts';
import { watchCalls } from './calls.ts';

const workplace = new Workplace();
let made = 0;

/** A tree in which checkpoints have a file each under `names`. */
class Place {
  readonly root = workplace.at(`root-${++made}`);

  constructor() {
    fs.mkdirSync(this.root);
  }

  /** Prepares one whose files say whose they are. */
  checkpoint(id: string, names = ['p/l/a', 'p/l/b']): Staged {
    const folder = path.join(this.root, '_windrow', id);
    fs.mkdirSync(folder, { recursive: true });
    names.forEach((_, n) => fs.writeFileSync(stagedFile(folder, n), id));
    const files = names.map((name) => ({
      path: name,
      topic: 't',
      partition: 0,
      first: 0,
      bytes: id.length,
      entries: 1,
    }));
    const manifest: Manifest = {
      version: 1,
      id,
      time: 1,
      replaces: false,
      owner: 'group',
      isLast: false,
      ranges: [],
      files,
    };
    prepare(folder, manifest);
    return new Staged(this.root, folder, manifest);
  }

  /** What each name holds. */
  content(): Record<string, string> {
    const names = fs.readdirSync(this.root, { recursive: true, encoding: 'utf8' });
    const files = names.filter((name) => !name.startsWith('_') && fs.statSync(path.join(this.root, name)).isFile());
    return Object.fromEntries(files.map((name) => [name, fs.readFileSync(path.join(this.root, name), 'utf8')]));
  }
}

type Step = 'publish' | 'keep' | 'takeBack' | 'remove';

class Staged {
  readonly #root: string;
  readonly folder: string;
  readonly manifest: Manifest;

  constructor(root: string, folder: string, manifest: Manifest) {
    this.#root = root;
    this.folder = folder;
    this.manifest = manifest;
  }

  do(...steps: readonly Step[]): void {
    for (const step of steps) {
      if (step === 'publish') publish(this.#root, this.folder, this.manifest);
      else if (step === 'keep') keep(this.#root, this.folder, this.manifest);
      else if (step === 'takeBack') takeBack(this.#root, this.folder, this.manifest);
      else removeStaged(this.folder);
    }
  }
}

/** Does `work`, and `meanwhile` before its n-th call of the file system. Says whether there were so many. */
function doMeanwhile(n: number, work: () => void, meanwhile: () => void): boolean {
  let calls = 0;
  const restore = watchCalls({
    before: () => {
      if (++calls === n) meanwhile();
    },
  });
  try {
    work();
  } finally {
    restore();
  }
  return calls >= n;
}

describe('a checkpoint alone', () => {
  test('is prepared when its manifest is there, and is what was prepared', () => {
    const place = new Place();
    const { folder, manifest } = place.checkpoint('A');
    expect(preparedIn(folder)).toEqual(manifest);
    expect(place.content()).toEqual({});
    removeStaged(folder);
    expect(preparedIn(folder)).toBeUndefined();
    expect(fs.existsSync(folder)).toBe(false);
  });

  test('has its names from publishing on, and keeps them', () => {
    const place = new Place();
    const a = place.checkpoint('A');
    a.do('publish');
    expect(place.content()).toEqual({ 'p/l/a': 'A', 'p/l/b': 'A' });
    a.do('keep', 'remove');
    expect(place.content()).toEqual({ 'p/l/a': 'A', 'p/l/b': 'A' });
  });

  test('that is taken back leaves nothing', () => {
    const place = new Place();
    const a = place.checkpoint('A');
    a.do('publish', 'takeBack');
    expect(place.content()).toEqual({});
    // Again, as after a crash; and one that was never published.
    a.do('takeBack', 'remove');
    place.checkpoint('B').do('takeBack', 'remove');
    expect(place.content()).toEqual({});
  });

  test('makes its folders again where they were removed meanwhile', () => {
    const place = new Place();
    const a = place.checkpoint('A');
    a.do('publish');
    fs.rmSync(path.join(place.root, 'p'), { recursive: true });
    a.do('keep', 'remove');
    expect(place.content()).toEqual({ 'p/l/a': 'A', 'p/l/b': 'A' });
    const b = place.checkpoint('B', ['q/b']);
    b.do('publish');
    fs.rmSync(path.join(place.root, 'q'), { recursive: true });
    b.do('takeBack', 'remove');
    expect(place.content()).toEqual({ 'p/l/a': 'A', 'p/l/b': 'A' });
  });

  test('whose names are taken publishes nothing, and takes the names when it counts', () => {
    const place = new Place();
    const [a, b] = [place.checkpoint('A'), place.checkpoint('B', ['p/l/b', 'p/l/c'])];
    a.do('publish');
    b.do('publish');
    expect(place.content()).toEqual({ 'p/l/a': 'A', 'p/l/b': 'A', 'p/l/c': 'B' });
    b.do('keep');
    expect(place.content()).toEqual({ 'p/l/a': 'A', 'p/l/b': 'B', 'p/l/c': 'B' });
    // Its file was moved: that it is not there any more is no reason to complain.
    b.do('keep', 'remove');
    a.do('takeBack', 'remove');
    expect(place.content()).toEqual({ 'p/l/b': 'B', 'p/l/c': 'B' });
  });
});

describe('of two checkpoints under the same names the one that counts has them in the end', () => {
  const whole: readonly Step[] = ['publish', 'keep', 'remove'];
  const refused: readonly Step[] = ['publish', 'takeBack', 'remove'];
  /** Steps that are over, and those in which the other one comes. */
  const splits = (steps: readonly Step[]): [readonly Step[], readonly Step[]][] =>
    steps.map((_, n) => [steps.slice(0, n), steps.slice(n)]);
  const cases = splits(whole).flatMap(([before, rest]) => splits(refused).map(([b, r]) => ({ before, rest, b, r })));

  test.each(cases)('kept after $before, refused after $b', ({ before, rest, b, r }) => {
    for (const [first, second, inner] of [
      [rest, r, 'refused'],
      [r, rest, 'kept'],
    ] as const) {
      for (const order of ['kept', 'refused']) {
        for (let n = 1, isThere = true; isThere; n++) {
          const place = new Place();
          const [good, bad] = [place.checkpoint('good'), place.checkpoint('bad')];
          const begin = [() => good.do(...before), () => bad.do(...b)];
          if (order === 'refused') begin.reverse();
          begin.forEach((one) => one());
          const [outside, inside] = inner === 'refused' ? [good, bad] : [bad, good];
          isThere = doMeanwhile(
            n,
            () => outside.do(...first),
            () => inside.do(...second),
          );
          if (!isThere) inside.do(...second);
          expect(place.content(), `${inner} before call ${n}`).toEqual({ 'p/l/a': 'good', 'p/l/b': 'good' });
          expect(fs.readdirSync(path.join(place.root, '_windrow'))).toEqual([]);
        }
      }
    }
  });
});
