// Where lines go that are for one reader only: a file, or standard output.
import fs from 'node:fs';
import { WindrowError, systemCode, systemReason } from '../base/errors.ts';
import { STDOUT } from '../base/standard.ts';
import type { Compression } from './compressions.ts';
import { openCompressor } from './compressor.ts';
import type { Compressor } from './compressor.ts';

/** The reader of standard output went away: nothing to complain about, as with `| head`. */
export class ReaderGone extends Error {}

/** An output that is created with its first byte, or when it is closed: a refused input leaves no trace. */
export class Output {
  readonly path: string;
  readonly #compression: Compression | undefined;
  #compressor: Compressor | undefined;
  #fd: number | undefined;
  bytes = 0;

  /** What is written is compressed block by block, if so wanted. */
  constructor(path: string, compression?: Compression) {
    this.path = path;
    this.#compression = compression;
  }

  /** Writes all of `bytes`. Throws OUTPUT_FAILED, or ReaderGone. */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      this.#open();
      bytes = await this.#compress(bytes);
      for (let at = 0; at < bytes.length;) at += await writeSome(this.#fd!, bytes, at);
      this.bytes += bytes.length;
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  /** Closes the file, which exists from now on even if nothing was written. */
  async close(): Promise<void> {
    // Nothing at all is no gzip and no zstd either: readers expect an empty stream.
    if (this.#compression && this.bytes === 0) await this.write(new Uint8Array(0));
    try {
      this.#open();
      if (this.#fd !== undefined && this.#fd !== 1) fs.closeSync(this.#fd);
      this.#fd = undefined;
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  async #compress(bytes: Uint8Array): Promise<Uint8Array> {
    if (!this.#compression) return bytes;
    this.#compressor ??= await openCompressor(this.#compression);
    return this.#compressor(bytes);
  }

  #open(): void {
    this.#fd ??= this.path === STDOUT ? 1 : fs.openSync(this.path, 'w');
  }

  #failure(cause: unknown): Error {
    if (cause instanceof WindrowError) return cause;
    if (systemCode(cause) === 'EPIPE' && this.path === STDOUT) return new ReaderGone();
    const name = this.path === STDOUT ? 'standard output' : this.path;
    const written = this.bytes > 0 ? ` after ${this.bytes.toLocaleString('en-US')} bytes` : '';
    return new WindrowError('OUTPUT_FAILED', `${name}: cannot be written${written}: ${systemReason(cause)}`, { cause });
  }
}

/** A pipe that is full and set to non-blocking by its other owner says EAGAIN: ask again. */
function writeSome(fd: number, bytes: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, bytes, at, bytes.length - at, null, (error, written) => {
      if (!error) resolve(written);
      else if (systemCode(error) === 'EAGAIN') setTimeout(() => resolve(0), 2);
      else reject(error);
    });
  });
}
