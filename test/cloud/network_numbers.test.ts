// Networks by the numbers of another: they judge as before, and numbers stay what they are.
import { describe, expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import { readNetwork } from '../../src/cloud/network.ts';
import type { Network } from '../../src/cloud/network.ts';
import { NetworkNumbers } from '../../src/cloud/network_numbers.ts';
import { bytesOf, judge } from './judged.ts';
import { Random, randomEntries, randomNetwork } from './random_network.ts';

const INTERFACES = 100;
const VPC = 'vpcs: [{ id: vpc-a, cidrs: [10.0.0.0/16], vswitches: [{ id: vsw-a, cidrs: [10.0.1.0/24] }] }]\n';
const networkOf = (...enis: readonly string[]): Network =>
  readNetwork('n.yaml', `${VPC}enis:\n${enis.map((eni) => `  - { ${eni}, vswitch: vsw-a }\n`).join('') || '  []\n'}`);

describe('numbers', () => {
  test('are those of the first file, and behind the interfaces those that come later; who comes back has its own', () => {
    const numbers = new NetworkNumbers(networkOf('id: a', 'id: b', 'id: c'), INTERFACES);
    const of = (network: Network): [number, string][] =>
      [...numbers.renumber(network, []).enis].map(([number, { eniId, vmId }]) => [number, `${eniId} ${vmId}`]);
    expect(of(networkOf('id: c', 'id: d', 'id: a'))).toEqual([
      [2, 'c -'],
      [103, 'd -'],
      [0, 'a -'],
    ]);
    expect(of(networkOf('id: e', 'id: b'))).toEqual([
      [104, 'e -'],
      [1, 'b -'],
    ]);
    // What is another VM's is told apart: entries of both may be under way.
    expect(of(networkOf('id: d', 'id: b, vm: i-1'))).toEqual([
      [103, 'd -'],
      [105, 'b i-1'],
    ]);
    expect(of(networkOf())).toEqual([]);
  });

  test('are in the locality as well', () => {
    const numbers = new NetworkNumbers(networkOf('id: a'), INTERFACES);
    const next = networkOf("id: x, box: firewall, macs: ['02:00:00:00:00:01']", 'id: a, interface: tap0', 'id: y');
    const { locality, compiled } = numbers.renumber(next, []);
    expect(locality.named).toEqual([101, 102]);
    expect(locality.native).toMatchObject({
      ...{ eniCount: 103, eniOfInterface: [{ interface: 'tap0', eni: 0 }] },
      eniOfMac: [{ mac: Uint8Array.of(2, 0, 0, 0, 0, 1), eni: 101 }],
    });
    expect(compiled.tables.enis).toHaveLength(103 * 5);
  });
});

test('a network judges by other numbers as by its own, and names the same rules', () => {
  let judged = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const random = new Random(seed);
    const [first, file] = [randomNetwork(random), randomNetwork(random)];
    const network = readNetwork('n.json', JSON.stringify(file));
    const before = readNetwork('n.json', JSON.stringify(first));
    const names = [...before.ruleNames];
    const numbers = new NetworkNumbers(before, INTERFACES);
    const { compiled, enis } = numbers.renumber(network, []);
    // Names of rules that were there stay what they are.
    expect(before.ruleNames.slice(0, names.length)).toEqual(names);
    const native = addon.network_new(compiled.tables);
    const numberOf = new Map([...enis.keys()].map((number, i) => [i, number]));
    const entries = randomEntries(file, 200, random).filter(({ eni }) => numberOf.has(eni));
    const moved = entries.map((entry) => ({ ...entry, eni: numberOf.get(entry.eni)! }));
    const own = addon.network_new(network.tables);
    const found = judge({ ...network, ruleNames: before.ruleNames }, moved, native);
    expect(found).toEqual(judge(network, entries, own));
    for (const { srcaddr } of entries.slice(0, 20)) {
      const expected = addon.network_eni_of(own, bytesOf(srcaddr));
      expect(addon.network_eni_of(native, bytesOf(srcaddr))).toBe(numberOf.get(expected) ?? -1);
    }
    judged += entries.length;
    // A number of no ENI judges nothing.
    const nobody = [...Array(before.enis.length + INTERFACES).keys()].find((number) => !enis.has(number))!;
    expect(judge({ ...network, ruleNames: before.ruleNames }, [{ ...moved[0], eni: nobody }], native)).toEqual([
      { action: 'ACCEPT', source: 'none', rule: '-', trafficPath: -1 },
    ]);
  }
  expect(judged).toBeGreaterThan(20_000);
});
