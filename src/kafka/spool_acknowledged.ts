// The position up to which all records of a spool are acknowledged, and the small file that keeps it.
import fs from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { systemCode } from '../base/errors.ts';

export const ACKNOWLEDGED_NAME = 'acknowledged';
/** Where the file is written before it takes its name. */
export const ACKNOWLEDGED_ASIDE_NAME = 'acknowledged.new';

const CONTENT = /^([0-9]+) ([0-9a-f]{8})\n$/;

/** Behind what is true at times, never ahead of it: then records are sent again, and the receiver knows them. */
export class Acknowledged {
  readonly #folder: string;
  #position: number;
  #saved: number;

  /** -1: no record is acknowledged. */
  constructor(folder: string, position: number) {
    this.#folder = folder;
    this.#position = this.#saved = position;
  }

  get position(): number {
    return this.#position;
  }

  advance(position: number): void {
    this.#position = Math.max(this.#position, position);
  }

  /** Errors are those of the system. */
  async save(): Promise<void> {
    const position = this.#position;
    if (position === this.#saved) return;
    const aside = path.join(this.#folder, ACKNOWLEDGED_ASIDE_NAME);
    const file = await fs.open(aside, 'w', 0o600);
    try {
      await file.writeFile(contentOf(position));
      await file.datasync();
    } finally {
      await file.close();
    }
    await fs.rename(aside, path.join(this.#folder, ACKNOWLEDGED_NAME));
    this.#saved = position;
  }
}

/** What the file of a folder says: a position; undefined where there is no file; `damaged` where it says nothing. */
export async function readAcknowledged(folder: string): Promise<number | 'damaged' | undefined> {
  let content: string;
  try {
    content = await fs.readFile(path.join(folder, ACKNOWLEDGED_NAME), 'latin1');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return undefined;
  }
  const position = Number(CONTENT.exec(content)?.[1]);
  return Number.isSafeInteger(position) && content === contentOf(position) ? position : 'damaged';
}

function contentOf(position: number): string {
  return `${position} ${crc32(String(position)).toString(16).padStart(8, '0')}\n`;
}
