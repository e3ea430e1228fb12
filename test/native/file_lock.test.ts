// Locks of files: one opening has it at a time, in this process and in others.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';

const ADDON = fileURLToPath(new URL('../../native-bindings/build/Release/windrow.node', import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-lock-'));
const file = path.join(folder, 'lock');
afterAll(() => fs.rmSync(folder, { recursive: true }));

const open = (): number => fs.openSync(file, 'a');

/** Whether another process gets the lock. */
function isFreeForOthers(): boolean {
  const code = `console.log(require(process.argv[1]).file_lock(require('fs').openSync(process.argv[2], 'a')))`;
  return execFileSync(process.execPath, ['-e', code, ADDON, file], { encoding: 'utf8' }).trim() === 'true';
}

test('a file is locked by one opening until that is closed', () => {
  const [one, other] = [open(), open()];
  expect(addon.file_lock(one)).toBe(true);
  expect(addon.file_lock(one)).toBe(true);
  expect(addon.file_lock(other)).toBe(false);
  expect(isFreeForOthers()).toBe(false);
  fs.closeSync(one);
  expect(isFreeForOthers()).toBe(true);
  expect(addon.file_lock(other)).toBe(true);
  fs.closeSync(other);
});

test('what cannot be locked says why', () => {
  const closed = open();
  fs.closeSync(closed);
  expect(() => addon.file_lock(closed)).toThrow(
    expect.objectContaining({
      code: 'WINDROW_FILE_LOCK',
      message: expect.stringContaining('Bad file descriptor') as string,
    }),
  );
  for (const fd of [-1, 0.5, NaN, 2 ** 31]) expect(() => addon.file_lock(fd)).toThrow(TypeError);
});
