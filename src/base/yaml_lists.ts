// Long lists of addresses in a YAML file, shortened for its parser, which takes many microseconds for an item.
// It is shown the first and the last of a list alone, with blanks between them: everything else stays where it stands.
import { isMap, isScalar, isSeq, visit } from 'yaml';
import type { Document, Node, Scalar, YAMLMap, YAMLSeq } from 'yaml';

/** Items that stand one behind the other, with the same between them. */
interface Run {
  /** Where the first item begins, and the last one. */
  readonly first: number;
  readonly last: number;
  /** Where the last one ends. */
  readonly end: number;
  readonly count: number;
  /** What is between two items. */
  readonly separator: string;
}

/** Shorter ones are no trouble. */
const LEAST_RUN = 8;

/** An address or a CIDR block, or what may have been meant as one; with two points or colons it is a text. */
const BARE = String.raw`[\dA-Fa-f]{1,4}[.:][\dA-Fa-f]{0,4}[.:][\dA-Fa-f.:/]{0,60}[\dA-Fa-f]`;
const ITEM = `(?:${BARE}|"${BARE}"|'${BARE}')`;
const NEXT_ITEM = new RegExp(ITEM, 'y');
/** Two items: in brackets, or in a line each. */
const BEGIN = new RegExp(String.raw`(?<=[[\s,])${ITEM}( *,[ \r\n]*|\r?\n *- )(?=${ITEM})`, 'g');

export class LongLists {
  /** What the parser is to be shown. */
  readonly text: string;
  readonly #whole: string;
  readonly #runs: ReadonlyMap<number, Run>;
  /** Of lists that were asked for. */
  readonly #items = new WeakMap<YAMLSeq, readonly (Node | number)[]>();

  constructor(text: string) {
    // In older versions of YAML numbers may have colons.
    const runs = /^%YAML/m.test(text) ? [] : findRuns(text);
    this.text = shorten(text, runs);
    this.#whole = text;
    this.#runs = new Map(runs.map((run) => [run.first, run]));
  }

  get isEmpty(): boolean {
    return this.#runs.size === 0;
  }

  /** Whether all that looked like lists are some: it may have been a comment, or a text. */
  areIn(document: Document): boolean {
    let found = 0;
    visit(document, { Seq: (_, seq) => void (found += this.#runsOf(seq).size) });
    return found === this.#runs.size;
  }

  /** The values of a document with all items in them; undefined: it makes something else of its lists. */
  fill(document: Document): { readonly values: unknown } | undefined {
    if (this.isEmpty) return { values: document.toJS() };
    let filled = 0;
    const fillIn = (node: unknown, value: unknown): unknown => {
      if (isSeq(node) && Array.isArray(value) && value.length === node.items.length) {
        const runs = this.#runsOf(node);
        filled += runs.size;
        const items = (value as unknown[]).map((item, i) => fillIn(node.items[i], item));
        return runs.size === 0 ? items : items.flatMap((item, i) => [item, ...this.#textsIn(runs.get(i))]);
      }
      if (isMap(node) && isMapping(value))
        for (const [key, item] of lastOfEach(node))
          if (isSeq(item) || isMap(item)) value[key] = fillIn(item, value[key]);
      return value;
    };
    const values = fillIn(document.contents, document.toJS());
    return filled === this.#runs.size ? { values } : undefined;
  }

  /** An item of a list; where the parser does not know it, where it begins. */
  itemOf(seq: YAMLSeq, index: number): Node | number | undefined {
    let items = this.#items.get(seq);
    if (!items) {
      const runs = this.#runsOf(seq);
      items = seq.items.flatMap((item, i) => [item as Node, ...this.#offsetsIn(runs.get(i))]);
      this.#items.set(seq, items);
    }
    return items[index];
  }

  /** By the number of the item that is the first of a run: the next one is the last. */
  #runsOf({ items }: YAMLSeq): ReadonlyMap<number, Run> {
    const runs = new Map<number, Run>();
    if (this.isEmpty) return runs;
    items.forEach((item, i) => {
      const run = this.#runs.get(offsetOf(item));
      if (run && offsetOf(items[i + 1]) === run.last) runs.set(i, run);
    });
    return runs;
  }

  /** Of the items between the first and the last. */
  #offsetsIn(run: Run | undefined): number[] {
    const offsets: number[] = [];
    if (!run) return offsets;
    const next = (at: number): number => this.#whole.indexOf(run.separator, at) + run.separator.length;
    for (let at = next(run.first); at < run.last; at = next(at)) offsets.push(at);
    return offsets;
  }

  #textsIn(run: Run | undefined): string[] {
    if (!run) return [];
    const texts = this.#whole.slice(run.first, run.last).split(run.separator).slice(1, -1);
    return texts.map((text) => (/^["']/.test(text) ? text.slice(1, -1) : text));
  }
}

function findRuns(text: string): Run[] {
  const runs: Run[] = [];
  BEGIN.lastIndex = 0;
  for (let begin = BEGIN.exec(text); begin; begin = BEGIN.exec(text)) {
    const { index: first, 1: separator } = begin;
    const run = runFrom(text, first, separator);
    // Of items in lines the first one has to be alike.
    const lead = separator.slice(separator.indexOf('\n'));
    const isRun = separator.includes(',') || text.startsWith(lead, first - lead.length);
    if (isRun && run.count >= LEAST_RUN) runs.push(run);
    BEGIN.lastIndex = isRun ? run.end : first + 1;
  }
  return runs;
}

function runFrom(text: string, first: number, separator: string): Run {
  let [last, end, count] = [first, first, 0];
  for (let at = first; ; at = end + separator.length) {
    NEXT_ITEM.lastIndex = at;
    if (!NEXT_ITEM.test(text)) break;
    [last, end] = [at, NEXT_ITEM.lastIndex];
    count++;
    if (!text.startsWith(separator, end)) break;
  }
  return { first, last, end, count, separator };
}

function shorten(text: string, runs: readonly Run[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const { first, last, separator } of runs) {
    const behind = text.indexOf(separator, first);
    // The comma stays with the first one, the line with the last.
    const comma = separator.indexOf(',') + 1;
    const blanks = ' '.repeat(last - behind - separator.length);
    parts.push(text.slice(at, behind + comma), blanks, separator.slice(comma));
    at = last;
  }
  return parts.length === 0 ? text : parts.join('') + text.slice(at);
}

function offsetOf(item: unknown): number {
  return isScalar(item) ? (item.range?.[0] ?? -1) : -1;
}

/** Of a key that stands there again, the last counts. */
function lastOfEach({ items }: YAMLMap): ReadonlyMap<string, unknown> {
  return new Map(items.map(({ key, value }) => [String((key as Scalar).value), value]));
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
