// Entries to lines: encoded natively, from the rows of the shards into the blocks that are written.
import { addon } from '../base/addon.ts';
import type { NativeEncoder } from '../base/addon_types.ts';
import type { Collector } from '../flow/collector.ts';
import type { Columns } from './columns.ts';
import { encoderOf } from './encoder.ts';
import type { EntryWriter, Sums, Taken } from './entry_writer.ts';
import { JSON_LINES } from './line_format.ts';
import type { LineFormat } from './line_format.ts';
import type { Subscribers } from './subscribers.ts';

/** Takes lines: room to write into, and how much was written. Room is at least 64 KiB. */
export interface LineSink {
  room(): Uint8Array | Promise<Uint8Array>;
  wrote(bytes: number): void;
  /** Nothing more comes for now. */
  pause?(): void;
}

export class LineWriter implements EntryWriter {
  readonly #subscribers: Subscribers;
  readonly #lines: LineSink | undefined;
  readonly #format: LineFormat;
  #encoder: NativeEncoder | undefined;
  #encoderCount = 0;
  /** Of the directory, when the encoder was made. */
  #changes = 0;
  readonly #result = new Float64Array(4);

  /** Without `lines` nothing is written: entries are counted only. */
  constructor(subscribers: Subscribers, lines: LineSink | undefined, format = JSON_LINES) {
    this.#subscribers = subscribers;
    this.#lines = lines;
    this.#format = format;
  }

  async take(collector: Collector): Promise<Taken> {
    const encoded = await collector.encode(this.#encoderForAll(), await this.#room());
    this.#lines?.wrote(encoded.written);
    if (encoded.isOutdated) this.#encoder = undefined;
    return encoded;
  }

  async write(columns: Columns, rows: number): Promise<Sums> {
    const encoder = this.#encoderForAll();
    const sums = { packets: 0, bytes: 0 };
    for (let row = 0; row < rows;) {
      addon.encoder_json(encoder, columns.buffer, columns.capacity, row, rows, await this.#room(), this.#result);
      row = this.#result[0]!;
      this.#lines?.wrote(this.#result[1]);
      sums.packets += this.#result[2];
      sums.bytes += this.#result[3];
    }
    return sums;
  }

  pause(): void {
    this.#lines?.pause?.();
  }

  #room(): Uint8Array | Promise<Uint8Array> {
    return this.#lines?.room() ?? SCRATCH;
  }

  /** The encoder knows the constants of all subscribers, and of as many as may come, as far as they are foreseen. */
  #encoderForAll(): NativeEncoder {
    const { count: needed, changes } = this.#subscribers;
    if (!this.#encoder || needed > this.#encoderCount || changes !== this.#changes) {
      const count = this.#subscribers.isForeseen ? Math.max(needed, 2 * this.#encoderCount) : needed;
      const numbers = Array.from({ length: count }, (_, number) => number);
      const enis = numbers.map((number) => this.#subscribers.eni(number));
      const flowLogs = this.#subscribers.routes ? numbers.map((number) => this.#subscribers.flowLog(number).name) : [];
      this.#encoder = encoderOf(enis, this.#format, flowLogs);
      this.#encoderCount = count;
      this.#changes = changes;
    }
    return this.#encoder;
  }
}

/** Where lines go that nobody wants: the sums of what was encoded are wanted all the same. */
const SCRATCH = new Uint8Array(1 << 20);
