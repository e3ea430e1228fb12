// The cloud network of an agent, which may become another while it captures: from the next window on.
import { MOST_NUMBERS } from '../../capture/numbers.ts';
import type { Eni } from '../../cloud/locality.ts';
import type { Network } from '../../cloud/network.ts';
import { NetworkNumbers } from '../../cloud/network_numbers.ts';
import type { Exchange } from '../../flow/exchange.ts';
import type { EniDirectory } from '../../flowlog/eni_directory.ts';
import type { AgentOptions } from './options.ts';

/** A window that begins sooner may have begun before everybody knows. */
const NOTICE_SECONDS = 1;
/** Packets that come later than that are told of by a network that is newer than they are. */
const LATE_WINDOWS = 2;

export interface LiveNetworkOptions extends Pick<AgentOptions, 'windowSeconds' | 'latenessSeconds' | 'locality'> {
  /** Of the longest windows: all that are shorter begin where they do. */
  readonly longestSeconds: number;
}

/** What a change came to. */
export interface NetworkChange {
  readonly came: number;
  readonly went: number;
  /** From when on it holds, in seconds since the epoch: the beginning of a window. */
  readonly from: number;
}

export class LiveNetwork {
  readonly #exchange: Exchange;
  readonly #enis: EniDirectory;
  readonly #options: LiveNetworkOptions;
  readonly #numbers: NetworkNumbers;
  #now: ReadonlyMap<number, Eni>;

  /** `network` is what the exchange was made with. */
  constructor(exchange: Exchange, enis: EniDirectory, options: LiveNetworkOptions, network: Network) {
    this.#exchange = exchange;
    this.#enis = enis;
    this.#options = options;
    this.#numbers = new NetworkNumbers(network, MOST_NUMBERS);
    this.#now = new Map(network.enis.entries());
  }

  /** Windows that have begun are told by the network that held when they did. Throws REFUSED. */
  follow(network: Network, now = Date.now() / 1000): NetworkChange {
    const { windowSeconds, longestSeconds, latenessSeconds, locality: first } = this.#options;
    const { enis, compiled, locality } = this.#numbers.renumber(network, first.native.local);
    const from = (Math.floor((now + NOTICE_SECONDS) / longestSeconds) + 1) * longestSeconds;
    const fromWindow = from / windowSeconds;
    const { first: begun, mark } = this.#exchange.clock;
    const late = latenessSeconds + LATE_WINDOWS * longestSeconds;
    const oldestWindow = Math.floor(((begun === undefined ? now : mark) - late) / windowSeconds);
    // Who writes entries knows of ENIs before there are any of theirs.
    this.#enis.follow(enis, locality, { from, oldest: oldestWindow * windowSeconds });
    this.#exchange.follow(compiled, locality.native, { fromWindow, oldestWindow });
    const came = [...enis.keys()].filter((number) => !this.#now.has(number)).length;
    const went = [...this.#now.keys()].filter((number) => !enis.has(number)).length;
    this.#now = enis;
    return { came, went, from };
  }
}
