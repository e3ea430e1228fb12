// The program as users run it: a child process, what it is given, and what it leaves behind.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

export const CLI = fileURLToPath(new URL('../../dist/app/cli.js', import.meta.url));

export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: Uint8Array;
  /** Runs as this user and group. */
  readonly uid?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs `windrow` to its end. */
export function windrow(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { uid, env = {} } = options;
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, ...env },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  // A program that refuses its input closes it: that is its own affair.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin);
  return ended(child);
}

/** Runs a line of shell in which `windrow` is the program; `$1` and so on are `args`. */
export function shell(line: string, args: readonly string[]): Promise<Ended> {
  const script = `set -o pipefail; windrow() { "${process.execPath}" "${CLI}" "$@"; }; ${line}`;
  return ended(spawn('bash', ['-c', script, 'bash', ...args], { stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** Waits until a child has ended and all that it said is there. */
export function ended(child: ChildProcess): Promise<Ended> {
  const said = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout?.on('data', (bytes: Buffer) => said.stdout.push(bytes));
  child.stderr?.on('data', (bytes: Buffer) => said.stderr.push(bytes));
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => {
      const [stdout, stderr] = [said.stdout, said.stderr].map((parts) => Buffer.concat(parts).toString());
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** A directory of its own for a test file: its captures, and what comes out. It is gone when the tests are over. */
export class Workplace {
  readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-test-'));
  #made = 0;

  constructor() {
    afterAll(() => fs.rmSync(this.directory, { recursive: true, force: true }));
  }

  /** Where `name` is. */
  at(name: string): string {
    return path.join(this.directory, name);
  }

  /** Writes a file, of this name or of a new one, and says where it is. */
  file(content: Uint8Array | string, name = `capture-${++this.#made}`): string {
    fs.writeFileSync(this.at(name), content);
    return this.at(name);
  }

  read(name: string): string {
    return fs.readFileSync(this.at(name), 'utf8');
  }

  has(name: string): boolean {
    return fs.existsSync(this.at(name));
  }
}

export function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
