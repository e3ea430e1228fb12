// The options of `npm run bench`.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';

export interface BenchOptions {
  readonly json: boolean;
  readonly small: boolean;
  readonly list: boolean;
  readonly readme: boolean;
  readonly runs: number;
  /** Workloads; empty: all. */
  readonly only: readonly string[];
  /** Tools or groups of them; empty: all. */
  readonly peer: readonly string[];
  readonly cacheFolder: string;
}

const DEFAULT_RUNS = 5;
const DEFAULT_CACHE = fileURLToPath(new URL('../cache', import.meta.url));

export function readOptions(commandLine: readonly string[]): BenchOptions {
  const command = new Command('npm run bench --')
    .description('measures Windrow and its peers on captures that it makes itself; installs nothing')
    .option('--json', 'results for machines instead of a table', false)
    .option('--small', 'captures of 5 M packets', false)
    .option('--list', 'name the workloads, and the tools that are here', false)
    .option('--readme', 'write the table into bench/README.md too', false)
    .addOption(new Option('--runs <n>', 'alternating runs of each tool').argParser(positive).default(DEFAULT_RUNS))
    .addOption(new Option('--only <workload,...>', 'these workloads only').argParser(list).default([], 'all'))
    .addOption(new Option('--peer <name,...>', 'these tools only').argParser(list).default([], 'all'))
    .parse([...commandLine]);
  const cacheFolder = path.resolve(process.env['WINDROW_BENCH_CACHE'] || DEFAULT_CACHE);
  return { ...command.opts<Omit<BenchOptions, 'cacheFolder'>>(), cacheFolder };
}

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('expected a whole number from 1 on');
  return number;
}

function list(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}
