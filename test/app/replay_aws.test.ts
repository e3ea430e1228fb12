// Lines of AWS VPC flow logs, to the byte, and read by what AWS says of them.
import fs from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import * as p from '../packets.ts';
import { entriesOf } from './entry_line.ts';
import type { Entry } from './entry_line.ts';
import { Workplace, linesOf, windrow } from './program.ts';
import { traffic } from './traffic.ts';

const workplace = new Workplace();

/** The start of a minute. */
const T = 1_000_020;
const CLIENT = '10.0.0.1';
const SERVER = '192.0.2.1';
const { syn, ack, psh, fin, rst } = p.TCP_FLAG;
const DEFAULT =
  'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status';
const ALL = `${DEFAULT} vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path`;

function segment(isReply: boolean, flags: number, [client, server] = [40000, 443]): Uint8Array {
  const [src, dst, sport, dport] = isReply ? [SERVER, CLIENT, server, client] : [CLIENT, SERVER, client, server];
  return p.ethernet({}, p.ipv4({ src, dst, protocol: p.PROTOCOL.tcp }, p.tcp({ sport, dport, flags })));
}

function capture(...packets: [number, Uint8Array][]): string {
  return workplace.file(p.pcap(packets.map(([sec, data]): p.PcapRecord => ({ sec, data }))));
}

const ping = p.ethernet({}, p.ipv4({ src: CLIENT, dst: SERVER, protocol: p.PROTOCOL.icmp }, p.icmp(8, 0)));
const dns6 = p.ethernet(
  { type: 0x86dd },
  p.ipv6({ src: 'fd00::1', dst: '2001:db8::53', next: 17 }, p.udp({ sport: 1, dport: 53 })),
);
const OFFICE = capture(
  [T, segment(false, syn)],
  [T, segment(true, syn | ack)],
  [T + 1, segment(false, ack)],
  [T + 1, segment(false, psh | ack)],
  [T + 2, segment(true, fin | ack)],
  [T + 2, segment(false, fin | ack)],
  [T + 10, ping],
  [T + 20, dns6],
  [T + 130, ping],
);

async function lines(file: string, ...args: string[]): Promise<string[]> {
  const end = await windrow(['replay', file, '--format', 'aws', '--window', '60', ...args]);
  expect(end.stderr).toMatch(/^windrow: [\d,]+ packets? seen = .*\n$/);
  expect(end.code).toBe(0);
  return linesOf(end.stdout);
}

describe.concurrent('AWS flow logs', () => {
  test('have the fields of version 2 unless told otherwise, and a line before all that names them', async () => {
    expect(await lines(OFFICE)).toEqual([
      DEFAULT,
      `2 - eni-if0 ${CLIENT} ${SERVER} 40000 443 6 4 160 ${T} ${T + 2} ACCEPT OK`,
      `2 - eni-if0 ${SERVER} ${CLIENT} 443 40000 6 2 80 ${T} ${T + 2} ACCEPT OK`,
      `2 - eni-if0 ${CLIENT} ${SERVER} 0 0 1 1 28 ${T + 10} ${T + 10} ACCEPT OK`,
      `2 - eni-if0 fd00::1 2001:db8::53 1 53 17 1 48 ${T + 20} ${T + 20} ACCEPT OK`,
      `2 - eni-if0 - - - - - - - ${T + 60} ${T + 120} - NODATA`,
      `2 - eni-if0 ${CLIENT} ${SERVER} 0 0 1 1 28 ${T + 130} ${T + 130} ACCEPT OK`,
    ]);
  });

  test('have any fields in any order, and the highest of their versions', async () => {
    const fields = 'traffic-path flow-direction version type tcp-flags log-status end srcaddr region';
    expect(await lines(OFFICE, '--aws-fields', fields)).toEqual([
      fields,
      `- egress 5 IPv4 3 OK ${T + 2} ${CLIENT} -`,
      `- ingress 5 IPv4 19 OK ${T + 2} ${SERVER} -`,
      `- egress 5 IPv4 0 OK ${T + 10} ${CLIENT} -`,
      `- egress 5 IPv6 0 OK ${T + 20} fd00::1 -`,
      `- - 5 - - NODATA ${T + 120} - -`,
      `- egress 5 IPv4 0 OK ${T + 130} ${CLIENT} -`,
    ]);
    expect(await lines(OFFICE, '--aws-fields', '${version} ${vpc-id}')).toEqual([
      'version vpc-id',
      ...Array<string>(6).fill('3 -'),
    ]);
  });

  test('say SKIPDATA where packets were lost, at the ENI that has a name', async () => {
    const lost = p.section([
      p.interfaceBlock({ linkType: p.LINK_TYPE.ethernet }),
      p.enhancedPacket({ units: BigInt(T) * 1_000_000n, data: ping }),
      p.statistics({ units: BigInt(T + 1) * 1_000_000n, drops: 7n }),
    ]);
    const said = await lines(
      workplace.file(lost),
      '--eni',
      'eni-a',
      '--aws-fields',
      'interface-id log-status start end packets',
    );
    expect(said).toContain(`eni-a SKIPDATA ${T} ${T + 60} -`);
    expect(said).toContain(`eni-a OK ${T} ${T} 1`);
  });

  test('count of TCP flags FIN, SYN, RST and SYN-ACK, and nothing else', async () => {
    const flagsOf = async (packets: [number, Uint8Array][]): Promise<string[]> =>
      (await lines(capture(...packets), '--aws-fields', 'tcp-flags')).slice(1);
    const at = (...segments: Uint8Array[]): [number, Uint8Array][] => segments.map((data) => [T, data]);
    // One direction.
    for (const [flags, expected] of [
      [[ack], '0'],
      [[psh | ack], '0'],
      [[0], '0'],
      [[32 | 64 | 128], '0'],
      [[syn | 64], '2'],
      [[syn], '2'],
      [[syn | ack], '18'],
      [[rst | ack], '4'],
      [[rst], '4'],
      [[fin | ack], '1'],
      [[syn, ack, fin | ack], '3'],
      [[syn, psh | ack, rst], '6'],
    ] as const) {
      expect(await flagsOf(at(...flags.map((one) => segment(false, one)))), flags.join(' ')).toEqual([expected]);
    }
    // Both; whoever has the lower port is the server.
    const both = [segment(false, syn), segment(true, syn | ack), segment(false, ack), segment(true, fin | ack)];
    expect(await flagsOf(at(...both))).toEqual(['2', '19']);
  });

  test('read back as AWS documents them say what JSON says', async () => {
    const read = readAws((await lines(OFFICE, '--aws-fields', ALL, '--eni', 'eni-x')).join('\n'));
    const json = await windrow(['replay', OFFICE, '--window', '60', '--eni', 'eni-x']);
    expect(read).toEqual(entriesOf(json.stdout).map(inAws));
    expect(read.map((record) => record['log-status'])).toContain('NODATA');
  });

  test('are the same for any number of workers, and go to files, compressed too', async () => {
    const alone = await lines(OFFICE, '--workers', '1');
    expect(await lines(OFFICE, '--workers', '3')).toEqual(alone);
    const file = workplace.at('log.gz');
    expect(await lines(OFFICE, '--output', file, '--compress', 'gzip')).toEqual([]);
    expect(linesOf(gunzipSync(fs.readFileSync(file)).toString())).toEqual(alone);
  });

  test('of many entries are whole lines, however blocks of them are cut', async () => {
    const many = workplace.file(traffic({ entries: 60_000 }));
    const [header, ...said] = await lines(many, '--aws-fields', ALL);
    expect(header).toBe(ALL);
    expect(said).toHaveLength(60_000);
    const records = readAws([header, ...said].join('\n'));
    const flows = records.map(({ srcaddr, srcport, dstaddr }) => `${srcaddr} ${srcport} ${dstaddr}`);
    expect(new Set(flows).size).toBe(60_000);
  });

  test('of a capture without packets have the line that names fields, and no other', async () => {
    expect(await lines(workplace.file(p.pcap([])))).toEqual([DEFAULT]);
  });
});

describe.concurrent('refused is', () => {
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await windrow(['replay', OFFICE, ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(linesOf(stderr)).toHaveLength(1);
    return stderr;
  };

  test('a field that there is not', async () => {
    expect(await refused('--format', 'aws', '--aws-fields', 'version srcadr')).toContain('did you mean srcaddr?');
  });

  test('fields without the format', async () => {
    for (const args of [[], ['--format', 'json'], ['--format', 'table'], ['--out', workplace.at('tree')]]) {
      expect(await refused(...args, '--aws-fields', 'bytes')).toContain('--aws-fields goes with --format aws');
    }
  });

  test('a tree or Kafka, which have formats of their own', async () => {
    expect(await refused('--format', 'aws', '--out', workplace.at('tree'))).toContain('goes to --output only');
    expect(await refused('--format', 'aws', '--kafka', 'localhost:1')).toContain('goes to --output only');
    expect(workplace.has('tree')).toBe(false);
  });

  test('an ENI whose name has blanks, which JSON takes', async () => {
    expect(await refused('--format', 'aws', '--eni', 'my eni')).toContain('separated by blanks');
    expect((await windrow(['replay', OFFICE, '--eni', 'my eni'])).code).toBe(0);
  });
});

/** A reader as the documentation wants it: a header, then records of as many values, each of its kind or "-". */
function readAws(text: string): Record<string, string>[] {
  const [header, ...records] = linesOf(text).map((line) => line.split(' '));
  const number = /^(0|[1-9][0-9]*)$/;
  const kinds: Record<string, RegExp> = {
    version: /^[2-5]$/,
    'srcport dstport protocol packets bytes start end': number,
    action: /^(ACCEPT|REJECT)$/,
    'log-status': /^(OK|NODATA|SKIPDATA)$/,
    'tcp-flags': /^(0|[1-7]|1[89]|2[23])$/,
    type: /^IPv[46]$/,
    'flow-direction': /^(in|e)gress$/,
    'traffic-path': /^[1-8]$/,
    'srcaddr dstaddr pkt-srcaddr pkt-dstaddr': /^([0-9]+(\.[0-9]+){3}|[0-9a-f:]+)$/,
  };
  return records.map((values) => {
    expect(values).toHaveLength(header.length);
    for (const [i, name] of header.entries()) {
      const kind = Object.entries(kinds).find(([names]) => names.split(' ').includes(name))?.[1] ?? /^\S+$/;
      if (values[i] !== '-') expect(values[i], name).toMatch(kind);
    }
    const record = Object.fromEntries(header.map((name, i) => [name, values[i]]));
    // What is always there.
    for (const name of ['version', 'interface-id', 'start', 'end', 'log-status']) expect(record[name]).not.toBe('-');
    return record;
  });
}

/** What an entry is in all fields of AWS. */
function inAws(entry: Entry): Record<string, string> {
  const isOk = entry['log-status'] === 'OK';
  const none = (value: string): string => (isOk && value === '-' ? '0' : value);
  const flags = Number(entry['tcp-flags']) || 0;
  const isServer = Number(entry.srcport) < Number(entry.dstport);
  const counted = (flags & (fin | syn | rst)) | ((flags & 18) === 18 && (isServer || entry.packets === '1') ? ack : 0);
  return {
    version: '5',
    'account-id': entry['account-id'],
    'interface-id': entry['eni-id'],
    srcaddr: entry.srcaddr,
    dstaddr: entry.dstaddr,
    srcport: none(entry.srcport),
    dstport: none(entry.dstport),
    protocol: entry.protocol,
    packets: entry.packets,
    bytes: entry.bytes,
    start: entry.start,
    end: entry.end,
    action: entry.action,
    'log-status': entry['log-status'],
    'vpc-id': entry['vpc-id'],
    'subnet-id': entry['vswitch-id'],
    'instance-id': entry['vm-id'],
    'tcp-flags': isOk ? `${counted}` : '-',
    type: entry.type,
    'pkt-srcaddr': entry.srcaddr,
    'pkt-dstaddr': entry.dstaddr,
    region: '-',
    'az-id': '-',
    'sublocation-type': '-',
    'sublocation-id': '-',
    'pkt-src-aws-service': '-',
    'pkt-dst-aws-service': '-',
    'flow-direction': isOk ? (entry.direction === 'out' ? 'egress' : 'ingress') : '-',
    'traffic-path': '-',
  };
}
