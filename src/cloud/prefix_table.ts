// Many prefixes of one family as columns: no object for each, sorted in no time, and which of them hold others.
import type { Prefix } from './addresses.ts';

const LEAST_ROOM = 64;
/** A table of so few is sorted by comparing. */
const FEW = 4096;
const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

export class PrefixTable {
  readonly family: 4 | 6;
  count = 0;
  /** Of an address: 1 or 4 of `words`. */
  readonly stride: 1 | 4;
  words: Uint32Array;
  lengths = new Uint8Array(LEAST_ROOM);
  /** What the prefix is of. */
  values = new Uint32Array(LEAST_ROOM);
  /** Where it stands in the list that it comes from. */
  items = new Uint32Array(LEAST_ROOM);

  constructor(family: 4 | 6) {
    this.family = family;
    this.stride = family === 4 ? 1 : 4;
    this.words = new Uint32Array(LEAST_ROOM * this.stride);
  }

  push({ words, length }: Prefix, value: number, item = 0): void {
    this.#grow();
    this.words.set(words, this.count * this.stride);
    this.#end(length, value, item);
  }

  pushIpv4(address: number, length: number, value: number, item: number): void {
    this.#grow();
    this.words[this.count] = address;
    this.#end(length, value, item);
  }

  /** By address, and where that is the same, the shortest prefix first; else as they came. */
  sort(): void {
    if (this.#isSorted()) return;
    const order = Uint32Array.from({ length: this.count }, (_, i) => i);
    if (this.count < FEW) order.sort((a, b) => this.#compare(a, b) || a - b);
    else this.#sortByDigits(order);
    this.#arrange(order);
  }

  /** Whether the prefix of an entry has that of another in it. */
  holds(outer: number, inner: number): boolean {
    const length = this.lengths[outer];
    if (length > this.lengths[inner]) return false;
    for (let w = 0, bits = length; bits > 0; w++, bits -= 32) {
      const differing = this.words[outer * this.stride + w] ^ this.words[inner * this.stride + w];
      if (bits >= 32 ? differing !== 0 : differing >>> (32 - bits) !== 0) return false;
    }
    return true;
  }

  #end(length: number, value: number, item: number): void {
    this.lengths[this.count] = length;
    this.values[this.count] = value;
    this.items[this.count] = item;
    this.count++;
  }

  #grow(): void {
    if (this.count < this.lengths.length) return;
    const room = this.count * 2;
    const { words, lengths, values, items } = this;
    this.words = new Uint32Array(room * this.stride);
    this.lengths = new Uint8Array(room);
    this.values = new Uint32Array(room);
    this.items = new Uint32Array(room);
    this.words.set(words);
    this.lengths.set(lengths);
    this.values.set(values);
    this.items.set(items);
  }

  #compare(a: number, b: number): number {
    for (let w = 0; w < this.stride; w++) {
      const difference = this.words[a * this.stride + w] - this.words[b * this.stride + w];
      if (difference !== 0) return difference;
    }
    return this.lengths[a] - this.lengths[b];
  }

  #isSorted(): boolean {
    for (let i = 1; i < this.count; i++) if (this.#compare(i - 1, i) > 0) return false;
    return true;
  }

  /** Least significant first, and what is the same stays in order: comparing a million takes ten times as long. */
  #sortByDigits(order: Uint32Array): void {
    const { words, lengths, stride, count } = this;
    const keys = new Uint32Array(count);
    for (let i = 0; i < count; i++) keys[i] = lengths[i];
    sortBy(keys, order);
    for (let w = stride - 1; w >= 0; w--) {
      for (let i = 0; i < count; i++) keys[i] = words[order[i] * stride + w];
      sortBy(keys, order);
    }
  }

  #arrange(order: Uint32Array): void {
    const { words, lengths, values, items, stride } = this;
    this.words = new Uint32Array(words.length);
    this.lengths = new Uint8Array(lengths.length);
    this.values = new Uint32Array(values.length);
    this.items = new Uint32Array(items.length);
    for (let i = 0; i < order.length; i++) {
      const entry = order[i];
      for (let w = 0; w < stride; w++) this.words[i * stride + w] = words[entry * stride + w];
      this.lengths[i] = lengths[entry];
      this.values[i] = values[entry];
      this.items[i] = items[entry];
    }
  }
}

/** What is told of entries that hold others, or are held; the list of holders is for the call only. */
export interface NestingVisitor {
  /** `holders` hold the entry, the widest first. */
  nested(entry: number, holders: readonly number[]): void;
  /** From here on it may be a holder. */
  enter?(entry: number): void;
  leave?(holder: number): void;
}

/** Visits the entries of a sorted table in order. */
export function eachNested(table: PrefixTable, visitor: NestingVisitor): void {
  const holders: number[] = [];
  for (let entry = 0; entry < table.count; entry++) {
    while (holders.length > 0 && !table.holds(holders[holders.length - 1], entry)) {
      const left = holders.pop()!;
      visitor.leave?.(left);
    }
    if (holders.length > 0) visitor.nested(entry, holders);
    const isHolder = entry + 1 < table.count && table.holds(entry, entry + 1);
    if (!isHolder) continue;
    visitor.enter?.(entry);
    holders.push(entry);
  }
}

/** Sorts entries by their keys, which it moves as well. */
function sortBy(keys: Uint32Array, entries: Uint32Array): void {
  const [otherKeys, otherEntries] = [new Uint32Array(keys.length), new Uint32Array(keys.length)];
  const begins = new Uint32Array(DIGITS + 1);
  for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
    begins.fill(0);
    for (const key of keys) begins[((key >>> shift) & (DIGITS - 1)) + 1]++;
    if (begins[((keys[0] >>> shift) & (DIGITS - 1)) + 1] === keys.length) continue; // all have the same digit
    for (let digit = 0; digit < DIGITS; digit++) begins[digit + 1] += begins[digit];
    for (let i = 0; i < keys.length; i++) {
      const to = begins[(keys[i] >>> shift) & (DIGITS - 1)]++;
      otherKeys[to] = keys[i];
      otherEntries[to] = entries[i];
    }
    keys.set(otherKeys);
    entries.set(otherEntries);
  }
}
