// `npm run bench:live`: what capturing costs at a veth, beside other tools, and whether they miss packets.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { DOCUMENTS, writeSection } from '../documents.ts';
import { describeMachine, load } from '../machine.ts';
import { provideProgram } from '../native.ts';
import { PACKAGE_FOLDER } from '../package_folder.ts';
import { HERE, INSIDE, THERE, makeNetwork, received, removeNetwork } from './network.ts';
import { renderLive } from './table.ts';
import type { LiveRun } from './table.ts';
import { LIVE_TOOLS } from './tools.ts';
import type { LiveTool } from './tools.ts';

interface LiveOptions {
  readonly runs: number;
  readonly seconds: number;
  readonly flows: number;
  readonly json: boolean;
  readonly readme: boolean;
}

const RATES = [300_000, 0];
/** To start, and to have read all that came. */
const SETTLE_MS = 2500;
/** The greatest rate is for so many packets a second of the time that is asked for. */
const MOST_RATE = 1_000_000;
const TICKS = 100;

function number(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number from 1 on');
  return value;
}

/** Seconds of CPU that a process has had, with all its threads and the children that have ended. */
function cpuOf(pid: number): number {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) / TICKS;
}

async function end(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  await closed;
}

async function measure(tool: LiveTool, sender: string, rate: number, options: LiveOptions): Promise<LiveRun> {
  const out = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-bench-live-'));
  const [program, ...args] = tool.command(out);
  const child = spawn(program, args, { stdio: 'ignore', cwd: out });
  try {
    await delay(SETTLE_MS);
    if (child.exitCode !== null) throw new Error(`${tool.name} ended by itself`);
    const [cpu, before] = [cpuOf(child.pid!), received()];
    const packets = (rate === 0 ? MOST_RATE : rate) * options.seconds;
    const command = [...INSIDE, sender, THERE, `${packets}`, `${rate}`, `${options.flows}`];
    const [, seconds] = execFileSync('ip', command, { encoding: 'utf8' }).trim().split(' ').map(Number);
    await delay(SETTLE_MS);
    const used = cpuOf(child.pid!) - cpu;
    const came = received() - before;
    const running = tool.readRunning?.(out);
    await end(child);
    const logged = running ?? tool.readEnded!(out);
    return { tool: tool.name, rate, packets: came, seconds, cpu: used, logged };
  } finally {
    child.kill('SIGKILL');
    fs.rmSync(out, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const command = new Command('npm run bench:live --')
    .description('captures at a veth between two network namespaces, which it makes: it takes root')
    .option('--runs <n>', 'runs of each; the median counts', number, 3)
    .option('--seconds <n>', 'how long packets are sent', number, 20)
    .option('--flows <n>', 'flows that they are of', number, 1000)
    .option('--json', 'results for machines instead of a table', false)
    .option('--readme', 'write the table into bench/README.md too', false)
    .parse();
  const options = command.opts<LiveOptions>();
  const sender = provideProgram(path.join(PACKAGE_FOLDER, 'bench', 'cache'), 'live/sender');
  const tools = LIVE_TOOLS.filter((tool) => tool.find() !== undefined);
  for (const { name, get } of LIVE_TOOLS.filter((tool) => !tools.includes(tool))) {
    say(`${name} is not here, and is left out: ${get}`);
  }
  const loadBefore = load();
  const runs: LiveRun[] = [];
  makeNetwork();
  try {
    for (const rate of RATES) {
      for (let turn = 0; turn < options.runs; turn++) {
        for (const tool of tools) {
          const run = await measure(tool, sender, rate, options);
          say(
            `${run.tool} at ${rate === 0 ? 'the greatest rate' : rate}: ${run.logged} of ${run.packets} packets in ${run.seconds} s, ${run.cpu.toFixed(2)} s of CPU`,
          );
          runs.push(run);
        }
      }
    }
  } finally {
    removeNetwork();
  }
  const report = {
    command: ['npm run bench:live --', ...process.argv.slice(2)].join(' '),
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    load: [loadBefore, load()] as const,
    interface: HERE,
    runs,
  };
  process.stdout.write(options.json ? `${JSON.stringify(report, undefined, 2)}\n` : renderLive(report));
  if (options.readme) await writeSection(DOCUMENTS.long, 'live', renderLive(report));
}

function say(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}

try {
  await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
