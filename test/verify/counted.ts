// Counting in tests: short options, and entries as lines that a test can spell out.
import { countBytes, type Model } from '../../src/verify/model.ts';
import { type CountOptions, DEFAULT_OPTIONS } from '../../src/verify/options.ts';
import { NetworkEnis } from '../../src/verify/network_enis.ts';
import type { Entry, Gap } from '../../src/verify/windows.ts';
import { type PcapOptions, pcap } from '../packets.ts';

export const OPTIONS: CountOptions = { ...DEFAULT_OPTIONS, windowSeconds: 60 };

export function count(bytes: Uint8Array, options: Partial<CountOptions> = {}): Promise<Model> {
  return countBytes(bytes, { ...OPTIONS, ...options });
}

export function countFrames(
  frames: Uint8Array[],
  file: PcapOptions = {},
  options: Partial<CountOptions> = {},
): Promise<Model> {
  return count(
    pcap(
      frames.map((data) => ({ data })),
      file,
    ),
    options,
  );
}

/** "src:sport > dst:dport protocol packets/bytes" */
export function flowOf({ src, sport, dst, dport, protocol, packets, bytes }: Entry): string {
  return `${src}:${sport} > ${dst}:${dport} ${protocol} ${packets}/${bytes}`;
}

export function flows(model: Model): string[] {
  return model.ordered.map(flowOf);
}

export function reasons(model: Model): Record<string, number> {
  return Object.fromEntries(model.packets.excluded);
}

/** An entry as its line in a file. `enis` are those of a network. */
export function lineOf(entry: Entry, enis?: NetworkEnis): string {
  return line({
    ...enis?.fieldsOf(entry.eni),
    action: entry.action,
    traffic_path: entry.trafficPath?.toString() ?? '-',
    bytes: String(entry.bytes),
    direction: entry.direction,
    dstaddr: entry.dst,
    dstport: entry.dport,
    end: String(entry.end),
    'eni-id': entry.eni,
    'log-status': 'OK',
    packets: String(entry.packets),
    protocol: String(entry.protocol),
    srcaddr: entry.src,
    srcport: entry.sport,
    start: String(entry.start),
    'tcp-flags': entry.protocol === 6 ? String(entry.flags) : '-',
    type: entry.version === 4 ? 'IPv4' : 'IPv6',
  });
}

export function gapLine({ status, eni, start, end }: Gap, enis?: NetworkEnis): string {
  return line({ ...enis?.fieldsOf(eni), 'eni-id': eni, 'log-status': status, start: String(start), end: String(end) });
}

/** Every line in its order: "status eni start". */
export function outline(model: Model): string[] {
  return model.written.map(({ status, eni, start }) => `${status} ${eni} ${start}`);
}

/** Every line that a replay writes, byte by byte and in its order. */
export function linesOf(model: Model, { networkFile }: Partial<CountOptions> = {}): string[] {
  const enis = networkFile && new NetworkEnis(networkFile);
  return model.written.map((one) => (one.status === 'OK' ? lineOf(one, enis) : gapLine(one, enis)));
}

function line(fields: Record<string, string>): string {
  const keys =
    'account-id action bytes direction dstaddr dstport end eni-id log-status packets protocol srcaddr srcport start tcp-flags traffic_path type version vm-id vpc-id vswitch-id';
  return JSON.stringify(
    Object.fromEntries(keys.split(' ').map((key) => [key, key === 'version' ? '1' : (fields[key] ?? '-')])),
  );
}
