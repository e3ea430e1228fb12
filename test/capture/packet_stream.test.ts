// Packets from one process to another: what is written is what is read again, and which way they went.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PacketStream } from '../../src/capture/packet_stream.ts';
import type { Way } from '../../src/capture/packet_stream.ts';
import { turned, wayOf } from '../../src/capture/packet_way.ts';
import type { OwnAddresses } from '../../src/capture/packet_way.ts';
import { readBytes } from '../../src/verify/containers.ts';
import type { PacketRecord } from '../../src/verify/records.ts';
import * as p from '../packets.ts';

const SNAP_BYTES = 256;

async function readAgain(bytes: Uint8Array): Promise<PacketRecord[]> {
  const records: PacketRecord[] = [];
  for await (const record of readBytes(bytes)) {
    if (record.kind === 'packet') records.push(record);
    if (record.kind === 'end') expect(record).toMatchObject({ complete: true, refused: false });
  }
  return records;
}

test('what is written is read again, in batches of whatever size', async () => {
  const packet = fc.record({
    data: fc.uint8Array({ maxLength: 600 }),
    more: fc.nat(70_000),
    time: fc.integer({ min: 0, max: 4_102_444_800_000 }),
    way: fc.constantFrom<Way>('in', 'out', undefined),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(packet, { maxLength: 400 }),
      fc.constantFrom(0, 1, 101, 113, 276),
      async (packets, linkType) => {
        const written: Uint8Array[] = [];
        const stream = new PacketStream(linkType, SNAP_BYTES, (bytes) => written.push(bytes.slice()));
        for (const { data, more, time, way } of packets) stream.add(data, data.length + more, time, way);
        stream.flush();
        stream.flush();
        const again = await readAgain(Buffer.concat(written));
        expect(
          again.map(({ data, wireLength, sec, nanos, hint, linkType: type }) => ({
            ...{ data: Buffer.from(data).toString('hex'), wireLength, type },
            ...{ time: sec * 1000 + nanos / 1e6, way: hint },
          })),
        ).toEqual(
          packets.map(({ data, more, time, way }) => ({
            data: Buffer.from(data.subarray(0, SNAP_BYTES)).toString('hex'),
            ...{ wireLength: data.length + more, type: linkType, time, way },
          })),
        );
      },
    ),
    { numRuns: 60 },
  );
});

describe('the way of a packet', () => {
  const [ours, theirs] = ['02:00:00:00:00:01', '02:00:00:00:00:02'];
  const own: OwnAddresses = { mac: p.mac(ours), addresses: [p.address('10.0.0.1'), p.address('2001:db8::1')] };
  const alone: OwnAddresses = { mac: undefined, addresses: own.addresses };
  const out = p.ipv4({ src: '10.0.0.1', dst: '192.0.2.1' }, p.udp({}));
  const back = p.ipv4({ src: '192.0.2.1', dst: '10.0.0.1' }, p.udp({}));
  const through = p.ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, p.udp({}));
  const out6 = p.ipv6({ src: '2001:db8::1', dst: '2001:db8::2' }, p.udp({}));
  const back6 = p.ipv6({ src: '2001:db8::2', dst: '2001:db8::1' }, p.udp({}));
  const frame = (src: string, dst: string): Uint8Array => p.ethernet({ src, dst }, through);

  test.each<[string, number, Uint8Array, OwnAddresses, Way]>([
    ['from our MAC', 1, frame(ours, theirs), own, 'out'],
    ['to our MAC', 1, frame(theirs, ours), own, 'in'],
    ['from us to all', 1, frame(ours, 'ff:ff:ff:ff:ff:ff'), own, 'out'],
    ['from another to all', 1, frame(theirs, 'ff:ff:ff:ff:ff:ff'), own, 'in'],
    ['from another to a group', 1, frame(theirs, '33:33:00:00:00:01'), own, 'in'],
    ['between others, as a bridge shows', 1, frame(theirs, '02:00:00:00:00:03'), own, undefined],
    ['cut in its header', 1, frame(ours, theirs).subarray(0, 11), own, undefined],
    ['of Ethernet without a MAC, from our address', 1, p.ethernet({}, out), alone, 'out'],
    ['of Ethernet without a MAC, to our address', 1, p.ethernet({}, back), alone, 'in'],
    ['of IP alone, from our address', 101, out, alone, 'out'],
    ['of IP alone, to our address', 101, back, own, 'in'],
    ['of IP alone, of others', 101, through, own, undefined],
    ['of IPv6, from our address', 101, out6, own, 'out'],
    ['of IPv6, to our address', 101, back6, own, 'in'],
    ['of BSD loopback', 0, p.bytes(2, 0, 0, 0, out), alone, 'out'],
    ['cut in its addresses', 101, out.subarray(0, 19), own, undefined],
    ['empty', 101, new Uint8Array(), own, undefined],
    ['cooked, from us', 113, p.sll({ packetType: 4 }, through), own, 'out'],
    ['cooked, to us', 113, p.sll({ packetType: 0 }, through), own, 'in'],
    ['cooked, cut', 113, new Uint8Array(1), own, undefined],
    ['of a kind whose header is not known', 127, out, own, undefined],
  ])('%s', (_, linkType, data, addresses, way) => {
    expect(wayOf(linkType, data, addresses)).toBe(way);
  });

  test('is the other one at the other end', () => {
    expect([turned('in'), turned('out'), turned(undefined)]).toEqual(['out', 'in', undefined]);
  });
});
