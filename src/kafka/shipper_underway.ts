// The records that one producer was given, in order: up to which one all are safe.

/** A record under way. */
export interface Sent {
  readonly position: number;
  isDelivered: boolean;
  /** The one that was sent behind it. */
  next: Sent | undefined;
}

/** What one producer was given. Partitions acknowledge in their own order; safe is what has nothing unsafe before it. */
export class Underway {
  hasDelivered = false;
  #first: Sent | undefined;
  #last: Sent | undefined;

  add(position: number): Sent {
    const sent: Sent = { position, isDelivered: false, next: undefined };
    if (this.#last) this.#last.next = sent;
    this.#last = sent;
    this.#first ??= sent;
    return sent;
  }

  /** Gives the position up to which all is safe now, if it is another one than before. */
  deliver(sent: Sent): number | undefined {
    sent.isDelivered = true;
    this.hasDelivered = true;
    let position: number | undefined;
    for (; this.#first?.isDelivered; this.#first = this.#first.next) ({ position } = this.#first);
    if (!this.#first) this.#last = undefined;
    return position;
  }
}
