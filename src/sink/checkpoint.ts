// A checkpoint: what a sink makes public and commits at once, for all its partitions.

import type { Refusal } from '../flowlog/batch.ts';

/** Offsets of a partition, from `first` up to and without `next`. */
export interface OffsetRange {
  readonly topic: string;
  readonly partition: number;
  readonly first: number;
  readonly next: number;
}

/** A file of a checkpoint. */
export interface TreeFile {
  /** Relative to the tree's root. */
  readonly path: string;
  readonly topic: string;
  readonly partition: number;
  /** Offset of the first batch in it. */
  readonly first: number;
  readonly bytes: number;
  readonly entries: number;
}

export interface Manifest {
  readonly version: 1;
  readonly id: string;
  /** When it was prepared, in milliseconds since the epoch. */
  readonly time: number;
  /** It takes the place of earlier ones that it overlaps. */
  readonly replaces: boolean;
  /** Who decides whether it counts. */
  readonly owner: string;
  /** Nothing comes behind it: it also takes the place of earlier ones that begin there. */
  readonly isLast: boolean;
  readonly ranges: readonly OffsetRange[];
  readonly files: readonly TreeFile[];
}

/** The last batch of an agent's life in a partition that is written. */
export interface AgentMark {
  readonly partition: number;
  readonly agent: string;
  readonly boot: number;
  readonly sequence: number;
}

/** A message that is no batch, and why. */
export interface DeadLetter {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly refusal: Refusal;
  readonly reason: string;
  readonly key: Uint8Array | null;
  readonly message: Uint8Array | null;
}

export interface Commit {
  /** Of the checkpoint. */
  readonly id: string;
  readonly ranges: readonly OffsetRange[];
  readonly marks: readonly AgentMark[];
  readonly deadLetters: readonly DeadLetter[];
}

/** Decides which checkpoints count. */
export interface Committer {
  /** All of it or nothing. False: refused, since somebody else has a partition by now. Throws where that is not known. */
  commit(commit: Commit): Promise<boolean>;
}

/** Those whose place no other one took, in the order in which they were prepared. */
export function currentOf<M extends Manifest>(manifests: readonly M[]): M[] {
  const all = [...manifests].sort((a, b) => a.time - b.time);
  return all.filter((manifest, i) => !all.slice(i + 1).some((later) => isReplaced(manifest, later)));
}

/** Whether a checkpoint takes the place of an earlier one. */
export function isReplaced(earlier: Manifest, later: Manifest): boolean {
  if (!later.replaces) return false;
  return earlier.ranges.some((x) =>
    later.ranges.some(
      (y) =>
        x.topic === y.topic && x.partition === y.partition && x.next > y.first && (x.first < y.next || later.isLast),
    ),
  );
}
