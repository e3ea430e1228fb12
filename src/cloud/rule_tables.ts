// Rules as the native side takes them: lists of groups and ACLs, in each what a packet is compared with, in order.
import { ACL_DEFAULT, SAME_GROUP } from './group_reader.ts';
import type { NetworkModel, Rule } from './network_model.ts';
import { PrefixTable } from './prefix_table.ts';

export const NONE = 0xffffffff;

export interface RuleTables {
  /** Of rules, by the numbers that judgements give; 0 is that of none. */
  readonly names: string[];
  readonly defaultIn: number;
  readonly defaultOut: number;
  readonly lists: number;
  readonly groups: readonly number[];
  readonly acls: readonly number[];
  readonly rules: readonly number[];
  readonly ipv4: MatchList;
  readonly ipv6: MatchList;
  readonly peers: PeerList;
}

export function listRules(model: NetworkModel): RuleTables {
  const writer = new RuleWriter();
  const names = (name: string): number => writer.name(name);
  const [defaultIn, defaultOut] = [names('default-in'), names('default-out')];
  const groups = model.groups.flatMap(({ id, rules, isAcceptingSame }) => {
    // The lower number first, and what drops before what accepts; the rest as they stand in the file.
    const inOrder = rules.toSorted((a, b) => rankOf(a) - rankOf(b));
    const inbound = writer.list(
      inOrder.filter(({ isInbound }) => isInbound),
      rankOf,
    );
    const outbound = writer.list(
      inOrder.filter(({ isInbound }) => !isInbound),
      rankOf,
    );
    return [inbound, outbound, isAcceptingSame ? names(`${id}/${SAME_GROUP}`) : NONE];
  });
  const acls = model.acls.flatMap((acl) => {
    const lists = [writer.list(acl.in, () => 0), writer.list(acl.out, () => 0)];
    return [...lists, names(`${acl.id}/in/${ACL_DEFAULT}`), names(`${acl.id}/out/${ACL_DEFAULT}`)];
  });
  return { defaultIn, defaultOut, groups, acls, ...writer.end() };
}

function rankOf({ priority, isAccepting }: { readonly priority: number; readonly isAccepting: boolean }): number {
  return priority * 2 + (isAccepting ? 1 : 0);
}

/** List, first and last service, and rule, of prefixes. */
export class MatchList {
  readonly cells: number[] = [];
  readonly prefixes: PrefixTable;

  constructor(family: 4 | 6) {
    this.prefixes = new PrefixTable(family);
  }
}

/** The same of groups. */
export class PeerList {
  readonly cells: number[] = [];
  readonly groups: number[] = [];
}

class RuleWriter {
  readonly #names = ['-'];
  readonly #rules: number[] = [];
  readonly #ipv4 = new MatchList(4);
  readonly #ipv6 = new MatchList(6);
  readonly #peers = new PeerList();
  #lists = 0;

  name(text: string): number {
    return this.#names.push(text) - 1;
  }

  /** The number of a new list. */
  list<One extends Rule>(rules: readonly One[], rank: (rule: One) => number): number {
    const list = this.#lists++;
    for (const rule of rules) this.#write(list, rule, rank(rule));
    return list;
  }

  end(): Pick<RuleTables, 'names' | 'lists' | 'rules' | 'ipv4' | 'ipv6' | 'peers'> {
    return {
      names: this.#names,
      lists: this.#lists,
      rules: this.#rules,
      ipv4: this.#ipv4,
      ipv6: this.#ipv6,
      peers: this.#peers,
    };
  }

  #write(list: number, rule: Rule, rank: number): void {
    const number = this.#rules.length / 3;
    this.#rules.push(rule.isAccepting ? 1 : 0, rank, this.name(rule.name));
    for (const { first, last } of rule.services) {
      if (rule.group >= 0) {
        this.#peers.cells.push(list, first, last, number);
        this.#peers.groups.push(rule.group);
      }
      for (const prefix of rule.prefixes) {
        const into = prefix.family === 4 ? this.#ipv4 : this.#ipv6;
        into.cells.push(list, first, last, number);
        into.prefixes.push(prefix, 0);
      }
    }
  }
}
