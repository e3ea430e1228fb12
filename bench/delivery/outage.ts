// An agent's delivery while there is no broker: what comes goes into the spool, and its memory stays as it is.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Say } from '../capture.ts';
import type { AgentCourse, AgentState } from './agent.ts';

const ENTRIES_PER_SECOND = 100_000;
const SPOOL_BYTES = 2 * 2 ** 30;
/** What is said before is of the beginning: code is compiled, buffers are made. */
const SETTLED_SECONDS = 20;
const SAY_SECONDS = 60;
/** Nobody listens there (RFC 863: discard). */
const NO_BROKER = '127.0.0.1:9';

export interface Outage {
  readonly seconds: number;
  readonly entries: number;
  readonly spoolBytes: number;
  /** Of the process, in MiB: the least and the most once it had settled. */
  readonly leastMb: number;
  readonly mostMb: number;
  /** Entries a second, as they were taken. */
  readonly rate: number;
}

export async function measureOutage(seconds: number, say: Say): Promise<Outage> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-bench-'));
  const course: AgentCourse = {
    folder: path.join(folder, 'spool'),
    broker: NO_BROKER,
    maxBytes: SPOOL_BYTES,
    perSecond: ENTRIES_PER_SECOND,
    seconds,
  };
  const program = fileURLToPath(new URL('agent.js', import.meta.url));
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', process.execPath, program, JSON.stringify(course)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const states: AgentState[] = [];
  for await (const line of readline.createInterface({ input: child.stdout })) {
    const state = JSON.parse(line) as AgentState;
    states.push(state);
    if (Math.round(state.seconds) % SAY_SECONDS === 0)
      say(
        `no broker for ${state.seconds.toFixed(0)} s: ${mib(state.rss)} MiB, ${mib(state.spoolBytes)} MiB in the spool`,
      );
  }
  const [code] = await closed;
  fs.rmSync(folder, { recursive: true });
  const last = states.at(-1);
  if (code !== 0 || !last) throw new Error(`the agent ended with ${code}`);
  const settled = states
    .filter((state) => state.seconds >= Math.min(SETTLED_SECONDS, seconds / 2))
    .map(({ rss }) => rss);
  return {
    seconds: last.seconds,
    entries: last.entries,
    spoolBytes: last.spoolBytes,
    leastMb: Math.min(...settled) / 2 ** 20,
    mostMb: Math.max(...settled) / 2 ** 20,
    rate: last.entries / last.seconds,
  };
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
