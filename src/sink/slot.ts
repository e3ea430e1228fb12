// A sink's own folder in a tree: locked by its process, it stays when that is killed, and the next one goes on with it.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { addon } from '../base/addon.ts';
import { WindrowError, systemCode, systemReason } from '../base/errors.ts';
import { makeFolders } from '../base/folders.ts';
import { syncFoldersUpTo, writeWhole } from './durable.ts';
import { STATE_FOLDER } from './layout.ts';

const STAGED = 'staged';
const NAME = /^sink-(\d+)$/;
/** Sinks on one tree. */
const MOST_SLOTS = 1024;

export class Slot {
  readonly folder: string;
  /** Where checkpoints are, a folder each, until they are settled. */
  readonly staged: string;
  /** The same in every life of the slot, and in no other slot. */
  readonly id: string;
  readonly #lock: number;

  private constructor(folder: string, id: string, lock: number) {
    this.folder = folder;
    this.staged = path.join(folder, STAGED);
    this.id = id;
    this.#lock = lock;
  }

  /** The first slot that nobody has. Throws OUTPUT_FAILED. */
  static open(root: string): Slot {
    try {
      makeFolders(path.resolve(root));
      for (let number = 0; number < MOST_SLOTS; number++) {
        const slot = Slot.#take(root, path.join(root, STATE_FOLDER, `sink-${number}`));
        if (slot) return slot;
      }
    } catch (cause) {
      if (cause instanceof WindrowError) throw cause;
      throw new WindrowError('OUTPUT_FAILED', `${root}: cannot be written: ${systemReason(cause)}`, { cause });
    }
    throw new WindrowError('OUTPUT_FAILED', `${root}: ${MOST_SLOTS} sinks write to it already`);
  }

  /** All other slots that nobody has: their processes are gone. To be closed by the caller. */
  static abandoned(root: string): Slot[] {
    const state = path.join(root, STATE_FOLDER);
    return fs
      .readdirSync(state)
      .filter((name) => NAME.test(name))
      .flatMap((name) => Slot.#take(root, path.join(state, name)) ?? []);
  }

  static #take(root: string, folder: string): Slot | undefined {
    makeFolders(path.join(folder, STAGED));
    const lock = fs.openSync(path.join(folder, 'lock'), 'a');
    if (!addon.file_lock(lock)) {
      fs.closeSync(lock);
      return undefined;
    }
    const slot = new Slot(folder, readId(path.join(folder, 'id')), lock);
    syncFoldersUpTo(root, [folder]);
    return slot;
  }

  close(): void {
    fs.closeSync(this.#lock);
  }
}

function readId(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    const id = randomUUID();
    writeWhole(file, id + '\n');
    return id;
  }
}
