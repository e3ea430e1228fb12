// Calls of the file system, one at a time: who watches them may end the process at any, also halfway through one that has
// many steps. Also a program to be loaded before another: WINDROW_TEST_CALL names the call before which a signal comes.
import fs from 'node:fs';
import path from 'node:path';

export interface Call {
  readonly name: string;
  /** The paths that it names, or what a descriptor was opened with. */
  readonly paths: readonly string[];
  /** Something is different when it was made, to be seen by others. */
  readonly isChange: boolean;
}

export interface Watcher {
  /** What it throws, the call throws instead of being made. */
  before(call: Call): void;
  /** It was made. */
  after?(call: Call, result: unknown): void;
}

const ASKING = ['fsyncSync', 'readSync', 'readFileSync', 'readdirSync', 'existsSync', 'statSync', 'fstatSync'] as const;
const CHANGING = ['ftruncateSync', 'linkSync', 'renameSync', 'unlinkSync', 'rmdirSync'] as const;
/** A lock goes with its descriptor. */
const OPENING = ['openSync', 'closeSync'] as const;

/** As they are where nobody watches. */
const own = { ...fs };

/**
 * Watches the calls of this process, and nobody else does, until the result is called. Those that are asynchronous are made
 * at once.
 */
export function watchCalls(watcher: Watcher): () => void {
  const names = new Map<number, string>();
  const pathOf = (end: unknown): string[] => {
    if (typeof end === 'number') return [names.get(end) ?? `descriptor ${end}`];
    return typeof end === 'string' ? [end] : [];
  };
  const watched = <Result>(name: string, ends: readonly unknown[], isChange: boolean, make: () => Result): Result => {
    const call = { name, paths: ends.flatMap(pathOf), isChange };
    watcher.before(call);
    const result = make();
    watcher.after?.(call, result);
    return result;
  };
  const replaced: Record<string, unknown> = {};
  for (const name of [...ASKING, ...CHANGING, ...OPENING]) {
    // Whether it is on the device is nothing that a process can see, and takes long.
    const make = (name === 'fsyncSync' ? () => undefined : own[name]) as (...args: unknown[]) => unknown;
    const ends = name === 'linkSync' || name === 'renameSync' ? 2 : 1;
    replaced[name] = (...args: unknown[]): unknown =>
      watched(name, args.slice(0, ends), isChange(name, args), () => {
        const result = make(...args);
        if (name === 'openSync') names.set(result as number, args[0] as string);
        return result;
      });
  }
  /** In halves: what is cut off is no rarer than what is whole. */
  const write = (fd: number, bytes: Buffer): void => {
    const half = Math.ceil(bytes.length / 2);
    for (const part of [bytes.subarray(0, half), bytes.subarray(half)]) {
      if (part.length > 0) watched('write', [fd], true, () => own.writeSync(fd, part));
    }
  };
  replaced.writeFileSync = (file: string | number, data: string): void => {
    if (typeof file === 'number') return write(file, Buffer.from(data));
    const fd = fs.openSync(file, 'w');
    try {
      write(fd, Buffer.from(data));
    } finally {
      fs.closeSync(fd);
    }
  };
  replaced.mkdirSync = (folder: string, options?: { recursive?: boolean }): string | undefined => {
    if (!options?.recursive)
      return watched('mkdirSync', [folder], true, () => own.mkdirSync(folder, options) as undefined);
    if (own.existsSync(folder)) return watched('mkdirSync', [folder], false, () => own.mkdirSync(folder, options));
    const above = fs.mkdirSync(path.dirname(folder), { recursive: true });
    const made = watched('mkdirSync', [folder], true, () => own.mkdirSync(folder, options));
    return above ?? made;
  };
  replaced.rmSync = (file: string, options: { recursive?: boolean; force?: boolean }): void => {
    const found = own.lstatSync(file, { throwIfNoEntry: false });
    if (!found && options.force) return;
    if (!found?.isDirectory()) return fs.unlinkSync(file);
    for (const name of own.readdirSync(file)) fs.rmSync(path.join(file, name), options);
    fs.rmdirSync(file);
  };
  type Done = (error: unknown, result?: unknown) => void;
  const answer = (done: Done, make: () => unknown): void => {
    let result: unknown;
    let failure: unknown = null;
    try {
      result = make();
    } catch (error) {
      failure = error;
    }
    queueMicrotask(() => done(failure, result));
  };
  replaced.fsync = (fd: number, done: Done): void => answer(done, () => fs.fsyncSync(fd));
  replaced.writev = (fd: number, blocks: Uint8Array[], position: number | null, done: Done): void =>
    answer(done, () => {
      const bytes = Buffer.concat(blocks);
      const half = Math.ceil(bytes.length / 2);
      for (const [from, to] of [
        [0, half],
        [half, bytes.length],
      ]) {
        const at = position === null ? null : position + from;
        if (to > from) watched('write', [fd], true, () => own.writeSync(fd, bytes, from, to - from, at));
      }
      return bytes.length;
    });
  const before = Object.keys(replaced).map((name) => [name, fs[name as keyof typeof fs]]);
  Object.assign(fs, replaced);
  return () => {
    Object.assign(fs, Object.fromEntries(before));
  };
}

function isChange(name: string, args: readonly unknown[]): boolean {
  if (name === 'openSync') return args[1] !== 'r';
  return (CHANGING as readonly string[]).includes(name);
}

/** The call before which a signal comes, counted from 1. */
export interface Signalled {
  readonly call: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
  /** Only calls that change something are counted. */
  readonly isChange?: boolean;
  /** Only calls whose name and paths match this pattern are counted. */
  readonly like?: string;
}

const VARIABLE = 'WINDROW_TEST_CALL';

/** The environment in which this program, loaded before another, sends that a signal. */
export function signalled(by: Signalled): Record<string, string> {
  return { [VARIABLE]: JSON.stringify(by) };
}

if (process.env[VARIABLE] !== undefined) {
  const { call, signal, isChange, like = '' } = JSON.parse(process.env[VARIABLE]) as Signalled;
  const pattern = new RegExp(like);
  let calls = 0;
  watchCalls({
    before: (made) => {
      const said = `${made.name} ${made.paths.join(' ')}`;
      if ((isChange && !made.isChange) || !pattern.test(said) || ++calls !== call) return;
      own.writeSync(1, `${signal} before ${said}\n`);
      process.kill(process.pid, signal);
    },
  });
}
