// What the flows of a made capture say to each other: who sends next, with which flags and sequence numbers.

export const FIN = 1;
export const SYN = 2;
export const PSH = 8;
export const ACK = 16;

/** Of four flows three are TCP, the fourth is UDP. */
const UDP_EVERY = 4;
/** One data packet in so many is followed by FINs from both sides; the next packet opens the flow again. */
const DATA_PER_END = 256;

/** Where a TCP flow stands. The numbers follow each other, and the last is followed by the first. */
const PHASE = { syn: 0, synAck: 1, ack: 2, data: 3, fin: 4, finAck: 5 } as const;

/** The next packet of a flow; one object that is filled again for each packet. */
export interface Turn {
  isTcp: boolean;
  /** Sent by the server. */
  isReply: boolean;
  flags: number;
  seq: number;
  ack: number;
  /** Nothing but a header may be in it. */
  isBare: boolean;
}

export class Conversations {
  readonly turn: Turn = { isTcp: true, isReply: false, flags: 0, seq: 0, ack: 0, isBare: false };
  #random: () => number;
  #phase: Uint8Array;
  #client: Uint32Array;
  #server: Uint32Array;

  constructor(flows: number, random: () => number) {
    this.#random = random;
    this.#phase = new Uint8Array(flows);
    this.#client = new Uint32Array(flows);
    this.#server = new Uint32Array(flows);
  }

  /** Decides who sends the next packet of the flow, and what it is. */
  next(flow: number): Turn {
    const { turn } = this;
    const draw = this.#random();
    turn.isReply = (draw & 1) === 1;
    turn.isTcp = flow % UDP_EVERY !== 0;
    turn.isBare = false;
    turn.flags = 0;
    if (turn.isTcp) this.#nextTcp(flow, draw >>> 1);
    return turn;
  }

  /** Counts the payload of the packet that `next` decided on. */
  sent(flow: number, payload: number): void {
    const { turn } = this;
    if (!turn.isTcp) return;
    const side = turn.isReply ? this.#server : this.#client;
    side[flow] = side[flow] + payload + (turn.flags & (SYN | FIN) ? 1 : 0);
  }

  #nextTcp(flow: number, draw: number): void {
    const { turn } = this;
    const phase = this.#phase[flow];
    if (phase === PHASE.data) {
      turn.flags = draw & 2 ? ACK | PSH : ACK;
      if ((draw >>> 2) % DATA_PER_END === 0) this.#phase[flow] = PHASE.fin;
    } else {
      turn.isBare = true;
      turn.isReply = phase === PHASE.synAck || phase === PHASE.finAck;
      turn.flags = FLAGS[phase]!;
      this.#phase[flow] = phase === PHASE.finAck ? PHASE.syn : phase + 1;
    }
    turn.seq = (turn.isReply ? this.#server : this.#client)[flow]!;
    turn.ack = turn.flags & ACK ? (turn.isReply ? this.#client : this.#server)[flow] : 0;
  }
}

/** By phase. */
const FLAGS: readonly number[] = [SYN, SYN | ACK, ACK, 0, FIN | ACK, FIN | ACK];
