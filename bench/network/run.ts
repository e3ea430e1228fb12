// `npm run bench:network`: how long a network takes to be read, and how many rows a second are judged by it, on one core.
import path from 'node:path';
import { describeMachine } from '../machine.ts';
import { PACKAGE_FOLDER } from '../package_folder.ts';
import { seededRandom } from '../random.ts';
import type { NetworkFile } from '../../src/cloud/network_file.ts';
import type { Columns as Rows } from '../../src/flowlog/columns.ts';

/** The program as it is installed, which finds its addon. */
const installed = (file: string): Promise<unknown> => import(path.join(PACKAGE_FOLDER, 'dist', file));
const { addon } = (await installed('base/addon.js')) as typeof import('../../src/base/addon.ts');
const { readNetwork } = (await installed('cloud/network.js')) as typeof import('../../src/cloud/network.ts');
const { Columns } = (await installed('flowlog/columns.js')) as typeof import('../../src/flowlog/columns.ts');

const ENIS = 1000;
const GROUPS = 100;
const GROUPS_OF_ENI = 5;
/** Of each group, in each direction: so that an ENI has 100 for a packet. */
const RULES = 20;
const ROUTES = 20;
const ROWS = 1 << 16;
const ROUNDS = 60;

const random = seededRandom(1);
const below = (count: number): number => random() % count;

function main(): void {
  console.log(describeMachine());
  for (const addresses of [1, 1000]) measure(addresses);
}

function measure(addressesOfEni: number): void {
  const text = JSON.stringify(networkOf(addressesOfEni));
  const loads = [1, 2, 3, 4, 5].map(() => seconds(() => readNetwork('network.json', text)));
  const network = readNetwork('network.json', text);
  const builds = [1, 2, 3].map(() => seconds(() => addon.network_new(network.tables)));
  const native = addon.network_new(network.tables);
  const columns = rows();
  const opened = Uint8Array.from({ length: ROWS }, () => below(2));
  const rules = new Uint32Array(ROWS);
  const judgings = Array.from({ length: ROUNDS }, () => {
    const sources = new Uint8Array(ROWS);
    return seconds(() => addon.network_judge(native, columns.buffer, ROWS, ROWS, opened, sources, rules));
  });
  const best = Math.min(...judgings);
  console.log(
    `${(ENIS * addressesOfEni).toLocaleString('en-US')} addresses, ${(text.length / 1e6).toFixed(1)} MB of JSON: ` +
      `read and checked in ${Math.min(...loads).toFixed(2)} s (JSON.parse alone ${seconds(() => JSON.parse(text)).toFixed(2)} s), ` +
      `made native in ${Math.min(...builds).toFixed(2)} s; ` +
      `${(ROWS / best / 1e6).toFixed(1)} M rows/s, ${((best / ROWS) * 1e9).toFixed(0)} ns a row`,
  );
}

function seconds(work: () => unknown): number {
  const begin = performance.now();
  work();
  return (performance.now() - begin) / 1000;
}

/** Rules that few packets meet, so that most are compared; addresses that are scattered over 10.0.0.0/8. */
function networkOf(addressesOfEni: number): NetworkFile {
  const rulesOf = (direction: 'in' | 'out') =>
    Array.from({ length: RULES }, (_, i) => ({
      ...{ id: `${direction}-${i}`, direction, priority: 1 + i, protocol: 'tcp', ports: below(65_536) },
      ...{
        policy: i % 3 === 0 ? ('drop' as const) : ('accept' as const),
        cidr: `${1 + below(200)}.${below(256)}.0.0/16`,
      },
    }));
  const taken = new Set<number>();
  const address = (): string => {
    let at = below(1 << 24);
    while (taken.has(at)) at = below(1 << 24);
    taken.add(at);
    return `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
  };
  const groupsOfEni = (): string[] => {
    const groups = new Set<number>();
    while (groups.size < GROUPS_OF_ENI) groups.add(below(GROUPS));
    return [...groups].map((group) => `sg-${group}`);
  };
  return {
    vpcs: [{ id: 'vpc', cidrs: ['10.0.0.0/8'], route_table: 'rtb', vswitches: [{ id: 'vsw', cidrs: ['10.0.0.0/8'] }] }],
    security_groups: Array.from({ length: GROUPS }, (_, i) => ({
      ...{ id: `sg-${i}`, vpc: 'vpc', rules: [...rulesOf('in'), ...rulesOf('out')] },
    })),
    enis: Array.from({ length: ENIS }, (_, i) => ({
      ...{ id: `eni-${i}`, vm: `i-${i}`, vswitch: 'vsw', security_groups: groupsOfEni() },
      addresses: Array.from({ length: addressesOfEni }, address),
    })),
    route_tables: [
      {
        ...{ id: 'rtb', vpc: 'vpc' },
        routes: [
          { cidr: '0.0.0.0/0', next_hop: { type: 'nat_gateway' } },
          ...Array.from({ length: ROUTES }, (_, i) => ({
            ...{ cidr: `172.16.${i}.0/24`, next_hop: { type: 'vpn_gateway' as const } },
          })),
        ],
      },
    ],
  };
}

/** In random order, half of them with a far end inside the VPC. */
function rows(): Rows {
  const columns = new Columns(ROWS);
  for (let row = 0; row < ROWS; row++) {
    columns.eni[row] = below(ENIS);
    columns.direction[row] = below(2);
    columns.family[row] = 4;
    columns.protocol[row] = 6;
    columns.srcport[row] = below(65_536);
    columns.dstport[row] = below(65_536);
    const inside = [10, below(256), below(256), below(256)];
    const far = [below(2) === 0 ? 10 : 1 + below(200), below(256), below(256), below(256)];
    columns.srcaddr.set(columns.direction[row] === 0 ? far : inside, row * 16);
    columns.dstaddr.set(columns.direction[row] === 0 ? inside : far, row * 16);
  }
  return columns;
}

main();
