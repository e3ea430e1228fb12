// The ENIs of a capture by their numbers: the named ones, then one for each interface.
import { eniOfInterface } from '../cloud/locality.ts';
import type { Eni, Locality } from '../cloud/locality.ts';
import type { Exchange } from '../flow/exchange.ts';

export class EniDirectory {
  readonly #exchange: Exchange;
  readonly #locality: Locality;

  constructor(exchange: Exchange, locality: Locality) {
    this.#exchange = exchange;
    this.#locality = locality;
  }

  /** How many there are by now: captures declare interfaces as they go. */
  get count(): number {
    return this.#locality.enis.length + this.#exchange.clock.interfaces;
  }

  /** Of any number, also of an interface that may yet come. */
  eni(number: number): Eni {
    return this.#locality.enis[number] ?? eniOfInterface(number - this.#locality.enis.length);
  }

  /** Numbers of the ENIs that an address or a MAC names. */
  named(): number[] {
    const { eniOfAddress, eniOfMac } = this.#locality.native;
    return [...new Set([...eniOfAddress, ...eniOfMac].map((named) => named.eni))].sort((a, b) => a - b);
  }
}
