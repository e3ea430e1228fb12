// The second count as users run it: it says equal, or names what differs.
import fs from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { TCP_FLAG, PROTOCOL, ethernet, ipv4, pcap, tcp, udp } from '../packets.ts';
import type { PcapRecord } from '../packets.ts';
import { Workplace, linesOf, windrow } from './program.ts';
import type { Ended } from './program.ts';
import { isRoot, testWhere } from '../needs.ts';

const workplace = new Workplace();

const T = 1_000_020;
const CAPTURE = pcap([
  ...Array.from({ length: 60 }, (_, i): PcapRecord => {
    const data = ethernet({}, ipv4({ src: `10.0.0.${1 + (i % 7)}` }, udp({ sport: 1000 }, new Uint8Array(i))));
    return { sec: T + i * 3, data };
  }),
  {
    sec: T + 180,
    data: ethernet({}, ipv4({ protocol: PROTOCOL.tcp }, tcp({ flags: TCP_FLAG.syn }))),
  },
  { sec: T + 400, data: ethernet({ type: 0x0806 }, new Uint8Array(28)) },
]);

let capture: string;
let entries: string[];
beforeAll(async () => {
  capture = workplace.file(CAPTURE, 'x.pcap');
  const end = await windrow(['replay', capture, '--window', '60', '--quiet']);
  expect({ code: end.code, stderr: end.stderr }).toEqual({ code: 0, stderr: '' });
  entries = linesOf(end.stdout);
  expect(entries.length).toBeGreaterThan(20);
});

function verify(lines: readonly string[], ...args: string[]): Promise<Ended> {
  const file = workplace.file(lines.map((line) => `${line}\n`).join(''));
  return windrow(['verify', capture, file, '--window', '60', ...args]);
}

function expectDifferent({ code, stdout, stderr }: Ended, differences: number): void {
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(stdout).toMatch(new RegExp(`^different: ${differences} differences? in \\d+ entries$`, 'm'));
  expect(stdout).not.toContain('equal');
}

describe.concurrent('verify', () => {
  test('says equal of what the replay wrote, in any order of lines', async () => {
    for (const lines of [entries, entries.toReversed()]) {
      const { code, stdout, stderr } = await verify(lines);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toBe(`equal: ${entries.length} entries, 62 packets recounted\n`);
    }
    expect(await verify(entries, '--quiet')).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  test.each(['bytes', 'packets', 'start', 'end', 'tcp-flags'])('names a changed digit of %s', async (key) => {
    const number = entries.findIndex((line) => line.includes('"protocol":"6"'));
    const changed = entries[number].replace(new RegExp(`"${key}":"(\\d*)(\\d)"`), (_, head: string, last: string) => {
      return `"${key}":"${head}${last === '9' ? 8 : Number(last) + 1}"`;
    });
    expect(changed).not.toBe(entries[number]);
    const end = await verify(entries.with(number, changed));
    expect(end.code).toBe(1);
    expect(end.stdout).toMatch(
      new RegExp(`10\\.0\\.0\\.1 .*192\\.0\\.2\\.1 .*: ${key}: expected .*\\(line ${number + 1}\\)`),
    );
  });

  test('names a changed address as one entry missing and one too many', async () => {
    const end = await verify(entries.with(2, entries[2].replace('"192.0.2.1"', '"192.0.2.2"')));
    expectDifferent(end, 2);
    expect(end.stdout).toContain('192.0.2.2');
    expect(end.stdout).toMatch(/no entry found/);
    expect(end.stdout).toMatch(/not expected, found \d+ packets \(line 3\)/);
  });

  test('names a line that is missing, and one that is there twice', async () => {
    const missing = await verify(entries.slice(1));
    expectDifferent(missing, 1);
    expect(missing.stdout).toMatch(/10\.0\.0\.1 .*: expected \d packets, no entry found/);
    const twice = await verify([...entries, entries[0]]);
    expect(twice.code).toBe(1);
    expect(twice.stdout).toMatch(/10\.0\.0\.1 .*: packets: expected 3, found 6/);
    const quiet = entries.findIndex((line) => line.includes('NODATA'));
    const unsaid = await verify(entries.toSpliced(quiet, 1));
    expectDifferent(unsaid, 1);
    expect(unsaid.stdout).toMatch(/^NODATA eni-if0 \d+ \d+: expected, not found$/m);
  });

  test('names a line that is no entry', async () => {
    const broken = await verify([...entries, '{"account-id":', '[]', '{"a":"b"}']);
    expectDifferent(broken, 3);
    expect(broken.stdout).toContain(`line ${entries.length + 1}: not JSON`);
    expect(broken.stdout).toContain(`line ${entries.length + 2}: not an object`);
    expect(broken.stdout).toContain(`line ${entries.length + 3}: keys missing`);
  });

  test('of other options than the replay had finds differences', async () => {
    for (const args of [
      ['--window', '120'],
      ['--local', '10.0.0.0/8'],
      ['--eni', 'eni-other'],
    ]) {
      const end = await verify(entries, ...args);
      expect(end.code).toBe(1);
      expect(end.stdout).toMatch(/^different: /m);
    }
  });

  test.each([
    ['--eni', 'a=2:0:0:0:0:1'],
    ['--eni', 'a=10.0.0.1,b=02-00-00-00-00-02'],
    ['--local', '2001:DB8::/32,10.0.0.1'],
  ])('reads ENIs and ranges as the replay does: %s %s', async (...args) => {
    const replayed = await windrow(['replay', capture, '--window', '60', '--quiet', ...args]);
    const verified = await verify(linesOf(replayed.stdout), ...args);
    expect(verified.stdout).toMatch(/^equal: /);
  });

  test('shows the first twenty differences and says how many there are', async () => {
    const { code, stdout } = await verify([]);
    const lines = linesOf(stdout);
    expect(code).toBe(1);
    expect(lines).toHaveLength(22);
    expect(lines[20]).toBe(`... and ${entries.length - 20} more differences`);
    expect(lines[21]).toBe(`different: ${entries.length} differences in 0 entries`);
  });
});

describe.concurrent('verify cannot go on', () => {
  const refused = async (file: string, entriesFile: string, says: RegExp): Promise<void> => {
    const { code, stdout, stderr } = await windrow(['verify', file, entriesFile, '--window', '60']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^windrow: [^\n]+\n$/);
    expect(stderr).toMatch(says);
  };

  test('without entries that it can read', async () => {
    await refused(capture, workplace.at('gone.ndjson'), /gone\.ndjson: .*no such file/);
    await refused(capture, workplace.directory, /it is a directory/);
  });

  testWhere(isRoot, 'only root can try a file as somebody else')('without permission to read them', async () => {
    const secret = workplace.file('', 'secret.ndjson');
    fs.chmodSync(workplace.directory, 0o755);
    fs.chmodSync(secret, 0);
    const end = await windrow(['verify', capture, secret], { uid: 65534 });
    expect({ code: end.code, stdout: end.stdout }).toEqual({ code: 1, stdout: '' });
    expect(end.stderr).toMatch(/^windrow: [^\n]*secret\.ndjson: [^\n]*permission denied\n$/);
  });

  test('without a capture that it can read', async () => {
    const ndjson = workplace.file(entries.join('\n'), 'some.ndjson');
    await refused(workplace.at('gone.pcap'), ndjson, /gone\.pcap: .*no such file/);
    await refused(workplace.directory, ndjson, /directory/);
    await refused(workplace.file('no packets at all', 'text.pcap'), ndjson, /text\.pcap: .*not a capture/);
    await refused(workplace.file('', 'empty.pcap'), ndjson, /empty\.pcap: .*empty/);
    await refused(workplace.file(pcap([], { linkType: 147 }), 'user0.pcap'), ndjson, /147/);
  });
});

test('verify says of a capture that is cut off that it is, and compares what could be read', async () => {
  const cut = workplace.file(CAPTURE.subarray(0, -1), 'cut.pcap');
  const replayed = await windrow(['replay', cut, '--window', '60', '--quiet']);
  expect(replayed.code).toBe(3);
  const verified = await windrow(['verify', cut, workplace.file(replayed.stdout, 'cut.ndjson'), '--window', '60']);
  expect(verified.stdout).toMatch(/^equal: /);
  expect(verified.stdout + verified.stderr).toMatch(/cut off/);
});

describe.concurrent('with a network', () => {
  const NETWORK = `
account: '1210123456'
vpcs: [{ id: vpc-a, cidrs: [10.0.0.0/16], route_table: rtb-a, vswitches: [{ id: vsw-a, cidrs: [10.0.0.0/24] }] }]
security_groups:
  - id: sg-a
    vpc: vpc-a
    rules: [{ id: no-udp, direction: out, policy: drop, protocol: udp, cidr: 192.0.2.0/24 }]
enis:
  - { id: eni-a, vm: i-a, vswitch: vsw-a, addresses: [10.0.0.1, 10.0.0.2], security_groups: [sg-a] }
  - { id: eni-b, vswitch: vsw-a, prefixes: [10.0.0.4/30] }
route_tables: [{ id: rtb-a, vpc: vpc-a, routes: [{ cidr: 0.0.0.0/0, next_hop: { type: nat_gateway } }] }]
`;
  const network = ['--network', workplace.file(NETWORK, 'network.yaml')];
  const replayed = async (): Promise<string[]> =>
    linesOf((await windrow(['replay', capture, '--window', '60', '--quiet', ...network])).stdout);

  test('says equal of what a replay with it wrote, and of nothing else', async () => {
    const lines = await replayed();
    expect(lines.some((line) => line.includes('"action":"REJECT"'))).toBe(true);
    expect(lines.some((line) => line.includes('"action":"ACCEPT"'))).toBe(true);
    expect(lines.some((line) => line.includes('NODATA'))).toBe(true);
    expect(await verify(lines, ...network)).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: `equal: ${lines.length} entries, 62 packets recounted\n`,
    });
    expect((await verify(lines)).stdout).toMatch(/^different: /m);
    expect((await verify(entries, ...network)).stdout).toMatch(/^different: /m);
  });

  test.each([
    ['action', 'REJECT', 'ACCEPT', /: action: expected REJECT, found ACCEPT \(line \d+\)/],
    ['traffic_path', '7', '13', /: traffic_path: expected 7, found 13 \(line \d+\)/],
    ['traffic_path', '7', '-', /: traffic_path: expected 7, found - \(line \d+\)/],
    ['direction', 'out', 'in', /eni-[ab] in .* not expected, found/],
    ['eni-id', 'eni-b', 'eni-a', /: vm-id: expected i-a, found - \(line \d+\)/],
    ['vm-id', 'i-a', 'i-b', /: vm-id: expected i-a, found i-b \(line \d+\)/],
    ['account-id', '1210123456', '-', /: account-id: expected 1210123456, found - \(line \d+\)/],
    ['vswitch-id', 'vsw-a', 'vsw-b', /: vswitch-id: expected vsw-a, found vsw-b/],
  ])('names a planted %s', async (key, from, to, difference) => {
    const lines = await replayed();
    const number = lines.findIndex((line) => line.includes('"OK"') && line.includes(`"${key}":"${from}"`));
    expect(number).toBeGreaterThanOrEqual(0);
    const planted = lines.with(number, lines[number].replace(`"${key}":"${from}"`, `"${key}":"${to}"`));
    const { code, stdout } = await verify(planted, ...network);
    expect(code).toBe(1);
    expect(stdout).toMatch(difference);
  });

  test('names a silence of an ENI that is another’s', async () => {
    const lines = await replayed();
    const number = lines.findIndex((line) => line.includes('NODATA') && line.includes('eni-b'));
    const planted = lines.with(number, lines[number].replace('eni-b', 'eni-a'));
    const { code, stdout } = await verify(planted, ...network);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^NODATA eni-b \d+ \d+: expected, not found$/m);
  });

  test('that is wrong, or beside other ENIs, refuses it', async () => {
    const wrong = await verify(entries, '--network', workplace.file('enis: 1\n', 'wrong.yaml'));
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toMatch(/wrong\.yaml:1:7: enis: expected a list/);
    expect((await verify(entries, ...network, '--eni', 'a')).stderr).toMatch(/--eni and --network/);
  });
});
