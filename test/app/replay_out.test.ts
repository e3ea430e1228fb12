// `windrow replay --out`: the entries of captures as a tree of files, each of them once, whatever happens on the way.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { decompress, init } from '@bokuweb/zstd-wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkTrees } from '../../src/sink/check.ts';
import * as p from '../packets.ts';
import { isRoot, testWhere } from '../needs.ts';
import { SignalledProcesses } from '../sink/signalled_process.ts';
import { entriesOf } from './entry_line.ts';
import { CLI, Workplace, linesOf, shell, windrow } from './program.ts';
import { Running } from './running.ts';
import { expectSameLines, filesOf, replayedLines, treeLines } from './tree_lines.ts';

const workplace = new Workplace();
const processes = new SignalledProcesses(workplace);
const T = 1_700_000_040;
const NOBODY = 65534;
const NO_NAMES = /^windrow: [^\n]*: cannot be written: no space is left on the device\n$/;
const COUNTING = ['--window', '60'];
let roots = 0;
let varied: string;
let many: string;
/** Lines of the captures above, by `--output`. */
let variedLines: string[];
let manyLines: string[];

function newRoot(): string {
  return workplace.at(`root-${++roots}`);
}

function packet(sec: number, number: number): p.Block {
  const isV6 = number % 5 === 0;
  const ports = { sport: 1024 + (number % 60_000) };
  const data = isV6
    ? p.ethernet({ type: p.ETHERTYPE.ipv6 }, p.ipv6({ src: `fd00::${(number & 0xffff).toString(16)}` }, p.udp(ports)))
    : p.ethernet({}, p.ipv4({ src: `10.0.${(number >> 8) & 255}.${number & 255}` }, p.udp(ports)));
  return p.enhancedPacket({ interface: number % 3, units: BigInt(sec) * 1_000_000n, data });
}

beforeAll(async () => {
  const enis = [p.interfaceBlock(), p.interfaceBlock(), p.interfaceBlock()];
  // Hours change, packets are lost and late, and there are windows without any.
  const some = Array.from({ length: 400 }, (_, i) => packet(T + i * 3, i % 90));
  const drops = p.statistics({ interface: 1, units: BigInt(T + 600) * 1_000_000n, drops: 7n });
  const late = [packet(T + 4000, 1), packet(T + 1190, 7), packet(T + 1191, 8), packet(T + 4100, 2)];
  varied = workplace.file(p.section([...enis, ...some.toSpliced(200, 0, drops), ...late]), 'varied.pcapng');
  // Some megabytes of lines, of two hours: several checkpoints even of files of a megabyte.
  const flows = Array.from({ length: 12_000 }, (_, i) => packet(T + Math.floor(i / 3), i));
  many = workplace.file(p.section([...enis, ...flows]), 'many.pcapng');
  variedLines = await replayedLines(varied, ...COUNTING);
  manyLines = await replayedLines(many, ...COUNTING);
});

function out(file: string, root: string, ...args: readonly string[]): string[] {
  return ['replay', file, ...COUNTING, '--out', root, '--quiet', ...args];
}

/** Replays into a tree; nothing else is to be said. */
async function replay(file: string, root: string, ...args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await windrow(out(file, root, ...args));
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
}

function expectTree(root: string, lines: readonly string[]): void {
  expectSameLines(treeLines(root), lines);
  expect(checkTrees([root]).problems).toEqual([]);
}

describe.concurrent('a tree has the entries that --output has', () => {
  test.each([
    ['of several ENIs, both families, silences, losses and late packets', []],
    ['of named ENIs', ['--eni', 'eni-a=10.0.0.7,eni-b=10.0.0.8']],
    ['of one ENI', ['--eni', 'eni-all']],
    ['of long windows', ['--window', '7200']],
    ['of flows that are closed early', ['--max-flows', '16', '--workers', '1']],
  ])('%s', async (_, args) => {
    const root = newRoot();
    const lines = args.length === 0 ? variedLines : await replayedLines(varied, ...COUNTING, ...args);
    await replay(varied, root, ...args);
    expectTree(root, lines);
    expect(lines.length).toBeGreaterThan(30);
  });

  test('and these are of every kind', () => {
    const entries = entriesOf(variedLines.join('\n'));
    const kinds = new Set(entries.map((entry) => `${entry['log-status']} ${entry['eni-id']} ${entry.type}`));
    for (const kind of [
      'OK eni-if0 IPv4',
      'OK eni-if1 IPv6',
      'OK eni-if2 IPv4',
      'NODATA eni-if2 -',
      'SKIPDATA eni-if1 -',
    ]) {
      expect(kinds).toContain(kind);
    }
  });

  test('in folders by project, logstore and the hour of their window', async () => {
    const root = newRoot();
    await replay(varied, root, '--project', 'my project', '--logstore', 'logs');
    const folders = [...new Set(filesOf(root).map((file) => path.dirname(file)))];
    expect(folders).toEqual(['22', '23'].map((hour) => `my%20project/logs/dt=2023-11-14/hour=${hour}`));
    for (const file of filesOf(root)) {
      const hour = Number(/hour=([0-9]{2})/.exec(file)![1]);
      const times = entriesOf(fs.readFileSync(path.join(root, file), 'utf8')).map((entry) => Number(entry.start));
      for (const time of times) expect(new Date(Math.floor(time / 60) * 60_000).getUTCHours()).toBe(hour);
    }
  });

  test('whatever the number of workers, in the same files', async () => {
    const contents = async (workers: string): Promise<Record<string, string>> => {
      const root = newRoot();
      await replay(many, root, '--workers', workers);
      return Object.fromEntries(filesOf(root).map((file) => [file, fs.readFileSync(path.join(root, file), 'utf8')]));
    };
    const one = await contents('1');
    expect(Object.keys(one)).toHaveLength(2);
    for (const workers of ['2', '3', '7']) expect((await contents(workers)) as unknown).toEqual(one);
  });

  test('and says how many', async () => {
    const root = newRoot();
    const { code, stdout, stderr } = await windrow(['replay', varied, ...COUNTING, '--out', root]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(linesOf(stderr)).toHaveLength(2);
    expect(linesOf(stderr)[1]).toBe(`windrow: ${variedLines.length} entries in ${root}`);
  });

  test.each([
    ['gzip', '.gz', (bytes: Buffer) => Promise.resolve(zlib.gunzipSync(bytes))],
    ['zstd', '.zst', async (bytes: Buffer) => init().then(() => decompress(bytes))],
  ] as const)('compressed with %s', async (method, suffix, read) => {
    const root = newRoot();
    await replay(varied, root, '--compress', method);
    const files = filesOf(root);
    expect(files.every((file) => file.endsWith(`.ndjson${suffix}`))).toBe(true);
    const texts = await Promise.all(files.map(async (file) => read(fs.readFileSync(path.join(root, file)))));
    expectSameLines(
      texts.flatMap((text) => linesOf(Buffer.from(text).toString())),
      variedLines,
    );
    expect(checkTrees([root]).problems).toEqual([]);
  });
});

describe.concurrent('a replay that is run again', () => {
  test('adds nothing', async () => {
    const root = newRoot();
    for (const workers of ['1', '3', '2']) {
      await replay(many, root, '--workers', workers);
      expectTree(root, manyLines);
    }
    expect(filesOf(root)).toHaveLength(2);
  });

  test('with other files takes their place', async () => {
    const root = newRoot();
    for (const args of [
      ['--rotate-bytes', '65536'],
      ['--rotate-bytes', '1000000'],
      ['--compress', 'gzip', '--rotate-bytes', '65536'],
      ['--rotate-bytes', '300000'],
      [],
      ['--rotate-bytes', '500000'],
    ]) {
      await replay(many, root, ...args);
      if (args.includes('gzip')) expect(filesOf(root).every((file) => file.endsWith('.gz'))).toBe(true);
      else expectTree(root, manyLines);
    }
  });

  test('adds its entries once more if it is told to', async () => {
    const root = newRoot();
    await replay(varied, root);
    await replay(varied, root, '--again');
    expectTree(root, [...variedLines, ...variedLines]);
    await replay(varied, root);
    expectTree(root, [...variedLines, ...variedLines]);
  });

  test('under another name, or counted in another way, is another replay', async () => {
    const root = newRoot();
    await replay(varied, root);
    const copy = workplace.file(fs.readFileSync(varied), 'a-copy.pcapng');
    await replay(copy, root);
    expectTree(root, variedLines);
    await replay(varied, root, '--flow-log', 'another');
    expectTree(root, [...variedLines, ...variedLines]);
    await replay(varied, root, '--lateness', '1');
    const others = await replayedLines(varied, ...COUNTING, '--lateness', '1');
    expectTree(root, [...variedLines, ...variedLines, ...others]);
  });

  test('of flows that are closed early has every packet once, by whatever workers', async () => {
    const root = newRoot();
    const args = ['--max-flows', '32', '--rotate-bytes', '65536'];
    for (const workers of ['1', '3', '2', '1']) {
      await replay(many, root, ...args, '--workers', workers);
      const entries = entriesOf(treeLines(root).join('\n')).filter((entry) => entry['log-status'] === 'OK');
      expect(entries.reduce((sum, entry) => sum + Number(entry.packets), 0)).toBe(12_000);
      expect(checkTrees([root]).problems).toEqual([]);
    }
    expect(filesOf(root).length).toBeGreaterThan(5);
  });

  test('of a stream is new, and says so', async () => {
    const root = newRoot();
    const says = /^windrow: nobody knows what a stream will be: these entries are new, .*\n/;
    for (const [n, line] of [
      `cat "$1" | windrow replay -`,
      `windrow replay <(cat "$1")`,
      `windrow replay - < "$1"`,
    ].entries()) {
      const { code, stderr } = await shell(`${line} --window 60 --out "$2"`, [varied, root]);
      expect(code).toBe(0);
      expect(stderr).toMatch(says);
      expect(treeLines(root)).toHaveLength((n + 1) * variedLines.length);
    }
    const { stderr } = await windrow(out('-', root), { stdin: fs.readFileSync(varied) });
    expect(stderr).toBe('');
    expectTree(root, Array.from({ length: 4 }, () => variedLines).flat());
  });
});

describe('a replay that is killed', () => {
  const args = ['--rotate-bytes', '65536'];

  test('and run again has every entry once, wherever it was', async () => {
    const root = newRoot();
    let kills = 0;
    for (let call = 3; ; call += 17) {
      const by = { call, isChange: true, like: root, signal: 'SIGKILL' } as const;
      const { signal, code } = await processes.run([CLI, ...out(many, root, ...args)], by);
      if (signal === null) {
        expect(code).toBe(0);
        break;
      }
      kills++;
      // What stands there is whole.
      for (const line of treeLines(root)) expect(line.endsWith('}')).toBe(true);
      if (kills % 4 === 0) {
        await replay(many, root, ...(kills % 8 === 0 ? [] : args));
        expectTree(root, manyLines);
      }
    }
    expect(kills).toBeGreaterThan(8);
    expectTree(root, manyLines);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s ends soon, leaves nothing half done, and is run again', async (signal, code) => {
    const root = newRoot();
    const fifo = workplace.at(`fifo-${signal}`);
    execFileSync('mkfifo', [fifo]);
    const replaying = Running.start(out(fifo, root, '--rotate-bytes', '65536'));
    // What it reads does not end; it is told when files are there.
    const feed = fs.createWriteStream(fifo);
    feed.write(fs.readFileSync(many));
    await expect.poll(() => filesOf(root).length, { timeout: 60_000 }).toBeGreaterThan(0);
    const end = await replaying.end(signal);
    feed.destroy();
    expect(end.code).toBe(code);
    expect(end.stderr).toContain(`windrow: interrupted by ${signal} before the end of the capture\n`);
    expect(checkTrees([root]).problems).toEqual([]);
    const written = treeLines(root);
    expect(written.length).toBeGreaterThan(100);
    for (const one of written) expect(JSON.parse(one)).toHaveProperty('eni-id');
    expect(new Set(written).size).toBe(written.length);
    expect(fs.readdirSync(path.join(root, '_windrow'))).toEqual(['sink-0']);
  });

  test('is not begun while the same one is under way', async () => {
    const root = newRoot();
    const stopped = await processes.stop([CLI, ...out(many, root, ...args)], { call: 2, like: '^linkSync .*/hour=' });
    expect(stopped.before).toMatch(/hour=/);
    const second = await windrow(out(many, root));
    expect(second).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `windrow: ${root}: another process is writing the same entries to it\n`,
    });
    // Others may.
    await replay(varied, root);
    expect((await stopped.goOn()).code).toBe(0);
    expectTree(root, [...manyLines, ...variedLines]);
    await replay(many, root);
    expectTree(root, [...manyLines, ...variedLines]);
  });
});

describe.concurrent('wrong options are one clear line', () => {
  test.each([
    [['--out', 'x', '--output', 'y'], '--output and --out: entries go one way; choose one of them'],
    [['--out', 'x', '--kafka', 'localhost:1'], '--out and --kafka: entries go one way; choose one of them'],
    [['--out', ''], '--out "": expected a directory; it is made where it is missing'],
    [['--out', '-'], '--out "-": expected a directory; it is made where it is missing'],
    [['--out', 'x', '--format', 'table'], '--format table is for people to read, and goes to --output only'],
    [['--out', 'x', '--project', ''], '--project: expected a name of 1 to 128 bytes, found 0'],
    [['--out', 'x', '--logstore', 'é'.repeat(65)], '--logstore: expected a name of 1 to 128 bytes, found 130'],
    [['--out', 'x', '--flow-log', ''], '--flow-log: expected a name of 1 to 128 bytes, found 0'],
  ])('%j', async (args, says) => {
    const { code, stdout, stderr } = await windrow(['replay', varied, ...args]);
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: `windrow: ${says}\n` });
    expect(fs.existsSync('x')).toBe(false);
  });

  test.each([
    ['--rotate-bytes', '65535'],
    ['--rotate-bytes', 'many'],
    ['--compress', 'lz4'],
  ])('%s %s', async (...args) => {
    const { code, stderr } = await windrow(['replay', varied, '--out', 'x', ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^windrow: [^\n]+\n$/);
  });
});

describe('what cannot be written is one clear line', () => {
  async function expectFailure(root: string, says: RegExp, file = varied, uid?: number): Promise<void> {
    const { code, stdout, stderr } = await windrow(out(file, root), uid === undefined ? {} : { uid });
    expect(stderr).toMatch(/^windrow: [^\n]+\n$/);
    expect(stderr).toMatch(says);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  }

  test('a file instead of a directory', async () => {
    const file = workplace.file('a file', 'a-file');
    await expectFailure(file, /a-file: cannot be written: it is not a directory\n$/);
    await expectFailure(`${file}/below`, /cannot be written: a part of its path is not a directory\n$/);
    expect(fs.readFileSync(file, 'utf8')).toBe('a file');
  });

  test('a directory that the file system does not take', async () => {
    await expectFailure('/proc/windrow', /^windrow: \/proc\/windrow: cannot be written: /);
  });

  test('an input that is not there, and nothing is made', async () => {
    const root = newRoot();
    await expectFailure(root, /nowhere: cannot be read: there is no such file\n$/, workplace.at('nowhere'));
    expect(fs.existsSync(root)).toBe(false);
  });

  testWhere(isRoot, 'only root can run a program as somebody else')('a directory of somebody else', async () => {
    const own = newRoot();
    fs.mkdirSync(own, { mode: 0o755 });
    fs.chmodSync(workplace.directory, 0o755);
    await expectFailure(path.join(own, 'below'), /below: cannot be written: permission denied\n$/, varied, NOBODY);
    // The tree is open to all, but not one folder in it.
    const root = newRoot();
    fs.mkdirSync(root);
    fs.chmodSync(root, 0o777);
    fs.mkdirSync(path.join(root, 'windrow'), { mode: 0o755 });
    await expectFailure(root, /cannot be written: permission denied\n$/, varied, NOBODY);
    expect(checkTrees([root]).problems).toEqual([]);
  });

  describe('a device that is full', () => {
    const mounted: string[] = [];
    afterAll(() => mounted.forEach((directory) => execFileSync('umount', ['-l', directory])));

    /** Undefined where this process may not mount. */
    function mount(options: string): string | undefined {
      const directory = fs.mkdtempSync(workplace.at('tmpfs'));
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'none', directory], { stdio: 'ignore' });
      } catch {
        return undefined;
      }
      mounted.push(directory);
      return directory;
    }

    const canMount = testWhere(mount('size=1m') !== undefined, 'this process may not mount a tmpfs');

    canMount('keeps what was written, and has all when there is room and it is run again', async () => {
      const device = mount('size=3m')!;
      const root = path.join(device, 'tree');
      const { code, stdout, stderr } = await windrow(out(many, root, '--rotate-bytes', '65536'));
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^windrow: [^\n]*: cannot be written[^\n]*: no space is left on the device\n$/);
      expect(checkTrees([root]).problems).toEqual([]);
      expect(treeLines(root).length).toBeGreaterThan(1000);
      expect(new Set(treeLines(root)).size).toBe(treeLines(root).length);
      execFileSync('mount', ['-o', 'remount,size=60m', device]);
      await replay(many, root);
      expectTree(root, manyLines);
    });

    canMount('of names says so', async () => {
      let root = '';
      const isEnough = async (inodes: number): Promise<boolean> => {
        root = path.join(mount(`size=9m,nr_inodes=${inodes}`)!, 'tree');
        const { code, stderr } = await windrow(out(many, root));
        if (code === 0) return true;
        expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(NO_NAMES) as string });
        return false;
      };
      let inodes = 2;
      while (!(await isEnough(inodes))) inodes += 2;
      expect(inodes).toBeGreaterThan(10);
      expectTree(root, manyLines);
    });

    canMount('or read-only says so', async () => {
      await expectFailure(path.join(mount('ro')!, 'tree'), /: cannot be written: the file system is read-only\n$/);
    });
  });
});
