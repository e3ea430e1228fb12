// Where lines go that are for one reader only: a file, or standard output.
import { WindrowError, systemCode, systemReason } from '../base/errors.ts';
import { STDOUT } from '../base/standard.ts';
import type { Compression } from './compressions.ts';
import { openCompressor } from './compressor.ts';
import type { Compressor } from './compressor.ts';
import { OutputFile, PAGE_BYTES } from './output_file.ts';
import type { WritingOptions } from './output_file.ts';

/** Small outputs are read again at once, and stay in the page cache. */
const DIRECT_AFTER = 64 << 20;

/** The reader of standard output went away: nothing to complain about, as with `| head`. */
export class ReaderGone extends Error {}

/** An output that is created with its first byte, or when it is closed: a refused input leaves no trace. */
export class Output {
  readonly path: string;
  readonly #compression: Compression | undefined;
  readonly #options: WritingOptions;
  #compressor: Compressor | undefined;
  #file: OutputFile | undefined;
  #isClosed = false;

  /** What is written is compressed block by block, if so wanted: there is too little of it then to go another way. */
  constructor(path: string, compression?: Compression, options: Partial<WritingOptions> = {}) {
    this.path = path;
    this.#compression = compression;
    this.#options = {
      directAfter: compression ? Infinity : (options.directAfter ?? DIRECT_AFTER),
      now: options.now ?? (() => performance.now()),
    };
  }

  /** Bytes that are in the output, also where a write failed halfway. */
  get bytes(): number {
    return this.#file?.bytes ?? 0;
  }

  /** Creates the output. Writes go best in multiples of so many bytes, except for the last one. Throws OUTPUT_FAILED. */
  grain(): number {
    try {
      return this.#open().isRegular && !this.#compression ? PAGE_BYTES : 1;
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  /** Whether somebody may be reading what is written while it is written. */
  isRead(): boolean {
    return this.path === STDOUT || this.#file?.isRegular === false;
  }

  /** Writes all of `blocks`, one behind another; to be awaited before the next call. Throws OUTPUT_FAILED, or ReaderGone. */
  async write(...blocks: readonly Uint8Array[]): Promise<void> {
    try {
      const file = this.#open();
      // Without a compressor the write is under way when this call returns.
      await file.write(this.#compression ? await this.#compress(blocks, this.#compression) : blocks);
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  /** Closes the file, which exists from now on even if nothing was written; if so wanted also after a loss of power. */
  async close({ isSynced = false } = {}): Promise<void> {
    if (this.#isClosed) return;
    // Nothing at all is no gzip and no zstd either: readers expect an empty stream.
    if (this.#compression && this.bytes === 0) await this.write(new Uint8Array(0));
    try {
      const file = this.#open();
      if (isSynced) await file.sync();
      this.#isClosed = true;
      file.close();
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  async #compress(blocks: readonly Uint8Array[], compression: Compression): Promise<Uint8Array[]> {
    const compressor = (this.#compressor ??= await openCompressor(compression));
    return Promise.all(blocks.map(async (block) => compressor(block)));
  }

  #open(): OutputFile {
    if (this.#isClosed) throw new Error('it was closed');
    return (this.#file ??= OutputFile.open(this.path, this.#options));
  }

  /** Closes the file as it is. What failed once is not written any more: it would have a gap. */
  abandon(): void {
    if (!this.#file || this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#file.close();
    } catch {
      // There is a worse error to tell.
    }
  }

  #failure(cause: unknown): Error {
    this.abandon();
    if (cause instanceof WindrowError) return cause;
    if (systemCode(cause) === 'EPIPE' && this.path === STDOUT) return new ReaderGone();
    const name = this.path === STDOUT ? 'standard output' : this.path;
    const written = this.bytes > 0 ? ` after ${this.bytes.toLocaleString('en-US')} bytes` : '';
    return new WindrowError('OUTPUT_FAILED', `${name}: cannot be written${written}: ${systemReason(cause)}`, { cause });
  }
}
