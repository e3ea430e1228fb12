// Entries as they travel: one flow log, one ENI, one window, packed columns.
import type { Eni } from '../cloud/locality.ts';
import type { STATUS } from './columns.ts';

/** A batch is the same batch wherever these are the same; it may be sent twice, and is written once. */
export interface BatchIdentity {
  readonly agent: string;
  /** Which life of the agent; a safe integer. */
  readonly boot: number;
  /** Counts up from 0 within a life; a safe integer. */
  readonly sequence: number;
}

/** The flow log that asked for entries, and where it wants them. */
export interface FlowLogName {
  readonly name: string;
  readonly project: string;
  readonly logstore: string;
}

/** By what the entries of a batch were judged. */
export interface BatchReasons {
  /** Names of rules; entries have their places here. Each is of an entry at least. */
  readonly rules: readonly string[];
  /** Several flow logs may have the same entry: each says which it is of. */
  readonly isOfFlowLogs: boolean;
}

/** Why a message is no batch. */
export const REFUSALS = ['malformed', 'version', 'empty'] as const;

export type Refusal = (typeof REFUSALS)[number];

/** What each reason means, for reports and the documentation. */
export const REFUSAL_DOCS: Readonly<Record<Refusal, string>> = {
  malformed: 'it is no batch, or its columns do not fit together',
  version: 'it is of a newer version than this Windrow reads',
  empty: 'it has no content',
};

export interface Batch {
  readonly identity: BatchIdentity;
  readonly flowLog: FlowLogName;
  readonly eni: Eni;
  /** Seconds since the epoch. */
  readonly windowStart: number;
  readonly windowSeconds: number;
  readonly status: keyof typeof STATUS;
  readonly entries: number;
  /** Only where somebody asked for them: whoever writes the entries writes these, too. */
  readonly reasons?: BatchReasons;
  /** Packed values, in the order of PACKED_COLUMNS. */
  readonly columns: readonly Uint8Array[];
}

/** Takes batches in order. Resolves when it has room for the next one, not when this one arrived. */
export interface BatchSink {
  take(batch: Batch): Promise<void> | void;
}
