// The folder of a spool as an earlier process left it: which files are segments, what their headers say, what is strange.
import type { Dirent } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { systemCode } from '../base/errors.ts';
import { ACKNOWLEDGED_ASIDE_NAME, ACKNOWLEDGED_NAME } from './spool_acknowledged.ts';
import { LOCK_NAME } from './spool_lock.ts';
import {
  SEGMENT_HEADER_BYTES,
  asideName,
  firstOf,
  firstOfAside,
  isUnbegun,
  readSegmentHeader,
  segmentName,
} from './spool_segment.ts';
import type { Segment } from './spool_segment.ts';
import type { Aside } from './spool_segments.ts';

const OWN_NAMES = [LOCK_NAME, ACKNOWLEDGED_NAME, ACKNOWLEDGED_ASIDE_NAME];

/** Errors are those of the system. */
export class SpoolFolder {
  readonly #path: string;
  readonly #say: (message: string) => void;
  /** Oldest first. Each ends where the next begins; where the last one ends is to be found out. */
  readonly segments: Segment[] = [];
  readonly aside: Aside[] = [];
  /** New segments begin here at least: lower names are taken, or were. */
  leastNext = 0;
  /** The last of the segments have no header yet. */
  readonly #unbegun = new Set<Segment>();

  private constructor(folder: string, say: (message: string) => void) {
    this.#path = folder;
    this.#say = say;
  }

  /** Says what is strange, and sets aside segments of another version. */
  static async list(folder: string, say: (message: string) => void): Promise<SpoolFolder> {
    const listed = new SpoolFolder(folder, say);
    const entries = await fs.readdir(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) await listed.#add(entry);
    await listed.#dropUnbegun();
    const { segments } = listed;
    segments.forEach((segment, i) => (segment.end = segments.at(i + 1)?.first ?? segment.first));
    return listed;
  }

  async #add(entry: Dirent): Promise<void> {
    const first = firstOf(entry.name);
    const firstAside = firstOfAside(entry.name);
    if (entry.isFile() && first !== undefined) await this.#addSegment(entry.name, first);
    else if (entry.isFile() && firstAside !== undefined) await this.#addAside(entry.name, firstAside);
    else if (first !== undefined || firstAside !== undefined || entry.isFile()) this.#addStranger(entry.name);
  }

  async #addSegment(name: string, first: number): Promise<void> {
    const file = path.join(this.#path, name);
    const { size, mtimeMs } = await fs.stat(file);
    const start = await readStart(file);
    const header = readSegmentHeader(start, first);
    const time = header.kind === 'known' ? header.time : mtimeMs;
    const isDamaged = header.kind === 'damaged';
    const segment: Segment = { first, time, end: first, bytes: size, isSealed: true, isDamaged };
    this.leastNext = Math.max(this.leastNext, first);
    if (header.kind === 'other_version') {
      await fs.rename(file, path.join(this.#path, asideName(first)));
      this.#putAside(segment);
      this.#say(`${file}: is of version ${header.version}, which this Windrow does not read: it was set aside`);
      return;
    }
    this.segments.push(segment);
    if (isUnbegun(start)) this.#unbegun.add(segment);
    else if (isDamaged) this.#say(`${file}: its header is damaged`);
  }

  async #addAside(name: string, first: number): Promise<void> {
    const { size, mtimeMs } = await fs.stat(path.join(this.#path, name));
    this.#putAside({ first, bytes: size, time: mtimeMs });
  }

  #putAside(aside: Aside): void {
    this.aside.push(aside);
    this.leastNext = Math.max(this.leastNext, aside.first + 1);
  }

  #addStranger(name: string): void {
    if (OWN_NAMES.includes(name)) return;
    this.#say(`${path.join(this.#path, name)}: is no part of this spool, and left alone`);
  }

  /** A crash between creating a segment and writing its header: nothing was in it. Elsewhere such a file is damaged. */
  async #dropUnbegun(): Promise<void> {
    for (let last = this.segments.at(-1); last && this.#unbegun.has(last); last = this.segments.at(-1)) {
      await fs.rm(path.join(this.#path, segmentName(last.first)));
      this.segments.pop();
    }
  }
}

/** Where a header should be; what the device does not give is as good as damaged. */
async function readStart(file: string): Promise<Buffer> {
  const handle = await fs.open(file, 'r');
  try {
    const start = Buffer.alloc(SEGMENT_HEADER_BYTES);
    const { bytesRead } = await handle.read(start, 0, start.length, 0);
    return start.subarray(0, bytesRead);
  } catch (error) {
    if (systemCode(error) !== 'EIO') throw error;
    return Buffer.alloc(SEGMENT_HEADER_BYTES);
  } finally {
    await handle.close();
  }
}
