// Entries of batches as lines of JSON.
import { addon } from '../base/addon.ts';
import type { NativeEncoder } from '../base/addon_types.ts';
import type { Batch } from './batch.ts';
import type { Columns } from './columns.ts';
import { encoderOf } from './encoder.ts';
import type { LineSink } from './line_writer.ts';

/** Encoders that are kept: each has a few kilobytes, and the names that its key has. */
const MOST_ENCODERS = 4096;
const MOST_KEYS = 16 << 20;
/** Of batches whose entries were judged by nothing. */
const NO_RULES: readonly string[] = ['-'];

export class EntryLines {
  /** By what a batch's entries have in common, in the order of last use. */
  readonly #encoders = new Map<string, NativeEncoder>();
  /** Characters of all keys. */
  #keys = 0;
  readonly #result = new Float64Array(4);

  /** Writes the first rows of columns, all of them the batch's; with its reasons, if it has any. */
  async write(batch: Batch, columns: Columns, lines: LineSink): Promise<void> {
    const encoder = this.#encoderOf(batch);
    for (let row = 0; row < batch.entries;) {
      const room = lines.room();
      const out = room instanceof Promise ? await room : room;
      addon.encoder_json(encoder, columns.buffer, columns.capacity, row, batch.entries, out, this.#result);
      row = this.#result[0]!;
      lines.wrote(this.#result[1]);
    }
  }

  #encoderOf(batch: Batch): NativeEncoder {
    const { eni, flowLog, reasons } = batch;
    const constants = [eni.eniId, eni.accountId, eni.vmId, eni.vpcId, eni.vswitchId];
    const key = JSON.stringify(reasons ? [...constants, flowLog.name, reasons] : constants);
    const known = this.#encoders.get(key);
    const encoder = known ?? madeFor(batch);
    this.#encoders.delete(key);
    this.#encoders.set(key, encoder);
    if (!known) this.#keys += key.length;
    for (const oldest of this.#encoders.keys()) {
      if (oldest === key || (this.#encoders.size <= MOST_ENCODERS && this.#keys <= MOST_KEYS)) break;
      this.#encoders.delete(oldest);
      this.#keys -= oldest.length;
    }
    return encoder;
  }
}

function madeFor({ eni, flowLog, reasons }: Batch): NativeEncoder {
  if (!reasons) return encoderOf([eni]);
  const rules = reasons.rules.length > 0 ? reasons.rules : NO_RULES;
  return encoderOf([eni], { kind: 'json', rules }, reasons.isOfFlowLogs ? [flowLog.name] : []);
}
