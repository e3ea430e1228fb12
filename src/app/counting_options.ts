// How packets are counted: the options of all commands that do, and what a command line makes of them.
import { WindrowError } from '../base/errors.ts';
import type { OptionSpec } from '../base/options.ts';
import { readLocality } from '../cloud/locality.ts';
import type { Locality } from '../cloud/locality.ts';

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

/** How packets are counted. */
export interface Counting {
  readonly windowSeconds: number;
  readonly latenessSeconds: number;
  readonly decapsulate: boolean;
  readonly locality: Locality;
  readonly maxFlows: number;
}

export function windowSecondsOf(flags: CountingFlags): number {
  return flags.window ?? Number(flags.interval) * 60;
}

/** Throws USAGE. */
export function readCounting(flags: CountingFlags): Counting {
  const windowSeconds = windowSecondsOf(flags);
  if (flags.lateness > MOST_OPEN_WINDOWS * windowSeconds) {
    const most = `at most ${MOST_OPEN_WINDOWS * windowSeconds} with windows of ${windowSeconds} s`;
    throw new WindrowError('USAGE', `--lateness ${flags.lateness} keeps too many windows open at once: ${most}`);
  }
  return {
    windowSeconds,
    latenessSeconds: flags.lateness,
    decapsulate: flags.decapsulate,
    locality: readLocality(flags.local, flags.eni),
    maxFlows: flags.maxFlows,
  };
}
