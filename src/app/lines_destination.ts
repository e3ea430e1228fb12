// Entries as lines: a file, or standard output.
import type { EniDirectory } from '../flowlog/eni_directory.ts';
import type { EntryWriter } from '../flowlog/entry_writer.ts';
import { JsonWriter } from '../flowlog/json_writer.ts';
import type { Compression } from '../sink/compressions.ts';
import { LineOutput } from '../sink/line_output.ts';
import type { Destination } from './destination.ts';

export class LinesDestination implements Destination {
  readonly #output: LineOutput;
  readonly #hasLines: boolean;

  /** Without lines, entries are counted only. */
  constructor(path: string, compress: Compression | undefined, hasLines: boolean) {
    this.#output = new LineOutput(path, compress);
    this.#hasLines = hasLines;
  }

  get failed(): Promise<never> {
    return this.#output.failed;
  }

  writer(enis: EniDirectory): EntryWriter {
    return new JsonWriter(enis, this.#hasLines ? this.#output : undefined);
  }

  end(): Promise<void> {
    return this.#output.end();
  }

  async finish(text: string | undefined): Promise<void> {
    if (text !== undefined) await this.#output.write(Buffer.from(text));
    await this.#output.close();
  }

  summary(): undefined {
    return undefined;
  }
}
