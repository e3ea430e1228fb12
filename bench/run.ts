// `npm run bench`: makes the captures, runs Windrow and the peers that are here by turns, prints the table.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { provideCapture, provideHead, warm } from './capture.ts';
import type { Capture } from './capture.ts';
import { describeMachine, load } from './machine.ts';
import { provideProgram } from './native.ts';
import { readOptions } from './options.ts';
import type { BenchOptions } from './options.ts';
import { peers } from './peers.ts';
import { RowMaker, isMeasured } from './results.ts';
import type { WorkloadResult } from './results.ts';
import { runTool } from './run_of_tool.ts';
import type { Task } from './run_of_tool.ts';
import { renderReport } from './table.ts';
import { judgeTargets } from './targets.ts';
import type { Tool } from './tool.ts';
import { windrowRows } from './windrow.ts';
import { workloads } from './workloads.ts';
import type { Workload } from './workloads.ts';

const README = fileURLToPath(new URL('../README.md', import.meta.url));
/** The table stands between these lines of it. */
const README_TABLE = /(<!-- table -->\n)[^]*(<!-- end of table -->)/;

interface FoundTool {
  readonly tool: Tool;
  readonly version: string;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv);
  const loadBefore = load();
  const all = [...windrowRows(), ...peers(options.cacheFolder)];
  const wanted = chosen(all, options.peer, (tool, name) => tool.name === name || tool.group === name);
  const found = wanted.flatMap((tool) => {
    const version = tool.find();
    return version === undefined ? [] : [{ tool, version }];
  });
  const missing = wanted.filter((tool) => !found.some((f) => f.tool === tool));
  const chosenWorkloads = chosen(workloads(options.small), options.only, (workload, name) => workload.name === name);
  if (options.list) return printList(chosenWorkloads, found, missing);
  for (const { name, get } of missing) say(`${name} is not here; to get it: ${get}`);
  const sink = createSocket('udp4').bind(0, '127.0.0.1');
  await once(sink, 'listening');
  const results = chosenWorkloads.map((workload) => measure(workload, found, options, sink.address().port));
  sink.close();
  const report = {
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    load: [loadBefore, load()] as const,
    runs: options.runs,
    workloads: results,
    targets: judgeTargets(results),
    missing: missing.map(({ name, get }) => ({ name, get })),
  };
  process.stdout.write(options.json ? JSON.stringify(report, undefined, 2) + '\n' : renderReport(report));
  if (options.readme) writeReadme(renderReport(report));
}

/** All runs of one workload. The tools take turns, so that a slow minute of the machine hits all of them. */
function measure(workload: Workload, found: readonly FoundTool[], options: BenchOptions, port: number): WorkloadResult {
  const { cacheFolder } = options;
  const meter = provideProgram(cacheFolder, 'meter');
  const capture = provideCapture(cacheFolder, workload.recipe, say);
  const makers = found
    .filter(({ tool }) => isMeasured(tool, workload))
    .map(({ tool, version }) => {
      const given = tool.headPackets === undefined ? capture : provideHead(capture, tool.headPackets);
      return { given, maker: new RowMaker(tool, version, given.packets, given !== capture) };
    });
  warm(capture);
  for (let round = 0; round < options.runs; round++) {
    for (const { given, maker } of makers) {
      if (!maker.isOpen) continue;
      say(`${workload.name}, run ${round + 1} of ${options.runs}: ${maker.tool.name}`);
      runOnce(meter, maker, { workload, capture: given, out: freshFolder(cacheFolder), port });
    }
  }
  fs.rmSync(outFolder(cacheFolder), { recursive: true, force: true });
  return {
    name: workload.name,
    title: workload.title,
    packets: capture.packets,
    flows: workload.recipe.flows,
    fileBytes: capture.fileBytes,
    rows: makers.map(({ maker }) => maker.row()),
  };
}

/** A tool that fails has a row that says why; the others go on. */
function runOnce(meter: string, maker: RowMaker, task: Task): void {
  try {
    const command = maker.tool.command(task);
    maker.ran(inShort(command, task.capture, task.out), runTool(meter, command, task));
    if (!maker.isRead) maker.wrote(maker.tool.read(task));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(`${maker.tool.name}: ${reason}`);
    maker.failed(reason);
  }
}

/** What the last tool wrote is gone before it is written back, and nothing of it is left for the next. */
function freshFolder(cacheFolder: string): string {
  const folder = outFolder(cacheFolder);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  return folder;
}

function outFolder(cacheFolder: string): string {
  return path.join(cacheFolder, 'out');
}

function inShort(command: readonly string[], capture: Capture, out: string): string {
  return command
    .map((word) => word.replace(capture.path, 'CAPTURE').replace(out, 'OUT'))
    .map((word) => (path.isAbsolute(word) && word !== '/dev/null' ? path.basename(word) : word))
    .join(' ')
    .replace('node cli.js', 'windrow');
}

/** Those that are named, in the order of all. Throws where a name is unknown. */
function chosen<T extends { name: string }>(
  all: readonly T[],
  names: readonly string[],
  is: (one: T, name: string) => boolean,
): readonly T[] {
  const unknown = names.find((name) => !all.some((one) => is(one, name)));
  if (unknown !== undefined) throw new Error(`${unknown} is none of ${all.map((one) => one.name).join(', ')}`);
  return names.length === 0 ? all : all.filter((one) => names.some((name) => is(one, name)));
}

function printList(list: readonly Workload[], found: readonly FoundTool[], missing: readonly Tool[]): void {
  const lines = [
    ...list.map(({ name, title }) => `${name.padEnd(16)} ${title}`),
    '',
    ...found.map(({ tool, version }) => `${tool.name.padEnd(16)} ${version}`),
    ...missing.map(({ name, get }) => `${name.padEnd(16)} not here; to get it: ${get}`),
  ];
  process.stdout.write(lines.join('\n') + '\n');
}

function writeReadme(table: string): void {
  const text = fs.readFileSync(README, 'utf8');
  fs.writeFileSync(
    README,
    text.replace(README_TABLE, (_, begin: string, end: string) => `${begin}\n${table}\n${end}`),
  );
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
