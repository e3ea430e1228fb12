// The books of a replay: what was seen, what is in entries, what is not and why.
import type { NativeBooks, NativeState } from '../base/addon_types.ts';
import { WindrowError } from '../base/errors.ts';
import { DIRECTION_RULES } from '../cloud/locality.ts';

/** Why a packet is in no entry; in the order of `Reason` in native-bindings/packet.h, which starts with none. */
export const EXCLUSIONS = [
  'not_ip',
  'malformed',
  'truncated',
  'multicast',
  'broadcast',
  'not_local',
  'unsupported_link_type',
] as const;

export type Exclusion = (typeof EXCLUSIONS)[number];
type Excluded = Readonly<Record<Exclusion, number>>;

/** What each reason means, for reports and the documentation. */
export const EXCLUSION_DOCS: Readonly<Record<Exclusion, string>> = {
  not_ip: 'no IP header in the frame',
  malformed: 'an IP header that cannot be trusted',
  truncated: 'the capture ends inside the headers',
  multicast: 'multicast destination',
  broadcast: 'broadcast destination',
  not_local: 'of no named ENI',
  unsupported_link_type: 'from an interface whose link type is not read',
};

export interface Books {
  readonly seen: number;
  readonly logged: number;
  readonly excluded: Excluded;
}

export interface InterfaceBooks {
  readonly number: number;
  readonly name: string;
  readonly linkType: string;
  readonly eniId: string;
  readonly packets: { readonly seen: number; readonly excluded: Excluded };
  readonly bytes: { readonly seen: number; readonly excluded: Excluded };
  /** Packets that the capturing host reported as lost. */
  readonly dropped: number;
}

export interface EntryCounts {
  ok: number;
  nodata: number;
  skipdata: number;
  /** Of windows that were closed already. */
  supplementary: number;
}

export interface Accounting {
  readonly packets: Books;
  readonly bytes: Books;
  readonly entries: EntryCounts;
  /** Logged packets by the rule that told their direction. */
  readonly direction: Readonly<Record<string, number>>;
  readonly interfaces: readonly InterfaceBooks[];
  /**
   * Packets and bytes that the firewall told of as rejected, and that the rings had not shown; less where super-frames were
   * rejected as smaller packets than they were seen as. `seen + unseen = logged + excluded`.
   */
  readonly unseen: Readonly<Logged>;
  /** Entries that were closed early because the table reached its budget of flows. */
  readonly closedEarly: number;
  /** With flow logs: what none of them asked for, twins among it. Its packets are logged ones. */
  readonly uncollected?: Readonly<Uncollected>;
  /** Inputs that were not read to their end. */
  readonly incomplete: readonly { readonly input: string; readonly damage: string; readonly message: string }[];
}

/** Entries that no flow log took. */
export interface Uncollected {
  entries: number;
  packets: number;
  bytes: number;
}

/** Packets and bytes that left in entries. */
export interface Logged {
  packets: number;
  bytes: number;
}

/** Puts the books together, as the core counted packets in and the encoder counted entries out. */
export function keepBooks(
  state: NativeState,
  logged: Logged,
  entries: EntryCounts,
  closedEarly: number,
  uncollected: Accounting['uncollected'],
  incomplete: Accounting['incomplete'],
  eniIdOf: (eni: number) => string,
  linkTypeName: (linkType: number) => string,
): Accounting {
  const all = [...state.interfaces, state.gone];
  const sum = (of: (i: NativeBooks) => number): number => all.reduce((n, i) => n + of(i), 0);
  const excluded = (of: (i: NativeBooks) => readonly number[]): Excluded =>
    byReason((reason) => sum((i) => of(i)[reason]));
  return {
    packets: { seen: sum((i) => i.packets), logged: logged.packets, excluded: excluded((i) => i.excludedPackets) },
    bytes: { seen: sum((i) => i.bytes), logged: logged.bytes, excluded: excluded((i) => i.excludedBytes) },
    entries,
    direction: Object.fromEntries(DIRECTION_RULES.map((rule, i) => [rule, state.rulePackets[i]])),
    interfaces: state.interfaces.map((i) => ({
      number: i.number,
      name: i.name,
      linkType: linkTypeName(i.linkType),
      eniId: eniIdOf(i.eni),
      packets: { seen: i.packets, excluded: byReason((reason) => i.excludedPackets[reason]) },
      bytes: { seen: i.bytes, excluded: byReason((reason) => i.excludedBytes[reason]) },
      dropped: i.dropped,
    })),
    unseen: state.unseen,
    closedEarly,
    ...(uncollected && { uncollected }),
    incomplete,
  };
}

function byReason(count: (reason: number) => number): Excluded {
  return Object.fromEntries(EXCLUSIONS.map((name, i) => [name, count(i + 1)])) as Excluded;
}

/** seen + unseen = logged + excluded, or the log is not what it claims to be. Throws UNBALANCED. */
export function checkBalance(accounting: Accounting): void {
  for (const unit of ['packets', 'bytes'] as const) {
    const { seen, logged, excluded } = accounting[unit];
    const out = Object.values(excluded).reduce((a, b) => a + b, 0);
    const unseen = accounting.unseen[unit];
    if (seen + unseen !== logged + out) {
      throw new WindrowError(
        'UNBALANCED',
        `the books do not balance: ${seen + unseen} ${unit} seen, ${logged} logged and ${out} excluded; the entries cannot be trusted: please report this with the capture`,
      );
    }
  }
}
