// Numbers of ENIs and of rules that stay what they are while an agent runs and its network changes.
import { WindrowError } from '../base/errors.ts';
import type { NativeNetworkTables, NativePrefixes } from '../base/addon_network.ts';
import type { Eni, Locality } from './locality.ts';
import type { Network } from './network.ts';
import { localityOf } from './network_locality.ts';
import type { CompiledNetwork } from './network_tables.ts';
import { NONE } from './rule_tables.ts';

/** Cells of a row, and those of them that are names of rules: native-bindings/network_tables.h. */
const ENI_CELLS = 5;
const NAMES = { rules: [3, [2]], groups: [3, [2]], acls: [4, [2, 3]] } as const;
/** Of no ENI: nothing but that it has no marks. */
const NO_ENI = [NONE, NONE, 0, NONE, NONE];
/** As the native side numbers them. */
const MOST_NUMBERS = 1 << 22;

/** A network by the numbers of the first one. */
export interface Renumbered {
  readonly compiled: Pick<CompiledNetwork, 'tables'>;
  readonly locality: Omit<Locality, 'enis'>;
  /** By their numbers. */
  readonly enis: ReadonlyMap<number, Eni>;
}

export class NetworkNumbers {
  /** By all that their entries say of them: of an ENI that becomes another's, entries of both are under way. */
  readonly #enis = new Map<string, number>();
  readonly #rules = new Map<string, number>();
  readonly #ruleNames: string[];
  #next: number;

  /**
   * Of the first network, whose ENIs have the numbers of its file; those of interfaces follow, so many, and then ENIs that come
   * later. Its list of names of rules grows with the rules of others.
   */
  constructor({ enis, ruleNames }: Network, interfaces: number) {
    enis.forEach((eni, number) => this.#enis.set(keyOf(eni), number));
    this.#ruleNames = ruleNames;
    ruleNames.forEach((name, number) => this.#rules.set(name, number));
    this.#next = enis.length + interfaces;
  }

  /** Throws REFUSED where there are no numbers left. */
  renumber(network: Network, local: Locality['native']['local']): Renumbered {
    const numbers = network.enis.map((eni) => this.#numberOf(eni));
    const tables = this.#tablesOf(network, numbers);
    const { named, native } = localityOf(network, local);
    const renumbered = <One extends { readonly eni: number }>(ones: readonly One[]): One[] =>
      ones.map((one) => ({ ...one, eni: numbers[one.eni] }));
    return {
      compiled: { tables },
      locality: {
        named: named.map((eni) => numbers[eni]).sort((a, b) => a - b),
        native: {
          ...native,
          eniCount: tables.enis.length / ENI_CELLS,
          eniOfInterface: renumbered(native.eniOfInterface),
          eniOfMac: renumbered(native.eniOfMac),
        },
      },
      enis: new Map(network.enis.map((eni, i) => [numbers[i], eni])),
    };
  }

  #numberOf(eni: Eni): number {
    const key = keyOf(eni);
    let number = this.#enis.get(key);
    if (number === undefined) {
      if (this.#next === MOST_NUMBERS) {
        const message = `expected ${MOST_NUMBERS} ENIs at most since the agent began, found more: start it again`;
        throw new WindrowError('REFUSED', message);
      }
      this.#enis.set(key, (number = this.#next++));
    }
    return number;
  }

  #ruleOf(name: string): number {
    let number = this.#rules.get(name);
    if (number === undefined) this.#rules.set(name, (number = this.#ruleNames.push(name) - 1));
    return number;
  }

  #tablesOf({ tables, ruleNames }: Network, numbers: readonly number[]): NativeNetworkTables {
    const count = numbers.reduce((most, number) => Math.max(most, number + 1), 0);
    const enis = new Uint32Array(count * ENI_CELLS);
    for (let at = 0; at < enis.length; at += ENI_CELLS) enis.set(NO_ENI, at);
    numbers.forEach((number, i) =>
      enis.set(tables.enis.subarray(i * ENI_CELLS, (i + 1) * ENI_CELLS), number * ENI_CELLS),
    );
    // HaVips follow the ENIs.
    const owner = (value: number): number => numbers[value] ?? value - numbers.length + count;
    const owners = (prefixes: NativePrefixes): NativePrefixes => ({ ...prefixes, values: prefixes.values.map(owner) });
    const rules = ruleNames.map((name) => this.#ruleOf(name));
    const named = (table: keyof typeof NAMES): Uint32Array => {
      const [cells, places] = NAMES[table];
      const isName = (at: number): boolean => (places as readonly number[]).includes(at % cells);
      return tables[table].map((cell, at) => (isName(at) && cell !== NONE ? rules[cell] : cell));
    };
    return {
      ...tables,
      enis,
      owners4: owners(tables.owners4),
      owners6: owners(tables.owners6),
      own4: owners(tables.own4),
      own6: owners(tables.own6),
      rules: named('rules'),
      groups: named('groups'),
      acls: named('acls'),
      defaultIn: rules[tables.defaultIn],
      defaultOut: rules[tables.defaultOut],
      names: this.#ruleNames.length,
    };
  }
}

function keyOf({ eniId, accountId, vmId, vpcId, vswitchId }: Eni): string {
  return JSON.stringify([eniId, accountId, vmId, vpcId, vswitchId]);
}
