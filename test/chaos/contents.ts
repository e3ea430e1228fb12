// Entries by the hour that they are filed under, each hour a sorted file: what there should be, what there is, and how
// the two differ. Nothing is in memory at once.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { readOutput } from './program.ts';

const START = Buffer.from('"start":"');
const SORT_MEMORY = '512M';
/** Entries of a difference that are shown. */
const SHOWN = 5;

/** Entries of each part, and all of them by hour in a folder. */
export interface Expected {
  readonly folder: string;
  readonly entries: readonly number[];
}

export interface Difference {
  readonly hour: string;
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
  readonly missingCount: number;
  readonly surplusCount: number;
}

/** Replays each part undisturbed, as lines. */
export async function expectedOf(folder: string, parts: readonly string[], args: readonly string[]): Promise<Expected> {
  fs.mkdirSync(folder, { recursive: true });
  const hours = new HourFiles(folder);
  const entries: number[] = [];
  for (const part of parts) {
    const before = hours.lines;
    await readOutput(['replay', part, ...args, '--format', 'json', '--output', '-', '--quiet'], (bytes) =>
      hours.take(bytes),
    );
    entries.push(hours.lines - before);
  }
  await hours.close();
  for (const hour of fs.readdirSync(folder)) await sortInPlace(path.join(folder, hour));
  return { folder, entries };
}

/** Compares what lies below the roots together with what is expected. Sorted lines are left in `folder`. */
export async function compare(expected: Expected, roots: readonly string[], folder: string): Promise<Difference[]> {
  fs.mkdirSync(folder, { recursive: true });
  const files = filesByHour(roots);
  const differences: Difference[] = [];
  for (const hour of new Set([...fs.readdirSync(expected.folder), ...files.keys()])) {
    const [should, is] = [path.join(expected.folder, hour), path.join(folder, hour)];
    if (!fs.existsSync(should)) fs.writeFileSync(should, '');
    await sortFiles(files.get(hour) ?? [], is);
    if (await isSame(should, is)) fs.rmSync(is);
    else differences.push(await differenceOf(hour, should, is));
  }
  return differences;
}

/** Spreads lines over files by the hour of their start, which is that of their window here. */
class HourFiles {
  readonly #folder: string;
  readonly #files = new Map<number, fs.WriteStream>();
  #rest: Buffer = Buffer.alloc(0);
  lines = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async take(chunk: Buffer): Promise<void> {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let begin = 0;
    let hour: number | undefined;
    let at = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, end + 1)) {
      const next = hourOf(bytes, at);
      if (hour !== undefined && next !== hour) {
        await this.#write(hour, bytes.subarray(begin, at));
        begin = at;
      }
      hour = next;
      at = end + 1;
      this.lines++;
    }
    if (hour !== undefined) await this.#write(hour, bytes.subarray(begin, at));
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  async close(): Promise<void> {
    if (this.#rest.length > 0) throw new Error('the last line of the replay is cut off');
    for (const file of this.#files.values()) await new Promise((resolve) => file.end(resolve));
  }

  async #write(hour: number, bytes: Buffer): Promise<void> {
    let file = this.#files.get(hour);
    if (!file) {
      file = fs.createWriteStream(path.join(this.#folder, nameOf(hour)));
      this.#files.set(hour, file);
    }
    if (!file.write(Buffer.from(bytes))) await once(file, 'drain');
  }
}

function hourOf(bytes: Buffer, line: number): number {
  const start = bytes.indexOf(START, line) + START.length;
  return Math.floor(Number.parseInt(bytes.toString('latin1', start, start + 12)) / 3600);
}

/** As the folders of the tree are called, in one name. */
function nameOf(hour: number): string {
  const iso = new Date(hour * 3600e3).toISOString();
  return `dt=${iso.slice(0, 10)},hour=${iso.slice(11, 13)}`;
}

/** All files of entries, by the names of their two folders. */
function filesByHour(roots: readonly string[]): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const root of roots) {
    if (!fs.existsSync(root)) continue;
    for (const entry of fs.readdirSync(root, { recursive: true, withFileTypes: true })) {
      const place = path.relative(root, entry.parentPath).split(path.sep);
      if (!entry.isFile() || place[0] === '_windrow') continue;
      const isFiled = place[0] === 'windrow' && place[1] === 'flow-logs';
      const hour = place.slice(isFiled ? 2 : 0).join(',');
      files.set(hour, [...(files.get(hour) ?? []), path.join(entry.parentPath, entry.name)]);
    }
  }
  return files;
}

async function sortInPlace(file: string): Promise<void> {
  await sortFiles([file], `${file}.sorted`);
  fs.renameSync(`${file}.sorted`, file);
}

async function sortFiles(files: readonly string[], to: string): Promise<void> {
  const options = ['-S', SORT_MEMORY, '-T', path.dirname(to), '-o', to];
  const sort = spawn('sort', options, { stdio: ['pipe', 'inherit', 'inherit'], env: { ...process.env, LC_ALL: 'C' } });
  const closed = once(sort, 'close') as Promise<[number | null]>;
  await pipeline(linesOf(files), sort.stdin);
  const [code] = await closed;
  if (code !== 0) throw new Error(`sort of ${files.length} files: exit code ${code}`);
}

async function* linesOf(files: readonly string[]): AsyncGenerator<Buffer> {
  for (const file of files) {
    const source = fs.createReadStream(file, { highWaterMark: 1 << 20 });
    yield* (file.endsWith('.gz') ? source.pipe(createGunzip()) : source) as AsyncIterable<Buffer>;
  }
}

async function isSame(a: string, b: string): Promise<boolean> {
  const cmp = spawn('cmp', ['-s', a, b], { stdio: 'ignore' });
  const [code] = (await once(cmp, 'close')) as [number | null];
  if (code !== 0 && code !== 1) throw new Error(`cmp ${a} ${b}: exit code ${code}`);
  return code === 0;
}

async function differenceOf(hour: string, should: string, is: string): Promise<Difference> {
  const [missing, surplus] = await Promise.all([
    behind('-23', should, is, `${is}.missing`),
    behind('-13', should, is, `${is}.surplus`),
  ]);
  return {
    hour,
    missing: missing.first,
    surplus: surplus.first,
    missingCount: missing.count,
    surplusCount: surplus.count,
  };
}

/** Lines that one file has more often than the other; they stay in a file. */
async function behind(
  columns: string,
  should: string,
  is: string,
  file: string,
): Promise<{ count: number; first: string[] }> {
  const fd = fs.openSync(file, 'w');
  const comm = spawn('comm', [columns, should, is], {
    stdio: ['ignore', fd, 'inherit'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  await once(comm, 'close');
  fs.closeSync(fd);
  const first: string[] = [];
  let count = 0;
  for await (const line of readline.createInterface({ input: fs.createReadStream(file) })) {
    if (count++ < SHOWN) first.push(line);
  }
  return { count, first };
}
