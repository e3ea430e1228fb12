// Entries to batches: packed natively by subscriber, and handed over when they are large enough or their window is done.
import { addon } from '../base/addon.ts';
import type { NativePacker } from '../base/addon_types.ts';
import type { ClosingWindow, Collector } from '../flow/collector.ts';
import type { Batch, BatchReasons, BatchSink } from './batch.ts';
import { STATUS } from './columns.ts';
import type { Columns } from './columns.ts';
import type { EntryWriter, Sums, Taken, WindowPart } from './entry_writer.ts';
import { PACKED_COLUMNS } from './packed_columns.ts';
import type { Subscribers } from './subscribers.ts';

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
  /** Names of rules by their numbers, where batches are to say by what entries were judged. */
  readonly rules?: readonly string[] | undefined;
}

export class BatchWriter implements EntryWriter {
  readonly #subscribers: Subscribers;
  readonly #source: BatchSource;
  readonly #sink: BatchSink;
  #boot: number;
  readonly #packer: NativePacker;
  readonly #result = new Float64Array(4);
  readonly #taken = new Float64Array(1 + PACKED_COLUMNS.length);
  #isInWindow = false;
  #sequence = 0;

  constructor(subscribers: Subscribers, source: BatchSource, sink: BatchSink) {
    this.#subscribers = subscribers;
    this.#source = source;
    this.#boot = source.boot;
    this.#sink = sink;
    this.#packer = addon.packer_new(MOST_ROWS, MOST_BYTES, source.rules !== undefined);
  }

  async take(collector: Collector, { id, seconds, isEarly }: ClosingWindow): Promise<Taken> {
    const start = id * seconds;
    this.#begin(start, isEarly);
    const packed = await collector.pack(this.#packer);
    if (packed.full >= 0) await this.#deliver(packed.full, start, 'ok');
    if (packed.isDone) await this.#end(start, 'ok');
    return packed;
  }

  async write(columns: Columns, rows: number, { start, isEarly, isLast }: WindowPart): Promise<Sums> {
    const status = STATUS_NAMES[columns.status[0] ?? STATUS.ok];
    const sums = { packets: 0, bytes: 0 };
    this.#begin(start, isEarly);
    for (let row = 0; row < rows;) {
      addon.packer_add(this.#packer, columns.buffer, columns.capacity, row, rows, this.#result);
      const [next, full, packets, bytes] = this.#result as unknown as [number, number, number, number];
      row = next;
      sums.packets += packets;
      sums.bytes += bytes;
      if (full >= 0) await this.#deliver(full, start, status);
    }
    if (isLast) await this.#end(start, status);
    return sums;
  }

  #begin(start: number, isEarly: boolean): void {
    if (isEarly && this.#boot !== this.#source.bootOnceEarly) {
      this.#boot = this.#source.bootOnceEarly;
      this.#sequence = 0;
    }
    if (!this.#isInWindow) addon.packer_begin(this.#packer, start);
    this.#isInWindow = true;
  }

  async #end(start: number, status: Batch['status']): Promise<void> {
    await this.#deliverAll(start, status);
    this.#isInWindow = false;
  }

  async #deliverAll(windowStart: number, status: Batch['status']): Promise<void> {
    for (const subscriber of addon.packer_enis(this.#packer)) await this.#deliver(subscriber, windowStart, status);
  }

  async #deliver(subscriber: number, windowStart: number, status: Batch['status']): Promise<void> {
    const bytes = new Uint8Array(addon.packer_size(this.#packer, subscriber));
    const rules = addon.packer_take(this.#packer, subscriber, bytes, this.#taken);
    const reasons = this.#reasonsOf(rules);
    let end = 0;
    await this.#sink.take({
      identity: { agent: this.#source.agent, boot: this.#boot, sequence: this.#sequence++ },
      flowLog: this.#subscribers.flowLog(subscriber),
      eni: this.#subscribers.eni(subscriber),
      windowStart,
      windowSeconds: this.#subscribers.seconds(subscriber),
      status,
      entries: this.#taken[0],
      ...(reasons && { reasons }),
      columns: PACKED_COLUMNS.map((_, i) => bytes.subarray(end, (end += this.#taken[i + 1]))),
    });
  }

  #reasonsOf(numbers: readonly number[]): BatchReasons | undefined {
    const { rules } = this.#source;
    if (!rules) return undefined;
    const nameless = numbers.find((number) => number >= rules.length);
    if (nameless !== undefined) throw new Error(`rows of rule ${nameless}, and there are ${rules.length}`);
    return { rules: numbers.map((number) => rules[number]), isOfFlowLogs: this.#subscribers.routes !== undefined };
  }
}
