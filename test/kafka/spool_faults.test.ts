// A spool on a device that fails: what reached the disk and when, and what is said where it did not.
import fs from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Workplace } from '../app/program.ts';
import { open, payloadOf, readRest, segmentsOf } from './spool_opened.ts';

const BYTES = 1000;
const SMALL = { segmentBytes: 32 + 5 * (12 + BYTES) };

const workplace = new Workplace();
let made = 0;
const newFolder = (): string => workplace.at(`spool-${++made}`);

/** What all open files do. */
let files: FileHandle;

beforeAll(async () => {
  const file = await fs.open(workplace.file('', 'any'));
  files = Object.getPrototypeOf(file) as FileHandle;
  await file.close();
});

afterEach(() => {
  vi.restoreAllMocks();
});

const ioError = (): Error => Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });

const numbersOf = (records: readonly { payload: Uint8Array }[]): number[] =>
  records.map(({ payload }) => Buffer.from(payload).readUInt32LE(0));

describe('what is written reaches the disk', () => {
  test('within a second, and only if there is something new', async () => {
    const { spool, clock } = await open(newFolder(), SMALL);
    const synced = vi.spyOn(files, 'datasync');
    await clock.pass(1000);
    expect(synced).toHaveBeenCalledTimes(0);
    for (const number of [0, 1, 2]) {
      await spool.append(payloadOf(number, BYTES));
      expect(synced).toHaveBeenCalledTimes(number);
      await clock.pass(1000);
      await clock.pass(1000);
      expect(synced).toHaveBeenCalledTimes(number + 1);
    }
    await spool.close();
  });

  test('at the end of each segment, and the folder that has a new one', async () => {
    const { spool, clock } = await open(newFolder(), SMALL);
    const synced = vi.spyOn(files, 'datasync');
    const folderSynced = vi.spyOn(files, 'sync');
    for (let number = 0; number < 16; number++) await spool.append(payloadOf(number, BYTES));
    expect(synced).toHaveBeenCalledTimes(3);
    await clock.pass(1000);
    expect(synced).toHaveBeenCalledTimes(4);
    expect(folderSynced).toHaveBeenCalledTimes(1);
    await spool.close();
  });

  test('when it is closed', async () => {
    const { spool } = await open(newFolder(), SMALL);
    await spool.append(payloadOf(0, BYTES));
    const synced = vi.spyOn(files, 'datasync');
    await spool.close();
    expect(synced.mock.calls.length).toBeGreaterThan(0);
  });

  test('or that is said, and tried again', async () => {
    const folder = newFolder();
    const { spool, clock, said } = await open(folder, SMALL);
    await spool.append(payloadOf(0, BYTES));
    const synced = vi.spyOn(files, 'datasync').mockRejectedValueOnce(ioError()).mockRejectedValueOnce(ioError());
    for (let i = 0; i < 5; i++) await clock.pass(1000);
    expect(said.errors.map(({ message }) => message)).toEqual(
      Array(2).fill(`${folder}: cannot be written: the device reported an I/O error`),
    );
    expect(synced).toHaveBeenCalledTimes(3);
    await spool.append(payloadOf(1, BYTES));
    synced.mockRejectedValueOnce(ioError());
    await expect(spool.close()).rejects.toThrow('the device reported an I/O error');
  });
});

describe('a write that fails', () => {
  type Write = (this: FileHandle, parts: readonly Uint8Array[], at: number) => ReturnType<FileHandle['writev']>;

  /** After so many writes, one writes half of what it should, and all that follow fail. */
  function failAfter(writes: number): void {
    const write = Object.getOwnPropertyDescriptor(files, 'writev')!.value as Write;
    let calls = 0;
    const failing: Write = function (parts, at) {
      const bytes = Buffer.concat(parts);
      calls++;
      if (calls > writes + 1) return Promise.reject(ioError());
      return write.call(this, [calls > writes ? bytes.subarray(0, Math.ceil(bytes.length / 2)) : bytes], at);
    };
    vi.spyOn(files, 'writev').mockImplementation(failing as FileHandle['writev']);
  }

  test('leaves nothing behind, and the next one takes its place', async () => {
    const folder = newFolder();
    const { spool } = await open(folder, SMALL);
    await spool.append(payloadOf(0, BYTES));
    const before = await fs.readFile(path.join(folder, segmentsOf(folder)[0]));
    failAfter(0);
    const refused = await Promise.allSettled([1, 2, 3].map((number) => spool.append(payloadOf(100 + number, BYTES))));
    expect(refused.map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
    expect((await fs.readFile(path.join(folder, segmentsOf(folder)[0]))).equals(before)).toBe(true);
    vi.restoreAllMocks();
    expect(await spool.append(payloadOf(1, BYTES))).toBe(1);
    expect(numbersOf(await readRest(spool))).toEqual([0, 1]);
    await spool.close();
  });

  test('and leaves something that cannot be cut off: it is never given, in this life and the next', async () => {
    for (const kept of [0, 1]) {
      const folder = newFolder();
      const { spool } = await open(folder, SMALL);
      for (let number = 0; number < kept; number++) await spool.append(payloadOf(number, BYTES));
      // The header of a new segment is written.
      failAfter(1 - kept);
      vi.spyOn(files, 'truncate').mockRejectedValue(ioError());
      const refused = [1, 2, 3].map((number) => spool.append(payloadOf(100 + number, BYTES)));
      expect((await Promise.allSettled(refused)).map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
      vi.restoreAllMocks();
      for (let number = kept; number < 4; number++) expect(await spool.append(payloadOf(number, BYTES))).toBe(number);
      expect(numbersOf(await readRest(spool))).toEqual([0, 1, 2, 3]);
      await spool.close();

      const again = await open(folder, SMALL);
      expect(numbersOf(await readRest(again.spool)).slice(0, 4)).toEqual([0, 1, 2, 3]);
      expect(again.spool.stats.lostRecords).toBe(0);
      await again.spool.close();
    }
  });

  test('at the beginning of a segment leaves no segment', async () => {
    const folder = newFolder();
    const { spool } = await open(folder, SMALL);
    failAfter(0);
    await expect(spool.append(payloadOf(100, BYTES))).rejects.toThrow('the device reported an I/O error');
    expect(segmentsOf(folder)).toEqual([]);
    vi.restoreAllMocks();
    expect(await spool.append(payloadOf(0, BYTES))).toBe(0);
    expect(numbersOf(await readRest(spool))).toEqual([0]);
    await spool.close();
  });
});

describe('a read that fails', () => {
  test('because the device cannot, costs what was to be read, and that is said', async () => {
    const folder = newFolder();
    const { spool, said } = await open(folder, SMALL);
    for (let number = 0; number < 12; number++) await spool.append(payloadOf(number, BYTES));
    expect(numbersOf(await spool.read(1))).toEqual([0]);
    vi.spyOn(files, 'read').mockRejectedValueOnce(ioError());
    expect(numbersOf(await readRest(spool))).toEqual([5, 6, 7, 8, 9, 10, 11]);
    expect(said.damage.map(({ records }) => records)).toEqual([4]);
    expect(said.damage[0].message).toContain('the device reported an I/O error at byte ');
    await spool.close();
  });

  test('for another reason is said to the reader, who loses nothing by it', async () => {
    const folder = newFolder();
    const { spool, said } = await open(folder, SMALL);
    for (let number = 0; number < 12; number++) await spool.append(payloadOf(number, BYTES));
    expect(numbersOf(await spool.read(1))).toEqual([0]);
    vi.spyOn(files, 'read').mockRejectedValueOnce(Object.assign(new Error('ENOMEM'), { code: 'ENOMEM' }));
    await expect(spool.read(10_000)).rejects.toThrow(`${folder}: cannot be read: ENOMEM`);
    expect(numbersOf(await readRest(spool))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    await spool.close();
    expect(said.damage).toEqual([]);
  });
});
