// The options of `windrow replay`: one table, and what a command line makes of it.
import { WindrowError } from '../base/errors.ts';
import type { OptionSpec } from '../base/options.ts';
import { STDIN, STDOUT } from '../base/standard.ts';
import { readLocality } from '../cloud/locality.ts';
import type { Locality } from '../cloud/locality.ts';
import { COMPRESSIONS } from '../sink/compressions.ts';
import type { Compression } from '../sink/compressions.ts';

/** What tells packets from packets; `replay` and `verify` share it. */
export const COUNTING_OPTIONS: readonly OptionSpec[] = [
  { flags: '--interval <minutes>', doc: 'length of a capture window', choices: ['1', '5', '10'], default: '10' },
  { flags: '--window <seconds>', doc: 'any other length; overrides --interval', range: [1, 2 ** 31] },
  {
    flags: '--lateness <seconds>',
    doc: 'how far packet time must pass the end of a window before it closes; at most 64 windows',
    range: [0, 86_400],
    default: 2,
  },
  { flags: '--decapsulate', doc: 'the packet inside a tunnel is the flow, not the tunnel', default: false },
  { flags: '--local <cidr,...>', doc: 'what is inside, to tell in from out', isList: true, default: [] },
  {
    flags: '--eni <id[=end],...>',
    doc: 'names an ENI: all traffic, or that of an ADDRESS, a MAC or an INTERFACE (name or number)',
    isList: true,
    default: [],
  },
  {
    flags: '--max-flows <n>',
    doc: 'budget of the flow table; beyond it the coldest flows are closed early, as entries',
    range: [16, 100_000_000],
    default: 1_000_000,
  },
];

export const REPLAY_OPTIONS: readonly OptionSpec[] = [
  ...COUNTING_OPTIONS,
  {
    flags: '--format <format>',
    doc: 'json: an entry a line; table: for people (default: table on a terminal, else json)',
    choices: ['json', 'table'],
  },
  { flags: '--output <path>', doc: 'where entries go; - is standard output', default: STDOUT },
  { flags: '--compress <method>', doc: 'compress what is written, block by block', choices: COMPRESSIONS },
  { flags: '--accounting <file>', doc: 'write what was seen, logged and excluded, as JSON' },
  {
    flags: '--workers <n>',
    doc: 'threads that read and count; the output is the same for any number (default: the cores, fewer for small files)',
    range: [1, 256],
  },
  { flags: '--quiet', doc: 'say nothing on standard error but errors', default: false },
];

export const VERIFY_OPTIONS: readonly OptionSpec[] = [
  ...COUNTING_OPTIONS,
  { flags: '--quiet', doc: 'say nothing but differences', default: false },
];

/** More windows than this are never open for late packets: each costs every flow that it touches. */
const MOST_OPEN_WINDOWS = 64;

/** Options as commander gives them. */
export interface CountingFlags {
  readonly interval: string;
  readonly window?: number;
  readonly lateness: number;
  readonly decapsulate: boolean;
  readonly local: readonly string[];
  readonly eni: readonly string[];
  readonly maxFlows: number;
}

export interface ReplayFlags extends CountingFlags {
  readonly format?: 'json' | 'table';
  readonly output: string;
  readonly compress?: Compression;
  readonly accounting?: string;
  readonly workers?: number;
  readonly quiet: boolean;
}

export interface VerifyFlags extends CountingFlags {
  readonly quiet: boolean;
}

/** Whole and checked. */
export interface ReplayOptions {
  readonly paths: readonly string[];
  readonly windowSeconds: number;
  readonly latenessSeconds: number;
  readonly decapsulate: boolean;
  readonly locality: Locality;
  readonly maxFlows: number;
  readonly format: 'json' | 'table';
  readonly output: string;
  readonly compress: Compression | undefined;
  readonly accounting: string | undefined;
  /** Undefined: as many as there is work for. */
  readonly workers: number | undefined;
  readonly quiet: boolean;
}

export function windowSecondsOf(flags: CountingFlags): number {
  return flags.window ?? Number(flags.interval) * 60;
}

/** Throws USAGE. */
export function readReplayOptions(paths: readonly string[], flags: ReplayFlags, isTerminal: boolean): ReplayOptions {
  const windowSeconds = windowSecondsOf(flags);
  if (flags.lateness > MOST_OPEN_WINDOWS * windowSeconds) {
    const most = `at most ${MOST_OPEN_WINDOWS * windowSeconds} with windows of ${windowSeconds} s`;
    throw new WindrowError('USAGE', `--lateness ${flags.lateness} keeps too many windows open at once: ${most}`);
  }
  if (paths.filter((path) => path === STDIN).length > 1) {
    throw new WindrowError('USAGE', 'standard input (-) can be read once only');
  }
  return Object.freeze({
    paths,
    windowSeconds,
    latenessSeconds: flags.lateness,
    decapsulate: flags.decapsulate,
    locality: readLocality(flags.local, flags.eni),
    maxFlows: flags.maxFlows,
    format: flags.format ?? (isTerminal && flags.output === STDOUT ? 'table' : 'json'),
    output: flags.output,
    compress: flags.compress,
    accounting: flags.accounting,
    workers: flags.workers,
    quiet: flags.quiet,
  });
}
