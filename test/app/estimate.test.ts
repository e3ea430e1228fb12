// What a month would cost: entries and bytes as a replay writes them, at each interval, and what comes of bad input.
import { describe, expect, test } from 'vitest';
import type { Estimate } from '../../src/app/estimate_report.ts';
import type { Sizes } from '../../src/flowlog/entry_sizes.ts';
import * as p from '../packets.ts';
import { Workplace, linesOf, windrow } from './program.ts';

const workplace = new Workplace();

/** The start of a window, whatever its interval. */
const T = 1_000_200;

function datagram(sport: number, ip = p.ipv4): Uint8Array {
  return p.ethernet({}, ip({ src: '10.0.0.1', dst: '192.0.2.1' }, p.udp({ sport, dport: 53 }, new Uint8Array(10))));
}

const datagram6 = p.ethernet({ type: 0x86dd }, p.ipv6({ next: 17 }, p.udp({ dport: 53 })));

/** 30 min, of which the last 12 but one second are silent; a flow that goes on, others, IPv6 and ARP. */
const CAPTURE = p.pcap([
  ...Array.from({ length: 36 }, (_, i): p.PcapRecord => ({ sec: T + 30 * i, data: datagram(1000) })),
  ...Array.from({ length: 20 }, (_, i): p.PcapRecord => ({ sec: T + 3 * i, data: datagram(2000 + i) })),
  { sec: T + 100, data: datagram6 },
  { sec: T + 200, data: p.ethernet({ type: 0x0806 }, new Uint8Array(28)) },
  { sec: T + 1800, data: datagram(1) },
]);
const capture = workplace.file(CAPTURE, 'office.pcap');

async function estimate(...args: string[]): Promise<Estimate> {
  const { code, stdout, stderr } = await windrow(['estimate', ...args, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Estimate;
}

const part = (lines: readonly string[]): { entries: number; bytes: number } => ({
  entries: lines.length,
  bytes: lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0),
});

describe.concurrent('an estimate', () => {
  test('has the entries and the bytes that a replay writes, at each interval', async () => {
    const { intervals, capture: of } = await estimate(capture);
    expect(of).toEqual({ paths: [capture], first: T, last: T + 1800, seconds: 1800, packets: 59, incomplete: [] });
    expect(intervals.map(({ minutes }) => minutes)).toEqual([1, 5, 10]);
    for (const { minutes, measured } of intervals) {
      const lines = linesOf((await windrow(['replay', capture, '--interval', `${minutes}`])).stdout);
      const having = (key: string, value: string): string[] => lines.filter((l) => l.includes(`"${key}":"${value}"`));
      const by = (key: string, ...values: string[]): Sizes['byType'] =>
        Object.fromEntries(values.map((value) => [value, part(having(key, value))]));
      expect(measured).toEqual({
        ...part(lines),
        byStatus: by('log-status', 'NODATA', 'OK'),
        byType: by('type', 'IPv4', 'IPv6', '-'),
        byAction: by('action', 'ACCEPT', '-'),
        byTrafficPath: by('traffic_path', '-'),
      });
      expect(having('log-status', 'NODATA').length).toBeGreaterThan(0);
    }
    const entries = intervals.map(({ measured }) => measured.byStatus['OK'].entries);
    expect(entries[0]).toBeGreaterThan(entries[1]);
    expect(entries[1]).toBeGreaterThan(entries[2]);
  });

  test('is scaled to 30 days by the time from the first packet to the last', async () => {
    const { intervals, monthDays } = await estimate(capture);
    expect(monthDays).toBe(30);
    for (const { measured, month, fee } of intervals) {
      expect(month.entries).toBe(measured.entries * 1440);
      expect(month.bytes).toBe(measured.bytes * 1440);
      expect(Number(month.gb)).toBeCloseTo(month.bytes / 2 ** 30, 5);
      expect(fee.total).toBe('0.00');
    }
  });

  test('counts as it is told to, with any number of workers', async () => {
    const of = ['--eni', 'eni-a=10.0.0.1'];
    const { intervals } = await estimate(capture, ...of, '--workers', '2');
    const { stdout } = await windrow(['replay', capture, '--interval', '5', ...of]);
    expect(stdout).toContain('"eni-id":"eni-a"');
    expect(intervals[1].measured).toMatchObject(part(linesOf(stdout)));
    // The IPv6 packets are of no named ENI.
    expect(intervals[1].measured.byType).not.toHaveProperty('IPv6');
  });

  test('knows paths and verdicts by a network', async () => {
    const network = workplace.file(
      JSON.stringify({
        vpcs: [
          {
            ...{ id: 'vpc-a', cidrs: ['10.0.0.0/16'], route_table: 'rtb-a' },
            vswitches: [{ id: 'vsw-a', cidrs: ['10.0.0.0/24'] }],
          },
        ],
        security_groups: [
          {
            ...{ id: 'sg-a', vpc: 'vpc-a' },
            rules: [{ id: 'r', direction: 'out', policy: 'drop', protocol: 'udp', ports: 53, cidr: '192.0.2.0/24' }],
          },
        ],
        enis: [{ id: 'eni-a', vswitch: 'vsw-a', addresses: ['10.0.0.1'], security_groups: ['sg-a'] }],
        route_tables: [{ id: 'rtb-a', vpc: 'vpc-a', routes: [{ cidr: '192.0.2.0/24', next_hop: { type: 'vbr' } }] }],
      }),
      'network.json',
    );
    const { intervals } = await estimate(capture, '--network', network);
    for (const { minutes, measured } of intervals) {
      const { stdout } = await windrow(['replay', capture, '--network', network, '--interval', `${minutes}`]);
      const lines = linesOf(stdout);
      const having = (text: string): Sizes['byType'][string] => part(lines.filter((line) => line.includes(text)));
      expect(measured).toMatchObject(part(lines));
      expect(measured.byTrafficPath).toEqual({ 10: having('"traffic_path":"10"'), '-': having('NODATA') });
      expect(measured.byAction).toEqual({ REJECT: having('REJECT'), '-': having('NODATA') });
      // The IPv6 packet is of no ENI.
      expect(measured.byType).not.toHaveProperty('IPv6');
    }
    const people = await windrow(['estimate', capture, '--network', network]);
    expect(people.stdout).toMatch(/traffic_path +10 .*\n.*traffic_path +- /);
    const both = await windrow(['estimate', capture, '--network', network, '--eni', 'a']);
    expect([both.code, both.stderr]).toEqual([2, expect.stringMatching(/--eni and --network/)]);
  });

  test('takes several files as one capture, and SKIPDATA as entries', async () => {
    const drops = p.section([
      p.interfaceBlock({ linkType: p.LINK_TYPE.ethernet }),
      p.enhancedPacket({ units: BigInt(T + 2000) * 1_000_000n, data: datagram(5) }),
      p.statistics({ units: BigInt(T + 2001) * 1_000_000n, drops: 7n }),
    ]);
    const { intervals, capture: of } = await estimate(workplace.file(drops), capture);
    expect(of).toMatchObject({ seconds: 2000, packets: 60 });
    expect(intervals[2].measured.byStatus['SKIPDATA']).toMatchObject({ entries: 1 });
  });

  test('of a capture that is shorter than a window says that it is too high', async () => {
    const short = workplace.file(
      p.pcap([
        { sec: T, data: datagram(1) },
        { sec: T + 90, data: datagram(1) },
      ]),
    );
    const { intervals } = await estimate(short);
    expect(intervals[0].warnings).toEqual([]);
    for (const { minutes, warnings } of intervals.slice(1)) {
      expect(warnings).toEqual([
        expect.stringContaining(`the capture has 90 s, less than one window of ${minutes} min`),
      ]);
    }
    // A single packet has a second.
    const one = await estimate(workplace.file(p.pcap([{ sec: T, data: datagram(1) }])));
    expect(one.capture.seconds).toBe(1);
    expect(one.intervals[0].month.entries).toBe(2_592_000);
  });

  test('for people says what was measured and what is extrapolated, what each tier costs, and what is not in it', async () => {
    const { code, stdout, stderr } = await windrow(['estimate', capture]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Measured: 59 packets in 1,800 s, 1970-01-12 13:50:00 to 1970-01-12 14:20:00 \(UTC\)$/m);
    expect(stdout).toMatch(/^Extrapolated to a month of 30 days, as if all of it were like the capture$/m);
    expect(stdout).toMatch(/^10 min +\d+,\d+ +0\.\d{3} +0\.00 *$/m);
    expect(stdout).toMatch(/^10,240 to 30,720 GB +0\.185 +0\.00 +0\.00 +0\.00 *$/m);
    expect(stdout).toMatch(/charges for writing and keeping entries is not in it/);
    expect(stdout).not.toContain('warning');
  });

  test('of a damaged capture counts what there is, says so, and ends with 3', async () => {
    const cut = workplace.file(CAPTURE.subarray(0, CAPTURE.length - 5));
    const { code, stdout, stderr } = await windrow(['estimate', cut, '--json']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^windrow: .*it counts as far as that\n$/);
    expect((JSON.parse(stdout) as Estimate).capture).toMatchObject({ packets: 58, incomplete: [cut] });
  });
});

describe.concurrent('prices of a file', () => {
  const GOOD = 'currency: EUR\nfree_gb: 0\ntiers:\n  - { up_to_gb: 0.00001, price: 1000000.005 }\n  - price: "0"\n';

  test('take the place of the built-in ones, exactly as they are written', async () => {
    const { prices, intervals } = await estimate(capture, '--prices', workplace.file(GOOD));
    expect(prices).toEqual({
      currency: 'EUR',
      freeGb: '0',
      tiers: [{ upToGb: '0.00001', price: '1000000.005' }, { price: '0' }],
    });
    expect(intervals.map(({ fee }) => fee.total)).toEqual(['10.00', '10.00', '10.00']);
    expect(intervals[0].fee.tiers[0]).toMatchObject({ gb: '0.00001', fee: '10.00' });
  });

  test.each<[string, string, RegExp]>([
    ['an empty file', '', /:1:1: expected a mapping of currency, free_gb and tiers, found something else/],
    ['no mapping', '- 1\n', /:1:1: expected a mapping/],
    ['no YAML', 'currency: [\n', /:\d:\d: expected YAML: /],
    ['a key that is missing', 'currency: EUR\nfree_gb: 5\n', /:1:1: expected a mapping .*, found no tiers/],
    [
      'an unknown key',
      GOOD.replace('free_gb', 'free_bg'),
      /:(2:1: free_bg: .*did you mean free_gb\?|1:1: .*no free_gb)/,
    ],
    ['a price below 0', GOOD.replace('"0"', '-1'), /:5:12: tiers\.1\.price: expected a decimal .*, found -1/],
    ['an exponent', GOOD.replace('"0"', '1e3'), /:5:12: tiers\.1\.price: .*, found 1e3/],
    ['no number', GOOD.replace('"0"', '[1]'), /:5:12: tiers\.1\.price: expected a decimal .*, found something else/],
    [
      'a last tier with an end',
      GOOD.replace('price: "0"', '{ up_to_gb: 9, price: 1 }'),
      /:5:5: tiers\.1: expected no up_to_gb/,
    ],
    ['a first tier without one', GOOD.replace('up_to_gb: 0.00001, ', ''), /:4:5: tiers\.0: expected where it ends/],
    [
      'tiers that go back',
      GOOD.replace('up_to_gb: 0.00001', 'up_to_gb: 0'),
      /:4:17: tiers\.0\.up_to_gb: expected more than 0/,
    ],
    ['no tier', 'currency: EUR\nfree_gb: 5\ntiers: []\n', /:3:8: tiers: expected a list of 1 to 100 tiers/],
    ['an alias', 'currency: &c EUR\nfree_gb: *c\ntiers: [{price: 1}]\n', /:2:10: expected a value, found an alias/],
    ['a key twice', GOOD + 'currency: USD\n', /:6:1: expected YAML: /],
    ['no currency', GOOD.replace('EUR', '"EU\\e[31m"'), /:1:11: currency: expected three letters/],
  ])('are refused with their place: %s', async (_, text, expected) => {
    const file = workplace.file(text);
    const { code, stdout, stderr } = await windrow(['estimate', capture, '--prices', file]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.startsWith(`windrow: ${file}:`)).toBe(true);
    expect(stderr).toMatch(expected);
    expect(linesOf(stderr)).toHaveLength(1);
  });

  test('that cannot be read are refused', async () => {
    const end = await windrow(['estimate', capture, '--prices', workplace.at('none.yaml')]);
    expect(end).toMatchObject({ code: 2, stdout: '' });
    expect(end.stderr).toMatch(/^windrow: --prices .*none\.yaml: cannot be read: there is no such file\n$/);
  });
});

describe.concurrent('an estimate refuses', () => {
  test('a capture without packets, and one without time', async () => {
    const empty = await windrow(['estimate', workplace.file(p.pcap([]))]);
    expect(empty).toMatchObject({ code: 1, stdout: '' });
    expect(empty.stderr).toMatch(/expected the traffic of some time, found no packets: /);
    const simple = p.section([p.interfaceBlock({ linkType: p.LINK_TYPE.ethernet }), p.simplePacket(datagram(1))]);
    const untimed = await windrow(['estimate', workplace.file(simple)]);
    expect(untimed).toMatchObject({ code: 1, stdout: '' });
    expect(untimed.stderr).toMatch(/found no packet that has a time/);
  });

  test('streams, which can be read once only', async () => {
    const end = await windrow(['estimate', '-'], { stdin: CAPTURE });
    expect(end).toMatchObject({ code: 2, stdout: '' });
    expect(end.stderr).toMatch(/^windrow: standard input: expected a file, found a stream: /);
  });

  test('what is no capture, what is not there, and options of one length of windows', async () => {
    const none = await windrow(['estimate', workplace.at('none')]);
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toContain('there is no such file');
    expect(await windrow(['estimate', workplace.file('no capture')])).toMatchObject({ code: 1, stdout: '' });
    expect(await windrow(['estimate', capture, '--interval', '1'])).toMatchObject({ code: 2, stdout: '' });
    const late = await windrow(['estimate', capture, '--lateness', '5000']);
    expect(late).toMatchObject({ code: 2, stdout: '' });
    expect(late.stderr).toContain('--lateness 5000 keeps too many windows open');
  });
});
