// `windrow replay --flow-logs`: what flow logs that were created by the command collect of a capture.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import * as p from '../packets.ts';
import { entriesOf } from './entry_line.ts';
import { Workplace, windrow } from './program.ts';

const workplace = new Workplace();
const T = 1_700_000_400;

const NETWORK = workplace.file(
  `
account: '1'
vpcs:
  - id: vpc-1
    cidrs: [10.0.0.0/16]
    vswitches: [{ id: vsw-1, cidrs: [10.0.1.0/24] }, { id: vsw-2, cidrs: [10.0.2.0/24] }]
security_groups:
  - { id: sg-1, vpc: vpc-1, rules: [{ id: in-443, direction: in, policy: accept, protocol: tcp, ports: [443], cidr: 0.0.0.0/0 }] }
enis:
  - { id: eni-web, vswitch: vsw-1, vm: i-1, addresses: [10.0.1.1], security_groups: [sg-1] }
  - { id: eni-db, vswitch: vsw-2, vm: i-2, addresses: [10.0.2.1], security_groups: [sg-1] }
`,
  'network.yaml',
);

const packet = (sec: number, dst: string, dport: number): p.PcapRecord => ({
  sec,
  data: p.ethernet(
    {},
    p.ipv4({ src: '203.0.113.9', dst, protocol: p.PROTOCOL.tcp }, p.tcp({ sport: 5000, dport, flags: 2 })),
  ),
});
const CAPTURE = workplace.file(
  p.pcap([
    packet(T, '10.0.1.1', 443),
    packet(T + 30, '10.0.1.1', 22),
    packet(T + 90, '10.0.2.1', 443),
    packet(T + 400, '10.0.2.1', 22),
  ]),
);

async function flowLogs(name: string, ...all: readonly (readonly string[])[]): Promise<string> {
  const file = workplace.at(name);
  for (const args of all) {
    const made = await windrow(['flowlog', 'create', ...args, '--state', file]);
    expect(made.code, made.stderr).toBe(0);
  }
  return file;
}

const VPC = ['--resource-type', 'VPC', '--resource-id', 'vpc-1'];
const WEB = ['--resource-type', 'VSwitch', '--resource-id', 'vsw-1'];

describe('replay with flow logs', () => {
  test('writes to each its own, under its project and its logstore', async () => {
    const file = await flowLogs(
      'tree.json',
      ['--name', 'all', ...VPC, '--aggregation-interval', '10', '--logstore', 'all'],
      ['--name', 'refused', ...WEB, '--aggregation-interval', '1', '--traffic-type', 'Drop', '--logstore', 'refused'],
    );
    const root = workplace.at('tree');
    const done = await windrow(['replay', CAPTURE, '--network', NETWORK, '--flow-logs', file, '--out', root]);
    expect(done.code, done.stderr).toBe(0);
    expect(done.stderr).toMatch(/4 packets seen = 4 logged \+ 0 excluded/);
    const of = (logstore: string) => {
      const folder = path.join(root, 'windrow', logstore);
      const files = fs
        .readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => /ndjson$/.test(name));
      return files.flatMap((name) => entriesOf(fs.readFileSync(path.join(folder, name), 'utf8')));
    };
    const shown = (entries: ReturnType<typeof of>): string[] =>
      entries
        .map((entry) => [entry['eni-id'], entry['action'], Number(entry['start']) - T, entry['log-status']].join(' '))
        .sort();
    // At eni-web windows have one minute, since one of its flow logs asks for that; at eni-db ten.
    expect(shown(of('refused'))).toEqual([
      'eni-web - 120 NODATA',
      'eni-web - 180 NODATA',
      'eni-web - 240 NODATA',
      'eni-web - 300 NODATA',
      'eni-web - 360 NODATA',
      'eni-web - 60 NODATA',
      'eni-web REJECT 30 OK',
    ]);
    expect(shown(of('all'))).toEqual([
      'eni-db ACCEPT 90 OK',
      'eni-db REJECT 400 OK',
      'eni-web - 120 NODATA',
      'eni-web - 180 NODATA',
      'eni-web - 240 NODATA',
      'eni-web - 300 NODATA',
      'eni-web - 360 NODATA',
      'eni-web - 60 NODATA',
      'eni-web ACCEPT 0 OK',
      'eni-web REJECT 30 OK',
    ]);
    const again = await windrow(['replay', CAPTURE, '--network', NETWORK, '--flow-logs', file, '--out', root]);
    expect(again.code, again.stderr).toBe(0);
    expect(of('all')).toHaveLength(10);
    const checked = await windrow(['sink', '--check', root]);
    expect(checked.code, checked.stdout).toBe(0);
  });

  test('says of each line which flow log it is of, if that is asked for', async () => {
    const file = await flowLogs(
      'lines.json',
      ['--name', 'a "b"', ...WEB],
      ['--name', 'two', ...WEB, '--traffic-type', 'Drop'],
    );
    const args = ['replay', CAPTURE, '--network', NETWORK, '--flow-logs', file, '--format', 'json'];
    const done = await windrow([...args, '--extended']);
    expect(done.code, done.stderr).toBe(0);
    const entries = done.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, string>);
    expect(entries.map((entry) => [entry['x-flow-log'], entry['action'], entry['x-rule']])).toEqual(
      [
        ['a "b"', 'ACCEPT', 'sg-1/in-443'],
        ['a "b"', 'REJECT', 'default'],
        ['two', 'REJECT', 'default'],
      ].map((row) => [row[0], row[1], expect.any(String) as unknown]),
    );
    expect(Object.keys(entries[0]).slice(-3)).toEqual(['x-flow-log', 'x-rule', 'x-verdict-source']);
    expect(done.stderr).toMatch(/2 that no flow log takes/);
    const plain = await windrow(args);
    expect(plain.stdout).not.toContain('x-');
    expect(plain.stdout.split('\n')).toHaveLength(4);
    const workers = await windrow([...args, '--workers', '3']);
    expect(workers.stdout).toBe(plain.stdout);
  });

  test('of interfaces of a capture, without a network', async () => {
    const file = await flowLogs('interface.json', [
      '--name',
      'one',
      '--resource-type',
      'NetworkInterface',
      '--resource-id',
      'eni-if0',
    ]);
    const done = await windrow(['replay', CAPTURE, '--flow-logs', file, '--format', 'json']);
    expect(done.code, done.stderr).toBe(0);
    expect(done.stdout.split('\n')).toHaveLength(5);
    const books = workplace.at('books.json');
    const other = await flowLogs('other.json', [
      '--name',
      'one',
      '--resource-type',
      'NetworkInterface',
      '--resource-id',
      'eni-if7',
    ]);
    const none = await windrow(['replay', CAPTURE, '--flow-logs', other, '--format', 'json', '--accounting', books]);
    expect(none.stdout).toBe('');
    expect(JSON.parse(fs.readFileSync(books, 'utf8'))).toMatchObject({
      packets: { seen: 4, logged: 4 },
      uncollected: { entries: 4, packets: 4 },
    });
  });

  test('refuses flow logs that are not there, and a window besides them', async () => {
    const missing = await windrow(['replay', CAPTURE, '--flow-logs', workplace.at('missing.json')]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(
      /missing\.json: expected flow logs, found none that can be read: .*; windrow flowlog create/,
    );
    const file = await flowLogs('window.json', ['--name', 'one', ...VPC]);
    const both = await windrow(['replay', CAPTURE, '--flow-logs', file, '--window', '60']);
    expect(both.code).toBe(2);
    expect(both.stderr).toMatch(/--window and --flow-logs: flow logs say how long windows are/);
  });

  test('shows people what was captured, whoever collects it', async () => {
    const file = await flowLogs('table.json', ['--name', 'one', ...WEB]);
    const done = await windrow(['replay', CAPTURE, '--network', NETWORK, '--flow-logs', file, '--format', 'table']);
    expect(done.code, done.stderr).toBe(0);
    expect(done.stdout).toMatch(/203\.0\.113\.9/);
  });
});
