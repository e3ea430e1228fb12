// One run of a tool: its command under the meter, its output kept in files.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Capture } from './capture.ts';
import type { Workload } from './workloads.ts';

/** After so long a tool is ended, and the table says so. */
const MOST_SECONDS = 600;
const STATUS_LATE = 124;

/** What a tool is to do. */
export interface Task {
  readonly workload: Workload;
  readonly capture: Capture;
  /** An empty folder for what it writes. */
  readonly out: string;
  /** Of 127.0.0.1: what is exported there is thrown away by the kernel. */
  readonly port: number;
}

/** What a run cost. */
export interface Cost {
  readonly wall: number;
  /** Of the command and all that it started. */
  readonly cpu: number;
  /** Of its largest process. */
  readonly peakMb: number;
}

/** Runs the command; its standard output and error are `stdout` and `stderr` in `task.out`. Throws where it fails. */
export function runTool(meter: string, command: readonly string[], task: Task): Cost {
  const report = path.join(task.out, 'cost.json');
  const stdout = fs.openSync(stdoutOf(task), 'w');
  const stderr = fs.openSync(path.join(task.out, 'stderr'), 'w');
  try {
    spawnSync(meter, [report, String(MOST_SECONDS), ...command], {
      stdio: ['ignore', stdout, stderr],
      cwd: task.out,
      env: plainEnvironment(),
    });
  } finally {
    fs.closeSync(stdout);
    fs.closeSync(stderr);
  }
  const cost = JSON.parse(fs.readFileSync(report, 'utf8')) as Record<
    'wall' | 'user' | 'system' | 'maxRssKb' | 'status',
    number
  >;
  if (cost.status === STATUS_LATE) throw new Error(`not done in ${MOST_SECONDS} s`);
  if (cost.status !== 0) throw new Error(`exit code ${cost.status}: ${lastLine(path.join(task.out, 'stderr'))}`);
  return { wall: cost.wall, cpu: cost.user + cost.system, peakMb: cost.maxRssKb / 1024 };
}

/** Without what makes every Node program load more than it was asked to. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, NODE_OPTIONS: undefined, NODE_EXTRA_CA_CERTS: undefined };
}

export function stdoutOf(task: Task): string {
  return path.join(task.out, 'stdout');
}

/** Both outputs of the last run, as text. */
export function saidBy(task: Task): string {
  return fs.readFileSync(stdoutOf(task), 'utf8') + fs.readFileSync(path.join(task.out, 'stderr'), 'utf8');
}

function lastLine(file: string): string {
  return fs.readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '';
}
