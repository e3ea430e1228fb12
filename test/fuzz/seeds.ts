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

/** The prefix of capture_fuzzer.cc: once plain, once with everything that can be chosen. */
const plain = p.bytes(0, 0, 48, 0, 1, 2, 0, 7);
Object.entries(captures).forEach(([name, capture], i) => {
  write('capture', name, plain, capture);
  write('capture', `${name}-chosen`, p.bytes(i, i, i, 1 + ((i * 37) % 256) * 2, i * 11, i * 7, 128, i * 19), capture);
});
write('capture', 'two', p.bytes(0, 0, 48, 2, 1, 2, 128, 7), captures['micro'], captures['micro']);
write(
  'capture',
  'two-kinds',
  p.bytes(
    1,
    1,
    0,
    3,
    1,
    2,
    Math.floor((256 * captures['blocks'].length) / (captures['blocks'].length + captures['micro'].length)),
    7,
  ),
  captures['blocks'],
  captures['micro'],
);

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
