// How a sink is: its metrics, its health, and what it says.
import { MetricRegistry } from '../base/metrics.ts';
import type { Metrics } from '../base/metrics.ts';
import type { Refusal } from '../flowlog/batch.ts';
import { CLIENT_METRICS, CONSUMER_METRICS } from '../kafka/metrics.ts';
import { SINK_METRICS } from '../sink/metrics.ts';
import type { DeadLetter } from '../sink/checkpoint.ts';
import type { Arrival, Fate } from '../sink/sink.ts';
import { APP_METRICS } from './metrics.ts';
import type { Health } from './status_server.ts';
import { exact } from './units.ts';
import { VERSION } from './version.ts';

export class SinkMeter {
  readonly registry = new MetricRegistry();
  readonly #client: Metrics<typeof CLIENT_METRICS>;
  readonly #consumer: Metrics<typeof CONSUMER_METRICS>;
  readonly #sink: Metrics<typeof SINK_METRICS>;
  readonly #say: (line: string) => void;
  #partitions: readonly number[] = [];
  #stall: string | undefined;
  #unreachable: string | undefined;
  #wasConnected = false;
  /** Of the checkpoints that are being filled, by partition. */
  readonly #taken = new Map<number, Taken>();
  readonly #written = nothing();
  #unsaid = 0;
  #saidAt = -Infinity;

  constructor(say: (line: string) => void) {
    this.#say = say;
    this.registry.addProcessMetrics();
    this.registry.add(APP_METRICS).build.set({ version: VERSION }, 1);
    this.#client = this.registry.add(CLIENT_METRICS);
    this.#consumer = this.registry.add(CONSUMER_METRICS);
    this.#sink = this.registry.add(SINK_METRICS);
  }

  say(line: string): void {
    this.#say(line);
  }

  /** What was written in all, for the last line. */
  get written(): Readonly<Counts> {
    return this.#written;
  }

  health(): Health {
    const reasons = [this.#stall, this.#unreachable].filter((reason) => reason !== undefined);
    return { reasons, details: { partitions: this.#partitions } };
  }

  get wasConnected(): boolean {
    return this.#wasConnected;
  }

  connected(): void {
    this.#wasConnected = true;
    this.#client.connected.set(1);
  }

  reachable(isReachable: boolean, reason: string): void {
    this.#unreachable = isReachable ? undefined : `Kafka cannot be reached: ${reason}`;
    this.#client.connected.set(isReachable ? 1 : 0);
    if (!isReachable) this.#client.errors.inc({ reason: 'unreachable' });
    this.#say(isReachable ? 'Kafka is back' : `waiting for Kafka: ${reason}`);
  }

  /** A session ended by an error of Kafka; another one begins. */
  restarts(reason: string): void {
    this.#client.errors.inc({ reason: 'other' });
    this.#taken.clear();
    this.#say(`${reason}; beginning again`);
  }

  /** These are begun where they are committed. */
  partitions(partitions: readonly number[]): void {
    this.#taken.clear();
    for (const gone of this.#partitions) this.#consumer.lagBatches.remove({ partition: gone });
    const list = partitions.join(', ');
    if (list !== '' && list !== this.#partitions.join(', ')) {
      this.#consumer.rebalances.inc();
      this.#say(`has partitions ${list}`);
    }
    this.#partitions = partitions;
    this.#consumer.partitions.set(partitions.length);
  }

  lag(partitions: readonly (readonly [partition: number, batches: number])[]): void {
    for (const [partition, batches] of partitions) this.#consumer.lagBatches.set({ partition }, Math.max(0, batches));
  }

  took(arrival: Arrival, fate: Fate): void {
    const taken = this.#taken.get(arrival.partition) ?? { ...nothing(), refusals: [] };
    this.#taken.set(arrival.partition, taken);
    if (fate === 'duplicate') {
      taken.duplicates++;
    } else if (fate === 'written') {
      taken.batches++;
      taken.entries += 'batch' in arrival ? arrival.batch.entries : 0;
    } else {
      taken.deadLetters++;
      taken.refusals.push(fate.refusal);
      this.#sayDeadLetter(fate);
    }
  }

  checkpoint(
    partition: number,
    result: 'committed' | 'refused',
    ms: number,
    files: readonly { readonly bytes: number }[],
  ): void {
    this.#sink.checkpoints.inc({ result });
    this.#sink.checkpointSeconds.observe(ms / 1000);
    if (result === 'committed') {
      this.#sink.lastCheckpoint.set(Date.now() / 1000);
      this.#sink.files.inc(files.length);
      this.#sink.fileBytes.inc(files.reduce((sum, file) => sum + file.bytes, 0));
      this.#count(this.#taken.get(partition));
      this.#goesOn();
    } else {
      this.#say('a checkpoint was refused: its partitions are with another sink');
    }
    this.#taken.delete(partition);
  }

  #count(taken: Taken | undefined): void {
    if (!taken) return;
    this.#sink.batches.inc(taken.batches);
    this.#sink.entries.inc(taken.entries);
    this.#sink.duplicateBatches.inc(taken.duplicates);
    for (const reason of taken.refusals) this.#sink.deadLetters.inc({ reason });
    for (const what of Object.keys(this.#written) as (keyof Counts)[]) this.#written[what] += taken[what];
  }

  stalled(reason: string): void {
    const line = `cannot write: ${reason}; waiting until it can, and nothing is lost meanwhile`;
    if (this.#stall !== line) this.#say(line);
    if (this.#stall === undefined) this.#sink.checkpoints.inc({ result: 'abandoned' });
    this.#stall = line;
    this.#sink.stalled.set(1);
    this.#taken.clear();
  }

  #goesOn(): void {
    if (this.#stall === undefined) return;
    this.#stall = undefined;
    this.#sink.stalled.set(0);
    this.#say('can write again');
  }

  /** Once a second at most: somebody who sends garbage sends much of it. */
  #sayDeadLetter({ partition, offset, reason }: DeadLetter): void {
    if (performance.now() - this.#saidAt < SAY_MS) {
      this.#unsaid++;
      return;
    }
    const more = this.#unsaid > 0 ? ` (and ${exact(this.#unsaid)} more before it)` : '';
    this.#say(`partition ${partition}, offset ${offset} goes to the dead letters${more}: ${reason}`);
    this.#unsaid = 0;
    this.#saidAt = performance.now();
  }
}

/** What became of messages. */
interface Counts {
  batches: number;
  entries: number;
  duplicates: number;
  deadLetters: number;
}

/** What is not committed is taken again. */
interface Taken extends Counts {
  readonly refusals: Refusal[];
}

const SAY_MS = 1000;

function nothing(): Counts {
  return { batches: 0, entries: 0, duplicates: 0, deadLetters: 0 };
}
