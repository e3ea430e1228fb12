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

export interface FlowIdentity {
  readonly eni: string;
  readonly rule: Rule;
  /** The end at which it was seen; nothing where only the opener can tell. */
  readonly local: End | undefined;
  readonly version: 4 | 6;
  readonly protocol: number;
  readonly addresses: Readonly<Record<End, string>>;
  readonly ports: Readonly<Record<End, string>>;
}

export class Flow {
  readonly identity: FlowIdentity;
  opener: End | undefined;
  #lastSec = -Infinity;
  #finished = { a: false, b: false };
  #reset = false;

  constructor(identity: FlowIdentity) {
    this.identity = identity;
  }

  get closed(): boolean {
    return this.#reset || (this.#finished.a && this.#finished.b);
  }

  /** `flags` only where a TCP header was read: a later fragment changes no state. */
  apply(from: End, sec: number, flags: number | undefined): void {
    if (sec - this.#lastSec > this.#idleLimit()) this.#forget();
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

  #forget(): void {
    this.opener = undefined;
    this.#reopen();
  }

  #reopen(): void {
    this.#finished = { a: false, b: false };
    this.#reset = false;
  }
}
