// The numbers by which the native core counts live interfaces: one that is gone for good leaves its own to another.

/** The native core has no more. */
export const MOST_NUMBERS = 8192;

export class InterfaceNumbers {
  readonly #names: string[] = [];
  /** By number, in milliseconds of `clock`; not there while it is captured. */
  readonly #leftAt = new Map<number, number>();
  readonly #restMs: number;
  readonly #isTold: (number: number) => boolean;
  readonly #clock: () => number;
  #changes = 0;

  /** A number is another's once its interface has been gone for so long, and all that had its number `isTold`. */
  constructor(restMs: number, isTold: (number: number) => boolean, clock = () => performance.now()) {
    this.#restMs = restMs;
    this.#isTold = isTold;
    this.#clock = clock;
  }

  /** By number. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** How often a number got another name. */
  get changes(): number {
    return this.#changes;
  }

  /** The interface is captured from now on, by the number that it has had, if it still has it. Undefined: all are taken. */
  take(name: string): number | undefined {
    const known = this.#names.indexOf(name);
    const number = known >= 0 ? known : this.#free();
    if (number === undefined) return undefined;
    this.#leftAt.delete(number);
    if (known >= 0) return number;
    if (number < this.#names.length) this.#changes++;
    this.#names[number] = name;
    return number;
  }

  /** It is not captured any more. */
  leave(number: number): void {
    this.#leftAt.set(number, this.#clock());
  }

  #free(): number | undefined {
    const before = this.#clock() - this.#restMs;
    for (const [number, leftAt] of this.#leftAt) if (leftAt < before && this.#isTold(number)) return number;
    return this.#names.length < MOST_NUMBERS ? this.#names.length : undefined;
  }
}
