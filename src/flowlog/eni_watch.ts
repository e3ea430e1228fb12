// Which ENIs are watched, and what that means to those who collect there.
import type { Attendance } from './attendance.ts';
import { subscribersAt } from './subscribers.ts';
import type { Subscribers } from './subscribers.ts';

/** Times are seconds since the epoch. */
export class EniWatch {
  readonly #attendance: Attendance;
  readonly #subscribers: Subscribers;
  /** By ENI: since when it is watched. */
  readonly #since = new Map<number, number>();
  /** By ENI: who is served, or will be. */
  readonly #served = new Map<number, ReadonlySet<number>>();

  constructor(attendance: Attendance, subscribers: Subscribers) {
    this.#attendance = attendance;
    this.#subscribers = subscribers;
  }

  /** From now on the ENI is watched. */
  join(eni: number, now: number): void {
    if (this.#since.has(eni)) return;
    this.#since.set(eni, now);
    this.#serve(eni, now);
  }

  /** It is not watched any more. */
  leave(eni: number, now: number): void {
    if (!this.#since.delete(eni)) return;
    for (const subscriber of this.#served.get(eni) ?? []) this.#attendance.leave(subscriber, now);
    this.#served.delete(eni);
  }

  leaveAll(now: number): void {
    for (const eni of [...this.#since.keys()]) this.leave(eni, now);
  }

  /** Others collect now, or will. */
  look(now: number): void {
    for (const eni of this.#since.keys()) this.#serve(eni, now);
  }

  /** Since when an ENI is watched; undefined: it is not. */
  watchedSince(eni: number): number | undefined {
    return this.#since.get(eni);
  }

  /** Whether something is still to be told to any subscriber of an ENI. */
  isOpen(eni: number): boolean {
    return this.#subscribers.collecting(eni).some(({ number }) => this.#attendance.isOpen(number));
  }

  /** Of each ENI that is watched, and of which somebody collects: up to when all is told that its windows lack. */
  settledUntil(now: number): [eni: number, second: number][] {
    const settled = new Map(this.#attendance.settledUntil());
    return [...this.#since.keys()].flatMap((eni): [number, number][] => {
      const seconds = subscribersAt(this.#subscribers, eni, now).map((subscriber) => settled.get(subscriber));
      const known = seconds.filter((second) => second !== undefined);
      return known.length > 0 ? [[eni, Math.min(...known)]] : [];
    });
  }

  /** The end of the longest window of an ENI that a time falls into. */
  endOf(eni: number, second: number): number {
    const lengths = [...(this.#served.get(eni) ?? [])].map((subscriber) => this.#subscribers.seconds(subscriber));
    return Math.max(second, ...lengths.map((seconds) => Math.ceil(second / seconds) * seconds));
  }

  #serve(eni: number, now: number): void {
    const served = this.#served.get(eni) ?? new Set();
    const collecting = this.#subscribers.collecting(eni).filter(({ until }) => until > now);
    for (const { number, from, until } of collecting) {
      this.#attendance.join(number, Math.max(now, from));
      if (until < Infinity) this.#attendance.leave(number, until);
    }
    // What was to begin, and will not.
    const next = new Set(collecting.map(({ number }) => number));
    for (const subscriber of served) if (!next.has(subscriber)) this.#attendance.leave(subscriber, now);
    this.#served.set(eni, next);
  }
}
