// A YAML file as a document: its values, where each of them stands, and what is no YAML or stands there twice.
import { isMap, isSeq, parseDocument, visit } from 'yaml';
import type { Document, ErrorCode, Node, Pair, Scalar, YAMLError, YAMLMap } from 'yaml';
import { TextLines } from './text_lines.ts';
import { LongLists } from './yaml_lists.ts';

/** Keys, and indexes of lists. */
export type Path = readonly (string | number)[];

/** At the value of the path; what is wrong, what was expected, and what to do. */
export interface DocumentFault {
  /** In characters from the beginning of the file. */
  readonly offset: number;
  readonly path: Path;
  readonly text: string;
}

const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  BAD_ALIAS: 'put a text that begins with * into quotes',
  BAD_DIRECTIVE: 'take the line away',
  BAD_INDENT: 'indent the entries of a mapping or a list alike, and close brackets',
  BAD_SCALAR_START: 'put the text into quotes',
  BLOCK_AS_IMPLICIT_KEY: 'write KEY: VALUE, one in a line, and put a text with a colon into quotes',
  MISSING_CHAR: 'write KEY: VALUE, one in a line, and close quotes',
  MULTILINE_IMPLICIT_KEY: 'write KEY: VALUE, one in a line',
  MULTIPLE_DOCS: 'take the line --- away',
  NON_STRING_KEY: 'write KEY: VALUE, one in a line',
  TAB_AS_INDENT: 'indent with blanks',
  TAG_RESOLVE_FAILED: 'take the tag away, or put a text that begins with ! into quotes',
};
const OTHER_HINT = 'look at the colons, quotes and brackets before it';

/** The parser calls itself for each level, and the process may end where the stack does. */
const MOST_DEPTH = 100;
/** Levels that are written as `- - -`, or as blanks. */
const DEEP_LINE = /^(?: {500}|(?:[-?] +){100})/m;

export class YamlDocument {
  /** Undefined where the file is no YAML, or has aliases. */
  readonly values: unknown;
  /** Nothing is known of its values. */
  readonly isBroken: boolean;
  /** What is wrong with the file whatever it is about, in no order. */
  readonly faults: readonly DocumentFault[];
  readonly #text: string;
  readonly #lines: TextLines;
  #lists: LongLists;
  #document: Document;
  /** Of mappings that were asked: where the last of each key begins. */
  readonly #keys = new WeakMap<YAMLMap, ReadonlyMap<string, number>>();

  constructor(name: string, text: string) {
    this.#text = text;
    const deep = deepOffset(text);
    // Of what is too deep only the lines are of use.
    const parsed = deep === undefined ? text : text.slice(0, deep).replaceAll(/[^\n]/g, ' ');
    this.#lines = new TextLines(name, text);
    this.#lists = new LongLists(parsed);
    this.#document = parse(this.#lists.text);
    if (!this.#lists.areIn(this.#document)) this.#parseWhole(parsed);
    const broken = deep === undefined ? [...this.#brokenLines(), ...this.#aliases()] : [tooDeep(deep)];
    this.isBroken = broken.length > 0;
    this.values = this.isBroken ? undefined : this.#readValues(parsed);
    this.faults = [...broken, ...(deep === undefined ? this.#doubles() : [])];
  }

  /** Of a value, or of a key of the mapping that it is. */
  fault(path: Path, text: string, key?: string): DocumentFault {
    return { path, text, offset: this.#offsetOf(path, key) };
  }

  /** `FILE:LINE:COLUMN: TEXT`; lines and columns are counted from 1. */
  say(fault: Pick<DocumentFault, 'offset' | 'text'>): string {
    return this.#lines.say(fault);
  }

  #readValues(text: string): unknown {
    const filled = this.#lists.fill(this.#document);
    if (filled) return filled.values;
    this.#parseWhole(text);
    return this.#document.toJS();
  }

  /** The slow way, where something looks like a long list and is none. */
  #parseWhole(text: string): void {
    this.#lists = new LongLists('');
    this.#document = parse(text);
  }

  #offsetOf(path: Path, key?: string): number {
    let node: unknown = this.#document.contents;
    for (const step of path) {
      if (isSeq(node)) node = this.#lists.itemOf(node, Number(step));
      else node = isMap(node) ? node.get(step, true) : undefined;
    }
    if (typeof node === 'number') return node;
    if (key !== undefined && isMap(node)) return this.#keysOf(node).get(key) ?? 0;
    return (node as Node | undefined)?.range?.[0] ?? 0;
  }

  #keysOf(map: YAMLMap): ReadonlyMap<string, number> {
    const known = this.#keys.get(map);
    if (known) return known;
    const keys = map.items.map((pair) => pair.key as Scalar);
    const offsets = new Map(keys.map((key) => [String(key.value), key.range?.[0] ?? 0]));
    this.#keys.set(map, offsets);
    return offsets;
  }

  /** The first error of each line: others of the same line come of it. */
  #brokenLines(): DocumentFault[] {
    const { errors, warnings } = this.#document;
    const seen = new Set<number>();
    return [...errors, ...warnings].filter(isNoDouble).flatMap((error) => {
      const [offset] = error.pos;
      const line = this.#lines.lineOf(offset);
      if (seen.has(line)) return [];
      seen.add(line);
      const what = error.message.split(/[;\n]/)[0];
      const hint = HINTS[error.code] ?? OTHER_HINT;
      return [{ offset, path: [], text: `expected YAML, found ${this.#characterAt(offset)}: ${what}; ${hint}` }];
    });
  }

  /** A few of them can stand for more than any memory has, and a configuration needs none. */
  #aliases(): DocumentFault[] {
    const faults: DocumentFault[] = [];
    visit(this.#document, {
      Alias: (_, { source, range }) => {
        const text = `expected a value, found the alias *${source}; write the value, or put a text that begins with * into quotes`;
        if (source !== '') faults.push({ offset: range?.[0] ?? 0, path: [], text });
      },
    });
    return faults;
  }

  /** Keys that stand in a mapping again. */
  #doubles(): DocumentFault[] {
    // Where the parser says that they stand is not always where they do.
    if (this.#document.errors.every(isNoDouble)) return [];
    const faults: DocumentFault[] = [];
    visit(this.#document, {
      Map: (_, { items }) => {
        const firsts = new Map<unknown, number>();
        for (const { value, range } of (items as Pair<Scalar>[]).map((pair) => pair.key)) {
          const offset = range?.[0] ?? 0;
          if (!firsts.has(value)) {
            firsts.set(value, offset);
            continue;
          }
          const line = this.#lines.lineOf(firsts.get(value)!);
          const text = `${String(value)}: expected once, found again: the first is in line ${line}; take one of them away`;
          faults.push({ offset, path: [], text });
        }
      },
    });
    return faults;
  }

  /** No more than that: a line that is broken may hold a secret. */
  #characterAt(offset: number): string {
    const character = this.#text[offset];
    if (character === undefined) return 'the end of the file';
    return character === '\n' || character === '\r' ? 'the end of the line' : JSON.stringify(character);
  }
}

function parse(text: string): Document {
  return parseDocument(text, { prettyErrors: false, stringKeys: true });
}

/** Where values lie too deep; brackets in texts count as well, as nobody writes so many. */
function deepOffset(text: string): number | undefined {
  let depth = 0;
  for (const { 0: bracket, index } of text.matchAll(/[[\]{}]/g)) {
    depth = bracket === '[' || bracket === '{' ? depth + 1 : Math.max(depth - 1, 0);
    if (depth > MOST_DEPTH) return index;
  }
  return DEEP_LINE.exec(text)?.index;
}

function tooDeep(offset: number): DocumentFault {
  const text = `expected values that are ${MOST_DEPTH} levels deep at most, found deeper ones; close brackets before it`;
  return { offset, path: [], text };
}

function isNoDouble({ code }: YAMLError): boolean {
  return code !== 'DUPLICATE_KEY';
}
