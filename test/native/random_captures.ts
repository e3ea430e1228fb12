// Random captures: headers from a grammar, few addresses and ports so that flows meet, times that jump, and damage.
import fc from 'fast-check';
import type { CountOptions } from '../../src/verify/options.ts';
import * as known from '../frames.ts';
import * as p from '../packets.ts';

const V4 = ['10.0.0.1', '10.0.0.2', '192.0.2.1', '192.0.2.9', '198.51.100.7'];
const V4_GROUPS = ['224.0.0.251', '255.255.255.255', '10.0.0.255'];
const V6 = ['fd00::1', '2001:db8::1', '2001:db8::2', 'fe80::1', '::1'];
const V6_GROUPS = ['ff02::1', 'ff05::2'];
const PORTS = [0, 53, 443, 40000, 65535];
const MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03', '01:00:5e:00:00:fb'];
const UDP_TUNNELS = [4789, 8472, 4790, 6081, 2152, 3544, 1701, 6635];

const one = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
/** Mostly the first, sometimes one of the others. */
const mostly = <T>(usual: fc.Arbitrary<T>, ...others: fc.Arbitrary<T>[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 8, arbitrary: usual }, ...others.map((arbitrary) => ({ weight: 1, arbitrary })));
const payload = fc.uint8Array({ maxLength: 24 }).map((data) => Uint8Array.from(data));
const ports = fc.record({ sport: one(PORTS), dport: one(PORTS) });

// --- Packets ---

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
function ip(depth: number): fc.Arbitrary<Uint8Array> {
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

function typeOf(packet: Uint8Array): number {
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

// --- Frames, by link type ---

const macs = fc.record({ src: one(MACS), dst: one(MACS) });

const ethernetFrame: fc.Arbitrary<Uint8Array> = fc.tuple(macs, ip(2), fc.nat(11)).map(([ends, packet, kind]) => {
  const type = typeOf(packet);
  switch (kind) {
    case 0:
      return p.ethernet({ ...ends, type: 0x8100 }, p.vlan({ type }, packet));
    case 1:
      return p.ethernet({ ...ends, type: 0x88a8 }, p.vlan({ type: 0x8100 }, p.vlan({ type }, packet)));
    case 2:
      return p.ethernet({ ...ends, type: 0x8847 }, p.mpls({ isBottom: false }, p.mpls({}, packet)));
    case 3:
      return p.ethernet(
        { ...ends, type: 0x8864 },
        p.bytes('11 00 00 01', p.u16(packet.length + 2), type === 0x0800 ? '00 21' : '00 57', packet),
      );
    case 4:
      return p.ethernet({ ...ends, type: 0x0806 }, packet);
    case 5:
      return p.ethernet({ ...ends, type }, p.bytes(packet, new Uint8Array(18)));
    case 6:
      return p.ethernet({ ...ends, type: packet.length + 8 }, p.bytes('aa aa 03 00 00 00', p.u16(type), packet));
    default:
      return p.ethernet({ ...ends, type }, packet);
  }
});

const FRAMES: Readonly<Record<number, fc.Arbitrary<Uint8Array>>> = {
  0: ip(1).map((packet) => p.bytes(packet[0] >> 4 === 6 ? '1e 00 00 00' : '02 00 00 00', packet)),
  1: ethernetFrame,
  9: ip(1).map((packet) => p.bytes('ff 03', packet[0] >> 4 === 6 ? '00 57' : '00 21', packet)),
  101: ip(1),
  113: fc
    .tuple(fc.nat(5), ip(1))
    .map(([packetType, packet]) => p.sll({ packetType, protocol: typeOf(packet) }, packet)),
  147: ip(0),
  229: ip(0),
  276: fc
    .tuple(fc.nat(5), ip(1))
    .map(([packetType, packet]) =>
      p.bytes(p.u16(typeOf(packet)), '00 00 00 00 00 02 00 01', packetType, 6, new Uint8Array(8), packet),
    ),
};
const LINK_TYPES = Object.keys(FRAMES).map(Number);

/** Bytes that are not what they were, and an end that is not where it was. */
interface Harm {
  readonly flips: readonly (readonly [number, number])[];
  readonly cutTo: number | undefined;
  readonly missing: number;
}

const noHarm: Harm = { flips: [], cutTo: undefined, missing: 0 };
const harm: fc.Arbitrary<Harm> = mostly(
  fc.constant(noHarm),
  fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { minLength: 1, maxLength: 2 }).map((flips) => ({ ...noHarm, flips })),
  fc.nat(90).map((cutTo) => ({ ...noHarm, cutTo })),
  one([-30, -1, 1, 1000, 70_000]).map((missing) => ({ ...noHarm, missing })),
);

interface Framed {
  readonly data: Uint8Array;
  readonly wireLength: number;
}

function harmed(frame: Uint8Array, { flips, cutTo, missing }: Harm): Framed {
  const data = Uint8Array.from(frame);
  for (const [at, value] of flips) if (at < data.length) data[at] = value;
  return { data: data.subarray(0, cutTo), wireLength: Math.max(0, data.length + missing) };
}

function framed(linkType: number): fc.Arbitrary<Framed> {
  return fc.tuple(FRAMES[linkType], harm).map(([frame, wrong]) => harmed(frame, wrong));
}

// --- Times ---

/** Steps from one packet to the next: within a second, over the ends of windows, back, and far away. */
const step = mostly(
  one([0, 0, 1, 1, 2, 7]),
  one([29, 30, 31, 32, 59, 60, 61]),
  one([-1, -2, -3, -31, -61]),
  one([599, 600, 601, 700]),
  one([-700, -4000, 4000, 90_000]),
);
const START = 1_700_000_000;

function times(steps: readonly number[]): number[] {
  let sec = START;
  return steps.map((by) => (sec = Math.max(0, sec + by)));
}

// --- Captures ---

const pcapFile: fc.Arbitrary<Uint8Array> = mostly(fc.constant(1), one(LINK_TYPES.filter((type) => type !== 147))).chain(
  (linkType) =>
    fc
      .record({
        packets: fc.array(fc.tuple(framed(linkType), step, one([0, 1, 999_999, 1_000_000, 3_500_000]), fc.nat(5)), {
          maxLength: 24,
        }),
        kind: mostly(fc.constant('micro' as const), fc.constant('nano' as const), fc.constant('modified' as const)),
        isBigEndian: fc.boolean(),
        minor: mostly(fc.constant(4), one([1, 2, 3, 5])),
        fcs: mostly(fc.constant(0), fc.constant(0x24000000)),
      })
      .map(({ packets, kind, isBigEndian, minor, fcs }) => {
        const secs = times(packets.map(([, by]) => by));
        const records = packets.map(([frame, , fraction, packetType], i) => ({
          ...frame,
          sec: secs[i],
          fraction,
          packetType,
        }));
        return p.pcap(records, { kind, isBigEndian, version: [2, minor], linkWord: (fcs | linkType) >>> 0 });
      }),
);

interface Declared {
  readonly fields: p.InterfaceFields;
  readonly units: (sec: number) => bigint;
}

const declared: fc.Arbitrary<Declared> = fc
  .record({
    linkType: mostly(fc.constant(1), one(LINK_TYPES)),
    clock: mostly(fc.constant(6), one([0, 9, 0x80, 0x8a, 0xa0])),
    offset: mostly(fc.constant(0n), one([-3600n, 100n])),
    name: mostly(fc.constant(undefined), one(['eth0', 'eth1'])),
    fcsLength: mostly(fc.constant(undefined), fc.constant(4)),
    snapLength: mostly(fc.constant(0), one([40, 96])),
  })
  .map(({ linkType, clock, offset, name, fcsLength, snapLength }) => ({
    fields: {
      linkType,
      snapLength,
      resolution: clock,
      ...(offset === 0n ? {} : { offset }),
      ...(name === undefined ? {} : { name }),
      ...(fcsLength === undefined ? {} : { fcsLength }),
    },
    units: (sec) => {
      const seconds = BigInt(sec) - offset;
      return clock & 0x80 ? (seconds << BigInt(clock & 0x7f)) + 1n : seconds * 10n ** BigInt(clock);
    },
  }));

type TimedBlock = (sec: number) => p.Block;

function blockOf(interfaces: readonly Declared[]): fc.Arbitrary<TimedBlock> {
  const numbered = fc.nat(interfaces.length - 1);
  const packet = numbered.chain((number) => {
    const { fields, units } = interfaces[number];
    const options = mostly<p.Option[]>(
      fc.constant([]),
      one(['in', 'out'] as const).map((way) => [p.directionOption(way)]),
    );
    return fc
      .tuple(
        framed(fields.linkType ?? 1),
        options,
        mostly(fc.constant(p.enhancedPacket), fc.constant(p.obsoletePacket)),
      )
      .map(
        ([frame, list, make]) =>
          (sec: number) =>
            make({ ...frame, interface: number, units: units(sec), options: list }),
      );
  });
  const simple = framed(interfaces[0].fields.linkType ?? 1).map(
    ({ data, wireLength }) =>
      () =>
        p.simplePacket(data, Math.max(wireLength, data.length)),
  );
  const dropped = fc
    .record({
      number: numbered,
      drops: fc.nat(9),
      system: mostly(fc.constant(undefined), fc.nat(5)),
      lasts: one([-120, -1, 0, 5]),
      starts: fc.boolean(),
      ends: fc.boolean(),
    })
    .map(({ number, drops, system, lasts, starts, ends }): TimedBlock => (sec) => {
      const { units } = interfaces[number];
      return p.statistics({
        interface: number,
        units: units(sec),
        drops: BigInt(drops),
        ...(starts ? { startUnits: units(sec - 200) } : {}),
        ...(ends ? { endUnits: units(sec + lasts) } : {}),
        ...(system === undefined ? {} : { systemDrops: BigInt(system) }),
      });
    });
  const skipped = fc.constant((): p.Block => p.custom(1, p.bytes('01 02 03')));
  return fc.oneof(
    { weight: 14, arbitrary: packet },
    { weight: 1, arbitrary: simple },
    { weight: 1, arbitrary: dropped },
    { weight: 1, arbitrary: skipped },
  );
}

interface SectionPlan {
  readonly interfaces: readonly Declared[];
  readonly blocks: readonly (readonly [TimedBlock, number])[];
  readonly isBigEndian: boolean;
}

const sectionPlan: fc.Arbitrary<SectionPlan> = fc
  .array(declared, { minLength: 1, maxLength: 3 })
  .chain((interfaces) =>
    fc
      .tuple(fc.array(fc.tuple(blockOf(interfaces), step), { maxLength: 16 }), fc.boolean())
      .map(([blocks, isBigEndian]) => ({ interfaces, blocks, isBigEndian })),
  );

const pcapngFile: fc.Arbitrary<Uint8Array> = fc.array(sectionPlan, { minLength: 1, maxLength: 2 }).map((sections) => {
  const secs = times(sections.flatMap(({ blocks }) => blocks.map(([, by]) => by)));
  let next = 0;
  const built = sections.map(({ interfaces, blocks, isBigEndian }) =>
    p.section(
      [...interfaces.map(({ fields }) => p.interfaceBlock(fields)), ...blocks.map(([make]) => make(secs[next++]))],
      { isBigEndian },
    ),
  );
  return p.bytes(...built);
});

/** The file itself is damaged: bytes anywhere, or its end. */
const fileHarm = mostly(
  fc.constant((file: Uint8Array) => file),
  fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { minLength: 1, maxLength: 3 }).map((flips) => (file: Uint8Array) => {
    const data = Uint8Array.from(file);
    for (const [at, value] of flips) if (at < data.length) data[at] = value;
    return data;
  }),
  fc.nat(400).map((by) => (file: Uint8Array) => file.subarray(0, Math.max(0, file.length - by))),
);

export const captureFile: fc.Arbitrary<Uint8Array> = fc
  .tuple(fc.oneof({ weight: 3, arbitrary: pcapFile }, { weight: 2, arbitrary: pcapngFile }), fileHarm)
  .map(([file, spoil]) => spoil(file));

export const captureFiles = mostly(
  captureFile.map((file) => [file]),
  fc.array(captureFile, { minLength: 2, maxLength: 3 }),
);

/** A frame of any kind that is read at all, whole or harmed. */
const KNOWN: readonly (readonly [number, Uint8Array])[] = [
  ...Object.values(known.packets).map((packet) => [101, packet] as const),
  ...Object.values(known.tunnels).map((packet) => [101, packet] as const),
  ...Object.values(known.frames).map((frame) => [1, frame] as const),
  ...Object.values(known.linked),
];
export const knownFrameFile: fc.Arbitrary<Uint8Array> = fc
  .tuple(one(KNOWN), fc.array(fc.tuple(fc.nat(255), one([0, 1, 4, 6, 0x45, 0x60, 255])), { maxLength: 3 }), harm)
  .map(([[linkType, frame], edits, wrong]) => {
    const data = Uint8Array.from(frame);
    for (const [at, value] of edits) if (at < data.length) data[at] = value;
    return p.pcap([{ ...harmed(data, wrong), sec: START }], { linkType });
  });

/** Many small flows at once, of both families, that come back in later windows. */
const crowdedPacket = fc
  .record({
    isV6: fc.boolean(),
    end: fc.nat(30),
    isBack: fc.boolean(),
    isTcp: fc.boolean(),
    flags: one([2, 18, 16, 17, 4]),
    size: fc.nat(40),
  })
  .map(({ isV6, end, isBack, isTcp, flags, size }) => {
    const ends = isV6 ? ['fd00::1', `2001:db8::${(end + 1).toString(16)}`] : ['10.0.0.1', `192.0.2.${end}`];
    const [src, dst] = isBack ? ends.reverse() : ends;
    const [sport, dport] = isBack ? [443, 40000] : [40000, 443];
    const data = new Uint8Array(size);
    const inner = isTcp ? p.tcp({ sport, dport, flags }, data) : p.udp({ sport, dport }, data);
    const protocol = isTcp ? 6 : 17;
    return isV6 ? p.ipv6({ src, dst, next: protocol }, inner) : p.ipv4({ src, dst, protocol }, inner);
  });
export const crowdedFile: fc.Arbitrary<Uint8Array> = fc
  .array(fc.tuple(crowdedPacket, mostly(one([0, 0, 0, 1]), step)), { maxLength: 300, size: 'max' })
  .map((packets) => {
    const secs = times(packets.map(([, by]) => by));
    return p.pcap(
      packets.map(([data], i) => ({ data, sec: secs[i] })),
      { linkType: 101 },
    );
  });

export const countOptions: fc.Arbitrary<CountOptions> = fc.record(
  {
    windowSeconds: one([60, 1, 5, 7, 600, 86_400]),
    latenessSeconds: one([2, 0, 1, 30, 700]),
    decapsulate: fc.boolean(),
    local: mostly<string[]>(
      fc.constant([]),
      one([['192.0.2.0/24'], ['2001:db8::1', '10.0.0.2'], ['0.0.0.0/0', 'fd00::/7']]),
    ),
    eni: mostly<string[]>(
      fc.constant([]),
      one([
        ['eni-all'],
        ['eni-a=10.0.0.1'],
        ['eni-a=10.0.0.1', 'eni-b=192.0.2.1', 'eni-c=2001:db8::1'],
        ['eni-m=02:00:00:00:00:01'],
        ['eni-m=02:00:00:00:00:01', 'eni-n=02:00:00:00:00:02', 'eni-a=10.0.0.1'],
        ['eni-x=1', 'eni-y=eth0'],
      ]),
    ),
    maxFlows: fc.constant(1_000_000),
  },
  { noNullPrototype: true },
);
