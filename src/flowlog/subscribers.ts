// Who gets entries: flow logs at ENIs. What is written has a subscriber's number in place of an ENI's.
import type { NativeSubscriptions } from '../base/addon_types.ts';
import type { Eni } from '../cloud/locality.ts';
import type { FlowLogName } from './batch.ts';
import type { EniDirectory } from './eni_directory.ts';

/** A subscriber collects from one second on (included) until another (excluded); infinite where nobody has said. */
export interface Collecting {
  readonly number: number;
  readonly from: number;
  readonly until: number;
}

export interface Subscribers {
  /** How many there are by now. */
  readonly count: number;
  /** Whether `eni` knows those that may yet come. */
  readonly isForeseen: boolean;
  /** How often `eni` of a number became another. */
  readonly changes: number;
  /** Where a subscriber collects. */
  eni(number: number): Eni;
  flowLog(number: number): FlowLogName;
  /** How long its windows are. */
  seconds(number: number): number;
  /** Those of an ENI, by its number: of the last hour, what is, and what is planned; one that came again stands there again. */
  collecting(eni: number): readonly Collecting[];
  /** By which rows find their subscribers; undefined: each ENI has one, of its own number, that takes all of them. */
  readonly routes: NativeSubscriptions | undefined;
}

/** Numbers of those that collect at an ENI at a time. */
export function subscribersAt(subscribers: Subscribers, eni: number, second: number): number[] {
  const isThen = ({ from, until }: Collecting): boolean => from <= second && second < until;
  return subscribers
    .collecting(eni)
    .filter(isThen)
    .map(({ number }) => number);
}

/** One flow log that takes all entries of every ENI. */
export class EveryEni implements Subscribers {
  readonly #enis: EniDirectory;
  readonly #flowLog: FlowLogName;
  readonly #seconds: number;
  readonly routes = undefined;

  constructor(enis: EniDirectory, flowLog: FlowLogName, seconds: number) {
    this.#enis = enis;
    this.#flowLog = flowLog;
    this.#seconds = seconds;
  }

  get count(): number {
    return this.#enis.count;
  }

  get isForeseen(): boolean {
    return this.#enis.isForeseen;
  }

  get changes(): number {
    return this.#enis.changes;
  }

  eni(number: number): Eni {
    return this.#enis.eni(number);
  }

  flowLog(): FlowLogName {
    return this.#flowLog;
  }

  seconds(): number {
    return this.#seconds;
  }

  collecting(eni: number): readonly Collecting[] {
    return [{ number: eni, from: -Infinity, until: Infinity }];
  }
}
