// A frame: the bytes that were captured, and where on the wire it ended. Reading past either throws a reason.

/** Why a packet is in no entry. */
export type Reason =
  'not_ip' | 'malformed' | 'truncated' | 'multicast' | 'broadcast' | 'not_local' | 'unsupported_link_type';

/** Thrown inside the decoder only, and caught at its face: one of each, so that no stack is taken per packet. */
export class Excluded extends Error {
  readonly reason: Reason;
  constructor(reason: Reason) {
    super(reason);
    this.reason = reason;
  }
}

const NOT_IP = new Excluded('not_ip');
const TRUNCATED = new Excluded('truncated');
const MALFORMED = new Excluded('malformed');

export function notIp(): never {
  throw NOT_IP;
}

export function malformed(): never {
  throw MALFORMED;
}

export function truncated(): never {
  throw TRUNCATED;
}

export class Frame {
  data: Uint8Array;
  /** Where the layers read so far end on the wire: as captured at first, less where a layer has a length of its own. */
  end: number;

  constructor(data: Uint8Array, end: number) {
    this.data = data;
    this.end = end;
  }

  u8(at: number): number {
    this.need(at, 1);
    return this.data[at];
  }

  u16(at: number): number {
    this.need(at, 2);
    return (this.data[at] << 8) | this.data[at + 1];
  }

  u32(at: number): number {
    return this.u16(at) * 0x10000 + this.u16(at + 2);
  }

  u16le(at: number): number {
    return this.u8(at) | (this.u8(at + 1) << 8);
  }

  u32le(at: number): number {
    return this.u16le(at + 2) * 0x10000 + this.u16le(at);
  }

  /** Whether the bytes at `at` are these, as far as they were captured. */
  starts(at: number, ...bytes: number[]): boolean {
    return at + bytes.length <= this.data.length && bytes.every((byte, index) => this.data[at + index] === byte);
  }

  /** A header that the frame itself does not hold claims nothing; one that only the capture cut is truncated. */
  need(at: number, count: number): void {
    if (at + count <= this.data.length) return;
    if (at + count <= this.end) truncated();
    notIp();
  }

  /** A layer said where its payload ends: what follows is padding or a trailer, and no header. */
  limit(end: number): void {
    this.end = Math.min(this.end, end);
    if (end < this.data.length) this.data = this.data.subarray(0, Math.max(0, end));
  }
}
