// Slots of a tree: each process has one to itself, and the next process goes on with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { WindrowError } from '../../src/base/errors.ts';
import { Slot } from '../../src/sink/slot.ts';
import { Workplace } from '../app/program.ts';

const workplace = new Workplace();
let made = 0;
const open: Slot[] = [];

function newRoot(): string {
  return workplace.at(`root-${++made}`);
}

function take(root: string): Slot {
  const slot = Slot.open(root);
  open.push(slot);
  return slot;
}

function abandoned(root: string): Slot[] {
  const slots = Slot.abandoned(root);
  open.push(...slots);
  return slots;
}

function close(slot: Slot): void {
  slot.close();
  open.splice(open.indexOf(slot), 1);
}

afterEach(() => {
  for (const slot of open.splice(0)) slot.close();
});

function failureOf(root: string): string {
  try {
    take(root);
  } catch (error) {
    expect(error).toBeInstanceOf(WindrowError);
    expect((error as WindrowError).code).toBe('OUTPUT_FAILED');
    return (error as WindrowError).message;
  }
  throw new Error('it was opened');
}

describe('a slot', () => {
  test('is the first that nobody has', () => {
    const root = newRoot();
    const folder = (number: number): string => path.join(root, '_windrow', `sink-${number}`);
    const [zero, one, two] = [take(root), take(root), take(root)];
    expect([zero, one, two].map((slot) => slot.folder)).toEqual([folder(0), folder(1), folder(2)]);
    close(one);
    expect(take(root).folder).toBe(folder(1));
    expect(take(root).folder).toBe(folder(3));
  });

  test('has an id of its own, the same in every life', () => {
    const root = newRoot();
    const [zero, one] = [take(root), take(root)];
    expect(zero.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(one.id).not.toBe(zero.id);
    close(zero);
    expect(take(root).id).toBe(zero.id);
    expect(take(newRoot()).id).not.toBe(zero.id);
  });

  test('of a process that is killed is free, and no sooner', async () => {
    const root = newRoot();
    const module = new URL('../../dist/sink/slot.js', import.meta.url).href;
    const program = `const { Slot } = await import(${JSON.stringify(module)});
      const { folder, id } = Slot.open(${JSON.stringify(root)});
      console.log(JSON.stringify({ folder, id }));
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    const theirs = JSON.parse(said.toString()) as { folder: string; id: string };
    const mine = take(root);
    expect(mine.folder).not.toBe(theirs.folder);
    expect(abandoned(root)).toEqual([]);
    const end = once(child, 'close');
    child.kill('SIGKILL');
    await end;
    expect(abandoned(root)).toMatchObject([theirs]);
  });

  test('is made with the root, and all folders above it that are missing', () => {
    const root = path.join(newRoot(), 'a', 'b');
    expect(fs.existsSync(take(root).staged)).toBe(true);
  });
});

describe('abandoned slots', () => {
  test('are those that nobody has, and are kept from others', () => {
    const root = newRoot();
    const [zero, one, two] = [take(root), take(root), take(root)];
    close(one);
    close(two);
    const first = abandoned(root);
    expect(first.map((slot) => slot.folder).sort()).toEqual([one.folder, two.folder]);
    expect(abandoned(root)).toEqual([]);
    expect(take(root).folder).toBe(path.join(root, '_windrow', 'sink-3'));
    expect(zero.folder).not.toBe('');
  });

  test('are not what only looks like one', () => {
    const root = newRoot();
    take(root);
    for (const name of ['sink-', 'sink-a', 'sink-1.old', 'other']) fs.mkdirSync(path.join(root, '_windrow', name));
    fs.writeFileSync(path.join(root, '_windrow', 'replay.lock'), '');
    expect(abandoned(root)).toEqual([]);
  });
});

describe('a root that cannot be written is told in one sentence', () => {
  test('a file', () => {
    const file = workplace.file('no folder', 'file');
    expect(failureOf(file)).toBe(`${file}: cannot be written: it is not a directory`);
    expect(failureOf(`${file}/below`)).toBe(`${file}/below: cannot be written: a part of its path is not a directory`);
    expect(fs.readFileSync(file, 'utf8')).toBe('no folder');
  });

  test('where the file system takes no folders', () => {
    expect(failureOf('/proc/windrow/tree')).toBe('/proc/windrow/tree: cannot be written: there is no such file');
  });
});
