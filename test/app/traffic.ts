// A capture of several ENIs with as many entries as a test wants, and how it is replayed.
import * as p from '../packets.ts';

export interface TrafficFields {
  readonly entries: number;
  /** Of a minute each. */
  readonly windows?: number;
  /** The same gives the same capture, another one has no entry of it. */
  readonly seed?: number;
}

/** The start of a minute. */
export const BEGIN = 1_000_020;
export const ENIS = ['eni-red', 'eni-green', 'eni-blue', 'eni-white'] as const;
/** Options of every replay of it. */
export const COUNTING = ['--window', '60', '--eni', ENIS.map((eni, n) => `${eni}=10.0.0.${n + 1}`).join(',')];

const WINDOW_SECONDS = 60;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;

/** A packet is an entry here; each ENI has as many in each window. */
export function traffic({ entries, windows = 1, seed = 0 }: TrafficFields): p.Bytes {
  const packet = p.ethernet({}, p.ipv4({}, p.udp({})));
  const record = RECORD_HEADER + packet.length;
  const file = p.pcap([]);
  const capture = new Uint8Array(file.length + entries * record);
  capture.set(file);
  const view = new DataView(capture.buffer);
  for (let n = 0; n < entries; n++) {
    const at = FILE_HEADER + n * record;
    const ip = at + RECORD_HEADER + 14;
    view.setUint32(at, BEGIN + Math.floor((n * windows) / entries) * WINDOW_SECONDS, true);
    view.setUint32(at + 4, n % 1_000_000, true);
    view.setUint32(at + 8, packet.length, true);
    view.setUint32(at + 12, packet.length, true);
    capture.set(packet, at + RECORD_HEADER);
    capture.set([10, 0, 0, 1 + (n % ENIS.length)], ip + 12);
    capture.set([192, 0, seed, n >>> 16], ip + 16);
    view.setUint16(ip + 20, n & 0xffff);
  }
  return capture;
}
