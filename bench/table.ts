// A report as Markdown: a table a workload, the targets, and the commands.
import { listed, markdownTable, millions, mpps, short } from './markdown.ts';
import type { Report } from './report.ts';
import type { Row, WorkloadResult } from './results.ts';
import type { MemoryResult, TargetResult } from './targets.ts';

const COLUMNS = [
  'tool',
  'writes',
  'Mpps',
  'slowest to fastest',
  'wall s',
  'CPU s',
  'peak MB',
  'entries',
  'total',
  '× nfpcapd',
  '× bare loop',
];
const ONCE = '\u00b9';

export function renderReport(report: Report): string {
  const loads = report.load.map((load) => load.toFixed(1)).join(' before, ');
  return [
    `\`${report.command}\`, ${report.date}`,
    '',
    `${report.machine}; load ${loads} after. ${renderRuns(report.runs)}`,
    ...report.workloads.flatMap(renderWorkload),
    ...renderTargets(report.targets),
    ...(report.memory === null ? [] : ['', renderMemory(report.memory)]),
    ...renderCommands(report.workloads),
    ...renderLeftOut(report),
    '',
  ].join('\n');
}

/** One line about Windrow's memory. */
export function renderMemory({ peaks, below, isMet }: MemoryResult): string {
  const figures = peaks.map(({ title, peakMb }) => `${peakMb.toFixed(0)} MB with ${title.replace('Windrow, ', '')}`);
  const target = `the target is less than ${below} MB: ${isMet ? 'met' : '**not met**'}`;
  return `Windrow's peak memory, of the whole process, with 1 M two-sided flows: ${listed(figures)}; ${target}.`;
}

function renderRuns(runs: number): string {
  return runs === 1 ? 'All ran once.' : `Medians of ${runs} alternating runs; those marked ${ONCE} ran once.`;
}

function renderWorkload(result: WorkloadResult): string[] {
  const nfpcapd = result.rows.find((row) => row.tool === 'nfpcapd');
  const bare = result.rows.find((row) => row.tool === 'bare-loop');
  const lines = result.rows.map((row) => {
    const head = row.isHead ? `, first ${millions(row.packets)} M packets` : '';
    const name = `${row.title}${row.runs.length === 1 ? ONCE : ''}${head}`;
    if (row.failure !== undefined) return [name, row.writes, row.failure, ...Array<string>(8).fill('')];
    return [name, row.writes, ...figures(row), ratio(row, nfpcapd), ratio(row, bare)];
  });
  return [
    '',
    `### ${result.name}: ${result.title}`,
    '',
    `${millions(result.packets)} M packets, ${(result.fileBytes / 1e9).toFixed(2)} GB.`,
    '',
    ...markdownTable('llrrrrrrrrr', COLUMNS, lines),
  ];
}

function figures(row: Row): string[] {
  return [
    mpps(row.packetsPerSecond),
    row.runs.length > 1 ? `${mpps(row.slowest)} to ${mpps(row.fastest)}` : '',
    row.wall.toFixed(2),
    row.cpu.toFixed(2),
    row.peakMb.toFixed(0),
    row.entries?.toLocaleString('en-US') ?? '-',
    row.isTotalRight === null ? '-' : row.isTotalRight ? 'right' : '**wrong**',
  ];
}

function ratio(row: Row, baseline: Row | undefined): string {
  if (!baseline || baseline.packetsPerSecond === 0) return '';
  return short(row.packetsPerSecond / baseline.packetsPerSecond);
}

function renderTargets(targets: readonly TargetResult[]): string[] {
  const lines = targets.map(({ text, atLeast, ratio: measured, spread }) => {
    if (measured === null || spread === null) return [text, short(atLeast), 'not measured', '', ''];
    return [text, short(atLeast), short(measured), spread.map(short).join(' to '), verdict(measured, spread, atLeast)];
  });
  const head = ['target', 'at least', 'measured', 'slowest to fastest', 'met'];
  return ['', '### Targets, as ratios of packets per second', '', ...markdownTable('lrrrl', head, lines)];
}

/** A ratio whose spread has the target inside proves nothing. */
function verdict(measured: number, [least, most]: readonly [number, number], atLeast: number): string {
  if (least < atLeast && atLeast <= most) return `too noisy to tell (median: ${measured >= atLeast ? 'yes' : 'no'})`;
  return measured >= atLeast ? 'yes' : '**no**';
}

/** The same command is listed once, for the first workload that it ran on. */
function renderCommands(workloads: readonly WorkloadResult[]): string[] {
  const rows = new Map<string, Row>();
  for (const row of workloads.flatMap((workload) => workload.rows))
    if (row.command && !rows.has(row.tool)) rows.set(row.tool, row);
  const lines = [...rows.values()].map((row) => [row.tool, row.version, `\`${row.command}\``]);
  return ['', '### Versions and commands', '', ...markdownTable('lll', ['tool', 'version', 'command'], lines)];
}

function renderLeftOut({ missing, leftOut }: Report): string[] {
  const absent = missing.map(({ name, get }) => `${name} (${get})`).join('; ');
  const unasked = [...leftOut.tools, ...leftOut.workloads];
  return [
    ...(missing.length > 0 ? ['', `Not found, so not measured: ${absent}.`] : []),
    ...(unasked.length > 0 ? ['', `Not asked for, so not measured: ${listed(unasked)}.`] : []),
  ];
}
