// Captures with a head: as many records of nothing as are read first, as one chunk, and behind them what a test is about.
import * as p from '../packets.ts';

/** So many records are one chunk, whatever the size of the others: they decide what a capture shows. */
export const HEAD_RECORDS = 10_000;
export const START = 1_700_000_000;

const EMPTY: p.PcapRecord = { sec: START, data: new Uint8Array() };

export function headedPcap(records: readonly p.PcapRecord[], options: p.PcapOptions = {}): Uint8Array {
  return p.pcap([...Array<p.PcapRecord>(HEAD_RECORDS).fill(EMPTY), ...records], options);
}

/** One section of one interface. */
export function headedPcapng(blocks: readonly p.Block[], isBigEndian = false): Uint8Array {
  const head = Array<p.Block>(HEAD_RECORDS).fill(enhanced(EMPTY));
  return p.section([p.interfaceBlock(), ...head, ...blocks], { isBigEndian });
}

/** Of an interface that counts microseconds. */
export const units = (sec: number): bigint => BigInt(sec) * 1_000_000n;

export function enhanced({ sec = START, data }: p.PcapRecord, fields: Partial<p.PacketFields> = {}): p.Block {
  return p.enhancedPacket({ units: units(sec), data, ...fields });
}

export function datagram(sport: number, size = 60, src = '10.0.0.1'): Uint8Array {
  return p.ethernet({}, p.ipv4({ src }, p.udp({ sport }, new Uint8Array(size))));
}

/** Ordinary packets, which begin so many seconds after the start. */
export function ordinary(count: number, after = 0): p.PcapRecord[] {
  return Array.from({ length: count }, (_, i) => ({ sec: START + after + (i >> 4), data: datagram(i % 50) }));
}
