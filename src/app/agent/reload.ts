// What a hangup does to an agent: its file is read again, and what can change without losing a packet changes.
import { WindrowError } from '../../base/errors.ts';
import type { AgentConfig } from './config.ts';
import type { AgentFlowLogs } from './flow_logs.ts';
import type { AgentInterfaces } from './interfaces.ts';
import type { AgentLog } from './log.ts';
import { CONFIG_KEYS, enisOf } from './options.ts';
import type { AgentFlags } from './options.ts';

/** Attributes that say which interfaces are wanted, and how those are captured that come; and what is collected. */
const CHANGEABLE: readonly string[] = ['interface', 'side'];
const FLOW_LOGS = 'flowLogs';

export interface ReloadOptions {
  /** With which it was started. */
  readonly config: AgentConfig;
  /** Throws USAGE with all that is wrong, a line each. */
  read(): AgentConfig;
}

/** What changes. */
export interface ReloadWork {
  readonly interfaces: AgentInterfaces;
  /** Undefined: there are none, and cannot be. */
  readonly flowLogs: AgentFlowLogs | undefined;
  readonly log: AgentLog;
}

/** SIGHUP: it listens from the beginning, and reads as soon as there is something to change. */
export class Reload {
  readonly #options: ReloadOptions;
  #work: ReloadWork | undefined;
  #isAsked = false;
  /** One after the other. */
  #turn: Promise<void> = Promise.resolve();
  readonly #listener = (): void => {
    this.#isAsked = true;
    this.#turn = this.#turn.then(() => this.#reload());
  };

  constructor(options: ReloadOptions) {
    this.#options = options;
    process.on('SIGHUP', this.#listener);
  }

  begin(work: ReloadWork): void {
    this.#work = work;
    this.#turn = this.#turn.then(() => this.#reload());
  }

  /** Nothing is to change any more; hangups are heard, and do nothing. */
  end(): void {
    this.#work = undefined;
  }

  forget(): void {
    process.removeListener('SIGHUP', this.#listener);
  }

  async #reload(): Promise<void> {
    if (!this.#isAsked || !this.#work) return;
    this.#isAsked = false;
    const { interfaces, flowLogs, log } = this.#work;
    const next = this.#read(log);
    if (!next) return;
    log.say(`${next.flags.config}: the configuration was read again`);
    const fixed = differences(this.#options.config.flags, next.flags);
    if (fixed.length > 0) {
      log.say(`cannot change while it runs: ${fixed.join(', ')}; start the agent again`, 'warn', { keys: fixed });
    }
    await interfaces.follow(next.options.interfaces);
    await flowLogs?.declare(next.options.flowLogs?.declared);
  }

  /** Undefined: it is wrong, and all of that has been said. */
  #read(log: AgentLog): AgentConfig | undefined {
    try {
      return this.#options.read();
    } catch (error) {
      if (!(error instanceof WindrowError)) throw error;
      for (const line of error.message.split('\n')) log.say(line, 'warn');
      log.say('the configuration stays as it was', 'warn');
      return undefined;
    }
  }
}

/** Keys of what is not the same, and would have to be. */
function differences(before: AgentFlags, after: AgentFlags): string[] {
  const fixed = CONFIG_KEYS.filter(({ attribute }) => !CHANGEABLE.includes(attribute));
  return fixed
    .filter(({ attribute }) => valueOf(before, attribute) !== valueOf(after, attribute))
    .map(({ key }) => key);
}

function valueOf(flags: AgentFlags, attribute: string): string | undefined {
  // Those that are declared can change, and not where they are kept.
  if (attribute === FLOW_LOGS) return typeof flags.flowLogs === 'string' ? flags.flowLogs : typeof flags.flowLogs;
  return JSON.stringify(attribute === 'eni' ? enisOf(flags) : flags[attribute as keyof AgentFlags]);
}
