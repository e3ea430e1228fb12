// What a tree's sinks record: a line for each checkpoint, also where a crash or a full disk cut one off.
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/sink/checkpoint.ts';
import { readCheckpoints, recordCheckpoint, slotFolders } from '../../src/sink/checkpoint_log.ts';
import { appendLines, writeWhole } from '../../src/sink/durable.ts';
import { Workplace } from '../app/program.ts';
import { watchCalls } from './calls.ts';

const workplace = new Workplace();
let made = 0;
let slot: string;
let file: string;

beforeEach(() => {
  slot = workplace.at(`slot-${++made}`);
  file = path.join(slot, 'checkpoints.ndjson');
  fs.mkdirSync(slot);
});

function manifest(id: string, files = 1): Manifest {
  const of = (n: number) => ({ path: `p/l/${id}-${n}`, topic: 't', partition: 0, first: n, bytes: n, entries: n });
  const ranges = [{ topic: 't', partition: 0, first: 0, next: 9 }];
  const base = { version: 1, time: made, replaces: false, isLast: false, owner: 'group', ranges } as const;
  return { ...base, id, files: Array.from({ length: files }, (_, n) => of(n)) };
}

describe('checkpoints', () => {
  test('are none where nothing was recorded', () => {
    expect(readCheckpoints(slot)).toEqual([]);
  });

  test('are read in the order in which they were recorded, one that was recorded twice once', () => {
    const [a, b, c] = [manifest('a'), manifest('b', 100), manifest('c', 0)];
    for (const one of [a, b, b, a, c]) recordCheckpoint(slot, one);
    expect(readCheckpoints(slot)).toEqual([a, b, c]);
  });

  test('that were cut off anywhere are not there, and the next ones are', () => {
    const [a, b, c] = [manifest('a'), manifest('b', 200), manifest('c')];
    recordCheckpoint(slot, a);
    const before = fs.statSync(file).size;
    recordCheckpoint(slot, b);
    const whole = fs.readFileSync(file);
    expect(whole.length - before).toBeGreaterThan(3 * 4096);
    for (let size = before; size < whole.length; size += 61) {
      fs.writeFileSync(file, whole.subarray(0, size));
      expect(readCheckpoints(slot)).toEqual([a]);
      recordCheckpoint(slot, c);
      expect(readCheckpoints(slot)).toEqual([a, c]);
    }
  });

  test('of which even the first was cut off begin anew', () => {
    fs.writeFileSync(file, '{"version":1,"id"');
    expect(readCheckpoints(slot)).toEqual([]);
    recordCheckpoint(slot, manifest('a'));
    expect(readCheckpoints(slot)).toEqual([manifest('a')]);
  });

  test('that cannot be read are an error, and not none', () => {
    fs.mkdirSync(file);
    expect(() => readCheckpoints(slot)).toThrow(/EISDIR/);
    fs.rmdirSync(file);
    fs.writeFileSync(file, 'damaged\n');
    expect(() => readCheckpoints(slot)).toThrow(SyntaxError);
  });
});

test('the slots of a tree are the folders of its sinks', () => {
  expect(slotFolders(slot)).toEqual([]);
  for (const name of ['sink-0', 'sink-12', 'else'])
    fs.mkdirSync(path.join(slot, '_windrow', name), { recursive: true });
  expect(slotFolders(slot).sort()).toEqual(['sink-0', 'sink-12'].map((name) => path.join(slot, '_windrow', name)));
});

describe('what is written to last', () => {
  /** Calls of the file system of `work`, in short. */
  function callsOf(work: () => void): string[] {
    const calls: string[] = [];
    const restore = watchCalls({
      before: ({ name, paths }) =>
        calls.push(`${name} ${paths.map((one) => path.relative(slot, one) || '.').join(' ')}`),
    });
    try {
      work();
    } finally {
      restore();
    }
    return calls.filter((call) => /^(write|fsync|rename)/.test(call));
  }

  test('is on the device before it has its name, and its name before anything else', () => {
    expect(callsOf(() => writeWhole(path.join(slot, 'a'), 'text'))).toEqual([
      'write a.new',
      'write a.new',
      'fsyncSync a.new',
      'renameSync a.new a',
      'fsyncSync .',
    ]);
    expect(fs.readFileSync(path.join(slot, 'a'), 'utf8')).toBe('text');
  });

  test('is whole, or what it was before', () => {
    const file = path.join(slot, 'a');
    writeWhole(file, 'before');
    fs.mkdirSync(`${file}.new`);
    expect(() => writeWhole(file, 'after')).toThrow(/EISDIR/);
    expect(fs.readFileSync(file, 'utf8')).toBe('before');
  });

  test('is on the device where it is added to a file, with its name where that is new', () => {
    const add = (): string[] => callsOf(() => appendLines(path.join(slot, 'a'), ['x', 'yz']));
    expect(add()).toEqual(['write a', 'write a', 'fsyncSync a', 'fsyncSync .']);
    expect(add()).toEqual(['write a', 'write a', 'fsyncSync a']);
    expect(fs.readFileSync(path.join(slot, 'a'), 'utf8')).toBe('x\nyz\nx\nyz\n');
  });
});
