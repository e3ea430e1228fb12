// Packets and capture files, built from what they are meant to say.

export interface PacketOptions {
  readonly sec?: number;
  readonly units?: number;
  /** As captured; the wire had more. */
  readonly captured?: number;
  readonly wireLength?: number;
}

export interface BuiltPacket {
  readonly data: Uint8Array;
  readonly sec: number;
  readonly units: number;
  readonly wireLength: number;
}

export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

export function concat(...parts: (Uint8Array | number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

export function u16(value: number, littleEndian = false): Uint8Array {
  const bytes = new Uint8Array(2);
  new DataView(bytes.buffer).setUint16(0, value, littleEndian);
  return bytes;
}

export function u32(value: number, littleEndian = false): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, littleEndian);
  return bytes;
}

export function zeros(count: number): Uint8Array {
  return new Uint8Array(count);
}

export function packet(data: Uint8Array, options: PacketOptions = {}): BuiltPacket {
  const { sec = 1000, units = 0, captured = data.length, wireLength = data.length } = options;
  return { data: data.subarray(0, captured), sec, units, wireLength };
}

export interface PcapOptions {
  readonly linkType?: number;
  readonly magic?: number;
  readonly littleEndian?: boolean;
  readonly minor?: number;
  readonly swapped?: boolean;
  /** Modified format only: the 8 bytes behind the lengths. */
  readonly extra?: Uint8Array;
}

export function pcap(packets: readonly BuiltPacket[], options: PcapOptions = {}): Uint8Array {
  const { linkType = 1, magic = 0xa1b2c3d4, littleEndian: le = true, minor = 4, swapped = false } = options;
  const extra = options.extra ?? zeros(0);
  const header = [u32(magic, le), u16(2, le), u16(minor, le), zeros(8), u32(65535, le), u32(linkType, le)];
  const records = packets.map(({ data, sec, units, wireLength }) => {
    const lengths = [u32(data.length, le), u32(wireLength, le)];
    if (swapped) lengths.reverse();
    return concat(u32(sec, le), u32(units, le), ...lengths, extra, data);
  });
  return concat(...header, ...records);
}

/** pcapng blocks of one byte order. */
export class Blocks {
  readonly #le: boolean;

  constructor(littleEndian = true) {
    this.#le = littleEndian;
  }

  block(type: number, body: Uint8Array): Uint8Array {
    const padded = concat(body, zeros((4 - (body.length % 4)) % 4));
    const total = u32(padded.length + 12, this.#le);
    return concat(u32(type, this.#le), total, padded, total);
  }

  option(code: number, value: Uint8Array): Uint8Array {
    return concat(u16(code, this.#le), u16(value.length, this.#le), value, zeros((4 - (value.length % 4)) % 4));
  }

  section(): Uint8Array {
    return this.block(
      0x0a0d0d0a,
      concat(u32(0x1a2b3c4d, this.#le), u16(1, this.#le), zeros(2), hex('ffffffffffffffff')),
    );
  }

  interface(linkType = 1, options: readonly Uint8Array[] = [], snapBytes = 0): Uint8Array {
    return this.block(1, concat(u16(linkType, this.#le), zeros(2), u32(snapBytes, this.#le), ...options));
  }

  enhanced(data: Uint8Array, time: bigint, options: readonly Uint8Array[] = [], number = 0): Uint8Array {
    const body = [u32(number, this.#le), this.time(time), u32(data.length, this.#le), u32(data.length, this.#le)];
    return this.block(6, concat(...body, data, zeros((4 - (data.length % 4)) % 4), ...options));
  }

  obsolete(data: Uint8Array, time: bigint): Uint8Array {
    const body = [zeros(4), this.time(time), u32(data.length, this.#le), u32(data.length, this.#le)];
    return this.block(2, concat(...body, data));
  }

  simple(data: Uint8Array, wireLength = data.length): Uint8Array {
    return this.block(3, concat(u32(wireLength, this.#le), data));
  }

  statistics(time: bigint, drops: bigint): Uint8Array {
    const count = new Uint8Array(8);
    new DataView(count.buffer).setBigUint64(0, drops, this.#le);
    return this.block(5, concat(zeros(4), this.time(time), this.option(5, count)));
  }

  /** Two words, the high one first. */
  time(units: bigint): Uint8Array {
    return concat(u32(Number(units >> 32n), this.#le), u32(Number(units & 0xffff_ffffn), this.#le));
  }
}

export interface Ipv4Options {
  readonly src?: string;
  readonly dst?: string;
  readonly protocol?: number;
  readonly totalLength?: number;
  readonly versionAndLength?: number;
  readonly id?: number;
  /** Flags and offset, as on the wire: 0x2000 is More Fragments. */
  readonly fragment?: number;
}

export function ipv4(payload: Uint8Array, options: Ipv4Options = {}): Uint8Array {
  const { src = '10.0.0.1', dst = '198.51.100.7', protocol = 17, versionAndLength = 0x45 } = options;
  const total = options.totalLength ?? 20 + payload.length;
  const head = [
    [versionAndLength, 0],
    u16(total),
    u16(options.id ?? 1),
    u16(options.fragment ?? 0),
    [64, protocol, 0, 0],
  ];
  return concat(...head, dotted(src), dotted(dst), payload);
}

export interface Ipv6Options {
  readonly src?: Uint8Array;
  readonly dst?: Uint8Array;
  readonly next?: number;
  readonly payloadLength?: number;
}

export const V6_SRC = hex('20010db8000000000000000000000001');
export const V6_DST = hex('20010db8000000000000000000000002');

export function ipv6(payload: Uint8Array, options: Ipv6Options = {}): Uint8Array {
  const { src = V6_SRC, dst = V6_DST, next = 17, payloadLength = payload.length } = options;
  return concat([0x60, 0, 0, 0], u16(payloadLength), [next, 64], src, dst, payload);
}

export function udp(sport = 1111, dport = 2222, payload = hex('00')): Uint8Array {
  return concat(u16(sport), u16(dport), u16(8 + payload.length), zeros(2), payload);
}

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const ACK = 16;

export function tcp(sport = 1111, dport = 80, flags = ACK): Uint8Array {
  return concat(u16(sport), u16(dport), zeros(8), [0x50, flags], zeros(6));
}

export function ethernet(type: number, payload: Uint8Array, dst = '020000000001', src = '020000000002'): Uint8Array {
  return concat(hex(dst), hex(src), u16(type), payload);
}

/** IPv4 and UDP on Ethernet: the packet whose layers do not matter to a test. */
export function plain(sport = 1111): Uint8Array {
  return ethernet(0x0800, ipv4(udp(sport)));
}

function dotted(address: string): number[] {
  return address.split('.').map(Number);
}
