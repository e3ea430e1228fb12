// The flow logs of an agent: which there are, as their file and the configuration change, and who collects because of them.
import fs from 'node:fs';
import { WindrowError, systemCode } from '../../base/errors.ts';
import type { Exchange } from '../../flow/exchange.ts';
import type { EniWatch } from '../../flowlog/eni_watch.ts';
import type { FlowLogSubscribers } from '../../flowlog/flow_log_subscribers.ts';
import type { FlowLog } from '../../flowlog/flow_log.ts';
import type { Catalog } from '../flow_logs/catalog.ts';
import { newBirth } from '../flow_logs/commands.ts';
import { reconcile } from '../flow_logs/declared.ts';
import type { Declared } from '../flow_logs/declared.ts';
import { StateFile } from '../flow_logs/state_file.ts';
import { quantity } from '../units.ts';
import type { AgentLog } from './log.ts';

const LOOK_MS = 1000;

/** Where flow logs are kept, and what is to be among them. */
export interface FlowLogsOptions {
  readonly file: string;
  /** Undefined: the configuration says nothing of them. */
  readonly declared: readonly Declared[] | undefined;
}

export interface AgentFlowLogsOptions {
  readonly subscribers: FlowLogSubscribers;
  readonly exchange: Exchange;
  readonly watch: EniWatch;
  readonly log: AgentLog;
}

export class AgentFlowLogs {
  readonly #own: AgentFlowLogsOptions;
  readonly #path: string;
  readonly #file: StateFile;
  #flowLogs: readonly FlowLog[] = [];
  #seen = '';
  #said = '';
  #timer: NodeJS.Timeout | undefined;

  constructor({ file }: FlowLogsOptions, own: AgentFlowLogsOptions) {
    this.#own = own;
    this.#path = file;
    this.#file = new StateFile(file);
  }

  /** Rejects with what is wrong with them. Others count as soon as they are there. */
  async start(declared: FlowLogsOptions['declared']): Promise<void> {
    if (declared) await this.#reconcile(declared);
    this.#seen = this.#mark();
    this.#follow(this.#file.read());
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** ENIs have come, or are others. */
  came(): void {
    this.#collect((now) => this.#own.subscribers.look(now));
  }

  /** The configuration was read again. */
  async declare(declared: FlowLogsOptions['declared']): Promise<void> {
    try {
      if (declared) await this.#reconcile(declared);
    } catch (error) {
      if (!(error instanceof WindrowError)) throw error;
      this.#own.log.say(`${error.message}; flow logs stay as they were`, 'warn');
    }
    this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #reconcile(declared: readonly Declared[]): Promise<void> {
    // Nothing is written where nothing changes: others may have the file alone.
    const before = this.#file.read();
    const isSame = JSON.stringify(reconcile(before, declared, newBirth)) === JSON.stringify(before);
    if (!isSame) await this.#file.change((catalog) => reconcile(catalog, declared, newBirth));
  }

  /** Changes with each change of the file, and with nothing else. */
  #mark(): string {
    try {
      const { ino, size, mtimeNs } = fs.statSync(this.#path, { bigint: true });
      return `${ino} ${size} ${mtimeNs}`;
    } catch (error) {
      return systemCode(error);
    }
  }

  #look(): void {
    const mark = this.#mark();
    if (mark === this.#seen) return;
    this.#seen = mark;
    try {
      if (!fs.existsSync(this.#path)) {
        throw new WindrowError('INPUT_REFUSED', `${this.#path}: expected flow logs, found no file`);
      }
      this.#follow(this.#file.read());
      this.#said = '';
    } catch (error) {
      if (!(error instanceof WindrowError)) throw error;
      if (error.message !== this.#said) this.#own.log.say(`${error.message}; flow logs stay as they were`, 'warn');
      this.#said = error.message;
    }
  }

  /** What changed is known to all. */
  #collect(change: (now: number) => void): void {
    const { exchange, subscribers, watch } = this.#own;
    const now = Date.now() / 1000;
    change(now);
    exchange.subscribe(subscribers.routes);
    watch.look(now);
  }

  #follow({ flowLogs }: Catalog): void {
    const isChange = JSON.stringify(flowLogs) !== JSON.stringify(this.#flowLogs);
    this.#flowLogs = flowLogs;
    this.#collect((now) => this.#own.subscribers.follow(flowLogs, now));
    if (!isChange) return;
    const active = flowLogs.filter(({ status }) => status === 'Active');
    const names = active.map(({ name }) => name);
    this.#own.log.say(
      `${quantity(flowLogs.length, 'flow log', 'flow logs')}, active: ${names.join(', ') || 'none'}; a change counts from the next window on`,
      active.length === 0 ? 'warn' : 'info',
      { flow_logs: flowLogs.length, active: names },
    );
  }
}
