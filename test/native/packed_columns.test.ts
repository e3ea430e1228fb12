// Rows to packed columns and back: byte for byte what protobuf says, and every row as it was.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import { STATUS } from '../../src/flowlog/columns.ts';
import { PACKED_COLUMNS } from '../../src/flowlog/packed_columns.ts';
import { MOST, WINDOW_START, addAll, fieldsOf, packer, take, takeAll, unpack } from './packed_calls.ts';
import { packed, rulesOf } from './packed_model.ts';
import type { Row } from './packed_model.ts';
import { ROW, judged, silence, traffic } from './packed_rows.ts';

const hex = (columns: object): Record<string, string> =>
  Object.fromEntries(
    Object.entries(columns).map(([name, bytes]) => [name, Buffer.from(bytes as number[]).toString('hex')]),
  );

/** What comes back of a row: its batch has one ENI, and nobody is a twin there. */
const unpackedAs = (rows: readonly Row[]): Row[] => rows.map((row) => ({ ...row, eni: 0, twin: 0 }));

test('two rows are these bytes', () => {
  const into = packer();
  const portless = {
    ...{ packets: 300n, bytes: (1n << 64n) - 1n, start: 1_699_999_999n, srcport: -1, dstport: -1, tcp_flags: -1 },
    ...{
      family: 6,
      srcaddr: [0xfd, ...Array<number>(14).fill(0), 1],
      dstaddr: [0x20, 1, ...Array<number>(14).fill(9)],
    },
    ...{ protocol: 200, direction: 0, action: 1, traffic_path: 5 },
  };
  addAll(into, [ROW, { ...ROW, ...portless }]);
  const { rows, columns } = take(into, 0);
  expect(rows).toBe(2);
  expect(hex(columns)).toEqual({
    packets: '03' + 'ac02',
    bytes: 'b401' + 'ffffffffffffffffff01',
    start: '01' + 'ffffffffffffffffff01',
    end: 'ac02' + 'ac02',
    srcaddr: '0a000001' + 'fd000000000000000000000000000001',
    dstaddr: 'c0000207' + '20010909090909090909090909090909',
    srcport: 'f606' + '01',
    dstport: 'a08d06' + '01',
    tcp_flags: '1b' + '00',
    traffic_path: '01' + '0a',
    direction: '01' + '00',
    action: '00' + '01',
    family: '00' + '01',
    protocol: '06' + 'c801',
    rule: '',
    verdict_source: '',
  });
});

test('with reasons rows have places of rules in a list of those that there are, and where verdicts come from', () => {
  const into = packer(MOST.rows, MOST.bytes, WINDOW_START, 'with reasons');
  const rules = [300, 7, 300, 1_000_000, 0, 2 ** 32 - 1];
  addAll(
    into,
    rules.map((rule, i) => ({ ...ROW, rule, source: i % 4 })),
  );
  const size = addon.packer_size(into, 0);
  const taken = take(into, 0);
  expect(taken.rules).toEqual([0, 7, 300, 1_000_000, 2 ** 32 - 1]);
  expect(hex(taken.columns)).toMatchObject({ rule: '020102030004', verdict_source: '000102030001' });
  // Numbers of 2, 1, 2, 3, 1 and 5 bytes have become places of one each.
  expect(Object.values(taken.columns).flat()).toHaveLength(size - 8);
  expect(addon.packer_size(into, 0)).toBe(0);
  // Nobody is asked in a packer without.
  const plain = packer();
  addAll(plain, [{ ...ROW, rule: 7, source: 2 }]);
  expect(take(plain, 0)).toEqual({ rows: 1, columns: packed([ROW], WINDOW_START) });
});

test('a rule has a place for each of more rules than a byte has numbers', () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => ({ ...ROW, rule: (i * 7919) % 20_000, source: i % 4 }));
  const into = packer(MOST.rows, MOST.bytes, WINDOW_START, 'with reasons');
  addAll(into, rows);
  const { columns, rules } = take(into, 0);
  expect(rules).toEqual(rulesOf(rows));
  expect(columns).toEqual(packed(rows, WINDOW_START, 'with reasons'));
  expect(unpack(columns, STATUS.ok, rows.length, WINDOW_START, 20_000)).toEqual(rows);
});

test('the columns have the names of the table, in its order', () => {
  const empty = packed([], WINDOW_START);
  PACKED_COLUMNS.forEach(({ name }) => {
    const reason = unpack({ ...empty, [name]: [1, 2, 3, 4, 5] }, STATUS.ok, 0, WINDOW_START, 1);
    expect(reason).toMatch(new RegExp(`^${name}: expected 0 (values|bytes), found 5`));
  });
  expect(Object.keys(hex(take(packer(), 0).columns))).toEqual(PACKED_COLUMNS.map(({ name }) => name));
});

test('every number of every length is packed as protobuf does it', () => {
  const numbers = Array.from({ length: 64 }, (_, bits) =>
    [0n, 1n, 2n].map((by) => (1n << BigInt(bits)) - 1n + by),
  ).flat();
  const rows = numbers.map((number) => ({ ...ROW, packets: BigInt.asUintN(64, number) }));
  const into = packer();
  addAll(into, rows);
  const { columns } = take(into, 0);
  expect(columns).toEqual(packed(rows, WINDOW_START));
  expect(unpack(columns, STATUS.ok, rows.length)).toEqual(rows);
});

test.each<[keyof Row, number[]]>([
  ['srcport', [-1, 0, 1, 63, 64, 443, 8191, 8192, 32768, 65535]],
  ['dstport', [-1, 0, 1, 63, 64, 443, 8191, 8192, 32768, 65535]],
  ['traffic_path', [-1, 0, 63, 64, 8191, 8192, 32767]],
  ['tcp_flags', Array.from({ length: 256 }, (_, i) => i)],
])('every %s is packed and comes back', (name, values) => {
  const rows = values.map((value) => ({ ...ROW, [name]: value }));
  const into = packer();
  addAll(into, rows);
  const { columns } = take(into, 0);
  expect(columns).toEqual(packed(rows, WINDOW_START));
  expect(unpack(columns, STATUS.ok, rows.length)).toEqual(rows);
});

test('flags are of TCP alone, for all 256 protocols', () => {
  const rows = Array.from({ length: 256 }, (_, protocol) => ({
    ...ROW,
    protocol,
    tcp_flags: protocol === 6 ? 18 : -1,
  }));
  const into = packer();
  addAll(into, rows);
  const { columns } = take(into, 0);
  expect(columns.tcp_flags.filter((flags) => flags !== 0)).toEqual([18]);
  expect(unpack(columns, STATUS.ok, rows.length)).toEqual(rows);
});

test.each(['without', 'with reasons'] as const)(
  'random rows of several ENIs are packed as the model packs them, %s, and unpacked as they were',
  (reasons) => {
    // One packer for all: what it keeps from one window to the next must not show.
    const into = packer(MOST.rows, MOST.bytes, WINDOW_START, reasons);
    const windowStart = fc.oneof(fc.constantFrom(0, WINDOW_START, -600), fc.maxSafeInteger());
    const rowsOf = fc.array(reasons === 'without' ? traffic(3) : judged(3), { minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(rowsOf, windowStart, fc.nat(120), (rows, start, cut) => {
        addon.packer_begin(into, start);
        addAll(into, rows.slice(0, cut));
        addAll(into, rows.slice(cut));
        const found = takeAll(into);
        expect(found.map(({ eni }) => eni)).toEqual([...new Set(rows.map(({ eni }) => eni))].sort((a, b) => a - b));
        for (const { eni, rows: entries, columns, rules } of found) {
          const own = rows.filter((row) => row.eni === eni);
          expect(entries).toBe(own.length);
          expect(columns).toEqual(packed(own, start, reasons));
          expect(rules).toEqual(reasons === 'without' ? undefined : rulesOf(own));
          const places = own.map((row) => ({ ...row, rule: rules ? rules.indexOf(row.rule!) : 0 }));
          expect(unpack(columns, STATUS.ok, entries, start, rules?.length)).toEqual(unpackedAs(places));
        }
      }),
      { numRuns: 300 },
    );
  },
);

test('rows without traffic are their times and their status, and nothing else', () => {
  fc.assert(
    fc.property(silence(1), fc.maxSafeInteger(), (rows, start) => {
      const into = packer(64, 4096, start);
      expect(addAll(into, rows)).toMatchObject({ packets: 0, bytes: 0 });
      const { rows: entries, columns } = take(into, 0);
      expect(entries).toBe(rows.length);
      expect(columns).toEqual(packed(rows, start));
      const [{ status }] = rows as [Row];
      const quiet = {
        ...{
          packets: 0n,
          bytes: 0n,
          srcaddr: [0, 0, 0, 0],
          dstaddr: [0, 0, 0, 0],
          eni: 0,
          twin: 0,
          action: 0,
          direction: 0,
        },
        ...{ srcport: -1, dstport: -1, tcp_flags: -1, traffic_path: -1, family: 4, protocol: 0, status },
        ...{ rule: 0, source: 0 },
      };
      expect(unpack(columns, status, entries, start)).toEqual(
        rows.map((row) => ({ ...quiet, start: row.start, end: row.end })),
      );
    }),
  );
});

test('a batch of many rows comes back whole', () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => ({
    ...{ ...ROW, packets: BigInt(i) ** 4n, bytes: BigInt(i) * 60n, start: BigInt(WINDOW_START + (i % 600)) },
    ...{ srcport: i, dstport: i % 3 ? 443 : -1, protocol: i % 5 ? 6 : 17, tcp_flags: i % 5 ? i % 256 : -1 },
    ...(i % 7 ? {} : { family: 6, srcaddr: Array<number>(16).fill(i % 256), dstaddr: Array<number>(16).fill(7) }),
  }));
  const into = packer();
  addAll(into, rows);
  const { columns } = take(into, 0);
  expect(columns).toEqual(packed(rows, WINDOW_START));
  expect(unpack(columns, STATUS.ok, rows.length)).toEqual(rows);
});

test('no entries are no bytes, and fine', () => {
  const { rows, columns } = take(packer(), 0);
  expect([rows, Object.values(columns).flat()]).toEqual([0, []]);
  expect(unpack(columns, STATUS.ok, 0)).toEqual([]);
  expect(unpack(columns, STATUS.nodata, 0)).toEqual([]);
});

test('fields may be Buffers and may share their memory', () => {
  const into = packer();
  addAll(into, [ROW]);
  const fields = fieldsOf(take(into, 0).columns);
  const message = Buffer.concat(fields);
  let end = 0;
  const views = fields.map((field) => message.subarray(end, (end += field.length)));
  const columns = new Uint8Array(98 * 8);
  expect(addon.columns_unpack(views, STATUS.ok, 1, WINDOW_START, -1, columns, 8)).toBeUndefined();
  expect(new DataView(columns.buffer).getBigUint64(0, true)).toBe(ROW.packets);
});
