// Random frames of all link types, whole and harmed.
import fc from 'fast-check';
import * as p from '../packets.ts';
import { ip, mostly, one, typeOf } from './random_packets.ts';

const MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03', '01:00:5e:00:00:fb'];
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
export const LINK_TYPES = Object.keys(FRAMES).map(Number);

/** Bytes that are not what they were, and an end that is not where it was. */
export interface Harm {
  readonly flips: readonly (readonly [number, number])[];
  readonly cutTo: number | undefined;
  readonly missing: number;
}

const noHarm: Harm = { flips: [], cutTo: undefined, missing: 0 };
export const harm: fc.Arbitrary<Harm> = mostly(
  fc.constant(noHarm),
  fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { minLength: 1, maxLength: 2 }).map((flips) => ({ ...noHarm, flips })),
  fc.nat(90).map((cutTo) => ({ ...noHarm, cutTo })),
  one([-30, -1, 1, 1000, 70_000]).map((missing) => ({ ...noHarm, missing })),
);

export interface Framed {
  readonly data: Uint8Array;
  readonly wireLength: number;
}

export function harmed(frame: Uint8Array, { flips, cutTo, missing }: Harm): Framed {
  const data = Uint8Array.from(frame);
  for (const [at, value] of flips) if (at < data.length) data[at] = value;
  return { data: data.subarray(0, cutTo), wireLength: Math.max(0, data.length + missing) };
}

export function framed(linkType: number): fc.Arbitrary<Framed> {
  return fc.tuple(FRAMES[linkType], harm).map(([frame, wrong]) => harmed(frame, wrong));
}
