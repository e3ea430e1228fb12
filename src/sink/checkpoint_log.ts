// What a tree holds, by its sinks' own account: one line for each checkpoint that counts.
import fs from 'node:fs';
import path from 'node:path';
import { systemCode } from '../base/errors.ts';
import type { Manifest } from './checkpoint.ts';
import { appendLines } from './durable.ts';
import { STATE_FOLDER } from './layout.ts';

const FILE = 'checkpoints.ndjson';

export function recordCheckpoint(slotFolder: string, manifest: Manifest): void {
  appendLines(path.join(slotFolder, FILE), [JSON.stringify(manifest)]);
}

/** Checkpoints in the order in which they were recorded; one that a crash had recorded twice is there once. */
export function readCheckpoints(slotFolder: string): Manifest[] {
  let text: string;
  try {
    text = fs.readFileSync(path.join(slotFolder, FILE), 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
  // What is behind the last line feed was cut off.
  const lines = text.split('\n').slice(0, -1);
  const all = lines.map((line) => JSON.parse(line) as Manifest);
  return [...new Map(all.map((manifest) => [manifest.id, manifest])).values()];
}

/** The folders of all slots of a tree. */
export function slotFolders(root: string): string[] {
  const state = path.join(root, STATE_FOLDER);
  try {
    return fs
      .readdirSync(state)
      .filter((name) => name.startsWith('sink-'))
      .map((name) => path.join(state, name));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
