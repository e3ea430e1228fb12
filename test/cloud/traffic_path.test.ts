// Which path traffic takes: each value that there is, and what goes before what.
import { describe, expect, test } from 'vitest';
import { entry, judgementOf, pathOf } from './one_entry.ts';

/** eni-0 at 10.0.1.1 and fd00::1, in VPC vpc-a; its route table has the routes. */
function routed(routes: string, { eni = '', more = '' } = {}): string {
  return `
region: here
vpcs:
  - id: vpc-a
    cidrs: [10.0.0.0/16, 'fd00::/48']
    route_table: rtb
    vswitches: [{ id: vsw-1, cidrs: [10.0.1.0/24, 'fd00::/64'] }, { id: vsw-2, cidrs: [10.0.2.0/24], route_table: rtb-2 }]
enis:
  - { id: eni-0, vswitch: vsw-1, addresses: [10.0.1.1, 'fd00::1'], ${eni} }
  - { id: eni-1, vswitch: vsw-1, addresses: [10.0.1.2], vm: i-1 }
  - { id: eni-2, vswitch: vsw-2, addresses: [10.0.2.2], prefixes: [10.0.2.16/28] }
havips: [{ id: havip-1, vswitch: vsw-1, address: 10.0.1.100, enis: [eni-0] }]
route_tables: [{ id: rtb, vpc: vpc-a, routes: [${routes}] }, { id: rtb-2, vpc: vpc-a, routes: [] }]
${more}`;
}

const to = (dstaddr: string): ReturnType<typeof entry> =>
  entry({ direction: 'out', srcaddr: dstaddr.includes(':') ? 'fd00::1' : '10.0.1.1', dstaddr });
const from = (srcaddr: string): ReturnType<typeof entry> =>
  entry({ srcaddr, dstaddr: srcaddr.includes(':') ? 'fd00::1' : '10.0.1.1' });

const HOP = (type: string, cidr = '0.0.0.0/0'): string => `{ cidr: '${cidr}', next_hop: { type: ${type} } }`;
const DEFAULT_NAT = HOP('nat_gateway');

describe('a route leads to path', () => {
  test.each<[number, string]>([
    [3, 'eni, id: eni-1'],
    [3, 'instance, id: i-1'],
    [4, 'havip, id: havip-1'],
    [6, 'gateway_endpoint'],
    [7, 'nat_gateway'],
    [8, 'transit_router'],
    [9, 'vpn_gateway'],
    [10, 'vbr'],
    [11, 'cen, attachment: vpc'],
    [12, 'cen'],
    [12, 'cen, attachment: other'],
    [12, 'cen, remote_region: there'],
    [12, 'cen, attachment: other, remote_region: there'],
    [18, 'cen, attachment: vpc, remote_region: there'],
    [19, 'cen, attachment: vbr'],
    [20, 'cen, attachment: vbr, remote_region: there'],
    [13, 'ipv4_gateway'],
    [17, 'peering'],
    [21, 'ecr'],
    [22, 'gwlb_endpoint'],
    [0, 'blackhole'],
  ])('%i by %s, for what comes in and what goes out', (path, type) => {
    const network = routed(HOP(type, '172.16.0.0/12'));
    expect(pathOf(network, to('172.16.0.0'))).toBe(path);
    expect(pathOf(network, from('172.31.255.255'))).toBe(path);
    expect(pathOf(network, from('172.32.0.0'))).toBe(0);
  });

  test('14 by ipv6_gateway', () => {
    const network = routed(HOP('ipv6_gateway', '::/0'));
    expect(pathOf(network, to('2001:db8::1'))).toBe(14);
    expect(pathOf(network, to('8.8.8.8'))).toBe(0);
  });
});

describe('within the VPC', () => {
  test('it is 2 to a VM, 4 to a HaVip, and 1 to anything else', () => {
    const network = routed('');
    expect(pathOf(network, to('10.0.1.2'))).toBe(2);
    expect(pathOf(network, to('10.0.1.100'))).toBe(4);
    for (const other of ['10.0.2.2', '10.0.2.31', '10.0.1.1', '10.0.9.9', 'fd00::9'])
      expect(pathOf(network, to(other))).toBe(1);
    expect(pathOf(network, to('10.1.0.0'))).toBe(0);
  });

  test('a route that is longer goes before it, and one of the same length too', () => {
    const network = routed(`${HOP('eni, id: eni-1', '10.0.2.0/24')}, ${HOP('vbr', 'fd00::/48')}`);
    expect(pathOf(network, to('10.0.2.2'))).toBe(3);
    expect(pathOf(network, to('10.0.1.2'))).toBe(2);
    expect(pathOf(network, to('fd00::9'))).toBe(10);
    expect(pathOf(routed(HOP('vbr', '10.0.0.0/15')), to('10.0.1.2'))).toBe(2);
  });
});

test('ranges of the provider are path 5, unless a route is as long', () => {
  expect(pathOf(routed(DEFAULT_NAT), to('100.64.0.1'))).toBe(5);
  expect(pathOf(routed(HOP('gateway_endpoint', '100.64.0.0/10')), to('100.64.0.1'))).toBe(6);
  expect(pathOf(routed(HOP('gateway_endpoint', '100.118.0.0/16')), to('100.118.0.1'))).toBe(6);
  const others = routed(DEFAULT_NAT, { more: 'cloud_services: [11.0.0.0/8]' });
  expect(pathOf(others, to('100.64.0.1'))).toBe(7);
  expect(pathOf(others, to('11.0.0.1'))).toBe(5);
});

test('the longest prefix counts, wherever it stands', () => {
  const routes = [
    HOP('vbr', '8.0.0.0/8'),
    HOP('ecr', '8.8.0.0/16'),
    DEFAULT_NAT,
    HOP('peering', '8.8.8.8/32'),
    HOP('vpn_gateway', '8.8.8.0/24'),
  ];
  for (const inOrder of [routes, routes.toReversed()]) {
    const network = routed(inOrder.join());
    const paths = [
      '8.8.8.8',
      '8.8.8.9',
      '8.8.8.7',
      '8.8.9.0',
      '8.9.0.0',
      '9.0.0.0',
      '7.255.255.255',
      '255.255.255.255',
    ];
    expect(paths.map((address) => pathOf(network, to(address)))).toEqual([17, 9, 9, 21, 10, 7, 7, 7]);
  }
});

test('prefix lists are routes as well', () => {
  const more = "prefix_lists: [{ id: pl, cidrs: [8.0.0.0/8, 'fd01::/16'] }]";
  const network = routed('{ prefix_list: pl, next_hop: { type: gateway_endpoint } }', { more });
  expect(pathOf(network, to('8.8.8.8'))).toBe(6);
  expect(pathOf(network, to('fd01::1'))).toBe(6);
  expect(pathOf(network, to('9.8.8.8'))).toBe(0);
});

test('the route table is that of the vSwitch, else that of the VPC', () => {
  const network = routed(DEFAULT_NAT);
  expect(pathOf(network, to('8.8.8.8'))).toBe(7);
  expect(pathOf(network, { ...to('8.8.8.8'), eni: 2, srcaddr: '10.0.2.2' })).toBe(0);
});

describe('a public address of its own is path 15', () => {
  const eni = "public_addresses: [47.1.2.3, '2400::1']";

  test('where there is no route, or the default route leads to a NAT gateway', () => {
    expect(pathOf(routed('', { eni }), to('8.8.8.8'))).toBe(15);
    expect(pathOf(routed(DEFAULT_NAT, { eni }), from('8.8.8.8'))).toBe(15);
    expect(pathOf(routed(HOP('nat_gateway', '::/0'), { eni }), to('2001:db8::1'))).toBe(15);
    expect(pathOf(routed(''), to('8.8.8.8'))).toBe(0);
  });

  test('and no other route', () => {
    expect(pathOf(routed(HOP('nat_gateway', '8.0.0.0/8'), { eni }), to('8.8.8.8'))).toBe(7);
    expect(pathOf(routed(HOP('ipv4_gateway'), { eni }), to('8.8.8.8'))).toBe(13);
    expect(pathOf(routed(HOP('blackhole'), { eni }), to('8.8.8.8'))).toBe(0);
  });

  test('for the Internet alone', () => {
    const network = routed(DEFAULT_NAT, { eni });
    for (const address of ['10.1.0.0', '172.16.0.1', '192.168.0.1', '169.254.0.1', '127.0.0.1']) {
      expect(pathOf(network, to(address))).toBe(7);
    }
    for (const address of ['172.15.255.255', '172.32.0.0', '9.255.255.255', '11.0.0.0']) {
      expect(pathOf(network, to(address))).toBe(15);
    }
    for (const address of ['fd01::1', 'fe80::1', '::1']) expect(pathOf(network, to(address))).toBe(0);
    expect(pathOf(network, to('100.64.0.1'))).toBe(5);
    expect(pathOf(network, to('10.0.1.2'))).toBe(2);
  });

  test('of the same family', () => {
    const four = routed('', { eni: 'public_addresses: [47.1.2.3]' });
    expect(pathOf(four, to('8.8.8.8'))).toBe(15);
    expect(pathOf(four, to('2001:db8::1'))).toBe(0);
  });
});

describe('at a NAT gateway', () => {
  /** As the documentation draws it: a VM in vSwitch 1, and the gateway in vSwitch 2 with the private address 10.0.2.9. */
  const network = `
vpcs:
  - id: vpc-a
    cidrs: [10.0.0.0/16]
    route_table: rtb
    vswitches: [{ id: vsw-1, cidrs: [10.0.1.0/24] }, { id: vsw-2, cidrs: [10.0.2.0/24], route_table: rtb-2 }]
enis:
  - { id: eni-nat, vswitch: vsw-2, addresses: [10.0.2.9], box: nat_gateway, public_addresses: [47.1.2.3] }
  - { id: eni-vm, vswitch: vsw-1, addresses: [10.0.1.1], vm: i-1 }
havips: [{ id: havip-1, vswitch: vsw-2, address: 10.0.2.100, enis: [eni-nat] }, { id: havip-2, vswitch: vsw-2, address: 10.0.2.101 }]
route_tables:
  - { id: rtb, vpc: vpc-a, routes: [{ cidr: 0.0.0.0/0, next_hop: { type: nat_gateway, id: ngw-1 } }] }
  - { id: rtb-2, vpc: vpc-a, routes: [{ cidr: 0.0.0.0/0, next_hop: { type: ipv4_gateway } }] }
`;
  const view = (direction: 'in' | 'out', srcaddr: string, dstaddr: string): number =>
    pathOf(network, entry({ direction, srcaddr, dstaddr }));

  test('the four views of a connection are told apart', () => {
    expect(view('in', '10.0.1.1', '120.26.0.1')).toBe(7); // 1: from the VM to the gateway
    expect(view('out', '10.0.2.9', '120.26.0.1')).toBe(13); // 2: from the gateway to the Internet
    expect(view('in', '120.26.0.1', '10.0.2.9')).toBe(13); // 3: from the Internet to the gateway
    expect(view('out', '120.26.0.1', '10.0.1.1')).toBe(7); // 4: from the gateway to the VM
    // At the VM both directions go through the gateway.
    expect(pathOf(network, entry({ eni: 1, direction: 'out', srcaddr: '10.0.1.1', dstaddr: '120.26.0.1' }))).toBe(7);
    expect(pathOf(network, entry({ eni: 1, srcaddr: '120.26.0.1', dstaddr: '10.0.1.1' }))).toBe(7);
  });

  test('its own are its addresses, its public ones, and those of its HaVips', () => {
    expect(view('in', '10.0.1.1', '10.0.2.9')).toBe(2);
    expect(view('in', '120.26.0.1', '47.1.2.3')).toBe(13);
    expect(view('in', '120.26.0.1', '10.0.2.100')).toBe(13);
    expect(view('in', '120.26.0.1', '10.0.2.101')).toBe(7);
  });
});

test.each<[string, number]>([
  ['nat_gateway', 7],
  ['transit_router', 8],
  ['vpn_gateway', 9],
  ['vbr', 10],
  ['ecr', 21],
  ['gwlb_endpoint', 22],
  ['firewall', 17],
  ['other', 17],
])('what goes through a %s is path %i', (box, path) => {
  const network = routed(HOP('peering'), { eni: `box: ${box}` });
  expect(pathOf(network, entry({ srcaddr: '8.8.8.8', dstaddr: '10.0.1.2' }))).toBe(path);
  expect(pathOf(network, from('8.8.8.8'))).toBe(17);
});

test('an ENI that is not in the network has neither path nor verdict', () => {
  const untouched = { action: 'ACCEPT', source: 'none', rule: '-', trafficPath: -1 };
  expect(judgementOf(routed(DEFAULT_NAT), { ...to('8.8.8.8'), eni: 3 })).toEqual(untouched);
  expect(judgementOf('{}', to('8.8.8.8'))).toEqual(untouched);
  expect(pathOf(routed(DEFAULT_NAT), { ...to('8.8.8.8'), eni: 2 })).not.toBe(-1);
});
