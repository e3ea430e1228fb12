// Measurements that are made up, for tests of what the bench makes of them.
import { judge } from '../../bench/report.ts';
import type { Report } from '../../bench/report.ts';
import type { Row, WorkloadResult } from '../../bench/results.ts';

/** A tool that ran once over a million packets. */
export function row(tool: string, mpps: number, more: Partial<Row> = {}): Row {
  const [wall, cpu, peakMb] = [1 / mpps, 1.5 / mpps, 100];
  return {
    tool,
    title: tool.replace(/^windrow-1.*/, 'Windrow, one worker').replace(/^windrow-2.*/, 'Windrow, two workers'),
    writes: 'something',
    version: '1.0',
    command: `${tool} CAPTURE`,
    runs: [{ wall, cpu, peakMb }],
    packets: 1e6,
    isHead: false,
    entries: 1000,
    isTotalRight: true,
    packetsPerSecond: mpps * 1e6,
    slowest: mpps * 1e6,
    fastest: mpps * 1e6,
    ...{ wall, cpu, peakMb },
    ...more,
  };
}

/** A tool that did not get to its end. */
export function failedRow(tool: string, failure: string): Row {
  return row(tool, 1, { runs: [], packetsPerSecond: 0, peakMb: 0, failure });
}

export function workload(name: string, rows: readonly Row[]): WorkloadResult {
  const withPeers = !name.startsWith('flows-');
  return { name, title: `${name}, its flows, its windows`, packets: 1e6, flows: 1e5, fileBytes: 1e8, withPeers, rows };
}

export function report(workloads: readonly WorkloadResult[], more: Partial<Report> = {}): Report {
  const measurement = {
    command: 'npm run bench --',
    date: '2026-01-05',
    machine: '2 cores',
    load: [0, 0] as const,
    runs: 1,
    workloads,
    missing: [],
    leftOut: { workloads: [], tools: [] },
  };
  return { ...judge(measurement), ...more };
}
