// How many workers a replay has shows in nothing that it writes, and any number of them ends when it has to.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import type { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Accounting } from '../../src/flowlog/accounting.ts';
import * as p from '../packets.ts';
import { entriesOf } from './entry_line.ts';
import { CLI, Workplace, linesOf, shell, windrow } from './program.ts';
import type { Ended } from './program.ts';

const workplace = new Workplace();
const T = 1_700_000_000;

/** Minutes of traffic of thousands of flows: megabytes, which are read in many parts. */
function traffic(from = T): { sec: number; fraction: number; data: Uint8Array }[] {
  return Array.from({ length: 30_000 }, (_, i) => {
    const isBack = i % 3 === 2;
    const ends = [`10.0.${i % 7}.${i % 201}`, `198.51.100.${i % 43}`];
    const ports = [1024 + (i % 2003), 443];
    const [src, dst] = isBack ? ends.reverse() : ends;
    const [sport, dport] = isBack ? ports.reverse() : ports;
    const flags = i % 11 === 0 ? p.TCP_FLAG.syn : i % 13 === 0 ? p.TCP_FLAG.fin | p.TCP_FLAG.ack : p.TCP_FLAG.ack;
    const segment = p.tcp({ sport, dport, flags }, new Uint8Array(i % 90));
    return {
      sec: from + Math.floor(i / 60) - (i % 97 === 0 ? 3 : 0),
      fraction: (i * 7919) % 1_000_000,
      data: p.ethernet({}, p.ipv4({ src, dst, protocol: 6 }, segment)),
    };
  });
}

const paths: Record<string, string> = {};
beforeAll(() => {
  const records = traffic();
  const blocks = records.map(({ sec, fraction, data }, i) =>
    p.enhancedPacket({ interface: i % 2, data, units: BigInt(sec) * 1_000_000n + BigInt(fraction) }),
  );
  const drops = p.statistics({ units: BigInt(T + 300) * 1_000_000n, drops: 7n });
  const pcapng = p.section([p.interfaceBlock(), p.interfaceBlock(), ...blocks.toSpliced(20_000, 0, drops)]);
  paths.pcap = workplace.file(p.pcap(records), 'a.pcap');
  paths.pcapng = workplace.file(pcapng, 'a.pcapng');
  paths.gzip = workplace.file(zlib.gzipSync(pcapng, { level: 1 }), 'a.gz');
  paths.early = workplace.file(p.pcap(records.slice(0, 18_000)), 'early.pcap');
  paths.late = workplace.file(p.pcap(records.slice(12_000)), 'late.pcap');
  // Its entries are more than all that may be under way to a reader.
  const hours = [1, 2, 3, 4].map((hour) => p.pcap(traffic(T + hour * 3600)));
  paths.long = workplace.file(p.bytes(hours[0], ...hours.slice(1).map((one) => one.subarray(24))), 'long.pcap');
  paths.cut = workplace.file(p.pcap(records).subarray(0, -5), 'cut.pcap');
});

interface Outcome extends Ended {
  readonly books: Accounting;
}

/** Replays into standard output, and into books that are of the same captures whoever read them. */
async function replay(line: string, ...args: string[]): Promise<Outcome> {
  const accounting = workplace.file('');
  const options = ['--window', '60', '--quiet', '--accounting', accounting, ...args];
  const end = await shell(`${line} ${options.join(' ')}`, [
    paths.pcap,
    paths.pcapng,
    paths.gzip,
    paths.early,
    paths.late,
    paths.cut,
  ]);
  return { ...end, books: JSON.parse(fs.readFileSync(accounting, 'utf8')) as Accounting };
}

describe.concurrent('2, 3 and 7 workers, and as many as nobody asked for, write what one writes', () => {
  test.each<[string, string, number, number]>([
    ['of a pcap', 'windrow replay "$1"', 0, 30_000],
    ['of a pcapng', 'windrow replay "$2"', 0, 30_000],
    ['of a compressed file', 'windrow replay "$3"', 0, 30_000],
    ['of standard input', 'cat "$2" | windrow replay -', 0, 30_000],
    ['of several files', 'windrow replay "$5" "$4"', 0, 36_000],
    ['of a file that is cut off', 'windrow replay "$6"', 3, 29_999],
    ['as a table', 'windrow replay "$1" --format table', 0, 30_000],
    ['with named ENIs', 'windrow replay "$2" --eni eni-a=10.0.1.1,eni-b=02:00:00:00:00:01', 0, 30_000],
  ])('%s', async (_, line, code, seen) => {
    const one = await replay(line, '--workers', '1');
    expect(one.code).toBe(code);
    expect(one.stderr).toMatch(code === 0 ? /^$/ : /cut\.pcap: it is cut off/);
    expect(one.books.packets.seen).toBe(seen);
    expect(linesOf(one.stdout).length).toBeGreaterThan(20);
    for (const args of [['--workers', '2'], ['--workers', '3'], ['--workers', '7'], []]) {
      const other = await replay(line, ...args);
      expect(other.stdout === one.stdout, args.join(' ')).toBe(true);
      expect(other).toMatchObject({ code, stderr: one.stderr, books: one.books });
    }
  });

  test('where flows are closed early the lines may differ, and the sums do not', async () => {
    const sums = ({ stdout }: Ended): Map<string, number> => {
      const by = new Map<string, number>();
      for (const e of entriesOf(stdout)) {
        const key = [e.srcaddr, e.srcport, e.dstaddr, e.dstport, Math.floor(Number(e.start) / 60)].join(' ');
        by.set(key, (by.get(key) ?? 0) + Number(e.bytes));
      }
      return by;
    };
    const [one, three] = await Promise.all(
      ['1', '3'].map((workers) => replay('windrow replay "$1" --max-flows 300', '--workers', workers)),
    );
    expect(one.books.closedEarly).toBeGreaterThan(0);
    expect(three.books.closedEarly).toBeGreaterThan(0);
    expect(three.books.packets).toEqual(one.books.packets);
    expect(three.books.bytes).toEqual(one.books.bytes);
    expect(sums(three)).toEqual(sums(one));
  });
});

describe.concurrent('several workers end', () => {
  test('when the device is full', async () => {
    const end = await windrow(['replay', paths.pcap, '--window', '1', '--workers', '3', '--output', '/dev/full']);
    expect(end).toMatchObject({ code: 1, stdout: '' });
    expect(end.stderr).toMatch(/^windrow: \/dev\/full: [^\n]*no space is left[^\n]*\n$/);
  });

  test('when the reader goes away', async () => {
    const { code, stdout, stderr } = await shell('windrow replay "$1" --window 1 --workers 3 | head -1', [paths.pcap]);
    expect(stderr).toBe('');
    expect(linesOf(stdout)).toHaveLength(1);
    expect([0, 141]).toContain(code);
  });

  test('when one of them cannot go on', async () => {
    const end = await windrow(['replay', paths.pcap, workplace.file('no packets'), '--workers', '3']);
    expect(end).toMatchObject({ code: 1, stdout: '' });
    expect(end.stderr).toMatch(/^windrow: [^\n]*not a capture[^\n]*\n$/);
  });

  describe.each<[NodeJS.Signals, number]>([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('on %s', (signal, code) => {
    /** While all of them wait for a reader that does not read. */
    async function interrupted(whenKilled: (stdout: Readable) => void): Promise<ChildProcess> {
      const args = [CLI, 'replay', paths.long, '--window', '1', '--workers', '3'];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      await new Promise((resolve) => child.stdout.once('readable', resolve));
      const begun = Date.now();
      // Only a program that does not end by itself sees the killer.
      const killer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      const end = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      whenKilled(child.stdout);
      let stderr = '';
      child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
      await end;
      clearTimeout(killer);
      expect(Date.now() - begun).toBeLessThan(5_000);
      expect(stderr).toMatch(/^windrow: interrupted by SIG[^\n]*\n$/);
      return child;
    }

    test('where what was written is read', async () => {
      const child = await interrupted((stdout) => stdout.resume());
      expect(child.exitCode).toBe(code);
    });

    test('where nobody reads', async () => {
      const child = await interrupted(() => undefined);
      // A shell says the same of a program that died of the signal.
      if (child.exitCode === null) expect(child.signalCode).toBe(signal);
      else expect(child.exitCode).toBe(code);
    });
  });
});
