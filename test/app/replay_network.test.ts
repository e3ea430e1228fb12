// Entries of a cloud network: whose they are, by which path traffic went, and whether rules let it pass.
import { describe, expect, test } from 'vitest';
import * as p from '../packets.ts';
import { entriesOf } from './entry_line.ts';
import { Workplace, windrow } from './program.ts';

const workplace = new Workplace();

/** A VPC with a web server, a database, and the ENI of a NAT gateway through which the first goes to the Internet. */
const NETWORK = `
account: '1210123456'
vpcs:
  - id: vpc-a
    cidrs: [10.0.0.0/16]
    route_table: rtb-a
    vswitches:
      - { id: vsw-1, cidrs: [10.0.1.0/24] }
      - { id: vsw-2, cidrs: [10.0.2.0/24], route_table: rtb-nat }
security_groups:
  - id: sg-web
    vpc: vpc-a
    rules:
      - { id: http, direction: in, policy: accept, protocol: tcp, ports: 80, cidr: 0.0.0.0/0 }
      - { id: no-dns, direction: out, policy: drop, protocol: udp, ports: 53, cidr: 0.0.0.0/0 }
enis:
  - { id: eni-web, vm: i-web, vswitch: vsw-1, addresses: [10.0.1.5], macs: ['02:00:00:00:00:05'], security_groups: [sg-web] }
  - { id: eni-db, vswitch: vsw-1, addresses: [10.0.1.6] }
  - { id: eni-nat, box: nat_gateway, vswitch: vsw-2, addresses: [10.0.2.9], macs: ['02:00:00:00:00:09'] }
route_tables:
  - { id: rtb-a, vpc: vpc-a, routes: [{ cidr: 0.0.0.0/0, next_hop: { type: nat_gateway, id: ngw-1 } }] }
  - { id: rtb-nat, vpc: vpc-a, routes: [{ cidr: 0.0.0.0/0, next_hop: { type: ipv4_gateway, id: igw-1 } }] }
`;

const network = workplace.file(NETWORK, 'network.yaml');
const ROUTER = '02:00:00:00:00:01';
const [TCP, UDP] = [6, 17];

interface Sent {
  readonly from: string;
  readonly to: string;
  readonly layer4: Uint8Array;
  readonly macs?: { readonly src: string; readonly dst: string };
}

async function replayed(sent: readonly Sent[], ...args: readonly string[]): Promise<Record<string, string>[]> {
  const records = sent.map(({ from, to, layer4, macs = { src: ROUTER, dst: ROUTER } }, i) => ({
    data: p.ethernet(macs, p.ipv4({ src: from, dst: to, protocol: layer4.length < 20 ? UDP : TCP }, layer4)),
    sec: 1_700_000_040 + i,
  }));
  const capture = workplace.file(p.pcap(records));
  const { code, stdout, stderr } = await windrow(['replay', capture, '--network', network, '--quiet', ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return entriesOf(stdout).filter((entry) => entry['log-status'] === 'OK');
}

const told = (entry: Record<string, string>): string =>
  ['eni-id', 'direction', 'srcaddr', 'dstaddr', 'action', 'traffic_path'].map((key) => entry[key]).join(' ');

describe('entries of a network', () => {
  test('say whose they are', async () => {
    const [entry] = await replayed([{ from: '10.0.1.6', to: '203.0.113.9', layer4: p.udp({ sport: 1, dport: 2 }) }]);
    expect(entry).toMatchObject({
      'account-id': '1210123456',
      'eni-id': 'eni-db',
      'vm-id': '-',
      'vpc-id': 'vpc-a',
      'vswitch-id': 'vsw-1',
      direction: 'out',
      action: 'ACCEPT',
      traffic_path: '7',
    });
  });

  test('are rejected where rules do not let the request in, and its answer has its verdict', async () => {
    const [client, web] = ['203.0.113.9', '10.0.1.5'];
    const entries = await replayed([
      { from: client, to: web, layer4: p.tcp({ sport: 4000, dport: 80, flags: 2 }) },
      { from: web, to: client, layer4: p.tcp({ sport: 80, dport: 4000, flags: 18 }) },
      { from: client, to: web, layer4: p.tcp({ sport: 4001, dport: 22, flags: 2 }) },
      { from: web, to: client, layer4: p.tcp({ sport: 22, dport: 4001, flags: 20 }) },
      { from: web, to: '203.0.113.53', layer4: p.udp({ sport: 5000, dport: 53 }) },
    ]);
    expect(entries.map(told)).toEqual([
      `eni-web in ${client} ${web} ACCEPT 7`,
      `eni-web out ${web} ${client} ACCEPT 7`,
      `eni-web in ${client} ${web} REJECT 7`,
      `eni-web out ${web} ${client} REJECT 7`,
      `eni-web out ${web} 203.0.113.53 REJECT 7`,
    ]);
  });

  test('say by which rule they were judged, behind the documented keys, if that is asked for', async () => {
    const [client, web] = ['203.0.113.9', '10.0.1.5'];
    const entries = await replayed(
      [
        { from: client, to: web, layer4: p.tcp({ sport: 4000, dport: 80, flags: 2 }) },
        { from: client, to: web, layer4: p.tcp({ sport: 4001, dport: 22, flags: 2 }) },
        { from: '10.0.1.6', to: client, layer4: p.udp({ sport: 1, dport: 2 }) },
      ],
      '--extended',
    );
    expect(entries.map((entry) => Object.entries(entry).slice(-2).flat())).toEqual([
      ['x-rule', 'sg-web/http', 'x-verdict-source', 'security-group'],
      ['x-rule', 'default-in', 'x-verdict-source', 'security-group'],
      ['x-rule', '-', 'x-verdict-source', 'none'],
    ]);
  });

  test('know who opened a connection in a window before', async () => {
    const [client, web] = ['203.0.113.9', '10.0.1.5'];
    const entries = await replayed(
      [
        { from: web, to: client, layer4: p.tcp({ sport: 22, dport: 4001, flags: 2 }) },
        ...Array.from({ length: 5 }, () => ({
          from: client,
          to: web,
          layer4: p.tcp({ sport: 4001, dport: 22, flags: 16 }),
        })),
      ],
      ...['--window', '2', '--lateness', '0'],
    );
    expect(entries.length).toBeGreaterThan(3);
    expect(new Set(entries.map(({ action }) => action))).toEqual(new Set(['ACCEPT']));
  });

  test('are two of a packet between two ENIs', async () => {
    const entries = await replayed([
      { from: '10.0.1.6', to: '10.0.1.5', layer4: p.tcp({ sport: 5001, dport: 80, flags: 2 }) },
    ]);
    expect(entries.map(told)).toEqual([
      'eni-db out 10.0.1.6 10.0.1.5 ACCEPT 2',
      'eni-web in 10.0.1.6 10.0.1.5 ACCEPT 1',
    ]);
  });

  test('have the four views of a NAT gateway', async () => {
    const [web, internet] = ['10.0.1.5', '203.0.113.9'];
    const [webMac, natMac] = ['02:00:00:00:00:05', '02:00:00:00:00:09'];
    const entries = await replayed([
      {
        from: web,
        to: internet,
        layer4: p.tcp({ sport: 5, dport: 443, flags: 2 }),
        macs: { src: webMac, dst: natMac },
      },
      {
        from: '10.0.2.9',
        to: internet,
        layer4: p.tcp({ sport: 6, dport: 443, flags: 2 }),
        macs: { src: natMac, dst: ROUTER },
      },
      {
        from: internet,
        to: '10.0.2.9',
        layer4: p.tcp({ sport: 443, dport: 6, flags: 18 }),
        macs: { src: ROUTER, dst: natMac },
      },
      {
        from: internet,
        to: web,
        layer4: p.tcp({ sport: 443, dport: 5, flags: 18 }),
        macs: { src: natMac, dst: webMac },
      },
    ]);
    expect(entries.filter((entry) => entry['eni-id'] === 'eni-nat').map(told)).toEqual([
      `eni-nat in ${web} ${internet} ACCEPT 7`,
      `eni-nat out 10.0.2.9 ${internet} ACCEPT 13`,
      `eni-nat in ${internet} 10.0.2.9 ACCEPT 13`,
      `eni-nat out ${internet} ${web} ACCEPT 7`,
    ]);
    expect(entries.filter((entry) => entry['eni-id'] === 'eni-web').map(told)).toEqual([
      `eni-web out ${web} ${internet} ACCEPT 7`,
      `eni-web in ${internet} ${web} ACCEPT 7`,
    ]);
  });

  test('are not there for packets of nobody, which are counted', async () => {
    const capture = workplace.file(
      p.pcap([
        { data: p.ethernet({}, p.ipv4({ src: '192.0.2.1', dst: '198.51.100.1' }, p.udp({}))), sec: 1_700_000_040 },
      ]),
    );
    const { code, stdout } = await windrow([
      'replay',
      capture,
      '--network',
      network,
      '--accounting',
      workplace.at('books.json'),
    ]);
    expect(code).toBe(0);
    expect(entriesOf(stdout).map((entry) => entry['log-status'])).toEqual(['NODATA', 'NODATA', 'NODATA']);
    expect(JSON.parse(workplace.read('books.json'))).toMatchObject({
      packets: { seen: 1, logged: 0, excluded: { not_local: 1 } },
    });
  });

  test('need a network that is right, and no other ENIs', async () => {
    const capture = workplace.file(p.pcap([]));
    const broken = workplace.file('vpcs: [{ id: vpc-a, cidr: 10.0.0.0/16 }]\n', 'broken.yaml');
    const wrong = await windrow(['replay', capture, '--network', broken]);
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringMatching(/broken\.yaml:1:\d+: .*cidr: .*did you mean cidrs\?/),
    ]);
    const missing = await windrow(['replay', capture, '--network', workplace.at('nowhere.yaml')]);
    expect([missing.code, missing.stderr]).toEqual([
      2,
      expect.stringMatching(/nowhere\.yaml: expected .*there is no such file/),
    ]);
    const both = await windrow(['replay', capture, '--network', network, '--eni', 'eni-x=10.0.0.1']);
    expect([both.code, both.stderr]).toEqual([2, expect.stringMatching(/--eni and --network/)]);
  });
});
