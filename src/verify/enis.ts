// Elastic network interfaces: which of them a packet's ends are, and what an interface's own is called.
import { formatIp, parseIp } from './address.ts';

export class Enis {
  /** True where ENIs are known by address or MAC: then a packet of none of them is not local. */
  readonly known: boolean;
  readonly #byAddress = new Map<string, string>();
  readonly #byMac = new Map<string, string>();
  readonly #byInterface = new Map<string, string>();
  /** What the first declaration of each interface number says. */
  readonly #names = new Map<number, string | undefined>();
  #forAll: string | undefined;

  constructor(values: readonly string[]) {
    for (const value of values) {
      const equals = value.indexOf('=');
      if (equals < 0) this.#forAll = value;
      else this.#name(value.slice(0, equals), value.slice(equals + 1));
    }
    this.known = this.#byAddress.size + this.#byMac.size > 0;
  }

  #name(id: string, what: string): void {
    const mac = what.toLowerCase().replaceAll(/[:-]/g, '');
    const bits = parseIp(what);
    if (/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(what)) this.#byMac.set(mac, id);
    else if (bits !== undefined) this.#byAddress.set(formatIp(bytesOf(bits)), id);
    else this.#byInterface.set(what, id);
  }

  at(address: string, mac: string | undefined): string | undefined {
    return this.#byAddress.get(address) ?? (mac === undefined ? undefined : this.#byMac.get(mac));
  }

  ofInterface(number: number): string {
    const name = this.#names.get(number);
    const named = name === undefined ? undefined : this.#byInterface.get(name);
    return named ?? this.#byInterface.get(String(number)) ?? this.#forAll ?? `eni-if${number}`;
  }

  /** A number is one interface in every section and file: its first declaration names it. */
  declare(number: number, name: string | undefined): void {
    if (!this.#names.has(number)) this.#names.set(number, name);
  }

  /** All ENIs: the known ones as given, else the declared interfaces' by number. */
  all(): string[] {
    if (this.known) return [...new Set([...this.#byAddress.values(), ...this.#byMac.values()])];
    const numbers = [...this.#names.keys()].sort((one, other) => one - other);
    return [...new Set(numbers.map((number) => this.ofInterface(number)))];
  }
}

function bytesOf(bits: string): Uint8Array {
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}
