// The options of `npm run bench`.
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { PACKAGE_FOLDER } from './package_folder.ts';

export interface BenchOptions {
  readonly json: boolean;
  readonly small: boolean;
  readonly list: boolean;
  readonly readme: boolean;
  readonly render: boolean;
  readonly profile: boolean;
  readonly runs: number;
  /** Workloads; empty: all. */
  readonly only: readonly string[];
  /** Tools or groups of them; empty: all. */
  readonly peer: readonly string[];
  readonly cacheFolder: string;
}

/** Names that `--only` and `--peer` know. */
export interface KnownNames {
  readonly workloads: readonly string[];
  readonly tools: readonly string[];
}

const DEFAULT_RUNS = 5;
const DEFAULT_CACHE = path.join(PACKAGE_FOLDER, 'bench', 'cache');

/** Where captures are kept; the environment alone decides. */
export function readCacheFolder(): string {
  return path.resolve(process.env['WINDROW_BENCH_CACHE'] || DEFAULT_CACHE);
}

export function readOptions(commandLine: readonly string[], known: KnownNames): BenchOptions {
  const command = new Command('npm run bench --')
    .description('measures Windrow and its peers on captures that it makes itself; installs nothing')
    .option('--json', 'results for machines instead of tables', false)
    .option('--small', 'captures of 5 M packets', false)
    .option('--list', 'name the workloads, and the tools that are here', false)
    .option('--readme', 'write the tables into both READMEs too, with bench/plot.svg and bench/results.json', false)
    .addOption(
      new Option('--render', 'measure nothing: the last measurement again, from bench/results.json')
        .default(false)
        .conflicts(['small', 'list', 'profile', 'runs', 'only', 'peer']),
    )
    .addOption(
      new Option('--profile', 'where the time goes, by perf: written to bench/profile.md, instead of measuring')
        .default(false)
        .conflicts(['list', 'readme', 'runs', 'peer']),
    )
    .addOption(new Option('--runs <n>', 'alternating runs of each tool').argParser(positive).default(DEFAULT_RUNS))
    .addOption(new Option('--only <workload,...>', 'these workloads only').argParser(list).default([], 'all'))
    .addOption(new Option('--peer <name,...>', 'these tools only').argParser(list).default([], 'all'))
    .addHelpText('after', ['', ...moreHelp(known)].join('\n'))
    .parse([...commandLine]);
  return { ...command.opts<Omit<BenchOptions, 'cacheFolder'>>(), cacheFolder: readCacheFolder() };
}

function moreHelp({ workloads, tools }: KnownNames): string[] {
  return [
    `Workloads: ${workloads.join(', ')}`,
    `Tools: ${tools.join(', ')}; windrow names all four of Windrow's`,
    'WINDROW_BENCH_CACHE names the folder for captures and what tools write (default: bench/cache)',
  ];
}

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('expected a whole number from 1 on');
  return number;
}

function list(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}
