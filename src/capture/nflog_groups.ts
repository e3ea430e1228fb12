// Groups of the kernel's packet log (NFLOG), by which the firewall tells what became of packets.
import { WindrowError } from '../base/errors.ts';

export const NFLOG_ACTIONS = ['ACCEPT', 'REJECT'] as const;
export type NflogAction = (typeof NFLOG_ACTIONS)[number];

export interface NflogGroup {
  /** 0 to 65535, as rules name it. */
  readonly group: number;
  /** What became of all of its packets; undefined: the prefix of a rule says so, which begins with `ACCEPT:` or `REJECT:`. */
  readonly action: NflogAction | undefined;
}

const MOST_GROUP = 65_535;

/** Reads `GROUP` or `GROUP=ACTION`. Throws USAGE. */
export function readNflogGroup(text: string): NflogGroup {
  const [, digits, action] = /^([0-9]{1,5})(?:=(accept|reject))?$/i.exec(text) ?? [];
  const group = Number(digits);
  if (digits === undefined || group > MOST_GROUP) {
    const expected = `expected GROUP, GROUP=ACCEPT or GROUP=REJECT, with a group from 0 to ${MOST_GROUP}`;
    throw new WindrowError('USAGE', `--nflog ${text}: ${expected}`);
  }
  return { group, action: action?.toUpperCase() as NflogAction | undefined };
}
