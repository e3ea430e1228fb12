// The entries that the documentation of flow logs shows, made by the command out of captures, to the byte.
import { describe, expect, test } from 'vitest';
import * as p from '../packets.ts';
import { Workplace, linesOf, windrow } from './program.ts';

const workplace = new Workplace();

const { fin, syn, rst, psh, ack } = p.TCP_FLAG;

/**
 * Samples as the documentation prints them. Their last columns have shifted: by its field table `version` is always 1, which
 * stands under `vm-id`; the ENI has no ECS instance ("-"), which stands under `vpc-id`; the VPC's id, which begins with vpc-,
 * stands under `vswitch-id`; that of the vSwitch and `type` are nowhere. The field table counts.
 */
const ALLOWED = {
  'account-id': '1210123456******',
  action: 'ACCEPT',
  bytes: '2048',
  direction: 'out',
  dstaddr: '172.31.16.21',
  dstport: '80',
  end: '1720775480',
  'eni-id': 'eni-bp166tg9uk1ryf******',
  'log-status': 'OK',
  packets: '10',
  protocol: '6',
  srcaddr: '172.31.16.139',
  srcport: '1332',
  start: '1720775420',
  'tcp-flags': '22',
  traffic_path: '-',
  version: '-',
  'vm-id': '1',
  'vpc-id': '-',
  'vswitch-id': 'vpc-bp1qf0c43jb3maz******',
};
type Sample = typeof ALLOWED;

const REJECTED: Sample = {
  ...ALLOWED,
  action: 'REJECT',
  bytes: '4208',
  direction: 'in',
  end: '1721010600',
  'eni-id': 'eni-bp1ftp5sm9oszt******',
  packets: '20',
  start: '1721010000',
};

const QUIET: Sample = {
  ...ALLOWED,
  action: '-',
  bytes: '-',
  direction: '-',
  dstaddr: '-',
  dstport: '-',
  packets: '-',
  protocol: '-',
  srcaddr: '-',
  srcport: '-',
  'tcp-flags': '-',
};
const NODATA: Sample = {
  ...QUIET,
  end: '1721012120',
  'eni-id': 'eni-bp1j7mmp34jlve******',
  'log-status': 'NODATA',
  start: '1721011940',
};
const SKIPDATA: Sample = {
  ...QUIET,
  end: '1720772610',
  'eni-id': 'eni-bp1dfm4xnlpruv******',
  'log-status': 'SKIPDATA',
  start: '1720772430',
};

/** All samples name the same VPC; its vSwitch none of them does. */
const VSWITCH = 'vsw-1';

/** The line of a sample: its columns where the field table has them, its keys in their order. */
function lineOf(sample: Sample): string {
  const { version, 'vm-id': shiftedVersion, 'vpc-id': shiftedVm, 'vswitch-id': shiftedVpc, ...rest } = sample;
  expect([version, shiftedVersion, shiftedVm]).toEqual(['-', '1', '-']);
  const isQuiet = sample['log-status'] !== 'OK';
  return JSON.stringify({
    ...rest,
    // The samples have no path; by the table of paths it is 1: to what is in the same VPC, and not known as an instance.
    traffic_path: isQuiet ? '-' : '1',
    type: isQuiet ? '-' : 'IPv4',
    version: shiftedVersion,
    'vm-id': shiftedVm,
    'vpc-id': shiftedVpc,
    'vswitch-id': VSWITCH,
  });
}

/** The VPC of a sample with its ENI, which has a security group with these rules. */
function networkOf(sample: Sample, address: string, rules = ''): string {
  const { 'eni-id': eni, 'account-id': account, 'vswitch-id': vpc } = sample;
  return workplace.file(
    `account: '${account}'
vpcs: [{ id: ${vpc}, cidrs: [172.31.0.0/16], vswitches: [{ id: ${VSWITCH}, cidrs: [172.31.16.0/24] }] }]
security_groups: [{ id: sg-1, vpc: ${vpc}, rules: [${rules}] }]
enis: [{ id: ${eni}, vswitch: ${VSWITCH}, addresses: [${address}], security_groups: [sg-1] }]
`,
  );
}

/** "172.31.16.139 1332 > 172.31.16.21 80" at a time. */
function segment(at: number, flow: string, flags: number, payload = 0): p.PcapRecord {
  const [src, sport, , dst, dport] = flow.split(' ');
  const layer4 = p.tcp({ sport: Number(sport), dport: Number(dport), flags }, new Uint8Array(payload));
  return { sec: at, data: p.ethernet({}, p.ipv4({ src, dst, protocol: p.PROTOCOL.tcp }, layer4)) };
}

async function replayed(capture: Uint8Array, network: string, ...args: readonly string[]): Promise<string[]> {
  const options = ['--network', network, '--output', '-', ...args];
  const { code, stdout, stderr } = await windrow(['replay', workplace.file(capture), '--quiet', ...options]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return linesOf(stdout);
}

describe.concurrent('the documentation shows an entry', () => {
  const flow = '172.31.16.139 1332 > 172.31.16.21 80';

  // It speaks of an interval of a minute that begins 20 s into one. Windows begin with the epoch: the connection is opened
  // and reset at these times, in one window of ten minutes. Its flags, 22, have the RST, so it has been closed, not cut.
  test('of traffic that is allowed', async () => {
    const begin = Number(ALLOWED.start);
    const capture = p.pcap([
      segment(begin, flow, syn),
      ...Array.from({ length: 8 }, (_, i) => segment(begin + 5 + 5 * i, flow, ack, 206)),
      segment(Number(ALLOWED.end), flow, rst | ack),
    ]);
    expect(await replayed(capture, networkOf(ALLOWED, '172.31.16.139'))).toEqual([lineOf(ALLOWED)]);
    // It is what comes in that needs a rule: the same ENI without one lets nothing in.
    const [answer] = await replayed(
      p.pcap([segment(begin, '172.31.16.21 80 > 172.31.16.139 1332', syn)]),
      networkOf(ALLOWED, '172.31.16.139'),
    );
    expect(JSON.parse(answer)).toMatchObject({ direction: 'in', action: 'REJECT' });
  });

  // It ends with its window although its flags have an RST: the client has begun once more, and goes on in the next window.
  test('of traffic that is rejected', async () => {
    const begin = Number(REJECTED.start);
    const tried = (at: number): p.PcapRecord[] => [
      segment(at, flow, syn),
      ...Array.from({ length: 8 }, (_, i) => segment(at + 1 + i, flow, ack, 213)),
    ];
    const capture = p.pcap([
      ...tried(begin),
      segment(begin + 100, flow, rst | ack),
      ...tried(begin + 200),
      segment(begin + 599, flow, ack),
      segment(begin + 660, flow, rst | ack),
    ]);
    const drop = '{ id: r1, direction: in, policy: drop, protocol: tcp, ports: 80, cidr: 172.31.16.139/32 }';
    const later = `${begin + 660}`;
    const next = { ...REJECTED, packets: '1', bytes: '40', 'tcp-flags': '20', start: later, end: later };
    expect(await replayed(capture, networkOf(REJECTED, '172.31.16.21', drop))).toEqual([
      lineOf(REJECTED),
      lineOf(next),
    ]);
    const allowed = await replayed(capture, networkOf(REJECTED, '172.31.16.21', drop.replace('drop', 'accept')));
    expect(allowed).toEqual([REJECTED, next].map((sample) => lineOf({ ...sample, action: 'ACCEPT' })));
  });

  // Both entries without traffic are of three minutes, which no window has: 90 windows of two seconds are told as one.
  const WINDOWS = ['--window', '2'];

  test('of a time without traffic', async () => {
    const ofOthers = '192.0.2.1 4000 > 198.51.100.1 443';
    const capture = p.pcap([NODATA.start, NODATA.end].map((at) => segment(Number(at), ofOthers, ack)));
    expect(await replayed(capture, networkOf(NODATA, '172.31.16.21'), ...WINDOWS)).toEqual([lineOf(NODATA)]);
  });

  test('of a time in which packets were lost', async () => {
    const micros = (at: string): bigint => BigInt(at) * 1_000_000n;
    const lost = (count: bigint): p.Bytes =>
      p.section([
        p.interfaceBlock(),
        p.statistics({ units: micros(SKIPDATA.start), drops: 0n }),
        p.statistics({ units: micros(SKIPDATA.end) - 1n, drops: count }),
      ]);
    const network = networkOf(SKIPDATA, '172.31.16.21');
    expect(await replayed(lost(4208n), network, ...WINDOWS)).toEqual([lineOf(SKIPDATA)]);
    expect(await replayed(lost(0n), network, ...WINDOWS)).toEqual([]);
  });
});

// Of these two the documentation shows eni-id, direction, addresses, ports and protocol; the rest follows from the capture.
test('the two entries of a TCP connection, in and out', async () => {
  const [request, answer] = ['10.0.0.1 53870 > 10.0.0.2 80', '10.0.0.2 80 > 10.0.0.1 53870'];
  const begin = 1_720_775_400;
  const network = workplace.file(`
account: '1210123456'
vpcs: [{ id: vpc-1, cidrs: [10.0.0.0/16], vswitches: [{ id: vsw-1, cidrs: [10.0.0.0/24] }] }]
security_groups:
  - { id: sg-1, vpc: vpc-1, rules: [{ id: r1, direction: in, policy: accept, protocol: tcp, ports: 80, cidr: 10.0.0.0/24 }] }
enis: [{ id: eni-xxx, vm: i-1, vswitch: vsw-1, addresses: [10.0.0.2], security_groups: [sg-1] }]
`);
  const capture = p.pcap([
    segment(begin + 3, request, syn),
    segment(begin + 3, answer, syn | ack),
    segment(begin + 4, request, ack),
    segment(begin + 4, request, psh | ack, 100),
    segment(begin + 5, answer, psh | ack, 1000),
    segment(begin + 6, answer, fin | ack),
    segment(begin + 7, request, fin | ack),
  ]);
  const common = '"traffic_path":"1","type":"IPv4","version":"1","vm-id":"i-1","vpc-id":"vpc-1","vswitch-id":"vsw-1"}';
  const place = '"end":"1720775407","eni-id":"eni-xxx","log-status":"OK"';
  expect(await replayed(capture, network)).toEqual([
    `{"account-id":"1210123456","action":"ACCEPT","bytes":"260","direction":"in","dstaddr":"10.0.0.2","dstport":"80",${place},` +
      `"packets":"4","protocol":"6","srcaddr":"10.0.0.1","srcport":"53870","start":"1720775403","tcp-flags":"27",${common}`,
    `{"account-id":"1210123456","action":"ACCEPT","bytes":"1120","direction":"out","dstaddr":"10.0.0.1","dstport":"53870",${place},` +
      `"packets":"3","protocol":"6","srcaddr":"10.0.0.2","srcport":"80","start":"1720775403","tcp-flags":"27",${common}`,
  ]);
});
