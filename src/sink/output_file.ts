// An open file that is written from its beginning on: through the page cache, and past it where that is faster.
import fs from 'node:fs';
import { systemCode } from '../base/errors.ts';
import { STDOUT } from '../base/standard.ts';

/** What a write past the page cache is made of: its place, its size and its memory (open(2), O_DIRECT). */
export const PAGE_BYTES = 4096;

const STDOUT_FD = 1;
/** A pipe that is full and set to non-blocking by its other owner says EAGAIN: it is asked again after this. */
const FULL_PIPE_MS = 2;
/** How many times slower writing past the page cache may be: it leaves the processor to others. */
const MOST_SLOWER = 3;

export interface WritingOptions {
  /** A regular file is written past the page cache from this size on; Infinity: never. */
  readonly directAfter: number;
  /** Milliseconds. */
  readonly now: () => number;
}

/** The two ways into a file. */
type Way = 'cached' | 'direct';

/** Errors are those of the system. One write at a time: the file never has a hole. */
export class OutputFile {
  readonly #fd: number;
  readonly #options: WritingOptions;
  /** It has places to write to; a pipe and standard output have only their end. */
  readonly isRegular: boolean;
  bytes = 0;
  /** A second descriptor of the file, while it is written past the page cache. */
  #directFd: number | undefined;
  #hasDirect: boolean;
  #way: Way;
  /** What the last stretch of each way took; a way that was not tried is the best. */
  readonly #msPerByte: Record<Way, number> = { cached: Infinity, direct: 0 };
  #stretch = { bytes: 0, ms: 0 };

  private constructor(fd: number, options: WritingOptions) {
    this.#fd = fd;
    this.#options = options;
    this.isRegular = fd !== STDOUT_FD && fs.fstatSync(fd).isFile();
    this.#hasDirect = this.isRegular;
    this.#way = options.directAfter > 0 ? 'cached' : 'direct';
  }

  /** Creates the file, or empties it. */
  static open(path: string, options: WritingOptions): OutputFile {
    return new OutputFile(path === STDOUT ? STDOUT_FD : fs.openSync(path, 'w'), options);
  }

  /** Writes all blocks, one behind another. */
  async write(blocks: readonly Uint8Array[]): Promise<void> {
    for (let rest = behind(blocks, 0); rest.length > 0;) {
      const written = await this.#writeSome(rest);
      this.bytes += written;
      rest = behind(rest, written);
    }
  }

  /** What was written is on the device. */
  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fsync(this.#fd, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  close(): void {
    this.#closeDirect();
    if (this.#fd !== STDOUT_FD) fs.closeSync(this.#fd);
  }

  async #writeSome(blocks: readonly Uint8Array[]): Promise<number> {
    const direct = this.#directFor(blocks);
    const begun = this.#options.now();
    try {
      const written = await writev(direct ?? this.#fd, blocks, this.isRegular ? this.bytes : null);
      this.#measure(written, this.#options.now() - begun);
      return written;
    } catch (error) {
      if (direct !== undefined && isUnfit(error)) this.#hasDirect = false;
      else if (systemCode(error) === 'EAGAIN') await new Promise((resolve) => setTimeout(resolve, FULL_PIPE_MS));
      else throw error;
      return 0;
    }
  }

  /** The second descriptor, if that is the way and these blocks and their place are of whole pages. */
  #directFor(blocks: readonly Uint8Array[]): number | undefined {
    if (this.#way === 'cached' || !this.#hasDirect) return this.#closeDirect();
    if (this.bytes % PAGE_BYTES !== 0 || blocks.some(({ length }) => length % PAGE_BYTES !== 0)) return undefined;
    this.#directFd ??= openDirect(this.#fd);
    this.#hasDirect = this.#directFd !== undefined;
    return this.#directFd;
  }

  /**
   * A page cache takes gigabytes at the pace of memory, but pages that are new to a virtual machine come slowly and cost
   * processor time; a disk may be as fast as memory, or slower by far. Only trying tells, and trying again: a way that was
   * left for one bad stretch counts as better with every stretch on the other.
   */
  #measure(bytes: number, ms: number): void {
    const stretch = this.#stretch;
    stretch.bytes += bytes;
    stretch.ms += ms;
    if (stretch.bytes < this.#options.directAfter) return;
    const pace = this.#msPerByte;
    if (this.#way === 'cached') pace.direct /= 2;
    pace[this.#way] = stretch.ms / stretch.bytes;
    this.#stretch = { bytes: 0, ms: 0 };
    this.#way = pace.direct > MOST_SLOWER * pace.cached ? 'cached' : 'direct';
  }

  #closeDirect(): undefined {
    const direct = this.#directFd;
    this.#directFd = undefined;
    if (direct !== undefined) fs.closeSync(direct);
  }
}

/** The same file once more, whatever its name leads to by now; undefined where the system or its file system refuses. */
function openDirect(fd: number): number | undefined {
  try {
    return fs.openSync(`/proc/self/fd/${fd}`, fs.constants.O_WRONLY | fs.constants.O_DIRECT);
  } catch {
    return undefined;
  }
}

/** A file system that takes the flag and not the write, or memory that begins elsewhere than it wants. Nothing is written. */
function isUnfit(error: unknown): boolean {
  return ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(systemCode(error));
}

function writev(fd: number, blocks: readonly Uint8Array[], position: number | null): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.writev(fd, blocks, position, (error, written) => {
      if (error) reject(error);
      else resolve(written);
    });
  });
}

/** What is left of blocks when the first `bytes` are gone. */
function behind(blocks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  for (const block of blocks) {
    if (block.length > bytes) rest.push(block.subarray(bytes));
    bytes = Math.max(0, bytes - block.length);
  }
  return rest;
}
