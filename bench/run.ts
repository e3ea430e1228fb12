// `npm run bench`: makes the captures, runs Windrow and the peers that are here by turns, prints the tables.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { DOCUMENTS, writeDocument, writeSection } from './documents.ts';
import { describeMachine, load } from './machine.ts';
import { readCacheFolder, readOptions } from './options.ts';
import type { BenchOptions } from './options.ts';
import { peers } from './peers.ts';
import { drawPlot } from './plot.ts';
import { profileWorkload } from './profile.ts';
import { renderProfile } from './profile_page.ts';
import { judge } from './report.ts';
import type { Measurement, Report } from './report.ts';
import { measureWorkload } from './rounds.ts';
import { renderSummary } from './summary.ts';
import { renderReport } from './table.ts';
import type { Tool } from './tool.ts';
import { windrowRows } from './windrow.ts';
import { workloads } from './workloads.ts';
import type { Workload } from './workloads.ts';

const TOOLS = [...windrowRows(), ...peers(readCacheFolder())];

async function main(): Promise<void> {
  const known = { workloads: workloads(false).map(({ name }) => name), tools: TOOLS.map(({ name }) => name) };
  const options = readOptions(process.argv, known);
  if (options.list) return printList(options);
  if (options.profile) return profile(options);
  const measurement = options.render ? readMeasurement() : await measure(options);
  const report = judge(measurement);
  print(options, report, renderReport(report));
  if (!options.readme) return;
  await writeDocument(DOCUMENTS.results, JSON.stringify(measurement));
  await writeReadmes(report);
}

async function measure(options: BenchOptions): Promise<Measurement> {
  const { cacheFolder, runs } = options;
  const loadBefore = load();
  const [wanted, unwantedTools] = chosen(
    TOOLS,
    options.peer,
    (tool, name) => tool.name === name || tool.group === name,
  );
  const [wantedWorkloads, unwantedWorkloads] = chosenWorkloads(options);
  const { found, missing } = find(wanted);
  for (const { name, get } of missing) say(`${name} is not here; to get it: ${get}`);
  const sink = createSocket('udp4').bind(0, '127.0.0.1');
  await once(sink, 'listening');
  const rounds = { runs, cacheFolder, port: sink.address().port, say };
  const results = wantedWorkloads.map((workload) => measureWorkload(workload, found, rounds));
  sink.close();
  return {
    command: commandLine(),
    date: today(),
    machine: describeMachine(),
    load: [loadBefore, load()],
    runs,
    workloads: results,
    missing: missing.map(({ name, get }) => ({ name, get })),
    leftOut: { workloads: unwantedWorkloads.map(({ name }) => name), tools: unwantedTools.map(({ name }) => name) },
  };
}

/** Of the workloads that peers are measured on too: with those Windrow's time is in question. */
async function profile(options: BenchOptions): Promise<void> {
  const [wanted] = chosenWorkloads(options);
  const results = wanted
    .filter(({ withPeers }) => withPeers)
    .map((workload) => profileWorkload(workload, options.cacheFolder, say));
  const page = { command: commandLine(), date: today(), machine: describeMachine(), workloads: results };
  print(options, page, renderProfile(page));
  await writeDocument(DOCUMENTS.profile, renderProfile(page));
}

function print(options: BenchOptions, data: unknown, text: string): void {
  process.stdout.write(options.json ? JSON.stringify(data, undefined, 2) + '\n' : text);
}

function readMeasurement(): Measurement {
  return JSON.parse(fs.readFileSync(DOCUMENTS.results, 'utf8')) as Measurement;
}

async function writeReadmes(report: Report): Promise<void> {
  await writeDocument(DOCUMENTS.plot, drawPlot(report.workloads));
  await writeSection(DOCUMENTS.long, 'table', renderReport(report));
  const plot = path.relative(path.dirname(DOCUMENTS.short), DOCUMENTS.plot);
  await writeSection(DOCUMENTS.short, 'bench', renderSummary(report, plot));
}

function find(tools: readonly Tool[]): { found: { tool: Tool; version: string }[]; missing: Tool[] } {
  const found = tools.flatMap((tool) => {
    const version = tool.find();
    return version === undefined ? [] : [{ tool, version }];
  });
  return { found, missing: tools.filter((tool) => !found.some((one) => one.tool === tool)) };
}

function printList(options: BenchOptions): void {
  const { found, missing } = find(TOOLS);
  const lines = [
    ...workloads(options.small).map(({ name, title }) => `${name.padEnd(16)} ${title}`),
    '',
    ...found.map(({ tool, version }) => `${tool.name.padEnd(16)} ${version}`),
    ...missing.map(({ name, get }) => `${name.padEnd(16)} not here; to get it: ${get}`),
  ];
  process.stdout.write(lines.join('\n') + '\n');
}

function chosenWorkloads(options: BenchOptions): [Workload[], Workload[]] {
  return chosen(workloads(options.small), options.only, (workload, name) => workload.name === name);
}

/** Those that are named, or all, and the others; in the order of all. Throws where a name is unknown. */
function chosen<T extends { name: string }>(
  all: readonly T[],
  names: readonly string[],
  is: (one: T, name: string) => boolean,
): [T[], T[]] {
  const unknown = names.find((name) => !all.some((one) => is(one, name)));
  if (unknown !== undefined) throw new Error(`${unknown} is none of ${all.map((one) => one.name).join(', ')}`);
  const isChosen = (one: T): boolean => names.length === 0 || names.some((name) => is(one, name));
  return [all.filter(isChosen), all.filter((one) => !isChosen(one))];
}

function commandLine(): string {
  return ['npm run bench --', ...process.argv.slice(2)].join(' ');
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
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
