// The fuzz targets' seed corpus: a small frame or capture for each thing that the readers and the decoder know.
import fs from 'node:fs';
import path from 'node:path';
import { dns, dns6, fin, frame, frame6, frames, linked, packets, syn, synAck, text, tunnels } from '../frames.ts';
import * as p from '../packets.ts';

const out = process.argv[2];
if (out === undefined) throw new Error('usage: seeds.js FOLDER');

const at = 1_700_000_000;
const micro = (second: number): bigint => BigInt(second) * 1_000_000n;
const ethernets = [syn, synAck, fin, dns].map((packet) => p.ethernet({}, packet));
const stream = [...ethernets, ...Object.values(frames)];
const many = Array.from({ length: 80 }, (_, i) =>
  p.ethernet({}, p.ipv4({ src: `10.0.${i}.1`, protocol: 6 }, p.tcp({ sport: 1000 + i, flags: i % 3 ? 16 : 2 }))),
);
const timed = (data: readonly Uint8Array[], step: (i: number) => number): p.PcapRecord[] =>
  data.map((one, i) => ({ data: one, sec: at + step(i), fraction: i }));

const captures: Record<string, Uint8Array> = {
  micro: p.pcap(timed(stream, (i) => i)),
  nano: p.pcap(
    timed(stream, (i) => i * 40),
    { kind: 'nano', isBigEndian: true },
  ),
  modified: p.pcap(
    ethernets.map((data, i) => ({ data, sec: at + i, packetType: i })),
    { kind: 'modified' },
  ),
  swapped: p.pcap(
    timed(ethernets, (i) => i),
    { version: [2, 1] },
  ),
  backAndForth: p.pcap(timed(stream, (i) => (i % 5) * 100_000 - (i % 3) * 7)),
  late: p.pcap(timed(many.slice(0, 40), (i) => (i === 0 ? 100_000 : i * 601))),
  crowded: p.pcap(timed(many, (i) => i >> 3)),
  fragments: p.pcap(
    ['first', 'later', 'first6', 'later6'].map((name, i) => ({ data: packets[name], sec: at + i })),
    { linkType: 101 },
  ),
  raw: p.pcap(
    Object.values(packets).map((data, i) => ({ data, sec: at + i })),
    { linkType: 101 },
  ),
  tunnels: p.pcap(
    Object.values(tunnels).map((data, i) => ({ data, sec: at + i })),
    { linkType: 101 },
  ),
  fcs: p.pcap([{ data: p.bytes(frame, p.u32(0)), sec: at }], { linkWord: 0x24000001 }),
  short: p.pcap(
    timed(stream, (i) => i).map((record) => ({ ...record, data: record.data.subarray(0, 34), wireLength: 1500 })),
  ),
  cut: p.pcap(timed(stream, (i) => i)).subarray(0, -3),
  blocks: p.section([
    p.interfaceBlock({ name: 'eth0', resolution: 9 }),
    p.interfaceBlock({ linkType: 101, resolution: 0x8a, offset: -60n, fcsLength: 4, snapLength: 96 }),
    p.enhancedPacket({ data: frame, units: micro(at) * 1000n, options: [p.directionOption('out')] }),
    p.enhancedPacket({ data: dns6, units: BigInt(at) << 10n, interface: 1 }),
    p.obsoletePacket({ data: frame6, units: micro(at) * 1000n, options: [p.directionOption('in')] }),
    p.simplePacket(frame),
    p.statistics({ units: micro(at + 9) * 1000n, drops: 3n }),
    p.statistics({ units: micro(at + 99) * 1000n, startUnits: 1n, endUnits: 2n, drops: 4n, systemDrops: 9n }),
    p.custom(1, text),
  ]),
  // A flow is idle by the time of a packet that is in no entry, and may be the last of its chunk.
  behind: p.pcap(
    Array.from({ length: 60 }, (_, i) => {
      const [src, dst, step] = [
        ['192.0.2.1', '192.0.2.2', 0],
        ['192.0.2.9', '224.0.0.9', 35],
        ['192.0.2.2', '192.0.2.1', 1],
      ][i % 3] as [string, string, number];
      const flow = Math.floor(i / 3);
      const ports = i % 3 ? { sport: 1000, dport: flow } : { sport: flow, dport: 1000 };
      return { data: p.ipv4({ src, dst, protocol: 17 }, p.udp(ports)), sec: at + flow * 60 + step };
    }),
    { linkType: 101 },
  ),
  // The same, where the packet that comes late is a fragment.
  behindFragments: p.pcap(
    Array.from({ length: 80 }, (_, i) => {
      const id = i >> 2;
      const there = { src: '192.0.2.1', dst: '192.0.2.2', protocol: 17, id };
      const back = { ...there, src: there.dst, dst: there.src };
      const data = [
        p.ipv4({ ...there, hasMoreFragments: true }, p.udp({ sport: id, dport: 1000 })),
        p.ipv4({ ...back, hasMoreFragments: true }, p.udp({ sport: 1000, dport: id })),
        p.ipv4({ src: '192.0.2.9', dst: '224.0.0.9', protocol: 17 }, p.udp({})),
        p.ipv4({ ...back, fragmentOffset: 16 }, text),
      ][i % 4] as Uint8Array;
      return { data, sec: at + id * 60 + [0, 0, 35, 1][i % 4] };
    }),
    { linkType: 101 },
  ),
  // Later fragments far behind their first, among packets of their flows and of others.
  scattered: p.pcap(
    Array.from({ length: 100 }, (_, i) => {
      const id = i >> 2;
      const flow = { src: '10.0.0.1', dst: `192.0.2.${id % 8}`, protocol: 17, id };
      const data = [
        p.ipv4({ ...flow, hasMoreFragments: true }, p.udp({ sport: 1000 + id }, text)),
        p.ipv4({ ...flow, dst: '192.0.2.99' }, p.udp({ sport: 5000 + id })),
        p.ipv4({ ...flow, id: id - 3, dst: `192.0.2.${(id + 5) % 8}`, fragmentOffset: 16 }, text),
        p.ipv4(flow, p.udp({ sport: 1000 + id })),
      ][i % 4] as Uint8Array;
      return { data, sec: at + i * 2 + (i % 7 === 3 ? 25 : 0) };
    }),
    { linkType: 101 },
  ),
  // More flows than are kept without a look at which of them are idle, and the other direction of some after that look.
  returning: p.pcap(
    Array.from({ length: 96 }, (_, i) => {
      const isBack = i >= 64;
      const flow = isBack ? (i - 63) * 2 : i;
      const [src, dst] = isBack ? ['198.51.100.2', '192.0.2.1'] : ['192.0.2.1', '198.51.100.2'];
      const ports = isBack ? { sport: 53, dport: flow } : { sport: flow, dport: 53 };
      return {
        data: p.ipv4({ src, dst, protocol: 17 }, p.udp(ports)),
        sec: at + (isBack ? 31 + (i >> 4) - 4 : i >> 1),
      };
    }),
    { linkType: 101 },
  ),
  // The same, of packets without a time.
  untimed: p.section([
    p.interfaceBlock({ linkType: 101 }),
    ...Array.from({ length: 80 }, (_, i) => {
      const isTimed = i >= 4 && i < 76;
      const ports = i >= 76 ? { sport: 53, dport: i - 76 } : { sport: i, dport: 53 };
      const ends = i >= 76 ? { src: '198.51.100.2', dst: '192.0.2.1' } : { src: '192.0.2.1', dst: '198.51.100.2' };
      const data = p.ipv4({ ...ends, protocol: 17 }, p.udp(ports));
      return isTimed ? p.enhancedPacket({ data, units: micro(at + i) }) : p.simplePacket(data);
    }),
  ]),
  // Blocks that nobody wants, in which chunks begin and end.
  skipped: p.section([
    p.interfaceBlock({ linkType: 101 }),
    ...Array.from({ length: 72 }, (_, i) =>
      i % 9 === 8 ? p.custom(1, p.zeros(4 * i)) : p.enhancedPacket({ data: i % 2 ? syn : dns, units: micro(at + i) }),
    ),
  ]),
  // Times further apart than 32 bits of seconds, forward and back.
  ages: p.section([
    p.interfaceBlock({ linkType: 101, resolution: 0 }),
    ...Array.from({ length: 24 }, (_, i) =>
      p.enhancedPacket({ data: i % 5 ? dns : dns6, units: BigInt(i % 3) * (BigInt(i) << 32n) + BigInt(i) }),
    ),
  ]),
  // Wherever a chunk begins in it, something that looks like records may stand there and be none.
  inside: p.pcap(
    Array.from({ length: 12 }, (_, i) => {
      const fake = p.pcap(timed(Array<Uint8Array>(12).fill(p.zeros(2 + i)), (k) => k)).subarray(24);
      return { data: p.ethernet({}, p.ipv4({ protocol: 17 }, p.udp({ sport: 1000 + i }, fake))), sec: at + i };
    }),
  ),
  insideBlocks: p.section([
    p.interfaceBlock(),
    ...Array.from({ length: 12 }, (_, i) => {
      const fake = p.section(Array<p.Block>(6).fill(p.enhancedPacket({ data: syn, units: micro(at) }))).subarray(28);
      const data = p.ethernet({}, p.ipv4({ protocol: 17 }, p.udp({ sport: 1000 + i }, p.bytes(p.zeros(2), fake))));
      return p.enhancedPacket({ data, units: micro(at + i) });
    }),
  ]),
  // Between packets, what says how to read those that follow, and what was lost.
  interrupted: p.section([
    p.interfaceBlock({ name: 'eth0' }),
    ...stream.flatMap((data, i) => [
      p.enhancedPacket({ data, units: micro(at + i * 20), interface: i >> 4 }),
      ...(i % 8 === 7 ? [p.statistics({ units: micro(at + i * 20), drops: BigInt(i) })] : []),
      ...(i % 16 === 15 ? [p.interfaceBlock({ name: `eth${i}`, resolution: 6 })] : []),
      ...(i % 11 === 10 ? [p.custom(1, p.zeros(300))] : []),
    ]),
  ]),
  // Sections that can be taken for one another, but for what they say of their interface.
  alike: p.bytes(
    ...[6, 3, 9, 6].map((resolution, section) =>
      p.section([
        p.interfaceBlock({ linkType: 101, resolution }),
        ...Array.from({ length: 18 }, (_, i) =>
          p.enhancedPacket({ data: i % 3 ? dns : syn, units: (BigInt(at) << 16n) + BigInt(section * 18 + i) }),
        ),
      ]),
    ),
  ),
  sections: p.bytes(
    p.section([p.interfaceBlock(), ...stream.map((data, i) => p.enhancedPacket({ data, units: micro(at + i * 61) }))]),
    p.section(
      [
        p.interfaceBlock({ linkType: 113 }),
        p.enhancedPacket({ data: p.sll({ packetType: 4 }, syn), units: micro(at) }),
      ],
      {
        isBigEndian: true,
      },
    ),
  ),
};

function write(target: string, name: string, ...pieces: p.Piece[]): void {
  const folder = path.join(out, target);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, name), p.bytes(...pieces));
}

/** The target's list of link types. */
const source = fs.readFileSync('decode_fuzzer.cc', 'utf8');
const linkTypes = (/kLinkTypes\[\] = \{([^}]*)\}/.exec(source)?.[1] ?? '').split(',').map(Number);

/** The prefix of decode_fuzzer.cc. */
const decoding = (linkType: number, choices = 0): Uint8Array => p.bytes(linkTypes.indexOf(linkType), choices, 0, 0);
for (const [name, packet] of Object.entries(packets)) {
  const type = packet[0] >> 4 === 6 ? 0x86dd : 0x0800;
  write('decode', name, decoding(1), p.ethernet({ type }, packet));
}
for (const [name, packet] of Object.entries(tunnels)) write('decode', name, decoding(101, 1), packet);
for (const [name, one] of Object.entries(frames)) write('decode', `ethernet-${name}`, decoding(1), one);
for (const [name, [link, one]] of Object.entries(linked)) write('decode', `link-${name}`, decoding(link), one);

/** The prefix of capture_fuzzer.cc. */
interface Reading {
  readonly window?: number;
  readonly lateness?: number;
  readonly isCrowded?: boolean;
  readonly choices?: number;
  readonly split?: number;
  /** Bytes of a chunk, in 16ths beyond the first four. */
  readonly chunks?: number;
  readonly workers?: number;
  readonly order?: number;
}
const reading = (of: Reading): Uint8Array =>
  p.bytes(
    p.bytes(
      (of.window ?? 0) | ((of.lateness ?? 0) << 2) | 0x70,
      of.isCrowded ? 130 : 0,
      of.choices ?? 0,
      of.split ?? 0,
    ),
    p.bytes(1, 2, of.chunks ?? 28, of.chunks ?? 12, ((of.workers ?? 2) - 2) | 0xfc),
    p.bytes(of.order ?? 1, 2, 3),
  );

/** Each once plain, once with everything that can be chosen. */
Object.entries(captures).forEach(([name, capture], i) => {
  write('capture', name, reading({ workers: 2 + (i % 3), order: i }), capture);
  write('capture', `${name}-wide`, reading({ window: 1, chunks: 44, workers: 4, order: i * 3 }), capture);
  const choices = ((i * 37) % 64) * 2 + 1;
  const chosen = { window: i & 3, lateness: (i >> 2) & 3, isCrowded: i % 2 === 0, choices, split: 128, chunks: i * 5 };
  write('capture', `${name}-chosen`, reading({ ...chosen, workers: 4, order: i * 11 }), capture);
});
write('capture', 'two', reading({ choices: 2, split: 128 }), captures['micro'], captures['micro']);
const mixed = [captures['blocks'], captures['micro']] as const;
const split = Math.floor((256 * mixed[0].length) / (mixed[0].length + mixed[1].length));
write('capture', 'two-kinds', reading({ window: 1, lateness: 1, choices: 3, split }), ...mixed);

/** The prefix of table_fuzzer.cc, then four bytes a packet: a few flows at ease, and many in a hurry. */
const calm = Array.from({ length: 60 }, (_, i) => [
  i % 7,
  ((i % 2) | (i % 3 === 0 ? 0x10 : 0x80)) & 0xff,
  i % 12,
  i % 8,
]);
const crowd = Array.from({ length: 300 }, (_, i) => [(i * 37) % 256, (i * 29) % 256, (i * 13) % 32, (i * 131) % 256]);
write('table', 'calm', p.bytes(0, 0, 40, 1), ...calm.flat());
write(
  'table',
  'late',
  p.bytes(2, 3, 40, 0),
  ...calm.map(([end, kind, , size]) => p.bytes(end, kind, 16 + (end % 8), size)),
);
write('table', 'crowd', p.bytes(0, 0, 0, 7), ...crowd.flat());
write('table', 'crowd-flushed', p.bytes(1, 1, 3, 128), ...crowd.flat());
write('table', 'crowd-divided', p.bytes(12, 8, 8, 5), ...crowd.flat());

/** The prefix of packed_fuzzer.cc, then where each column stands and its length, and the columns. */
const packedColumns = (head: number, entries: number, columns: readonly (readonly number[])[]): Uint8Array => {
  let end = 0;
  const places = columns.flatMap(({ length }) => {
    const begin = end;
    end += length;
    return [begin & 255, begin >> 8, length & 255, length >> 8];
  });
  return p.bytes(...[head, 0, entries, ...places, ...columns.flat()]);
};
const several = (...numbers: number[]): number[] => Array.from({ length: 12 }, () => numbers).flat();
const ends4 = several(10, 0, 0, 1, 192, 0, 2, 1);
const ends6 = several(...Array.from({ length: 16 }, (_, i) => i), 192, 0, 2, 1);
const one = several(1, 0);
const plainColumns = [
  ...[several(1, 2), several(60, 0xac, 2), several(0, 0x80, 1), several(0xd7, 4, 0x80, 1), ends4, ends4],
  ...[several(0xf6, 6, 1), several(0xa0, 0x8d, 6, 1), several(27, 0), several(1, 0), one, one, several(0, 0)],
  ...[several(6, 17), [], []],
];
const reasons = plainColumns.with(14, several(0, 2)).with(15, several(3, 1));
const long = [255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
write('packed', 'plain', packedColumns(0, 24, plainColumns));
write('packed', 'six', packedColumns(0, 24, plainColumns.with(4, ends6).with(5, ends6).with(12, several(1, 0))));
write(
  'packed',
  'long',
  packedColumns(0, 24, plainColumns.with(0, several(...long, 1)).with(2, several(...long, 0x85, 0x80, 0))),
);
write('packed', 'padded', packedColumns(0, 24, plainColumns.with(6, several(0x80, 0x80, 0x80, 0, 0xf6, 0x86, 0))));
const withReasons = 0x10 | (3 << 5);
write('packed', 'reasons', packedColumns(withReasons, 24, reasons));
write('packed', 'reasons-long', packedColumns(withReasons, 24, reasons.with(14, several(0x82, 0x80, 0, 1))));
for (const status of [1, 2]) {
  const quiet = plainColumns.map((column, i) => (i === 2 || i === 3 ? column : []));
  write('packed', `quiet-${status}`, packedColumns(status << 2, 24, quiet));
  write('packed', `quiet-reasons-${status}`, packedColumns((status << 2) | withReasons, 24, quiet));
}
/** Rows, of a few ENIs in turn. */
const seeds = Array.from({ length: 60 }, (_, i) =>
  Array.from(
    { length: 24 },
    (_, k) => (k < 1 ? (i % 7) * 37 : k < 8 ? (i * (k + 3)) % 64 : (i * k * 29 + 7) % 256) & 255,
  ),
);
write('packed', 'rows', p.bytes(1, 200, 250, ...seeds.flat()));
write('packed', 'rows-few', p.bytes(1, 2, 250, ...seeds.flat()));
write('packed', 'rows-short', p.bytes(1, 200, 9, ...seeds.flat()));
write('packed', 'rows-reasons', p.bytes(0x11, 200, 250, ...seeds.flat()));
write('packed', 'rows-reasons-short', p.bytes(0x11, 200, 9, ...seeds.flat()));
write('packed', 'rows-quiet', p.bytes(5, 7, 20, ...seeds.flat()));
write('packed', 'as-they-are', p.bytes(2, 5, 200, ...seeds.flat().map((byte) => byte ^ 0x5a)));
write('packed', 'as-they-are-few', p.bytes(2, 1, 3, ...seeds.flat()));
write('packed', 'as-they-are-reasons', p.bytes(0x12, 5, 200, ...seeds.flat().map((byte) => byte ^ 0x5a)));

/** A datagram of NFLOG with one packet; types of attributes are those of nfnetlink_log.h, in the machine's order. */
const attribute = (type: number, value: Uint8Array): Uint8Array => {
  const padding = new Uint8Array(-value.length & 3);
  return p.bytes((value.length + 4) & 255, (value.length + 4) >> 8, type, 0, value, padding);
};
const big = (...numbers: number[]): Uint8Array =>
  p.bytes(...numbers.flatMap((n) => [n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]));
const logged = (interfaces: [type: number, index: number][], payload: Uint8Array, prefix: string): Uint8Array => {
  const body = p.bytes(
    ...[2, 0, 0, 5],
    attribute(1, p.bytes(8, 0, 1, 0)),
    ...interfaces.map(([type, index]) => attribute(type, big(index))),
    attribute(3, big(0, at, 0, 123_456)),
    ...[attribute(16, p.bytes(...new Array<number>(14).fill(2))), attribute(17, p.bytes(0, 14))],
    ...[attribute(10, p.bytes(...Buffer.from(prefix), 0)), attribute(12, big(7)), attribute(9, payload)],
  );
  const size = body.length + 16;
  return p.bytes(size & 255, size >> 8, 0, 0, 0, 4, 0, 0, ...new Array<number>(8).fill(0), body);
};
write('nflog', 'in', p.bytes(0, logged([[4, 1]], syn, 'REJECT:in')));
write('nflog', 'out', p.bytes(1, logged([[5, 2]], packets.first6, 'REJECT:out')));
write(
  'nflog',
  'through',
  p.bytes(
    11,
    logged(
      [
        [4, 1],
        [5, 2],
        [6, 2],
        [7, 1],
      ],
      dns,
      '',
    ),
  ),
);
write(
  'nflog',
  'several',
  p.bytes(0, logged([[4, 1]], syn, 'ACCEPT:'), logged([[4, 3]], dns, 'REJECT:'), logged([], dns, 'x')),
);
/** A mode, and numbers of which few are among those that are refused. */
for (const mode of [0, 1, 2, 3, 4]) {
  for (const step of [1, 7, 29]) {
    const numbers = Array.from({ length: 900 }, (_, i) => (i * step + (i >> 3) * 5 + 3) % 252);
    write('network', `mode-${mode}-${step}`, p.bytes(mode, ...numbers));
  }
}
