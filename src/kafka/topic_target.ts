// Entries of a sink as messages of another topic, one each, as JSON: in the transaction that commits them.
import { EntryLines } from '../flowlog/entry_lines.ts';
import type { Batch } from '../flowlog/batch.ts';
import type { Columns } from '../flowlog/columns.ts';
import type { PartitionCommitter } from './committer.ts';

const ROOM_BYTES = 1 << 20;
const LINE_FEED = 0x0a;
/** Messages of one transaction: the client keeps them until they are acknowledged. */
const MOST_MESSAGES = 100_000;

export class TopicTarget {
  readonly #topic: string;
  readonly #committer: PartitionCommitter;
  readonly #encoder = new EntryLines();
  readonly #room = new Uint8Array(ROOM_BYTES);
  #messages = 0;

  constructor(topic: string, committer: PartitionCommitter) {
    this.#topic = topic;
    this.#committer = committer;
  }

  get isFull(): boolean {
    return this.#messages >= MOST_MESSAGES;
  }

  async write(_: unknown, batch: Batch, columns: Columns): Promise<void> {
    const key = Buffer.from(batch.eni.eniId);
    const blocks: Buffer[] = [];
    await this.#encoder.write(batch, columns, {
      room: () => this.#room,
      wrote: (bytes) => blocks.push(Buffer.from(this.#room.subarray(0, bytes))),
    });
    for (const block of blocks) {
      for (let start = 0; start < block.length;) {
        const end = block.indexOf(LINE_FEED, start);
        await this.#committer.produce(this.#topic, block.subarray(start, end), key);
        this.#messages++;
        start = end + 1;
      }
    }
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  settle(): Promise<void> {
    this.#messages = 0;
    return Promise.resolve();
  }

  async abandon(): Promise<void> {
    this.#messages = 0;
    await this.#committer.abort();
  }

  close(): Promise<void> {
    return this.abandon();
  }
}
