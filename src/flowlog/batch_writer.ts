// Entries to batches: packed natively by ENI, and handed over when they are large enough or their window is done.
import { addon } from '../base/addon.ts';
import type { NativePacker } from '../base/addon_types.ts';
import type { ClosingWindow, Collector } from '../flow/collector.ts';
import type { Batch, BatchSink, FlowLogName } from './batch.ts';
import { STATUS } from './columns.ts';
import type { Columns } from './columns.ts';
import type { EniDirectory } from './eni_directory.ts';
import type { EntryWriter, Sums, Taken } from './entry_writer.ts';
import { PACKED_COLUMNS } from './packed_columns.ts';

/** A message of a realistic batch of so many entries has 200 to 400 KB, and less once compressed. */
const MOST_ROWS = 16_384;
/** With its head a batch stays under the megabyte that brokers accept. */
const MOST_BYTES = 768 << 10;

const STATUS_NAMES = Object.keys(STATUS) as (keyof typeof STATUS)[];

/** What the batches of one source have in common. */
export interface BatchSource {
  readonly agent: string;
  readonly boot: number;
  /** The life that the first early closing of flows begins: which ones are closed depends on how they are counted. */
  readonly bootOnceEarly: number;
  readonly flowLog: FlowLogName;
  readonly windowSeconds: number;
}

export class BatchWriter implements EntryWriter {
  readonly #enis: EniDirectory;
  readonly #source: BatchSource;
  readonly #sink: BatchSink;
  #boot: number;
  readonly #packer: NativePacker = addon.packer_new(MOST_ROWS, MOST_BYTES);
  readonly #result = new Float64Array(4);
  readonly #taken = new Float64Array(1 + PACKED_COLUMNS.length);
  #isInWindow = false;
  #sequence = 0;

  constructor(enis: EniDirectory, source: BatchSource, sink: BatchSink) {
    this.#enis = enis;
    this.#source = source;
    this.#boot = source.boot;
    this.#sink = sink;
  }

  async take(collector: Collector, window: ClosingWindow): Promise<Taken> {
    const windowStart = window.id * this.#source.windowSeconds;
    if (window.isEarly && this.#boot !== this.#source.bootOnceEarly) {
      this.#boot = this.#source.bootOnceEarly;
      this.#sequence = 0;
    }
    if (!this.#isInWindow) addon.packer_begin(this.#packer, windowStart);
    this.#isInWindow = true;
    const packed = await collector.pack(this.#packer);
    if (packed.full >= 0) await this.#deliver(packed.full, windowStart, 'ok');
    if (packed.isDone) {
      await this.#deliverAll(windowStart, 'ok');
      this.#isInWindow = false;
    }
    return packed;
  }

  async write(columns: Columns, rows: number, windowStart: number): Promise<Sums> {
    const status = STATUS_NAMES[columns.status[0] ?? STATUS.ok];
    const sums = { packets: 0, bytes: 0 };
    addon.packer_begin(this.#packer, windowStart);
    for (let row = 0; row < rows;) {
      addon.packer_add(this.#packer, columns.buffer, columns.capacity, row, rows, this.#result);
      const [next, full, packets, bytes] = this.#result as unknown as [number, number, number, number];
      row = next;
      sums.packets += packets;
      sums.bytes += bytes;
      if (full >= 0) await this.#deliver(full, windowStart, status);
    }
    await this.#deliverAll(windowStart, status);
    return sums;
  }

  async #deliverAll(windowStart: number, status: Batch['status']): Promise<void> {
    for (const eni of addon.packer_enis(this.#packer)) await this.#deliver(eni, windowStart, status);
  }

  async #deliver(eni: number, windowStart: number, status: Batch['status']): Promise<void> {
    const { agent, flowLog, windowSeconds } = this.#source;
    const bytes = new Uint8Array(addon.packer_size(this.#packer, eni));
    addon.packer_take(this.#packer, eni, bytes, this.#taken);
    let end = 0;
    await this.#sink.take({
      identity: { agent, boot: this.#boot, sequence: this.#sequence++ },
      flowLog,
      eni: this.#enis.eni(eni),
      windowStart,
      windowSeconds,
      status,
      entries: this.#taken[0],
      columns: PACKED_COLUMNS.map((_, i) => bytes.subarray(end, (end += this.#taken[i + 1]))),
    });
  }
}
