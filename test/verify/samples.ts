// Packets whose own layers do not matter to a test, and packets that the capture cut short.
import * as p from '../packets.ts';

export const UDP = p.udp({}, p.bytes(0));
export const V4 = p.ipv4({}, UDP);
export const V6 = p.ipv6({}, UDP);

/** How an entry of a packet starts: its flow. */
export const FLOW_V4 = '10.0.0.1:40000 > 192.0.2.1:53 17';
export const FLOW_V6 = 'fd00::1:40000 > 2001:db8::1:53 17';

/** IPv4 and UDP on Ethernet. */
export function plain(sport = 40000): p.Bytes {
  return p.ethernet({}, p.ipv4({}, p.udp({ sport }, p.bytes(0))));
}

/** The record of a packet of which the capture has only the first bytes. */
export function cut(frame: Uint8Array, captured: number, wireLength = frame.length): p.PcapRecord {
  return { data: frame.subarray(0, captured), wireLength };
}
