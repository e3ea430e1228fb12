// One entry and what is said of it, by the native judge and by the slow one, who have to agree.
import { expect } from 'vitest';
import { readNetwork } from '../../src/cloud/network.ts';
import { NetworkModel } from '../../src/verify/network.ts';
import type { JudgedEntry } from '../../src/verify/network.ts';
import { judge } from './judged.ts';
import type { Judged } from './judged.ts';

/** A request over TCP to port 80 that comes in at the first ENI, unless it says otherwise. */
export function entry(fields: Partial<JudgedEntry> = {}): JudgedEntry {
  const ends = { srcaddr: '8.8.8.8', dstaddr: '10.0.1.1', srcport: 40_000, dstport: 80 };
  return { eni: 0, direction: 'in', ...ends, protocol: 6, isOpenedByReceiver: false, ...fields };
}

/** The other direction of the same connection. */
export function answerTo({
  srcaddr,
  dstaddr,
  srcport,
  dstport,
  direction,
  isOpenedByReceiver,
  ...same
}: JudgedEntry): JudgedEntry {
  const swapped = { srcaddr: dstaddr, dstaddr: srcaddr, srcport: dstport, dstport: srcport };
  return { ...same, ...swapped, direction: direction === 'in' ? 'out' : 'in', isOpenedByReceiver: !isOpenedByReceiver };
}

export function judgementOf(yaml: string, of: JudgedEntry): Judged {
  const network = readNetwork('n.yaml', yaml);
  const [found] = judge(network, [of]);
  const slow = new NetworkModel(network.file).judge(of);
  if (slow) expect(found).toEqual(slow);
  return found;
}

/** As `ACCEPT security-group sg-a/r1`. */
export function verdictOf(yaml: string, of: JudgedEntry): string {
  const { action, source, rule } = judgementOf(yaml, of);
  return `${action} ${source} ${rule}`;
}

export function pathOf(yaml: string, of: JudgedEntry): number {
  return judgementOf(yaml, of).trafficPath;
}
