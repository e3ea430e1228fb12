// A segment of the spool: a file of records that is named by the position of the first of them, and its header.
//
//   8 bytes  "wdrspool"
//   u32le    version of the format: 1
//   u32le    CRC-32 of the header without this field
//   u64le    position of the first record
//   u64le    when it was begun, in milliseconds since the epoch
//            records
//
// In every version of the format the first 32 bytes are these.
import { crc32 } from 'node:zlib';

export const SEGMENT_HEADER_BYTES = 32;

const MAGIC = Buffer.from('wdrspool', 'latin1');
const VERSION = 1;
const NAME = /^([0-9]{20})\.spool$/;
const ASIDE_NAME = /^([0-9]{20})\.damaged$/;

/** What is kept of a segment in memory. */
export interface Segment {
  readonly first: number;
  /** When its first record was appended, in milliseconds since the epoch. */
  readonly time: number;
  /** The position behind its last record. */
  end: number;
  /** Bytes of its file that count, header included. */
  bytes: number;
  /** Nothing will be appended to it. */
  isSealed: boolean;
  /** It is set aside, not deleted, when it is done with. */
  isDamaged: boolean;
}

export type SegmentHeader =
  | { readonly kind: 'known'; readonly time: number }
  | { readonly kind: 'other_version'; readonly version: number }
  | { readonly kind: 'damaged' };

export function segmentName(first: number): string {
  return `${numbered(first)}.spool`;
}

/** What a damaged segment is called. */
export function asideName(first: number): string {
  return `${numbered(first)}.damaged`;
}

/** The position of the first record of a segment with this name; undefined for any other name. */
export function firstOf(name: string): number | undefined {
  return positionIn(NAME.exec(name));
}

/** The same of a segment that was set aside. */
export function firstOfAside(name: string): number | undefined {
  return positionIn(ASIDE_NAME.exec(name));
}

export function segmentHeader(first: number, time: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(VERSION, 8);
  header.writeBigUInt64LE(BigInt(first), 16);
  header.writeBigUInt64LE(BigInt(Math.max(0, Math.trunc(time))), 24);
  header.writeUInt32LE(checkOf(header), 12);
  return header;
}

/** Reads the header of the segment that is named by `first`. */
export function readSegmentHeader(header: Buffer, first: number): SegmentHeader {
  if (header.length < SEGMENT_HEADER_BYTES || !header.subarray(0, 8).equals(MAGIC)) return { kind: 'damaged' };
  if (header.readUInt32LE(12) !== checkOf(header)) return { kind: 'damaged' };
  const version = header.readUInt32LE(8);
  if (version !== VERSION) return { kind: 'other_version', version };
  if (header.readBigUInt64LE(16) !== BigInt(first)) return { kind: 'damaged' };
  return { kind: 'known', time: Number(header.readBigUInt64LE(24)) };
}

/** A crash ended the process before the header of the file was written: `start` is what the file begins with. */
export function isUnbegun(start: Buffer): boolean {
  return start.length < SEGMENT_HEADER_BYTES && MAGIC.subarray(0, start.length).equals(start.subarray(0, MAGIC.length));
}

function checkOf(header: Buffer): number {
  return crc32(header.subarray(16, SEGMENT_HEADER_BYTES), crc32(header.subarray(0, 12)));
}

function numbered(first: number): string {
  return String(first).padStart(20, '0');
}

function positionIn(match: RegExpExecArray | null): number | undefined {
  const first = match ? Number(match[1]) : NaN;
  return Number.isSafeInteger(first) ? first : undefined;
}
