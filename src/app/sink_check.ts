// `windrow sink --check`: what trees hold, for people or for machines.
import fs from 'node:fs';
import Table from 'cli-table3';
import { WindrowError, systemReason } from '../base/errors.ts';
import { PROBLEM_DOCS, checkTrees } from '../sink/check.ts';
import type { TreeCheck } from '../sink/check.ts';
import { bytes, exact } from './units.ts';

/** Prints; the result is the exit code: 0 where nothing is wrong. Throws INPUT_REFUSED. */
export function check(roots: readonly string[], isJson: boolean): number {
  for (const root of roots) {
    if (!fs.statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
      throw new WindrowError('INPUT_REFUSED', `${root}: expected the root of a tree, and it is no directory`);
    }
  }
  let result: TreeCheck;
  try {
    result = checkTrees(roots);
  } catch (cause) {
    throw new WindrowError('INPUT_REFUSED', `${roots.join(', ')}: cannot be read: ${systemReason(cause)}`, { cause });
  }
  process.stdout.write(isJson ? JSON.stringify(result) + '\n' : render(result));
  return result.problems.length > 0 ? 1 : 0;
}

function render({ partitions, problems, removed }: TreeCheck): string {
  if (partitions.length === 0 && problems.length === 0) return 'Nothing has been written here.\n';
  const head = ['topic', 'partition', 'first offset', 'last offset', 'checkpoints', 'files', 'entries', 'size'];
  const table = new Table({
    head,
    style: { head: [], border: [] },
    colAligns: ['left', ...head.slice(1).map(() => 'right' as const)],
  });
  for (const p of partitions) {
    const numbers = [p.partition, p.first, p.next - 1, p.checkpoints, p.files, p.entries].map(exact);
    table.push([p.topic, ...numbers, bytes(p.bytes)]);
  }
  const lines = [table.toString()];
  if (removed > 0) lines.push(`${exact(removed)} files are gone with their days.`);
  for (const { problem, where } of problems) lines.push(`${problem}: ${where}`);
  for (const problem of new Set(problems.map(({ problem }) => problem)))
    lines.push(`${problem} means: ${PROBLEM_DOCS[problem]}`);
  lines.push(
    problems.length > 0 ? `${exact(problems.length)} problems` : 'No gap, no overlap, all files as they were written.',
  );
  return lines.join('\n') + '\n';
}
