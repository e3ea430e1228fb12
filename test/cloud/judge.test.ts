// What judging does to rows, and whose an address is.
import { expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import { readNetwork } from '../../src/cloud/network.ts';
import { VERDICT_SOURCES } from '../../src/cloud/verdicts.ts';
import { Columns, STATUS } from '../../src/flowlog/columns.ts';
import { NetworkModel } from '../../src/verify/network.ts';
import { bytesOf, judge, nativeOf, put } from './judged.ts';
import { entry } from './one_entry.ts';

/** eni-0 at 10.0.1.1, whose network ACL drops everything. */
const CLOSED = `
vpcs: [{ id: vpc-a, cidrs: [10.0.0.0/16], vswitches: [{ id: vsw-a, cidrs: [10.0.1.0/24], acl: acl }] }]
acls: [{ id: acl, vpc: vpc-a }]
enis: [{ id: eni-0, vswitch: vsw-a, addresses: [10.0.1.1] }]
`;

test('a verdict that has a source stays as it is, and gets its path', () => {
  const network = readNetwork('n.yaml', CLOSED);
  const columns = new Columns(8);
  for (let row = 0; row < 4; row++) put(columns, row, entry());
  columns.action.set([0, 1, 1, 0]);
  const kernel = VERDICT_SOURCES.indexOf('kernel');
  const [sources, rules] = [Uint8Array.of(kernel, kernel, 0, 0), Uint32Array.of(5, 6, 7, 8)];
  addon.network_judge(nativeOf(network), columns.buffer, 8, 4, new Uint8Array(4), sources, rules);
  expect([...columns.action.subarray(0, 4)]).toEqual([0, 1, 1, 1]);
  expect([...sources].map((source) => VERDICT_SOURCES[source])).toEqual([
    'kernel',
    'kernel',
    'network-acl',
    'network-acl',
  ]);
  expect([...rules.subarray(0, 2)]).toEqual([5, 6]);
  expect(network.ruleNames[rules[3]]).toBe('acl/in/default');
  expect([...columns.trafficPath.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
});

test('rows without traffic, of other ENIs, and behind the last are not touched', () => {
  const network = readNetwork('n.yaml', CLOSED);
  const columns = new Columns(8);
  const eni = [0, 0, 1, 0xffffffff, 0];
  eni.forEach((number, row) => put(columns, row, entry({ eni: number })));
  columns.status.set([STATUS.nodata, STATUS.skipdata]);
  const before = columns.buffer.slice();
  const [sources, rules] = [new Uint8Array(4), new Uint32Array(4)];
  addon.network_judge(nativeOf(network), columns.buffer, 8, 4, new Uint8Array(4), sources, rules);
  expect(columns.buffer).toEqual(before);
  expect([...sources, ...rules]).toEqual(Array(8).fill(0));
});

test('nothing but action and traffic_path is written', () => {
  const network = readNetwork('n.yaml', CLOSED);
  const columns = new Columns(8);
  put(columns, 0, entry({ srcaddr: '8.8.8.8' }));
  const expected = new Columns(8);
  expected.buffer.set(columns.buffer);
  expected.action[0] = 1;
  expected.trafficPath[0] = 0;
  addon.network_judge(
    nativeOf(network),
    columns.buffer,
    8,
    1,
    new Uint8Array(1),
    new Uint8Array(1),
    new Uint32Array(1),
  );
  expect(columns.buffer).toEqual(expected.buffer);
});

test('a network does not change with the tables that it was made of', () => {
  const network = readNetwork('n.yaml', CLOSED);
  const native = nativeOf(network);
  const of = [entry(), entry({ srcaddr: '10.0.1.9' })];
  const before = judge(network, of, native);
  expect(before.map(({ action }) => action)).toEqual(['REJECT', 'ACCEPT']);
  for (const table of Object.values(network.tables) as unknown[])
    if (table instanceof Uint32Array) table.fill(0xffffffff);
  network.tables.owners4.words.fill(0);
  expect(judge(network, of, native)).toEqual(before);
});

test('an address is of the ENI that has it, or a prefix around it, if that is clear', () => {
  const network = readNetwork(
    'n.yaml',
    `
vpcs:
  - { id: a, cidrs: [10.0.0.0/16, 'fd00::/48'], vswitches: [{ id: vsw-a, cidrs: [10.0.1.0/24, 'fd00::/64'] }] }
  - { id: b, cidrs: [10.0.0.0/16], vswitches: [{ id: vsw-b, cidrs: [10.0.1.0/24] }] }
enis:
  - { id: e0, vswitch: vsw-a, vni: 0, addresses: [10.0.1.1, 10.0.1.2, 'fd00::1'], public_addresses: [47.1.2.3] }
  - { id: e1, vswitch: vsw-a, vni: 1, prefixes: [10.0.1.16/28], addresses: [10.0.1.17] }
  - { id: e2, vswitch: vsw-b, vni: 2, addresses: [10.0.1.2, 10.0.1.20, 10.0.1.3] }
havips: [{ id: h, vswitch: vsw-a, address: 10.0.1.100, enis: [e0] }, { id: i, vswitch: vsw-b, address: 10.0.1.1 }]
`,
  );
  const [native, model] = [nativeOf(network), new NetworkModel(network.file)];
  const owners: [string, number][] = [
    ['10.0.1.2', -1], // of e0, or of e2
    ['10.0.1.1', -1], // of e0, or a HaVip of the other VPC
    ['10.0.1.3', 2],
    ['10.0.1.16', 1],
    ['10.0.1.17', 1],
    ['10.0.1.31', 1],
    ['10.0.1.20', -1], // inside the prefix of e1, and of e2
    ['10.0.1.32', -1],
    ['10.0.1.100', -1],
    ['47.1.2.3', -1],
    ['fd00::1', 0],
    ['fd00::2', -1],
  ];
  for (const [address, eni] of owners) {
    expect(addon.network_eni_of(native, bytesOf(address)), address).toBe(eni);
    expect(model.eniOf(address), address).toBe(eni);
  }
});
