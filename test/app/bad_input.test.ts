// What cannot be read or written: one clear line, the right exit code, no stack, and what was read is not lost.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Accounting } from '../../src/flowlog/accounting.ts';
import * as p from '../packets.ts';
import { entriesOf } from './entry_line.ts';
import { CLI, Workplace, ended, shell, windrow } from './program.ts';
import type { Ended } from './program.ts';
import { isRoot, leftOut, testWhere } from '../needs.ts';

const workplace = new Workplace();

const NOBODY = 65534;

function records(count: number): p.PcapRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    sec: 1_000_000 + i,
    data: p.ethernet({}, p.ipv4({ src: `10.0.0.${1 + (i % 200)}` }, p.udp({ sport: 1000 + (i >> 8) }))),
  }));
}

/** Its entries fill more than a pipe, and more than a block of lines. */
const LONG = p.pcap(records(12_000));
let long: string;
beforeAll(() => {
  long = workplace.file(LONG, 'long.pcap');
});

/** gzip without compression, in blocks of so many bytes; what block `damaged` claims to hold is impossible. */
function stored(content: Uint8Array, blockBytes: number, damaged: number): Uint8Array {
  const little = (value: number): Uint8Array => p.bytes(value & 255, value >> 8);
  const blocks: Uint8Array[] = [];
  for (let from = 0; from < content.length; from += blockBytes) {
    const part = content.subarray(from, from + blockBytes);
    const check = blocks.length === damaged ? 0 : 0xffff;
    const isLast = from + blockBytes >= content.length;
    blocks.push(p.bytes(isLast ? 1 : 0, little(part.length), little(part.length ^ check), part));
  }
  return p.bytes('1f 8b 08 00 00 00 00 00 00 03', ...blocks, new Uint8Array(8));
}

function expectOneLine(stderr: string, says: RegExp): void {
  expect(stderr).toMatch(/^windrow: [^\n]+\n$/);
  expect(stderr).toMatch(says);
  expect(stderr).not.toContain('    at ');
}

function expectRefused({ code, stdout, stderr }: Ended, says: RegExp): void {
  expectOneLine(stderr, says);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
}

describe.concurrent('an input that is no capture is refused, and leaves no output behind', () => {
  const pcapHeader = p.pcap([]);
  const cases: [string, Uint8Array | string, RegExp][] = [
    ['an empty file', '', /empty/],
    ['a gzip file of nothing', zlib.gzipSync(''), /empty/],
    ['a text', 'these are not the packets you are looking for', /not a capture/],
    ['a compressed text', zlib.gzipSync('these are not the packets'), /not a capture/],
    ['three bytes', p.bytes('d4 c3 b2'), /not a capture|ends inside its file header/],
    ['a file header that is cut', pcapHeader.subarray(0, 23), /ends inside its file header, after 23 bytes/],
    ['a section header that is cut', p.section([]).subarray(0, 20), /ends inside its file header/],
    ['a version that is not 2', p.pcap([], { version: [3, 0] }), /version is 3\.0: expected 2\.x/],
    ['a link type that is not read', p.pcap([], { linkType: 147 }), /link type is 147 \(USER0\)/],
    ['a gzip file cut before its first packet', zlib.gzipSync(pcapHeader).subarray(0, 12), /./],
  ];
  test.each(cases)('%s', async (name, content, says) => {
    const file = workplace.file(content, `${name.replaceAll(' ', '-')}.pcap`);
    const outputs = ['--output', workplace.at('none.ndjson'), '--accounting', workplace.at('none.json')];
    const end = await windrow(['replay', file, ...outputs]);
    expectRefused(end, says);
    expect(end.stderr).toContain(file);
    expect([workplace.has('none.ndjson'), workplace.has('none.json')]).toEqual([false, false]);
  });

  test('a file that is not there, and a directory', async () => {
    expectRefused(await windrow(['replay', workplace.at('nowhere.pcap')]), /nowhere\.pcap: .*no such file/);
    expectRefused(await windrow(['replay', workplace.directory]), /it is a directory/);
    expectRefused(await windrow(['replay', `${long}/x`]), /not a directory/);
  });

  test('nothing on standard input', async () => {
    expectRefused(await windrow(['replay', '-'], { stdin: new Uint8Array() }), /standard input: it is empty/);
  });

  test('one of several files', async () => {
    const text = workplace.file('no packets');
    expectRefused(await windrow(['replay', long, text, '--window', '60']), /not a capture/);
    expectRefused(await windrow(['replay', long, workplace.at('gone')]), /gone: .*no such file/);
  });

  testWhere(isRoot, 'only root can try a file as somebody else')('a file without permission', async () => {
    const secret = workplace.file(LONG, 'secret.pcap');
    fs.chmodSync(workplace.directory, 0o755);
    fs.chmodSync(secret, 0o600);
    expectRefused(await windrow(['replay', secret], { uid: NOBODY }), /secret\.pcap: .*permission denied/);
    fs.chmodSync(secret, 0o644);
    expect((await windrow(['replay', secret, '--quiet'], { uid: NOBODY })).code).toBe(0);
  });
});

describe.concurrent(
  'an input that is cut off or damaged gives its entries up to there, exit code 3 and the reason',
  () => {
    const five = records(5);
    const whole = p.pcap(five);
    const recordBytes = (whole.length - 24) / 5;
    const withCapturedLength = (capturedLength: number): Uint8Array =>
      p.pcap([...five.slice(0, 3), { ...five[3], capturedLength }, five[4]]);
    const enhanced = five.map(({ data, sec }) => p.enhancedPacket({ data, units: BigInt(sec!) * 1_000_000n }));
    const ng = p.section([p.interfaceBlock(), ...enhanced]);
    const ngWith = (damage: Parameters<typeof p.section>[0][number]): Uint8Array =>
      p.section([p.interfaceBlock(), ...enhanced.slice(0, 3), damage, ...enhanced.slice(3)]);
    const gzipped = zlib.gzipSync(LONG);

    const cases: [string, Uint8Array, number, string, RegExp][] = [
      ['the last record lacks bytes', whole.subarray(0, -1), 4, 'record_cut', /cut off.*lacks its last 1 bytes/],
      ['the last record lacks its header', whole.subarray(0, 24 + 4 * recordBytes + 15), 4, 'record_cut', /cut off/],
      ['a record claims more than the file has', withCapturedLength(200_000), 3, 'record_cut', /cut off/],
      ['a record claims more than a record may', withCapturedLength(262_145), 3, 'record_lies', /claims 262,145 bytes/],
      ['a record claims 4 GiB', withCapturedLength(0xffffffff), 3, 'record_lies', /claims 4,294,967,295 bytes/],
      ['the last block lacks bytes', ng.subarray(0, -1), 4, 'block_cut', /cut off.*block/],
      [
        'a block is shorter than its header',
        ngWith(() => p.bytes('06 00 00 00 08 00 00 00')),
        3,
        'block_lies',
        /damaged/,
      ],
      [
        'the two lengths of a block differ',
        ngWith((order) => {
          const made = p.block(0xbad, () => new Uint8Array(8))(order);
          return p.bytes(made.subarray(0, -4), '18 00 00 00');
        }),
        3,
        'block_lies',
        /damaged/,
      ],
      [
        'a packet is of no interface',
        ngWith(p.enhancedPacket({ interface: 5, data: five[3].data })),
        3,
        'interface_unknown',
        /interface 5, which no block before it declares/,
      ],
      [
        'a packet is longer than its block',
        ngWith(p.enhancedPacket({ data: five[3].data, capturedLength: 1000, options: [p.option(1, p.u32(0))] })),
        3,
        'record_lies',
        /damaged: the record .* claims 1,000 bytes/,
      ],
    ];
    test.each(cases)('%s', async (name, content, packets, damage, says) => {
      const file = workplace.file(content, name.replaceAll(' ', '-'));
      const accounting = `${file}.json`;
      const end = await windrow(['replay', file, '--window', '60', '--quiet', '--accounting', accounting]);
      expectOneLine(end.stderr, says);
      expect(end.stderr).toContain(file);
      expect(end.code).toBe(3);
      expect(entriesOf(end.stdout)).toHaveLength(packets);
      const books = JSON.parse(fs.readFileSync(accounting, 'utf8')) as Accounting;
      expect(books.packets).toMatchObject({ seen: packets, logged: packets });
      expect(books.incomplete).toMatchObject([{ input: file, damage }]);
      expect(end.stderr).toContain(books.incomplete[0].message);
    });

    test('a gzip file that is cut off, from a file and from a pipe', async () => {
      const file = workplace.file(gzipped.subarray(0, gzipped.length / 2), 'cut.gz');
      for (const end of [
        await windrow(['replay', file, '--quiet', '--window', '3600']),
        await shell('cat "$1" | windrow replay - --quiet --window 3600', [file]),
      ]) {
        expectOneLine(end.stderr, /gzip data is cut off/);
        expect(end.code).toBe(3);
        const packets = entriesOf(end.stdout).reduce((sum, entry) => sum + Number(entry.packets), 0);
        expect(packets).toBeGreaterThan(1000);
        expect(packets).toBeLessThan(12_000);
      }
    });

    test('a gzip file that is damaged: in the middle, and in its checksum', async () => {
      const capture = p.pcap(records(1000));
      const perRecord = (capture.length - 24) / 1000;
      const unchecked = zlib.gzipSync(capture);
      unchecked[unchecked.length - 8] ^= 1;
      for (const [content, packets] of [
        [stored(capture, 8000, 2), Math.floor((16_000 - 24) / perRecord)],
        [stored(capture, 8000, 6), Math.floor((48_000 - 24) / perRecord)],
        [unchecked, 1000],
      ] as const) {
        const file = workplace.file(content);
        const end = await windrow(['replay', file, '--quiet', '--window', '3600']);
        expectOneLine(end.stderr, /gzip data is damaged/);
        expect(end.code).toBe(3);
        expect(entriesOf(end.stdout).reduce((sum, entry) => sum + Number(entry.packets), 0)).toBe(packets);
        const verified = await windrow(['verify', file, workplace.file(end.stdout), '--window', '3600']);
        expect(verified.stdout).toMatch(/^equal: /);
      }
    });

    test('a gzip file that is damaged, from a FIFO, ends as well', async () => {
      const fifo = workplace.at('damaged-fifo');
      const file = workplace.file(stored(p.pcap(records(4000)), 60_000, 2));
      const line = 'mkfifo "$1"; cat "$2" > "$1" & timeout -k 1 10 "$3" "$4" replay "$1" --quiet --window 3600';
      const end = await shell(line, [fifo, file, process.execPath, CLI]);
      expectOneLine(end.stderr, /gzip data is damaged/);
      // What the failing call of the inflater made may be lost: a FIFO cannot be read again.
      expect([1, 3]).toContain(end.code);
    });

    test('a gzip file that is damaged before its first packet is refused for that', async () => {
      expectRefused(await windrow(['replay', workplace.file(stored(whole, 8000, 0))]), /gzip data is damaged/);
    });

    test('a stream that ends inside a record', async () => {
      const end = await windrow(['replay', '-', '--quiet'], { stdin: whole.subarray(0, -1) });
      expectOneLine(end.stderr, /^windrow: standard input: it is cut off/);
      expect(end.code).toBe(3);
      expect(entriesOf(end.stdout)).toHaveLength(4);
    });

    test('one of several files: the others are read to their ends', async () => {
      const cut = workplace.file(whole.subarray(0, -1), 'cut-one.pcap');
      const end = await windrow(['replay', cut, workplace.file(p.pcap(records(300).slice(100))), '--quiet']);
      expectOneLine(end.stderr, /cut-one\.pcap: it is cut off/);
      expect(end.code).toBe(3);
      expect(entriesOf(end.stdout).reduce((sum, entry) => sum + Number(entry.packets), 0)).toBe(204);
    });

    test('is said beside the books where they are wanted', async () => {
      const end = await windrow(['replay', workplace.file(whole.subarray(0, -1), 'said.pcap')]);
      expect(end.code).toBe(3);
      expect(end.stderr).toMatch(
        /^windrow: 4 packets seen = 4 logged [^\n]*\nwindrow: [^\n]*said\.pcap: it is cut off[^\n]*\n$/,
      );
    });
  },
);

describe.concurrent('an output that cannot be written', () => {
  test('because the device is full ends with the reason', async () => {
    expectRefused(await windrow(['replay', long, '--output', '/dev/full']), /\/dev\/full: .*no space is left/);
    expectRefused(
      await windrow(['replay', long, '--format', 'table', '--output', '/dev/full']),
      /\/dev\/full: .*no space is left/,
    );
    expectRefused(await shell('windrow replay "$1" > /dev/full', [long]), /standard output: .*no space is left/);
  });

  testWhere(isRoot, 'only root can mount a small disk')(
    'because the disk fills up keeps what fitted, in whole',
    async () => {
      const disk = workplace.at('tiny');
      fs.mkdirSync(disk);
      // Root of a container may not be allowed to mount.
      if (!mountTiny(disk)) return leftOut('a full disk: mounting a tmpfs is refused here');
      try {
        const output = `${disk}/entries.ndjson`;
        expectRefused(await windrow(['replay', long, '--window', '60', '--output', output]), /no space is left/);
        expect(fs.statSync(output).size).toBeGreaterThan(32 * 1024);
        expect(fs.statSync(output).size).toBeLessThanOrEqual(64 * 1024);
      } finally {
        execFileSync('umount', [disk]);
      }
    },
  );

  test('because there is no such directory, or it is one, or a file is in the way', async () => {
    const nowhere = workplace.at('no/such/entries');
    expectRefused(await windrow(['replay', long, '--output', nowhere]), /no\/such\/entries: .*no such file/);
    expectRefused(await windrow(['replay', long, '--output', workplace.directory]), /it is a directory/);
    expectRefused(await windrow(['replay', long, '--output', `${long}/x`]), /not a directory/);
  });

  testWhere(isRoot, 'only root can try a directory as somebody else')('because permission is missing', async () => {
    fs.chmodSync(workplace.directory, 0o755);
    const end = await windrow(['replay', long, '--output', workplace.at('forbidden')], { uid: NOBODY });
    expectRefused(end, /forbidden: .*permission denied/);
  });

  test('for the accounting: said before anything is read, where that can be known', async () => {
    const output = workplace.at('beside.ndjson');
    for (const [accounting, says] of [
      [workplace.at('no/such/books.json'), /books\.json: .*no such file/],
      [workplace.directory, /it is a directory/],
    ] as const) {
      expectRefused(await windrow(['replay', long, '--output', output, '--accounting', accounting]), says);
      expect(workplace.has('beside.ndjson')).toBe(false);
    }
    const full = await windrow(['replay', long, '--output', output, '--accounting', '/dev/full']);
    expectRefused(full, /\/dev\/full: .*no space is left/);
    expect(entriesOf(workplace.read('beside.ndjson')).length).toBeGreaterThan(1000);
  });

  test('because it is an input, under any of its names, or both outputs are one', async () => {
    const content = p.pcap(records(10));
    const file = workplace.file(content, 'precious.pcap');
    const other = workplace.at('same.pcap');
    fs.linkSync(file, other);
    const link = workplace.at('link.pcap');
    fs.symlinkSync(file, link);
    const refused = async (...args: string[]): Promise<void> => {
      const { code, stdout, stderr } = await windrow(['replay', file, ...args]);
      expectOneLine(stderr, /same|input/);
      expect([1, 2]).toContain(code);
      expect(stdout).toBe('');
      expect(fs.readFileSync(file).equals(content)).toBe(true);
    };
    for (const name of [file, other, link]) await refused('--output', name);
    await refused('--accounting', file);
    await refused('--output', workplace.at('one'), '--accounting', workplace.at('one'));
    expect(workplace.has('one')).toBe(false);
  });

  /** Makes a directory a file system of 64 KiB, where this machine allows it. */
  function mountTiny(directory: string): boolean {
    return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]).status === 0;
  }
});

test('a flow table for which there is no memory is one line', async () => {
  const end = await shell('ulimit -v 6000000; windrow replay "$1" --max-flows 100000000', [long]);
  expectRefused(end, /memory/);
});

describe.concurrent('a reader that goes away is nothing to complain about', () => {
  test.each([
    ['replay to a pipe', 'windrow replay "$1" --window 60 | head -1', /^\{"account-id":.*\}\n$/],
    ['replay to nobody', 'windrow replay "$1" --window 60 | true', /^$/],
    ['replay as a table', 'windrow replay "$1" --format table | true', /^$/],
    ['verify', 'windrow verify "$1" "$1" | true', /^$/],
    ['help', 'windrow replay --help | true', /^$/],
  ])('%s', async (_, line, stdout) => {
    const end = await shell(line, [long]);
    expect(end.stderr).toBe('');
    expect(end.stdout).toMatch(stdout);
    // 141 is how a shell reports SIGPIPE; verify has found differences.
    expect([0, 141, line.includes('verify') ? 1 : 0]).toContain(end.code);
  });

  test('demo', async () => {
    const end = await shell('windrow demo "$1" | head -1', [workplace.at('demo')]);
    expect(end.stderr).toBe('');
    expect(end.code).toBe(0);
  });
});

describe.concurrent('a wrong command line ends with exit code 2 and one line that says what is wrong', () => {
  test.each<[string[], RegExp]>([
    [['replay'], /missing required argument 'file'/],
    [['replay', 'x', '--window', '0'], /--window .*'0'.*whole number from 1/],
    [['replay', 'x', '--window', '1e3'], /--window .*'1e3'/],
    [['replay', 'x', '--window'], /--window .*missing/],
    [['replay', 'x', '--interval', '2'], /--interval .*'2'.*1, 5, 10/],
    [['replay', 'x', '--lateness', '-1'], /--lateness .*'-1'/],
    [['replay', 'x', '--max-flows', '3'], /--max-flows .*'3'.*from 16/],
    [['replay', 'x', '--workers', '0'], /--workers .*'0'/],
    [['replay', 'x', '--workers', '257'], /--workers .*'257'.*256/],
    [['replay', 'x', '--workers', '1.5'], /--workers .*'1.5'/],
    [['replay', 'x', '--format', 'xml'], /--format .*'xml'.*json, aws, table/],
    [['replay', 'x', '--local', '10.0.0.0/33'], /--local 10\.0\.0\.0\/33: expected CIDR/],
    [['replay', 'x', '--local', '10.0.0.0/8,,'], /--local .*none of them empty/],
    [['replay', 'x', '--eni', '=10.0.0.1'], /--eni =10\.0\.0\.1: expected ID/],
    [['replay', 'x', '--eni', 'a', '--eni', 'b'], /--eni b: only one ENI can have all traffic/],
    [['replay', '-', '-'], /standard input.*once/],
    [['replay', 'x', '--nope'], /unknown option '--nope'/],
    [['verify', '-', '-', 'e'], /standard input.*once/],
    [['verify', 'x'], /expected a capture and the entries/],
    [['verify', 'x', 'e', '--local', 'here'], /--local here: expected CIDR/],
    [['nope'], /unknown command 'nope'/],
  ])('%j', async (args, says) => {
    const { code, stdout, stderr } = await windrow(args);
    expectOneLine(stderr, says);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('an interrupt of a stream that goes on ends the program at once', () => {
  const children: ChildProcess[] = [];
  afterAll(() => {
    for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  });

  function start(command: string, args: string[]): ChildProcess {
    const child = spawn(command, args, { stdio: 'pipe' });
    child.stdin.on('error', () => undefined);
    children.push(child);
    return child;
  }

  function firstOutput(child: ChildProcess): Promise<unknown> {
    return new Promise((resolve) => child.stdout!.once('data', resolve));
  }

  /** Who writes into a FIFO: says "open" once somebody reads it, then copies its standard input. */
  function feed(fifo: string): ChildProcess {
    execFileSync('mkfifo', [fifo]);
    return start('bash', ['-c', 'exec 3>"$1"; echo open; exec cat >&3', 'bash', fifo]);
  }

  async function interrupt(child: ChildProcess, end: Promise<Ended>, signal: NodeJS.Signals): Promise<Ended> {
    const begun = Date.now();
    child.kill(signal);
    // Only a program that does not end by itself sees the killer.
    const killer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    const how = await end;
    clearTimeout(killer);
    expect(Date.now() - begun).toBeLessThan(5_000);
    expectOneLine(how.stderr, /interrupted/);
    return how;
  }

  test.each<['fifo' | 'stdin', NodeJS.Signals, number]>([
    ['stdin', 'SIGINT', 130],
    ['stdin', 'SIGTERM', 143],
    ['fifo', 'SIGINT', 130],
    ['fifo', 'SIGTERM', 143],
  ])('on %s, %s in the middle', async (from, signal, code) => {
    const fifo = workplace.at(`fifo-${signal}`);
    const feeder = from === 'fifo' ? feed(fifo) : undefined;
    const child = start(process.execPath, [CLI, 'replay', from === 'fifo' ? fifo : '-', '--window', '1']);
    const end = ended(child);
    (feeder ?? child).stdin!.write(LONG);
    await firstOutput(child);
    const how = await interrupt(child, end, signal);
    feeder?.stdin!.end();
    expect(how.code).toBe(code);
    expect(how.stdout.endsWith('\n')).toBe(true);
    expect(entriesOf(how.stdout).length).toBeGreaterThan(100);
  });

  test('on a FIFO that has said nothing yet', async () => {
    const feeder = feed(workplace.at('fifo-silent'));
    const child = start(process.execPath, [CLI, 'replay', workplace.at('fifo-silent')]);
    const end = ended(child);
    await firstOutput(feeder);
    const how = await interrupt(child, end, 'SIGINT');
    feeder.stdin!.end();
    expect(how).toMatchObject({ code: 130, stdout: '' });
  });
});
