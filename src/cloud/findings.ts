// What is wrong with a network, as it is found, and the ids by which its parts name each other.
import { nearest } from '../base/nearest.ts';
import { describe, nameOf } from '../base/schema_faults.ts';
import type { WrongValue } from '../base/schema_faults.ts';
import type { Path } from '../base/yaml_document.ts';
import { isComplaint, readAddress, readCidr } from './addresses.ts';
import type { Complaint, Prefix } from './addresses.ts';

/** Looking for the nearest of many names takes long, and helps little. */
const MOST_HINTS = 100;
const MOST_COMPARED = 1000;

export class Findings {
  readonly wrong: WrongValue[] = [];

  /** At a value: `PATH: expected ..., found ...; ...`. */
  add(path: Path, expected: string, found: string, hint: string): void {
    this.wrong.push({ path, key: undefined, text: `${nameOf(path)}: expected ${expected}, found ${found}; ${hint}` });
  }

  cidr(text: string | undefined, path: () => Path): Prefix | undefined {
    return text === undefined ? undefined : this.#right(readCidr(text), text, path);
  }

  address(text: string | undefined, path: () => Path): Prefix | undefined {
    return text === undefined ? undefined : this.#right(readAddress(text), text, path);
  }

  /** Those that are right. */
  cidrs(texts: readonly (string | undefined)[] | undefined, path: Path): Prefix[] {
    const prefixes = (texts ?? []).map((text, i) => this.cidr(text, () => [...path, i]));
    return prefixes.filter((prefix) => prefix !== undefined);
  }

  #right(read: Prefix | Complaint, text: string, path: () => Path): Prefix | undefined {
    if (!isComplaint(read)) return read;
    this.add(path(), read.expected, describe(text), read.hint);
    return undefined;
  }
}

/** Numbers of one kind of things by their ids, as they are given. */
export class Ids {
  readonly #kind: string;
  readonly #findings: Findings;
  readonly #numbers = new Map<string, number>();
  #count = 0;
  /** Where an id is missing or wrong, it may be the one that is looked for. */
  #isWhole = true;
  #hints = 0;

  constructor(kind: string, findings: Findings) {
    this.#kind = kind;
    this.#findings = findings;
  }

  /** The next one has this id. */
  give(id: string | undefined, path: Path): void {
    const number = this.#count++;
    if (id === undefined) this.miss();
    else if (!this.#numbers.has(id)) this.#numbers.set(id, number);
    else this.#findings.add([...path, 'id'], `an id of its own`, `${id} again`, `give this ${this.#kind} another id`);
  }

  /** There may be more, which cannot be read. */
  miss(): void {
    this.#isWhole = false;
  }

  /** -1: there is none; that is said, unless what is wrong is said elsewhere. */
  find(id: string | undefined, path: () => Path): number {
    if (id === undefined) return -1;
    const number = this.#numbers.get(id);
    if (number !== undefined) return number;
    if (this.#isWhole)
      this.#findings.add(path(), `the id of ${withArticle(this.#kind)} that is here`, describe(id), this.#hint(id));
    return -1;
  }

  #hint(id: string): string {
    const known = [...this.#numbers.keys()];
    if (known.length === 0) return `there is no ${this.#kind}; add it`;
    const isLookedFor = known.length <= MOST_COMPARED && this.#hints++ < MOST_HINTS;
    const near = isLookedFor ? nearest(id, known) : undefined;
    return near === undefined ? `add it, or name another` : `did you mean ${near}?`;
  }
}

/** What things are called begins with a vowel where it is an ENI. */
export function withArticle(kind: string): string {
  return `${kind === 'ENI' ? 'an' : 'a'} ${kind}`;
}
