// pcapng files: draft-ietf-opsawg-pcapng.
import type { ByteQueue } from './bytes.ts';
import { MAX_CAPTURED_BYTES, viewOf } from './pcap.ts';
import { type CaptureRecord, type Hint, type PacketRecord, ended, incomplete, refused } from './records.ts';
import { type Clock, readClock, secondsOf, timeOf } from './clock.ts';

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const OLD_PACKET = 2;
const SIMPLE_PACKET = 3;
const STATISTICS = 5;
const ENHANCED_PACKET = 6;
const MIN_BLOCK_BYTES = new Map([
  [SECTION, 28],
  [INTERFACE, 20],
  [OLD_PACKET, 32],
  [SIMPLE_PACKET, 16],
  [STATISTICS, 24],
  [ENHANCED_PACKET, 32],
]);
/** Above this, a block that has to be held whole is damage; others are skipped at any length. */
const MAX_BLOCK_BYTES = 16 * 1024 * 1024;

interface Interface {
  readonly linkType: number;
  readonly snapBytes: number;
  readonly name: string | undefined;
  readonly clock: Clock;
  readonly fcsBytes: number;
  drops: bigint;
  statisticsSec: number | undefined;
}

interface Section {
  readonly littleEndian: boolean;
  readonly interfaces: Interface[];
  /** Of the whole file: where a first drop count has nothing else to start from. */
  firstSec: number | undefined;
}

interface Block {
  readonly type: number;
  /** Between the two lengths, padding included. */
  readonly body: DataView;
}

export function isPcapng(head: Uint8Array): boolean {
  return head.length >= 4 && viewOf(head).getUint32(0) === SECTION;
}

export async function* readPcapng(bytes: ByteQueue): AsyncGenerator<CaptureRecord, void> {
  let section: Section | undefined;
  while (await bytes.has(1)) {
    const block = await readBlock(bytes, section?.littleEndian);
    if (typeof block === 'string') {
      const reason = bytes.damage ?? block;
      yield section === undefined ? refused(reason) : incomplete(reason);
      return;
    }
    if (block === undefined) continue;
    if (block.type === SECTION) {
      section = { littleEndian: startsLittle(block.body), interfaces: [], firstSec: section?.firstSec };
      continue;
    }
    if (section === undefined) {
      yield refused('not a capture');
      return;
    }
    const record = readRecord(block, section);
    if (typeof record === 'string') {
      yield incomplete(record);
      return;
    }
    if (record !== undefined) yield record;
  }
  yield bytes.damage === undefined ? ended() : incomplete(bytes.damage);
}

/** A block, nothing for one that is skipped, or what is wrong with it. */
async function readBlock(bytes: ByteQueue, littleEndian: boolean | undefined): Promise<Block | string | undefined> {
  if (!(await bytes.has(12))) return 'the file ends inside a block header';
  const head = viewOf(bytes.peek(12));
  const isSection = head.getUint32(0) === SECTION;
  if (isSection && head.getUint32(8, true) !== 0x1a2b3c4d && head.getUint32(8) !== 0x1a2b3c4d) {
    return 'a section without a byte order';
  }
  const le = isSection ? head.getUint32(8, true) === 0x1a2b3c4d : (littleEndian ?? true);
  const type = head.getUint32(0, le);
  // Some writers leave the padding out of the length; readers add it.
  const total = Math.ceil(head.getUint32(4, le) / 4) * 4;
  const least = MIN_BLOCK_BYTES.get(type);
  if (total < (least ?? 12)) return `a block of ${total} bytes, too short for its type`;
  const held = least !== undefined && (type !== STATISTICS || total <= MAX_BLOCK_BYTES);
  if (held && total > MAX_BLOCK_BYTES) return `a block claims ${total} bytes`;
  if (held) {
    if (!(await bytes.has(total))) return 'the file ends inside a block';
    bytes.take(8);
  } else if (!(await bytes.skip(total - 4)) || !(await bytes.has(4))) return 'the file ends inside a block';
  const body = held ? viewOf(bytes.take(total - 12)) : undefined;
  const trailing = Math.ceil(viewOf(bytes.take(4)).getUint32(0, le) / 4) * 4;
  if (trailing !== total) return `a block of ${total} bytes ends with the length ${trailing}`;
  if (isSection && body?.getUint16(4, le) !== 1) return 'a section of an unknown version';
  return body === undefined ? undefined : { type, body };
}

function startsLittle(body: DataView): boolean {
  return body.getUint32(0, true) === 0x1a2b3c4d;
}

function readRecord({ type, body }: Block, section: Section): CaptureRecord | string | undefined {
  switch (type) {
    case INTERFACE: {
      const declared = readInterface(body, section.littleEndian);
      section.interfaces.push(declared);
      return {
        kind: 'interface',
        number: section.interfaces.length - 1,
        name: declared.name,
        linkType: declared.linkType,
      };
    }
    case STATISTICS:
      return readStatistics(body, section);
    default: {
      const packet = readPacket(type, body, section);
      if (typeof packet !== 'string' && !packet.untimed) section.firstSec ??= packet.sec;
      return packet;
    }
  }
}

function readInterface(body: DataView, le: boolean): Interface {
  const options = readOptions(body, 8, le);
  const name = options.get(2);
  return {
    linkType: body.getUint16(0, le),
    snapBytes: body.getUint32(4, le),
    name: name === undefined ? undefined : textOf(name),
    clock: readClock(options.get(9), options.get(14), le),
    fcsBytes: options.get(13)?.getUint8(0) ?? 0,
    drops: 0n,
    statisticsSec: undefined,
  };
}

function readPacket(type: number, body: DataView, section: Section): PacketRecord | string {
  const le = section.littleEndian;
  const simple = type === SIMPLE_PACKET;
  const dataAt = simple ? 4 : 20;
  const number = simple ? 0 : type === OLD_PACKET ? body.getUint16(0, le) : body.getUint32(0, le);
  const source = section.interfaces[number];
  if (source === undefined) return `a packet of the undeclared interface ${number}`;
  const room = body.byteLength - dataAt;
  const wireLength = body.getUint32(simple ? 0 : 16, le);
  const captured = simple
    ? Math.min(wireLength, room, source.snapBytes === 0 ? Infinity : source.snapBytes)
    : body.getUint32(12, le);
  if (captured > room || captured > MAX_CAPTURED_BYTES) return `a block claims ${captured} captured bytes`;
  const time = simple ? { sec: 0, nanos: 0 } : timeOf(source.clock, unitsAt(body, 4, le));
  const optionsAt = dataAt + Math.ceil(captured / 4) * 4;
  return {
    kind: 'packet',
    ...time,
    untimed: simple,
    linkType: source.linkType,
    fcsBytes: source.fcsBytes,
    wireLength,
    data: new Uint8Array(body.buffer, body.byteOffset + dataAt, captured),
    interfaceNumber: number,
    interfaceName: source.name,
    hint: simple ? undefined : readHint(body, optionsAt, le),
  };
}

/** Option 2 of both packet blocks: the low two bits are 1 for inbound, 2 for outbound. */
function readHint(body: DataView, optionsAt: number, le: boolean): Hint | undefined {
  const flags = readOptions(body, optionsAt, le).get(2);
  if (flags === undefined || flags.byteLength < 4) return undefined;
  const direction = flags.getUint32(0, le) & 3;
  return direction === 1 ? 'in' : direction === 2 ? 'out' : undefined;
}

function readStatistics(body: DataView, section: Section): CaptureRecord | undefined {
  const le = section.littleEndian;
  const number = body.getUint32(0, le);
  const source = section.interfaces[number];
  if (source === undefined) return undefined;
  const options = readOptions(body, 12, le);
  const seconds = (option: DataView | undefined): number | undefined =>
    option === undefined || option.byteLength < 8 ? undefined : secondsOf(source.clock, unitsAt(option, 0, le));
  const count = (option: DataView | undefined): bigint =>
    option === undefined || option.byteLength < 8 ? 0n : option.getBigUint64(0, le);
  const toSec = seconds(options.get(3)) ?? secondsOf(source.clock, unitsAt(body, 4, le));
  const drops = count(options.get(5)) + count(options.get(7));
  const fromSec = source.statisticsSec ?? seconds(options.get(2)) ?? section.firstSec ?? toSec;
  const grew = drops > source.drops;
  source.drops = drops;
  source.statisticsSec = toSec;
  return grew
    ? { kind: 'drops', interfaceNumber: number, interfaceName: source.name, fromSec: Math.min(fromSec, toSec), toSec }
    : undefined;
}

/** Times stand as two 32-bit words, the high one first in either byte order. */
function unitsAt(view: DataView, at: number, le: boolean): bigint {
  return (BigInt(view.getUint32(at, le)) << 32n) | BigInt(view.getUint32(at + 4, le));
}

/** The first option of each code; a damaged list ends where the damage is. */
function readOptions(body: DataView, from: number, le: boolean): Map<number, DataView> {
  const options = new Map<number, DataView>();
  let at = from;
  while (at + 4 <= body.byteLength) {
    const code = body.getUint16(at, le);
    const length = body.getUint16(at + 2, le);
    if (code === 0 || at + 4 + length > body.byteLength) break;
    if (!options.has(code) && length > 0)
      options.set(code, new DataView(body.buffer, body.byteOffset + at + 4, length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return options;
}

function textOf(option: DataView): string {
  const text = new TextDecoder().decode(new Uint8Array(option.buffer, option.byteOffset, option.byteLength));
  return text.replace(/\0+$/, '');
}
