// Linux perf: counts what a run took, and samples where it was.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** Samples a second of CPU time: a prime, so as not to be in step with any timer. */
export const SAMPLES_PER_SECOND = 997;
/** The kernel's clock, which every machine has; a virtual one often has no counters. */
const CLOCK = 'cpu-clock';
const COUNTERS = ['task-clock', 'cycles', 'instructions'];
const MOST_TEXT = 1 << 29;

/** Of a whole run, all threads together; null where the machine does not count it. */
export interface Counters {
  readonly cpuNs: number | null;
  readonly cycles: number | null;
  readonly instructions: number | null;
}

/** Throws where there is no perf. */
export function requirePerf(): void {
  if (spawnSync('perf', ['--version']).status === 0) return;
  throw new Error('perf is not here; to get it: apt-get install linux-perf (of the kernel that runs)');
}

export function countRun(command: readonly string[]): Counters {
  // Its file descriptor 1 is for the counters alone: the command is quiet, and writes to /dev/null.
  const text = perf(['stat', '-x', ';', '--log-fd', '1', '-e', COUNTERS.join(','), '--', ...command]);
  return readCounters(text);
}

/** The samples of a run as text: of each its nanoseconds, and its stack. */
export function sampleRun(command: readonly string[], folder: string): string {
  const file = path.join(folder, 'perf.data');
  perf(['record', '-q', '-g', '-e', CLOCK, '-F', String(SAMPLES_PER_SECOND), '-o', file, '--', ...command]);
  const text = perf(['script', '-i', file, '--no-inline', '-F', 'period,ip,sym,dso']);
  fs.rmSync(file);
  return text;
}

/** Reads what `perf stat -x ';'` writes: value;unit;event;nanoseconds measured;percent of them;... */
export function readCounters(text: string): Counters {
  const lines = text.split('\n').map((line) => line.split(';'));
  const value = (event: string): number | null => {
    // The event may have a suffix: cycles:u where perf may not look into the kernel.
    const count = Number(lines.find((line) => line[2]?.split(':')[0] === event)?.[0]);
    return Number.isNaN(count) ? null : count;
  };
  const [clock, cycles, instructions] = COUNTERS.map(value);
  return { cpuNs: clock === null ? null : clock * 1e6, cycles, instructions };
}

function perf(commandArguments: readonly string[]): string {
  const env = { ...process.env, LC_ALL: 'C' };
  const run = spawnSync('perf', commandArguments, { encoding: 'utf8', maxBuffer: MOST_TEXT, env });
  if (run.status === 0) return run.stdout;
  // Where perf may not look, its own words say what to set.
  throw new Error(`perf ${commandArguments[0]} failed: ${(run.stderr || String(run.error)).trim()}`);
}
