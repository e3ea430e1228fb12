// The ENIs of a capture by their numbers: the named ones, then one for each interface.
import { eniNamed, eniOfInterface, interfaceOfEni } from '../cloud/locality.ts';
import type { Eni, Locality } from '../cloud/locality.ts';
import type { Exchange } from '../flow/exchange.ts';

/** Names of live interfaces, by their numbers. */
export interface InterfaceNames {
  readonly names: readonly string[];
  /** How often a number got another name. */
  readonly changes: number;
}

export class EniDirectory {
  readonly #exchange: Exchange;
  #locality: Pick<Locality, 'named' | 'native'>;
  /** Those that were there first: numbers of interfaces follow theirs. */
  readonly #first: readonly Eni[];
  /** Those that came later, by their numbers, which follow those of all interfaces. */
  readonly #later = new Map<number, Eni>();
  #end = 0;
  /** What is named from a time on, in turn: seconds since the epoch. */
  readonly #named: { readonly from: number; readonly named: readonly number[] }[];
  #follows = 0;
  readonly #interfaces: InterfaceNames | undefined;

  /**
   * `interfaces` are live ones; others come, and have the numbers of those that are gone. Interfaces of captures have no name
   * that would be the same in every copy of the capture.
   */
  constructor(exchange: Exchange, locality: Locality, interfaces?: InterfaceNames) {
    this.#exchange = exchange;
    this.#locality = locality;
    this.#first = locality.enis;
    this.#named = [{ from: -Infinity, named: locality.named }];
    this.#interfaces = interfaces;
  }

  /** How many there are by now: captures declare interfaces as they go. */
  get count(): number {
    const interfaces = this.#interfaces?.names.length ?? this.#exchange.clock.interfaces;
    return Math.max(this.#first.length + interfaces, this.#end);
  }

  /** Of live interfaces: other ENIs are named from a time on that is to come; nobody asks of any before the `oldest`. */
  follow(
    enis: ReadonlyMap<number, Eni>,
    locality: Pick<Locality, 'named' | 'native'>,
    { from, oldest }: { readonly from: number; readonly oldest: number },
  ): void {
    for (const [number, eni] of enis) {
      if (this.#first[number]) continue;
      this.#later.set(number, eni);
      this.#end = Math.max(this.#end, number + 1);
    }
    this.#locality = locality;
    while (this.#named.length > 1 && this.#named[1].from <= oldest) this.#named.shift();
    this.#named.push({ from, named: locality.named });
    this.#follows++;
  }

  /** Whether `eni` knows those that may yet come. */
  get isForeseen(): boolean {
    return this.#interfaces === undefined;
  }

  /** How often `eni` of a number became another. */
  get changes(): number {
    return (this.#interfaces?.changes ?? 0) + this.#follows;
  }

  /** Of any number. */
  eni(number: number): Eni {
    const named = this.#first[number] ?? this.#later.get(number);
    if (named) return named;
    const interfaceNumber = number - this.#first.length;
    const name = this.#interfaces?.names[interfaceNumber];
    return name === undefined ? eniOfInterface(interfaceNumber) : eniNamed(`eni-${name}`);
  }

  /** Of those that there are, ascending; and of interfaces that a capture may yet declare, where these ids name them. */
  numbers(eniIds: readonly string[]): number[] {
    const first = this.#first.map((_, number) => number);
    const declared = this.#interfaces?.names.length ?? this.#exchange.clock.interfaces;
    const foreseen = this.isForeseen ? eniIds.map(interfaceOfEni).filter((number) => number !== undefined) : [];
    const interfaces = new Set([...Array.from({ length: declared }, (_, number) => number), ...foreseen]);
    const ofInterfaces = [...interfaces].map((number) => this.#first.length + number);
    return [...first, ...ofInterfaces, ...this.#later.keys()].sort((a, b) => a - b);
  }

  /** Undefined: none of those that there are by now has this id. */
  numberOf(eniId: string): number | undefined {
    for (let number = 0; number < this.count; number++) if (this.eni(number).eniId === eniId) return number;
    return undefined;
  }

  /** Numbers of the ENIs whose traffic a live interface has, besides those that an address or a MAC names. */
  ofInterface(name: string): number[] {
    const { eniOfAll, eniOfInterface: named } = this.#locality.native;
    if (eniOfAll >= 0) return [eniOfAll];
    const own = named.filter((at) => at.interface === name).map((at) => at.eni);
    if (own.length > 0) return own;
    if (this.named().length > 0) return [];
    const number = this.#interfaces?.names.indexOf(name) ?? -1;
    return number < 0 ? [] : [this.#first.length + number];
  }

  /** Numbers of the ENIs that an address or a MAC names. */
  named(): readonly number[] {
    return this.#locality.named;
  }

  /** The same of all that were named between two times, in seconds since the epoch. */
  namedBetween(from: number, to: number): readonly number[] {
    const held = this.#named.filter((one, i) => one.from < to && (this.#named[i + 1]?.from ?? Infinity) > from);
    return [...new Set(held.flatMap(({ named }) => named))];
  }
}
