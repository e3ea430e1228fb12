// Files of a checkpoint on their way into the tree: written aside, made whole, published, and then counted or taken back.
//
// A staged file stays linked until its checkpoint is settled, so that it can be told from what somebody else wrote under
// the same name. Everything from `publish` on may be done again after a crash, as often as it takes, and at any moment
// somebody else may do the same to the same names.
import fs from 'node:fs';
import path from 'node:path';
import { systemCode } from '../base/errors.ts';
import { makeFolders, syncFolder } from '../base/folders.ts';
import type { Manifest, TreeFile } from './checkpoint.ts';
import { syncFoldersUpTo, writeWhole } from './durable.ts';

const MANIFEST = 'manifest.json';

/** The file that is written for the n-th of a manifest. */
export function stagedFile(folder: string, n: number): string {
  return path.join(folder, String(n));
}

/** From here on the checkpoint is prepared: its files are safe. They have to be synced themselves before. */
export function prepare(folder: string, manifest: Manifest): void {
  writeWhole(path.join(folder, MANIFEST), JSON.stringify(manifest) + '\n');
  syncFolder(path.dirname(folder));
}

/** What was prepared in a folder; undefined where nothing was, so that it may go. */
export function preparedIn(folder: string): Manifest | undefined {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, MANIFEST), 'utf8')) as Manifest;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Gives the files their names. A name that is taken stays as it is until it is certain whose file counts. */
export function publish(root: string, folder: string, manifest: Manifest): void {
  manifest.files.forEach((file, n) => {
    const published = path.join(root, file.path);
    makeFolders(path.dirname(published));
    try {
      fs.linkSync(stagedFile(folder, n), published);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
  });
  syncFolders(root, manifest.files);
}

/** The checkpoint counts: its files stand under their names, whatever stood there. */
export function keep(root: string, folder: string, manifest: Manifest): void {
  manifest.files.forEach((file, n) => {
    const published = path.join(root, file.path);
    makeFolders(path.dirname(published));
    try {
      // Two links of one file: nothing happens, and the staged one goes with its folder.
      fs.renameSync(stagedFile(folder, n), published);
    } catch (error) {
      // It was moved before a crash.
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  });
  syncFolders(root, manifest.files);
}

/** The checkpoint does not count: what is its own goes, and nothing else. */
export function takeBack(root: string, folder: string, manifest: Manifest): void {
  manifest.files.forEach((file, n) => takeBackFile(stagedFile(folder, n), path.join(root, file.path)));
  syncFolders(
    root,
    manifest.files.filter((file) => fs.existsSync(path.join(root, path.dirname(file.path)))),
  );
}

/**
 * What stands under a name may be another file as soon as it was looked at: one that counts, and took the name. So the name
 * is moved aside, and what was caught by mistake goes back.
 */
function takeBackFile(staged: string, published: string): void {
  const aside = `${staged}.back`;
  settleAside(staged, published, aside);
  if (!isSameFile(staged, published)) return;
  try {
    fs.renameSync(published, aside);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  settleAside(staged, published, aside);
}

/** Also of a life before this one. Whatever took the name meanwhile does not count: only one file under it ever does. */
function settleAside(staged: string, published: string, aside: string): void {
  if (!fs.existsSync(aside)) return;
  if (isSameFile(staged, aside)) return fs.unlinkSync(aside);
  makeFolders(path.dirname(published));
  fs.renameSync(aside, published);
}

export function removeStaged(folder: string): void {
  fs.rmSync(folder, { recursive: true, force: true });
}

function isSameFile(a: string, b: string): boolean {
  const [x, y] = [a, b].map((file) => fs.statSync(file, { bigint: true, throwIfNoEntry: false }));
  return x !== undefined && y !== undefined && x.dev === y.dev && x.ino === y.ino;
}

/** All folders on the way to the files: any of them may be new. */
function syncFolders(root: string, files: readonly TreeFile[]): void {
  syncFoldersUpTo(
    root,
    files.map((file) => path.join(root, path.dirname(file.path))),
  );
}
