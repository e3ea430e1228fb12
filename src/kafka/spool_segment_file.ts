// The file of the segment to which records are appended.
import fs from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

/** Errors are those of the system. */
export class SegmentFile {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Creates the file, with its header; where that fails there is none. */
  static async create(path: string, header: Uint8Array): Promise<SegmentFile> {
    const file = await fs.open(path, 'w', 0o600);
    try {
      await writeAll(file, [header], 0);
    } catch (error) {
      await file.close();
      await fs.rm(path, { force: true });
      throw error;
    }
    return new SegmentFile(file);
  }

  /** Opens one that is there. */
  static async resume(path: string): Promise<SegmentFile> {
    return new SegmentFile(await fs.open(path, 'r+'));
  }

  /** Writes the parts from byte `at` on, one behind another. Where that fails some of it may be there: see `cutOff`. */
  async write(parts: readonly Uint8Array[], at: number): Promise<void> {
    await writeAll(this.#file, parts, at);
  }

  async cutOff(bytes: number): Promise<void> {
    await this.#file.truncate(bytes);
  }

  async sync(): Promise<void> {
    await this.#file.datasync();
  }

  /** Waits for a sync that is under way. */
  async close(): Promise<void> {
    try {
      await this.#file.datasync();
    } finally {
      await this.#file.close();
    }
  }
}

async function writeAll(file: FileHandle, parts: readonly Uint8Array[], at: number): Promise<void> {
  let written = 0;
  for (let rest = parts; rest.length > 0;) {
    const { bytesWritten } = await file.writev(rest, at + written);
    if (bytesWritten === 0) throw new Error('the device takes no bytes');
    written += bytesWritten;
    rest = behind(rest, bytesWritten);
  }
}

/** What is left of the parts behind so many bytes. */
function behind(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skipped = bytes;
  let i = 0;
  while (i < parts.length && skipped >= parts[i].length) skipped -= parts[i++].length;
  return i < parts.length ? [parts[i].subarray(skipped), ...parts.slice(i + 1)] : [];
}
