// Classic capture files: draft-ietf-opsawg-pcap, and the modified format of Kuznetzov's libpcap (magic a1b2cd34).
import type { ByteQueue } from './bytes.ts';
import { linkSupported } from './links.ts';
import { type CaptureRecord, ended, hintOfPacketType, incomplete, refused } from './records.ts';

/** No capture program writes larger packets: a greater captured length is damage, not data. */
export const MAX_CAPTURED_BYTES = 262_144;

interface Variant {
  readonly littleEndian: boolean;
  readonly unitsPerSecond: number;
  readonly modified: boolean;
}

const FILE_HEADER_BYTES = 24;
const SECOND_NS = 1_000_000_000;
const MAGICS = new Map<number, Omit<Variant, 'littleEndian'>>([
  [0xa1b2c3d4, { unitsPerSecond: 1_000_000, modified: false }],
  [0xa1b23c4d, { unitsPerSecond: SECOND_NS, modified: false }],
  [0xa1b2cd34, { unitsPerSecond: 1_000_000, modified: true }],
]);

export function isPcap(head: Uint8Array): boolean {
  return variantOf(head) !== undefined;
}

export async function* readPcap(bytes: ByteQueue): AsyncGenerator<CaptureRecord, void> {
  if (!(await bytes.has(FILE_HEADER_BYTES))) {
    yield refused('the file ends inside its header');
    return;
  }
  const header = viewOf(bytes.take(FILE_HEADER_BYTES));
  const variant = variantOf(new Uint8Array(header.buffer, header.byteOffset, 4));
  if (variant === undefined) {
    yield refused('not a capture');
    return;
  }
  const le = variant.littleEndian;
  const major = header.getUint16(4, le);
  const minor = header.getUint16(6, le);
  if (major !== 2) {
    yield refused(`capture file version ${major}.${minor}, expected 2.x`);
    return;
  }
  const linkWord = header.getUint32(20, le);
  const linkType = linkWord & 0x03ff_ffff;
  // draft-ietf-opsawg-pcap section 4: the F bit says that the top four bits count 16-bit words of FCS.
  const fcsBytes = (linkWord & 0x0400_0000) !== 0 ? (linkWord >>> 28) * 2 : 0;
  if (!linkSupported(linkType)) {
    yield refused(`link type ${linkType} is not read`);
    return;
  }
  const recordHeaderBytes = variant.modified ? 24 : 16;
  yield { kind: 'interface', number: 0, name: undefined, linkType };

  while (bytes.buffered(1) || (await bytes.has(1))) {
    if (!bytes.buffered(recordHeaderBytes) && !(await bytes.has(recordHeaderBytes))) {
      yield incomplete(bytes.damage ?? 'the file ends inside a record header');
      return;
    }
    const record = viewOf(bytes.take(recordHeaderBytes));
    const units = record.getUint32(4, le);
    let captured = record.getUint32(8, le);
    let wireLength = record.getUint32(12, le);
    // Before version 2.3 the lengths stood the other way round, and writers of 2.3 did both.
    if (minor < 3 || (minor === 3 && captured > wireLength)) [captured, wireLength] = [wireLength, captured];
    if (captured > MAX_CAPTURED_BYTES) {
      yield incomplete(`a record claims ${captured} captured bytes`);
      return;
    }
    if (!bytes.buffered(captured) && !(await bytes.has(captured))) {
      yield incomplete(bytes.damage ?? 'the file ends inside a record');
      return;
    }
    yield {
      kind: 'packet',
      sec: record.getUint32(0, le) + Math.floor(units / variant.unitsPerSecond),
      nanos: (units % variant.unitsPerSecond) * (SECOND_NS / variant.unitsPerSecond),
      untimed: false,
      linkType,
      fcsBytes,
      wireLength,
      data: bytes.take(captured),
      interfaceNumber: 0,
      interfaceName: undefined,
      hint: variant.modified ? hintOfPacketType(record.getUint8(22)) : undefined,
    };
  }
  yield bytes.damage === undefined ? ended() : incomplete(bytes.damage);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function variantOf(head: Uint8Array): Variant | undefined {
  if (head.length < 4) return undefined;
  for (const littleEndian of [true, false]) {
    const found = MAGICS.get(viewOf(head).getUint32(0, littleEndian));
    if (found !== undefined) return { ...found, littleEndian };
  }
  return undefined;
}
