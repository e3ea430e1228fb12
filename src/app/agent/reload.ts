// What a hangup does to an agent: its file is read again, and what can change without losing a packet changes.
import { WindrowError } from '../../base/errors.ts';
import { quantity, time } from '../units.ts';
import type { AgentConfig } from './config.ts';
import type { AgentFlowLogs } from './flow_logs.ts';
import type { AgentInterfaces } from './interfaces.ts';
import type { LiveNetwork } from './live_network.ts';
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
  /** Undefined: it was started without. */
  readonly network: LiveNetwork | undefined;
}

/** SIGHUP: it listens from the beginning, and reads as soon as there is something to change. */
export class Reload {
  readonly #options: ReloadOptions;
  #work: ReloadWork | undefined;
  /** Of the network that holds now, or will. */
  #networkText: string | undefined;
  #isAsked = false;
  /** One after the other. */
  #turn: Promise<void> = Promise.resolve();
  readonly #listener = (): void => {
    this.#isAsked = true;
    this.#turn = this.#turn.then(() => this.#reload());
  };

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#networkText = options.config.options.networkText;
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
    const { interfaces, flowLogs, log, network } = this.#work;
    const next = this.#read(log);
    if (!next) return;
    log.say(`${next.flags.config ?? 'the command line'}: the configuration was read again`);
    const fixed = differences(this.#options.config.flags, next.flags);
    if (fixed.length > 0) {
      log.say(`cannot change while it runs: ${fixed.join(', ')}; start the agent again`, 'warn', { keys: fixed });
    }
    await interfaces.follow(next.options.interfaces);
    await flowLogs?.declare(next.options.flowLogs?.declared);
    if (network) await this.#followNetwork(network, next, this.#work);
  }

  async #followNetwork(live: LiveNetwork, { flags, options }: AgentConfig, work: ReloadWork): Promise<void> {
    const { interfaces, flowLogs, log } = work;
    const { network, networkText } = options;
    const file = typeof flags.network === 'string' ? flags.network : (flags.config ?? '');
    if (!network || networkText === this.#networkText) return;
    try {
      const { came, went, from } = live.follow(network);
      flowLogs?.came();
      await interfaces.followNetwork(from);
      this.#networkText = networkText;
      const enis = `${quantity(came, 'ENI', 'ENIs')} more, ${quantity(went, 'ENI', 'ENIs')} less`;
      log.say(`${file}: another network holds from ${time(from)} on (UTC): ${enis}`);
    } catch (error) {
      if (!(error instanceof WindrowError)) throw error;
      log.say(`${file}: ${error.message}; the network stays as it was`, 'warn');
    }
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
  // A network may become another; what is without one knows ENIs otherwise.
  const hasNetwork = before.network !== undefined && after.network !== undefined;
  const changeable = hasNetwork ? [...CHANGEABLE, 'network'] : CHANGEABLE;
  const fixed = CONFIG_KEYS.filter(({ attribute }) => !changeable.includes(attribute));
  return fixed
    .filter(({ attribute }) => valueOf(before, attribute) !== valueOf(after, attribute))
    .map(({ key }) => key);
}

function valueOf(flags: AgentFlags, attribute: string): string | undefined {
  // Those that are declared can change, and not where they are kept.
  if (attribute === FLOW_LOGS) return typeof flags.flowLogs === 'string' ? flags.flowLogs : typeof flags.flowLogs;
  return JSON.stringify(attribute === 'eni' ? enisOf(flags) : flags[attribute as keyof AgentFlags]);
}
