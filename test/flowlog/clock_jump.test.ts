// A jump of the clock is found by another one that only counts.
import { describe, expect, test } from 'vitest';
import { JumpWatch } from '../../src/flowlog/clock_jump.ts';

describe('a watch of jumps', () => {
  const time = { now: 1000, counted: 5 };
  const advance = (by: number, counted = by): void => {
    time.now += by;
    time.counted += counted;
  };
  const watch = new JumpWatch(
    () => time.now,
    () => time.counted,
  );

  test('finds none while both clocks go on alike, however long nobody asks', () => {
    expect(watch.look()).toBeUndefined();
    advance(100_000);
    expect(watch.look()).toBeUndefined();
  });

  test('finds none where the clock is put right by less than a second, or set back', () => {
    advance(10.9, 10);
    expect(watch.look()).toBeUndefined();
    advance(-500, 10);
    expect(watch.look()).toBeUndefined();
    advance(10);
    expect(watch.look()).toBeUndefined();
  });

  test('finds a jump ahead once, from where the clock would be', () => {
    const { now } = time;
    advance(3600 + 7, 7);
    expect(watch.look()).toEqual({ from: now + 7, to: now + 3607 });
    expect(watch.look()).toBeUndefined();
  });
});
