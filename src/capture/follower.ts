// Follows which interfaces there are: those that appear, vanish or are renamed, as the kernel tells, without polling.
import { getSystemErrorName } from 'node:util';
import { addon } from '../base/addon.ts';
import type { NativeLinkWatch } from '../base/addon_types.ts';
import { WindrowError } from '../base/errors.ts';
import { listInterfaces } from './interface.ts';
import type { NetworkInterface } from './interface.ts';
import { isPlainName, matcherOf } from './names.ts';

export interface FollowerOptions {
  /** Of names: names.ts. */
  readonly patterns: readonly string[];
  appeared(at: NetworkInterface): void;
  /** As it was when it appeared. Called before what appears at the same time, which may have its name. */
  vanished(at: NetworkInterface): void;
}

/** Changes come in bursts; this much of one is one look. */
const BURST_MS = 20;
/** The kernel tells that an interface moves to another namespace a moment before sysfs forgets it: one look more, then. */
const SETTLED_MS = 1000;

/**
 * An interface is what has the kernel's number (ifindex) and a name: one that is renamed vanishes and appears, one that
 * goes down and up again does neither. It is to be held while it follows, and does not keep the process alive.
 */
export class InterfaceFollower {
  readonly #options: FollowerOptions;
  #matches: (name: string) => boolean;
  #names: ReadonlySet<string>;
  /** Those that have appeared, by the kernel's number. */
  readonly #there = new Map<number, NetworkInterface>();
  #watch: NativeLinkWatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #hasChanged = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#matches = matcherOf(options.patterns);
    this.#names = new Set(options.patterns.filter(isPlainName));
  }

  /** Those that are there appear before it returns. Throws INPUT_REFUSED where the kernel does not tell of changes. */
  start(): void {
    // Before the look, so that no change is between them.
    const watch = addon.link_watch(() => this.#changed());
    if (typeof watch === 'number') throw refusedWatch(watch);
    this.#watch = watch;
    this.#compare(listInterfaces(this.#matches));
  }

  /** From now on these: what matches no more vanishes, and what matches now appears, before it returns. */
  follow(patterns: readonly string[]): void {
    this.#matches = matcherOf(patterns);
    this.#names = new Set(patterns.filter(isPlainName));
    if (this.#watch !== undefined) this.#look();
  }

  /** Nothing appears or vanishes any more. */
  stop(): void {
    clearTimeout(this.#timer);
    if (this.#watch !== undefined) addon.link_unwatch(this.#watch);
    this.#watch = undefined;
    this.#hasChanged = false;
    this.#there.clear();
  }

  /** Names that are asked for, not by a pattern, of which there is no interface. */
  get missing(): string[] {
    const there = new Set([...this.#there.values()].map(({ name }) => name));
    return [...this.#names].filter((name) => !there.has(name));
  }

  #changed(): void {
    if (this.#hasChanged) return;
    this.#hasChanged = true;
    this.#lookAfter(BURST_MS);
  }

  #lookAfter(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    let found;
    try {
      found = listInterfaces(this.#matches);
    } catch {
      // For want of descriptors or memory: what is there is not known, and nothing has vanished by that.
      this.#lookAfter(SETTLED_MS);
      return;
    }
    if (this.#hasChanged) this.#lookAfter(SETTLED_MS);
    this.#hasChanged = false;
    this.#compare(found);
  }

  #compare(interfaces: readonly NetworkInterface[]): void {
    const found = new Map(interfaces.map((at) => [at.index, at]));
    for (const [index, at] of this.#there) {
      if (found.get(index)?.name === at.name) continue;
      this.#there.delete(index);
      this.#options.vanished(at);
    }
    for (const [index, at] of found) {
      // It may be stopped by what it calls.
      if (this.#watch === undefined) return;
      if (this.#there.has(index)) continue;
      this.#there.set(index, at);
      this.#options.appeared(at);
    }
  }
}

function refusedWatch(errno: number): WindrowError {
  const code = getSystemErrorName(errno);
  const hint = code === 'EAFNOSUPPORT' ? ': the unit of systemd has to allow AF_NETLINK (RestrictAddressFamilies)' : '';
  return new WindrowError(
    'INPUT_REFUSED',
    `interfaces cannot be followed: the kernel refuses netlink (${code})${hint}`,
  );
}
