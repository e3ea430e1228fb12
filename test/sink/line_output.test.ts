// Lines on their way into an output: every byte once and in order, whatever way it is written; and what a writer is told.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import zlib from 'node:zlib';
import { afterAll, assert, describe, expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import { WindrowError } from '../../src/base/errors.ts';
import { LineOutput } from '../../src/sink/line_output.ts';
import { Output } from '../../src/sink/output.ts';
import { Workplace, ended, shell } from '../app/program.ts';
import { testWhere } from '../needs.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Blocks of lines, and the room that each has left at most when it is handed over. */
const BLOCKS = 16;
const LINE_ROOM = 64 * KIB;

const workplace = new Workplace();
let made = 0;

/** Where a new file can be. */
function newFile(directory = workplace.directory): string {
  return `${directory}/lines-${++made}`;
}

/** Numbered lines of different lengths, cut at `bytes`: no two pages are the same. */
function linesOf(bytes: number): Buffer {
  const lines = Buffer.alloc(bytes + 100);
  for (let at = 0, number = 0; at < bytes; number++) at += lines.write(`${number}${'.'.repeat(number % 71)}\n`, at);
  return lines.subarray(0, bytes);
}

/** Writes lines as an encoder does: as many as there is room for, but no more than `most` at once. */
async function fill(output: LineOutput, lines: Uint8Array, most = 3 * LINE_ROOM): Promise<void> {
  for (let at = 0; at < lines.length;) {
    const room = await output.room();
    expect(room.length).toBeGreaterThanOrEqual(LINE_ROOM);
    const piece = lines.subarray(at, at + Math.min(room.length, most));
    room.set(piece);
    output.wrote(piece.length);
    at += piece.length;
  }
}

function expectBytes(file: string, lines: Buffer): void {
  const stored = fs.readFileSync(file);
  expect(stored.length).toBe(lines.length);
  expect(stored.equals(lines)).toBe(true);
}

/** This process has the file open past the page cache. */
function isDirect(file: string): boolean {
  return fs.readdirSync('/proc/self/fd').some((fd) => {
    try {
      if (fs.readlinkSync(`/proc/self/fd/${fd}`) !== file) return false;
      const flags = /^flags:\s*([0-7]+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))!;
      return (parseInt(flags[1], 8) & fs.constants.O_DIRECT) !== 0;
    } catch {
      return false;
    }
  });
}

function takesDirect(directory: string): boolean {
  try {
    const { O_CREAT, O_DIRECT, O_WRONLY } = fs.constants;
    fs.closeSync(fs.openSync(`${directory}/probe`, O_CREAT | O_WRONLY | O_DIRECT));
    return true;
  } catch {
    return false;
  }
}

/** What each member of a gzip holds (RFC 1952 section 2.3, without optional fields). */
function membersOf(stored: Buffer): Buffer[] {
  const members: Buffer[] = [];
  for (let at = 0; at < stored.length;) {
    expect(stored.readUInt32BE(at)).toBe(0x1f8b0800);
    const { buffer, engine } = zlib.inflateRawSync(stored.subarray(at + 10), { info: true }) as unknown as {
      buffer: Buffer;
      engine: zlib.InflateRaw;
    };
    members.push(buffer);
    at += 10 + engine.bytesWritten + 8;
  }
  return members;
}

async function reasonOf(action: Promise<unknown>): Promise<Error> {
  const reason: unknown = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(reason).toBeInstanceOf(Error);
  return reason as Error;
}

async function failureOf(action: Promise<unknown>): Promise<WindrowError> {
  const reason: unknown = await reasonOf(action);
  expect(reason).toBeInstanceOf(WindrowError);
  expect((reason as WindrowError).code).toBe('OUTPUT_FAILED');
  return reason as WindrowError;
}

describe('a file has the lines, byte for byte', () => {
  const borders = [4 * KIB, LINE_ROOM, MIB - LINE_ROOM, MIB, 2 * MIB].flatMap((n) => [n - 1, n, n + 1]);

  test.each([0, 1, ...borders, 5 * MIB + 4321])('%i of them, through the page cache and past it', async (bytes) => {
    const lines = linesOf(bytes);
    for (const directAfter of [undefined, 0, 1, 4 * KIB, LINE_ROOM + 1, MIB, Infinity]) {
      for (const most of [5000, LINE_ROOM, MIB]) {
        const file = newFile();
        const output = new LineOutput(file, undefined, directAfter === undefined ? {} : { directAfter });
        await fill(output, lines, most);
        await output.close();
        expectBytes(file, lines);
        fs.rmSync(file);
      }
    }
  });

  test.each([-4097, -1, 0, 1, 4097, 9 * MIB])('64 MiB and %i of them', async (more) => {
    const lines = linesOf(64 * MIB + more);
    const file = newFile();
    const output = new LineOutput(file);
    await fill(output, lines);
    await output.close();
    expectBytes(file, lines);
    fs.rmSync(file);
  });

  test('and nothing of what was there before', async () => {
    const file = workplace.file(linesOf(3 * MIB), 'old');
    const output = new LineOutput(file, undefined, { directAfter: 0 });
    await fill(output, Buffer.from('new\n'));
    await output.close();
    expect(workplace.read('old')).toBe('new\n');
  });

  test('where its name leads elsewhere by now', async () => {
    const [file, moved] = [newFile(), newFile()];
    const lines = linesOf(40 * MIB);
    const output = new LineOutput(file, undefined, { directAfter: 20 * MIB });
    await fill(output, lines.subarray(0, 18 * MIB));
    fs.renameSync(file, moved);
    fs.writeFileSync(file, 'of somebody else');
    await fill(output, lines.subarray(18 * MIB));
    await output.close();
    expectBytes(moved, lines);
    expect(fs.readFileSync(file, 'utf8')).toBe('of somebody else');
  });
});

describe('past the page cache', () => {
  /** Writes MIB by MIB; of how many turns the file was open that way. */
  async function directTurns(output: LineOutput, file: string, lines: Uint8Array): Promise<number> {
    let turns = 0;
    for (let at = 0; at < lines.length; at += MIB) {
      await fill(output, lines.subarray(at, at + MIB));
      if (isDirect(file)) turns++;
    }
    return turns;
  }

  const direct = testWhere(takesDirect(workplace.directory), 'the file system of temporary files has no O_DIRECT');
  const lines = linesOf(48 * MIB + 1);

  direct('a file is written from a size on, and left in time', async () => {
    const file = newFile();
    // Under this clock no way is slower than the other.
    const output = new LineOutput(file, undefined, { directAfter: 2 * MIB, now: () => 0 });
    // All but the blocks that are under way at the end were written while this looked.
    expect(await directTurns(output, file, lines)).toBeGreaterThan(20);
    await output.close();
    expect(isDirect(file)).toBe(false);
    expectBytes(file, lines);
  });

  direct('a smaller file is never written, and none that is compressed', async () => {
    const small = newFile();
    const output = new LineOutput(small, undefined, { directAfter: lines.length });
    expect(await directTurns(output, small, lines)).toBe(0);
    await output.close();
    expectBytes(small, lines);

    const compressed = newFile();
    const gzip = new LineOutput(compressed, 'gzip', { directAfter: 0 });
    expect(await directTurns(gzip, compressed, lines)).toBe(0);
    await gzip.close();
    expect(zlib.gunzipSync(fs.readFileSync(compressed)).equals(lines)).toBe(true);
  });

  direct('a file is not written while that is slower by far, and is again when it is not', async () => {
    const file = newFile();
    const cost = { direct: 1e9, cached: 1 };
    let time = 0;
    const now = (): number => (time += isDirect(file) ? cost.direct : cost.cached);
    const output = new LineOutput(file, undefined, { directAfter: 4 * MIB, now });
    const turns = await directTurns(output, file, lines);
    expect(turns).toBeGreaterThan(0);
    expect(turns).toBeLessThan(40);
    expect(isDirect(file)).toBe(false);
    cost.cached = cost.direct;
    expect(await directTurns(output, file, lines)).toBeGreaterThan(0);
    await output.close();
    expectBytes(file, Buffer.concat([lines, lines]));
  });

  direct('all is written but what is no whole page, or stands at no page', async () => {
    const file = newFile();
    const output = new Output(file, undefined, { directAfter: 0, now: () => 0 });
    const block = addon.aligned_bytes(MIB);
    block.set(lines.subarray(0, MIB));
    await output.write(block);
    for (const size of [100, 4 * KIB, 4 * KIB - 100]) {
      await output.write(block.subarray(0, size));
      expect(isDirect(file)).toBe(true);
    }
    await output.write(block);
    expect(isDirect(file)).toBe(true);
    await output.close();
    const [all, some] = [lines.subarray(0, MIB), (size: number) => lines.subarray(0, size)];
    expectBytes(file, Buffer.concat([all, some(100), some(4 * KIB), some(4 * KIB - 100), all]));
  });

  direct('nothing is lost or written twice where memory does not suit', async () => {
    const file = newFile();
    const output = new Output(file, undefined, { directAfter: 0 });
    const odd = addon.aligned_bytes(MIB + 1).subarray(1);
    odd.set(lines.subarray(0, MIB));
    await output.write(odd);
    await output.write(lines.subarray(MIB, 3 * MIB), lines.subarray(3 * MIB, 3 * MIB + 77));
    await output.close();
    expect(output.bytes).toBe(3 * MIB + 77);
    expectBytes(file, lines.subarray(0, 3 * MIB + 77));
  });
});

describe('a file system of its own', () => {
  const mounted: string[] = [];
  afterAll(() => mounted.forEach((directory) => execFileSync('umount', ['-l', directory])));

  /** Undefined where this process may not mount. */
  function mount(type: string, options: string): string | undefined {
    const directory = fs.mkdtempSync(workplace.at(type));
    try {
      execFileSync('mount', ['-t', type, '-o', options, 'none', directory], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    mounted.push(directory);
    return directory;
  }

  const ramfs = mount('ramfs', 'mode=700');
  testWhere(ramfs !== undefined, 'this process may not mount a ramfs')(
    'that has no way past the page cache gets all bytes through it',
    async () => {
      expect(takesDirect(ramfs!)).toBe(false);
      const file = newFile(ramfs);
      const lines = linesOf(20 * MIB + 5);
      const output = new LineOutput(file, undefined, { directAfter: 0 });
      await fill(output, lines);
      await output.close();
      expectBytes(file, lines);
    },
  );

  const tmpfs = mount('tmpfs', 'size=5m');
  const full = testWhere(tmpfs !== undefined, 'this process may not mount a tmpfs');
  full.each([
    ['through the page cache', Infinity],
    ['past it', 0],
  ])('that is full says so, and has what it says that it has: %s', async (_, directAfter) => {
    const file = newFile(tmpfs);
    const lines = linesOf(40 * MIB);
    const output = new LineOutput(file, undefined, { directAfter });
    const error = await failureOf(fill(output, lines));
    const { size } = fs.statSync(file);
    expect(error.message).toBe(
      `${file}: cannot be written after ${size.toLocaleString('en-US')} bytes: no space is left on the device`,
    );
    expect(size).toBeGreaterThan(4 * MIB);
    expect(size).toBeLessThanOrEqual(5 * MIB);
    expectBytes(file, lines.subarray(0, size));
    expect(await reasonOf(output.close())).toBe(error);
    fs.rmSync(file);
  });
});

describe('a writer is told', () => {
  test('to wait when all blocks are under way, and to go on when some are written', async () => {
    const fifo = newFile();
    execFileSync('mkfifo', [fifo]);
    // A FIFO is opened for writing where it has a reader, and this one does not read.
    const idle = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    const lines = linesOf(3 * BLOCKS * MIB);
    const output = new LineOutput(fifo);
    let at = 0;
    let room = output.room();
    for (; at < lines.length && !(room instanceof Promise); room = output.room()) {
      const piece = lines.subarray(at, at + Math.min(room.length, LINE_ROOM));
      room.set(piece);
      output.wrote(piece.length);
      at += piece.length;
    }
    assert(room instanceof Promise);
    expect(at).toBeGreaterThan(BLOCKS * (MIB - 2 * LINE_ROOM));
    expect(at).toBeLessThanOrEqual(BLOCKS * MIB);
    let isThere = false;
    void room.then(() => (isThere = true));
    await turn();
    expect(isThere).toBe(false);

    const copy = newFile();
    const cat = spawn('cat', [fifo], { stdio: ['ignore', fs.openSync(copy, 'w'), 'inherit'] });
    await once(cat, 'spawn');
    expect((await room).length).toBeGreaterThanOrEqual(LINE_ROOM);
    fs.closeSync(idle);
    await fill(output, lines.subarray(at));
    await output.close();
    expect((await ended(cat)).code).toBe(0);
    expectBytes(copy, lines);
  });

  test('of a failure at once, by all that there is to wait for, and with the same error', async () => {
    const output = new LineOutput('/dev/full');
    await fill(output, linesOf(MIB - LINE_ROOM + 1));
    // It is handed over by this; nothing else is asked for.
    void output.room();
    const error = await failureOf(output.failed);
    expect(error.message).toBe('/dev/full: cannot be written: no space is left on the device');
    expect(await reasonOf(Promise.resolve(output.room()))).toBe(error);
    expect(await reasonOf(output.end())).toBe(error);
    expect(await reasonOf(output.close())).toBe(error);
  });

  test('of a failure while it waits for room', async () => {
    const output = new LineOutput('/dev/full');
    const error = await failureOf(fill(output, linesOf(2 * BLOCKS * MIB)));
    expect(error.message).toContain('no space is left on the device');
  });

  test('of a failure of what is left at the end', async () => {
    const output = new LineOutput('/dev/full', 'gzip');
    await fill(output, linesOf(10));
    const error = await failureOf(output.close());
    expect(error.message).toBe('/dev/full: cannot be written: no space is left on the device');
  });

  test('of a file that cannot be created, when there is something to write', async () => {
    const file = workplace.at('no/file');
    const output = new LineOutput(file);
    const error = await failureOf(fill(output, linesOf(2 * MIB)));
    expect(error.message).toBe(`${file}: cannot be written: there is no such file`);
    expect(await reasonOf(output.failed)).toBe(error);
    expect(await reasonOf(output.close())).toBe(error);
    expect((await reasonOf(new LineOutput(file).close())).message).toBe(error.message);
    expect(workplace.has('no')).toBe(false);
  });

  test('that the reader of standard output went away', async () => {
    const module = fileURLToPath(new URL('../../dist/sink/line_output.js', import.meta.url));
    const program = `
      const { LineOutput } = await import(${JSON.stringify(module)});
      const output = new LineOutput('-');
      const tell = (who) => (error) => process.stderr.write(who + ' ' + error.constructor.name + '\\n');
      output.failed.catch(tell('failed'));
      try {
        for (;;) {
          const room = await output.room();
          output.wrote(room.fill(120).length);
        }
      } catch (error) {
        tell('room')(error);
      }
      await output.close().catch(tell('close'));`;
    const { stdout, stderr } = await shell('"$1" --input-type=module -e "$2" | head -c 3', [process.execPath, program]);
    expect(stdout).toBe('xxx');
    expect(stderr.trim().split('\n').sort()).toEqual(['close ReaderGone', 'failed ReaderGone', 'room ReaderGone']);
  });
});

describe('an output of lines', () => {
  test('is not there before a block is full, nor when it ends without a line', async () => {
    const file = newFile();
    const output = new LineOutput(file);
    expect(await output.room()).toHaveLength(MIB);
    expect(fs.existsSync(file)).toBe(false);
    await output.end();
    expect(fs.existsSync(file)).toBe(false);
  });

  test('is there when it was closed, even if nothing was written', async () => {
    const file = newFile();
    await new LineOutput(file).close();
    expect(fs.statSync(file).size).toBe(0);
  });

  test('has all lines when it ends, and takes no more', async () => {
    const file = newFile();
    const lines = linesOf(2 * MIB + 17);
    const output = new LineOutput(file);
    await fill(output, lines);
    await output.end();
    expectBytes(file, lines);
    expect((await reasonOf(Promise.resolve(output.room()))).message).toContain('after the end');
    await output.close();
    await output.close();
    expectBytes(file, lines);
  });

  test('takes a report in place of lines', async () => {
    const file = newFile();
    const output = new LineOutput(file);
    await output.write(Buffer.from('a report\n'));
    await output.close();
    expect(fs.readFileSync(file, 'utf8')).toBe('a report\n');
  });

  test('that is compressed is one member of gzip for each block, of whole lines', async () => {
    const file = newFile();
    const lines = linesOf(20 * MIB + 5);
    const output = new LineOutput(file, 'gzip');
    const line = Buffer.from(`${'x'.repeat(99)}\n`);
    for (let at = 0; at < lines.length; at += line.length) line.copy(lines, at);
    const whole = lines.subarray(0, lines.lastIndexOf('\n') + 1);
    await fill(output, whole, 600 * line.length);
    await output.close();
    const members = membersOf(fs.readFileSync(file));
    expect(members.length).toBeGreaterThan(20);
    expect(members.length).toBeLessThan(25);
    for (const member of members) expect(member.at(-1)).toBe(0x0a);
    expect(Buffer.concat(members).equals(whole)).toBe(true);
  });

  test('that is compressed and empty is an empty stream', async () => {
    const file = newFile();
    await new LineOutput(file, 'gzip').close();
    expect(zlib.gunzipSync(fs.readFileSync(file))).toHaveLength(0);
  });
});
