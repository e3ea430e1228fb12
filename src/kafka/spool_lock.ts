// The lock of a spool's folder: one process has it, until it closes it or ends.
import fs from 'node:fs';
import path from 'node:path';
import { addon } from '../base/addon.ts';
import { WindrowError } from '../base/errors.ts';

export const LOCK_NAME = 'lock';

export class SpoolLock {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Throws USAGE where somebody has it; other errors are those of the system. */
  static take(folder: string): SpoolLock {
    const fd = fs.openSync(path.join(folder, LOCK_NAME), 'a', 0o600);
    try {
      if (addon.file_lock(fd)) return new SpoolLock(fd);
      throw new WindrowError(
        'USAGE',
        `${folder}: this spool is in use by another process: end that one, or name another folder`,
      );
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  }

  release(): void {
    fs.closeSync(this.#fd);
  }
}
