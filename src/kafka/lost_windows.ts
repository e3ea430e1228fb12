// Windows of which batches were lost on their way: each becomes a SKIPDATA entry of its flow log and ENI.
import type { Batch, BatchReasons, FlowLogName } from '../flowlog/batch.ts';
import { PACKED_COLUMNS } from '../flowlog/packed_columns.ts';
import { MOST_SINGLE_WINDOWS } from '../flowlog/silence.ts';

/** A batch that has no identity yet. */
export type UnsentBatch = Omit<Batch, 'identity'>;

/** Windows by their numbers: `from` (included) to `to` (excluded). */
interface Run {
  readonly from: number;
  readonly to: number;
}

/** The lost windows of one flow log and ENI: runs that do not touch, ascending. Nothing of a batch is kept but its head. */
interface Loss {
  readonly flowLog: FlowLogName;
  readonly eni: Batch['eni'];
  readonly windowSeconds: number;
  /** Without rules, as no entry of theirs has one; undefined: batches have none. */
  readonly reasons: BatchReasons | undefined;
  runs: readonly Run[];
}

export class LostWindows {
  /** None of them without a run. */
  readonly #losses = new Map<string, Loss>();

  get isEmpty(): boolean {
    return this.#losses.size === 0;
  }

  /** A batch that is lost: its window is incomplete from now on; of one that tells of a silence, all windows of that. */
  add(batch: UnsentBatch): void {
    const { flowLog, eni, windowSeconds } = batch;
    const reasons = batch.reasons && { ...batch.reasons, rules: [] };
    const key = JSON.stringify([flowLog, eni, windowSeconds, reasons]);
    const runs = this.#losses.get(key)?.runs ?? [];
    this.#losses.set(key, { flowLog, eni, windowSeconds, reasons, runs: withRun(runs, runOf(batch)) });
  }

  /**
   * A SKIPDATA batch of the next window; of many in a row one batch for all, as where packets were dropped. It is the
   * caller's from now on. Undefined: none is left.
   */
  take(): UnsentBatch | undefined {
    for (const [key, loss] of this.#losses) {
      const { flowLog, eni, windowSeconds, reasons, runs } = loss;
      const [{ from, to }, ...others] = runs;
      const end = to - from > MOST_SINGLE_WINDOWS ? to : from + 1;
      loss.runs = end < to ? [{ from: end, to }, ...others] : others;
      if (loss.runs.length === 0) this.#losses.delete(key);
      return {
        flowLog,
        eni,
        windowStart: from * windowSeconds,
        windowSeconds,
        status: 'skipdata',
        entries: 1,
        ...(reasons && { reasons }),
        columns: columnsOf((end - from) * windowSeconds),
      };
    }
    return undefined;
  }
}

/** Runs that touch the new one become one with it. */
function withRun(runs: readonly Run[], run: Run): Run[] {
  const touching = [run, ...runs.filter(({ from, to }) => from <= run.to && to >= run.from)];
  const merged = {
    from: Math.min(...touching.map(({ from }) => from)),
    to: Math.max(...touching.map(({ to }) => to)),
  };
  return [...runs.filter(({ to }) => to < run.from), merged, ...runs.filter(({ from }) => from > run.to)];
}

const NOTHING = new Uint8Array(0);
const END = PACKED_COLUMNS.findIndex(({ name }) => name === 'end');

/** The window of a batch with entries; else all that its entries cover. */
function runOf({ status, windowStart, windowSeconds, columns }: UnsentBatch): Run {
  const from = Math.floor(windowStart / windowSeconds);
  let seconds = windowSeconds;
  if (status !== 'ok') for (const end of packedValues(columns[END])) seconds = Math.max(seconds, end);
  return { from, to: from + Math.ceil(seconds / windowSeconds) };
}

/** Of one entry that covers so many seconds from the start of its batch's window on. */
function columnsOf(seconds: number): Uint8Array[] {
  return PACKED_COLUMNS.map(({ name }) =>
    name === 'start' ? Uint8Array.of(0) : name === 'end' ? varint(seconds) : NOTHING,
  );
}

/** The values of a packed column (protobuf, base 128 varints), as far as doubles are exact. */
export function* packedValues(column: Uint8Array): Generator<number> {
  let [value, scale] = [0, 1];
  for (const byte of column) {
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte >= 128) continue;
    yield value;
    [value, scale] = [0, 1];
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}
