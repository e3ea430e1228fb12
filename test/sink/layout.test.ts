// Names in a tree: every project, logstore and window has its place, and no two have the same.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fileName, folderName, folderOf, hourFolder } from '../../src/sink/layout.ts';

describe('an hour', () => {
  test.each([
    [0, 'dt=1970-01-01/hour=00'],
    [1_699_999_199, 'dt=2023-11-14/hour=21'],
    [1_699_999_200, 'dt=2023-11-14/hour=22'],
    [1_700_006_399, 'dt=2023-11-14/hour=23'],
    [1_700_006_400, 'dt=2023-11-15/hour=00'],
    [-1, 'dt=1969-12-31/hour=23'],
    [253_402_300_799, 'dt=9999-12-31/hour=23'],
    [-62_167_219_200, 'dt=0000-01-01/hour=00'],
  ])('of %i is %s', (second, folder) => {
    expect(hourFolder(second)).toBe(folder);
  });

  test.each([253_402_300_800, -62_167_219_201, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])(
    'that no calendar has, as of %i, has a folder too',
    (second) => {
      expect(hourFolder(second)).toBe('dt=none/hour=none');
    },
  );
});

describe('a name', () => {
  test.each([
    ['flow-logs', 'flow-logs'],
    ['A.b_9', 'A.b_9'],
    ['a b', 'a%20b'],
    ['a/../b', 'a%2F..%2Fb'],
    ['.', '%2E'],
    ['..', '%2E.'],
    ['.hidden', '%2Ehidden'],
    ['_windrow', '%5Fwindrow'],
    ['-rf', '%2Drf'],
    ['dt=2023-11-14', 'dt%3D2023-11-14'],
    ['100%', '100%25'],
    ['a\0\n', 'a%00%0A'],
    ['日', '%E6%97%A5'],
  ])('of %j is %s', (text, name) => {
    expect(folderName(text)).toBe(name);
  });

  test('that gets too long is cut, and still another one for another text', () => {
    const [long, longer] = ['x'.repeat(300) + 'a', 'x'.repeat(300) + 'b'].map(folderName);
    expect(folderName('x'.repeat(200))).toBe('x'.repeat(200));
    expect(long).toMatch(/^x{160}~[0-9a-f]{24}$/);
    expect(longer).toMatch(/^x{160}~[0-9a-f]{24}$/);
    expect(long).not.toBe(longer);
    expect(folderName('日'.repeat(128))).toMatch(/^(%[0-9A-F]{2})+%?[0-9A-F]?~[0-9a-f]{24}$/);
  });

  test('is one step of a path that every file system takes, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }), (text) => {
        expect(folderName(text)).toMatch(/^[A-Za-z0-9%][A-Za-z0-9._%~-]{0,199}$/);
      }),
    );
  });

  test('is the same for no two texts', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '%', '.', '_', '-', '2', 'E', '~', '/', 'é'), minLength: 1 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(folderName(a) === folderName(b)).toBe(a === b);
      }),
    );
  });

  test('that is none is refused', () => {
    expect(() => folderName('')).toThrow(RangeError);
  });
});

describe('a file', () => {
  test('lies by project, logstore, day and hour', () => {
    expect(folderOf('my project', 'flow/logs', 1_700_000_000)).toBe('my%20project/flow%2Flogs/dt=2023-11-14/hour=22');
  });

  test.each([
    [undefined, 'windrow.entries.v1-7-00000000000000000042.ndjson'],
    ['gzip', 'windrow.entries.v1-7-00000000000000000042.ndjson.gz'],
    ['zstd', 'windrow.entries.v1-7-00000000000000000042.ndjson.zst'],
  ] as const)('compressed as %s is named by its first offset', (compression, name) => {
    expect(fileName('windrow.entries.v1', 7, 42, compression)).toBe(name);
  });

  test('has a name that sorts as offsets do, up to the greatest', () => {
    const offsets = [0, 9, 10, 99_999, 2 ** 40, Number.MAX_SAFE_INTEGER];
    const names = offsets.map((offset) => fileName('t', 0, offset, undefined));
    expect([...names].sort()).toEqual(names);
    expect(names.every((name) => name.length === names[0].length)).toBe(true);
  });

  test('has a name of at most 255 bytes', () => {
    const name = fileName('é'.repeat(249), 99_999, Number.MAX_SAFE_INTEGER, 'zstd');
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
  });
});
