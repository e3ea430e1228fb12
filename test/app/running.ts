// The program while it runs: what it has said so far, what it says of itself over HTTP, and how it ends.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll } from 'vitest';
import { CLI, ended } from './program.ts';
import type { Ended } from './program.ts';

/** Those that did not end. Tests that run at the same time have no end of their own to wait for. */
const running = new Set<Running>();
afterAll(() => Promise.all([...running].map((program) => program.end('SIGKILL'))));

export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Of standard error. */
  said = '';
  #isOver = false;

  private constructor(child: ChildProcess) {
    this.child = child;
    this.ended = ended(child);
    child.stderr!.on('data', (bytes: Buffer) => (this.said += bytes.toString()));
    running.add(this);
    child.on('close', () => {
      this.#isOver = true;
      running.delete(this);
    });
  }

  /** Starts `windrow`; where the tests end before it does, it is killed. */
  static start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    return Running.#start([process.execPath, CLI, ...args], env);
  }

  /** Starts it in a network namespace, by a program perhaps; what it serves there is not reached from here. */
  static startIn(namespace: string, args: readonly string[], by: readonly string[] = []): Running {
    return Running.#start(['ip', 'netns', 'exec', namespace, ...by, process.execPath, CLI, ...args], {});
  }

  static #start([program, ...args]: readonly string[], env: NodeJS.ProcessEnv): Running {
    const child = spawn(program, args, {
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Running(child);
  }

  /** Waits until standard error has the text; gives what the expression found. Fails where the program ends before. */
  async until(text: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = text.exec(this.said);
      if (found) return found;
      if (this.#isOver) throw new Error(`the program ended before it said ${text}:\n${this.said}`);
      await Promise.race([once(this.child.stderr!, 'data'), this.ended]);
    }
  }

  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }

  /** Of a program that serves its metrics on a port that it chose. */
  async metric(name: string): Promise<number | undefined> {
    return (await this.metrics())[name];
  }

  /** All metrics, by name and labels. */
  async metrics(): Promise<Record<string, number>> {
    const text = await (await this.#get('/metrics')).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return Object.fromEntries(lines.map((line) => /^(.*) (\S+)$/.exec(line)!.slice(1)).map(([k, v]) => [k, Number(v)]));
  }

  async health(): Promise<{ status: number; body: unknown }> {
    const response = await this.#get('/healthz');
    return { status: response.status, body: await response.json() };
  }

  async #get(page: string): Promise<Response> {
    const [, url] = await this.until(/metrics at (http:\S+)\/metrics/);
    return fetch(url + page);
  }
}
