// The short tables of the repository's README: one row a tool, what it writes is written.
import { listed, markdownTable, millions, mpps, short } from './markdown.ts';
import type { Report } from './report.ts';
import type { Row, WorkloadResult } from './results.ts';
import { renderMemory } from './table.ts';
import { workloads as allWorkloads } from './workloads.ts';

/** Of Windrow the rows that write a file, as the peers do; in the order in which they are shown. */
export const SHOWN: Readonly<Record<string, string>> = {
  'windrow-1': 'Windrow, one worker',
  'windrow-2': 'Windrow, two workers',
  nfpcapd: 'nfpcapd',
  softflowd: 'softflowd',
  argus: 'argus',
  pmacctd: 'pmacctd',
  ipfixprobe: 'ipfixprobe',
  tshark: 'tshark',
  'pcap-parser': 'pcap-parser',
  'bare-loop': 'bare loop',
};
/** Those that write no records, and what they do instead. */
const ASIDE: Readonly<Record<string, string>> = {
  tshark: 'tshark is given the first million packets',
  'pcap-parser': 'pcap-parser, from npm, counts packets alone',
  'bare-loop':
    'the bare loop reads, decodes and counts into a table without windows, checks or output: what a flow logger cannot do without',
};

/** The workloads that the tables are about. */
const PEERED = allWorkloads(false)
  .filter(({ withPeers }) => withPeers)
  .map(({ name }) => name);

/** The shown rows of a workload that have figures. */
export function shownRows(result: WorkloadResult): Row[] {
  return Object.keys(SHOWN).flatMap(
    (tool) => result.rows.find((row) => row.tool === tool && row.failure === undefined && row.runs.length > 0) ?? [],
  );
}

/** Workloads that peers are measured on too; the others are about Windrow alone. */
export function shownWorkloads(results: readonly WorkloadResult[]): WorkloadResult[] {
  return results.filter((result) => result.withPeers && shownRows(result).length > 0);
}

/** How many times the packets per second of nfpcapd; null where that was not measured. */
export function timesNfpcapd(row: Row, result: WorkloadResult): number | null {
  const baseline = shownRows(result).find(({ tool }) => tool === 'nfpcapd');
  return baseline ? row.packetsPerSecond / baseline.packetsPerSecond : null;
}

export function renderSummary(report: Report, plotPath: string): string {
  const workloads = shownWorkloads(report.workloads);
  return [
    `![Millions of packets a second, Windrow beside other tools](${plotPath})`,
    '',
    `${report.machine}; ${report.date}; ${report.runs === 1 ? 'one run' : `medians of ${report.runs} runs`}. ${renderAsides(workloads)}`,
    ...workloads.flatMap(renderWorkload),
    ...paragraph(report.memory === null ? '' : renderMemory(report.memory)),
    ...paragraph(renderLeftOut(report)),
  ].join('\n');
}

function renderWorkload(result: WorkloadResult): string[] {
  const rows = shownRows(result);
  const isRelative = rows.some((row) => timesNfpcapd(row, result) !== null);
  const head = ['tool', 'Mpps', ...(isRelative ? ['× nfpcapd'] : []), 'CPU s per M packets', 'peak MB'];
  const lines = rows.map((row) => [
    SHOWN[row.tool],
    mpps(row.packetsPerSecond),
    ...(isRelative ? [short(timesNfpcapd(row, result)!)] : []),
    cpuPerMillion(row),
    row.peakMb.toFixed(0),
  ]);
  return [
    '',
    `**${result.title}** (\`${result.name}\`, ${millions(result.packets)} M packets):`,
    '',
    ...markdownTable(isRelative ? 'lrrrr' : 'lrrr', head, lines),
  ];
}

function cpuPerMillion(row: Row): string {
  const seconds = row.cpu / (row.packets / 1e6);
  return seconds >= 10 ? seconds.toFixed(0) : seconds.toPrecision(2);
}

function renderAsides(workloads: readonly WorkloadResult[]): string {
  const tools = new Set(workloads.flatMap((result) => shownRows(result).map(({ tool }) => tool)));
  const asides = Object.keys(ASIDE).filter((tool) => tools.has(tool));
  const text = ['Windrow writes JSON to a file, a peer its own format', ...asides.map((tool) => ASIDE[tool])].join(
    '; ',
  );
  return `${text}.`;
}

/** What the tables have no figures of. */
function renderLeftOut(report: Report): string {
  const isShown = (name: string): boolean => name in SHOWN;
  const tools = [...report.missing.map(({ name }) => name), ...report.leftOut.tools].filter(isShown);
  const failed = report.workloads
    .filter(({ withPeers }) => withPeers)
    .flatMap(({ name, rows }) =>
      rows.filter((row) => row.failure !== undefined && isShown(row.tool)).map(({ tool }) => `${tool} (on ${name})`),
    );
  const workloads = report.leftOut.workloads.filter((workload) => PEERED.includes(workload));
  const names = [...tools.map((tool) => SHOWN[tool]), ...workloads.map((name) => `\`${name}\``)];
  return [
    ...(names.length > 0 ? [`Not measured: ${listed(names)}.`] : []),
    ...(failed.length > 0 ? [`Failed: ${listed(failed)}.`] : []),
  ].join(' ');
}

function paragraph(text: string): string[] {
  return text === '' ? [] : ['', text];
}
