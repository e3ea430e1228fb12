// The end of a run: all that is in the topic is written, nobody has anything half done, and every entry is there once.
import fs from 'node:fs';
import path from 'node:path';
import { compare } from './contents.ts';
import type { Difference, Expected } from './contents.ts';
import type { Keeper } from './keeper.ts';
import { Program } from './program.ts';
import type { Stage } from './stage.ts';

const MOST_DRAIN_MS = 180_000;

/** Ends all sinks in order, once everything is written. */
export async function drain(stage: Stage): Promise<void> {
  // First while the others are there, which have a part of it.
  await drainTo(stage, stage.sinks[0]);
  for (const sink of stage.sinks) await sink.rest();
  const byRoot = new Map([...stage.sinks, stage.extra].map((sink) => [sink.root, sink]));
  for (const sink of byRoot.values()) await drainTo(stage, sink);
}

/** What the roots hold, by their own account and line for line. Differences stay in the stage's folder. */
export async function judge({ folder, roots, findings }: Stage, expected: Expected): Promise<void> {
  const written = roots.filter((root) => fs.existsSync(root));
  const { code } = await Program.start(['sink', '--check', ...written], path.join(folder, 'check.log')).ended;
  if (code !== 0) findings.add(`sink --check: exit code ${code}`);
  for (const difference of await compare(expected, written, path.join(folder, 'differences'))) {
    findings.add(inWords(difference));
  }
}

async function drainTo({ folder, findings }: Stage, { root, args }: Keeper): Promise<void> {
  const program = Program.start([...args, '--drain'], path.join(folder, 'drain.log'));
  const late = setTimeout(() => program.send('SIGKILL'), MOST_DRAIN_MS);
  const { code, signal } = await program.ended;
  clearTimeout(late);
  if (code !== 0) findings.add(`sink --drain to ${root}: ${signal ?? code}: ${program.lastLine}`);
}

function inWords({ hour, missing, surplus, missingCount, surplusCount }: Difference): string {
  const shown = [...missing.map((line) => `- ${line}`), ...surplus.map((line) => `+ ${line}`)];
  return `${hour}: ${missingCount} entries are missing, ${surplusCount} are too many, such as\n${shown.join('\n')}`;
}
