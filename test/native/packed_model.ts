// Packed columns a second time, slow and obvious: rows, their values one by one, and protobuf's varints byte by byte.
import { COLUMN_LAYOUT, Columns, STATUS } from '../../src/flowlog/columns.ts';
import { PACKED_COLUMNS } from '../../src/flowlog/packed_columns.ts';

export interface Row {
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly start: bigint;
  readonly end: bigint;
  /** 4 or 16 bytes, by family. */
  readonly srcaddr: readonly number[];
  readonly dstaddr: readonly number[];
  readonly eni: number;
  readonly srcport: number;
  readonly dstport: number;
  readonly tcp_flags: number;
  readonly traffic_path: number;
  readonly status: number;
  readonly direction: number;
  readonly action: number;
  readonly family: number;
  readonly protocol: number;
  readonly twin: number;
  /** Number of the rule that decided; 0 where a test is not about it. */
  readonly rule?: number;
  readonly source?: number;
}

/** By what rows were judged: whether batches say that, which they do with lists of the rules that they have. */
export type Reasons = 'with reasons' | 'without';

/** The rules of rows, as a batch lists them. */
export function rulesOf(rows: readonly Row[]): number[] {
  const judged = rows.filter(({ status }) => status === STATUS.ok);
  return [...new Set(judged.map(({ rule = 0 }) => rule))].sort((a, b) => a - b);
}

type Name = (typeof PACKED_COLUMNS)[number]['name'];
export type Packed = Readonly<Record<Name, readonly number[]>>;

export function varint(value: bigint): number[] {
  return value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...varint(value >> 7n)];
}

function zigzag(value: number): bigint {
  return BigInt(value < 0 ? -2 * value - 1 : 2 * value);
}

/** The bytes of one row in each column. */
const PACK: Readonly<Record<Name, (row: Row, windowStart: bigint, rules: readonly number[]) => readonly number[]>> = {
  packets: (row) => varint(row.packets),
  bytes: (row) => varint(row.bytes),
  start: (row, windowStart) => varint(BigInt.asUintN(64, row.start - windowStart)),
  end: (row, windowStart) => varint(BigInt.asUintN(64, row.end - windowStart)),
  srcaddr: (row) => row.srcaddr,
  dstaddr: (row) => row.dstaddr,
  srcport: (row) => varint(zigzag(row.srcport)),
  dstport: (row) => varint(zigzag(row.dstport)),
  tcp_flags: (row) => varint(BigInt(row.protocol === 6 ? row.tcp_flags : 0)),
  traffic_path: (row) => varint(zigzag(row.traffic_path)),
  direction: (row) => [row.direction],
  action: (row) => [row.action],
  family: (row) => [row.family === 6 ? 1 : 0],
  protocol: (row) => varint(BigInt(row.protocol)),
  rule: ({ rule = 0 }, _, rules) => varint(BigInt(rules.indexOf(rule))),
  verdict_source: ({ source = 0 }) => [source],
};

export function packed(rows: readonly Row[], windowStart: number, reasons: Reasons = 'without'): Packed {
  const rules = rulesOf(rows);
  const columns = PACKED_COLUMNS.map(({ name }) => {
    if (reasons === 'without' && (name === 'rule' || name === 'verdict_source')) return [name, []];
    const isThere = (row: Row): boolean => row.status === STATUS.ok || name === 'start' || name === 'end';
    return [name, rows.filter(isThere).flatMap((row) => PACK[name](row, BigInt(windowStart), rules))];
  });
  return Object.fromEntries(columns) as Packed;
}

export function sizeOf(columns: Packed): number {
  return Object.values(columns).reduce((sum, column) => sum + column.length, 0);
}

/** Takes one number off the front; undefined where there is none of 64 bits. */
function takeVarint(bytes: number[]): bigint | undefined {
  let value = 0n;
  for (let place = 0n; place < 70n; place += 7n) {
    const byte = bytes.shift();
    if (byte === undefined) return undefined;
    value |= BigInt(byte & 127) << place;
    if (byte < 128) return value < 1n << 64n ? value : undefined;
  }
  return undefined;
}

function unzigzag(value: bigint): bigint {
  return value % 2n === 0n ? value / 2n : -(value + 1n) / 2n;
}

/** The rows of packed columns; undefined where something is wrong with any. `rules`: names that there are; none: no reasons. */
export function unpacked(
  columns: Packed,
  status: number,
  entries: number,
  windowStart: number,
  rules?: number,
): Row[] | undefined {
  const left = Object.fromEntries(Object.entries(columns).map(([name, bytes]) => [name, [...bytes]])) as Record<
    Name,
    number[]
  >;
  const rows: Row[] = [];
  let isWrong = false;
  const take = (name: Name, least: bigint, most: bigint, map = (value: bigint): bigint => value): bigint => {
    const value = takeVarint(left[name]);
    const mapped = value === undefined ? undefined : map(value);
    isWrong ||= mapped === undefined || mapped < least || mapped > most;
    return mapped ?? 0n;
  };
  const takeTime = (name: 'start' | 'end'): bigint =>
    BigInt.asIntN(64, take(name, 0n, (1n << 64n) - 1n) + BigInt(windowStart));
  const takeAddress = (name: 'srcaddr' | 'dstaddr', size: number): number[] => {
    isWrong ||= left[name].length < size;
    return left[name].splice(0, size);
  };
  for (let entry = 0; entry < entries && !isWrong; entry++) {
    const times = { start: takeTime('start'), end: takeTime('end') };
    if (status !== STATUS.ok) {
      rows.push({ ...SILENT, ...times, status });
      continue;
    }
    const family = take('family', 0n, 1n) === 1n ? 6 : 4;
    const protocol = Number(take('protocol', 0n, 255n));
    const flags = Number(take('tcp_flags', 0n, protocol === 6 ? 255n : 0n));
    rows.push({
      ...times,
      packets: take('packets', 0n, (1n << 64n) - 1n),
      bytes: take('bytes', 0n, (1n << 64n) - 1n),
      srcaddr: takeAddress('srcaddr', family === 6 ? 16 : 4),
      dstaddr: takeAddress('dstaddr', family === 6 ? 16 : 4),
      eni: 0,
      srcport: Number(take('srcport', -1n, 65535n, unzigzag)),
      dstport: Number(take('dstport', -1n, 65535n, unzigzag)),
      tcp_flags: protocol === 6 ? flags : -1,
      traffic_path: Number(take('traffic_path', -1n, 32767n, unzigzag)),
      status,
      direction: Number(take('direction', 0n, 1n)),
      action: Number(take('action', 0n, 1n)),
      family,
      protocol,
      twin: 0,
      rule: rules === undefined ? 0 : Number(take('rule', 0n, BigInt(rules) - 1n)),
      source: rules === undefined ? 0 : Number(take('verdict_source', 0n, 3n)),
    });
  }
  return isWrong || Object.values(left).some((bytes) => bytes.length > 0) ? undefined : rows;
}

/** What a row without traffic has beside its times. */
const SILENT = {
  ...{ packets: 0n, bytes: 0n, srcaddr: [0, 0, 0, 0], dstaddr: [0, 0, 0, 0], eni: 0, srcport: -1, dstport: -1 },
  ...{ tcp_flags: -1, traffic_path: -1, direction: 0, action: 0, family: 4, protocol: 0, twin: 0, rule: 0, source: 0 },
} as const;

/** Where a cell of a column of rows stands. */
function cellOf(columns: Columns, name: keyof Row, row: number): DataView {
  let offset = 0;
  for (const column of COLUMN_LAYOUT) {
    const size = column.width * column.cells;
    if (column.name === name) return new DataView(columns.buffer.buffer, offset + row * size, size);
    offset += size * columns.capacity;
  }
  throw new Error(`there is no column ${name}`);
}

export function putRow(columns: Columns, at: number, row: Row): void {
  for (const { name, width, cells } of COLUMN_LAYOUT) {
    const cell = cellOf(columns, name, at);
    const value = row[name] ?? 0;
    if (typeof value === 'bigint') cell.setBigUint64(0, BigInt.asUintN(64, value), true);
    else if (typeof value !== 'number') value.forEach((byte, i) => cell.setUint8(i, byte));
    else if (width === 4) cell.setInt32(0, value, true);
    else if (width === 2) cell.setInt16(0, value, true);
    else cell.setUint8(0, value);
    if (cells > 1 && !Array.isArray(value)) throw new Error(`${name} is an address`);
  }
}

export function columnsOf(rows: readonly Row[]): Columns {
  const columns = new Columns(Math.max(8, Math.ceil(rows.length / 8) * 8));
  rows.forEach((row, at) => putRow(columns, at, row));
  return columns;
}

export function rowsOf(columns: Columns, count: number): Row[] {
  return Array.from({ length: count }, (_, at) => {
    const isV6 = columns.family[at] === 6;
    const values = COLUMN_LAYOUT.map(({ name, width, cells }) => {
      const cell = cellOf(columns, name, at);
      const bytes = Array.from({ length: isV6 ? 16 : 4 }, (_, i) => (cells > 1 ? cell.getUint8(i) : 0));
      if (cells > 1) return [name, bytes];
      if (width === 8)
        return [name, name === 'start' || name === 'end' ? cell.getBigInt64(0, true) : cell.getBigUint64(0, true)];
      if (width === 4)
        return [name, name === 'eni' || name === 'rule' ? cell.getUint32(0, true) : cell.getInt32(0, true)];
      return [name, width === 2 ? cell.getInt16(0, true) : cell.getUint8(0)];
    });
    return Object.fromEntries(values) as Row;
  });
}
