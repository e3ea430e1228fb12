// Elastic network interfaces: which of them a packet's ends are, and what an interface's own is called.
import type { EniItem, NetworkFile } from '../cloud/network_file.ts';
import { formatIp, parseIp } from './address.ts';
import { NetworkEnis } from './network_enis.ts';

export class Enis {
  /** True where ENIs are known by address or MAC: then a packet of none of them is not local. */
  readonly known: boolean;
  /** Undefined: there is none. */
  readonly network: NetworkEnis | undefined;
  /** Those whose traffic may come at any interface. */
  readonly #anywhere: readonly string[];
  readonly #byAddress = new Map<string, string>();
  readonly #byMac = new Map<string, string>();
  readonly #byInterface = new Map<string, string>();
  /** What the first declaration of each interface number says. */
  readonly #names = new Map<number, string | undefined>();
  /** Those that are named, as given, and then the interfaces'. */
  readonly #ranks = new Map<string, number>();
  readonly #named: number;
  #forAll: string | undefined;

  constructor(values: readonly string[], file?: NetworkFile) {
    this.network = file && new NetworkEnis(file);
    for (const eni of this.network?.all ?? []) {
      this.#ranks.set(eni.id, this.#ranks.size);
      if (eni.interface !== undefined) this.#byInterface.set(eni.interface, eni.id);
      // The frames of middle boxes have addresses of others; all other ENIs are known by their own.
      else if (eni.box !== undefined) for (const mac of eni.macs ?? []) this.#name(eni.id, mac);
    }
    for (const value of values) {
      const equals = value.indexOf('=');
      const id = equals < 0 ? value : value.slice(0, equals);
      if (!this.#ranks.has(id)) this.#ranks.set(id, this.#ranks.size);
      if (equals < 0) this.#forAll = id;
      else this.#name(id, value.slice(equals + 1));
    }
    this.#named = this.#ranks.size;
    this.known = this.network !== undefined || this.#byAddress.size + this.#byMac.size > 0;
    const unbound = this.network?.all.filter((eni) => eni.interface === undefined).map(({ id }) => id);
    this.#anywhere = unbound ?? [...this.#byAddress.values(), ...this.#byMac.values()];
  }

  #name(id: string, what: string): void {
    const mac = what.toLowerCase().replaceAll(/[:-]/g, '');
    const bits = parseIp(what);
    if (/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(what)) this.#byMac.set(mac, id);
    else if (bits !== undefined) this.#byAddress.set(formatIp(bytesOf(bits)), id);
    else this.#byInterface.set(what, id);
  }

  ofAddress(address: string): string | undefined {
    return this.#byAddress.get(address);
  }

  ofMac(mac: string | undefined): string | undefined {
    return mac === undefined ? undefined : this.#byMac.get(mac);
  }

  ofInterface(number: number): string {
    return this.#namedAt(number) ?? this.#forAll ?? `eni-if${number}`;
  }

  #namedAt(number: number): string | undefined {
    const name = this.#names.get(number);
    const named = name === undefined ? undefined : this.#byInterface.get(name);
    return named ?? this.#byInterface.get(String(number));
  }

  /** A number is one interface in every section and file: its first declaration names it. */
  declare(number: number, name: string | undefined): void {
    if (this.#names.has(number)) return;
    this.#names.set(number, name);
    const eni = this.ofInterface(number);
    if (!this.#ranks.has(eni)) this.#ranks.set(eni, this.#named + number);
  }

  /** The network's ENI of an interface that is one; undefined: it is none. */
  boundTo(number: number): EniItem | undefined {
    const id = this.#namedAt(number);
    return id === undefined ? undefined : this.network?.all[this.network.numberOf(id)];
  }

  /** All ENIs, in their order: the known ones, else the declared interfaces'. */
  all(): string[] {
    if (this.#anywhere.length > 0) return this.inOrder(this.#anywhere);
    return this.inOrder([...this.#names.keys()].map((number) => this.ofInterface(number)));
  }

  /** Those of which packets that were dropped at an interface may have been. */
  droppedAt(number: number): string[] {
    return this.#anywhere.length > 0 ? this.all() : [this.ofInterface(number)];
  }

  /** Each once: those that are named as given, then those of interfaces by number. */
  inOrder(enis: Iterable<string>): string[] {
    return [...new Set(enis)].sort((one, other) => this.#ranks.get(one)! - this.#ranks.get(other)!);
  }
}

function bytesOf(bits: string): Uint8Array {
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}
