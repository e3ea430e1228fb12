// How a checkpoint of a tree ends: its files count, or are taken back. Both may be done again after a crash.
import fs from 'node:fs';
import path from 'node:path';
import { currentOf, isReplaced } from './checkpoint.ts';
import type { Manifest } from './checkpoint.ts';
import { readCheckpoints, recordCheckpoint, slotFolders } from './checkpoint_log.ts';
import { syncFoldersUpTo } from './durable.ts';
import { keep, removeStaged, takeBack } from './staging.ts';

/** `folder` is where it is staged, in a slot's folder. */
export function settleKept(root: string, slotFolder: string, folder: string, manifest: Manifest): void {
  keep(root, folder, manifest);
  if (manifest.replaces) supersede(root, manifest);
  recordCheckpoint(slotFolder, manifest);
  removeStaged(folder);
}

export function settleTakenBack(root: string, folder: string, manifest: Manifest): void {
  takeBack(root, folder, manifest);
  removeStaged(folder);
}

/**
 * Checkpoints of a slot's process that count, whatever fails when they are ended: they are ended before anything else of it
 * counts. Of a slot only the last checkpoint of a partition can be asked for.
 */
export class Counting {
  readonly #root: string;
  readonly #slotFolder: string;
  #all: { readonly folder: string; readonly manifest: Manifest }[] = [];

  constructor(root: string, slotFolder: string) {
    this.#root = root;
    this.#slotFolder = slotFolder;
  }

  add(folder: string, manifest: Manifest): void {
    this.#all.push({ folder, manifest });
  }

  /** Throws a system error, and then is to be called again. */
  endAll(): void {
    for (let next = this.#all[0]; next; next = this.#all[0]) {
      settleKept(this.#root, this.#slotFolder, next.folder, next.manifest);
      this.#all.shift();
    }
  }
}

/** Behind those of all checkpoints so far, whatever the clock says: what takes the place of what is told by it. */
export function timeOfNext(root: string): number {
  const times = slotFolders(root)
    .flatMap(readCheckpoints)
    .map(({ time }) => time + 1);
  return times.reduce((latest, time) => Math.max(latest, time), Date.now());
}

/** Files of an earlier time, written with other sizes: their entries are in these now, or in those that come. */
function supersede(root: string, manifest: Manifest): void {
  const earlier = slotFolders(root)
    .flatMap(readCheckpoints)
    .filter(({ id }) => id !== manifest.id);
  // A name may have been given again since.
  const current = new Set(currentOf([...earlier, manifest]).flatMap(({ files }) => files.map((file) => file.path)));
  const replaced = earlier.filter((one) => isReplaced(one, manifest)).flatMap(({ files }) => files);
  const gone = replaced
    .map((file) => file.path)
    .filter((file) => !current.has(file) && fs.existsSync(path.join(root, file)));
  for (const file of gone) fs.rmSync(path.join(root, file), { force: true });
  syncFoldersUpTo(
    root,
    gone.map((file) => path.dirname(path.join(root, file))),
  );
}
