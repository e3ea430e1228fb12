// Bytes that look like records: what a packet may carry to lead a reader astray that looks for the next record in its middle.
import * as p from '../packets.ts';

/** A chain of records of a pcap file of these options, as if such a file went on here. */
export function forgedRecords(count: number, options: p.PcapOptions = {}, sec = 1_700_000_000): p.Bytes {
  const records = forged(count).map((data) => ({ data, sec }));
  return p.pcap(records, options).subarray(24);
}

/** A chain of enhanced packet blocks of interface 0, in microseconds. */
export function forgedBlocks(count: number, isBigEndian = false, sec = 1_700_000_000): p.Bytes {
  const order = p.byteOrder(isBigEndian);
  const units = BigInt(sec) * 1_000_000n;
  return p.bytes(...forged(count).map((data) => p.enhancedPacket({ data, units })(order)));
}

/** The same, and behind it a record that ends with what stands between such a payload and the next: it meets no sent one. */
export function endlessRecords(count: number, options: p.PcapOptions = {}, sec = 1_700_000_000): p.Bytes {
  const header = options.kind === 'modified' ? 24 : 16;
  const wireLength = header + HEADERS;
  const last = p.pcap([{ data: new Uint8Array(), sec, capturedLength: wireLength, wireLength }], options).subarray(24);
  return p.bytes(forgedRecords(count, options, sec), last);
}

/** Blocks of which the last ends behind the beginning of the next such payload: they meet no sent one. */
export function endlessBlocks(count: number, isBigEndian = false, sec = 1_700_000_000): p.Bytes {
  const order = p.byteOrder(isBigEndian);
  // Of the sent ones: the length behind this packet, what stands in front of the next, and what aligns its payload.
  const data = new Uint8Array(4 + 28 + HEADERS + 2);
  const block = p.enhancedPacket({ data, units: BigInt(sec) * 1_000_000n })(order);
  return p.bytes(new Uint8Array(2), block.subarray(-4), forgedBlocks(count, isBigEndian, sec), block.subarray(0, 28));
}

/** Bytes of the headers in front of the payload of a datagram in a frame. */
const HEADERS = 14 + 20 + 8;

/** Packets that nobody sent: wherever one is counted, an entry shows it. */
function forged(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) =>
    p.ethernet({}, p.ipv4({ src: FORGED, dst: `203.0.113.${i % 250}` }, p.udp({ sport: 666 }))),
  );
}

export const FORGED = '10.66.66.66';
