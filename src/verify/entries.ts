// Entries as they stand in a file: one JSON object a line, 21 keys in order and those that were asked for, every value a string.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

export const ENTRY_KEYS = [
  'account-id',
  'action',
  'bytes',
  'direction',
  'dstaddr',
  'dstport',
  'end',
  'eni-id',
  'log-status',
  'packets',
  'protocol',
  'srcaddr',
  'srcport',
  'start',
  'tcp-flags',
  'traffic_path',
  'type',
  'version',
  'vm-id',
  'vpc-id',
  'vswitch-id',
] as const;

/** By what entries were judged: behind the others, where somebody asked for them. */
export const REASON_KEYS = ['x-flow-log', 'x-rule', 'x-verdict-source'] as const;

export type EntryKeyName = (typeof ENTRY_KEYS)[number];
export type EntryLine = Readonly<Record<EntryKeyName, string>> &
  Readonly<Partial<Record<(typeof REASON_KEYS)[number], string>>>;

export interface Line {
  readonly number: number;
  /** The entry, or what is wrong with the line. */
  readonly entry: EntryLine | string;
}

export async function* readEntryFile(path: string): AsyncGenerator<Line, void> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
  yield* readEntries(lines);
}

export async function* readEntries(lines: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Line, void> {
  let number = 0;
  for await (const line of lines) {
    number += 1;
    yield { number, entry: parseLine(line) };
  }
}

function parseLine(line: string): EntryLine | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return `not JSON: ${JSON.stringify(line.slice(0, 80))}`;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `not an object: ${line.slice(0, 80)}`;
  const keys = Object.keys(value);
  const missing = ENTRY_KEYS.filter((key) => !keys.includes(key));
  if (missing.length > 0) return `keys missing: ${missing.join(', ')}`;
  const known: readonly string[] = [...ENTRY_KEYS, ...REASON_KEYS.filter((key) => keys.includes(key))];
  const extra = keys.filter((key) => !known.includes(key));
  if (extra.length > 0) return `keys not known: ${extra.join(', ')}`;
  if (!known.every((key, index) => keys[index] === key)) return `keys out of order: ${keys.join(', ')}`;
  const other = Object.entries(value).find(([, one]) => typeof one !== 'string');
  if (other !== undefined) return `${other[0]} is no string: ${JSON.stringify(other[1])}`;
  return value as EntryLine;
}
