// The addon's packing and unpacking with the arrays around it: rows in, columns out, and back.
import { addon } from '../../src/base/addon.ts';
import type { NativePacker } from '../../src/base/addon_types.ts';
import { Columns } from '../../src/flowlog/columns.ts';
import { PACKED_COLUMNS } from '../../src/flowlog/packed_columns.ts';
import { columnsOf, rowsOf } from './packed_model.ts';
import type { Packed, Reasons, Row } from './packed_model.ts';

export const WINDOW_START = 1_700_000_000;
export const MOST = { rows: 1 << 20, bytes: 1 << 30 } as const;

/** In front of a window. */
export function packer(
  maxRows: number = MOST.rows,
  maxBytes: number = MOST.bytes,
  start = WINDOW_START,
  reasons: Reasons = 'without',
): NativePacker {
  const made = addon.packer_new(maxRows, maxBytes, reasons === 'with reasons');
  addon.packer_begin(made, start);
  return made;
}

export interface Added {
  readonly next: number;
  readonly full: number;
  readonly packets: number;
  readonly bytes: number;
}

export function add(to: NativePacker, columns: Columns, from: number, rows: number): Added {
  const result = new Float64Array(4);
  addon.packer_add(to, columns.buffer, columns.capacity, from, rows, result);
  const [next, full, packets, bytes] = result as unknown as [number, number, number, number];
  return { next, full, packets, bytes };
}

/** Adds rows that all fit. */
export function addAll(to: NativePacker, rows: readonly Row[]): Added {
  const added = add(to, columnsOf(rows), 0, rows.length);
  if (added.next !== rows.length || added.full !== -1) throw new Error('the rows did not fit');
  return added;
}

export interface TakenBatch {
  readonly rows: number;
  readonly columns: Packed;
  /** Numbers of its rules, of batches with reasons. */
  readonly rules?: readonly number[];
}

/** Takes an ENI's columns, and looks that no byte behind them was written. */
export function take(from: NativePacker, eni: number): TakenBatch {
  const size = addon.packer_size(from, eni);
  const out = new Uint8Array(size + 64).fill(0x7e);
  const result = new Float64Array(1 + PACKED_COLUMNS.length);
  const rules = addon.packer_take(from, eni, out.subarray(0, size), result);
  if (out.subarray(size).some((byte) => byte !== 0x7e)) throw new Error('more was written than there was room for');
  let end = 0;
  const columns = PACKED_COLUMNS.map(({ name }, i) => [name, [...out.subarray(end, (end += result[i + 1]))]]);
  // Places of rules are shorter than their numbers at times.
  if (rules.length > 0 ? end > size : end !== size) throw new Error(`columns of ${end} bytes, and ${size} were told`);
  const taken = { rows: result[0], columns: Object.fromEntries(columns) as Packed };
  return rules.length > 0 ? { ...taken, rules } : taken;
}

export function takeAll(from: NativePacker): ({ eni: number } & TakenBatch)[] {
  return addon.packer_enis(from).map((eni) => ({ eni, ...take(from, eni) }));
}

/** Each in memory of its own, with other bytes around it. */
export function fieldsOf(columns: Packed): Uint8Array[] {
  return PACKED_COLUMNS.map(({ name }) => Uint8Array.from([0x01, ...columns[name], 0x01]).subarray(1, -1));
}

/** Rows, or what is wrong with the columns. `rules`: so many names of rules there are; -1: no reasons. */
export function unpack(
  columns: Packed,
  status: number,
  entries: number,
  windowStart = WINDOW_START,
  rules = -1,
): Row[] | string {
  // What stood there before is not to be seen.
  const into = new Columns(Math.max(8, Math.ceil(entries / 8) * 8));
  into.buffer.fill(0xa5);
  const { buffer, capacity } = into;
  const reason = addon.columns_unpack(fieldsOf(columns), status, entries, windowStart, rules, buffer, capacity);
  return reason ?? rowsOf(into, entries);
}
