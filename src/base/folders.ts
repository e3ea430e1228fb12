// Folders that are there for good.
import fs from 'node:fs';
import path from 'node:path';

/**
 * Makes a folder, and those above it that are missing: one by one, as Node's `recursive` tries for ever where a file system
 * takes none, and says that something is missing where it is read-only. Throws what the system says.
 */
export function makeFolders(folder: string): void {
  if (fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  makeFolders(path.dirname(folder));
  try {
    fs.mkdirSync(folder);
  } catch (error) {
    const found = fs.statSync(folder, { throwIfNoEntry: false });
    // Somebody else made it.
    if (found?.isDirectory()) return;
    if (found) throw new Error('it is not a directory', { cause: error });
    throw error;
  }
  syncFolder(path.dirname(folder));
}

/** Names that were made or taken away in a folder are so for good. */
export function syncFolder(folder: string): void {
  const fd = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
