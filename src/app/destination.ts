// Where a replay's entries go: lines of one output, a tree of files, or Kafka.
import type { EntryWriter } from '../flowlog/entry_writer.ts';
import type { Subscribers } from '../flowlog/subscribers.ts';

export interface Destination {
  writer(subscribers: Subscribers): EntryWriter;
  /** Rejects as soon as it is known that entries do not arrive. */
  readonly failed: Promise<never>;
  /** The replay failed: what it has given so far is delivered, as far as that is possible at once. */
  end(): Promise<void>;
  /** The replay is complete, and is delivered when this resolves. `text` stands in place of entries, or behind them. */
  finish(text: string | undefined): Promise<void>;
  /** What was delivered, for people; undefined where that goes without saying. */
  summary(): string | undefined;
}
