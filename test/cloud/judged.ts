// Entries judged by the native side, in words.
import { addon } from '../../src/base/addon.ts';
import type { NativeNetwork } from '../../src/base/addon_types.ts';
import type { Network } from '../../src/cloud/network.ts';
import { VERDICT_SOURCES } from '../../src/cloud/verdicts.ts';
import { Columns, DIRECTION } from '../../src/flowlog/columns.ts';
import { parseIp } from '../../src/verify/address.ts';
import type { JudgedEntry } from '../../src/verify/network.ts';

/** As the slow judge says it; `trafficPath` is -1 where nothing was judged. */
export interface Judged {
  readonly action: 'ACCEPT' | 'REJECT';
  readonly source: (typeof VERDICT_SOURCES)[number];
  readonly rule: string;
  readonly trafficPath: number;
}

export function judge(network: Network, entries: readonly JudgedEntry[], native = nativeOf(network)): Judged[] {
  const columns = new Columns(Math.max(Math.ceil(entries.length / 8) * 8, 8));
  const opened = Uint8Array.from(entries, ({ isOpenedByReceiver }) => (isOpenedByReceiver ? 1 : 0));
  const [sources, rules] = [new Uint8Array(entries.length), new Uint32Array(entries.length)];
  entries.forEach((entry, row) => put(columns, row, entry));
  addon.network_judge(native, columns.buffer, columns.capacity, entries.length, opened, sources, rules);
  return entries.map((_, row) => ({
    action: columns.action[row] === 0 ? 'ACCEPT' : 'REJECT',
    source: VERDICT_SOURCES[sources[row]],
    rule: network.ruleNames[rules[row]],
    trafficPath: columns.trafficPath[row],
  }));
}

export function nativeOf({ tables }: Network): NativeNetwork {
  return addon.network_new(tables);
}

export function put(columns: Columns, row: number, entry: JudgedEntry): void {
  columns.eni[row] = entry.eni;
  columns.direction[row] = DIRECTION[entry.direction];
  columns.srcaddr.set(bytesOf(entry.srcaddr), row * 16);
  columns.dstaddr.set(bytesOf(entry.dstaddr), row * 16);
  columns.srcport[row] = entry.srcport;
  columns.dstport[row] = entry.dstport;
  columns.protocol[row] = entry.protocol;
  columns.family[row] = entry.srcaddr.includes(':') ? 6 : 4;
  columns.trafficPath[row] = -1;
}

const known = new Map<string, Uint8Array>();

export function bytesOf(address: string): Uint8Array {
  let bytes = known.get(address);
  if (!bytes) {
    const bits = parseIp(address)!;
    bytes = Uint8Array.from({ length: bits.length / 8 }, (_, i) => Number.parseInt(bits.slice(i * 8, i * 8 + 8), 2));
    known.set(address, bytes);
  }
  return bytes;
}
