// When an ENI was silent, as its windows close.
import { describe, expect, test } from 'vitest';
import { MOST_SINGLE_WINDOWS, Silence, spansOf } from '../../src/flowlog/silence.ts';

describe('a silence', () => {
  test('begins with the first window that is watched, and ends with the next that has traffic', () => {
    const silence = new Silence(() => 1);
    silence.begin(100);
    expect(silence.close(103, [0])).toEqual([{ subscriber: 0, from: 100, to: 103 }]);
    expect(silence.close(104, [0])).toEqual([]);
    expect(silence.close(107, [0])).toEqual([{ subscriber: 0, from: 105, to: 107 }]);
  });

  test('is watched from the first call on: later ones do not move it', () => {
    const silence = new Silence(() => 1);
    silence.begin(100);
    silence.begin(90);
    silence.begin(110);
    expect(silence.close(101, [0])).toEqual([{ subscriber: 0, from: 100, to: 101 }]);
  });

  test("is each ENI's own", () => {
    const silence = new Silence(() => 1);
    silence.begin(10);
    expect(silence.close(10, [1, 2])).toEqual([]);
    expect(silence.close(11, [1])).toEqual([]);
    expect(silence.close(12, [2])).toEqual([{ subscriber: 2, from: 11, to: 12 }]);
    expect(silence.end(13, [0, 1, 2])).toEqual([
      { subscriber: 0, from: 10, to: 13 },
      { subscriber: 1, from: 12, to: 13 },
    ]);
  });

  test('at the end is told by ascending number of the ENI, and includes the last window', () => {
    const silence = new Silence(() => 1);
    silence.begin(5);
    silence.close(5, [7]);
    expect(silence.end(9, [7, 3])).toEqual([
      { subscriber: 3, from: 5, to: 9 },
      { subscriber: 7, from: 6, to: 9 },
    ]);
  });

  test('at the end is not told of a window that begins there', () => {
    const silence = new Silence((subscriber) => (subscriber === 0 ? 60 : 90));
    silence.begin(0);
    expect(silence.end(120, [0, 1])).toEqual([
      { subscriber: 0, from: 0, to: 2 },
      { subscriber: 1, from: 0, to: 2 },
    ]);
    expect(silence.end(121, [0])).toEqual([{ subscriber: 0, from: 0, to: 3 }]);
    expect(silence.end(0, [0, 1])).toEqual([]);
  });

  test('is not told of windows of which a loss was told before, of that ENI', () => {
    const silence = new Silence(() => 1);
    silence.lose(0, 8, 12);
    silence.begin(10);
    silence.lose(0, 14, 16);
    expect(silence.close(20, [0, 1])).toEqual([
      { subscriber: 0, from: 12, to: 14 },
      { subscriber: 0, from: 16, to: 20 },
      { subscriber: 1, from: 10, to: 20 },
    ]);
    // What is told stays told.
    silence.lose(1, 12, 13);
    silence.lose(0, 25, 26);
    silence.lose(0, 19, 23);
    silence.lose(2, 0, 100);
    expect(silence.end(28, [0, 1, 2])).toEqual([
      { subscriber: 0, from: 23, to: 25 },
      { subscriber: 0, from: 26, to: 28 },
      { subscriber: 1, from: 21, to: 28 },
    ]);
  });

  test('is not told of time before the first window, nor of a window that closes again', () => {
    const silence = new Silence(() => 1);
    silence.begin(10);
    expect(silence.close(4, [0])).toEqual([]);
    expect(silence.close(10, [0])).toEqual([]);
    expect(silence.close(10, [0])).toEqual([]);
    expect(silence.end(10, [0])).toEqual([]);
  });

  test('is not there where nothing had a time', () => {
    const silence = new Silence(() => 1);
    expect(silence.close(0, [0])).toEqual([]);
    expect(silence.end(0, [0])).toEqual([]);
  });
});

describe('the entries of a silence', () => {
  test('are one for each window, up to the most', () => {
    expect(spansOf(3, 5)).toEqual([
      { from: 3, to: 4 },
      { from: 4, to: 5 },
    ]);
    expect(spansOf(0, MOST_SINGLE_WINDOWS)).toHaveLength(60);
    expect(spansOf(5, 5)).toEqual([]);
  });

  test('are one that covers all, beyond it', () => {
    expect(spansOf(-1, MOST_SINGLE_WINDOWS)).toEqual([{ from: -1, to: 60 }]);
    expect(spansOf(0, 4e9)).toEqual([{ from: 0, to: 4e9 }]);
  });
});
