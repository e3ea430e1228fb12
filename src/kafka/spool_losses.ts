// The books of what a spool had and nobody can read any more: each record is counted once, however often it is passed.

/** Something in the folder of a spool is not as it was written. */
export interface SpoolDamage {
  /** A sentence that names the file. */
  readonly message: string;
  /** Records that were lost by it, as far as the numbering tells. */
  readonly records: number;
  /** Bytes that cannot be read. */
  readonly bytes: number;
}

export class Losses {
  readonly #tell: (damage: SpoolDamage) => void;
  /** All below was passed: what is missing there was counted. */
  #passed: number;
  records = 0;
  bytes = 0;

  /** `from` is the first position that counts. */
  constructor(from: number, tell: (damage: SpoolDamage) => void) {
    this.#passed = from;
    this.#tell = tell;
  }

  /** All positions below `to` were looked at. */
  pass(to: number): void {
    this.#passed = Math.max(this.#passed, to);
  }

  /** There is no record from `from` on up to `to`. */
  miss(from: number, to: number, bytes: number, message: string): void {
    const records = to - Math.max(from, this.#passed);
    this.pass(to);
    if (records > 0) this.say(message, records, bytes);
  }

  /** The same at the very end, where these positions will be those of other records. */
  cutOff(from: number, to: number, bytes: number, message: string): void {
    this.say(message, Math.max(0, to - Math.max(from, this.#passed)), bytes);
  }

  say(message: string, records = 0, bytes = 0): void {
    this.records += records;
    this.bytes += bytes;
    const lost = records === 1 ? '1 record is lost' : `${records.toLocaleString('en-US')} records are lost`;
    this.#tell({ message: records > 0 ? `${message}: ${lost}` : message, records, bytes });
  }
}
