// What captures are, by their bytes alone.
import { describe, expect, test } from 'vitest';
import { WindrowError } from '../../src/base/errors.ts';
import { digestOf } from '../../src/capture/digest.ts';
import { Workplace } from '../app/program.ts';

const workplace = new Workplace();
const MIB = 1 << 20;

describe('the digest of captures', () => {
  const large = Buffer.alloc(3 * MIB + 7, 'capture');

  test('is of their bytes, whatever their names', async () => {
    const [a, b] = [workplace.file(large), workplace.file(large)];
    const digest = await digestOf([a], 'options');
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(await digestOf([b], 'options')).toBe(digest);
    expect(await digestOf([a], 'options')).toBe(digest);
  });

  test.each([0, MIB - 1, MIB, 3 * MIB + 6])('is another one where byte %i is', async (at) => {
    const other = Buffer.from(large);
    other[at] ^= 1;
    expect(await digestOf([workplace.file(other)], '')).not.toBe(await digestOf([workplace.file(large)], ''));
  });

  test('is another one of other options, lengths, orders and parts', async () => {
    const file = (text: string): string => workplace.file(text);
    const digests = await Promise.all([
      digestOf([file('ab')], ''),
      digestOf([file('ab')], 'x'),
      digestOf([file('a')], ''),
      digestOf([file('a')], 'b'),
      digestOf([file('a'), file('b')], ''),
      digestOf([file('b'), file('a')], ''),
      digestOf([file('ab'), file('')], ''),
      digestOf([file(''), file('ab')], ''),
      digestOf([file('ab'), file('ab')], ''),
      digestOf([], ''),
      digestOf([file('')], ''),
    ]);
    expect(new Set(digests).size).toBe(digests.length);
  });

  test.each([
    ['that is not there', () => workplace.at('nowhere'), 'there is no such file'],
    ['that is a directory', () => workplace.directory, 'it is a directory'],
  ])('of a file %s is refused', async (_, path, reason) => {
    const error: unknown = await digestOf([workplace.file('a'), path()], '').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(WindrowError);
    expect(error).toMatchObject({ code: 'INPUT_REFUSED', message: `${path()}: cannot be read: ${reason}` });
  });
});
