// Tables of a network that no network has: refused by the addon, or judged by without harm, whatever stands in them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import type { NativeNetworkTables, NativePrefixes } from '../../src/base/addon_network.ts';
import { Columns } from '../../src/flowlog/columns.ts';
import { CALLS, TABLES } from './natives.ts';

type Tables = Record<string, number | Uint32Array | NativePrefixes>;

const NONE = 0xffffffff;

/** Undefined: taken. */
function refusalOf(tables: object): string | undefined {
  try {
    judgeBy(addon.network_new(tables as NativeNetworkTables));
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return (error as TypeError).message;
  }
}

/** Rows of both families with addresses of the tables and others. */
function judgeBy(network: ReturnType<typeof addon.network_new>): void {
  const columns = new Columns(64);
  for (let row = 0; row < 64; row++) {
    columns.eni[row] = row % 5 === 4 ? NONE : row % 3;
    columns.direction[row] = row % 7;
    columns.family[row] = [4, 6, 0, 255][row % 4];
    columns.protocol[row] = [6, 17, 1, 255][(row >> 2) % 4];
    columns.srcport[row] = [-1, 80, 65_535, 2 ** 31 - 1][(row >> 1) % 4];
    columns.dstport[row] = [80, -(2 ** 31), 95, 0][(row >> 3) % 4];
    const address = row % 4 === 1 ? [0xfd, 0] : [10, 0, 1, row % 20];
    columns.srcaddr.set(address, row * 16);
    columns.dstaddr.set(address, row * 16);
    columns.status[row] = row % 11 === 10 ? 2 : 0;
  }
  const opened = Uint8Array.from({ length: 64 }, (_, row) => row % 3);
  addon.network_judge(network, columns.buffer, 64, 64, opened, new Uint8Array(64), new Uint32Array(64));
  addon.network_eni_of(network, Uint8Array.of(10, 0, 1, 1));
  addon.network_eni_of(network, new Uint8Array(16).fill(255));
}

test('tables of a network are taken', () => {
  expect(refusalOf(TABLES)).toBeUndefined();
  for (const [name, value] of Object.entries(TABLES) as [string, unknown][]) {
    if (value instanceof Uint32Array) expect(value.length, name).toBeGreaterThan(0);
  }
});

test.each<[string, (tables: Tables) => void]>([
  ['a vSwitch of no VPC', (t) => set(t, 'vswitches', 0, 7)],
  ['a vSwitch without routes', (t) => set(t, 'vswitches', 1, NONE)],
  ['an ACL that is not there', (t) => set(t, 'vswitches', 2, 1)],
  ['an ENI of no vSwitch', (t) => set(t, 'enis', 0, 1)],
  ['groups that are not there', (t) => set(t, 'enis', 1, 1)],
  ['marks that there are not', (t) => set(t, 'enis', 2, 16)],
  ['a path that cannot be', (t) => set(t, 'enis', 3, 128)],
  ['a HaVip of no VPC', (t) => set(t, 'havips', 0, 1)],
  ['an owner that is not there', (t) => set(columnsOf(t, 'owners4'), 'values', 0, 3)],
  ['a prefix that is too long', (t) => set(columnsOf(t, 'owners4'), 'lengths', 0, 33)],
  ['a prefix of IPv6 that is too long', (t) => set(columnsOf(t, 'owners6'), 'lengths', 0, 129)],
  ['bits behind a prefix', (t) => set(columnsOf(t, 'vswitchCidrs4'), 'words', 0, 0x0a000101)],
  ['a member of no set', (t) => set(t, 'members', 0, 1)],
  ['a member of no group', (t) => set(t, 'members', 1, 1)],
  ['a group without rules', (t) => set(t, 'groups', 0, 4)],
  ['a group with a name that is not there', (t) => set(t, 'groups', 2, 100)],
  ['an ACL without rules', (t) => set(t, 'acls', 1, 4)],
  ['an ACL without names', (t) => set(t, 'acls', 2, NONE)],
  ['a rule that neither accepts nor drops', (t) => set(t, 'rules', 0, 2)],
  ['a rule without a name', (t) => set(t, 'rules', 2, 100)],
  ['a match of no list', (t) => set(t, 'matches4', 0, 4)],
  ['a match of a list before', (t) => set(t, 'matches4', 0, 3)],
  ['a match of no rule', (t) => set(t, 'matches4', 3, NONE)],
  ['services that end before they begin', (t) => set(t, 'matches4', 2, 1)],
  ['services that there are not', (t) => set(t, 'matches4', 2, 2 ** 25)],
  ['a peer that is not there', (t) => set(t, 'peers', 0, 1)],
  ['a route of no map', (t) => set(columnsOf(t, 'routes4'), 'values', 0, 1)],
  ['more maps than vSwitches', (t) => (t.routeMaps = 2)],
  ['more sets than members', (t) => (t.groupSets = 3)],
  ['more lists than groups and ACLs have', (t) => (t.lists = 5)],
  ['names of defaults that are not there', (t) => (t.defaultIn = 100)],
  ['no names', (t) => (t.names = 0)],
])('%s is refused', (_, spoil) => {
  const tables = copyOf(TABLES);
  spoil(tables);
  expect(refusalOf(tables)).toMatch(/that cannot be|that are not there/);
});

test('each table that is missing, of another type, or cut off is refused', () => {
  for (const [name, value] of Object.entries(TABLES) as [string, unknown][]) {
    for (const wrong of [undefined, null, 'text', -1, 1.5, {}, [], new Float64Array(64)]) {
      expect(refusalOf({ ...TABLES, [name]: wrong }), name).toBeDefined();
    }
    if (!(value instanceof Uint32Array) || ['peers', 'havips'].includes(name)) continue;
    expect(refusalOf({ ...TABLES, [name]: value.slice(0, -1) }), name).toBeDefined();
  }
  for (const name of Object.keys(TABLES).filter((key) => key.endsWith('4') || key.endsWith('6'))) {
    const columns = TABLES[name as keyof NativeNetworkTables];
    if (columns instanceof Uint32Array || typeof columns === 'number') continue;
    for (const column of ['words', 'lengths', 'values'] as const) {
      if (columns.lengths.length === 0) continue;
      const cut = { ...columns, [column]: columns[column].slice(0, -1) };
      expect(refusalOf({ ...TABLES, [name]: cut }), `${name}.${column}`).toBeDefined();
    }
  }
});

test('whatever numbers stand in them, they are refused or judged by', () => {
  const names = Object.keys(TABLES);
  const number = fc.oneof(
    fc.integer({ min: 0, max: 5 }),
    fc.constantFrom(31, 32, 33, 127, 128, 2 ** 25, NONE - 1, NONE),
  );
  const change = fc.record({ name: fc.constantFrom(...names), at: fc.nat(), value: number, column: fc.nat(2) });
  const seen = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const tables = copyOf(TABLES);
      for (const { name, at, value, column } of changes) {
        const table = tables[name];
        if (typeof table === 'number') tables[name] = value === NONE ? 0 : value;
        else if (table instanceof Uint32Array) table[at % Math.max(table.length, 1)] = value;
        else {
          const cells = [table.words, table.lengths, table.values][column];
          cells[at % Math.max(cells.length, 1)] = value;
        }
      }
      if (refusalOf(tables) === undefined) seen.taken++;
      else seen.refused++;
    }),
    { numRuns: 3000 },
  );
  expect(seen.taken).toBeGreaterThan(100);
  expect(seen.refused).toBeGreaterThan(100);
});

test('rows and arrays that are too short are refused', () => {
  const network = addon.network_new(TABLES);
  const { buffer } = new Columns(16);
  const [opened, sources, rules] = [new Uint8Array(9), new Uint8Array(9), new Uint32Array(9)];
  const judge = (...args: unknown[]) => CALLS.network_judge(network, buffer, ...args);
  expect(() => judge(16, 9, opened, sources, rules)).not.toThrow();
  expect(() => judge(16, 10, opened, sources, rules)).toThrow(TypeError);
  expect(() => judge(8, 9, opened, sources, rules)).toThrow(TypeError);
  expect(() => judge(24, 9, opened, sources, rules)).toThrow(TypeError);
  expect(() => judge(16, 9, sources.slice(1), sources, rules)).toThrow(TypeError);
  expect(() => judge(16, 9, opened, sources, rules.slice(1))).toThrow(TypeError);
  expect(() => CALLS.network_eni_of(network, new Uint8Array(5))).toThrow(TypeError);
});

/** So that nothing is changed for others. */
function copyOf(tables: NativeNetworkTables): Tables {
  return structuredClone(tables) as unknown as Tables;
}

function columnsOf(tables: Tables, name: string): Tables {
  return tables[name] as unknown as Tables;
}

function set(tables: Tables, name: string, at: number, value: number): void {
  (tables[name] as Uint32Array)[at] = value;
}
