// The bytes of one capture: a file or standard input, inflated where they are gzip, told by content.
import fs from 'node:fs';
import zlib from 'node:zlib';
import { WindrowError, systemCode, systemReason } from '../base/errors.ts';
import { STDIN } from '../base/standard.ts';
import { DeviceBytes, FileBytes, PipeBytes } from './bytes.ts';
import type { Bytes } from './bytes.ts';
import type { Damage } from './damage.ts';
import { INFLATE_BYTES, inflateToDamage } from './inflate.ts';

/** Reads fill `into` from `offset` on and give the number of bytes; 0 is the end. Not to be called twice at once. */
export interface ByteSource {
  /** As the user named it. */
  readonly name: string;
  /** Size in bytes as stored; 0 where it is not known. */
  readonly size: number;
  /** Bytes as stored that were read so far. */
  readonly consumed: number;
  /** Why the source ended before its end, after a read gave 0. */
  readonly damage: Damage;
  read(into: Uint8Array, offset: number): number | Promise<number>;
  close(): void;
}

/** Opens a capture. Throws INPUT_REFUSED where it cannot be opened or is a directory. */
export async function openSource(path: string): Promise<ByteSource> {
  const name = path === STDIN ? 'standard input' : path;
  const raw = new RawSource(name, openBytes(path, name));
  const head = new Uint8Array(2);
  try {
    let have = 0;
    while (have < 2) {
      const got = await raw.read(head, have);
      if (got === 0) break;
      have += got;
    }
    raw.unread(head.subarray(0, have));
  } catch (error) {
    raw.close();
    throw error;
  }
  return isGzip(head) ? new GzipSource(path, raw) : raw;
}

/** A regular file that is not compressed, to be read at any place. */
export interface PlainFile {
  readonly fd: number;
  /** In bytes. */
  readonly size: number;
}

/** Opens a capture that can be read in parts; undefined where it is a stream or compressed. Throws INPUT_REFUSED. */
export function openPlainFile(path: string): PlainFile | undefined {
  // A pipe is not even opened: its writer would notice that it is closed again.
  if (path === STDIN || isStream(path)) return undefined;
  const bytes = openBytes(path, path);
  if (!(bytes instanceof FileBytes)) {
    bytes.close();
    return undefined;
  }
  const head = new Uint8Array(2);
  try {
    if (fs.readSync(bytes.fd, head, 0, 2, 0) === 2 && isGzip(head)) {
      bytes.close();
      return undefined;
    }
  } catch (cause) {
    bytes.close();
    throw new WindrowError('INPUT_REFUSED', `${path}: cannot be read: ${systemReason(cause)}`, { cause });
  }
  return { fd: bytes.fd, size: bytes.size };
}

function isStream(path: string): boolean {
  try {
    return !fs.statSync(path).isFile();
  } catch {
    // Opening says why.
    return false;
  }
}

function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

function openBytes(path: string, name: string): Bytes {
  try {
    const fd = path === STDIN ? 0 : fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    const stat = fs.fstatSync(fd);
    if (stat.isFile()) return new FileBytes(fd, stat.size);
    if (stat.isFIFO() || stat.isSocket()) return new PipeBytes(fd);
    if (!stat.isDirectory()) return new DeviceBytes(fd);
    fs.closeSync(fd);
  } catch (cause) {
    throw new WindrowError('INPUT_REFUSED', `${name}: cannot be opened: ${systemReason(cause)}`, { cause });
  }
  throw new WindrowError('INPUT_REFUSED', `${name}: it is a directory: expected a pcap or pcapng capture`);
}

/** The bytes as stored. */
class RawSource implements ByteSource {
  readonly name: string;
  consumed = 0;
  damage: Damage = 'none';
  #bytes: Bytes;
  #pending: Uint8Array = new Uint8Array(0);

  constructor(name: string, bytes: Bytes) {
    this.name = name;
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.size;
  }

  /** Gives bytes back, to be read first. */
  unread(bytes: Uint8Array): void {
    this.#pending = bytes;
  }

  read(into: Uint8Array, offset: number): number | Promise<number> {
    if (this.#pending.length > 0) {
      const some = this.#pending.subarray(0, into.length - offset);
      into.set(some, offset);
      this.#pending = this.#pending.subarray(some.length);
      return some.length;
    }
    try {
      const got = this.#bytes.read(into, offset);
      return typeof got === 'number'
        ? this.#took(got)
        : got.then(
            (n) => this.#took(n),
            (cause: unknown) => this.#fail(cause),
          );
    } catch (cause) {
      return this.#fail(cause);
    }
  }

  #took(count: number): number {
    this.consumed += count;
    return count;
  }

  #fail(cause: unknown): never {
    throw new WindrowError('INPUT_REFUSED', `${this.name}: cannot be read: ${systemReason(cause)}`, { cause });
  }

  close(): void {
    this.#bytes.close();
  }
}

/** The inflated bytes of a gzip file, also of several members one behind another. Inflating runs beside decoding. */
class GzipSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  damage: Damage = 'none';
  #path: string;
  #raw: RawSource;
  #inflate: zlib.Gunzip;
  #chunks: AsyncIterator<Uint8Array>;
  /** Called when the inflater takes more, or is gone. */
  #resume: (() => void) | undefined;
  #given = 0;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(path: string, raw: RawSource) {
    this.name = raw.name;
    this.size = raw.size;
    this.#path = path;
    this.#raw = raw;
    this.#inflate = zlib.createGunzip({ chunkSize: 256 * 1024 });
    this.#chunks = this.#inflate[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    for (const event of ['drain', 'close']) this.#inflate.on(event, () => this.#resume?.());
    // Errors of reading end the inflater with them; errors of inflating reach read() through the iterator.
    this.#pump().catch((error: unknown) => this.#inflate.destroy(error as Error));
  }

  get consumed(): number {
    return this.#raw.consumed;
  }

  async #pump(): Promise<void> {
    while (!this.#inflate.destroyed) {
      const bytes = new Uint8Array(INFLATE_BYTES);
      const got = await this.#raw.read(bytes, 0);
      if (got === 0) break;
      if (!this.#inflate.write(bytes.subarray(0, got))) {
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
      }
    }
    if (!this.#inflate.destroyed) this.#inflate.end();
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    while (this.#rest.length === 0) {
      const next = await this.#next();
      if (next === undefined) return 0;
      this.#rest = next;
    }
    const some = this.#rest.subarray(0, into.length - offset);
    into.set(some, offset);
    this.#rest = this.#rest.subarray(some.length);
    this.#given += some.length;
    return some.length;
  }

  /** The next inflated bytes; undefined at the end, or where the data is damaged. */
  async #next(): Promise<Uint8Array | undefined> {
    try {
      const next = await this.#chunks.next();
      return next.done ? undefined : next.value;
    } catch (error) {
      if (error instanceof WindrowError) throw error;
      if (this.damage !== 'none') return undefined;
      this.damage = systemCode(error) === 'Z_BUF_ERROR' ? 'gzip_cut' : 'gzip_broken';
      // A stream cannot be read again: of it the output of the failing call is lost, at most a few hundred KiB.
      if (this.damage === 'gzip_cut' || this.size === 0) return undefined;
      this.#chunks = inflateToDamage(this.#path, this.#given);
      return this.#next();
    }
  }

  close(): void {
    this.#inflate.destroy();
    this.#raw.close();
  }
}
