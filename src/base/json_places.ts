// Where values stand in a file of JSON: all that are asked for, found in one pass.
import type { Path } from './yaml_document.ts';

/** A value, or a key of the mapping that it is. */
export interface WantedPlace {
  readonly path: Path;
  readonly key?: string | undefined;
}

/** Offsets in characters, in the order in which they are asked for; 0: there is no such value. Of text that is JSON. */
export function placesOf(text: string, wanted: readonly WantedPlace[]): number[] {
  const places = new Array<number>(wanted.length).fill(0);
  const root: Branch = { values: [], keys: new Map(), children: new Map() };
  wanted.forEach(({ path, key }, i) => {
    let branch = root;
    for (const step of path.map(String)) {
      let child = branch.children.get(step);
      if (!child) branch.children.set(step, (child = { values: [], keys: new Map(), children: new Map() }));
      branch = child;
    }
    if (key === undefined) branch.values.push(i);
    else branch.keys.set(key, [...(branch.keys.get(key) ?? []), i]);
  });
  new PlaceReader(text, places).value(root);
  return places;
}

/** What is asked for of a value, and inside of it. */
interface Branch {
  readonly values: number[];
  readonly keys: Map<string, readonly number[]>;
  readonly children: Map<string, Branch>;
}

class PlaceReader {
  readonly #text: string;
  readonly #places: number[];
  #at = 0;

  constructor(text: string, places: number[]) {
    this.#text = text;
    this.#places = places;
  }

  /** Reads to where it ends. */
  value(branch: Branch | undefined): void {
    this.#skipBlanks();
    for (const i of branch?.values ?? []) this.#places[i] = this.#at;
    const first = this.#text.charCodeAt(this.#at);
    if (first === QUOTE) this.#string();
    else if (first === BRACE || first === BRACKET) this.#inside(branch, first === BRACE);
    else while (!isEnd(this.#text.charCodeAt(this.#at))) this.#at++;
  }

  #inside(branch: Branch | undefined, isMapping: boolean): void {
    this.#at++;
    for (let index = 0; !this.#isOver(); index++) {
      const step = isMapping ? this.#key(branch) : index.toString();
      this.value(step === undefined ? undefined : branch?.children.get(step));
    }
    this.#at++;
  }

  /** In front of the next item, or where there is none. */
  #isOver(): boolean {
    this.#skipBlanks();
    if (this.#text.charCodeAt(this.#at) === COMMA) {
      this.#at++;
      this.#skipBlanks();
    }
    return CLOSING.has(this.#text.charCodeAt(this.#at)) || this.#at >= this.#text.length;
  }

  /** Undefined where nothing is asked of it. */
  #key(branch: Branch | undefined): string | undefined {
    const begin = this.#at;
    this.#string();
    const end = this.#at;
    this.#skipBlanks();
    this.#at++; // the colon
    if (!branch) return undefined;
    const key = JSON.parse(this.#text.slice(begin, end)) as string;
    for (const i of branch.keys.get(key) ?? []) this.#places[i] = begin;
    return key;
  }

  #string(): void {
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const char = this.#text.charCodeAt(this.#at);
      if (char === BACKSLASH) this.#at++;
      else if (char === QUOTE) break;
    }
    this.#at++;
  }

  #skipBlanks(): void {
    while (isBlank(this.#text.charCodeAt(this.#at))) this.#at++;
  }
}

const [QUOTE, COMMA, BRACKET, BACKSLASH, BRACE] = [0x22, 0x2c, 0x5b, 0x5c, 0x7b];
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

function isBlank(char: number): boolean {
  return char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09;
}

/** Behind a number, true, false or null; NaN: behind the text. */
function isEnd(char: number): boolean {
  return isBlank(char) || char === COMMA || CLOSING.has(char) || Number.isNaN(char);
}
