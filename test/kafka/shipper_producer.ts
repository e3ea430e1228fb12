// Producers that do what a test tells them, and remember what they were given.
import { WindrowError } from '../../src/base/errors.ts';
import type { Batch } from '../../src/flowlog/batch.ts';
import { decodeBatch } from '../../src/kafka/codec.ts';
import type { BatchProducer } from '../../src/kafka/producer.ts';
import { numberOf } from './shipper_batches.ts';

export interface Given {
  readonly key: string;
  readonly message: Uint8Array;
  /** It is safe. */
  readonly deliver: () => void;
}

type Face = Pick<BatchProducer, 'start' | 'send' | 'close' | 'failed' | 'queuedBytes'>;

export class ProducerDouble implements Face {
  readonly given: Given[] = [];
  readonly queuedBytes = 4711;
  isClosed = false;
  #failure: WindrowError | undefined;
  #wake: (() => void)[] = [];
  #tellFailure: (error: WindrowError) => void = () => undefined;
  readonly failed = new Promise<never>((_, reject) => (this.#tellFailure = reject));
  /** `never`: it does not get to Kafka; an error: it says so. */
  readonly #beginning: 'at once' | 'never' | WindrowError;
  readonly #room: number;

  constructor(beginning: 'at once' | 'never' | WindrowError = 'at once', room = Infinity) {
    this.#beginning = beginning;
    this.#room = room;
    this.failed.catch(() => undefined);
  }

  async start(): Promise<void> {
    if (this.#beginning === 'never') await new Promise(() => undefined);
    if (this.#beginning instanceof WindrowError) throw this.#beginning;
  }

  async send(key: string, message: Uint8Array, deliver: () => void = () => undefined): Promise<void> {
    while (!this.#failure && this.given.length >= this.#room) {
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    if (this.#failure) throw this.#failure;
    this.given.push({ key, message: Uint8Array.from(message), deliver });
  }

  /** Nothing more can be sent. */
  fail(message: string): void {
    this.#end(new WindrowError('KAFKA', message));
    this.#tellFailure(this.#failure!);
  }

  close(): Promise<void> {
    if (this.isClosed) throw new Error('a producer was closed twice');
    this.isClosed = true;
    this.#end(new WindrowError('KAFKA', 'closed'));
    return Promise.resolve();
  }

  get batches(): Batch[] {
    return this.given.map(({ message }) => decodeBatch(message));
  }

  get numbers(): number[] {
    return this.batches.map(numberOf);
  }

  #end(failure: WindrowError): void {
    this.#failure ??= failure;
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** Gives them out, one after the other; then others like the last one. */
export class Producers {
  readonly made: ProducerDouble[] = [];
  readonly #next: (() => ProducerDouble)[];

  constructor(...next: (() => ProducerDouble)[]) {
    this.#next = next;
  }

  make(): BatchProducer {
    const make = this.#next[this.made.length] ?? this.#next.at(-1) ?? (() => new ProducerDouble());
    this.made.push(make());
    return this.made.at(-1) as unknown as BatchProducer;
  }
}
