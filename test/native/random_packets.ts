// Random IP packets: headers from a grammar, few addresses and ports so that flows meet, tunnels, and headers that lie.
import fc from 'fast-check';
import * as p from '../packets.ts';

const V4 = ['10.0.0.1', '10.0.0.2', '192.0.2.1', '192.0.2.9', '198.51.100.7'];
const V4_GROUPS = ['224.0.0.251', '255.255.255.255', '10.0.0.255'];
const V6 = ['fd00::1', '2001:db8::1', '2001:db8::2', 'fe80::1', '::1'];
const V6_GROUPS = ['ff02::1', 'ff05::2'];
const PORTS = [0, 53, 443, 40000, 65535];
const UDP_TUNNELS = [4789, 8472, 4790, 6081, 2152, 3544, 1701, 6635];

export const one = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
/** Mostly the first, sometimes one of the others. */
export const mostly = <T>(usual: fc.Arbitrary<T>, ...others: fc.Arbitrary<T>[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 8, arbitrary: usual }, ...others.map((arbitrary) => ({ weight: 1, arbitrary })));
const payload = fc.uint8Array({ maxLength: 24 }).map((data) => Uint8Array.from(data));
const ports = fc.record({ sport: one(PORTS), dport: one(PORTS) });

interface Inner {
  readonly protocol: number;
  readonly data: Uint8Array;
}

const tcpFlags = mostly(one([2, 18, 16, 24, 17, 4, 20]), fc.integer({ min: 0, max: 255 }));
const tcp: fc.Arbitrary<Inner> = fc
  .tuple(ports, tcpFlags, payload)
  .map(([ends, flags, data]) => ({ protocol: 6, data: p.tcp({ ...ends, flags }, data) }));
const udp: fc.Arbitrary<Inner> = fc
  .tuple(ports, payload)
  .map(([ends, data]) => ({ protocol: 17, data: p.udp(ends, data) }));
const ported: fc.Arbitrary<Inner> = fc
  .tuple(one([33, 132, 136]), ports, payload)
  .map(([protocol, ends, data]) => ({ protocol, data: p.ported(ends, data) }));
const portless: fc.Arbitrary<Inner> = fc
  .tuple(one([1, 2, 50, 51, 58, 59, 89, 135, 253]), payload)
  .map(([protocol, data]) => ({ protocol, data }));

/** IP packets; `depth` more may be inside. */
export function ip(depth: number): fc.Arbitrary<Uint8Array> {
  return fc.oneof({ weight: 3, arbitrary: ipv4(depth) }, { weight: 2, arbitrary: ipv6(depth) });
}

function carried(depth: number): fc.Arbitrary<Inner> {
  const plain = [
    { weight: 5, arbitrary: tcp },
    { weight: 3, arbitrary: udp },
    { weight: 1, arbitrary: ported },
    { weight: 1, arbitrary: portless },
  ];
  return depth === 0 ? fc.oneof(...plain) : fc.oneof(...plain, { weight: 2, arbitrary: tunnel(depth - 1) });
}

function tunnel(depth: number): fc.Arbitrary<Inner> {
  const inside = ip(depth);
  const frame = inside.map((packet) => p.ethernet({ type: typeOf(packet) }, packet));
  const byUdp = (port: number, data: Uint8Array): Inner => ({ protocol: 17, data: p.udp({ dport: port }, data) });
  return fc.oneof(
    inside.map((data) => ({ protocol: data[0] >> 4 === 6 ? 41 : 4, data })),
    inside.map((data) => ({ protocol: 47, data: p.gre(typeOf(data), data) })),
    inside.map((data) => ({ protocol: 47, data: p.bytes('30 00', p.u16(typeOf(data)), p.u32(1), p.u32(2), data) })),
    frame.map((data) => ({ protocol: 47, data: p.gre(0x6558, data) })),
    frame.map((data) => ({ protocol: 47, data: p.bytes('10 00 88 be', p.u32(1), '10 00 00 00 00 00 00 00', data) })),
    frame.map((data) => ({ protocol: 97, data: p.bytes('30 00', data) })),
    inside.map((data) => ({ protocol: 137, data: p.mpls({}, data) })),
    frame.map((data) => byUdp(4789, p.vxlan(7, data))),
    frame.map((data) => byUdp(6081, p.bytes('01 00 65 58 00 00 07 00', p.u32(0), data))),
    inside.map((data) => byUdp(6081, p.bytes('00 00', p.u16(typeOf(data)), '00 00 07 00', data))),
    inside.map((data) => byUdp(2152, p.bytes('30 ff', p.u16(data.length), p.u32(9), data))),
    inside.map((data) => byUdp(6635, p.mpls({}, data))),
    fc.tuple(one(UDP_TUNNELS), payload).map(([port, data]) => byUdp(port, data)),
  );
}

export function typeOf(packet: Uint8Array): number {
  return packet[0] >> 4 === 6 ? 0x86dd : 0x0800;
}

function ipv4(depth: number): fc.Arbitrary<Uint8Array> {
  const fields = fc.record(
    {
      src: one(V4),
      dst: mostly(one(V4), one(V4_GROUPS)),
      id: one([1, 2]),
      hasMoreFragments: mostly(fc.constant(false), fc.constant(true)),
      fragmentOffset: mostly(fc.constant(0), one([8, 1480])),
      options: mostly(fc.constant(new Uint8Array()), fc.constant(p.bytes('01 01 01 00'))),
    },
    { noNullPrototype: true },
  );
  const lie = mostly<p.Ipv4Fields>(
    fc.constant({}),
    fc.constant({ totalLength: 0 }),
    fc.integer({ min: 1, max: 70 }).map((totalLength) => ({ totalLength })),
    fc.constant({ totalLength: 65535 }),
    one([0, 4, 6, 15]).map((headerWords) => ({ headerWords })),
    one([0, 5, 6]).map((version) => ({ version })),
  );
  return fc
    .tuple(fields, lie, carried(depth))
    .map(([header, wrong, { protocol, data }]) => p.ipv4({ ...header, protocol, ...wrong }, data));
}

function ipv6(depth: number): fc.Arbitrary<Uint8Array> {
  const header = fc.record({ src: one(V6), dst: mostly(one(V6), one(V6_GROUPS)) });
  const lie = mostly<p.Ipv6Fields>(
    fc.constant({}),
    fc.constant({ payloadLength: 0 }),
    fc.integer({ min: 0, max: 60 }).map((payloadLength) => ({ payloadLength })),
    fc.constant({ payloadLength: 65535 }),
  );
  return fc
    .tuple(header, lie, fc.array(extension, { maxLength: 3 }), carried(depth))
    .map(([fields, wrong, chain, inner]) => {
      const { next, data } = chain.reduceRight((behind, wrap) => wrap(behind), {
        next: inner.protocol,
        data: inner.data,
      });
      return p.ipv6({ ...fields, next, ...wrong }, data);
    });
}

interface Behind {
  readonly next: number;
  readonly data: Uint8Array;
}

/** Each puts one extension header in front. */
const extension: fc.Arbitrary<(behind: Behind) => Behind> = fc.oneof(
  fc.tuple(one([0, 43, 60]), fc.uint8Array({ maxLength: 8 })).map(([next, body]) => (behind: Behind) => ({
    next,
    data: p.extension(behind.next, Uint8Array.from(body), behind.data),
  })),
  fc
    .record({ id: one([1, 2]), offset: mostly(fc.constant(0), one([8, 1480])), hasMore: fc.boolean() })
    .map((fields) => (behind: Behind) => ({
      next: 44,
      data: p.fragment6({ next: behind.next, ...fields }, behind.data),
    })),
  one([0, 1, 65535, 65536, 100_000]).map((length) => (behind: Behind) => ({
    next: 0,
    data: p.extension(behind.next, p.jumboOption(length), behind.data),
  })),
);
