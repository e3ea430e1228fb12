// Entries as lines: those of a tree, those that a replay writes, and how two lots of them differ.
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { linesOf, windrow } from './program.ts';

/** Differences that are shown. */
const SHOWN = 3;

/** The files of entries below a root, relative to it, in the order of their names. */
export function filesOf(root: string): string[] {
  if (!fs.existsSync(root)) return [];
  return fs
    .readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith('_windrow'))
    .sort();
}

/** All entries below the roots. */
export function treeLines(...roots: readonly string[]): string[] {
  return roots.flatMap((root) =>
    filesOf(root).flatMap((file) => linesOf(fs.readFileSync(path.join(root, file), 'utf8'))),
  );
}

/** All entries that `replay --output` writes. */
export async function replayedLines(...args: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await windrow(['replay', ...args, '--output', '-', '--quiet']);
  expect([code, stderr]).toEqual([0, '']);
  return linesOf(stdout);
}

/** Each line is there as often as it should be, in whatever order. */
export function expectSameLines(actual: readonly string[], expected: readonly string[]): void {
  const counts = new Map<string, number>();
  for (const line of expected) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of actual) counts.set(line, (counts.get(line) ?? 0) - 1);
  const off = [...counts].filter(([, count]) => count !== 0);
  const [missing, surplus] = [off.filter(([, count]) => count > 0), off.filter(([, count]) => count < 0)];
  expect({
    missing: missing.length,
    surplus: surplus.length,
    such: [...missing.slice(0, SHOWN), ...surplus.slice(0, SHOWN)],
    lines: actual.length,
  }).toEqual({ missing: 0, surplus: 0, such: [], lines: expected.length });
}
