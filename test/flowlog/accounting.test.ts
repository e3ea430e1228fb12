// The books of a replay: sums over interfaces, and what happens when they do not balance.
import { describe, expect, test } from 'vitest';
import type { NativeInterface, NativeState } from '../../src/base/addon_types.ts';
import { WindrowError } from '../../src/base/errors.ts';
import { EXCLUSIONS, checkBalance, keepBooks } from '../../src/flowlog/accounting.ts';
import type { Accounting, Logged } from '../../src/flowlog/accounting.ts';

/** An interface of which `logged` packets of 100 bytes are in entries and one packet a reason, of 10 bytes, is not. */
function interfaceOf(number: number, logged: number): NativeInterface {
  const perReason = (value: number): number[] => [0, ...EXCLUSIONS.map(() => value)];
  return {
    number,
    eni: number,
    linkType: 1,
    isSupported: true,
    name: `eth${number}`,
    packets: logged + EXCLUSIONS.length,
    bytes: logged * 100 + EXCLUSIONS.length * 10,
    dropped: number,
    excludedPackets: perReason(1),
    excludedBytes: perReason(10),
  };
}

function booksOf(logged: Logged): Accounting {
  const interfaces = [interfaceOf(0, 5), interfaceOf(1, 7)];
  const none = [0, ...EXCLUSIONS.map(() => 0)];
  const state: NativeState = {
    interfaces,
    gone: { packets: 0, bytes: 0, dropped: 0, excludedPackets: none, excludedBytes: none },
    rulePackets: [0, 0, 0, 0, 0, 9, 3],
    unseen: { packets: 0, bytes: 0 },
    guesses: 2,
    wrongGuesses: 1,
  };
  const entries = { ok: 3, nodata: 1, skipdata: 0, supplementary: 0 };
  return keepBooks(state, logged, entries, 0, undefined, [], (eni) => `eni-${eni}`, String);
}

const BALANCED = { packets: 12, bytes: 1200 };

describe('the books', () => {
  test('are sums over the interfaces, by reason and by rule', () => {
    const { packets, bytes, direction, interfaces } = booksOf(BALANCED);
    const twice = Object.fromEntries(EXCLUSIONS.map((reason) => [reason, 2]));
    expect(packets).toEqual({ seen: 12 + 2 * EXCLUSIONS.length, logged: 12, excluded: twice });
    expect(bytes.seen).toBe(1200 + 20 * EXCLUSIONS.length);
    expect(direction).toMatchObject({ private: 9, opener: 3, capture: 0 });
    expect(interfaces.map(({ eniId, dropped }) => [eniId, dropped])).toEqual([
      ['eni-0', 0],
      ['eni-1', 1],
    ]);
  });

  test('that balance pass', () => {
    expect(() => checkBalance(booksOf(BALANCED))).not.toThrow();
  });

  test.each([
    ['a packet is missing', { packets: 11, bytes: 1200 }, /packets seen, 11 logged/],
    ['a packet is too many', { packets: 13, bytes: 1200 }, /packets seen, 13 logged/],
    ['a byte is missing', { packets: 12, bytes: 1199 }, /bytes seen, 1199 logged/],
  ])('fail loudly when %s', (_, logged, message) => {
    const check = (): void => checkBalance(booksOf(logged));
    expect(check).toThrow(WindrowError);
    expect(check).toThrow(message);
  });
});
