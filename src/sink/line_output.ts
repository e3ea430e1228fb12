// Lines on their way into an output: blocks are written while the next ones are filled.
import { addon } from '../base/addon.ts';
import type { LineSink } from '../flowlog/line_writer.ts';
import type { Compression } from './compressions.ts';
import { Output } from './output.ts';
import { PAGE_BYTES } from './output_file.ts';
import type { WritingOptions } from './output_file.ts';

/** Bytes of a block of lines. */
const BLOCK_BYTES = 1 << 20;
/** Blocks there are, at most: a slow output slows its writer instead of filling memory. */
const BLOCKS = 16;
/** A line is shorter than this: a block with less room left is handed over. */
const LINE_ROOM = 64 * 1024;

/** A block that was handed over, and how much of it counts. */
interface Filled {
  readonly block: Uint8Array;
  readonly size: number;
}

export interface LineOutputOptions extends WritingOptions {
  /** At least 128 KiB, and a multiple of a page. */
  readonly blockBytes: number;
  /** At least 2. */
  readonly blocks: number;
}

/** For one writer, which awaits the room that it asks for. A file is created with its first block, or when it is closed. */
export class LineOutput implements LineSink {
  readonly #output: Output;
  readonly #blockBytes: number;
  readonly #blocks: number;
  /** Last in, first out: an output that is fast enough touches few. */
  readonly #free: Uint8Array[] = [];
  #made = 0;
  #block: Uint8Array | undefined;
  #size = 0;
  readonly #filled: Filled[] = [];
  /** What the last block had behind its last whole page: the next one begins with it. */
  readonly #tail = new Uint8Array(PAGE_BYTES);
  #tailSize = 0;
  /** Bytes of the output that were handed over. */
  #handedOver = 0;
  #writing: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #ending: Promise<void> | undefined;
  #failure: Error | undefined;
  #tellFailure: (error: Error) => void = () => undefined;

  /** Rejects as soon as a write fails, with what `room` and `close` reject with from then on. */
  readonly failed = new Promise<never>((_, reject) => (this.#tellFailure = reject));

  constructor(path: string, compression?: Compression, options: Partial<LineOutputOptions> = {}) {
    this.#output = new Output(path, compression, options);
    this.#blockBytes = options.blockBytes ?? BLOCK_BYTES;
    this.#blocks = options.blocks ?? BLOCKS;
    this.failed.catch(() => undefined);
  }

  /** At least 64 KiB, at once unless all blocks are under way. Rejects with OUTPUT_FAILED, or ReaderGone. */
  room(): Uint8Array | Promise<Uint8Array> {
    if (this.#block && this.#blockBytes - this.#size < LINE_ROOM) this.#handOver();
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#ending) return Promise.reject(new Error('lines after the end of an output'));
    this.#block ??= this.#begin();
    return this.#block ? this.#block.subarray(this.#size) : this.#wait();
  }

  wrote(bytes: number): void {
    this.#size += bytes;
  }

  /** Bytes that are in the output by now. */
  get bytes(): number {
    return this.#output.bytes;
  }

  /** No more lines come for now: who reads them from a pipe or a terminal gets what there is. */
  pause(): void {
    if (this.#block && this.#size > 0 && this.#output.isRead()) this.#handOver();
  }

  /** Writes what is no lines, but stands in place of them. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#output.write(bytes);
  }

  /** All lines so far are with whoever reads them, or in the file; no others come meanwhile. Not for compressed files. */
  async flush(): Promise<void> {
    if (this.#block && this.#size > 0) this.#handOver();
    await this.#writing;
    if (this.#failure) throw this.#failure;
  }

  /** Writes the lines so far, and takes no more. Where there are none, nothing is created. */
  end(): Promise<void> {
    return (this.#ending ??= this.#writeRest());
  }

  /** Writes the lines so far, and closes the output, which exists from now on; if so wanted also after a loss of power. */
  async close(options?: { isSynced: boolean }): Promise<void> {
    await this.end();
    await this.#output.close(options);
  }

  /** Closes the output as it is: its lines are not wanted any more. */
  async abandon(): Promise<void> {
    this.#filled.length = 0;
    this.#block = undefined;
    this.#ending ??= Promise.resolve();
    await this.#writing;
    this.#output.abandon();
  }

  /** A block to fill; none while all are under way. */
  #begin(): Uint8Array | undefined {
    const block = this.#free.pop() ?? this.#make();
    if (block) {
      block.set(this.#tail.subarray(0, this.#tailSize));
      this.#size = this.#tailSize;
      this.#tailSize = 0;
    }
    return block;
  }

  #make(): Uint8Array | undefined {
    if (this.#made === this.#blocks) return undefined;
    this.#made++;
    return addon.aligned_bytes(this.#blockBytes);
  }

  async #wait(): Promise<Uint8Array> {
    await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.room();
  }

  /** Parts with the block, up to the last whole page of a file. */
  #handOver(): void {
    const block = this.#block!;
    try {
      this.#tailSize = Math.min(this.#size, (this.#handedOver + this.#size) % this.#output.grain());
    } catch (error) {
      return this.#fail(error);
    }
    const size = this.#size - this.#tailSize;
    this.#tail.set(block.subarray(size, this.#size));
    this.#handedOver += size;
    this.#block = undefined;
    this.#filled.push({ block, size });
    this.#writing ??= this.#writeFilled();
  }

  async #writeFilled(): Promise<void> {
    try {
      while (this.#filled.length > 0) {
        // As many are filled meanwhile.
        const batch = this.#filled.splice(0, this.#blocks / 2);
        const written = this.#output.write(...batch.map(({ block, size }) => block.subarray(0, size)));
        // The next write is under way before the blocks of the last one are filled: the disk does not wait.
        this.#wake?.();
        await written;
        this.#free.push(...batch.map(({ block }) => block));
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#writing = undefined;
    this.#wake?.();
  }

  async #writeRest(): Promise<void> {
    if (this.#block && this.#size > 0) this.#handOver();
    await this.#writing;
    if (this.#failure) throw this.#failure;
    if (this.#tailSize > 0) await this.#output.write(this.#tail.subarray(0, this.#tailSize));
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    this.#tellFailure(this.#failure);
  }
}
