// Random captures: random frames at times that jump, in files of both kinds, and damage.
import fc from 'fast-check';
import type { CountOptions } from '../../src/verify/options.ts';
import * as known from '../frames.ts';
import * as p from '../packets.ts';
import { LINK_TYPES, framed, harm, harmed } from './random_frames.ts';
import { mostly, one } from './random_packets.ts';

// --- Times ---

/** Steps from one packet to the next: within a second, over the ends of windows, back, and far away. */
export const step = mostly(
  one([0, 0, 1, 1, 2, 7]),
  one([29, 30, 31, 32, 59, 60, 61]),
  one([-1, -2, -3, -31, -61]),
  one([599, 600, 601, 700]),
  one([-700, -4000, 4000, 90_000]),
);
export const START = 1_700_000_000;

export function times(steps: readonly number[]): number[] {
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

export interface SectionPlan {
  readonly interfaces: readonly Declared[];
  readonly blocks: readonly (readonly [TimedBlock, number])[];
  readonly isBigEndian: boolean;
}

export const sectionPlan: fc.Arbitrary<SectionPlan> = fc
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
