// Writing so that it is still there when the power comes back.
import fs from 'node:fs';
import path from 'node:path';
import { syncFolder } from '../base/folders.ts';

/** A small file that is there whole, or as it was before. */
export function writeWhole(file: string, text: string): void {
  const aside = `${file}.new`;
  const fd = fs.openSync(aside, 'w');
  try {
    fs.writeFileSync(fd, text);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
  fs.renameSync(aside, file);
  syncFolder(path.dirname(file));
}

/** Adds to a file. What is behind its last line was cut off by a crash, and goes. */
export function appendLines(file: string, lines: readonly string[]): void {
  const isNew = !fs.existsSync(file);
  const fd = fs.openSync(file, 'a+');
  try {
    fs.ftruncateSync(fd, endOfLines(fd));
    fs.writeFileSync(fd, lines.map((line) => `${line}\n`).join(''));
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
  if (isNew) syncFolder(path.dirname(file));
}

/** Folders, each of which may be new, and all above them up to `root`. */
export function syncFoldersUpTo(root: string, folders: readonly string[]): void {
  const all = new Set([path.resolve(root)]);
  for (const folder of folders) {
    for (let at = path.resolve(folder); !all.has(at) && at !== path.dirname(at); at = path.dirname(at)) all.add(at);
  }
  for (const folder of all) syncFolder(folder);
}

const LINE_FEED = 0x0a;
const TAIL_BYTES = 4096;

/** Bytes of a file up to its last line feed. */
function endOfLines(fd: number): number {
  const tail = Buffer.alloc(TAIL_BYTES);
  for (let end = fs.fstatSync(fd).size; end > 0;) {
    const start = Math.max(0, end - TAIL_BYTES);
    const read = fs.readSync(fd, tail, 0, end - start, start);
    const feed = tail.subarray(0, read).lastIndexOf(LINE_FEED);
    if (feed >= 0) return start + feed + 1;
    end = start;
  }
  return 0;
}
