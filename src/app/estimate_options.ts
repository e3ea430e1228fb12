// The options of `windrow estimate`: one table, and what a command line makes of it.
import { WindrowError } from '../base/errors.ts';
import type { OptionSpec } from '../base/options.ts';
import { STDIN } from '../base/standard.ts';
import { DEFAULT_PRICES } from '../flowlog/fee.ts';
import type { Prices } from '../flowlog/fee.ts';
import { COUNTING_OPTIONS, readCounting } from './counting_options.ts';
import type { Counting, CountingFlags } from './counting_options.ts';
import { NETWORK_OPTION, readNetworked } from './networked_options.ts';
import type { Networked, NetworkedFlags } from './networked_options.ts';
import type { Surroundings } from '../kafka/options.ts';

/** Windows that flow logs can have, in minutes. */
export const INTERVALS = [1, 5, 10] as const;

/** All lengths are tried. */
const OF_WINDOWS = ['--interval <minutes>', '--window <seconds>'];

export const ESTIMATE_OPTIONS: readonly OptionSpec[] = [
  ...COUNTING_OPTIONS.filter(({ flags }) => !OF_WINDOWS.includes(flags)),
  NETWORK_OPTION,
  {
    flags: '--prices <file>',
    doc: 'YAML of currency, free_gb and tiers (of up_to_gb and price), in place of the built-in prices',
  },
  {
    flags: '--workers <n>',
    doc: 'threads that read and count (default: the cores, fewer for small files)',
    range: [1, 256],
  },
  { flags: '--json', doc: 'for machines', default: false },
];

export interface EstimateFlags extends Omit<CountingFlags, 'interval' | 'window'>, NetworkedFlags {
  readonly prices?: string;
  readonly workers?: number;
  readonly json: boolean;
}

/** Whole and checked. */
export interface EstimateOptions {
  readonly paths: readonly string[];
  /** For each of INTERVALS. */
  readonly countings: readonly (Counting & Networked)[];
  readonly prices: Prices;
  /** Undefined: as many as there is work for. */
  readonly workers: number | undefined;
  readonly isJson: boolean;
}

/** `pricesOf` reads a file of them. Throws USAGE, and what that throws. */
export function readEstimateOptions(
  paths: readonly string[],
  flags: EstimateFlags,
  { pricesOf, readFile }: Pick<Surroundings, 'readFile'> & { readonly pricesOf: (file: string) => Prices },
): EstimateOptions {
  if (paths.includes(STDIN)) throw new WindrowError('USAGE', readAgain('standard input'));
  const counting = (minutes: number): Counting => readCounting({ ...flags, interval: `${minutes}` });
  const { network, networkText, locality } = readNetworked(flags, counting(INTERVALS[0]), { readFile });
  return Object.freeze({
    paths,
    countings: INTERVALS.map((minutes) => ({ ...counting(minutes), network, networkText, locality })),
    prices: flags.prices === undefined ? DEFAULT_PRICES : pricesOf(flags.prices),
    workers: flags.workers,
    isJson: flags.json,
  });
}

/** What is wrong with an input that is gone once it was read. */
export function readAgain(input: string): string {
  return `${input}: expected a file, found a stream: captures are read once for each of ${INTERVALS.length} intervals; write it to a file first`;
}
