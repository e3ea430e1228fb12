// The tables of the delivery bench.
import { markdownTable } from '../markdown.ts';
import type { Outage } from './outage.ts';
import type { Pass, Throughput } from './throughput.ts';

export interface DeliveryReport {
  readonly command: string;
  readonly date: string;
  readonly machine: string;
  /** Before and after. */
  readonly load: readonly [number, number];
  readonly throughput: Throughput | undefined;
  readonly outage: Outage | undefined;
}

const TARGETS = { endToEnd: 400_000, sinkAlone: 1_000_000, bytesPerEntry: 24, spreadMb: 64 };

export function renderDelivery({ command, date, machine, load, throughput, outage }: DeliveryReport): string {
  return [
    `\`${command}\`, ${date}, ${machine}; load before and after ${load.map((value) => value.toFixed(1)).join(' and ')}.`,
    '',
    ...(throughput ? throughputLines(throughput) : []),
    ...(outage ? outageLines(outage) : []),
    '',
  ].join('\n');
}

function throughputLines({ workload, entries, bytesPerEntry, runs }: Throughput): string[] {
  const rate = (of: (pass: Pass) => number): string[] => {
    const rates = runs.map((pass) => entries / of(pass)).sort((a, b) => a - b);
    const [slowest, median, fastest] = [rates[0], rates[Math.floor(rates.length / 2)], rates[rates.length - 1]];
    return [thousands(median), `${thousands(slowest)} to ${thousands(fastest)}`];
  };
  return [
    `${workload}: ${entries.toLocaleString('en-US')} entries, one worker, one broker and one sink on the same machine; the median of ${runs.length}.`,
    '',
    ...markdownTable(
      'lrrr',
      ['', 'measured', 'spread', 'target'],
      [
        ['replay to Kafka to JSON files', ...rate((pass) => pass.endToEnd), `at least ${thousands(TARGETS.endToEnd)}`],
        ['the replay of it', ...rate((pass) => pass.replay), ''],
        [
          'a sink alone, from a full topic',
          ...rate((pass) => pass.sinkAlone),
          `at least ${thousands(TARGETS.sinkAlone)}`,
        ],
        ['bytes of an entry on the wire', bytesPerEntry.toFixed(1), '', `at most ${TARGETS.bytesPerEntry}`],
      ],
    ),
    '',
    'Entries a second; whole processes, the start of Node and the joining of the group included.',
    '',
  ];
}

function outageLines({ seconds, entries, spoolBytes, leastMb, mostMb, rate }: Outage): string[] {
  return [
    `No broker for ${seconds.toFixed(0)} s: ${entries.toLocaleString('en-US')} entries were taken, ${thousands(rate)} a second, into ${(spoolBytes / 2 ** 20).toFixed(0)} MiB of spool. The memory of the process was ${leastMb.toFixed(0)} to ${mostMb.toFixed(0)} MiB, a spread of ${(mostMb - leastMb).toFixed(0)} MiB (target: at most ${TARGETS.spreadMb}).`,
  ];
}

function thousands(value: number): string {
  return `${Math.round(value / 1000).toLocaleString('en-US')} k`;
}
