// Windrow's own rows: one worker and two, entries written to a file and thrown away.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Outcome, Tool } from './tool.ts';
import type { Task } from './run_of_tool.ts';

const CLI = fileURLToPath(new URL('../../dist/app/cli.js', import.meta.url));
const PACKAGE = new URL('../../package.json', import.meta.url);
/** What `--max-flows` is without the option; a capture with as many flows needs more, or flows are closed early. */
const DEFAULT_BUDGET = 1_000_000;
const READ_BYTES = 8 << 20;

export function windrowRows(): Tool[] {
  return [windrowRow(1, true), windrowRow(1, false), windrowRow(2, true), windrowRow(2, false)];
}

export function windrowRow(workers: 1 | 2, isWritten: boolean): Tool {
  return {
    name: `windrow-${workers}${isWritten ? '' : '-null'}`,
    group: 'windrow',
    title: `Windrow, ${workers === 1 ? 'one worker' : 'two workers'}`,
    writes: isWritten ? 'JSON file' : 'JSON to /dev/null',
    get: 'npm ci',
    isScaled: !isWritten,
    find: () => {
      if (!fs.existsSync(CLI)) return undefined;
      return (JSON.parse(fs.readFileSync(PACKAGE, 'utf8')) as { version: string }).version;
    },
    command: (task) => command(task, workers, isWritten),
    read: (task) => (isWritten ? countEntries(entriesFile(task)) : readAccounting(task)),
  };
}

function command(task: Task, workers: number, isWritten: boolean): string[] {
  const { flows } = task.workload.recipe;
  return [
    ...[process.execPath, CLI, 'replay', task.capture.path, '--window', String(task.workload.windowSeconds)],
    ...['--format', 'json', '--output', isWritten ? entriesFile(task) : '/dev/null', '--quiet'],
    ...['--workers', String(workers), '--accounting', path.join(task.out, 'accounting.json')],
    ...(flows < DEFAULT_BUDGET ? [] : ['--max-flows', String(flows * 1.25)]),
  ];
}

function entriesFile(task: Task): string {
  return path.join(task.out, 'entries.json');
}

function readAccounting(task: Task): Outcome {
  const file = path.join(task.out, 'accounting.json');
  const { packets, entries } = JSON.parse(fs.readFileSync(file, 'utf8')) as {
    packets: { logged: number };
    entries: { ok: number; nodata: number; skipdata: number; supplementary: number };
  };
  return { entries: Object.values(entries).reduce((sum, count) => sum + count, 0), packets: packets.logged };
}

/** Counts what is in the file, line by line: the accounting is not asked. */
function countEntries(file: string): Outcome {
  const block = Buffer.alloc(READ_BYTES);
  const fd = fs.openSync(file, 'r');
  let [entries, packets, have] = [0, 0, 0];
  for (let got = 1; got > 0;) {
    got = fs.readSync(fd, block, have, READ_BYTES - have, null);
    have += got;
    let start = 0;
    for (let end = block.indexOf(10); end >= 0 && end < have; end = block.indexOf(10, start)) {
      entries++;
      packets += packetsOf(block, start);
      start = end + 1;
    }
    block.copyWithin(0, start, have);
    have -= start;
  }
  fs.closeSync(fd);
  return { entries, packets };
}

const PACKETS_KEY = Buffer.from('"packets":"');

/** Of the line at `start`; 0 where it has no packets. */
function packetsOf(block: Buffer, start: number): number {
  let packets = 0;
  for (let at = block.indexOf(PACKETS_KEY, start) + PACKETS_KEY.length; block[at] >= 48 && block[at] <= 57; at++) {
    packets = packets * 10 + block[at] - 48;
  }
  return packets;
}
