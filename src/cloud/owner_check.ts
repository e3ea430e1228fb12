// Whose an address is, is clear: what two ENIs or HaVips have alike is found, in one pass over all addresses.
import type { Path } from '../base/yaml_document.ts';
import { BITS, formatPrefix } from './addresses.ts';
import type { Prefix } from './addresses.ts';
import type { EniModel, Havip, Owners } from './network_model.ts';
import type { Scope } from './network_scope.ts';
import { pathOf } from './owner_reader.ts';
import { eachNested } from './prefix_table.ts';
import type { PrefixTable } from './prefix_table.ts';

interface Attached {
  readonly enis: readonly EniModel[];
  readonly havips: readonly Havip[];
  /** Of ENIs: packets are known to be theirs by an interface or a VNI, whatever their addresses. */
  readonly isMarked: readonly boolean[];
}

/**
 * In a VPC an address is of one. Two VPCs may have the same addresses, if the ENIs can be told apart otherwise. Sorts the
 * tables.
 */
export function checkOwners(scope: Scope, owners: Owners, attached: Attached): void {
  for (const table of [owners.ipv4, owners.ipv6]) new OwnerCheck(scope, table, attached).run();
}

/** A public address is of one ENI, whatever its VPC. */
export function checkPublics(scope: Scope, publics: Owners, enis: readonly EniModel[]): void {
  for (const table of [publics.ipv4, publics.ipv6]) {
    table.sort();
    eachNested(table, {
      nested: (entry, [first]) => {
        const found = `${textOf(table, entry)} again, which ${enis[table.values[first]].id} has`;
        const path = pathOf(table.values[entry], table.items[entry]);
        scope.findings.add(path, 'a public address of one ENI', found, 'take one of them away');
      },
    });
  }
}

class OwnerCheck {
  readonly #scope: Scope;
  readonly #table: PrefixTable;
  readonly #attached: Attached;
  /** Of what holds the entry that is looked at: the last of each VPC, and how many have no mark. */
  readonly #ofVpc = new Map<number, number[]>();
  #unmarked: number[] = [];

  constructor(scope: Scope, table: PrefixTable, attached: Attached) {
    this.#scope = scope;
    this.#table = table;
    this.#attached = attached;
  }

  run(): void {
    this.#table.sort();
    eachNested(this.#table, {
      nested: (entry, holders) => this.#compare(entry, holders),
      enter: (entry) => this.#enter(entry),
      leave: (holder) => this.#leave(holder),
    });
  }

  #compare(entry: number, holders: readonly number[]): void {
    const { values, lengths } = this.#table;
    const same = this.#ofVpc.get(this.#vpcOf(entry))?.at(-1);
    if (same !== undefined) {
      const isOwn = values[same] === values[entry];
      // An address may be in a prefix of the same ENI.
      if (isOwn && lengths[same] !== lengths[entry]) return;
      this.#say(entry, same, [isOwn ? 'once' : 'of one ENI or HaVip', 'take one of them away']);
      return;
    }
    const other = this.#isMarked(entry) ? this.#unmarked.at(-1) : holders[holders.length - 1];
    if (other === undefined) return;
    const expected = 'that no other VPC has, unless each of the ENIs has an interface or a vni';
    this.#say(entry, other, [expected, 'give them an interface or a vni, or take one of them away']);
  }

  #say(entry: number, other: number, [which, hint]: readonly [string, string]): void {
    const [one, another] = [textOf(this.#table, entry), textOf(this.#table, other)];
    const found = `${one}, which ${one === another ? '' : `is in ${another}, which `}${this.#idOf(other)} has`;
    const what = this.#table.lengths[entry] === BITS[this.#table.family] ? 'an address' : 'a prefix';
    this.#scope.findings.add(this.#pathOf(entry), `${what} ${which}`, found, hint);
  }

  #enter(entry: number): void {
    const vpc = this.#vpcOf(entry);
    const known = this.#ofVpc.get(vpc);
    if (known) known.push(entry);
    else this.#ofVpc.set(vpc, [entry]);
    if (!this.#isMarked(entry)) this.#unmarked.push(entry);
  }

  #leave(entry: number): void {
    this.#ofVpc.get(this.#vpcOf(entry))!.pop();
    if (!this.#isMarked(entry)) this.#unmarked.pop();
  }

  #vpcOf(entry: number): number {
    const { enis, havips } = this.#attached;
    const value = this.#table.values[entry];
    return value < enis.length ? enis[value].vpc : havips[value - enis.length].vpc;
  }

  /** A HaVip gives packets to no ENI, whichever VPC it is of. */
  #isMarked(entry: number): boolean {
    const { enis, isMarked } = this.#attached;
    const value = this.#table.values[entry];
    return value >= enis.length || isMarked[value];
  }

  #idOf(entry: number): string {
    const { enis, havips } = this.#attached;
    const value = this.#table.values[entry];
    return value < enis.length ? enis[value].id : havips[value - enis.length].id;
  }

  #pathOf(entry: number): Path {
    const eniCount = this.#attached.enis.length;
    const value = this.#table.values[entry];
    if (value >= eniCount) return ['havips', value - eniCount, 'address'];
    return pathOf(value, this.#table.items[entry]);
  }
}

function textOf(table: PrefixTable, entry: number): string {
  const { stride, family } = table;
  const words = [...table.words.subarray(entry * stride, (entry + 1) * stride)];
  const prefix: Prefix = { family, words, length: table.lengths[entry] };
  return formatPrefix(prefix);
}
