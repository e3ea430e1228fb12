// Topics of a test's own on a broker, and the command lines that go through them.
import { COUNTING } from './traffic.ts';

const PARTITIONS = 3;

export class Channel {
  readonly #brokers: string;
  readonly #name: string;
  /** Options that others add: how to come in. */
  readonly #more: readonly string[];

  constructor(brokers: string, name: string, ...more: readonly string[]) {
    this.#brokers = brokers;
    this.#name = name;
    this.#more = more;
  }

  get entries(): string {
    return `${this.#name}.entries.v1`;
  }

  get deadLetters(): string {
    return `${this.#name}.dead-letters.v1`;
  }

  replay(capture: string, ...more: readonly string[]): string[] {
    return ['replay', capture, ...COUNTING, '--quiet', ...this.#kafka, ...more];
  }

  /** To a tree, or elsewhere with `--to`. Serves its metrics on a port that it chooses. */
  sink(...more: readonly string[]): string[] {
    return ['sink', '--metrics', '127.0.0.1:0', '--rotate-seconds', '1', ...this.#kafka, ...more];
  }

  /** A sink that ends when it has written what there is. */
  drain(...more: readonly string[]): string[] {
    return ['sink', '--metrics', 'off', '--drain', ...this.#kafka, ...more];
  }

  get #kafka(): string[] {
    return [
      ...['--kafka', this.#brokers, '--kafka-prefix', `${this.#name}.`],
      ...['--kafka-partitions', `${PARTITIONS}`, '--kafka-timeout', '20', ...this.#more],
    ];
  }
}
