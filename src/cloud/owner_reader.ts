// Addresses of ENIs and HaVips, read into tables: there may be a million of them, so that none becomes an object.
import type { Path } from '../base/yaml_document.ts';
import { contains, formatPrefix, parseIpv4 } from './addresses.ts';
import type { Prefix } from './addresses.ts';
import type { EniItem, Loose } from './network_file.ts';
import type { Owners, Vswitch } from './network_model.ts';
import type { Scope } from './network_scope.ts';

export interface OwnerTables {
  /** By ENI, and the HaVips behind them. */
  readonly owners: Owners;
  /** Of middle boxes, by ENI. */
  readonly own: Owners;
  /** By ENI. */
  readonly publics: Owners;
}

/** The lists of an ENI that hold addresses; an item of a table says which, and where in it. */
export const LISTS = ['addresses', 'prefixes', 'public_addresses'] as const;

export function itemOf(list: (typeof LISTS)[number], at: number): number {
  return at * LISTS.length + LISTS.indexOf(list);
}

/** Where an item of an ENI stands. */
export function pathOf(eni: number, item: number): Path {
  return ['enis', eni, LISTS[item % LISTS.length], Math.floor(item / LISTS.length)];
}

export class OwnerReader {
  readonly #scope: Scope;
  readonly #tables: OwnerTables;
  readonly #vswitches: readonly Vswitch[];

  constructor(scope: Scope, tables: OwnerTables, vswitches: readonly Vswitch[]) {
    this.#scope = scope;
    this.#tables = tables;
    this.#vswitches = vswitches;
  }

  readEni(item: Loose<EniItem>, eni: number, vswitch: number): { hasPublicIpv4: boolean; hasPublicIpv6: boolean } {
    const { owners, own, publics } = this.#tables;
    // Whose vSwitch is not known, nothing is compared with.
    const into = vswitch < 0 ? [] : item.box === undefined ? [owners] : [owners, own];
    const inside = new Inside(this.#vswitches[vswitch]);
    const { findings } = this.#scope;
    item.addresses?.forEach((text, at) => {
      if (text === undefined) return;
      const ipv4 = parseIpv4(text);
      if (ipv4 >= 0 && inside.hasIpv4(ipv4)) {
        for (const { ipv4: table } of into) table.pushIpv4(ipv4, 32, eni, itemOf('addresses', at));
        return;
      }
      const path = (): Path => ['enis', eni, 'addresses', at];
      const address = findings.address(text, path);
      if (address && this.#mustBeInside(address, inside, path())) push(into, address, eni, itemOf('addresses', at));
    });
    item.prefixes?.forEach((text, at) => {
      const path = (): Path => ['enis', eni, 'prefixes', at];
      const prefix = findings.cidr(text, path);
      if (prefix && this.#mustBeInside(prefix, inside, path())) push(into, prefix, eni, itemOf('prefixes', at));
    });
    const has = { hasPublicIpv4: false, hasPublicIpv6: false };
    item.public_addresses?.forEach((text, at) => {
      const address = findings.address(text, () => ['enis', eni, 'public_addresses', at]);
      if (!address) return;
      push(item.box === undefined ? [publics] : [publics, own], address, eni, itemOf('public_addresses', at));
      if (address.family === 4) has.hasPublicIpv4 = true;
      else has.hasPublicIpv6 = true;
    });
    return has;
  }

  /** `boxes`: those of its ENIs that are middle boxes. */
  readHavip(
    text: string | undefined,
    {
      number,
      vswitch,
      boxes,
    }: { readonly number: number; readonly vswitch: number; readonly boxes: readonly number[] },
  ): void {
    const path: Path = ['havips', number, 'address'];
    const address = this.#scope.findings.address(text, () => path);
    if (!address || vswitch < 0 || !this.#mustBeInside(address, new Inside(this.#vswitches[vswitch]), path)) return;
    const { owners, own } = this.#tables;
    push([owners], address, (this.#scope.file.enis ?? []).length + number, 0);
    for (const eni of boxes) push([own], address, eni, 0);
  }

  #mustBeInside(prefix: Prefix, inside: Inside, path: Path): boolean {
    if (inside.has(prefix)) return true;
    const { id, cidrs } = inside.vswitch!;
    const what = path[2] === 'prefixes' ? 'a CIDR block' : 'an address';
    const expected = `${what} inside ${id} (${cidrs.map(formatPrefix).join(', ')})`;
    this.#scope.findings.add(path, expected, formatPrefix(prefix), 'correct it, or the cidrs of the vSwitch');
    return false;
  }
}

/** What a vSwitch has in it; all, where it is not known, which was said. */
class Inside {
  readonly vswitch: Vswitch | undefined;
  /** Firsts and lasts of its IPv4 blocks. */
  readonly #ipv4: readonly (readonly [number, number])[];

  constructor(vswitch: Vswitch | undefined) {
    this.vswitch = vswitch && vswitch.cidrs.length > 0 ? vswitch : undefined;
    const blocks = (vswitch?.cidrs ?? []).filter(({ family }) => family === 4);
    this.#ipv4 = blocks.map(({ words, length }) => [words[0], words[0] + 2 ** (32 - length) - 1]);
  }

  hasIpv4(address: number): boolean {
    for (const [first, last] of this.#ipv4) if (address >= first && address <= last) return true;
    return false;
  }

  has(prefix: Prefix): boolean {
    return this.vswitch?.cidrs.some((cidr) => contains(cidr, prefix)) ?? true;
  }
}

function push(into: readonly Owners[], prefix: Prefix, value: number, item: number): void {
  for (const { ipv4, ipv6 } of into) (prefix.family === 4 ? ipv4 : ipv6).push(prefix, value, item);
}
