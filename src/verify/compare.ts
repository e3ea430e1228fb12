// A count against a file of entries: everything that the file says otherwise, entry by entry.
import { type EntryLine, type Line, readEntries, readEntryFile } from './entries.ts';
import { type EntryKey, type Model, type ModelEntry, keyOf } from './model.ts';
import type { CountOptions } from './options.ts';
import { TCP } from './packet.ts';
import type { Gap } from './windows.ts';

export interface Comparison {
  readonly equal: boolean;
  /** Lines read. */
  readonly checked: number;
  readonly differing: number;
  /** The first of them, each with key, field, both values and the line. */
  readonly differences: string[];
}

const MAX_DIFFERENCES = 20;
/** The same in every entry, and in every statement about a silence or a drop. */
const CONSTANT_KEYS = ['account-id', 'traffic_path', 'vm-id', 'vpc-id', 'vswitch-id'] as const;
const GAP_KEYS = [
  ...CONSTANT_KEYS,
  'action',
  'bytes',
  'direction',
  'dstaddr',
  'dstport',
  'packets',
  'protocol',
  'srcaddr',
  'srcport',
  'tcp-flags',
  'type',
] as const;
const NUMBER = /^(0|[1-9]\d*|-[1-9]\d*)$/;

export function compareFile(model: Model, path: string, options: CountOptions): Promise<Comparison> {
  return compare(model, readEntryFile(path), options);
}

export function compareLines(model: Model, lines: Iterable<string>, options: CountOptions): Promise<Comparison> {
  return compare(model, readEntries(lines), options);
}

async function compare(model: Model, lines: AsyncIterable<Line>, options: CountOptions): Promise<Comparison> {
  const comparer = new Comparer(model, options);
  for await (const line of lines) comparer.take(line);
  return comparer.finish();
}

/** All lines of one key and window, summed. */
interface Sum {
  packets: number;
  bytes: number;
  flags: number;
  start: number;
  lines: number;
  readonly line: number;
  readonly ends: number[];
}

class Comparer {
  readonly #model: Model;
  readonly #windowSeconds: number;
  /** More flows than an engine must hold: it may have closed entries early, and forgotten who opened a flow. */
  readonly #crowded: boolean;
  /** Entries whose direction hung on the opener, without it; only where it may be forgotten. */
  readonly #undirected = new Set<string>();
  readonly #sums = new Map<string, Sum>();
  readonly #gaps = new Map<string, number[]>();
  readonly #differences: string[] = [];
  #differing = 0;
  #checked = 0;

  constructor(model: Model, options: CountOptions) {
    this.#model = model;
    this.#windowSeconds = options.windowSeconds;
    this.#crowded = model.flows > options.maxFlows;
    if (!this.#crowded) return;
    for (const { first } of model.entries.values()) {
      if (first.rule === 'opener') this.#undirected.add(keyOf({ ...first, direction: '*' }));
    }
  }

  take({ number, entry }: Line): void {
    this.#checked += 1;
    if (typeof entry === 'string') this.#differ(`line ${number}: ${entry}`);
    else if (entry['log-status'] === 'OK') this.#takeEntry(entry, number);
    else if (entry['log-status'] === 'NODATA' || entry['log-status'] === 'SKIPDATA') this.#takeGap(entry, number);
    else this.#differ(`line ${number}: log-status: expected OK, NODATA or SKIPDATA, found ${entry['log-status']}`);
  }

  finish(): Comparison {
    this.#compareEntries();
    this.#compareGaps('NODATA', this.#model.nodata);
    this.#compareGaps('SKIPDATA', this.#model.skipdata);
    for (const [gap, numbers] of this.#gaps) {
      for (const number of numbers) this.#differ(`${gap}: not expected (line ${number})`);
    }
    return {
      equal: this.#differing === 0,
      checked: this.#checked,
      differing: this.#differing,
      differences: this.#differences,
    };
  }

  #takeEntry(entry: EntryLine, number: number): void {
    if (!this.#isWellFormed(entry, number)) return;
    const start = Number(entry.start);
    const windowStart = Math.floor(start / this.#windowSeconds) * this.#windowSeconds;
    const key = this.#keyOfLine(entry, windowStart);
    const sum = this.#sums.get(key) ?? { packets: 0, bytes: 0, flags: 0, start, lines: 0, line: number, ends: [] };
    this.#sums.set(key, sum);
    sum.packets += Number(entry.packets);
    sum.bytes += Number(entry.bytes);
    sum.flags |= entry['tcp-flags'] === '-' ? 0 : Number(entry['tcp-flags']);
    sum.start = Math.min(sum.start, start);
    sum.lines += 1;
    sum.ends.push(Number(entry.end));
    const end = Number(entry.end);
    if (end < start || end > windowStart + this.#windowSeconds) {
      this.#field(key, 'end', `${start} to ${windowStart + this.#windowSeconds}`, entry.end, number);
    }
  }

  #isWellFormed(entry: EntryLine, number: number): boolean {
    const key = `${entry.srcaddr} ${entry.dstaddr}`;
    const before = this.#differing;
    const expect = (field: keyof EntryLine, expected: string): void => {
      if (entry[field] !== expected) this.#field(key, field, expected, entry[field], number);
    };
    for (const field of CONSTANT_KEYS) expect(field, '-');
    expect('action', 'ACCEPT');
    expect('version', '1');
    expect('type', entry.srcaddr.includes(':') ? 'IPv6' : 'IPv4');
    if (entry.protocol !== String(TCP)) expect('tcp-flags', '-');
    const numbers: (keyof EntryLine)[] = ['bytes', 'end', 'packets', 'protocol', 'start'];
    if (entry.protocol === String(TCP)) numbers.push('tcp-flags');
    for (const field of numbers) {
      if (!NUMBER.test(entry[field])) this.#field(key, field, 'a number', entry[field], number);
    }
    return this.#differing === before;
  }

  #keyOfLine(entry: EntryLine, windowStart: number): string {
    const parts = {
      eni: entry['eni-id'],
      direction: entry.direction,
      windowStart,
      src: entry.srcaddr,
      dst: entry.dstaddr,
      sport: entry.srcport,
      dport: entry.dstport,
      protocol: Number(entry.protocol),
    };
    return this.#crowded ? this.#keyWhereCrowded(parts) : keyOf(parts);
  }

  #keyWhereCrowded(parts: EntryKey): string {
    const undirected = keyOf({ ...parts, direction: '*' });
    return this.#undirected.has(undirected) ? undirected : keyOf(parts);
  }

  #compareEntries(): void {
    const expected = this.#crowded ? this.#withoutOpeners() : this.#model.entries;
    for (const [key, entry] of expected) {
      const found = this.#sums.get(key);
      if (found === undefined) this.#differ(`${key}: expected ${entry.packets} packets, no entry found`);
      else this.#compareEntry(key, entry, found);
    }
    for (const [key, found] of this.#sums) {
      if (!expected.has(key)) this.#differ(`${key}: not expected, found ${found.packets} packets (line ${found.line})`);
    }
  }

  #withoutOpeners(): Map<string, ModelEntry> {
    const sums = new Map<string, ModelEntry>();
    for (const entry of this.#model.entries.values()) {
      const key = this.#keyWhereCrowded(entry.first);
      const sum = sums.get(key);
      if (sum === undefined) sums.set(key, { ...entry });
      else {
        sum.packets += entry.packets;
        sum.bytes += entry.bytes;
        sum.flags |= entry.flags;
        sum.start = Math.min(sum.start, entry.start);
        sum.parts += entry.parts;
      }
    }
    return sums;
  }

  #compareEntry(key: string, expected: ModelEntry, found: Sum): void {
    for (const field of ['packets', 'bytes', 'start'] as const) {
      if (expected[field] !== found[field]) this.#field(key, field, expected[field], found[field], found.line);
    }
    if (expected.flags !== found.flags) this.#field(key, 'tcp-flags', expected.flags, found.flags, found.line);
    // Several entries of one key split it as the engine likes, and each ends where its part does.
    const { first } = expected;
    const isWhole = expected.parts === 1 && found.lines === 1 && first.latePackets <= 1;
    if (isWhole && !this.#crowded && found.ends[0] !== first.end) {
      this.#field(key, 'end', first.end, found.ends[0], found.line);
    }
  }

  #takeGap(entry: EntryLine, number: number): void {
    const status = entry['log-status'];
    const wrong = GAP_KEYS.filter((field) => entry[field] !== '-');
    for (const field of wrong) this.#field(`${status} ${entry['eni-id']}`, field, '-', entry[field], number);
    if (entry.version !== '1') this.#field(`${status} ${entry['eni-id']}`, 'version', '1', entry.version, number);
    const key = `${status} ${entry['eni-id']} ${entry.start} ${entry.end}`;
    const numbers = this.#gaps.get(key) ?? [];
    this.#gaps.set(key, numbers);
    numbers.push(number);
  }

  #compareGaps(status: string, gaps: readonly Gap[]): void {
    for (const { eni, start, end } of gaps) {
      const key = `${status} ${eni} ${start} ${end}`;
      if (this.#gaps.get(key)?.shift() === undefined) this.#differ(`${key}: expected, not found`);
    }
  }

  #field(key: string, field: string, expected: string | number, found: string | number, line: number): void {
    this.#differ(`${key}: ${field}: expected ${expected}, found ${found} (line ${line})`);
  }

  #differ(difference: string): void {
    this.#differing += 1;
    if (this.#differences.length < MAX_DIFFERENCES) this.#differences.push(difference);
  }
}
