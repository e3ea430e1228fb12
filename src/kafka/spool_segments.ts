// The segments that a spool has on disk, oldest first, and those that were set aside because they are damaged.
import fs from 'node:fs/promises';
import path from 'node:path';
import { systemCode } from '../base/errors.ts';
import { asideName, segmentName } from './spool_segment.ts';
import type { Segment } from './spool_segment.ts';

/** A file that was set aside. */
export interface Aside {
  readonly first: number;
  readonly bytes: number;
  /** In milliseconds since the epoch. */
  readonly time: number;
}

/** A few numbers for each segment, and nothing for each record. */
export class Segments {
  readonly folder: string;
  readonly #list: Segment[];
  readonly #aside: Aside[];
  #bytes: number;
  #leftEnd = 0;

  constructor(folder: string, segments: readonly Segment[] = [], aside: readonly Aside[] = []) {
    this.folder = folder;
    this.#list = [...segments];
    this.#aside = [...aside];
    this.#bytes = [...segments, ...aside].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Of all files, those aside included. */
  get bytes(): number {
    return this.#bytes;
  }

  get oldest(): Segment | undefined {
    return this.#list[0];
  }

  get oldestAside(): Aside | undefined {
    return this.#aside[0];
  }

  /** Records below are being given away, or are gone: nobody is to begin to send them. */
  get leftEnd(): number {
    return this.#leftEnd;
  }

  /** The segment that has this position, or the next one behind a gap; undefined: there is no such record yet. */
  holding(position: number): Segment | undefined {
    return this.#list.find(({ end }) => end > position);
  }

  pathOf(segment: Segment): string {
    return path.join(this.folder, segmentName(segment.first));
  }

  /** Behind all others. */
  add(segment: Segment): void {
    this.#list.push(segment);
    this.#bytes += segment.bytes;
  }

  /** So many records of so many bytes were appended. */
  grow(segment: Segment, records: number, bytes: number): void {
    segment.end += records;
    segment.bytes += bytes;
    this.#bytes += bytes;
  }

  /** The records up to the end of this segment are about to be given away. */
  leave(segment: Segment): void {
    this.#leftEnd = Math.max(this.#leftEnd, segment.end);
  }

  /** Deletes the file of a segment, or sets it aside if it is damaged. */
  async remove(segment: Segment): Promise<void> {
    const file = this.pathOf(segment);
    if (segment.isDamaged) {
      await fs.rename(file, path.join(this.folder, asideName(segment.first))).catch(unlessGone);
      this.#aside.push({ first: segment.first, bytes: segment.bytes, time: segment.time });
      this.#bytes += segment.bytes;
    } else {
      await fs.rm(file, { force: true });
    }
    this.forget(segment);
  }

  /** Leaves the file of a segment to whoever has it. */
  forget(segment: Segment): void {
    this.#list.splice(this.#list.indexOf(segment), 1);
    this.#bytes -= segment.bytes;
  }

  /** Deletes the oldest file that was set aside. */
  async removeAside(): Promise<void> {
    const aside = this.#aside[0];
    await fs.rm(path.join(this.folder, asideName(aside.first)), { force: true });
    this.#aside.shift();
    this.#bytes -= aside.bytes;
  }
}

/** Whoever deleted it did what was wanted. */
function unlessGone(error: unknown): void {
  if (systemCode(error) !== 'ENOENT') throw error;
}
