// The file that keeps flow logs: whole at any time, whoever is killed when, and written by one at a time.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { addon } from '../../base/addon.ts';
import { WindrowError, systemCode, systemReason } from '../../base/errors.ts';
import { makeFolders } from '../../base/folders.ts';
import { STDOUT } from '../../base/standard.ts';
import { writeWhole } from '../../sink/durable.ts';
import { EMPTY } from './catalog.ts';
import type { Catalog } from './catalog.ts';
import { readState, stateRefusal, stateText } from './state_format.ts';

/** How long somebody else may be at it, and how often it is looked. */
const MOST_WAIT_MS = 10_000;
const LOOK_MS = 20;

export class StateFile {
  readonly #file: string;

  /** Throws USAGE for what is no path. */
  constructor(file: string) {
    if (file === '' || file === STDOUT) {
      throw new WindrowError(
        'USAGE',
        `--state ${JSON.stringify(file)}: expected a file; it is made where it is missing`,
      );
    }
    this.#file = file;
  }

  /** What was there at some moment; where there is no file, there are no flow logs. Throws INPUT_REFUSED. */
  read(): Catalog {
    let text: string;
    try {
      text = fs.readFileSync(this.#file, 'utf8');
    } catch (cause) {
      if (systemCode(cause) === 'ENOENT') return EMPTY;
      throw stateRefusal(this.#file, `cannot be read: ${systemReason(cause)}`, cause);
    }
    return readState(this.#file, text);
  }

  /** Nobody else writes meanwhile. Rejects with what `change` throws, REFUSED, INPUT_REFUSED or OUTPUT_FAILED. */
  async change(change: (before: Catalog) => Catalog): Promise<void> {
    let lock: number | undefined;
    try {
      makeFolders(path.dirname(path.resolve(this.#file)));
      // A link to it stays one, and has no lock of its own.
      const target = fs.existsSync(this.#file) ? fs.realpathSync(this.#file) : this.#file;
      lock = await this.#lock(`${target}.lock`);
      writeWhole(target, stateText(change(this.read())));
      for (const name of [target, `${target}.lock`]) leaveToFolder(name);
    } catch (cause) {
      if (cause instanceof WindrowError) throw cause;
      throw new WindrowError('OUTPUT_FAILED', `${this.#file}: cannot be written: ${systemReason(cause)}`, { cause });
    } finally {
      if (lock !== undefined) fs.closeSync(lock);
    }
  }

  /** Beside the file, which is another one after each change. The lock ends with the process. */
  async #lock(file: string): Promise<number> {
    const fd = fs.openSync(file, 'a', 0o600);
    try {
      for (const end = Date.now() + MOST_WAIT_MS; !addon.file_lock(fd); await delay(LOOK_MS)) {
        if (Date.now() < end) continue;
        throw new WindrowError(
          'REFUSED',
          `${this.#file}: another process is changing it: try again when that one has ended`,
        );
      }
      return fd;
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  }
}

/** What root writes into a folder of another user, that one can change: an agent keeps what its configuration declares. */
function leaveToFolder(file: string): void {
  if (process.getuid!() !== 0) return;
  const { uid, gid } = fs.statSync(path.dirname(path.resolve(file)));
  // Whoever has the folder may have put a link there.
  fs.lchownSync(file, uid, gid);
}
