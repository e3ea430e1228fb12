// The capture of a chaos run: by seed, in parts that follow one another, of several ENIs and over more than an hour.
import fs from 'node:fs';
import path from 'node:path';
import { seededRandom } from '../../bench/random.ts';

/** Of each part. */
export const WINDOWS = 8;
export const WINDOW_SECONDS = 60;

const ENIS = 12;
/** Half past ten in the evening: the capture goes on into the next day. */
const BEGIN = Date.UTC(2026, 0, 5, 22, 30) / 1000;
const RECORD_HEADER = 16;
/** Ethernet, IPv4, UDP, and some of the payload. */
const CAPTURED = 60;
const RECORD = RECORD_HEADER + CAPTURED;
const LINK_HEADER = 14;
const HEADERS = 28;
const BLOCK_RECORDS = 50_000;

export interface CaptureOptions {
  readonly seed: number;
  /** About as many; a replay says how many there are. */
  readonly entries: number;
  readonly parts: number;
}

/** Values of --eni: whoever replays has to name them. */
export const ENI_NAMES = Array.from({ length: ENIS }, (_, n) => `eni-chaos-${n}=10.0.0.${10 + n}`).join(',');

/** Writes the parts into a folder; gives their paths, in the order of time. */
export function makeCapture(folder: string, { seed, entries, parts }: CaptureOptions): string[] {
  fs.mkdirSync(folder, { recursive: true });
  const random = seededRandom(seed);
  const flows = Math.ceil(entries / (parts * WINDOWS));
  return Array.from({ length: parts }, (_, part) => {
    const file = path.join(folder, `part-${String(part + 1).padStart(3, '0')}.pcap`);
    const writer = new PartWriter(file, random);
    for (let window = 0; window < WINDOWS; window++) {
      writer.writeWindow(BEGIN + (part * WINDOWS + window) * WINDOW_SECONDS, flows, window === 0);
    }
    writer.close();
    return file;
  });
}

class PartWriter {
  readonly #fd: number;
  readonly #random: () => number;
  readonly #bytes = Buffer.alloc(BLOCK_RECORDS * RECORD);
  #at = 0;

  constructor(file: string, random: () => number) {
    this.#fd = fs.openSync(file, 'w');
    this.#random = random;
    const header = Buffer.alloc(24);
    header.writeUInt32LE(0xa1b2c3d4, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(65_535, 16);
    header.writeUInt32LE(1, 20);
    fs.writeSync(this.#fd, header);
  }

  /** Each flow has one direction here, so it is an entry. Some are of the window before, and late. */
  writeWindow(begin: number, flows: number, isFirst: boolean): void {
    const random = this.#random;
    const window = begin / WINDOW_SECONDS;
    for (let flow = 0; flow < flows; flow++) {
      // One ENI is silent in most windows.
      const eni = random() % (window % 3 === 0 ? ENIS : ENIS - 1);
      const isOut = random() % 2 === 0;
      const isLate = !isFirst && random() % 200 === 0;
      const micros = Math.floor((flow / flows) * WINDOW_SECONDS * 1e6) - (isLate ? WINDOW_SECONDS * 1e6 : 0);
      const remote = 0xc6120000 + (random() & 0x1ffff);
      const port = 1024 + (random() % 60_000);
      for (let packets = random() % 4 === 0 ? 2 : 1; packets > 0; packets--) {
        this.#writePacket(begin + Math.floor(micros / 1e6), micros - Math.floor(micros / 1e6) * 1e6);
        this.#writeHeaders(0x0a00000a + eni, remote, port, isOut);
      }
    }
  }

  close(): void {
    this.#flush();
    fs.closeSync(this.#fd);
  }

  #writePacket(seconds: number, micros: number): void {
    if (this.#at === this.#bytes.length) this.#flush();
    const length = LINK_HEADER + HEADERS + (this.#random() % 1400);
    const bytes = this.#bytes;
    bytes.writeUInt32LE(seconds, this.#at);
    bytes.writeUInt32LE(micros, this.#at + 4);
    bytes.writeUInt32LE(CAPTURED, this.#at + 8);
    bytes.writeUInt32LE(length, this.#at + 12);
    bytes.writeUInt16BE(length - LINK_HEADER, this.#at + RECORD_HEADER + LINK_HEADER + 2);
  }

  #writeHeaders(local: number, remote: number, port: number, isOut: boolean): void {
    const bytes = this.#bytes;
    const ip = this.#at + RECORD_HEADER + LINK_HEADER;
    bytes.writeUInt16BE(0x0800, ip - 2);
    bytes.writeUInt16BE(0x4500, ip);
    bytes.writeUInt32BE((64 << 24) | (17 << 16), ip + 8);
    bytes.writeUInt32BE(isOut ? local : remote, ip + 12);
    bytes.writeUInt32BE(isOut ? remote : local, ip + 16);
    bytes.writeUInt16BE(isOut ? 4789 : port, ip + 20);
    bytes.writeUInt16BE(isOut ? port : 4789, ip + 22);
    this.#at += RECORD;
  }

  #flush(): void {
    fs.writeSync(this.#fd, this.#bytes, 0, this.#at);
    this.#at = 0;
  }
}
