// A record of the spool: its bytes, and how they are told from anything else.
//
//   u32le  length of the payload
//   u32le  CRC-32 of the record's position (u64le) and the length
//   u32le  CRC-32 of the payload, continuing the one before
//          payload
//
// The position is in the checksums, not in the bytes: neither zeros, which a power failure leaves, nor a record that
// stands in another's place are taken for a record. The header has a checksum of its own, so that a payload that a crash
// cut off is told from a length that is damaged, and behind a damaged payload the next record is found.
import { crc32 } from 'node:zlib';

export const RECORD_HEADER_BYTES = 12;

/** What the bytes at the place of a record are. */
export type Found =
  /** Of so many bytes, header included. */
  | { readonly kind: 'record'; readonly payload: Uint8Array; readonly bytes: number }
  /** Its header is right, its payload is not. */
  | { readonly kind: 'damaged'; readonly bytes: number }
  /** So many bytes are needed to tell more. */
  | { readonly kind: 'short'; readonly bytes: number }
  /** Nobody can tell where the next record begins. */
  | { readonly kind: 'unreadable' };

/** What stands in front of the payload. */
export function recordHeader(position: number, payload: Uint8Array): Buffer {
  const header = Buffer.allocUnsafe(RECORD_HEADER_BYTES);
  const check = headerCheck(position, payload.length);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt32LE(check, 4);
  header.writeUInt32LE(crc32(payload, check), 8);
  return header;
}

/** Looks for the record of this position at the beginning of `bytes`. The payload is a part of them, not a copy. */
export function findRecord(bytes: Buffer, position: number): Found {
  if (bytes.length < RECORD_HEADER_BYTES) return { kind: 'short', bytes: RECORD_HEADER_BYTES };
  const length = bytes.readUInt32LE(0);
  const check = bytes.readUInt32LE(4);
  if (check !== headerCheck(position, length)) return { kind: 'unreadable' };
  const size = RECORD_HEADER_BYTES + length;
  if (bytes.length < size) return { kind: 'short', bytes: size };
  const payload = bytes.subarray(RECORD_HEADER_BYTES, size);
  if (bytes.readUInt32LE(8) !== crc32(payload, check)) return { kind: 'damaged', bytes: size };
  return { kind: 'record', payload, bytes: size };
}

function headerCheck(position: number, length: number): number {
  const checked = Buffer.allocUnsafe(12);
  checked.writeUInt32LE(position % 2 ** 32, 0);
  checked.writeUInt32LE(Math.floor(position / 2 ** 32), 4);
  checked.writeUInt32LE(length, 8);
  return crc32(checked);
}
