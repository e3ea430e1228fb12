// The interfaces of an agent: those that are wanted are captured as they come and go, each by rings of all workers.
import { WindrowError } from '../../base/errors.ts';
import { InterfaceFollower } from '../../capture/follower.ts';
import { readCounters, readInterface } from '../../capture/interface.ts';
import type { InterfaceCounters, NetworkInterface } from '../../capture/interface.ts';
import { isPlainName, matcherOf } from '../../capture/names.ts';
import type { InterfaceNumbers } from '../../capture/numbers.ts';
import type { Side } from '../../capture/ring.ts';
import type { EniDirectory } from '../../flowlog/eni_directory.ts';
import type { EniWatch } from '../../flowlog/eni_watch.ts';
import type { InterfaceCapture } from './capture_method.ts';
import type { LiveCrew } from './crew.ts';
import { LibpcapCapture } from './libpcap_capture.ts';
import type { AgentLog } from './log.ts';
import type { AgentOptions, WantedInterfaces } from './options.ts';

/** One that could not be captured at by libpcap, or is not any more, is tried again so often. */
const AGAIN_MS = 1000;

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
  readonly watch: EniWatch;
  /** An interface has come: who collects there is to be known before anything of it is. */
  readonly came: () => void;
  readonly enis: EniDirectory;
  readonly options: Pick<AgentOptions, 'interfaces' | 'ringBytes' | 'capture' | 'filter' | 'windowSeconds'>;
  readonly log: AgentLog;
  readonly numbers: InterfaceNumbers;
}

export class AgentInterfaces {
  readonly #own: AgentInterfacesOptions;
  readonly #capture: InterfaceCapture;
  readonly #follower: InterfaceFollower;
  readonly #captured = new Map<number, CapturedInterface>();
  /** By index: to be tried again. */
  readonly #again = new Map<number, NodeJS.Timeout>();
  /** By name: why it is not captured. */
  readonly #refused = new Map<string, string>();
  /** By ENI: indexes of the interfaces that it is watched at. */
  readonly #watchedAt = new Map<number, Set<number>>();
  /** By ENI: the window that has been said to be missed. */
  readonly #missed = new Map<number, number>();
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
    const lost = (number: number, why: string) => this.#inTurn(() => this.#lose(number, why));
    this.#capture = own.options.capture === 'libpcap' ? new LibpcapCapture(own.crew, lost) : own.crew;
    this.#follower = new InterfaceFollower({
      patterns: this.#patterns,
      appeared: (at) => this.#inTurn(() => this.#add(at)),
      vanished: (at) => this.#inTurn(() => this.#remove(at)),
    });
  }

  /** All that are there are captured. Rejects with INPUT_REFUSED where one that is named cannot be. */
  async start(): Promise<void> {
    if (this.#capture.limits !== undefined) this.#own.log.say(this.#capture.limits, 'warn');
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

  /** The network's ENIs are others, from a time on that is to come: those are watched where interfaces are captured. */
  async followNetwork(second: number): Promise<void> {
    this.#inTurn(() => {
      const before = new Map(this.#watchedAt);
      this.#watchedAt.clear();
      for (const at of this.#captured.values()) this.#watch(at, second, before);
      for (const eni of before.keys()) if (!this.#watchedAt.has(eni)) this.#own.watch.leave(eni, second);
      return Promise.resolve();
    });
    await this.#turn;
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
    this.#own.watch.leaveAll(second);
    for (const timer of this.#again.values()) clearTimeout(timer);
    await this.#capture.stop?.();
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
    if (side === undefined || this.#isStopped) return;
    const wasRefused = this.#refused.get(at.name);
    const number = this.#own.numbers.take(at.name);
    try {
      if (number === undefined) throw tooMany(at.name);
      this.#own.came();
      const bytes = options.capture === 'libpcap' ? options.ringBytes : Math.floor(options.ringBytes / crew.workers);
      const knowsSegments = await this.#capture.add(at, number, { bytes, side, filter: options.filter });
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
      if (number !== undefined) this.#own.numbers.leave(number);
      this.#refused.set(at.name, error.message);
      const isNamed = this.#patterns.some((pattern) => isPlainName(pattern) && pattern === at.name);
      if (this.#isStarting && isNamed) this.#firstFailure ??= error;
      else if (wasRefused !== error.message) log.say(error.message, 'warn', { interface: at.name });
      this.#tryAgain(at);
    }
  }

  /** Its process has ended, as it does where the interface goes down. */
  async #lose(number: number, why: string): Promise<void> {
    const at = [...this.#captured.values()].find((captured) => captured.number === number);
    // What is gone has been removed.
    if (!at || this.#isStopped || readInterface(at.name)?.index !== at.index) return;
    this.#captured.delete(at.index);
    // What it had in its hands is lost.
    this.#unwatch(at.index, now() - 1);
    await this.#capture.remove(number);
    this.#own.numbers.leave(number);
    const reason = `${at.name}: its process of libpcap has ended (${why}), and is started again`;
    this.#refused.set(at.name, reason);
    this.#own.log.say(reason, 'warn', { interface: at.name });
    this.#tryAgain(at);
  }

  /** It is there, and nobody watches: each window says so, however long that takes. */
  #missNow({ name }: NetworkInterface): void {
    const { enis, watch, options } = this.#own;
    const second = now();
    const window = Math.floor(second / options.windowSeconds);
    for (const eni of [...enis.named(), ...enis.ofInterface(name)]) {
      if (this.#watchedAt.has(eni) || this.#missed.get(eni) === window) continue;
      this.#missed.set(eni, window);
      watch.join(eni, second);
      watch.leave(eni, second + 0.001);
    }
  }

  /** A ring outlives what libpcap does not: that the interface is down. */
  #tryAgain({ name, index }: NetworkInterface): void {
    if (this.#own.options.capture !== 'libpcap' || this.#isStopped) return;
    const add = async (): Promise<void> => {
      const at = readInterface(name);
      if (at?.index !== index || this.#captured.has(index) || !this.#refused.has(name)) return;
      this.#missNow(at);
      await this.#add(at);
    };
    clearTimeout(this.#again.get(index));
    this.#again.set(index, setTimeout(() => this.#inTurn(add), AGAIN_MS).unref());
  }

  async #remove(at: NetworkInterface): Promise<void> {
    this.#refused.delete(at.name);
    const captured = this.#captured.get(at.index);
    if (!captured) return;
    this.#captured.delete(at.index);
    this.#unwatch(at.index);
    await this.#capture.remove(captured.number);
    this.#own.numbers.leave(captured.number);
    const isWanted = this.#sideOf(at.name) !== undefined;
    const line = isWanted ? `${at.name} is gone` : `captures at ${at.name} no more`;
    this.#own.log.say(line, isWanted ? 'warn' : 'info', { interface: at.name });
  }

  /** What is watched already goes on. */
  #watch({ name, index }: NetworkInterface, second = now(), watched?: ReadonlyMap<number, unknown>): void {
    const { enis, watch } = this.#own;
    for (const eni of [...enis.named(), ...enis.ofInterface(name)]) {
      const at = this.#watchedAt.get(eni) ?? new Set<number>();
      this.#watchedAt.set(eni, at.add(index));
      if (!watched?.has(eni)) watch.join(eni, second);
    }
  }

  #unwatch(index: number, second = now()): void {
    for (const [eni, at] of this.#watchedAt) {
      if (!at.delete(index) || at.size > 0) continue;
      this.#watchedAt.delete(eni);
      this.#own.watch.leave(eni, second);
    }
  }
}

function tooMany(name: string): WindrowError {
  return new WindrowError('INPUT_REFUSED', `${name}: as many interfaces are captured as can be`);
}

function now(): number {
  return Date.now() / 1000;
}
