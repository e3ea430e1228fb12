// Where entries lie in a tree.
//
// ROOT/<project>/<logstore>/dt=YYYY-MM-DD/hour=HH/<topic>-<partition>-<first offset>.ndjson
import { createHash } from 'node:crypto';
import type { Compression } from './compressions.ts';

/** Folder of the tree that holds what is no entry; readers of partitioned data pass over names with an underscore. */
export const STATE_FOLDER = '_windrow';

const SUFFIXES: Readonly<Record<Compression | 'none', string>> = { none: '', gzip: '.gz', zstd: '.zst' };
/** Years that a date can be written with. */
const MOST_SECONDS = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;
const LEAST_SECONDS = -62_167_219_200; // 0000-01-01
/** So that a name, with its number and suffix, fits into the 255 bytes of a file system. */
const MOST_NAME_BYTES = 200;
/** Of a longer one as much stands in front, and so many digits of its hash behind. */
const HEAD_BYTES = 160;
const HASH_DIGITS = 24;

/** The hour that a window begins in, UTC, as folders. */
export function hourFolder(windowStart: number): string {
  // Damaged captures have windows that no calendar has.
  if (windowStart < LEAST_SECONDS || windowStart > MOST_SECONDS) return 'dt=none/hour=none';
  const iso = new Date(windowStart * 1000).toISOString();
  return `dt=${iso.slice(0, 10)}/hour=${iso.slice(11, 13)}`;
}

/** The folder of a logstore's hour, relative to the root. */
export function folderOf(project: string, logstore: string, windowStart: number): string {
  return `${folderName(project)}/${folderName(logstore)}/${hourFolder(windowStart)}`;
}

/** Offsets have twenty digits, so that names sort as offsets do. */
export function fileName(
  topic: string,
  partition: number,
  firstOffset: number,
  compression: Compression | undefined,
): string {
  const offset = String(firstOffset).padStart(20, '0');
  return `${folderName(topic)}-${partition}-${offset}.ndjson${SUFFIXES[compression ?? 'none']}`;
}

/**
 * Any text as one name in a path: what is not plain is percent-encoded, and so are a leading dot, underscore or dash. What
 * gets too long that way ends with ~ and a hash.
 */
export function folderName(text: string): string {
  const encode = (char: string): string =>
    [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  const name = text.replace(/[^A-Za-z0-9._-]/gu, encode).replace(/^[._-]/, encode);
  if (name === '') throw new RangeError('a folder without a name');
  if (name.length <= MOST_NAME_BYTES) return name;
  return `${name.slice(0, HEAD_BYTES)}~${createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS)}`;
}
