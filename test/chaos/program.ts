// A `windrow` process that can be ended in every way there is; all that it says is kept with the time.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const CLI = path.join(packageFolder(), 'dist', 'app', 'cli.js');

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Program {
  readonly pid: number;
  /** Signals that it was sent, to be told from those of its own making. */
  readonly signals = new Set<NodeJS.Signals>();
  readonly ended: Promise<Exit>;
  isRunning = true;
  /** The last of what it said. */
  lastLine = '';
  readonly #child: ChildProcess;
  readonly #lines = new EventEmitter().setMaxListeners(0);

  private constructor(child: ChildProcess, logFile: string, args: readonly string[]) {
    this.#child = child;
    this.pid = child.pid!;
    const log = fs.createWriteStream(logFile, { flags: 'a' });
    const write = (line: string): void => void log.write(`${new Date().toISOString()} ${this.pid} ${line}\n`);
    write(`begins: ${args.join(' ')}`);
    for (const input of [child.stdout!, child.stderr!]) {
      readline.createInterface({ input }).on('line', (line) => {
        write(line);
        this.lastLine = line;
        this.#lines.emit('line', line);
      });
    }
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject).on('close', (code, signal) => {
        this.isRunning = false;
        write(`ended: ${signal ?? code}`);
        log.end(() => resolve({ code, signal }));
      });
    });
  }

  /** It cannot outlive this process. */
  static start(args: readonly string[], logFile: string): Program {
    const command = ['--pdeathsig', 'KILL', '--', process.execPath, CLI, ...args];
    return new Program(spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'pipe'] }), logFile, args);
  }

  send(signal: NodeJS.Signals): void {
    this.signals.add(signal);
    if (this.isRunning) this.#child.kill(signal);
  }

  onLine(listener: (line: string) => void): void {
    this.#lines.on('line', listener);
  }

  /** Whether it says a line of the pattern before it ends or the signal comes. */
  async says(pattern: RegExp, signal: AbortSignal): Promise<boolean> {
    const said = (async (): Promise<boolean> => {
      try {
        for (;;) {
          const [line] = (await once(this.#lines, 'line', { signal })) as [string];
          if (pattern.test(line)) return true;
        }
      } catch {
        return false;
      }
    })();
    return Promise.race([said, this.ended.then(() => false)]);
  }
}

/** Runs `windrow` to its end, and gives each chunk of its standard output to `take` in turn. */
export async function readOutput(args: readonly string[], take: (bytes: Buffer) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close') as Promise<[number | null]>;
  for await (const bytes of child.stdout) await take(bytes as Buffer);
  const [code] = await closed;
  if (code !== 0) throw new Error(`windrow ${args.join(' ')}: exit code ${code}`);
}

/** The folder of this package: tests run from their source as well as compiled. */
function packageFolder(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!fs.existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder);
  return folder;
}
