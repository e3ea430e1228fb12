// An agent as a service of systemd: it says that it is ready, how it is, that it is alive, and that it stops (sd_notify(3)).
import { addon } from '../../base/addon.ts';
import { quantity, time } from '../units.ts';
import type { AgentStatus } from './meter.ts';

/** The mark of a crew that works rises once a second; it may be late for so long on a machine that is busy. */
const MOST_STILL_MS = 5000;

export class Service {
  readonly #send: (text: string) => void;
  readonly #watchdogMs: number;
  #timer: NodeJS.Timeout | undefined;
  #said = '';
  #isStopping = false;

  /** Says nothing where the environment names no socket. */
  constructor(environment: NodeJS.ProcessEnv, send = sendTo(environment['NOTIFY_SOCKET'])) {
    this.#send = send;
    const pid = environment['WATCHDOG_PID'];
    const isMeant = pid === undefined || pid === String(process.pid);
    this.#watchdogMs = isMeant ? Number(environment['WATCHDOG_USEC'] ?? 0) / 1000 : 0;
  }

  /**
   * It captures. `mark` is how far its workers have come, in seconds since the epoch. From now on it is said twice in the
   * watchdog's time that the agent is alive: that is, this thread turns and the workers come on.
   */
  ready(mark: () => number): void {
    this.#send('READY=1');
    if (!(this.#watchdogMs > 0)) return;
    const everyMs = this.#watchdogMs / 2;
    let [last, movedAt] = [mark(), performance.now()];
    this.#timer = setInterval(() => {
      const now = mark();
      // It does not go back with a clock that is set back.
      if (now !== last || now > Date.now() / 1000) movedAt = performance.now();
      last = now;
      const isMoving = performance.now() - movedAt <= Math.max(MOST_STILL_MS, everyMs);
      if (isMoving || this.#isStopping) this.#send('WATCHDOG=1');
    }, everyMs);
    this.#send('WATCHDOG=1');
  }

  /** How it is, when that has changed. */
  say(status: AgentStatus): void {
    const line = statusLine(status);
    if (line === this.#said) return;
    this.#said = line;
    this.#send(`STATUS=${line}`);
  }

  /** What is open is closed and delivered. How long that may take is systemd's to say. */
  stopping(): void {
    this.#isStopping = true;
    this.#send('STOPPING=1\nSTATUS=stopping: open windows are closed and delivered');
  }

  /** Nothing is said any more. */
  end(): void {
    clearInterval(this.#timer);
  }
}

function statusLine({ interfaces, entries, lastWindowEnd, waitingBytes, troubles }: AgentStatus): string {
  const parts = [
    `captures at ${quantity(interfaces.length, 'interface', 'interfaces')}`,
    quantity(entries, 'entry', 'entries'),
    lastWindowEnd === 0 ? 'no window closed yet' : `windows logged until ${time(lastWindowEnd)}`,
    waitingBytes > 0 ? 'batches wait for Kafka' : '',
    ...troubles,
  ];
  return parts.filter(Boolean).join('; ').replaceAll(/\s+/g, ' ');
}

/** Whoever does not listen misses it: an agent goes on. */
function sendTo(address: string | undefined): (text: string) => void {
  if (!address) return () => undefined;
  return (text) => void addon.datagram_send(address, text);
}
