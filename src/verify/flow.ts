// One flow's memory over both its directions: who opened it, whether it closed, when it was last heard of.
import { TCP } from './packet.ts';
import type { Rule } from './direction.ts';

export type End = 'a' | 'b';

const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;
const OPEN_TCP_IDLE_SECONDS = 600;
/** Also how long any other protocol's flow is silent before it counts as over. */
export const IDLE_SECONDS = 30;

/** Where a flow was seen. */
export interface Place {
  readonly eni: string;
  readonly rule: Rule;
  /** Nothing where only the opener can tell. */
  readonly local: End | undefined;
}

export interface FlowIdentity {
  /** Two where both ends are ENIs; none where ENIs are known and neither end is one. */
  readonly places: readonly Place[];
  readonly version: 4 | 6;
  readonly protocol: number;
  readonly addresses: Readonly<Record<End, string>>;
  readonly ports: Readonly<Record<End, string>>;
}

/** What a packet does to its flow. */
export interface Step {
  readonly from: End;
  readonly sec: number;
  /** The latest time in the capture so far. */
  readonly nowSec: number;
  /** The packet has no time, and `sec` says nothing. */
  readonly untimed: boolean;
  /** Only where a TCP header was read: a later fragment changes no state. */
  readonly flags: number | undefined;
}

export class Flow {
  readonly identity: FlowIdentity;
  opener: End | undefined;
  /** In how many open windows it has counts. */
  windows = 0;
  #lastSec = -Infinity;
  #finished = { a: false, b: false };
  #reset = false;

  constructor(identity: FlowIdentity) {
    this.identity = identity;
  }

  get closed(): boolean {
    return this.#reset || (this.#finished.a && this.#finished.b);
  }

  /**
   * An idle flow is over whether a packet comes for it or not: the latest time in the capture so far tells, not a
   * packet's own.
   */
  isIdleAt(nowSec: number): boolean {
    return nowSec - this.#lastSec > this.#idleLimit();
  }

  /** Time 0 is that of packets without a time: how long such a flow is silent, nobody knows. */
  get isUntimed(): boolean {
    return this.#lastSec === 0;
  }

  apply({ from, sec, nowSec, untimed, flags }: Step): void {
    if (this.isIdleAt(nowSec) && !(untimed && this.isUntimed)) this.#begin(sec);
    this.#lastSec = Math.max(this.#lastSec, sec);
    const to = from === 'a' ? 'b' : 'a';
    const tcp = this.identity.protocol === TCP ? (flags ?? 0) : 0;
    const isSyn = (tcp & SYN) !== 0;
    const isAck = (tcp & ACK) !== 0;
    if (isSyn && !isAck) {
      this.opener = from;
      if (this.closed) this.#reopen();
    } else this.opener ??= isSyn ? to : from;
    if ((tcp & FIN) !== 0) this.#finished[from] = true;
    if ((tcp & RST) !== 0) this.#reset = true;
  }

  #idleLimit(): number {
    return this.identity.protocol === TCP && !this.closed ? OPEN_TCP_IDLE_SECONDS : IDLE_SECONDS;
  }

  /** From its start, or anew: then even a late packet is the only one that it has. */
  #begin(sec: number): void {
    this.#lastSec = sec;
    this.opener = undefined;
    this.#reopen();
  }

  #reopen(): void {
    this.#finished = { a: false, b: false };
    this.#reset = false;
  }
}
