// What a month costs, from what was measured: as an object, and as tables for people.
import { createColors } from 'picocolors';
import type { Sizes, SizesBy } from '../flowlog/entry_sizes.ts';
import { GB_BYTES, feeOf, gbOf, scaled } from '../flowlog/fee.ts';
import type { Fee, Prices } from '../flowlog/fee.ts';
import { MOST_SINGLE_WINDOWS } from '../flowlog/silence.ts';
import type { Measured } from './estimate.ts';
import type { EstimateOptions } from './estimate_options.ts';
import { plainTable } from './plain_table.ts';
import type { Colors } from './plain_table.ts';
import { bytes, exact, quantity, time } from './units.ts';

const MONTH_DAYS = 30;
const DAY_SECONDS = 86_400;

export interface Estimate {
  readonly capture: {
    readonly paths: readonly string[];
    /** Seconds since the epoch. */
    readonly first: number;
    readonly last: number;
    /** Between them, but at least 1: entries have whole seconds. */
    readonly seconds: number;
    readonly packets: number;
    readonly incomplete: readonly string[];
  };
  readonly monthDays: number;
  readonly prices: Prices;
  readonly intervals: readonly IntervalEstimate[];
}

export interface IntervalEstimate {
  readonly minutes: number;
  /** In the capture. */
  readonly measured: Sizes;
  /** Extrapolated: as if the whole month were like the capture. */
  readonly month: { readonly entries: number; readonly bytes: number; readonly gb: string };
  readonly fee: Fee;
  readonly warnings: readonly string[];
}

/** `measured` has one of each interval. */
export function estimateOf({ paths, prices }: EstimateOptions, measured: readonly Measured[]): Estimate {
  const [{ clock, accounting }] = measured;
  const first = clock.first!;
  const seconds = Math.max(1, clock.mark - first);
  return {
    capture: {
      paths,
      first,
      last: clock.mark,
      seconds,
      packets: accounting.packets.seen,
      incomplete: accounting.incomplete.map(({ input }) => input),
    },
    monthDays: MONTH_DAYS,
    prices,
    intervals: measured.map((one) => intervalOf(one, seconds, prices)),
  };
}

function intervalOf({ windowSeconds, sizes, accounting }: Measured, seconds: number, prices: Prices): IntervalEstimate {
  const inMonth = (value: number): bigint => scaled(BigInt(value), BigInt(seconds), BigInt(MONTH_DAYS * DAY_SECONDS));
  const volume = inMonth(sizes.bytes);
  const minutes = windowSeconds / 60;
  return {
    minutes,
    measured: sizes,
    month: { entries: Number(inMonth(sizes.entries)), bytes: Number(volume), gb: gbOf(volume) },
    fee: feeOf(volume, prices),
    warnings: [
      seconds < windowSeconds
        ? `the capture has ${exact(seconds)} s, less than one window of ${minutes} min: whole windows have fewer entries for their time, and the month is overestimated`
        : '',
      seconds > MOST_SINGLE_WINDOWS * windowSeconds && accounting.entries.nodata > 0
        ? `a silence of more than ${MOST_SINGLE_WINDOWS} windows is one entry here`
        : '',
      accounting.closedEarly > 0
        ? `${quantity(accounting.closedEarly, 'entry was', 'entries were')} closed early, as the flow table reached its budget: give a greater --max-flows`
        : '',
    ].filter(Boolean),
  };
}

/** For people. */
export function renderEstimate(estimate: Estimate, hasColors: boolean): string {
  const pc = createColors(hasColors);
  const { capture, monthDays, prices, intervals } = estimate;
  const { seconds, packets, first, last } = capture;
  const warnings = intervals.flatMap((one) => one.warnings.map((text) => `interval of ${one.minutes} min: ${text}`));
  const parts = [
    `${pc.bold('Measured')}: ${quantity(packets, 'packet', 'packets')} in ${exact(seconds)} s, ${time(first)} to ${time(last)} (UTC)\n${renderMeasured(pc, intervals)}`,
    `${pc.bold('Bytes')} as lines of JSON, not compressed\n${renderBytes(pc, intervals)}`,
    `${pc.bold('Extrapolated')} to a month of ${monthDays} days, as if all of it were like the capture\n${renderMonth(pc, intervals, prices)}`,
    `${pc.bold('Generation fee')} of a region's month, by tier; the first ${prices.freeGb} GB are free\n${renderTiers(pc, intervals, prices)}`,
    [
      ...warnings.map((text) => pc.yellow(`warning: ${text}`)),
      pc.dim('What a log service charges for writing and keeping entries is not in it.'),
    ].join('\n'),
  ];
  return parts.join('\n\n') + '\n';
}

const intervalName = ({ minutes }: IntervalEstimate): string => `${minutes} min`;

function renderMeasured(pc: Colors, intervals: readonly IntervalEstimate[]): string {
  const table = plainTable(pc, ['interval', 'entries', 'OK', 'NODATA', 'SKIPDATA', 'bytes'], 1);
  for (const one of intervals) {
    const { entries, byStatus, bytes: size } = one.measured;
    const counts = ['OK', 'NODATA', 'SKIPDATA'].map((status) => exact(byStatus[status]?.entries ?? 0));
    table.push([intervalName(one), exact(entries), ...counts, bytes(size)]);
  }
  return table.toString();
}

const KINDS = { byType: 'type', byAction: 'action', byTrafficPath: 'traffic_path' } as const;

/** A row for each value that there is, a pair of columns for each interval. */
function renderBytes(pc: Colors, intervals: readonly IntervalEstimate[]): string {
  const heads = intervals.flatMap((one) => [`${intervalName(one)}: entries`, 'bytes']);
  const table = plainTable(pc, ['', '', ...heads], 2);
  for (const [key, name] of Object.entries(KINDS) as [keyof typeof KINDS, string][]) {
    const of = intervals.map((one): SizesBy => one.measured[key]);
    for (const value of new Set(of.flatMap((sizes) => Object.keys(sizes)))) {
      const cells = of.flatMap((sizes) => [exact(sizes[value]?.entries ?? 0), bytes(sizes[value]?.bytes ?? 0)]);
      table.push([name, value, ...cells]);
    }
  }
  return table.toString();
}

function renderMonth(pc: Colors, intervals: readonly IntervalEstimate[], { currency }: Prices): string {
  const table = plainTable(pc, ['interval', 'entries', 'GB', `fee, ${currency}`], 1);
  for (const one of intervals) {
    const { entries, bytes: size } = one.month;
    const gb = (size / Number(GB_BYTES)).toLocaleString('en-US', {
      minimumFractionDigits: 3,
      maximumFractionDigits: 3,
    });
    table.push([intervalName(one), exact(entries), gb, pc.bold(money(one.fee.total))]);
  }
  return table.toString();
}

function renderTiers(pc: Colors, intervals: readonly IntervalEstimate[], { tiers, currency }: Prices): string {
  const heads = intervals.map((one) => `${intervalName(one)}, ${currency}`);
  const table = plainTable(pc, ['tier', 'price of a GB', ...heads], 1);
  tiers.forEach(({ upToGb, price }, i) => {
    const from = i === 0 ? '0' : tiers[i - 1].upToGb!;
    const name = upToGb === undefined ? `more than ${money(from)} GB` : `${money(from)} to ${money(upToGb)} GB`;
    table.push([name, price, ...intervals.map(({ fee }) => money(fee.tiers[i].fee))]);
  });
  return table.toString();
}

/** 9470.15 as 9,470.15; a decimal stays what it is, to the last place. */
function money(decimal: string): string {
  const [whole, fraction] = decimal.split('.');
  const grouped = BigInt(whole).toLocaleString('en-US');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
