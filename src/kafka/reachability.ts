// Whether a client has a connection to any broker, and why not; what it told before it was connected is `connect`'s.
import { isDown } from './client.ts';
import type { KafkaError } from './client.ts';

/** Of the client: how often its statistics are told. Only they know of a connection that is back. */
export const REACHABILITY_CONFIG = { 'statistics.interval.ms': 1000 } as const;

/** Of all clients: what is watched. */
interface Watched {
  on(event: 'event.error', listener: (error: KafkaError) => void): unknown;
  on(event: 'event.stats', listener: (stats: { message: string }) => void): unknown;
}

interface Statistics {
  readonly brokers: Readonly<Record<string, { readonly state: string }>>;
}

export class Reachability {
  readonly #tell: (isReachable: boolean, reason: string) => void;
  #isReachable = true;

  constructor(tell: (isReachable: boolean, reason: string) => void) {
    this.#tell = tell;
  }

  watch(client: Watched): void {
    client.on('event.error', (error) => {
      if (isDown(error)) this.#set(false, error.message);
    });
    // Messages, or reports of them, may have waited in this process since before the connection broke: they say nothing.
    client.on('event.stats', ({ message }) => {
      if (!this.#isReachable && hasConnection(message)) this.#set(true, '');
    });
  }

  #set(isReachable: boolean, reason: string): void {
    if (isReachable === this.#isReachable) return;
    this.#isReachable = isReachable;
    this.#tell(isReachable, reason);
  }
}

function hasConnection(statistics: string): boolean {
  const { brokers } = JSON.parse(statistics) as Statistics;
  return Object.values(brokers).some(({ state }) => state === 'UP');
}
