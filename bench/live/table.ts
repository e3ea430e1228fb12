// The table of the live bench.
import { markdownTable } from '../markdown.ts';

/** One tool, once. */
export interface LiveRun {
  readonly tool: string;
  /** Packets a second; 0: as many as the sender reaches. */
  readonly rate: number;
  /** That the interface received. */
  readonly packets: number;
  /** In which they were sent. */
  readonly seconds: number;
  /** Seconds of CPU of the tool. */
  readonly cpu: number;
  /** Packets in what the tool wrote. */
  readonly logged: number;
}

export interface LiveReport {
  readonly command: string;
  readonly date: string;
  readonly machine: string;
  /** Before and after. */
  readonly load: readonly [number, number];
  readonly runs: readonly LiveRun[];
}

/** Of the CPU of each peer. */
const TARGET = 1 / 3;

export function renderLive({ command, date, machine, load, runs }: LiveReport): string {
  const rates = [...new Set(runs.map(({ rate }) => rate))];
  const tools = [...new Set(runs.map(({ tool }) => tool))];
  const rows = rates.flatMap((rate) => {
    const of = (tool: string): LiveRun[] => runs.filter((run) => run.tool === tool && run.rate === rate);
    const own = costs(of(tools[0]));
    return tools.map((tool) => {
      const all = of(tool);
      const sorted = costs(all);
      const missed = all.map(({ packets, logged }) => packets - logged).sort((a, b) => a - b);
      const kpps = median(all.map(({ packets, seconds }) => packets / seconds / 1000).sort((a, b) => a - b));
      return [
        rate === 0 ? 'the greatest' : `${rate / 1000} k`,
        tool,
        `${Math.round(kpps)} k`,
        median(sorted).toFixed(3),
        `${sorted[0].toFixed(3)} to ${sorted.at(-1)!.toFixed(3)}`,
        tool === tools[0] ? '' : (median(own) / median(sorted)).toFixed(2),
        missed[0] === missed.at(-1) ? `${missed[0]}` : `${missed[0]} to ${missed.at(-1)!}`,
      ];
    });
  });
  return [
    `\`${command}\`, ${date}, ${machine}; load before and after ${load.map((value) => value.toFixed(1)).join(' and ')}.`,
    '',
    ...markdownTable(
      'llrrrrr',
      ['rate', 'tool', 'packets/s', 'CPU s per million', 'spread', `${tools[0]} of it`, 'packets missing'],
      rows,
    ),
    '',
    `Frames of 60 bytes at a veth; the median of ${runs.length / rows.length}. CPU is the tool's own: what the kernel does to bring packets to a socket is done by the sender. Target: at most ${TARGET.toFixed(2)} of each peer, and no packet missing.`,
    '',
  ].join('\n');
}

/** CPU seconds a million packets, ascending. */
function costs(runs: readonly LiveRun[]): number[] {
  return runs.map(({ cpu, packets }) => (cpu / packets) * 1e6).sort((a, b) => a - b);
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)];
}
