// The targets: ratios of packets per second within one run of the bench, and a bound of memory.
import type { Row, WorkloadResult } from './results.ts';

export interface Target {
  readonly text: string;
  readonly atLeast: number;
  /** Workload and tool above and below the line. */
  readonly of: readonly [workload: string, tool: string];
  readonly against: readonly [workload: string, tool: string];
}

export interface TargetResult {
  readonly text: string;
  readonly atLeast: number;
  /** Of the medians; null where one of the two was not measured. */
  readonly ratio: number | null;
  /** The slowest run above over the fastest below, and the other way round: what noise alone could make of it. */
  readonly spread: readonly [number, number] | null;
}

export interface MemoryResult {
  /** The largest of all runs of a number of workers, whatever became of the output. */
  readonly peaks: readonly { readonly title: string; readonly peakMb: number }[];
  readonly below: number;
  readonly isMet: boolean;
}

/** Of the whole process, Node too, with 1 M two-sided flows. */
const MEMORY = { workload: 'uniform', below: 300 };

const TARGETS: readonly Target[] = [
  against('imix', 'windrow-1', 'nfpcapd', 8, 'IMIX, one worker, JSON written, against nfpcapd'),
  against('imix', 'windrow-2', 'nfpcapd', 14, 'IMIX, two workers, JSON written, against nfpcapd'),
  against('uniform', 'windrow-2', 'nfpcapd', 12, '1 M flows, two workers, JSON written, against nfpcapd'),
  against('uniform', 'windrow-2-null', 'nfpcapd', 20, '1 M flows, two workers, JSON thrown away, against nfpcapd'),
  against('imix', 'windrow-1-null', 'bare-loop', 0.7, 'IMIX, one worker, JSON thrown away, against the bare loop'),
  against(
    'uniform',
    'windrow-1-null',
    'bare-loop',
    0.7,
    '1 M flows, one worker, JSON thrown away, against the bare loop',
  ),
  against('imix', 'windrow-2-null', 'windrow-1-null', 1.7, 'IMIX, two workers against one, JSON thrown away'),
  against('uniform', 'windrow-2-null', 'windrow-1-null', 1.7, '1 M flows, two workers against one, JSON thrown away'),
  {
    text: '4 M flows against 10 k, one worker, JSON thrown away',
    atLeast: 1 / 3,
    of: ['flows-4M', 'windrow-1-null'],
    against: ['flows-10k', 'windrow-1-null'],
  },
];

export function judgeTargets(results: readonly WorkloadResult[]): TargetResult[] {
  return TARGETS.map(({ text, atLeast, of, against: baseline }) => {
    const above = rowOf(results, of);
    const below = rowOf(results, baseline);
    if (!above || !below) return { text, atLeast, ratio: null, spread: null };
    return {
      text,
      atLeast,
      ratio: above.packetsPerSecond / below.packetsPerSecond,
      spread: [above.slowest / below.fastest, above.fastest / below.slowest],
    };
  });
}

/** Null where Windrow was not measured on that workload. */
export function judgeMemory(results: readonly WorkloadResult[]): MemoryResult | null {
  const all = results.find(({ name }) => name === MEMORY.workload)?.rows ?? [];
  const rows = all.filter((row) => row.tool.startsWith('windrow-') && row.peakMb > 0);
  if (rows.length === 0) return null;
  const titles = [...new Set(rows.map(({ title }) => title))];
  const peaks = titles.map((title) => ({
    title,
    peakMb: Math.max(...rows.filter((row) => row.title === title).map(({ peakMb }) => peakMb)),
  }));
  const { below } = MEMORY;
  return { peaks, below, isMet: peaks.every(({ peakMb }) => peakMb < below) };
}

function against(workload: string, tool: string, baseline: string, atLeast: number, text: string): Target {
  return { text, atLeast, of: [workload, tool], against: [workload, baseline] };
}

/** Undefined where it was not measured. */
function rowOf(results: readonly WorkloadResult[], [workload, tool]: Target['of']): Row | undefined {
  const rows = results.find((result) => result.name === workload)?.rows;
  return rows?.find((row) => row.tool === tool && row.packetsPerSecond > 0);
}
