// What people ask flow logs: each of the documentation's examples is put to entries that the command made of a capture, with
// its filters and sums, and has the answer that the documentation finds.
import { describe, expect, test } from 'vitest';
import * as p from '../packets.ts';
import { entriesOf } from './entry_line.ts';
import type { Entry } from './entry_line.ts';
import { Workplace, windrow } from './program.ts';

const workplace = new Workplace();

const { syn, ack, psh, rst } = p.TCP_FLAG;

/** 2026-01-05 14:00:00 UTC. */
const BEGIN = 1_767_621_600;
const ROUTER = '02:00:00:00:00:01';

interface Sent {
  /** Seconds from BEGIN. */
  readonly at: number;
  /** "10.0.0.1 5000 > 10.0.0.2 80". */
  readonly flow: string;
  readonly flags?: number;
  /** Of layer 3; the capture has the headers alone. */
  readonly bytes?: number;
  readonly macs?: { readonly src: string; readonly dst: string };
}

function captureOf(sent: readonly Sent[]): string {
  const records = sent.map(
    ({ at, flow, flags = ack, bytes = 40, macs = { src: ROUTER, dst: ROUTER } }): p.PcapRecord => {
      const [src, sport, , dst, dport] = flow.split(' ');
      const segment = p.tcp({ sport: Number(sport), dport: Number(dport), flags });
      const data = p.ethernet(macs, p.ipv4({ src, dst, protocol: p.PROTOCOL.tcp, totalLength: bytes }, segment));
      const [sec, fraction] = [BEGIN + Math.floor(at), Math.round((at % 1) * 1e6)];
      return { sec, fraction, data, wireLength: 14 + bytes };
    },
  );
  return workplace.file(p.pcap(records.sort((a, b) => a.sec! - b.sec! || a.fraction! - b.fraction!)));
}

/** So many packets a second in these seconds. */
function steady(from: number, to: number, perSecond: number, one: Omit<Sent, 'at'>): Sent[] {
  return Array.from({ length: (to - from) * perSecond }, (_, i) => ({ ...one, at: from + i / perSecond }));
}

async function logged(sent: readonly Sent[], network: string, ...args: readonly string[]): Promise<Entry[]> {
  const options = ['--network', workplace.file(network), '--quiet', ...args];
  const { code, stdout, stderr } = await windrow(['replay', captureOf(sent), ...options]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return entriesOf(stdout).filter((entry) => entry['log-status'] === 'OK');
}

/** SELECT key, SUM(value) ... GROUP BY key, in the order in which keys come. */
function sumBy(
  entries: readonly Entry[],
  key: (entry: Entry) => string,
  value: (entry: Entry) => number,
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const entry of entries) sums[key(entry)] = (sums[key(entry)] ?? 0) + value(entry);
  return sums;
}

/** "14:05": the minute in which its window begins. */
function minuteOf({ start }: Entry): string {
  return new Date(Number(start) * 1000).toISOString().slice(11, 16);
}

/** SUM(bytes * 8 / 60), in kbit/s, by minute and what `key` says. */
const rates = (entries: readonly Entry[], key: (entry: Entry) => string): Record<string, number> =>
  sumBy(
    entries,
    (entry) => `${minuteOf(entry)} ${key(entry)}`,
    ({ bytes }) => (Number(bytes) * 8) / 60 / 1000,
  );
const pair = ({ srcaddr, dstaddr }: Entry): string => `${srcaddr}->${dstaddr}`;

describe.concurrent('entries say', () => {
  test('who comes to a port, and whether the security group lets them', async () => {
    const network = `
vpcs: [{ id: vpc-1, cidrs: [10.0.0.0/16], vswitches: [{ id: vsw-1, cidrs: [10.0.0.0/24] }] }]
security_groups:
  - id: sg-web
    vpc: vpc-1
    rules: [{ id: known, direction: in, policy: accept, protocol: tcp, ports: 80, cidr: 120.26.0.0/16 }]
enis: [{ id: eni-web, vm: i-web, vswitch: vsw-1, addresses: [10.0.0.1], security_groups: [sg-web] }]
`;
    const request = (at: number, client: string, port: number): Sent[] => [
      { at, flow: `${client} ${port} > 10.0.0.1 80`, flags: syn },
      { at: at + 1, flow: `10.0.0.1 80 > ${client} ${port}`, flags: client.startsWith('120') ? syn | ack : rst | ack },
    ];
    const entries = await logged(
      [
        ...[0, 10, 20, 30].flatMap((at) => request(at, '120.26.1.9', 5000 + at)),
        // One connection goes on in the next window, where it is one more entry.
        ...[40, 300, 700].map((at) => ({ at, flow: '120.26.1.9 5030 > 10.0.0.1 80', flags: psh | ack })),
        ...[5, 6, 7].flatMap((at) => request(at, '176.65.1.9', 6000 + at)),
        ...[15, 615].flatMap((at) => request(at, '198.235.1.9', 7000)),
        ...request(25, '121.43.1.9', 8000),
        ...request(26, '154.212.1.9', 9000),
        // Another port, and another way: neither is asked for.
        { at: 27, flow: '154.212.1.9 9001 > 10.0.0.1 22', flags: syn },
        { at: 28, flow: '10.0.0.1 9002 > 121.43.1.9 80', flags: syn },
      ],
      network,
    );
    const asked = entries.filter(({ dstaddr, dstport }) => dstaddr === '10.0.0.1' && dstport === '80');
    const count = (action: string): Record<string, number> =>
      sumBy(
        asked,
        ({ srcaddr }) => srcaddr,
        (entry) => (entry.action === action ? 1 : 0),
      );
    const [accepted, rejected] = [count('ACCEPT'), count('REJECT')];
    const found = Object.keys(accepted)
      .sort((a, b) => accepted[b] + rejected[b] - accepted[a] - rejected[a])
      .map((source) => [source, accepted[source], rejected[source]]);
    expect(found).toEqual([
      ['120.26.1.9', 5, 0],
      ['176.65.1.9', 0, 3],
      ['198.235.1.9', 0, 2],
      ['121.43.1.9', 0, 1],
      ['154.212.1.9', 0, 1],
    ]);
    expect(entries.length).toBeGreaterThan(asked.length);
  });

  test('how fast instances of a VPC talk to each other', async () => {
    const network = `
vpcs: [{ id: vpc-1, cidrs: [10.0.0.0/16], vswitches: [{ id: vsw-1, cidrs: [10.0.0.0/24] }] }]
enis:
  - { id: eni-1, vm: i-1, vswitch: vsw-1, addresses: [10.0.0.1] }
  - { id: eni-2, vm: i-2, vswitch: vsw-1, addresses: [10.0.0.2] }
  - { id: eni-3, vm: i-3, vswitch: vsw-1, addresses: [10.0.0.3] }
`;
    const entries = await logged(
      [
        ...steady(0, 180, 20, { flow: '10.0.0.1 5001 > 10.0.0.2 80', bytes: 8750 }),
        ...steady(0, 180, 10, { flow: '10.0.0.1 5002 > 10.0.0.3 80', bytes: 8750 }),
        ...steady(60, 120, 1, { flow: '10.0.0.2 80 > 10.0.0.1 5001', bytes: 750 }),
        ...steady(0, 180, 30, { flow: '10.0.0.2 5003 > 10.0.0.3 80', bytes: 8750 }),
      ],
      network,
      ...['--interval', '1'],
    );
    // Its flow log is that of one instance; of packets between two there is an entry at the other as well.
    const ofFirst = entries.filter((entry) => entry['eni-id'] === 'eni-1');
    expect(rates(ofFirst, pair)).toEqual({
      '14:00 10.0.0.1->10.0.0.2': 1400,
      '14:00 10.0.0.1->10.0.0.3': 700,
      '14:01 10.0.0.1->10.0.0.2': 1400,
      '14:01 10.0.0.1->10.0.0.3': 700,
      '14:01 10.0.0.2->10.0.0.1': 6,
      '14:02 10.0.0.1->10.0.0.2': 1400,
      '14:02 10.0.0.1->10.0.0.3': 700,
    });
    const received = entries.filter((entry) => entry['eni-id'] === 'eni-2' && entry.direction === 'in');
    const sent = ofFirst.filter(({ dstaddr }) => dstaddr === '10.0.0.2');
    expect(rates(received, pair)).toEqual(rates(sent, pair));
    expect(new Set(entries.map((entry) => entry.traffic_path))).toEqual(new Set(['2']));
  });

  test('which instances make the traffic between two VPCs', async () => {
    const network = `
vpcs:
  - { id: vpc-1, cidrs: [10.0.0.0/16], route_table: rtb-1, vswitches: [{ id: vsw-1, cidrs: [10.0.0.0/24] }] }
  - { id: vpc-2, cidrs: [172.16.0.0/16], route_table: rtb-2, vswitches: [{ id: vsw-2, cidrs: [172.16.0.0/24] }] }
route_tables:
  - { id: rtb-1, vpc: vpc-1, routes: [{ cidr: 172.16.0.0/16, next_hop: { type: peering } }] }
  - { id: rtb-2, vpc: vpc-2, routes: [{ cidr: 10.0.0.0/16, next_hop: { type: peering } }] }
enis:
  - { id: eni-11, vm: i-11, vswitch: vsw-1, addresses: [10.0.0.1] }
  - { id: eni-12, vm: i-12, vswitch: vsw-1, addresses: [10.0.0.2] }
  - { id: eni-21, vm: i-21, vswitch: vsw-2, addresses: [172.16.0.1] }
`;
    const entries = await logged(
      [
        ...steady(0, 180, 1, { flow: '10.0.0.1 5001 > 172.16.0.1 80', bytes: 750 }),
        ...steady(60, 120, 100, { flow: '10.0.0.1 5002 > 172.16.0.1 873', bytes: 7500 }),
        ...steady(0, 180, 2, { flow: '172.16.0.1 5003 > 10.0.0.2 80', bytes: 750 }),
        ...steady(0, 180, 9, { flow: '10.0.0.2 5004 > 10.0.0.1 80', bytes: 1500 }),
      ],
      network,
      ...['--interval', '1'],
    );
    const ofVpc = entries.filter((entry) => entry['vpc-id'] === 'vpc-1');
    const between = ofVpc.filter(
      ({ srcaddr, dstaddr }) =>
        (srcaddr.startsWith('10.0.') && dstaddr.startsWith('172.16.')) ||
        (srcaddr.startsWith('172.16.') && dstaddr.startsWith('10.0.')),
    );
    expect(rates(between, pair)).toEqual({
      '14:00 10.0.0.1->172.16.0.1': 6,
      '14:00 172.16.0.1->10.0.0.2': 12,
      '14:01 10.0.0.1->172.16.0.1': 6006,
      '14:01 172.16.0.1->10.0.0.2': 12,
      '14:02 10.0.0.1->172.16.0.1': 6,
      '14:02 172.16.0.1->10.0.0.2': 12,
    });
    // The path says the same as the addresses.
    expect(ofVpc.filter((entry) => entry.traffic_path === '17')).toEqual(between);
    expect(ofVpc.length).toBeGreaterThan(between.length);
  });

  test('which instances behind a NAT gateway make its traffic', async () => {
    const network = `
vpcs:
  - id: vpc-1
    cidrs: [10.0.0.0/16]
    route_table: rtb-1
    vswitches:
      - { id: vsw-1, cidrs: [10.0.0.0/24] }
      - { id: vsw-2, cidrs: [10.0.1.0/24], route_table: rtb-2 }
route_tables:
  - { id: rtb-1, vpc: vpc-1, routes: [{ cidr: 0.0.0.0/0, next_hop: { type: nat_gateway } }] }
  - { id: rtb-2, vpc: vpc-1, routes: [{ cidr: 0.0.0.0/0, next_hop: { type: ipv4_gateway } }] }
enis:
  - { id: eni-1, vm: i-1, vswitch: vsw-1, addresses: [10.0.0.1] }
  - { id: eni-2, vm: i-2, vswitch: vsw-1, addresses: [10.0.0.2] }
  - { id: eni-3, vm: i-3, vswitch: vsw-1, addresses: [10.0.0.3] }
  - { id: eni-nat, box: nat_gateway, vswitch: vsw-2, addresses: [10.0.1.1], macs: ['02:00:00:00:00:99'] }
`;
    const natMac = '02:00:00:00:00:99';
    /** From an instance to the Internet and back, before and after translation. */
    const through = (host: string, port: number, far: string, perSecond: number, bytes: number): Sent[] =>
      [
        { flow: `${host} 5000 > ${far} 443`, macs: { src: ROUTER, dst: natMac }, bytes },
        { flow: `10.0.1.1 ${port} > ${far} 443`, macs: { src: natMac, dst: ROUTER }, bytes },
        { flow: `${far} 443 > 10.0.1.1 ${port}`, macs: { src: ROUTER, dst: natMac }, bytes: 75 },
        { flow: `${far} 443 > ${host} 5000`, macs: { src: natMac, dst: ROUTER }, bytes: 75 },
      ].flatMap((one) => steady(0, 120, perSecond, one));
    const entries = await logged(
      [
        ...through('10.0.0.1', 1001, '120.26.1.9', 1, 1500),
        ...through('10.0.0.2', 1002, '120.26.1.9', 1, 500),
        ...through('10.0.0.3', 1003, '120.26.1.9', 2, 100),
        ...through('10.0.0.3', 1004, '121.43.1.9', 4, 1500),
      ],
      network,
      ...['--interval', '1'],
    );
    const atNat = entries.filter((entry) => entry['vswitch-id'] === 'vsw-2');
    const [isInstance, isNat] = [/^10\.0\.0\./, /^10\.0\.1\.1$/];
    const [toNat, toInternet, fromInternet, fromNat] = [
      atNat.filter(({ direction, srcaddr }) => direction === 'in' && isInstance.test(srcaddr)),
      atNat.filter(({ direction, srcaddr }) => direction === 'out' && isNat.test(srcaddr)),
      atNat.filter(({ direction, dstaddr }) => direction === 'in' && isNat.test(dstaddr)),
      atNat.filter(({ direction, dstaddr }) => direction === 'out' && isInstance.test(dstaddr)),
    ];

    // To one address of the Internet: the first instance makes the most, 12 kbit/s.
    const far = '120.26.1.9';
    const toFar = toNat.filter(({ dstaddr }) => dstaddr === far);
    expect(rates(toFar, ({ srcaddr }) => srcaddr)).toEqual({
      '14:00 10.0.0.1': 12,
      '14:00 10.0.0.2': 4,
      '14:00 10.0.0.3': 1.6,
      '14:01 10.0.0.1': 12,
      '14:01 10.0.0.2': 4,
      '14:01 10.0.0.3': 1.6,
    });
    // From it to all instances.
    const fromFar = fromNat.filter(({ srcaddr }) => srcaddr === far);
    expect(rates(fromFar, ({ dstaddr }) => dstaddr)).toMatchObject({
      '14:00 10.0.0.1': 0.6,
      '14:00 10.0.0.2': 0.6,
      '14:00 10.0.0.3': 1.2,
    });
    // To all addresses: it is the third instance, by its traffic to another.
    const all = rates(toNat, pair);
    expect(Object.keys(all).filter((key) => all[key] === Math.max(...Object.values(all)))).toEqual([
      '14:00 10.0.0.3->121.43.1.9',
      '14:01 10.0.0.3->121.43.1.9',
    ]);

    // Each entry at the gateway is in one of the four views, and what comes to it leaves it.
    expect(new Set([...toNat, ...toInternet, ...fromInternet, ...fromNat]).size).toBe(atNat.length);
    const total = (some: readonly Entry[]): number => some.reduce((sum, { bytes }) => sum + Number(bytes), 0);
    expect([total(toInternet), total(fromNat)]).toEqual([total(toNat), total(fromInternet)]);
    expect(atNat.length).toBe(toNat.length + toInternet.length + fromInternet.length + fromNat.length);
    expect([toNat, toInternet, fromInternet, fromNat].map((some) => new Set(some.map((e) => e.traffic_path)))).toEqual(
      ['7', '13', '13', '7'].map((one) => new Set([one])),
    );
  });

  test('which share of a leased line each VPC has', async () => {
    const routes = '[{ cidr: 10.1.0.0/16, next_hop: { type: transit_router } }';
    const network = `
vpcs:
  - { id: vpc-1, cidrs: [192.168.20.0/24], route_table: rtb-1, vswitches: [{ id: vsw-1, cidrs: [192.168.20.0/24] }] }
  - { id: vpc-2, cidrs: [192.168.10.0/24], route_table: rtb-2, vswitches: [{ id: vsw-2, cidrs: [192.168.10.0/24] }] }
route_tables:
  - { id: rtb-1, vpc: vpc-1, routes: ${routes}, { cidr: 10.1.9.0/24, next_hop: { type: vpn_gateway } }] }
  - { id: rtb-2, vpc: vpc-2, routes: ${routes}] }
security_groups:
  - id: sg-2
    vpc: vpc-2
    rules: [{ id: no-telnet, direction: out, policy: drop, protocol: tcp, ports: 23, cidr: 10.1.0.0/16 }]
enis:
  - { id: eni-1, vm: i-1, vswitch: vsw-1, addresses: [192.168.20.5] }
  - { id: eni-2, vm: i-2, vswitch: vsw-2, addresses: [192.168.10.5], security_groups: [sg-2] }
`;
    /** Thirteen windows, of which the last only ends the one before. */
    const minutes = Array.from({ length: 121 }, (_, minute) => minute * 60);
    const isBusy = (at: number): boolean => at >= 50 * 60 && at < 110 * 60;
    const entries = await logged(
      minutes.flatMap((at) => [
        { at, flow: '192.168.20.5 5001 > 10.1.0.7 443', bytes: isBusy(at) ? 9000 : 1000 },
        { at, flow: '192.168.10.5 5002 > 10.1.0.7 443', bytes: isBusy(at) ? 1000 : 4000 },
        // The way back, another path, what is dropped, and what stays here: none of it is asked for.
        { at, flow: '10.1.0.7 443 > 192.168.20.5 5001', bytes: 7000 },
        { at, flow: '192.168.20.5 5003 > 10.1.9.7 443', bytes: 5000 },
        { at, flow: '192.168.10.5 5004 > 10.1.0.7 23', bytes: 3000 },
        { at, flow: '192.168.20.5 5005 > 192.168.10.5 443', bytes: 2000 },
      ]),
      network,
    );
    // The flow logs collect what goes through the transit router, and the question is about two hours.
    const asked = entries.filter(
      ({ traffic_path: path, action, srcaddr, dstaddr, start }) =>
        path === '8' &&
        action === 'ACCEPT' &&
        srcaddr.startsWith('192.168.') &&
        dstaddr.startsWith('10.1.') &&
        Number(start) < BEGIN + 7200,
    );
    const rateOf = (prefix: string): Record<string, number> =>
      sumBy(
        asked.filter(({ srcaddr }) => srcaddr.startsWith(prefix)),
        minuteOf,
        ({ bytes, start, end }) => (Number(bytes) * 8) / (Number(end) - Number(start) || 1),
      );
    const [first, second] = [rateOf('192.168.20.'), rateOf('192.168.10.')];
    const share = (minute: string): number => Math.round((first[minute] * 100) / (first[minute] + second[minute]));
    expect(Object.fromEntries(Object.keys(first).map((minute) => [minute, share(minute)]))).toEqual({
      ...{ '14:00': 20, '14:10': 20, '14:20': 20, '14:30': 20, '14:40': 20 },
      ...{ '14:50': 90, '15:00': 90, '15:10': 90, '15:20': 90, '15:30': 90, '15:40': 90 },
      '15:50': 20,
    });
    expect(first['14:00']).toBe((10 * 1000 * 8) / 600);
    // Each of the conditions leaves something out.
    const paths = new Set(entries.map((entry) => entry.traffic_path));
    expect([...paths].sort()).toEqual(['0', '8', '9']);
    expect(entries.filter(({ action }) => action === 'REJECT').map(({ dstport }) => dstport)).toContain('23');
  });
});
