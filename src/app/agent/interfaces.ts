// The interfaces of an agent: those that are wanted are captured as they come and go, each by rings of all workers.
import { WindrowError } from '../../base/errors.ts';
import { InterfaceFollower } from '../../capture/follower.ts';
import { readCounters } from '../../capture/interface.ts';
import type { InterfaceCounters, NetworkInterface } from '../../capture/interface.ts';
import { isPlainName, matcherOf } from '../../capture/names.ts';
import type { Side } from '../../capture/ring.ts';
import type { Attendance } from '../../flowlog/attendance.ts';
import type { EniDirectory } from '../../flowlog/eni_directory.ts';
import type { LiveCrew } from './crew.ts';
import type { AgentLog } from './log.ts';
import type { AgentOptions, WantedInterfaces } from './options.ts';

/** The native core numbers no more of them; one that comes back has its number again. */
const MOST_INTERFACES = 8192;

export interface CapturedInterface extends NetworkInterface {
  /** By which its packets are counted. */
  readonly number: number;
  /** When it began to be captured, in seconds since the epoch, and what its own counters were then. */
  readonly since: number;
  readonly counters: InterfaceCounters | undefined;
  readonly side: Side;
}

export interface AgentInterfacesOptions {
  readonly crew: LiveCrew;
  readonly attendance: Attendance;
  readonly enis: EniDirectory;
  readonly options: Pick<AgentOptions, 'interfaces' | 'ringBytes' | 'filter'>;
  readonly log: AgentLog;
  /** Grows as interfaces come that were not there before. */
  readonly names: string[];
}

export class AgentInterfaces {
  readonly #own: AgentInterfacesOptions;
  readonly #follower: InterfaceFollower;
  readonly #captured = new Map<number, CapturedInterface>();
  /** By name: why it is not captured. */
  readonly #refused = new Map<string, string>();
  /** By ENI: indexes of the interfaces that it is watched at. */
  readonly #watchedAt = new Map<number, Set<number>>();
  /** One change after the other. */
  #turn: Promise<void> = Promise.resolve();
  #wanted: readonly WantedInterfaces[];
  #firstFailure: WindrowError | undefined;
  #isStarting = true;
  #isStopped = false;
  #saidSuperFrames = false;

  constructor(own: AgentInterfacesOptions) {
    this.#own = own;
    this.#wanted = own.options.interfaces;
    this.#follower = new InterfaceFollower({
      patterns: this.#patterns,
      appeared: (at) => this.#inTurn(() => this.#add(at)),
      vanished: (at) => this.#inTurn(() => this.#remove(at)),
    });
  }

  /** All that are there are captured. Rejects with INPUT_REFUSED where one that is named cannot be. */
  async start(): Promise<void> {
    this.#follower.start();
    await this.#turn;
    this.#isStarting = false;
    if (this.#firstFailure) throw this.#firstFailure;
    this.#sayMissing();
  }

  /**
   * From now on these are wanted. Those that are captured and still wanted are captured on, without a gap, from the side
   * that they have.
   */
  async follow(wanted: readonly WantedInterfaces[]): Promise<void> {
    this.#wanted = wanted;
    this.#follower.follow(this.#patterns);
    await this.#turn;
    for (const { name, side } of this.#captured.values()) {
      const next = this.#sideOf(name);
      if (next === undefined || next === side) continue;
      this.#own.log.say(`${name} is captured with side ${side} until it comes again, then ${next}`, 'warn');
    }
    this.#sayMissing();
  }

  get captured(): readonly CapturedInterface[] {
    return [...this.#captured.values()];
  }

  get refused(): ReadonlyMap<string, string> {
    return this.#refused;
  }

  /** Named, and not there. */
  get missing(): readonly string[] {
    return this.#isStopped ? [] : this.#follower.missing;
  }

  /** What comes and goes does not matter any more. Nothing is watched from the second on that it resolves with. */
  async stop(): Promise<number> {
    this.#isStopped = true;
    this.#follower.stop();
    await this.#turn;
    const second = now();
    this.#own.attendance.leaveAll(second);
    return second;
  }

  get #patterns(): readonly string[] {
    return this.#wanted.map(({ pattern }) => pattern);
  }

  /** Undefined: it is not wanted. */
  #sideOf(name: string): Side | undefined {
    return this.#wanted.find(({ pattern }) => matcherOf([pattern])(name))?.side;
  }

  #sayMissing(): void {
    const { missing } = this.#follower;
    if (missing.length > 0) this.#own.log.say(`waiting for ${missing.join(', ')} to come`, 'warn', { missing });
    else if (this.#captured.size === 0) {
      this.#own.log.say(`no interface is captured yet: none is named ${this.#patterns.join(', ')}`, 'warn');
    }
  }

  #inTurn(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work);
  }

  async #add(at: NetworkInterface): Promise<void> {
    const { crew, options, log } = this.#own;
    const side = this.#sideOf(at.name);
    // Wanted when it was found, and not any more.
    if (side === undefined) return;
    try {
      const number = this.#numberOf(at.name);
      const bytes = Math.floor(options.ringBytes / crew.workers);
      const knowsSegments = await crew.add(at, number, { bytes, side, filter: options.filter });
      this.#captured.set(at.index, { ...at, number, side, since: now(), counters: readCounters(at.name) });
      this.#refused.delete(at.name);
      this.#watch(at);
      log.say(`captures at ${at.name}`, 'info', { interface: at.name });
      if (!knowsSegments && !this.#saidSuperFrames) {
        this.#saidSuperFrames = true;
        log.say(`the kernel does not tell super-frames from others: each is counted as one packet`, 'warn');
      }
    } catch (error) {
      if (!(error instanceof WindrowError)) throw error;
      this.#refused.set(at.name, error.message);
      const isNamed = this.#patterns.some((pattern) => isPlainName(pattern) && pattern === at.name);
      if (this.#isStarting && isNamed) this.#firstFailure ??= error;
      else log.say(error.message, 'warn', { interface: at.name });
    }
  }

  async #remove(at: NetworkInterface): Promise<void> {
    this.#refused.delete(at.name);
    const captured = this.#captured.get(at.index);
    if (!captured) return;
    this.#captured.delete(at.index);
    this.#unwatch(at.index);
    await this.#own.crew.remove(captured.number);
    const isWanted = this.#sideOf(at.name) !== undefined;
    const line = isWanted ? `${at.name} is gone` : `captures at ${at.name} no more`;
    this.#own.log.say(line, isWanted ? 'warn' : 'info', { interface: at.name });
  }

  #watch({ name, index }: NetworkInterface): void {
    const { enis, attendance } = this.#own;
    for (const eni of [...enis.named(), ...enis.ofInterface(name)]) {
      const at = this.#watchedAt.get(eni) ?? new Set<number>();
      this.#watchedAt.set(eni, at.add(index));
      attendance.join(eni, now());
    }
  }

  #unwatch(index: number): void {
    for (const [eni, at] of this.#watchedAt) {
      if (!at.delete(index) || at.size > 0) continue;
      this.#watchedAt.delete(eni);
      this.#own.attendance.leave(eni, now());
    }
  }

  /** Throws INPUT_REFUSED. */
  #numberOf(name: string): number {
    const { names } = this.#own;
    const known = names.indexOf(name);
    if (known >= 0) return known;
    if (names.length < MOST_INTERFACES) return names.push(name) - 1;
    throw new WindrowError(
      'INPUT_REFUSED',
      `${name}: ${MOST_INTERFACES} interfaces of other names have been captured: start the agent again to go on`,
    );
  }
}

function now(): number {
  return Date.now() / 1000;
}
