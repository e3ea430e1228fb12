// A queue of bytes over chunks as they arrive: a reader asks whether it may take, then takes.
import { GzipDamage } from './inflate.ts';

export type OpenBytes = () => AsyncIterable<Uint8Array>;

export class ByteQueue {
  /** Why the bytes ended early, where the container around them was cut off or damaged. */
  damage: string | undefined;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #buffer = new Uint8Array(0);
  #at = 0;
  #ended = false;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Whether `count` bytes are there; waits for them. */
  async has(count: number): Promise<boolean> {
    while (this.#buffer.length - this.#at < count && !this.#ended) {
      const chunk = await this.#next();
      if (chunk === undefined) this.#ended = true;
      else this.#append(chunk);
    }
    return this.#buffer.length - this.#at >= count;
  }

  /** Whether `count` bytes are buffered already, so that no promise is needed. */
  buffered(count: number): boolean {
    return this.#buffer.length - this.#at >= count;
  }

  peek(count: number): Uint8Array {
    return this.#buffer.subarray(this.#at, this.#at + count);
  }

  take(count: number): Uint8Array {
    const taken = this.peek(count);
    this.#at += count;
    return taken;
  }

  async skip(count: number): Promise<boolean> {
    let left = count;
    while (left > 0) {
      if (!(await this.has(1))) return false;
      const here = Math.min(left, this.#buffer.length - this.#at);
      this.#at += here;
      left -= here;
    }
    return true;
  }

  async close(): Promise<void> {
    this.#ended = true;
    await this.#chunks.return?.();
  }

  async #next(): Promise<Uint8Array | undefined> {
    try {
      const result = await this.#chunks.next();
      return result.done === true ? undefined : result.value;
    } catch (error) {
      if (!(error instanceof GzipDamage)) throw error;
      this.damage = error.message;
      return undefined;
    }
  }

  #append(chunk: Uint8Array): void {
    // Packets are handed out as views, so a buffer is never written to again once it is filled.
    const left = this.#buffer.subarray(this.#at);
    const joined = new Uint8Array(left.length + chunk.length);
    joined.set(left);
    joined.set(chunk, left.length);
    this.#buffer = joined;
    this.#at = 0;
  }
}
