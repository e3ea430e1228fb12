// A count against a file of entries: everything that the file says otherwise, entry by entry.
import { type EntryKeyName, type EntryLine, type Line, readEntries, readEntryFile } from './entries.ts';
import { type EntryKey, type Model, groupBy, keyOf } from './model.ts';
import { ENI_KEYS, NetworkEnis } from './network_enis.ts';
import type { EniFields } from './network_enis.ts';
import type { CountOptions } from './options.ts';
import { TCP } from './packet.ts';
import type { Entry, Gap } from './windows.ts';

export interface Comparison {
  readonly equal: boolean;
  /** Lines read. */
  readonly checked: number;
  readonly differing: number;
  /** The first of them, each with key, field, both values and the line. */
  readonly differences: string[];
}

const MAX_DIFFERENCES = 20;
/** What statements about a silence or a drop do not say. */
const GAP_KEYS = [
  'traffic_path',
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
/** By what an entry was judged, if it says so, where no network is known. */
const REASONS = [
  ['x-rule', '-'],
  ['x-verdict-source', 'none'],
] as const;
/** What an entry says beside its key, and what it is called there. */
const SAYS = [
  ['packets', 'packets'],
  ['bytes', 'bytes'],
  ['start', 'start'],
  ['tcp-flags', 'flags'],
  ['end', 'end'],
  ['action', 'action'],
  ['traffic_path', 'path'],
] as const;
/** Of an entry of whose ENI nothing is known. */
const NOTHING: EniFields = { 'account-id': '-', 'vm-id': '-', 'vpc-id': '-', 'vswitch-id': '-' };
/** Of the budget: where an engine divides it over threads, some of them are full before the others. */
const SURELY_HELD = 1 / 2;
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

/** Where there are several entries of a key, these are their sums, and all that they say of action and path. */
interface Part extends Pick<Entry, 'packets' | 'bytes' | 'start' | 'flags' | 'end'> {
  readonly action: string;
  readonly path: string;
}

interface FoundPart extends Part {
  readonly line: number;
}

class Comparer {
  readonly #model: Model;
  readonly #windowSeconds: number;
  readonly #network: NetworkEnis | undefined;
  /** More flows than an engine surely holds: it may have closed entries early, and forgotten who opened a flow. */
  readonly #crowded: boolean;
  /** Entries whose direction hung on the opener, without it; only where it may be forgotten. */
  readonly #undirected = new Set<string>();
  /** By key and window. */
  readonly #found = new Map<string, FoundPart[]>();
  readonly #gaps = new Map<string, number[]>();
  readonly #differences: string[] = [];
  #differing = 0;
  #checked = 0;

  constructor(model: Model, options: CountOptions) {
    this.#model = model;
    this.#windowSeconds = options.windowSeconds;
    this.#network = options.networkFile && new NetworkEnis(options.networkFile);
    this.#crowded = model.peakFlows > options.maxFlows * SURELY_HELD;
    if (!this.#crowded) return;
    for (const [first] of model.entries.values()) {
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
    const end = Number(entry.end);
    const windowStart = Math.floor(start / this.#windowSeconds) * this.#windowSeconds;
    const key = this.#keyOfLine(entry, windowStart);
    const flags = entry['tcp-flags'] === '-' ? 0 : Number(entry['tcp-flags']);
    const parts = this.#found.get(key) ?? [];
    this.#found.set(key, parts);
    const says = { action: entry.action, path: entry.traffic_path };
    parts.push({
      packets: Number(entry.packets),
      bytes: Number(entry.bytes),
      flags,
      start,
      end,
      ...says,
      line: number,
    });
    if (end < start || end > windowStart + this.#windowSeconds) {
      this.#field(key, 'end', `${start} to ${windowStart + this.#windowSeconds}`, entry.end, number);
    }
  }

  #isWellFormed(entry: EntryLine, number: number): boolean {
    const key = `${entry.srcaddr} ${entry.dstaddr}`;
    const before = this.#differing;
    const expect = (field: keyof EntryLine, expected: string): void => {
      if (entry[field] !== expected) this.#field(key, field, expected, entry[field]!, number);
    };
    const ofEni = this.#fieldsOf(entry);
    for (const field of ENI_KEYS) expect(field, ofEni[field]);
    for (const [field, said] of this.#network ? [] : REASONS) if (entry[field] !== undefined) expect(field, said);
    expect('version', '1');
    expect('type', entry.srcaddr.includes(':') ? 'IPv6' : 'IPv4');
    if (entry.protocol !== String(TCP)) expect('tcp-flags', '-');
    const numbers: EntryKeyName[] = ['bytes', 'end', 'packets', 'protocol', 'start'];
    if (entry.protocol === String(TCP)) numbers.push('tcp-flags');
    for (const field of numbers) {
      if (!NUMBER.test(entry[field])) this.#field(key, field, 'a number', entry[field], number);
    }
    return this.#differing === before;
  }

  #fieldsOf(entry: EntryLine): EniFields {
    return this.#network?.fieldsOf(entry['eni-id']) ?? NOTHING;
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
    for (const [key, parts] of expected) {
      const found = this.#found.get(key);
      if (found === undefined)
        this.#differ(`${key}: expected ${sum(parts.map(partOf)).packets} packets, no entry found`);
      else this.#compareParts(key, parts, found);
    }
    for (const [key, found] of this.#found) {
      if (expected.has(key)) continue;
      this.#differ(`${key}: not expected, found ${sum(found).packets} packets (line ${found[0].line})`);
    }
  }

  #withoutOpeners(): Map<string, Entry[]> {
    return groupBy(this.#model.ordered, (entry) => this.#keyWhereCrowded(entry));
  }

  /** The capture tells what is a part of its own, so none is missing. An engine may split further what adds up again. */
  #compareParts(key: string, expected: readonly Entry[], found: readonly FoundPart[]): void {
    if (!this.#crowded && expected.length === found.length) {
      for (const [one, other] of pair(expected.map(partOf), found)) this.#compareFields(key, one, other, other.line);
      return;
    }
    const { line } = found[0];
    // The parts of what was split end where they like: here an end is no difference.
    const whole = sum(expected.map(partOf));
    // Who has forgotten the opener of a flow may judge it otherwise.
    const action = this.#crowded ? whole.action : sum(found).action;
    this.#compareFields(key, whole, { ...sum(found), action, end: whole.end }, line);
    if (!this.#crowded && found.length < expected.length) {
      this.#field(key, 'entries', expected.length, found.length, line);
    }
  }

  #compareFields(key: string, expected: Part, found: Part, line: number): void {
    for (const [name, field] of SAYS) {
      if (expected[field] !== found[field]) this.#field(key, name, expected[field], found[field], line);
    }
  }

  #takeGap(entry: EntryLine, number: number): void {
    const status = entry['log-status'];
    const ofEni = this.#fieldsOf(entry);
    const name = `${status} ${entry['eni-id']}`;
    const expect = (field: keyof EntryLine, expected: string): void => {
      if (entry[field] !== expected) this.#field(name, field, expected, entry[field]!, number);
    };
    for (const field of GAP_KEYS) expect(field, '-');
    for (const [field] of REASONS) if (entry[field] !== undefined) expect(field, '-');
    for (const field of ENI_KEYS) expect(field, ofEni[field]);
    expect('version', '1');
    const key = `${name} ${entry.start} ${entry.end}`;
    this.#gaps.set(key, [...(this.#gaps.get(key) ?? []), number]);
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

/** Parts that say the same belong together, whatever their order; the others as they come. As many of both. */
function pair(expected: readonly Part[], found: readonly FoundPart[]): [Part, FoundPart][] {
  const left = [...found];
  const takeEqual = (one: Part): FoundPart | undefined => {
    const at = left.findIndex((other) => SAYS.every(([, field]) => one[field] === other[field]));
    return at < 0 ? undefined : left.splice(at, 1)[0];
  };
  const equals = expected.map(takeEqual);
  return expected.map((one, i) => [one, equals[i] ?? left.shift()!]);
}

function sum(parts: readonly Part[]): Part {
  return parts.reduce((one, other) => ({
    packets: one.packets + other.packets,
    bytes: one.bytes + other.bytes,
    flags: one.flags | other.flags,
    start: Math.min(one.start, other.start),
    end: Math.max(one.end, other.end),
    action: allOf(one.action, other.action),
    path: allOf(one.path, other.path),
  }));
}

function partOf({ trafficPath, ...entry }: Entry): Part {
  return { ...entry, path: trafficPath?.toString() ?? '-' };
}

/** Each once. */
function allOf(one: string, other: string): string {
  return [...new Set([...one.split(' '), ...other.split(' ')])].sort().join(' ');
}
