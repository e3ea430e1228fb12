// Batches of an agent on their way to Kafka: through the spool, in order, and not out of it before they are safe.
import { setTimeout as delay } from 'node:timers/promises';
import { WindrowError } from '../base/errors.ts';
import type { Batch, BatchSink } from '../flowlog/batch.ts';
import { decodeBatch, encodeBatch } from './codec.ts';
import { LostWindows } from './lost_windows.ts';
import type { UnsentBatch } from './lost_windows.ts';
import type { Eviction } from './metrics.ts';
import type { BatchProducer } from './producer.ts';
import { packShipment, unpackShipment } from './shipment.ts';
import { Underway } from './shipper_underway.ts';
import { Spool } from './spool.ts';
import type { SpoolOptions, SpoolStats } from './spool.ts';
import type { SpoolDamage } from './spool_losses.ts';

/** Read from the spool at once. */
const READ_BYTES = 4 << 20;
/**
 * Between two producers; grows while none of them delivers anything. Each of them costs some kilobytes that the client
 * library never gives back: in an outage of days there had better not be one each second.
 */
const LEAST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 30_000;
/** A disk that did not take what is to be told of lost windows is asked again after so long. */
const LOST_PAUSE_MS = 1000;

/** What the owner is told, as often as it happens. */
export interface ShipperListener {
  /** A batch left the spool undelivered, or could not be put into it. A SKIPDATA batch of its window follows. */
  lost(batch: Batch, why: Eviction | 'disk'): void;
  /** A batch is safe in Kafka, so long after it was taken. */
  arrived(ms: number): void;
  /** Kafka is reached: sending begins, at the first batch that was not acknowledged. */
  begins(): void;
  /** Nothing is sent for now, and it is tried again after a pause. Batches go into the spool meanwhile. */
  fails(error: Error): void;
  /** The disk of the spool does not do what it should; that is tried again as well. */
  spoolFails(error: Error): void;
  /** Something of the spool cannot be read any more. */
  damaged(damage: SpoolDamage): void;
}

export interface ShipperOptions {
  /** Whose batches they are. */
  readonly agent: string;
  /** Which life of the agent: greater than that of the one before. */
  readonly boot: number;
  readonly folder: string;
  readonly spool: Omit<SpoolOptions, 'onEvicted' | 'onDamage' | 'onError'>;
  /** A new producer, not started yet. */
  readonly makeProducer: () => BatchProducer;
  readonly listener: ShipperListener;
}

export class Shipper implements BatchSink {
  readonly #options: ShipperOptions;
  readonly #now: () => number;
  readonly #lost = new LostWindows();
  readonly #stopping = new AbortController();
  #spool: Spool | undefined;
  #producer: BatchProducer | undefined;
  /** Closes the producer, whoever calls it first. */
  #closeProducer: () => Promise<void> = () => Promise.resolve();
  #underway = new Underway();
  #sequence = 0;
  /** One append after the other: a sequence is that of the record that has it, and the next one is greater. */
  #turn: Promise<unknown> = Promise.resolve();
  #sending: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #lostTimer: NodeJS.Timeout | undefined;
  /** Those who wait until all is safe. */
  readonly #waiting = new Set<() => void>();

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#now = () => options.spool.clock?.now() ?? Date.now();
  }

  /** Opens the spool; what is in it from an earlier life is sent first. Rejects with what the spool says. */
  async start(): Promise<void> {
    const { folder, spool, listener } = this.#options;
    this.#spool = await Spool.open(folder, {
      ...spool,
      onEvicted: (payload, why) => this.#evicted(payload, why),
      onDamage: (damage) => listener.damaged(damage),
      onError: (error) => listener.spoolFails(error),
    });
    this.#sending = this.#sendAll(this.#spool);
  }

  /** Takes a batch into the spool, and gives it its identity. What the disk does not take is lost, and said to be. */
  take(batch: Batch): Promise<void> {
    return this.#inTurn(async () => {
      if (await this.#put(batch)) return this.#putLost();
      this.#lose(batch, 'disk');
      this.#putLostLater();
    });
  }

  get stats(): SpoolStats {
    return this.#spool!.stats;
  }

  /** Bytes that were sent and are not acknowledged. */
  get queuedBytes(): number {
    return this.#producer?.queuedBytes ?? 0;
  }

  /** All that was taken is safe in Kafka, or was lost and is said to be there; false: not within `ms`. */
  async flush(ms: number): Promise<boolean> {
    let tell: () => void = () => undefined;
    const told = new Promise<void>((resolve) => (tell = resolve));
    const timer = setTimeout(tell, ms);
    this.#waiting.add(tell);
    void this.#inTurn(() => this.#putLost()).then(() => this.#tellIfEmpty());
    await told;
    this.#waiting.delete(tell);
    clearTimeout(timer);
    return this.#isEmpty;
  }

  /** What is not acknowledged stays in the spool for the next life. Rejects where something of it may not survive. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#inTurn(() => this.#putLost());
    clearTimeout(this.#lostTimer);
    this.#stopping.abort();
    // Else sending would wait until Kafka takes what is under way.
    await this.#closeProducer();
    try {
      await this.#spool?.close();
    } finally {
      await this.#sending;
    }
  }

  get #isEmpty(): boolean {
    return this.stats.records === 0 && this.#lost.isEmpty;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** False: the disk does not take it. */
  async #put(batch: UnsentBatch): Promise<boolean> {
    const { agent, boot, listener } = this.#options;
    const identity = { agent, boot, sequence: this.#sequence };
    const shipment = { takenMs: this.#now(), key: batch.eni.eniId, message: encodeBatch({ ...batch, identity }) };
    try {
      await this.#spool!.append(packShipment(shipment));
    } catch (error) {
      if (!(error instanceof WindrowError)) throw error;
      listener.spoolFails(error);
      return false;
    }
    this.#sequence++;
    return true;
  }

  /** Puts what is to be told of lost windows, as far as the disk takes it. */
  async #putLost(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    for (let skipped = this.#lost.take(); skipped; skipped = this.#lost.take()) {
      if (await this.#put(skipped)) continue;
      this.#lost.add(skipped);
      return this.#putLostLater();
    }
  }

  /** No batch may come for a long time. */
  #putLostLater(): void {
    if (this.#closing) return;
    this.#lostTimer ??= setTimeout(() => {
      this.#lostTimer = undefined;
      void this.#inTurn(() => this.#putLost());
    }, LOST_PAUSE_MS).unref();
  }

  #lose(batch: Batch, why: Eviction | 'disk'): void {
    this.#lost.add(batch);
    this.#options.listener.lost(batch, why);
  }

  #evicted(payload: Uint8Array, why: Eviction): void {
    try {
      this.#lose(decodeBatch(unpackShipment(payload)?.message ?? null), why);
    } catch (error) {
      // A newer version's, for one. It leaves all the same.
      const message = `${this.#options.folder}: a record had to leave that is no batch: ${(error as Error).message}`;
      this.#options.listener.damaged({ message, records: 1, bytes: payload.length });
    }
    // At once: a life may end at any moment.
    if (!this.#closing) void this.#inTurn(() => this.#putLost());
  }

  /** Sends until it is stopped. Whatever goes wrong is tried again: there is nobody to ask, and the spool waits. */
  async #sendAll(spool: Spool): Promise<void> {
    const { signal } = this.#stopping;
    for (let pauseMs = LEAST_PAUSE_MS; !signal.aborted;) {
      const underway = (this.#underway = new Underway());
      try {
        await this.#sendUntilFailure(spool, underway);
      } catch (error) {
        if (!signal.aborted) this.#options.listener.fails(error as Error);
      }
      pauseMs = underway.hasDelivered ? LEAST_PAUSE_MS : pauseMs;
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      pauseMs = Math.min(2 * pauseMs, MOST_PAUSE_MS);
    }
  }

  /** Resolves where it is stopped. */
  async #sendUntilFailure(spool: Spool, underway: Underway): Promise<void> {
    const producer = (this.#producer = this.#options.makeProducer());
    let closing: Promise<void> | undefined;
    this.#closeProducer = () => (closing ??= producer.close());
    try {
      await this.#unlessStopped(producer.start());
      this.#options.listener.begins();
      producer.failed.catch(() => {
        // Who waits for records gets those that are under way, and the failure when they are sent again.
        if (underway === this.#underway) spool.rewind();
      });
      spool.rewind();
      await this.#sendThrough(spool, producer, underway);
    } finally {
      await this.#closeProducer();
      this.#producer = undefined;
    }
  }

  async #sendThrough(spool: Spool, producer: BatchProducer, underway: Underway): Promise<void> {
    for (;;) {
      const records = await spool.read(READ_BYTES);
      if (records.length === 0) return;
      for (const { position, payload } of records) {
        // What is no shipment is for the sink to put aside.
        const { takenMs, key, message } = unpackShipment(payload) ?? {
          takenMs: this.#now(),
          key: '',
          message: payload,
        };
        const sent = underway.add(position);
        await producer.send(key, message, () => {
          // Of a producer that was given up, nothing counts: its batches are sent again.
          if (underway === this.#underway) this.#acknowledge(spool, underway.deliver(sent), takenMs);
        });
      }
    }
  }

  #acknowledge(spool: Spool, position: number | undefined, takenMs: number): void {
    this.#options.listener.arrived(Math.max(0, this.#now() - takenMs));
    if (position === undefined) return;
    spool.ack(position);
    this.#tellIfEmpty();
  }

  #tellIfEmpty(): void {
    if (this.#waiting.size > 0 && this.#isEmpty) for (const tell of this.#waiting) tell();
  }

  /** Rejects when it is stopped, whatever becomes of the work. */
  #unlessStopped(work: Promise<void>): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(new Error('the shipper was closed'));
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    });
  }
}
