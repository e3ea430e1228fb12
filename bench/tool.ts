// A tool that the bench measures: how to find it, how to run it, how to read what it wrote.
import { spawnSync } from 'node:child_process';
import type { Task } from './run_of_tool.ts';

/** What a tool says that it wrote; null where it does not say. */
export interface Outcome {
  readonly entries: number | null;
  readonly packets: number | null;
}

export interface Tool {
  /** For `--peer` and the JSON. */
  readonly name: string;
  /** Names several tools at once for `--peer`. */
  readonly group: string;
  readonly title: string;
  readonly writes: string;
  /** How to get it where it is missing. */
  readonly get: string;
  /** Takes so long that one run must do. */
  readonly isSlow?: boolean;
  /** Is given so many of the capture's packets, since all of them would take minutes. */
  readonly headPackets?: number;
  /** Runs where Windrow is compared with itself as well. */
  readonly isScaled?: boolean;
  /** Its version where it is installed. */
  readonly find: () => string | undefined;
  readonly command: (task: Task) => string[];
  /** Asked once, after the first run; may run a reader of the tool's own format. */
  readonly read: (task: Task) => Outcome;
}

/** What `command` prints that matches, or undefined where there is no such command. */
export function versionFrom(command: string, argument: string, pattern: RegExp): string | undefined {
  const run = spawnSync(command, [argument], { encoding: 'utf8' });
  if (run.error) return undefined;
  return pattern.exec(run.stdout + run.stderr)?.[1] ?? 'of unknown version';
}

/** Standard output of a command that reads what a tool wrote. */
export function outputOf(command: string, commandArguments: string[]): string {
  const run = spawnSync(command, commandArguments, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(`${command}: ${run.stderr || String(run.error)}`);
  return run.stdout;
}

/** The number that the pattern's first group matches; null where nothing matches. */
export function numberIn(text: string, pattern: RegExp): number | null {
  const found = pattern.exec(text);
  return found ? Number(found[1]) : null;
}
