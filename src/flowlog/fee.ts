// What generating flow logs costs: a month's volume, a free quota and prices by tier, in exact decimals, to the cent.

/** Decimals are texts, such as 0.185: a double has no 0.1. A GB has 2^30 bytes, a TB 1024 GB, as bills have them. */
export interface Tier {
  /** Where the tier ends, which is still in it; undefined: it has no end, and is the last one. */
  readonly upToGb: string | undefined;
  /** Of a GB. */
  readonly price: string;
}

export interface Prices {
  readonly currency: string;
  /** The first GB of a month, for which nothing is paid. */
  readonly freeGb: string;
  /** By where they end; the last one has no end. */
  readonly tiers: readonly Tier[];
}

/** Of flow logs that are generated in a region in a month. */
export const DEFAULT_PRICES: Prices = {
  currency: 'USD',
  freeGb: '5',
  tiers: [
    { upToGb: '10240', price: '0.37' },
    { upToGb: '30720', price: '0.185' },
    { upToGb: '51200', price: '0.074' },
    { upToGb: undefined, price: '0.037' },
  ],
};

export interface TierFee extends Tier {
  /** What is paid for in this tier. */
  readonly gb: string;
  readonly fee: string;
}

export interface Fee {
  /** All tiers, those without volume too. */
  readonly tiers: readonly TierFee[];
  /** Of all, rounded once: it may differ by a cent from the sum of what stands in the tiers. */
  readonly total: string;
}

export const GB_BYTES = 2n ** 30n;
/** Decimals have so many places at most. */
export const MOST_PLACES = 9;
const ONE = 10n ** BigInt(MOST_PLACES);
const SHOWN_PLACES = 6;
const DECIMAL = new RegExp(`^[0-9]{1,12}(\\.[0-9]{1,${MOST_PLACES}})?$`);

/** Whether a text is a decimal that fees are counted with: not negative, without an exponent. */
export function isDecimal(text: string): boolean {
  return DECIMAL.test(text);
}

/** In billionths, so that decimals can be compared. The text is a decimal. */
export function billionths(decimal: string): bigint {
  const [whole, fraction = ''] = decimal.split('.');
  return BigInt(whole) * ONE + BigInt(fraction.padEnd(MOST_PLACES, '0'));
}

/** What a month's volume costs. */
export function feeOf(bytes: bigint, { freeGb, tiers }: Prices): Fee {
  // Billionths of a byte; fees are 10^18ths, times the bytes of a GB.
  const volume = bytes * ONE;
  const free = billionths(freeGb) * GB_BYTES;
  let from = 0n;
  let total = 0n;
  const rows = tiers.map((tier): TierFee => {
    const end = tier.upToGb === undefined ? volume : billionths(tier.upToGb) * GB_BYTES;
    const paid = least(volume, end) - greatest(from, free);
    const billed = greatest(paid, 0n);
    const exact = billed * billionths(tier.price);
    from = end;
    total += exact;
    return { ...tier, gb: trimmed(places(billed, ONE * GB_BYTES, SHOWN_PLACES)), fee: cents(exact) };
  });
  return { tiers: rows, total: cents(total) };
}

/** Bytes in GB, such as 1.5; rounded to a millionth. */
export function gbOf(bytes: bigint): string {
  return trimmed(places(bytes, GB_BYTES, SHOWN_PLACES));
}

/** What is to be expected in `to` seconds where there was so much in `from`. */
export function scaled(value: bigint, from: bigint, to: bigint): bigint {
  return (2n * value * to + from) / (2n * from);
}

function cents(exact: bigint): string {
  return places(exact, ONE * ONE * GB_BYTES, 2);
}

/** A quotient with so many decimal places, half a place rounded up. */
function places(value: bigint, divisor: bigint, count: number): string {
  const unit = 10n ** BigInt(count);
  const rounded = scaled(value, divisor, unit);
  return `${rounded / unit}.${(rounded % unit).toString().padStart(count, '0')}`;
}

function trimmed(decimal: string): string {
  return decimal.replace(/\.?0+$/, '');
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function greatest(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
