// Keeps the bytes of one capture in front of the native reader: what is left over moves to the front, new bytes follow it.
import type { ByteSource } from './source.ts';

export class Feeder {
  readonly source: ByteSource;
  /** Bytes from `bytes[0]` on that are valid. */
  size = 0;
  /** Where `bytes[0]` stands in the capture. */
  base = 0;
  eof = false;
  bytes: Uint8Array;
  #readBytes: number;

  /** Reads about `readBytes` at once. */
  constructor(source: ByteSource, readBytes: number) {
    this.source = source;
    this.#readBytes = readBytes;
    this.bytes = new Uint8Array(readBytes);
  }

  /** Drops what stands before `position` and reads on until at least `wanted` bytes are there, or the end. */
  async fill(position: number, wanted: number): Promise<void> {
    this.#compact(position, wanted);
    do {
      const got = this.source.read(this.bytes, this.size);
      const count = typeof got === 'number' ? got : await got;
      if (count === 0) {
        this.eof = true;
        return;
      }
      this.size += count;
    } while (this.size < wanted);
  }

  #compact(position: number, wanted: number): void {
    const left = this.bytes.subarray(position, this.size);
    if (wanted > this.bytes.length || left.length === this.bytes.length) {
      const larger = new Uint8Array(Math.max(wanted, this.bytes.length) + this.#readBytes);
      larger.set(left);
      this.bytes = larger;
    } else {
      this.bytes.copyWithin(0, position, this.size);
    }
    this.base += position;
    this.size = left.length;
  }
}
