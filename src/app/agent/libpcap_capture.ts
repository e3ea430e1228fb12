// Interfaces that are captured at by libpcap: a process for each, whose packets a worker reads from a pipe.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { fileURLToPath } from 'node:url';
import { addon } from '../../base/addon.ts';
import { WindrowError } from '../../base/errors.ts';
import type { NetworkInterface } from '../../capture/interface.ts';
import type { InterfaceCapture } from './capture_method.ts';
import type { LiveCrew, LiveRingOptions } from './crew.ts';
import type { FromLibpcap, ToLibpcap } from './libpcap_protocol.ts';

const ENTRY = fileURLToPath(new URL('./libpcap_process.js', import.meta.url));
/** A process that does not end by then is ended. */
const MOST_STOP_MS = 5000;

export class LibpcapCapture implements InterfaceCapture {
  readonly limits =
    'libpcap tells neither what it loses, nor when packets came and how long they were on the wire: coverage shows losses, the time is that of reading, and a super-frame is one packet';
  readonly #crew: LiveCrew;
  readonly #lost: (number: number, why: string) => void;
  /** By number of the interface. */
  readonly #processes = new Map<number, ChildProcess>();

  /** `lost` is called where the process of an interface has ended that was not told to. */
  constructor(crew: LiveCrew, lost: (number: number, why: string) => void) {
    this.#crew = crew;
    this.#lost = lost;
  }

  async add(at: NetworkInterface, number: number, options: LiveRingOptions): Promise<boolean> {
    const pipe = addon.live_pipe();
    if (typeof pipe === 'number') throw refused(at.name, `no pipe can be had (${getSystemErrorName(pipe)})`);
    const [readEnd, writeEnd] = pipe;
    try {
      const process = start(at.name, options, writeEnd);
      this.#processes.set(number, process);
      const linkType = await linkTypeOf(process, at.name);
      // Before anything is waited for: it may end at any time.
      process.once('exit', (code, signal) => {
        if (this.#processes.get(number) !== process) return;
        this.#processes.delete(number);
        this.#lost(number, signal ?? `exit code ${code}`);
      });
      await this.#crew.addStream({ fd: readEnd, interface: number, linkType }, at.name);
    } catch (error) {
      fs.closeSync(readEnd);
      await this.#end(number);
      throw error;
    }
    return true;
  }

  /** Also of one that is lost. */
  async remove(number: number): Promise<void> {
    await this.#end(number);
    await this.#crew.remove(number);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#processes.keys()].map((number) => this.#end(number)));
  }

  /** All that it took is in its pipe then. */
  async #end(number: number): Promise<void> {
    const process = this.#processes.get(number);
    this.#processes.delete(number);
    // One that could not be started has no number.
    if (process?.pid === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, 'exit');
    const impatience = setTimeout(() => process.kill('SIGKILL'), MOST_STOP_MS);
    if (process.connected) process.send('stop' satisfies ToLibpcap, () => undefined);
    await exited;
    clearTimeout(impatience);
  }
}

/** It writes to the descriptor, which is closed here. */
function start(name: string, { side, filter, bytes }: LiveRingOptions, fd: number): ChildProcess {
  try {
    const args = [ENTRY, name, side, filter?.expression ?? '', String(bytes)];
    // The library says things of its own on standard error.
    return spawn(process.execPath, args, { stdio: ['ignore', fd, 'ignore', 'ipc'] });
  } finally {
    fs.closeSync(fd);
  }
}

/** Resolves when it captures. Rejects with INPUT_REFUSED. */
async function linkTypeOf(process: ChildProcess, name: string): Promise<number> {
  const told = new Promise<FromLibpcap>((resolve) => process.once('message', resolve as (message: unknown) => void));
  const failed = new Promise<FromLibpcap>((resolve) => {
    const fail = (what: string): void => resolve({ type: 'refused', message: `its process has ended (${what})` });
    process.once('error', (error) => fail(error.message));
    process.once('exit', (code, signal) => fail(signal ?? `exit code ${code}`));
  });
  const message = await Promise.race([told, failed]);
  if (message.type === 'refused') throw refused(name, message.message + hintFor(message.message));
  if (Number.isInteger(message.linkType)) return message.linkType;
  throw refused(name, 'its link type is not known');
}

function refused(name: string, why: string): WindrowError {
  return new WindrowError('INPUT_REFUSED', `${name}: cannot be captured at by libpcap: ${why}`);
}

/** As libpcap says it. */
function hintFor(message: string): string {
  if (!/permission|not permitted/i.test(message)) return '';
  return ': it takes the capability CAP_NET_RAW: run as root, or by the unit of systemd';
}
