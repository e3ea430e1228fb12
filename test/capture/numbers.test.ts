// Interfaces come and go for months: each has a number while it is captured, and there are only so many.
import { describe, expect, test } from 'vitest';
import { InterfaceNumbers } from '../../src/capture/numbers.ts';

describe('the numbers of interfaces', () => {
  const make = (): { numbers: InterfaceNumbers; pass: (ms: number) => void; open: Set<number> } => {
    let now = 5;
    const open = new Set<number>();
    const numbers = new InterfaceNumbers(
      1000,
      (number) => !open.has(number),
      () => now,
    );
    return { numbers, pass: (ms) => (now += ms), open };
  };

  test('are those of names that come back, however soon or late', () => {
    const { numbers, pass } = make();
    expect([numbers.take('a'), numbers.take('b'), numbers.take('a')]).toEqual([0, 1, 0]);
    numbers.leave(0);
    pass(99_999);
    expect(numbers.take('a')).toBe(0);
    expect([numbers.names, numbers.changes]).toEqual([['a', 'b'], 0]);
  });

  test('go to others once all is told of whom they belonged to', () => {
    const { numbers, pass, open } = make();
    expect([numbers.take('a'), numbers.take('b')]).toEqual([0, 1]);
    open.add(0);
    numbers.leave(0);
    numbers.leave(1);
    expect(numbers.take('c')).toBe(2);
    pass(1001);
    expect(numbers.take('d')).toBe(1);
    expect([numbers.names, numbers.changes]).toEqual([['a', 'd', 'c'], 1]);
    open.delete(0);
    expect([numbers.take('b'), numbers.names, numbers.changes]).toEqual([0, ['b', 'd', 'c'], 2]);
  });

  test('are as many as the native core has', () => {
    const { numbers, pass } = make();
    for (let n = 0; n < 8192; n++) numbers.take(`veth${n}`);
    expect(numbers.take('one-more')).toBeUndefined();
    numbers.leave(17);
    pass(1001);
    expect(numbers.take('one-more')).toBe(17);
  });
});
