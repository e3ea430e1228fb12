// The example network: its entries are those that the README shows, and they are what the README says of them.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Accounting } from '../../src/flowlog/accounting.ts';
import { entriesOf } from './entry_line.ts';
import { Workplace, linesOf, shell, windrow } from './program.ts';
import type { Ended } from './program.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NETWORK = path.join(ROOT, 'docker/example/network.yaml');

const workplace = new Workplace();
const network = fs.readFileSync(NETWORK, 'utf8');
const readme = /### An example network\n([^]*?)\n##/.exec(fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8'))![1];

/** The blocks of code in the README's section. */
function blocksOf(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(([, block]) => block);
}

type Entry = Record<string, string>;

/** What each table of the README is about: the addresses of its entries. */
const TABLES: readonly (readonly [string, readonly string[]])[] = [
  ['groups', ['198.51.100.7 10.0.1.10', '203.0.113.66 10.0.1.10']],
  ['two-enis', ['10.0.1.10 10.0.2.20']],
  ['acl', ['10.0.1.10 10.0.4.30']],
  ['nat', ['10.0.2.20 192.0.2.80', '10.0.3.40 192.0.2.80']],
  ['vpn', ['192.168.10.5 10.0.4.30']],
  ['peering', ['10.0.2.20 172.16.1.60', '172.16.1.60 192.0.2.99']],
  ['silence', ['- -']],
];
const KEYS = ['eni-id', 'direction', 'srcaddr', 'srcport', 'dstaddr', 'dstport', 'action', 'traffic_path', 'x-rule'];

const isOf = (pairs: readonly string[], { srcaddr, dstaddr }: Entry): boolean =>
  pairs.includes(`${srcaddr} ${dstaddr}`) || pairs.includes(`${dstaddr} ${srcaddr}`);

let ended: Ended;
let lines: string[];
let entries: Entry[];

beforeAll(async () => {
  fs.symlinkSync(path.join(ROOT, 'docker'), workplace.at('docker'));
  ended = await shell(`cd "$1" && ${blocksOf('sh')[0].trim().replaceAll('\n', ' && ')}`, [workplace.directory]);
  lines = linesOf(workplace.read('entries.ndjson'));
  entries = entriesOf(workplace.read('entries.ndjson'));
});

const of = (table: string): Entry[] =>
  entries.filter((entry) => isOf(TABLES.find(([name]) => name === table)![1], entry));

describe('the README on the example network', () => {
  test('has commands that do what they say', () => {
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('the network is right') as string });
    expect(ended.stderr.trim()).toBe('windrow: 74 packets seen = 74 logged + 0 excluded; 22 entries, 1 NODATA');
  });

  test.each(TABLES)('has the entries of %s as the command prints them', (name) => {
    const rows = of(name).map((entry) => KEYS.map((key) => entry[key]));
    expect(rows.length).toBeGreaterThan(0);
    const expected = [KEYS.map((key) => `\`${key}\``), KEYS.map(() => '---'), ...rows]
      .map((row) => `| ${row.join(' | ')} |`)
      .join('\n');
    const found = new RegExp(`<!-- example:${name} -->\\n([^]*?)<!-- end -->`).exec(readme)![1];
    const shown = found.trim().replaceAll(/ {2,}/g, ' ').replaceAll(/-{3,}/g, '---');
    expect(shown, `README.md: below <!-- example:${name} --> it should say\n${expected}`).toBe(expected);
  });

  test('has each entry in one table', () => {
    expect(entries.map((entry) => TABLES.filter(([, pairs]) => isOf(pairs, entry)).length)).toEqual(
      entries.map(() => 1),
    );
    expect([...readme.matchAll(/<!-- example:/g)]).toHaveLength(TABLES.length);
  });

  test('shows the line of the scanner, key by key', () => {
    const [shown] = blocksOf('json');
    expect(lines.filter((line) => line.includes('203.0.113.66'))).toEqual([JSON.stringify(JSON.parse(shown))]);
  });

  test('shows parts of the file as they stand there', () => {
    const flat = (text: string): string => text.replaceAll(/^ +/gm, '');
    const shown = blocksOf('yaml');
    expect(shown.length).toBeGreaterThan(4);
    for (const part of shown) expect(flat(network)).toContain(flat(part));
  });
});

/** The entries of the example where its file says something else. */
async function entriesWhere(found: string, changed: string): Promise<Entry[]> {
  expect(network.split(found)).toHaveLength(2);
  const other = workplace.file(network.replace(found, changed));
  const { code, stdout } = await windrow(['replay', workplace.at('example.pcap'), '--network', other, '--extended']);
  expect(code).toBe(0);
  return entriesOf(stdout);
}
const actions = (all: readonly Entry[], srcaddr: string): string[] =>
  all.filter((entry) => entry.srcaddr === srcaddr).map((entry) => `${entry['eni-id']} ${entry.action}`);

describe('the example network', () => {
  test('turns a scanner away by the rule that goes first, and by nothing else', async () => {
    expect(actions(entries, '203.0.113.66')).toEqual(['eni-web REJECT']);
    const later = await entriesWhere('priority: 1, policy: drop, cidr: 203', 'priority: 3, policy: drop, cidr: 203');
    expect(actions(later, '203.0.113.66')).toEqual(['eni-web ACCEPT']);
    expect(actions(later, '198.51.100.7')).toEqual(actions(entries, '198.51.100.7'));
  });

  test('stops the web server at the ACL, behind which the group would let it in', async () => {
    expect(actions(of('acl'), '10.0.1.10')).toEqual(['eni-web ACCEPT', 'eni-db REJECT']);
    const open = await entriesWhere('vsw-db, cidrs: [10.0.4.0/24], acl: acl-db', 'vsw-db, cidrs: [10.0.4.0/24]');
    const [, arrived] = open.filter(({ dstaddr, srcaddr }) => `${srcaddr} ${dstaddr}` === '10.0.1.10 10.0.4.30');
    expect(arrived).toMatchObject({ 'eni-id': 'eni-db', action: 'ACCEPT', 'x-rule': 'sg-db/postgres' });
  });

  test('asks the ACL about answers as well', async () => {
    const mute = await entriesWhere('ports: 1024-65535', 'ports: 1024-2048');
    expect(actions(mute, '10.0.4.30')).toEqual(['eni-db REJECT', 'eni-vpn ACCEPT']);
    expect(actions(entries, '10.0.4.30')).toEqual(['eni-db ACCEPT', 'eni-vpn ACCEPT']);
  });

  test('has views of a NAT gateway that count the same packets', () => {
    const sums = (direction: string): string[] =>
      of('nat')
        .filter(({ srcaddr }) => (srcaddr === '192.0.2.80') === (direction === 'down'))
        .map(({ packets, bytes }) => `${packets}/${bytes}`);
    expect(sums('up')).toEqual(['4/1060', '4/1060', '4/1060']);
    expect(sums('down')).toEqual(['4/760', '4/760', '4/760']);
  });

  test('has a capture in which nothing is lost, and which is the same at every run', async () => {
    const [capture, books] = [workplace.at('example.pcap'), workplace.at('books.json')];
    const again = await windrow(['replay', capture, '--network', NETWORK, '--extended', '--accounting', books]);
    expect(linesOf(again.stdout)).toEqual(lines);
    const { packets, direction } = JSON.parse(fs.readFileSync(books, 'utf8')) as Accounting;
    expect([packets.seen, packets.logged, direction.eni]).toEqual([74, 74, 74]);
    const report = await windrow(['replay', capture, '--network', NETWORK, '--format', 'table']);
    expect(report.stdout).toMatch(/^2026-01-05 10:00:00 .* 74 packets +22 entries$/m);
    const made = await shell('node "$1/docker/example/capture.mjs" "$2" && cmp "$2" "$3"', [
      ROOT,
      workplace.at('again.pcap'),
      capture,
    ]);
    expect(made).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });
});
