// What trees hold, by partition and offset; and whether anything is missing from them, or there twice.
import fs from 'node:fs';
import path from 'node:path';
import { systemCode } from '../base/errors.ts';
import { currentOf } from './checkpoint.ts';
import type { Manifest, OffsetRange, TreeFile } from './checkpoint.ts';
import { readCheckpoints, slotFolders } from './checkpoint_log.ts';
import { STATE_FOLDER } from './layout.ts';

/** What is wrong. */
export const PROBLEMS = ['gap', 'overlap', 'missing', 'size', 'unknown', 'staged'] as const;

export const PROBLEM_DOCS: Readonly<Record<(typeof PROBLEMS)[number], string>> = {
  gap: 'offsets between two checkpoints are in no file: their messages were gone before they were read, a tree is missing from the command line, or a replay was stopped and is to be run again',
  overlap: 'offsets are in two checkpoints',
  missing: 'a file is gone that a checkpoint has, though its day is there',
  size: 'a file has another size than when it was written',
  unknown: 'a file is in no checkpoint: its sink was killed, and is to be started again, or somebody else put it there',
  staged: 'a checkpoint is half done: its sink runs, or was killed and is to be started again',
};

export interface Problem {
  readonly problem: (typeof PROBLEMS)[number];
  readonly where: string;
}

export interface PartitionContent {
  readonly topic: string;
  readonly partition: number;
  /** From the first offset up to and without the last. */
  readonly first: number;
  readonly next: number;
  readonly checkpoints: number;
  readonly files: number;
  readonly entries: number;
  readonly bytes: number;
}

export interface TreeCheck {
  readonly partitions: readonly PartitionContent[];
  readonly problems: readonly Problem[];
  /** Files of days that were removed as a whole, as when old entries are deleted. */
  readonly removed: number;
}

interface Placed extends Manifest {
  readonly root: string;
}

/** Checks several trees as one: those of all sinks of a group. Throws system errors. */
export function checkTrees(roots: readonly string[]): TreeCheck {
  const problems: Problem[] = [];
  // Before what is recorded of them: sinks may be writing.
  const filesOf = new Map(roots.map((root) => [root, filesBelow(root)]));
  const checkpoints = roots.flatMap((root) => current(root));
  let removed = 0;
  for (const [root, files] of filesOf) {
    const own = checkpoints.filter((manifest) => manifest.root === root);
    const known = new Map(own.flatMap(({ files }) => files).map((file) => [file.path, file]));
    for (const file of known.values()) {
      const bytes = sizeOf(path.join(root, file.path));
      if (bytes === undefined && !fs.existsSync(path.join(root, dayOf(file)))) removed++;
      else if (bytes === undefined) problems.push({ problem: 'missing', where: path.join(root, file.path) });
      else if (bytes !== file.bytes) {
        problems.push({
          problem: 'size',
          where: `${path.join(root, file.path)}: ${file.bytes} bytes were written, ${bytes} are there`,
        });
      }
    }
    for (const file of files) {
      if (!known.has(file)) problems.push({ problem: 'unknown', where: path.join(root, file) });
    }
    problems.push(...stagedIn(root));
  }
  const partitions = byPartition(checkpoints).map(({ ranges, manifests }) => {
    problems.push(...holesIn(ranges));
    return contentOf(ranges, manifests);
  });
  return { partitions, problems, removed };
}

/** Checkpoints of a tree without those whose place others took. */
function current(root: string): Placed[] {
  const all = slotFolders(root).flatMap(readCheckpoints);
  return currentOf(all).map((manifest) => ({ ...manifest, root }));
}

function byPartition(checkpoints: readonly Placed[]): { ranges: OffsetRange[]; manifests: Placed[] }[] {
  const partitions = new Map<string, { ranges: OffsetRange[]; manifests: Placed[] }>();
  for (const manifest of checkpoints) {
    for (const range of manifest.ranges) {
      const key = `${range.topic}/${String(range.partition).padStart(6, '0')}`;
      const partition = partitions.get(key) ?? { ranges: [], manifests: [] };
      partition.ranges.push(range);
      partition.manifests.push(manifest);
      partitions.set(key, partition);
    }
  }
  const sorted = [...partitions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, partition]) => partition);
  for (const { ranges } of sorted) ranges.sort((a, b) => a.first - b.first);
  return sorted;
}

function holesIn(ranges: readonly OffsetRange[]): Problem[] {
  const problems: Problem[] = [];
  let next = ranges[0].first;
  for (const range of ranges) {
    const where = (from: number, to: number): string =>
      `${range.topic}, partition ${range.partition}: offsets ${from} to ${to - 1}`;
    if (range.first > next) problems.push({ problem: 'gap', where: where(next, range.first) });
    if (range.first < next)
      problems.push({ problem: 'overlap', where: where(range.first, Math.min(next, range.next)) });
    next = Math.max(next, range.next);
  }
  return problems;
}

function contentOf(ranges: readonly OffsetRange[], manifests: readonly Placed[]): PartitionContent {
  const { topic, partition, first } = ranges[0];
  const files = manifests
    .flatMap((m) => m.files)
    .filter((file) => file.topic === topic && file.partition === partition);
  const sum = (what: 'entries' | 'bytes'): number => files.reduce((total, file) => total + file[what], 0);
  const next = Math.max(...ranges.map((range) => range.next));
  return {
    topic,
    partition,
    first,
    next,
    checkpoints: ranges.length,
    files: files.length,
    entries: sum('entries'),
    bytes: sum('bytes'),
  };
}

/** `<project>/<logstore>/dt=…` */
function dayOf(file: TreeFile): string {
  return file.path.split('/').slice(0, 3).join('/');
}

/** Files below a folder of the tree, relative to its root. */
function filesBelow(root: string, folder = ''): string[] {
  return entriesOf(path.join(root, folder), folder === '').flatMap((entry) => {
    const relative = path.join(folder, entry.name);
    if (entry.isDirectory()) return relative === STATE_FOLDER ? [] : filesBelow(root, relative);
    return entry.isFile() ? [relative] : [];
  });
}

/** Folders may be removed at any time, but the root. */
function entriesOf(folder: string, isRoot: boolean): fs.Dirent[] {
  try {
    return fs.readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (!isRoot && systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function sizeOf(file: string): number | undefined {
  return fs.statSync(file, { throwIfNoEntry: false })?.size;
}

function stagedIn(root: string): Problem[] {
  return slotFolders(root)
    .map((slot) => path.join(slot, 'staged'))
    .filter((staged) => fs.existsSync(staged))
    .flatMap((staged) =>
      fs.readdirSync(staged).map((name) => ({ problem: 'staged' as const, where: path.join(staged, name) })),
    );
}
