// An agent as a service of systemd: it says that it is ready, how it is, that it is alive, and that it stops (sd_notify(3)).
import { addon } from '../../base/addon.ts';
import { quantity, time } from '../units.ts';
import type { AgentStatus } from './meter.ts';
import { MOST_STILL_MS } from './progress.ts';
import type { Progress } from './progress.ts';

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
   * It captures. From now on it is said twice in the watchdog's time that the agent is alive: that is, this thread turns and
   * the workers come on.
   */
  ready(progress: Progress): void {
    this.#send('READY=1');
    if (!(this.#watchdogMs > 0)) return;
    const everyMs = this.#watchdogMs / 2;
    this.#timer = setInterval(() => {
      const isMoving = progress.look() <= Math.max(MOST_STILL_MS, everyMs);
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
