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
  readonly #locality: Locality;
  readonly #interfaces: InterfaceNames | undefined;

  /**
   * `interfaces` are live ones; others come, and have the numbers of those that are gone. Interfaces of captures have no name
   * that would be the same in every copy of the capture.
   */
  constructor(exchange: Exchange, locality: Locality, interfaces?: InterfaceNames) {
    this.#exchange = exchange;
    this.#locality = locality;
    this.#interfaces = interfaces;
  }

  /** How many there are by now: captures declare interfaces as they go. */
  get count(): number {
    return this.#locality.enis.length + (this.#interfaces?.names.length ?? this.#exchange.clock.interfaces);
  }

  /** Whether `eni` knows those that may yet come. */
  get isForeseen(): boolean {
    return this.#interfaces === undefined;
  }

  /** How often `eni` of a number became another. */
  get changes(): number {
    return this.#interfaces?.changes ?? 0;
  }

  /** Of any number. */
  eni(number: number): Eni {
    const named = this.#locality.enis[number];
    if (named) return named;
    const interfaceNumber = number - this.#locality.enis.length;
    const name = this.#interfaces?.names[interfaceNumber];
    return name === undefined ? eniOfInterface(interfaceNumber) : eniNamed(`eni-${name}`);
  }

  /** How many there are, or will be where one of these ids names an interface that a capture may yet declare. */
  countWith(eniIds: readonly string[]): number {
    if (!this.isForeseen) return this.count;
    const numbers = eniIds.map(interfaceOfEni).filter((number) => number !== undefined);
    return Math.max(this.count, this.#locality.enis.length + Math.max(-1, ...numbers) + 1);
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
    return number < 0 ? [] : [this.#locality.enis.length + number];
  }

  /** Numbers of the ENIs that an address or a MAC names. */
  named(): readonly number[] {
    return this.#locality.named;
  }
}
