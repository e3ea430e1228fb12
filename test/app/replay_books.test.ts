// The books of a replay: whose traffic it is, what is in entries, what is not and why, and that it balances.
import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Accounting } from '../../src/flowlog/accounting.ts';
import * as p from '../packets.ts';
import { brief, entriesOf } from './entry_line.ts';
import type { Entry } from './entry_line.ts';
import { Workplace, windrow } from './program.ts';

const workplace = new Workplace();

const T = 1_000_020;

interface Replayed {
  readonly stdout: string;
  readonly entries: Entry[];
  readonly books: Accounting;
}

async function replay(capture: string, ...args: string[]): Promise<Replayed> {
  const accounting = workplace.file('');
  const options = ['--window', '60', '--quiet', '--accounting', accounting, ...args];
  const { code, stdout, stderr } = await windrow(['replay', capture, ...options]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const books = JSON.parse(fs.readFileSync(accounting, 'utf8')) as Accounting;
  for (const { seen, logged, excluded } of [books.packets, books.bytes]) {
    expect(seen).toBe(Object.values(excluded).reduce((sum, n) => sum + n, logged));
  }
  return { stdout, entries: entriesOf(stdout), books };
}

function datagram(src: string, dst: string, size = 0): Uint8Array {
  return p.ethernet({}, p.ipv4({ src, dst }, p.udp({ sport: 1000, dport: 2000 }, new Uint8Array(size))));
}

function captured(...frames: Uint8Array[]): string {
  return workplace.file(p.pcap(frames.map((data, i): p.PcapRecord => ({ sec: T + i, data }))));
}

const who = (entries: Entry[]): string[] =>
  entries.filter((e) => e['log-status'] === 'OK').map((e) => `${e['eni-id']} ${e.direction} ${e.srcaddr}`);

describe.concurrent('the accounting', () => {
  test('tells each exclusion from the others, and counts the frame where there is no IP header to trust', async () => {
    const good = datagram('10.0.0.1', '192.0.2.1', 72);
    const arp = p.ethernet({ type: 0x0806 }, new Uint8Array(46));
    const sixth = p.ethernet({}, p.ipv4({ version: 6 }, p.udp({})));
    const broken = p.ethernet({}, p.ipv4({ version: 5 }, p.udp({})));
    const short = p.ethernet({}, p.ipv4({ totalLength: 19 }, p.udp({})));
    const cut = datagram('10.0.0.1', '192.0.2.1', 100).subarray(0, 30);
    const records: p.PcapRecord[] = [
      { data: good },
      { data: arp },
      { data: sixth },
      { data: broken },
      { data: short },
      { data: cut, wireLength: 142 },
      { data: datagram('10.0.0.1', '224.0.0.251', 10) },
      { data: datagram('10.0.0.1', '255.255.255.255', 20) },
      { data: datagram('10.0.0.1', '10.0.0.255', 30) },
    ].map((record, i) => ({ ...record, sec: T + i }));
    const { books, stdout } = await replay(workplace.file(p.pcap(records)));
    const reasons = { truncated: 1, multicast: 1, broadcast: 1, not_local: 0, unsupported_link_type: 0 };
    expect(books.packets.seen).toBe(9);
    expect(books.packets.excluded).toMatchObject(reasons);
    const { not_ip, malformed } = books.packets.excluded;
    expect([not_ip, malformed]).toEqual([1, 3]);
    expect(books.bytes.excluded).toEqual({
      not_ip: 60,
      malformed: sixth.length + broken.length + short.length,
      truncated: 142,
      multicast: 38,
      broadcast: 48,
      not_local: 0,
      unsupported_link_type: 0,
    });
    expect(books.bytes.logged).toBe(100 + 58);
    expect(entriesOf(stdout).map(brief)).toEqual([
      'out 10.0.0.1:1000 > 192.0.2.1:2000 17 1/100',
      expect.stringContaining('10.0.0.1:1000 > 10.0.0.255:2000 17 1/58') as string,
    ]);
  });

  test('is one object of a known shape', async () => {
    const { books } = await replay(captured(datagram('10.0.0.1', '192.0.2.1')));
    const none = { not_ip: 0, malformed: 0, truncated: 0, multicast: 0, broadcast: 0, not_local: 0 };
    const excluded = { ...none, unsupported_link_type: 0 };
    expect(books).toEqual({
      packets: { seen: 1, logged: 1, excluded },
      bytes: { seen: 28, logged: 28, excluded },
      entries: { ok: 1, nodata: 0, skipdata: 0, supplementary: 0 },
      direction: { capture: 0, eni: 0, local: 0, shown_address: 0, shown_mac: 0, private: 1, opener: 0 },
      interfaces: [
        {
          number: 0,
          name: '',
          linkType: 'ETHERNET',
          eniId: 'eni-if0',
          packets: { seen: 1, excluded },
          bytes: { seen: 28, excluded },
          dropped: 0,
        },
      ],
      unseen: { packets: 0, bytes: 0 },
      closedEarly: 0,
      incomplete: [],
    });
  });

  test('equals the sums of the entries', async () => {
    const frames = Array.from({ length: 400 }, (_, i) =>
      i % 5 === 4
        ? p.ethernet({ type: 0x0806 }, new Uint8Array(28))
        : datagram(`10.0.${i % 3}.${i % 17}`, `192.0.2.${i % 29}`, (i * 37) % 900),
    );
    const { entries, books } = await replay(captured(...frames));
    const sum = (key: 'packets' | 'bytes'): number =>
      entries.filter((e) => e['log-status'] === 'OK').reduce((total, e) => total + Number(e[key]), 0);
    expect(sum('packets')).toBe(320);
    expect(books.packets).toMatchObject({ seen: 400, logged: 320, excluded: { not_ip: 80 } });
    expect(sum('bytes')).toBe(books.bytes.logged);
    expect(Object.values(books.direction).reduce((a, b) => a + b, 0)).toBe(320);
  });
});

describe.concurrent('--eni', () => {
  const toServer = p.ethernet(
    { src: '02:00:00:00:00:aa', dst: '02:00:00:00:00:bb' },
    p.ipv4({ src: '10.0.0.1', dst: '192.0.2.1' }, p.udp({})),
  );
  const toClient = p.ethernet(
    { src: '02:00:00:00:00:bb', dst: '02:00:00:00:00:aa' },
    p.ipv4({ src: '192.0.2.1', dst: '10.0.0.1' }, p.udp({})),
  );
  const stray = p.ethernet(
    { src: '02:00:00:00:00:cc', dst: '02:00:00:00:00:dd' },
    p.ipv4({ src: '10.9.9.9', dst: '192.0.2.9' }, p.udp({})),
  );
  const capture = captured(toServer, toClient, stray);

  test('by a bare id is all traffic', async () => {
    const { entries, books } = await replay(capture, '--eni', 'eni-all');
    expect(who(entries)).toEqual(['eni-all out 10.0.0.1', 'eni-all in 192.0.2.1', 'eni-all out 10.9.9.9']);
    expect(books.packets.logged).toBe(3);
    expect(books.interfaces[0].eniId).toBe('eni-all');
  });

  test.each(['192.0.2.1', '02:00:00:00:00:bb', '02-00-00-00-00-BB'])(
    'by %s is the traffic of that end',
    async (end) => {
      const { entries, books } = await replay(capture, '--eni', `eni-web=${end}`);
      expect(who(entries)).toEqual(['eni-web in 10.0.0.1', 'eni-web out 192.0.2.1']);
      expect(books.packets).toMatchObject({ seen: 3, logged: 2, excluded: { not_local: 1 } });
      expect(books.direction).toMatchObject({ eni: 2, private: 0 });
    },
  );

  test('by an interface is the traffic of that one, by name or by number', async () => {
    const packet = (number: number): ReturnType<typeof p.enhancedPacket> =>
      p.enhancedPacket({ interface: number, units: BigInt(T) * 1_000_000n, data: toServer });
    const two = workplace.file(
      p.section([p.interfaceBlock({ name: 'eth0' }), p.interfaceBlock({ name: 'eth1' }), packet(0), packet(1)]),
    );
    for (const end of ['eth1', '1']) {
      const { entries, books } = await replay(two, '--eni', `eni-db=${end}`);
      expect(who(entries)).toEqual(['eni-if0 out 10.0.0.1', 'eni-db out 10.0.0.1']);
      expect(books.interfaces.map(({ name, eniId }) => [name, eniId])).toEqual([
        ['eth0', 'eni-if0'],
        ['eth1', 'eni-db'],
      ]);
    }
  });

  test('naming both ends gives an out and an in entry, and the packet is in the books once', async () => {
    const { entries, books } = await replay(
      captured(toServer, toServer),
      '--eni',
      'eni-web=192.0.2.1,eni-app=10.0.0.1',
    );
    expect(who(entries)).toEqual(['eni-app out 10.0.0.1', 'eni-web in 10.0.0.1']);
    expect(entries.map(({ packets, bytes }) => [packets, bytes])).toEqual([
      ['2', '56'],
      ['2', '56'],
    ]);
    expect(books.packets).toMatchObject({ seen: 2, logged: 2 });
    expect(books.bytes).toMatchObject({ seen: 56, logged: 56 });
    expect(books.entries.ok).toBe(2);
  });

  test('that had no traffic is silent', async () => {
    const { entries, books } = await replay(
      captured(toServer, toServer),
      '--eni',
      'eni-web=192.0.2.1',
      '--eni',
      'eni-x=192.0.2.99',
    );
    expect(entries.map((e) => [e['eni-id'], e['log-status']])).toEqual([
      ['eni-web', 'OK'],
      ['eni-x', 'NODATA'],
    ]);
    expect(books.entries).toMatchObject({ ok: 1, nodata: 1 });
  });
});

describe.concurrent('direction', () => {
  test('is what --local says before anything that the file shows', async () => {
    const capture = captured(datagram('10.0.0.1', '192.0.2.1'), datagram('10.0.0.2', '192.0.2.1'));
    const shown = await replay(capture);
    expect(who(shown.entries)).toEqual(['eni-if0 in 10.0.0.1', 'eni-if0 in 10.0.0.2']);
    expect(shown.books.direction).toMatchObject({ shown_address: 2 });
    const told = await replay(capture, '--local', '10.0.0.1/32,fd00::/8');
    expect(who(told.entries)).toEqual(['eni-if0 out 10.0.0.1', 'eni-if0 in 10.0.0.2']);
    expect(told.books.direction).toMatchObject({ local: 1, shown_address: 1 });
  });

  test('is what the capture says before all else', async () => {
    const units = BigInt(T) * 1_000_000n;
    const data = datagram('10.0.0.1', '192.0.2.1');
    const capture = p.section([
      p.interfaceBlock(),
      p.enhancedPacket({ units, data, options: [p.directionOption('in')] }),
      p.enhancedPacket({ units, data, options: [p.directionOption('out')] }),
      p.enhancedPacket({ units, data }),
    ]);
    const { entries, books } = await replay(workplace.file(capture), '--local', '10.0.0.0/8');
    expect(who(entries)).toEqual(['eni-if0 in 10.0.0.1', 'eni-if0 out 10.0.0.1', 'eni-if0 out 10.0.0.1']);
    expect(books.direction).toMatchObject({ capture: 2, local: 1 });
  });

  test('of public ends is told by who opened: that side is outside', async () => {
    const packet = (isReply: boolean, flags: number): Uint8Array => {
      const [src, dst, sport, dport] = isReply
        ? ['192.0.2.1', '198.51.100.1', 80, 4000]
        : ['198.51.100.1', '192.0.2.1', 4000, 80];
      return p.ethernet({}, p.ipv4({ src, dst, protocol: p.PROTOCOL.tcp }, p.tcp({ sport, dport, flags })));
    };
    const { entries, books } = await replay(
      captured(packet(true, p.TCP_FLAG.syn | p.TCP_FLAG.ack), packet(false, p.TCP_FLAG.ack)),
    );
    expect(who(entries)).toEqual(['eni-if0 out 192.0.2.1', 'eni-if0 in 198.51.100.1']);
    expect(books.direction).toMatchObject({ opener: 2 });
  });
});

test('a flow table that is too small closes flows early, and every sum stays exact', async () => {
  const frames = Array.from({ length: 1500 }, (_, i) => {
    const flow = (i * 7) % 300;
    return datagram(`10.0.${flow >> 4}.${flow & 15}`, '192.0.2.1', (i * 31) % 700);
  });
  const capture = workplace.file(p.pcap(frames.map((data, i): p.PcapRecord => ({ sec: T + (i >> 4), data }))));
  const roomy = await replay(capture);
  const tight = await replay(capture, '--max-flows', '16');
  const sums = (entries: Entry[]): Map<string, [number, number]> => {
    const by = new Map<string, [number, number]>();
    for (const entry of entries) {
      const key = [entry.srcaddr, entry.dstaddr, Math.floor(Number(entry.start) / 60)].join(' ');
      const [packets, bytes] = by.get(key) ?? [0, 0];
      by.set(key, [packets + Number(entry.packets), bytes + Number(entry.bytes)]);
    }
    return by;
  };
  expect(roomy.books.closedEarly).toBe(0);
  expect(tight.books.closedEarly).toBeGreaterThan(0);
  expect(tight.entries.length).toBeGreaterThan(roomy.entries.length);
  expect(Object.fromEntries(sums(tight.entries))).toEqual(Object.fromEntries(sums(roomy.entries)));
  expect(tight.books.packets).toEqual(roomy.books.packets);
  expect(tight.books.bytes).toEqual(roomy.books.bytes);
  const again = await replay(capture, '--max-flows', '16');
  expect(again.stdout === tight.stdout).toBe(true);
  const entries = workplace.file(tight.stdout);
  const verified = await windrow(['verify', capture, entries, '--window', '60', '--max-flows', '16']);
  expect(verified).toMatchObject({ code: 0, stderr: '' });
  expect(verified.stdout).toMatch(/^equal: /);
});
