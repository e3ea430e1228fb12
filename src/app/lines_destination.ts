// Entries as lines: a file, or standard output.
import type { EntryWriter } from '../flowlog/entry_writer.ts';
import { headerOf } from '../flowlog/line_format.ts';
import type { LineFormat } from '../flowlog/line_format.ts';
import { LineWriter } from '../flowlog/line_writer.ts';
import type { LineSink } from '../flowlog/line_writer.ts';
import type { Subscribers } from '../flowlog/subscribers.ts';
import type { Compression } from '../sink/compressions.ts';
import { LineOutput } from '../sink/line_output.ts';
import type { Destination } from './destination.ts';

export class LinesDestination implements Destination {
  readonly #output: LineOutput;
  readonly #format: LineFormat | undefined;
  readonly #lines: LineSink | undefined;

  /** Without a format, entries are counted only. */
  constructor(path: string, compress: Compression | undefined, format: LineFormat | undefined) {
    this.#output = new LineOutput(path, compress);
    this.#format = format;
    const header = format ? headerOf(format) : '';
    this.#lines = header === '' ? format && this.#output : new HeadedLines(this.#output, header);
  }

  get failed(): Promise<never> {
    return this.#output.failed;
  }

  writer(subscribers: Subscribers): EntryWriter {
    return new LineWriter(subscribers, this.#lines, this.#format);
  }

  end(): Promise<void> {
    return this.#output.end();
  }

  async finish(text: string | undefined): Promise<void> {
    // A file without entries says what it would have.
    if (this.#lines instanceof HeadedLines) await this.#lines.room();
    if (text !== undefined) await this.#output.write(Buffer.from(text));
    await this.#output.close();
  }

  summary(): undefined {
    return undefined;
  }
}

/** Lines with one before them all, which comes with the first. */
class HeadedLines implements LineSink {
  readonly #output: LineOutput;
  #header: Buffer | undefined;

  constructor(output: LineOutput, header: string) {
    this.#output = output;
    this.#header = Buffer.from(header);
  }

  async room(): Promise<Uint8Array> {
    const room = await this.#output.room();
    if (!this.#header) return room;
    room.set(this.#header);
    this.#output.wrote(this.#header.length);
    this.#header = undefined;
    return this.#output.room();
  }

  wrote(bytes: number): void {
    this.#output.wrote(bytes);
  }

  pause(): void {
    this.#output.pause();
  }
}
