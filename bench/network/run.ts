// `npm run bench:network`: how long a network takes to be read, how many rows a second are judged by it, on one core, and
// what it costs a replay.
import path from 'node:path';
import { Command } from 'commander';
import { DOCUMENTS, writeSection } from '../documents.ts';
import { describeMachine, load } from '../machine.ts';
import { PACKAGE_FOLDER } from '../package_folder.ts';
import { seededRandom } from '../random.ts';
import { ENIS, networkOf } from './made_network.ts';
import { measureReplays } from './replays.ts';
import type { Columns as Rows } from '../../src/flowlog/columns.ts';

/** The program as it is installed, which finds its addon. */
const installed = (file: string): Promise<unknown> => import(path.join(PACKAGE_FOLDER, 'dist', file));
const { addon } = (await installed('base/addon.js')) as typeof import('../../src/base/addon.ts');
const { readNetwork } = (await installed('cloud/network.js')) as typeof import('../../src/cloud/network.ts');
const { Columns } = (await installed('flowlog/columns.js')) as typeof import('../../src/flowlog/columns.ts');

const ROWS = 1 << 16;
const ROUNDS = 60;

const random = seededRandom(1);
const below = (count: number): number => random() % count;

async function main(): Promise<void> {
  const command = new Command('npm run bench:network --')
    .description('measures networks and flow logs')
    .option('--runs <n>', 'runs of each replay; the median counts', Number, 5)
    .option('--small', 'captures of a third or a quarter of the packets', false)
    .option('--readme', 'write the table of replays into bench/README.md too', false)
    .parse();
  const { runs, small, readme } = command.opts<{ runs: number; small: boolean; readme: boolean }>();
  console.log(describeMachine());
  for (const addresses of [1, 1000]) measure(addresses);
  const before = load();
  const table = measureReplays(runs, small, (line) => void process.stderr.write(`bench: ${line}\n`));
  const date = new Date().toISOString().slice(0, 10);
  const called = ['npm run bench:network --', ...process.argv.slice(2)].join(' ').replace(/ --$/, '');
  const loads = `load before and after ${before.toFixed(1)} and ${load().toFixed(1)}`;
  const section = `\`${called}\`, ${date}, ${describeMachine()}; ${loads}.\n\n${table}`;
  console.log(section);
  if (readme) await writeSection(DOCUMENTS.long, 'network', section);
}

function measure(addressesOfEni: number): void {
  const text = JSON.stringify(networkOf(addressesOfEni));
  const loads = [1, 2, 3, 4, 5].map(() => seconds(() => readNetwork('network.json', text)));
  const network = readNetwork('network.json', text);
  const builds = [1, 2, 3].map(() => seconds(() => addon.network_new(network.tables)));
  const native = addon.network_new(network.tables);
  const columns = rows();
  const opened = Uint8Array.from({ length: ROWS }, () => below(2));
  const rules = new Uint32Array(ROWS);
  const judgings = Array.from({ length: ROUNDS }, () => {
    const sources = new Uint8Array(ROWS);
    return seconds(() => addon.network_judge(native, columns.buffer, ROWS, ROWS, opened, sources, rules));
  });
  const best = Math.min(...judgings);
  console.log(
    `${(ENIS * addressesOfEni).toLocaleString('en-US')} addresses, ${(text.length / 1e6).toFixed(1)} MB of JSON: ` +
      `read and checked in ${Math.min(...loads).toFixed(2)} s (JSON.parse alone ${seconds(() => JSON.parse(text)).toFixed(2)} s), ` +
      `made native in ${Math.min(...builds).toFixed(2)} s; ` +
      `${(ROWS / best / 1e6).toFixed(1)} M rows/s, ${((best / ROWS) * 1e9).toFixed(0)} ns a row`,
  );
}

function seconds(work: () => unknown): number {
  const begin = performance.now();
  work();
  return (performance.now() - begin) / 1000;
}

/** In random order, half of them with a far end inside the VPC. */
function rows(): Rows {
  const columns = new Columns(ROWS);
  for (let row = 0; row < ROWS; row++) {
    columns.eni[row] = below(ENIS);
    columns.direction[row] = below(2);
    columns.family[row] = 4;
    columns.protocol[row] = 6;
    columns.srcport[row] = below(65_536);
    columns.dstport[row] = below(65_536);
    const inside = [10, below(256), below(256), below(256)];
    const far = [below(2) === 0 ? 10 : 1 + below(200), below(256), below(256), below(256)];
    columns.srcaddr.set(columns.direction[row] === 0 ? far : inside, row * 16);
    columns.dstaddr.set(columns.direction[row] === 0 ? inside : far, row * 16);
  }
  return columns;
}

await main();
