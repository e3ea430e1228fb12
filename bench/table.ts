// Results as Markdown: a table a workload, the targets, and the commands.
import type { Row, WorkloadResult } from './results.ts';
import type { TargetResult } from './targets.ts';
import type { Tool } from './tool.ts';

export interface Report {
  readonly command: string;
  readonly date: string;
  readonly machine: string;
  /** Before the first run and after the last one. */
  readonly load: readonly [number, number];
  readonly runs: number;
  readonly workloads: readonly WorkloadResult[];
  readonly targets: readonly TargetResult[];
  readonly missing: readonly Pick<Tool, 'name' | 'get'>[];
}

/** Below this a ratio is written with two digits after the point. */
const SMALL_RATIO = 10;

export function renderReport(report: Report): string {
  return [
    `\`${report.command}\`, ${report.date}`,
    '',
    `${report.machine}; load ${report.load.map((load) => load.toFixed(1)).join(' before, ')} after. Medians of ${report.runs} alternating ${report.runs === 1 ? 'run' : 'runs'}; those marked \u00b9 ran once.`,
    ...report.workloads.flatMap(renderWorkload),
    ...renderTargets(report.targets),
    ...renderCommands(report.workloads),
    ...renderMissing(report.missing),
    '',
  ].join('\n');
}

function renderWorkload(result: WorkloadResult): string[] {
  const nfpcapd = result.rows.find((row) => row.tool === 'nfpcapd');
  const bare = result.rows.find((row) => row.tool === 'bare-loop');
  const lines = result.rows.map((row) => {
    const name = `${row.title}${row.runs.length === 1 ? '\u00b9' : ''}${row.isHead ? `, first ${millions(row.packets)} M packets` : ''}`;
    if (row.failure !== undefined) return tableLine([name, row.writes, row.failure, ...Array<string>(8).fill('')]);
    return tableLine([name, row.writes, ...figures(row), ratio(row, nfpcapd), ratio(row, bare)]);
  });
  return [
    '',
    `### ${result.name}: ${result.title}`,
    '',
    `${millions(result.packets)} M packets, ${(result.fileBytes / 1e9).toFixed(2)} GB.`,
    '',
    tableLine([
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
    ]),
    tableLine(['---', '---', ...Array<string>(9).fill('--:')]),
    ...lines,
  ];
}

function figures(row: Row): string[] {
  return [
    millions(row.packetsPerSecond),
    row.runs.length > 1 ? `${millions(row.slowest)} to ${millions(row.fastest)}` : '',
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
    if (measured === null || spread === null) return tableLine([text, short(atLeast), 'not measured', '', '']);
    return tableLine([
      text,
      short(atLeast),
      short(measured),
      spread.map(short).join(' to '),
      verdict(measured, spread, atLeast),
    ]);
  });
  const head = [
    tableLine(['target', 'at least', 'measured', 'slowest to fastest', 'met']),
    tableLine(['---', '--:', '--:', '--:', '---']),
  ];
  return ['', '### Targets, as ratios of packets per second', '', ...head, ...lines];
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
  const lines = [...rows.values()].map((row) => tableLine([row.tool, row.version, `\`${row.command}\``]));
  const head = [tableLine(['tool', 'version', 'command']), tableLine(['---', '---', '---'])];
  return ['', '### Versions and commands', '', ...head, ...lines];
}

function renderMissing(missing: Report['missing']): string[] {
  if (missing.length === 0) return [];
  return ['', `Not found, so not measured: ${missing.map(({ name, get }) => `${name} (${get})`).join('; ')}.`];
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function millions(count: number): string {
  const value = count / 1e6;
  return value >= SMALL_RATIO ? value.toFixed(1) : Number(value.toFixed(2)).toString();
}

function short(value: number): string {
  return value >= SMALL_RATIO ? value.toFixed(1) : value.toFixed(2);
}
