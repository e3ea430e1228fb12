// Random captures that are long enough to be read in many chunks: the pieces of random captures over and over, after as
// many records as decide what a capture shows.
import fc from 'fast-check';
import * as p from '../packets.ts';
import { forgedBlocks, forgedRecords } from './forged.ts';
import { HEAD_RECORDS } from './headed.ts';
import { START, sectionPlan, step, times } from './random_captures.ts';
import type { SectionPlan } from './random_captures.ts';
import { LINK_TYPES, framed } from './random_frames.ts';
import type { Framed } from './random_frames.ts';
import { mostly, one } from './random_packets.ts';

/** What the head is made of: records of nothing, which cost nothing, or the same as the rest; and how long the rest is. */
const lengths = fc.record({
  hasEmptyHead: mostly(fc.constant(true), fc.constant(false)),
  tail: fc.integer({ min: 400, max: 6000 }),
});

/** What stands behind a frame, inside of its record: mostly nothing, else enough to fill chunks. */
type Behind = (forged: (count: number) => Uint8Array) => Uint8Array;
const behind: fc.Arbitrary<Behind> = mostly<Behind>(
  fc.constant(() => new Uint8Array()),
  one([300, 1500, 9000]).map((size) => () => new Uint8Array(size)),
  one([2, 9, 120]).map((count) => (forged) => forged(count)),
);

function longer({ data, wireLength }: Framed, more: Uint8Array): Framed {
  return more.length === 0 ? { data, wireLength } : { data: p.bytes(data, more), wireLength: wireLength + more.length };
}

const longPcap: fc.Arbitrary<Uint8Array> = mostly(fc.constant(1), one(LINK_TYPES.filter((type) => type !== 147)))
  .chain((linkType) =>
    fc.record({
      linkType: fc.constant(linkType),
      lengths,
      records: fc.array(fc.tuple(framed(linkType), step, one([0, 1, 999_999, 3_500_000]), fc.nat(5), behind), {
        minLength: 1,
        maxLength: 40,
      }),
      kind: mostly(one(['micro', 'nano'] as const), fc.constant('modified' as const)),
      isBigEndian: fc.boolean(),
      minor: mostly(fc.constant(4), one([2, 3])),
    }),
  )
  .map(({ linkType, lengths, records, kind, isBigEndian, minor }) => {
    const options: p.PcapOptions = { kind, isBigEndian, version: [2, minor], linkType };
    const forged = (count: number): Uint8Array => forgedRecords(count, options, START);
    const filled = records.map(([frame, by, fraction, packetType, more]) => {
      return { ...longer(frame, more(forged)), by, fraction, packetType };
    });
    const empty = { data: new Uint8Array(), wireLength: 0, by: 0, fraction: 0, packetType: 0 };
    const all = [...repeated(lengths.hasEmptyHead ? [empty] : filled, HEAD_RECORDS), ...repeated(filled, lengths.tail)];
    const secs = times(all.map(({ by }) => by));
    return p.pcap(
      all.map((record, i) => ({ ...record, sec: secs[i] })),
      options,
    );
  });

const longPcapng: fc.Arbitrary<Uint8Array> = fc
  .record({
    lengths,
    isHeadUntimed: mostly(fc.constant(false), fc.constant(true)),
    sections: fc.array(fc.tuple(sectionPlan, behind), { minLength: 1, maxLength: 3 }),
  })
  .map(({ lengths, isHeadUntimed, sections }) => {
    const tail = Math.ceil(lengths.tail / sections.length);
    return p.bytes(
      ...sections.map(([plan, more], number) => {
        const empty = isHeadUntimed ? [p.simplePacket(new Uint8Array())] : [emptyPacket(plan)];
        const head = number > 0 ? [] : repeated(empty, HEAD_RECORDS);
        const blocks = lengths.hasEmptyHead || number > 0 ? tail : HEAD_RECORDS + tail;
        return sectionOf(plan, lengths.hasEmptyHead ? head : [], blocks, more);
      }),
    );
  });

function sectionOf(plan: SectionPlan, head: readonly p.Block[], count: number, more: Behind): p.Bytes {
  const { interfaces, blocks, isBigEndian } = plan;
  const data = more((forged) => forgedBlocks(forged, isBigEndian, START));
  const carrier = data.length === 0 ? [] : [p.enhancedPacket({ data, units: interfaces[0].units(START) })];
  const planned = repeated(blocks, blocks.length === 0 ? 0 : count);
  const secs = times(planned.map(([, by]) => by));
  return p.section(
    [
      ...interfaces.map(({ fields }) => p.interfaceBlock(fields)),
      ...head,
      ...planned.flatMap(([make], i) => [make(secs[i]), ...(i % 50 === 49 ? carrier : [])]),
    ],
    { isBigEndian },
  );
}

function emptyPacket({ interfaces }: SectionPlan): p.Block {
  return p.enhancedPacket({ data: new Uint8Array(), units: interfaces[0].units(START) });
}

/** So many of them, over and over, not always in the same order. */
function repeated<T>(some: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, i) => some[(i + (i >> 6)) % some.length]);
}

/** Damage, where many chunks were read before: bytes that are not what they were, or an end that is not where it was. */
const lateHarm = mostly(
  fc.constant((file: Uint8Array) => file),
  fc
    .array(fc.tuple(fc.double({ min: 0.1, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)), {
      minLength: 1,
      maxLength: 3,
    })
    .map((flips) => (file: Uint8Array) => {
      const data = Uint8Array.from(file);
      for (const [where, value] of flips) data[Math.floor(where * data.length)] = value;
      return data;
    }),
  fc.nat(2000).map((by) => (file: Uint8Array) => file.subarray(0, Math.max(0, file.length - by))),
);

const longFile = fc
  .tuple(fc.oneof({ weight: 3, arbitrary: longPcap }, { weight: 2, arbitrary: longPcapng }), lateHarm)
  .map(([file, spoil]) => spoil(file));

export const longFiles = mostly(
  longFile.map((file) => [file]),
  fc.array(longFile, { minLength: 2, maxLength: 2 }),
);

/** Parts of packets and little else: of few identifications, in any order, over many chunks. */
const fragment: fc.Arbitrary<Uint8Array> = fc
  .record({
    isV6: fc.boolean(),
    part: one(['first', 'later', 'last', 'whole'] as const),
    id: fc.nat(3),
    ends: fc.tuple(fc.nat(2), fc.nat(2)),
    sport: one([0, 53, 40_000]),
    protocol: mostly(fc.constant(17), one([1, 6, 132])),
    isToGroup: mostly(fc.constant(false), fc.constant(true)),
    size: one([8, 100, 700]),
  })
  .map(({ isV6, part, id, ends, sport, protocol, isToGroup, size }) => {
    const isFirst = part === 'first' || part === 'whole';
    const data = isFirst ? p.bytes(p.udp({ sport }), new Uint8Array(size)) : new Uint8Array(size);
    const hasMore = part === 'first' || part === 'later';
    const offset = isFirst ? 0 : 1480;
    const [from, to] = ends;
    if (!isV6) {
      const dst = isToGroup ? '224.0.0.9' : `192.0.2.${to}`;
      return p.ipv4(
        { src: `192.0.2.${from}`, dst, id, protocol, hasMoreFragments: hasMore, fragmentOffset: offset },
        data,
      );
    }
    const dst = isToGroup ? 'ff02::9' : `fd00::${to + 1}`;
    const inner = p.fragment6({ next: protocol, id, offset, hasMore }, data);
    return p.ipv6({ src: `fd00::${from + 1}`, dst, next: p.PROTOCOL.fragment }, inner);
  });

export const fragmentsFile: fc.Arbitrary<Uint8Array> = fc
  .record({
    packets: fc.array(fc.tuple(fragment, one([0, 0, 1, 15, 31, -20]), fc.boolean()), { minLength: 20, maxLength: 80 }),
    count: fc.integer({ min: 500, max: 3000 }),
  })
  .map(({ packets, count }) => {
    const sent = repeated(packets, count);
    const secs = times(sent.map(([, by]) => by));
    const head = Array<p.PcapRecord>(HEAD_RECORDS).fill({ sec: START, data: new Uint8Array() });
    const records = sent.map(([packet, , isTunneled], i) => ({
      sec: secs[i],
      data: isTunneled ? p.ipv4({ src: '10.0.0.1', protocol: packet[0] >> 4 === 6 ? 41 : 4 }, packet) : packet,
    }));
    return p.pcap([...head, ...records], { linkType: p.LINK_TYPE.raw });
  });
