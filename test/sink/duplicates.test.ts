// Which batches are written already: what does not exceed the last one of its life in its partition.
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Duplicates } from '../../src/sink/duplicates.ts';

let duplicates: Duplicates;
beforeEach(() => {
  duplicates = new Duplicates();
  duplicates.assign(0, []);
  duplicates.assign(1, []);
});

const of = (sequence: number, agent = 'a', boot = 1) => ({ agent, boot, sequence });

describe('a batch', () => {
  test('is new once, and what is before it is known then', () => {
    expect(duplicates.isKnown(0, of(5))).toBe(false);
    expect(duplicates.isKnown(0, of(5))).toBe(true);
    expect(duplicates.isKnown(0, of(0))).toBe(true);
    expect(duplicates.isKnown(0, of(6))).toBe(false);
    // Those between are in other partitions.
    expect(duplicates.isKnown(0, of(60))).toBe(false);
    expect(duplicates.isKnown(0, of(7))).toBe(true);
  });

  test('of sequence 0 is new', () => {
    expect(duplicates.isKnown(0, of(0))).toBe(false);
    expect(duplicates.isKnown(0, of(0))).toBe(true);
  });

  test('of another partition, life or agent is another batch', () => {
    expect(duplicates.isKnown(0, of(5))).toBe(false);
    expect(duplicates.isKnown(1, of(5))).toBe(false);
    expect(duplicates.isKnown(0, of(5, 'a', 2))).toBe(false);
    expect(duplicates.isKnown(0, of(5, 'b'))).toBe(false);
    expect(duplicates.isKnown(0, of(5, 'a/1', 1))).toBe(false);
    expect(duplicates.isKnown(0, of(5, 'a', 1))).toBe(true);
  });

  test('is known by what was committed before', () => {
    duplicates.assign(0, [
      { partition: 0, ...of(9) },
      { partition: 0, ...of(3, 'b') },
    ]);
    expect(duplicates.isKnown(0, of(9))).toBe(true);
    expect(duplicates.isKnown(0, of(10))).toBe(false);
    expect(duplicates.isKnown(0, of(3, 'b'))).toBe(true);
    expect(duplicates.isKnown(0, of(4, 'b'))).toBe(false);
  });
});

describe('a checkpoint', () => {
  test('adds the last batch of each life and partition', () => {
    for (const sequence of [1, 2, 3]) duplicates.isKnown(0, of(sequence));
    duplicates.isKnown(1, of(4));
    duplicates.isKnown(0, of(8, 'b', 7));
    expect(duplicates.fresh()).toEqual([
      { partition: 0, ...of(3) },
      { partition: 1, ...of(4) },
      { partition: 0, ...of(8, 'b', 7) },
    ]);
    duplicates.commit();
    expect(duplicates.fresh()).toEqual([]);
    expect(duplicates.isKnown(0, of(3))).toBe(true);
    duplicates.isKnown(0, of(4));
    expect(duplicates.fresh()).toEqual([{ partition: 0, ...of(4) }]);
  });

  test('adds nothing for what was known', () => {
    duplicates.assign(0, [{ partition: 0, ...of(9) }]);
    duplicates.isKnown(0, of(9));
    expect(duplicates.fresh()).toEqual([]);
  });

  test('that is abandoned leaves what was before', () => {
    duplicates.isKnown(0, of(3));
    duplicates.commit();
    duplicates.isKnown(0, of(5));
    duplicates.abandon();
    expect(duplicates.fresh()).toEqual([]);
    expect(duplicates.isKnown(0, of(3))).toBe(true);
    expect(duplicates.isKnown(0, of(5))).toBe(false);
  });
});

describe('a partition', () => {
  test('that goes is forgotten, and the others are not', () => {
    duplicates.isKnown(0, of(3));
    duplicates.isKnown(1, of(3));
    duplicates.commit();
    duplicates.forget(0);
    duplicates.assign(0, []);
    expect(duplicates.isKnown(0, of(3))).toBe(false);
    expect(duplicates.isKnown(1, of(3))).toBe(true);
  });

  test('that goes is not known again by what is committed later', () => {
    duplicates.isKnown(0, of(3));
    duplicates.forget(0);
    duplicates.commit();
    duplicates.assign(0, []);
    expect(duplicates.isKnown(0, of(3))).toBe(false);
  });
});

test('whoever begins again at or before what did not arrive gets each batch written once, in order', () => {
  const partition = fc.nat(1);
  fc.assert(
    fc.property(
      fc.array(partition, { minLength: 1, maxLength: 30 }),
      fc.array(fc.tuple(fc.nat(29), fc.nat(29), fc.boolean()), { maxLength: 20 }),
      (partitions, turns) => {
        const seen = new Duplicates();
        const written: number[] = [];
        let pending: number[] = [];
        for (const at of [0, 1]) seen.assign(at, []);
        let arrived = 0;
        for (const [back, forth, isCommitted] of [...turns, [0, 29, true] as const]) {
          // What is committed is behind: who sends may not know it, and what reads begins with the rest.
          const from = Math.max(0, arrived - back);
          const to = Math.min(partitions.length, arrived + forth + 1);
          for (let sequence = from; sequence < to; sequence++) {
            if (!seen.isKnown(partitions[sequence], of(sequence))) pending.push(sequence);
          }
          if (isCommitted) {
            seen.commit();
            written.push(...pending);
            arrived = to;
          } else seen.abandon();
          pending = [];
        }
        expect(written).toEqual([...written].sort((a, b) => a - b));
        expect(written).toEqual(partitions.slice(0, arrived).map((_, sequence) => sequence));
      },
    ),
  );
});
