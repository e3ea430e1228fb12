// Packed columns that somebody made up: refused with a reason, or taken for what protobuf says they are; never a crash.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import { COLUMN_LAYOUT, Columns, STATUS } from '../../src/flowlog/columns.ts';
import { PACKED_COLUMNS } from '../../src/flowlog/packed_columns.ts';
import { CALLS } from './natives.ts';
import { WINDOW_START, fieldsOf, unpack as unpackWith } from './packed_calls.ts';
import { packed, unpacked, varint } from './packed_model.ts';
import type { Packed, Row } from './packed_model.ts';
import { ROW, judged } from './packed_rows.ts';

type Name = keyof Packed;
const NAMES = PACKED_COLUMNS.map(({ name }) => name);
const ENDS = new Set<Name>(['srcaddr', 'dstaddr']);

const SIX: Partial<Row> = { family: 6, srcaddr: Array<number>(16).fill(1), dstaddr: Array<number>(16).fill(2) };
/** Enough that numbers are read eight at a time, and one by one. */
const ROWS = Array.from({ length: 20 }, (_, i) => ({
  ...{ ...ROW, packets: 1n << BigInt(i * 3), rule: i % 5, source: i % 4 },
  ...(i % 4 ? {} : SIX),
}));
const RULES = 5;
const FINE = packed(ROWS, WINDOW_START, 'with reasons');

/** With as many names of rules. */
function unpack(columns: Packed, status: number, entries: number): Row[] | string {
  return unpackWith(columns, status, entries, WINDOW_START, RULES);
}

/** What the native side says must be what the model says: the same rows, or a reason where it has none. */
function compare(columns: Packed, status: number, entries: number): 'taken' | 'refused' {
  const expected = unpacked(columns, status, entries, WINDOW_START, RULES);
  const found = unpack(columns, status, entries);
  if (expected) expect(found).toEqual(expected);
  else expect(found).toMatch(/^[a-z_]+: expected .+, found .+/);
  return expected ? 'taken' : 'refused';
}

test('a column that ends anywhere else than behind its last value is refused by its name', () => {
  expect(unpack(FINE, STATUS.ok, ROWS.length)).toEqual(ROWS);
  for (const name of NAMES) {
    for (let size = 0; size < FINE[name].length; size++) {
      const cut = { ...FINE, [name]: FINE[name].slice(0, size) };
      expect(unpack(cut, STATUS.ok, ROWS.length), `${name}, ${size} bytes`).toMatch(new RegExp(`^${name}: expected `));
    }
    for (const more of [[0], [0x80], FINE[name]]) {
      const longer = { ...FINE, [name]: [...FINE[name], ...more] };
      expect(unpack(longer, STATUS.ok, ROWS.length), `longer ${name}`).toMatch(new RegExp(`^${name}: expected `));
    }
  }
});

test('fewer or more entries than the columns have are refused', () => {
  for (const entries of [0, 1, ROWS.length - 1, ROWS.length + 1, ROWS.length + 8, 1000]) {
    expect(unpack(FINE, STATUS.ok, entries), `${entries}`).toMatch(/^start: expected \d+ values, found /);
  }
});

test.each<[Name, bigint, string]>([
  ['srcport', 131_072n, 'srcport: expected -1 to 65535, found 65536 in entry 11'],
  ['srcport', 3n, 'srcport: expected -1 to 65535, found -2 in entry 11'],
  ['dstport', (1n << 64n) - 1n, 'dstport: expected -1 to 65535, found -9223372036854775808 in entry 11'],
  ['dstport', (1n << 64n) - 2n, 'dstport: expected -1 to 65535, found 9223372036854775807 in entry 11'],
  // Not cut to 32 bits.
  ['dstport', 1n << 33n, 'dstport: expected -1 to 65535, found 4294967296 in entry 11'],
  ['tcp_flags', 256n, 'tcp_flags: expected 0 to 255, found 256 in entry 11'],
  ['tcp_flags', 1n << 32n, 'tcp_flags: expected 0 to 255, found 4294967296 in entry 11'],
  ['traffic_path', 65_536n, 'traffic_path: expected -1 to 32767, found 32768 in entry 11'],
  ['traffic_path', 3n, 'traffic_path: expected -1 to 32767, found -2 in entry 11'],
  ['direction', 2n, 'direction: expected 0 to 1, found 2 in entry 11'],
  ['action', 127n, 'action: expected 0 to 1, found 127 in entry 11'],
  ['family', 4n, 'family: expected 0 to 1, found 4 in entry 11'],
  ['family', (1n << 64n) - 1n, 'family: expected 0 to 1, found 18446744073709551615 in entry 11'],
  ['protocol', 256n, 'protocol: expected 0 to 255, found 256 in entry 11'],
  ['protocol', 1n << 63n, 'protocol: expected 0 to 255, found 9223372036854775808 in entry 11'],
  ['protocol', 17n, 'tcp_flags: expected 0 for protocol 17, found 27 in entry 11'],
  ['rule', 5n, 'rule: expected 0 to 4, found 5 in entry 11'],
  ['rule', 1n << 32n, 'rule: expected 0 to 4, found 4294967296 in entry 11'],
  ['rule', (1n << 64n) - 1n, 'rule: expected 0 to 4, found 18446744073709551615 in entry 11'],
  ['verdict_source', 4n, 'verdict_source: expected 0 to 3, found 4 in entry 11'],
  ['verdict_source', 259n, 'verdict_source: expected 0 to 3, found 259 in entry 11'],
])('%s of %s is refused: %s', (name, value, reason) => {
  const before = packed(ROWS.slice(0, 11), WINDOW_START, 'with reasons')[name];
  const after = packed(ROWS.slice(12), WINDOW_START, 'with reasons')[name];
  expect(unpack({ ...FINE, [name]: [...before, ...varint(value), ...after] }, STATUS.ok, ROWS.length)).toBe(reason);
});

test('a number is ten bytes and 64 bits long at most, and may be longer than it has to be', () => {
  const one = packed([ROW], WINDOW_START, 'with reasons');
  const packets = (bytes: number[]): Row[] | string => unpack({ ...one, packets: bytes }, STATUS.ok, 1);
  const padding = (count: number): number[] => Array<number>(count).fill(0x80);
  for (let count = 0; count < 9; count++) {
    expect(packets([0x85, ...padding(count), 0])).toEqual([{ ...ROW, packets: 5n }]);
  }
  expect(packets([...padding(9), 1])).toEqual([{ ...ROW, packets: 1n << 63n }]);
  expect(packets([...padding(9), 2])).toBe('packets: expected values of 64 bits, found more in entry 0');
  expect(packets([...padding(10), 1])).toBe('packets: expected values of 64 bits, found more in entry 0');
  expect(packets([...padding(100), 1])).toBe('packets: expected values of 64 bits, found more in entry 0');
  expect(packets(padding(3))).toBe('packets: expected 1 values, found 0 and a part of one');
  expect(unpack({ ...one, family: [0x81, 0], srcaddr: [...SIX.srcaddr!], dstaddr: [...SIX.dstaddr!] }, 0, 1)).toEqual([
    { ...ROW, ...SIX },
  ]);
});

test('addresses are as long as their families say, together', () => {
  const sixes = ROWS.filter((row) => row.family === 6).length;
  const size = sixes * 16 + (ROWS.length - sixes) * 4;
  for (const name of ENDS) {
    for (const wrong of [0, 4, size - 12, size - 1, size + 1, size + 12, ROWS.length * 16]) {
      const columns = { ...FINE, [name]: Array<number>(wrong).fill(9) };
      expect(unpack(columns, STATUS.ok, ROWS.length)).toBe(`${name}: expected ${size} bytes, found ${wrong}`);
    }
  }
});

test('rows without traffic have their times only', () => {
  const quiet = ROWS.map((row) => ({ ...row, status: STATUS.nodata }));
  const times = packed(quiet, WINDOW_START);
  for (const status of [STATUS.nodata, STATUS.skipdata]) {
    expect(unpack(times, status, ROWS.length)).toHaveLength(ROWS.length);
    for (const name of NAMES) {
      const isTime = name === 'start' || name === 'end';
      const columns = { ...times, [name]: isTime ? [] : FINE[name] };
      expect(unpack(columns, status, ROWS.length), name).toMatch(new RegExp(`^${name}: expected `));
    }
  }
  expect(unpack(times, STATUS.ok, ROWS.length)).toBe('packets: expected 20 values, found 0');
});

test('reasons are there or are not, as the batch says', () => {
  const plain = packed(ROWS, WINDOW_START);
  const unjudged = ROWS.map((row) => ({ ...row, rule: 0, source: 0 }));
  const NO_REASONS = -1;
  expect(unpackWith(plain, STATUS.ok, ROWS.length, WINDOW_START, NO_REASONS)).toEqual(unjudged);
  for (const name of ['rule', 'verdict_source'] as const) {
    const some = { ...plain, [name]: FINE[name] };
    const nothing = `${name}: expected nothing, as the batch has no reasons, found 20 bytes`;
    expect(unpackWith(some, STATUS.ok, ROWS.length, WINDOW_START, NO_REASONS)).toBe(nothing);
    expect(unpack({ ...FINE, [name]: [] }, STATUS.ok, ROWS.length)).toBe(`${name}: expected 20 values, found 0`);
  }
  expect(unpackWith(FINE, STATUS.ok, ROWS.length, WINDOW_START, 0)).toBe('rule: expected names of rules, found none');
  expect(unpackWith(packed([], WINDOW_START), STATUS.ok, 0, WINDOW_START, 0)).toEqual([]);
  // Rows of another status have none.
  const quiet = packed([{ ...ROW, status: STATUS.nodata }], WINDOW_START);
  for (const rules of [NO_REASONS, 0, 1]) {
    expect(unpackWith(quiet, STATUS.nodata, 1, WINDOW_START, rules)).toMatchObject([{ rule: 0, source: 0 }]);
  }
});

test.each<[string, [unknown, unknown, unknown, unknown?], RegExp]>([
  ['a status that is none', [3, 20, 0], /^status: /],
  ['half a status', [0.5, 20, 0], /^status: /],
  ['fewer than no entries', [0, -1, 0], /^entries: /],
  ['more entries than there is room for', [0, 25, 0], /^entries: expected up to 24, /],
  ['more entries than 32 bits hold', [0, 2 ** 32 + 20, 0], /^entries: /],
  ['half an entry', [0, 19.5, 0], /^entries: /],
  ['a number of entries that is none', [0, NaN, 0], /^entries: /],
  ['a window that starts between seconds', [0, 20, 0.5], /^windowStart: /],
  ['a window that starts beyond exact numbers', [0, 20, 2 ** 60], /^windowStart: /],
  ['a window that never starts', [0, 20, -Infinity], /^windowStart: /],
  ['half a rule', [0, 20, 0, 0.5], /^rules: /],
  ['fewer than no rules', [0, 20, 0, -2], /^rules: /],
  ['more rules than 32 bits hold', [0, 20, 0, 2 ** 32], /^rules: /],
])('%s is refused', (_, [status, entries, start, rules = RULES], reason) => {
  expect(CALLS.columns_unpack(fieldsOf(FINE), status, entries, start, rules, new Columns(24).buffer, 24)).toMatch(
    reason,
  );
});

test('other things than sixteen fields and columns are a TypeError', () => {
  const fields = fieldsOf(FINE);
  const { buffer } = new Columns(24);
  const call =
    (of: unknown, into: unknown = buffer, capacity: unknown = 24) =>
    (): unknown =>
      CALLS.columns_unpack(of, STATUS.ok, ROWS.length, WINDOW_START, RULES, into, capacity);
  expect(call(fields)()).toBeUndefined();
  for (const wrong of [
    fields.slice(1),
    [...fields, new Uint8Array()],
    [],
    fields.with(3, new Int8Array(20) as never),
    fields.with(3, undefined as never),
    { 0: fields[0], length: 16 },
  ]) {
    expect(call(wrong)).toThrow(TypeError);
  }
  expect(call(fields, buffer.subarray(8))).toThrow(TypeError);
  expect(call(fields, buffer, 20)).toThrow(TypeError);
});

test('a field that goes away while another is fetched is no bytes', () => {
  const fields = fieldsOf(FINE);
  const fetched = Object.defineProperty([...fields], 13, {
    get: () => {
      structuredClone(fields[0], { transfer: [fields[0].buffer as ArrayBuffer] });
      return fields[13];
    },
  });
  const reason = addon.columns_unpack(fetched, STATUS.ok, ROWS.length, WINDOW_START, RULES, new Columns(24).buffer, 24);
  expect(reason).toBe('packets: expected 20 values, found 0');
});

test.each([5, 8, 13])('rows behind %s entries are left alone, whether these are taken or refused', (entries) => {
  // Of one byte each: eight are read at a time.
  const rows = Array<Row>(32).fill({
    ...ROW,
    bytes: 9n,
    start: 1_700_000_002n,
    end: 1_700_000_003n,
    srcport: -1,
    dstport: 9,
  });
  const all = packed(rows, WINDOW_START, 'with reasons');
  const own = packed(rows.slice(0, entries), WINDOW_START, 'with reasons');
  for (const name of [undefined, ...NAMES]) {
    const into = new Columns(32);
    into.buffer.fill(0xa5);
    const columns = name ? { ...own, [name]: all[name] } : own;
    const reason = addon.columns_unpack(fieldsOf(columns), STATUS.ok, entries, WINDOW_START, RULES, into.buffer, 32);
    expect(reason?.split(':')[0]).toBe(name);
    let end = 0;
    for (const { width, cells } of COLUMN_LAYOUT) {
      const column = into.buffer.subarray(end, (end += width * cells * 32));
      expect(column.subarray(width * cells * entries).every((byte) => byte === 0xa5)).toBe(true);
    }
  }
});

/** Changes to one byte or more of some columns. */
const changes = fc.array(
  fc.record({
    name: fc.constantFrom(...NAMES),
    at: fc.nat(1000),
    remove: fc.nat(2),
    insert: fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0x81, 0xff)), { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 3 },
);

test('changed columns are refused, or are the rows that the model finds in them', () => {
  const outcomes = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(fc.array(judged(1), { minLength: 1, maxLength: 24 }), changes, (rows, changed) => {
      const few = rows.map((row) => ({ ...row, rule: row.rule! % RULES }));
      const columns = { ...packed(few, WINDOW_START, 'with reasons') } as Record<Name, number[]>;
      for (const { name, at, remove, insert } of changed) {
        columns[name] = columns[name].toSpliced(at % (columns[name].length + 1), remove, ...insert);
      }
      outcomes[compare(columns, STATUS.ok, rows.length)]++;
    }),
    { numRuns: 3000 },
  );
  expect(outcomes.taken).toBeGreaterThan(100);
  expect(outcomes.refused).toBeGreaterThan(100);
});

/** Columns of so many entries, or of about as many; bytes are small numbers mostly. */
function noise(entries: number): fc.Arbitrary<Packed> {
  const plain = fc.array(fc.nat(1), { minLength: entries, maxLength: entries });
  const wild = fc.array(fc.oneof(fc.nat(2), fc.nat(255)), { maxLength: entries * 2 + 1 });
  const column = fc.oneof({ weight: 12, arbitrary: plain }, { weight: 1, arbitrary: wild });
  const ends = fc.array(fc.nat(255), { minLength: entries * 4, maxLength: entries * 4 });
  const columns = NAMES.map((name) => [
    name,
    ENDS.has(name) ? fc.oneof({ weight: 12, arbitrary: ends }, wild) : column,
  ]);
  return fc.record(Object.fromEntries(columns) as Record<Name, fc.Arbitrary<number[]>>);
}

test('random bytes are refused, or are the rows that the model finds in them', () => {
  const outcomes = { taken: 0, refused: 0 };
  const columns = fc.nat(12).chain((entries) => fc.tuple(fc.constant(entries), noise(entries)));
  fc.assert(
    fc.property(columns, fc.constantFrom(...Object.values(STATUS)), ([entries, any], status) => {
      // TCP everywhere, else flags are wrong almost everywhere.
      const tcp = { ...any, family: Array<number>(entries).fill(0), protocol: Array<number>(entries).fill(6) };
      const quiet = { ...packed([], WINDOW_START), start: any.start, end: any.end };
      outcomes[compare(status === STATUS.ok ? tcp : quiet, status, entries)]++;
      compare(any, status, entries);
    }),
    { numRuns: 3000 },
  );
  expect(outcomes.taken).toBeGreaterThan(100);
  expect(outcomes.refused).toBeGreaterThan(100);
});
