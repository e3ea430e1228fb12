// What a capture may come as: several files, a stream, compressed, of several link types. The entries are the same.
import zlib from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import * as p from '../packets.ts';
import { brief, entriesOf } from './entry_line.ts';
import { Workplace, shell, windrow } from './program.ts';
import type { Ended } from './program.ts';

const workplace = new Workplace();

const T = 1_000_020;
const OPTIONS = ['--window', '60', '--quiet'];

function datagram(host: number, sport: number): Uint8Array {
  return p.ethernet({}, p.ipv4({ src: `10.0.0.${host}`, dst: '192.0.2.1' }, p.udp({ sport }, new Uint8Array(host))));
}

/** Some minutes of traffic of many flows, with gaps and a little disorder. */
function traffic(): p.PcapRecord[] {
  return Array.from({ length: 600 }, (_, i) => ({
    sec: T + Math.floor(i / 2) + (i % 7 === 3 ? -1 : 0) + (i > 400 ? 500 : 0),
    fraction: (i * 7919) % 1_000_000,
    data: datagram(i % 11, 1000 + (i % 97)),
  }));
}

const inTime = (records: p.PcapRecord[]): p.PcapRecord[] =>
  records.toSorted((a, b) => a.sec! - b.sec! || a.fraction! - b.fraction!);

function expectClean({ code, stderr }: Ended): void {
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

describe.concurrent('the same bytes come out', () => {
  const capture = p.pcap(traffic());
  let whole: string;
  let plain: string;

  beforeAll(async () => {
    plain = workplace.file(capture, 'x.pcap');
    workplace.file(zlib.gzipSync(capture), 'x.pcap.gz');
    const end = await windrow(['replay', plain, ...OPTIONS]);
    expectClean(end);
    whole = end.stdout;
    expect(entriesOf(whole).length).toBeGreaterThan(100);
  });

  test('at every run, and with any number of workers', async () => {
    for (const args of [[], ['--workers', '3']]) {
      const end = await windrow(['replay', plain, ...OPTIONS, ...args]);
      expectClean(end);
      expect(end.stdout === whole).toBe(true);
    }
  });

  test('of standard input, a pipe or a file', async () => {
    const piped = await shell('cat "$1" | windrow replay - --window 60 --quiet', [plain]);
    expectClean(piped);
    expect(piped.stdout === whole).toBe(true);
    const redirected = await shell('windrow replay - --window 60 --quiet < "$1"', [plain]);
    expectClean(redirected);
    expect(redirected.stdout === whole).toBe(true);
  });

  test('of a gzip-compressed capture, whatever its name, from a file or a pipe', async () => {
    workplace.file(zlib.gzipSync(capture), 'named.pcap');
    for (const name of ['x.pcap.gz', 'named.pcap']) {
      const end = await windrow(['replay', workplace.at(name), ...OPTIONS]);
      expectClean(end);
      expect(end.stdout === whole).toBe(true);
    }
    const piped = await shell('cat "$1" | windrow replay - --window 60 --quiet', [workplace.at('x.pcap.gz')]);
    expectClean(piped);
    expect(piped.stdout === whole).toBe(true);
  });

  test('of a stream that comes in small pieces', async () => {
    const end = await shell('dd if="$1" bs=701 2>/dev/null | windrow replay - --window 60 --quiet', [plain]);
    expectClean(end);
    expect(end.stdout === whole).toBe(true);
  });

  test('into a file as to a pipe', async () => {
    expectClean(await windrow(['replay', plain, ...OPTIONS, '--output', workplace.at('out.ndjson')]));
    expect(workplace.read('out.ndjson') === whole).toBe(true);
  });
});

describe.concurrent('several files', () => {
  test('are one capture in the order of time, and one of them may be a pipe', async () => {
    const records = inTime(traffic());
    const whole = await windrow(['replay', workplace.file(p.pcap(records)), ...OPTIONS]);
    const parts = [0, 1, 2].map((part) => records.filter((_, i) => (i * i + (i >> 3)) % 3 === part));
    const [one, two, three] = [
      workplace.file(p.pcap(parts[0], { isBigEndian: true })),
      workplace.file(zlib.gzipSync(p.pcap(parts[1]))),
      workplace.file(
        p.section([
          p.interfaceBlock(),
          ...parts[2].map(({ data, sec, fraction }) =>
            p.enhancedPacket({ data, units: BigInt(sec!) * 1_000_000n + BigInt(fraction!) }),
          ),
        ]),
      ),
    ];
    const merged = await windrow(['replay', three, one, two, ...OPTIONS]);
    expectClean(merged);
    expect(merged.stdout === whole.stdout).toBe(true);
    const piped = await shell('cat "$1" | windrow replay "$2" - "$3" --window 60 --quiet', [one, two, three]);
    expectClean(piped);
    expect(piped.stdout === whole.stdout).toBe(true);
  });

  test('that follow one another may be named in any order', async () => {
    const files = [0, 1, 2, 3].map((hour) =>
      workplace.file(p.pcap([{ sec: T + hour * 3600, data: datagram(hour + 1, 1000) }])),
    );
    const { stdout } = await windrow(['replay', files[2], files[0], files[3], files[1], ...OPTIONS]);
    const seen = entriesOf(stdout).filter((entry) => entry['log-status'] === 'OK');
    expect(seen.map(({ srcaddr }) => srcaddr)).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']);
  });

  test('that follow one another are open one at a time', async () => {
    const files = Array.from({ length: 150 }, (_, i) =>
      workplace.file(p.pcap([{ sec: T + i * 10, data: datagram(1, 1000) }])),
    );
    const end = await shell('ulimit -n 60; windrow replay "$@" --window 3600 --quiet', files);
    expectClean(end);
    expect(entriesOf(end.stdout).reduce((sum, { packets }) => sum + Number(packets), 0)).toBe(150);
  });

  test('with packets of the same time are taken in the order of their names', async () => {
    const [a, b] = [1, 2].map((host) => workplace.file(p.pcap([{ sec: T, data: datagram(host, 1000) }])));
    const order = async (...files: string[]): Promise<string[]> =>
      entriesOf((await windrow(['replay', ...files, ...OPTIONS])).stdout).map(({ srcaddr }) => srcaddr);
    expect(await order(a, b)).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(await order(b, a)).toEqual(['10.0.0.2', '10.0.0.1']);
  });

  test('of which one has no packets are those of the others', async () => {
    const some = workplace.file(p.pcap([{ sec: T, data: datagram(1, 1000) }]));
    const end = await windrow(['replay', workplace.file(p.pcap([])), some, ...OPTIONS]);
    expectClean(end);
    expect(entriesOf(end.stdout)).toHaveLength(1);
  });
});

test('a capture without packets has no entries, and its books are empty and balanced', async () => {
  const end = await windrow([
    'replay',
    workplace.file(p.pcap([])),
    ...OPTIONS,
    '--accounting',
    workplace.at('none.json'),
  ]);
  expectClean(end);
  expect(end.stdout).toBe('');
  expect(JSON.parse(workplace.read('none.json'))).toMatchObject({ packets: { seen: 0, logged: 0 } });
});

describe.concurrent('link types', () => {
  const USER0 = 147;
  const packets = (number: number, count: number): ReturnType<typeof p.enhancedPacket>[] =>
    Array.from({ length: count }, (_, i) =>
      p.enhancedPacket({ interface: number, units: BigInt(T + i * 30) * 1_000_000n, data: datagram(1, 1000) }),
    );

  test('that are not read are exclusions beside one that is, and the command says so', async () => {
    const capture = p.section([
      p.interfaceBlock(),
      p.interfaceBlock({ linkType: USER0 }),
      ...packets(0, 1),
      ...packets(1, 3),
    ]);
    const file = workplace.file(capture);
    const args = ['replay', file, '--window', '60', '--accounting', workplace.at('beside.json')];
    const { code, stdout, stderr } = await windrow(args);
    expect(code).toBe(0);
    expect(
      entriesOf(stdout)
        .filter((entry) => entry['log-status'] === 'OK')
        .map(brief),
    ).toEqual(['out 10.0.0.1:1000 > 192.0.2.1:53 17 1/29']);
    expect(stderr).toContain('(3 unsupported_link_type)');
    expect(stderr).toMatch(/^windrow: interface 1: 3 packets of link type USER0 .*unsupported_link_type$/m);
    const frame = datagram(1, 1000).length;
    const books = JSON.parse(workplace.read('beside.json')) as Record<'packets' | 'bytes', unknown>;
    expect(books.packets).toMatchObject({ seen: 4, logged: 1, excluded: { unsupported_link_type: 3, not_ip: 0 } });
    expect(books.bytes).toMatchObject({ seen: 29 + 3 * frame, excluded: { unsupported_link_type: 3 * frame } });
    expect((await windrow([...args, '--quiet'])).stderr).toBe('');
  });

  test.each<[string, () => Uint8Array]>([
    ['a pcap', () => p.pcap([{ sec: T, data: datagram(1, 1000) }], { linkType: USER0 })],
    ['a pcap without packets', () => p.pcap([], { linkType: USER0 })],
    ['a pcapng of one interface', () => p.section([p.interfaceBlock({ linkType: USER0 }), ...packets(0, 20)])],
    [
      'a pcapng of which another such interface has no packets',
      () =>
        p.section([p.interfaceBlock({ linkType: USER0 }), p.interfaceBlock({ linkType: USER0 }), ...packets(0, 20)]),
    ],
  ])('that are not read refuse %s: number and name, and no output', async (_, capture) => {
    const file = workplace.file(capture());
    const outputs = ['--output', workplace.at('refused.ndjson'), '--accounting', workplace.at('refused.json')];
    const { code, stdout, stderr } = await windrow(['replay', file, '--window', '60', ...outputs]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^windrow: .*link type is 147 \(USER0\).*\n$/);
    expect(stderr.trimEnd()).not.toContain('\n');
    expect(workplace.has('refused.ndjson')).toBe(false);
    expect(workplace.has('refused.json')).toBe(false);
  });

  test('of several interfaces are read each as its own', async () => {
    const raw = p.ipv4({ src: '10.0.0.7', dst: '192.0.2.1' }, p.udp({ sport: 7 }));
    const capture = p.section([
      p.interfaceBlock({ linkType: p.LINK_TYPE.raw }),
      p.interfaceBlock(),
      p.enhancedPacket({ interface: 0, data: raw }),
      p.enhancedPacket({ interface: 1, data: datagram(1, 1000) }),
    ]);
    const { stdout } = await windrow(['replay', workplace.file(capture), ...OPTIONS]);
    expect(entriesOf(stdout).map((entry) => `${entry['eni-id']} ${brief(entry)}`)).toEqual([
      'eni-if0 out 10.0.0.7:7 > 192.0.2.1:53 17 1/28',
      'eni-if1 out 10.0.0.1:1000 > 192.0.2.1:53 17 1/29',
    ]);
  });
});

test('--decapsulate makes the packet inside a tunnel the flow, and without it the tunnel is', async () => {
  const inner = p.ipv4(
    { src: '10.1.0.1', dst: '198.51.100.9', protocol: p.PROTOCOL.tcp },
    p.tcp({ sport: 5, dport: 6 }),
  );
  const inGre = p.ipv4({ protocol: p.PROTOCOL.gre }, p.gre(0x0800, inner));
  const inVxlan = p.ipv4({}, p.udp({ sport: 999, dport: 4789 }, p.vxlan(7, p.ethernet({}, inner))));
  const capture = workplace.file(p.pcap([inGre, inVxlan].map((packet) => ({ sec: T, data: p.ethernet({}, packet) }))));
  const flows = async (...args: string[]): Promise<string[]> =>
    entriesOf((await windrow(['replay', capture, ...OPTIONS, ...args])).stdout).map(brief);
  expect(await flows()).toEqual([
    `out 10.0.0.1:- > 192.0.2.1:- 47 1/${inGre.length}`,
    `out 10.0.0.1:999 > 192.0.2.1:4789 17 1/${inVxlan.length}`,
  ]);
  expect(await flows('--decapsulate')).toEqual(['out 10.1.0.1:5 > 198.51.100.9:6 6 2/80']);
});
