// Fees to the cent: the documented examples, the edges of tiers, and that no double is anywhere in between.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_PRICES, GB_BYTES, billionths, feeOf, gbOf, isDecimal, scaled } from '../../src/flowlog/fee.ts';
import type { Prices } from '../../src/flowlog/fee.ts';

const TB_BYTES = 1024n * GB_BYTES;
const totalOf = (bytes: bigint, prices: Prices = DEFAULT_PRICES): string => feeOf(bytes, prices).total;

describe('the documented examples', () => {
  test('3 GB are free', () => {
    const { total, tiers } = feeOf(3n * GB_BYTES, DEFAULT_PRICES);
    expect(total).toBe('0.00');
    expect(tiers.map(({ gb, fee }) => [gb, fee])).toEqual(Array(4).fill(['0', '0.00']));
  });

  test('100 GB cost 35.15', () => {
    const { total, tiers } = feeOf(100n * GB_BYTES, DEFAULT_PRICES);
    expect(total).toBe('35.15');
    expect(tiers[0]).toEqual({ upToGb: '10240', price: '0.37', gb: '95', fee: '35.15' });
    expect(tiers.slice(1).map(({ gb, fee }) => [gb, fee])).toEqual(Array(3).fill(['0', '0.00']));
  });

  test('60 TB cost 9,470.15, tier by tier', () => {
    const { total, tiers } = feeOf(60n * TB_BYTES, DEFAULT_PRICES);
    expect(total).toBe('9470.15');
    expect(tiers.map(({ gb, fee }) => [gb, fee])).toEqual([
      ['10235', '3786.95'],
      ['20480', '3788.80'],
      ['20480', '1515.52'],
      ['10240', '378.88'],
    ]);
  });
});

describe('a fee', () => {
  test('begins behind the free quota, and not with it', () => {
    expect(totalOf(0n)).toBe('0.00');
    expect(totalOf(5n * GB_BYTES)).toBe('0.00');
    expect(totalOf(6n * GB_BYTES)).toBe('0.37');
    // Half a cent is a cent: 1/74 GB, rounded up to whole bytes.
    expect(totalOf(5n * GB_BYTES + GB_BYTES / 74n)).toBe('0.00');
    expect(totalOf(5n * GB_BYTES + GB_BYTES / 74n + 1n)).toBe('0.01');
  });

  test('of the end of a tier is by that tier, and of more by the next', () => {
    const end = 10n * TB_BYTES;
    expect(feeOf(end, DEFAULT_PRICES).tiers.map(({ gb }) => gb)).toEqual(['10235', '0', '0', '0']);
    const more = feeOf(end + GB_BYTES, DEFAULT_PRICES);
    expect(more.tiers.map(({ gb, fee }) => [gb, fee]).slice(0, 2)).toEqual([
      ['10235', '3786.95'],
      ['1', '0.19'],
    ]);
    // 3786.95 + 0.185: rounded once, and half a cent up.
    expect(more.total).toBe('3787.14');
  });

  test('takes a free quota that is larger than a tier out of the next ones as well', () => {
    const prices: Prices = {
      currency: 'EUR',
      freeGb: '1.5',
      tiers: [
        { upToGb: '1', price: '10' },
        { upToGb: undefined, price: '0.1' },
      ],
    };
    expect(totalOf(GB_BYTES, prices)).toBe('0.00');
    expect(feeOf(2n * GB_BYTES, prices).tiers.map(({ gb, fee }) => [gb, fee])).toEqual([
      ['0', '0.00'],
      ['0.5', '0.05'],
    ]);
  });

  test('is exact where doubles are not', () => {
    const prices: Prices = { currency: 'USD', freeGb: '0', tiers: [{ upToGb: undefined, price: '0.000000001' }] };
    expect(totalOf(10n ** 30n * GB_BYTES, prices)).toBe(`${10n ** 21n}.00`);
    // 1.005 is less than that as a double, and would become 1.00.
    expect(totalOf(GB_BYTES, { ...prices, tiers: [{ upToGb: undefined, price: '1.005' }] })).toBe('1.01');
  });

  test('never falls with the volume, and is the sum of its tiers but for rounding', () => {
    const volume = fc.bigInt({ min: 0n, max: 100n * TB_BYTES });
    const cents = (decimal: string): bigint => BigInt(decimal.replace('.', ''));
    fc.assert(
      fc.property(volume, volume, (a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        expect(cents(totalOf(less)) <= cents(totalOf(more))).toBe(true);
        const { total, tiers } = feeOf(a, DEFAULT_PRICES);
        const difference = cents(total) - tiers.reduce((sum, { fee }) => sum + cents(fee), 0n);
        expect(difference >= -2n && difference <= 2n).toBe(true);
      }),
    );
  });
});

test('a decimal has digits and a point, and nothing else', () => {
  expect(['0', '0.37', '10240', '000.5', '999999999999.999999999'].filter((text) => !isDecimal(text))).toEqual([]);
  const others = ['', '.5', '1.', '-1', '+1', '1e3', '0x1', 'NaN', ' 1', '1,5', '0.0000000001', '1234567890123'];
  expect(others.filter(isDecimal)).toEqual([]);
  expect(billionths('10.5')).toBe(10_500_000_000n);
});

test('volumes are scaled and shown without loss', () => {
  expect(gbOf(GB_BYTES + GB_BYTES / 2n)).toBe('1.5');
  expect(gbOf(0n)).toBe('0');
  expect(gbOf(10n * GB_BYTES)).toBe('10');
  expect(scaled(7n, 2n, 1n)).toBe(4n);
  expect(scaled(10n ** 20n, 3n, 3n)).toBe(10n ** 20n);
});
