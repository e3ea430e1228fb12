// Entries of batches as lines of JSON.
import { addon } from '../base/addon.ts';
import type { NativeEncoder } from '../base/addon_types.ts';
import type { Eni } from '../cloud/locality.ts';
import type { Batch } from './batch.ts';
import type { Columns } from './columns.ts';
import { encoderOf } from './encoder.ts';
import type { LineSink } from './line_writer.ts';

/** Encoders that are kept: each has a few kilobytes. */
const MOST_ENCODERS = 4096;

export class EntryLines {
  /** By what an ENI's entries have in common, in the order of last use. */
  readonly #encoders = new Map<string, NativeEncoder>();
  readonly #result = new Float64Array(4);

  /** Writes the first rows of columns, all of them the batch's. */
  async write(batch: Batch, columns: Columns, lines: LineSink): Promise<void> {
    const encoder = this.#encoderOf(batch.eni);
    for (let row = 0; row < batch.entries;) {
      const room = lines.room();
      const out = room instanceof Promise ? await room : room;
      addon.encoder_json(encoder, columns.buffer, columns.capacity, row, batch.entries, out, this.#result);
      row = this.#result[0]!;
      lines.wrote(this.#result[1]);
    }
  }

  #encoderOf(eni: Eni): NativeEncoder {
    const key = JSON.stringify([eni.eniId, eni.accountId, eni.vmId, eni.vpcId, eni.vswitchId]);
    const encoder = this.#encoders.get(key) ?? encoderOf([eni]);
    this.#encoders.delete(key);
    this.#encoders.set(key, encoder);
    if (this.#encoders.size > MOST_ENCODERS) this.#encoders.delete(this.#encoders.keys().next().value!);
    return encoder;
  }
}
