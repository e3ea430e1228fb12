// Replays with a network and with flow logs, beside the same replay without: what a model costs.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { provideCapture, warm } from '../capture.ts';
import type { Say } from '../capture.ts';
import { markdownTable } from '../markdown.ts';
import { PACKAGE_FOLDER } from '../package_folder.ts';
import { workloads } from '../workloads.ts';
import { ENIS, networkOfCaptures } from './made_network.ts';

const CLI = path.join(PACKAGE_FOLDER, 'dist', 'app', 'cli.js');
const WINDOW_SECONDS = 60;
/** Of the speed without a model. */
const TARGET = 0.8;

/** One way to replay, and what it takes. */
interface Way {
  readonly name: string;
  readonly args: readonly string[];
}

/** Seconds of each run, in their order. */
interface Timed {
  readonly way: Way;
  readonly seconds: number[];
}

/** All ways in turn, `runs` times; the table. */
export function measureReplays(runs: number, isSmall: boolean, say: Say): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-bench-network-'));
  try {
    const ways = waysOf(folder);
    const rows = workloads(isSmall)
      .filter(({ withPeers }) => withPeers)
      .flatMap(({ name, title, recipe }) => {
        const capture = provideCapture(path.join(PACKAGE_FOLDER, 'bench', 'cache'), recipe, say);
        warm(capture);
        return [1, 2].flatMap((workers) => {
          const timed = ways.map((way): Timed => ({ way, seconds: [] }));
          for (let run = 0; run < runs; run++) {
            for (const { way, seconds } of timed) {
              seconds.push(replay(capture.path, [...way.args, '--workers', `${workers}`]));
              say(`${name}, ${workers} workers, ${way.name}: ${seconds.at(-1)!.toFixed(2)} s`);
            }
          }
          return rowsOf(title, workers, timed);
        });
      });
    return [
      ...markdownTable('lrlrrr', ['capture', 'workers', 'replay', 'seconds', 'spread', 'of the speed without'], rows),
      '',
      `${ENIS} ENIs, 100 groups, 4,100 rules; ten flow logs with windows of 1, 5 and 10 minutes; JSON thrown away, the median of ${runs} alternating runs. Target: ${TARGET}.`,
      '',
    ].join('\n');
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

function waysOf(folder: string): Way[] {
  const [network, flowLogs] = ['network.json', 'flow-logs.json'].map((name) => path.join(folder, name));
  fs.writeFileSync(network, JSON.stringify(networkOfCaptures()));
  const create = (name: string, type: string, id: string, minutes: number, traffic: string): void => {
    const resource = ['--resource-type', type, '--resource-id', id, '--traffic-type', traffic];
    const args = ['flowlog', 'create', '--name', name, ...resource, '--aggregation-interval', `${minutes}`];
    execFileSync(process.execPath, [CLI, ...args, '--state', flowLogs]);
  };
  create('all', 'VPC', 'vpc', 10, 'All');
  for (let i = 0; i < 4; i++) create(`dropped-${i}`, 'VSwitch', `vsw-${i}`, i % 2 === 0 ? 1 : 5, 'Drop');
  for (let i = 1; i <= 5; i++) create(`allowed-${i}`, 'NetworkInterface', `eni-${i * 100}`, 1, 'Allow');
  const model = ['--network', network];
  return [
    { name: 'without a model', args: ['--window', `${WINDOW_SECONDS}`] },
    { name: 'with a network', args: [...model, '--window', `${WINDOW_SECONDS}`] },
    { name: 'with a network and ten flow logs', args: [...model, '--flow-logs', flowLogs] },
  ];
}

function replay(capture: string, args: readonly string[]): number {
  const begin = performance.now();
  execFileSync(process.execPath, [
    CLI,
    'replay',
    capture,
    ...args,
    '--format',
    'json',
    '--output',
    '/dev/null',
    '--quiet',
  ]);
  return (performance.now() - begin) / 1000;
}

function rowsOf(title: string, workers: number, timed: readonly Timed[]): string[][] {
  const median = ({ seconds }: Timed): number => seconds.toSorted((a, b) => a - b)[seconds.length >> 1];
  return timed.map((one, i) => [
    ...[i === 0 ? title : '', i === 0 ? `${workers}` : '', one.way.name, median(one).toFixed(2)],
    `${Math.min(...one.seconds).toFixed(2)} to ${Math.max(...one.seconds).toFixed(2)}`,
    i === 0 ? '' : (median(timed[0]) / median(one)).toFixed(2),
  ]);
}
