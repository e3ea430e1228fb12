// A scanner of a segment's file: gives the records that verify, and says where and why it cannot go on.
import fs from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { systemCode, systemReason } from '../base/errors.ts';
import { RECORD_HEADER_BYTES, findRecord } from './spool_record.ts';
import { SEGMENT_HEADER_BYTES } from './spool_segment.ts';

/** A record as it was appended. The payload is a part of what was read at once with it. */
export interface SpoolRecord {
  readonly position: number;
  readonly payload: Uint8Array;
}

/** A byte of a segment's file, and the position of the record that begins there. */
export interface Place {
  readonly bytes: number;
  readonly position: number;
}

/** `more`: go on; `end`: there is nothing more; `short`: the last record is cut off; `unreadable`: what comes is no record. */
export type Stop = 'more' | 'end' | 'short' | 'unreadable';

export interface Scanned {
  readonly records: readonly SpoolRecord[];
  readonly stop: Stop;
}

const ZERO_CHUNK_BYTES = 1 << 20;

/** One read at a time. */
export class RecordScanner {
  readonly #file: FileHandle;
  /** Where the next record is looked for. */
  #at: Place;
  /** Behind the last record that verified. */
  #good: Place;
  #fault: string | undefined;
  #lostBytes = 0;

  private constructor(file: FileHandle, first: number) {
    this.#file = file;
    this.#at = this.#good = { bytes: SEGMENT_HEADER_BYTES, position: first };
  }

  /** Errors are those of the system. */
  static async open(path: string, first: number): Promise<RecordScanner> {
    return new RecordScanner(await fs.open(path, 'r'), first);
  }

  get at(): Place {
    return this.#at;
  }

  get good(): Place {
    return this.#good;
  }

  /** What was wrong most recently with what is no record. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Bytes that it went past because they are no records. */
  get lostBytes(): number {
    return this.#lostBytes;
  }

  /** Gives what verifies of the next `mostBytes` bytes, one record at least if there is any. */
  async read(limit: Place, mostBytes: number): Promise<Scanned> {
    try {
      return await this.#read(limit, mostBytes);
    } catch (error) {
      if (systemCode(error) !== 'EIO') throw error;
      return { records: [], stop: this.#stop('unreadable', systemReason(error)) };
    }
  }

  /** Goes on there. */
  skipTo(place: Place): void {
    this.#lostBytes += Math.max(0, place.bytes - this.#at.bytes);
    this.#at = this.#good = place;
  }

  /** Nothing but zeros follows: a power failure kept the size of the file, and not what was in it. */
  async isZero(limitBytes: number): Promise<boolean> {
    try {
      for (let at = this.#at.bytes; at < limitBytes; at += ZERO_CHUNK_BYTES) {
        const bytes = await this.#readBytes(Math.min(ZERO_CHUNK_BYTES, limitBytes - at), at);
        if (bytes.some((byte) => byte !== 0)) return false;
      }
      return true;
    } catch (error) {
      if (systemCode(error) !== 'EIO') throw error;
      return false;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #read(limit: Place, mostBytes: number): Promise<Scanned> {
    const records: SpoolRecord[] = [];
    let bytes = await this.#readBytes(Math.min(Math.max(mostBytes, RECORD_HEADER_BYTES), limit.bytes - this.#at.bytes));
    for (let used = 0; ;) {
      const left = limit.bytes - this.#at.bytes;
      if (left <= 0) return { records, stop: 'end' };
      if (this.#at.position >= limit.position) {
        return { records, stop: this.#stop('unreadable', 'is longer than its records are') };
      }
      const found = findRecord(bytes.subarray(used), this.#at.position);
      if (found.kind === 'unreadable') return { records, stop: this.#stop('unreadable') };
      if (found.kind !== 'short') {
        if (found.kind === 'record') records.push({ position: this.#at.position, payload: found.payload });
        this.#step(found.bytes, found.kind === 'record');
        used += found.bytes;
      } else if (found.bytes > left) {
        return { records, stop: this.#stop('short') };
      } else if (used > 0) {
        return { records, stop: 'more' };
      } else {
        bytes = await this.#readBytes(found.bytes);
        // Somebody made the file shorter than it was.
        if (bytes.length < found.bytes) return { records, stop: this.#stop('short') };
      }
    }
  }

  #step(bytes: number, isGood: boolean): void {
    if (!isGood) {
      this.#fault = `is damaged at byte ${this.#at.bytes.toLocaleString('en-US')}`;
      this.#lostBytes += bytes;
    }
    this.#at = { bytes: this.#at.bytes + bytes, position: this.#at.position + 1 };
    if (isGood) this.#good = this.#at;
  }

  #stop(stop: 'short' | 'unreadable', why?: string): Stop {
    const what = why ?? (stop === 'short' ? 'is cut off' : 'is damaged');
    this.#fault = `${what} at byte ${this.#at.bytes.toLocaleString('en-US')}`;
    return stop;
  }

  /** What the file has from `at` on; less than `size` bytes at its end. */
  async #readBytes(size: number, at = this.#at.bytes): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(Math.max(0, size));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await this.#file.read(bytes, filled, bytes.length - filled, at + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  }
}
