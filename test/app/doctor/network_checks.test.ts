// What a host's network has: interfaces of all kinds, and rules of the firewall that log.
import { describe, expect, test } from 'vitest';
import { checkFirewall } from '../../../src/app/doctor/firewall.ts';
import { checkInterfaces } from '../../../src/app/doctor/interfaces.ts';
import { machine } from './machine.ts';
import type { Broken } from './machine.ts';

describe('an interface', () => {
  const one = (type: number, files: Readonly<Record<string, string>> = {}): unknown =>
    checkInterfaces(machine({ interfaces: [{ name: 'x0', type, files }] })).find(({ subject }) => subject === 'x0');

  test('is told with its state, its counters and whether it is promiscuous', () => {
    expect(one(1, { flags: '0x1103', gro_flush_timeout: '20000' })).toEqual({
      check: 'interface',
      subject: 'x0',
      status: 'ok',
      says: 'Ethernet, up, MTU 1500, 2,000 packets in, 1,000 out, 4 dropped, promiscuous, GRO waits up to 20 µs',
    });
    expect(one(1, { operstate: 'down', flags: '0x1002' })).toMatchObject({
      says: 'Ethernet, down, MTU 1500, 2,000 packets in, 1,000 out, 4 dropped',
    });
  });

  test('whose driver knows no carrier is up where it was set up', () => {
    expect(one(65_534, { operstate: 'unknown', flags: '0x1091' })).toMatchObject({
      status: 'ok',
      says: expect.stringMatching(/^raw IP, up, /) as string,
    });
    expect(one(65_534, { operstate: 'unknown', flags: '0x1090' })).toMatchObject({
      says: expect.stringMatching(/^raw IP, down, /) as string,
    });
  });

  test.each([1, 519, 772, 65_534])('of hardware type %i is read', (type) => {
    expect(one(type)).toMatchObject({ status: 'ok' });
  });

  test.each([
    [280, 'CAN'],
    [768, 'IPIP tunnel'],
    [824, 'netlink monitor'],
    [4242, 'link type 4242'],
  ])('of hardware type %i is not, and is warned of as %s', (type, name) => {
    expect(one(type)).toMatchObject({
      status: 'warning',
      says: expect.stringMatching(`^${name}, .*: Windrow does not read this kind$`) as string,
    });
  });

  test('is one line of sixty-four at most, and those beyond are counted', () => {
    const interfaces = Array.from({ length: 99 }, (_, i) => ({ name: `veth${String(i).padStart(2, '0')}`, type: 1 }));
    const findings = checkInterfaces(machine({ interfaces }));
    expect(findings).toHaveLength(64 + 2);
    expect(findings.at(-1)).toMatchObject({ status: 'ok', says: '36 more interfaces not listed' });
    expect(checkInterfaces(machine({ interfaces: interfaces.slice(0, 63) })).at(-1)).toMatchObject({
      subject: 'offloads',
    });
  });

  test('of another namespace is told from one of this: by its name, or by its address', () => {
    const interfaces = [{ name: 'eth0', type: 1, files: { address: '02:00:00:00:00:01' } }];
    const foreign = (broken: Broken): boolean =>
      checkInterfaces(machine({ interfaces, ...broken })).some(({ says }) =>
        says.includes('another network namespace'),
      );
    expect(foreign({ folders: { '/sys/class/net': ['lo'] } })).toBe(true);
    expect(foreign({ folders: { '/sys/class/net': undefined } })).toBe(true);
    expect(foreign({ macs: { eth0: '02:00:00:00:00:99' } })).toBe(true);
    expect(foreign({ macs: { eth0: '02:00:00:00:00:01', 'eth0:1': '02:00:00:00:00:99' } })).toBe(false);
    // Not an interface, though it stands among them.
    expect(foreign({ folders: { '/sys/class/net': ['bonding_masters', 'eth0', 'lo'] } })).toBe(false);
  });

  test('is warned of as a whole where none is known', () => {
    expect(checkInterfaces(machine({ files: { '/proc/net/dev': undefined } }))).toMatchObject([{ status: 'warning' }]);
  });
});

describe('the firewall', () => {
  /** As nft 1.0.6 lists them. */
  const ruleset = (...expr: readonly unknown[]): string =>
    JSON.stringify({
      nftables: [
        { metainfo: { version: '1.0.6', release_name: 'Lester Gooch #5', json_schema_version: 1 } },
        { table: { family: 'inet', name: 'filter', handle: 1 } },
        { chain: { family: 'inet', table: 'filter', name: 'input', handle: 1, hook: 'input' } },
        { rule: { family: 'inet', table: 'filter', chain: 'input', handle: 4, expr } },
      ],
    });
  const rules = async (broken: Broken): Promise<unknown[]> => (await checkFirewall(machine(broken))).slice(1);
  const listed = (...expr: readonly unknown[]): Broken => ({ nft: { how: 'done', output: ruleset(...expr) } });
  const subject = 'rule 4 of inet filter input';

  test('has rules that log to a group, with their place and prefix', async () => {
    expect(await rules(listed({ counter: null }, { log: { prefix: 'drop ', group: 5 } }, { drop: null }))).toEqual([
      { check: 'firewall', subject, status: 'ok', says: 'logs to group 5 of NFLOG, with the prefix "drop "' },
    ]);
    expect(await rules(listed({ log: { group: 0 } }))).toMatchObject([
      { status: 'ok', says: 'logs to group 0 of NFLOG, without a prefix' },
    ]);
    expect(await rules(listed({ xt: { type: 'target', name: 'NFLOG' } }))).toMatchObject([{ subject, status: 'ok' }]);
  });

  test.each([[{ log: null }], [{ log: { prefix: 'x' } }], [{ log: { level: 'audit' } }]])(
    'is warned of where it logs elsewhere: %j',
    async (statement) => {
      expect(await rules(listed(statement))).toMatchObject([
        { subject, status: 'warning', todo: 'add `group N` to its log statement' },
      ]);
    },
  );

  test('is warned of where another program reads the group', async () => {
    const taken = (group: number): Broken => ({
      ...listed({ log: { group: 5 } }),
      files: { '/proc/net/netfilter/nfnetlink_log': `    ${group}   1234     0 2 65535    100  1\n` },
    });
    expect(await rules(taken(5))).toMatchObject([{ subject, status: 'warning' }]);
    expect(await rules(taken(6))).toMatchObject([{ subject, status: 'ok' }]);
  });

  test('without rules that log, or without nft, is well', async () => {
    expect(await rules(listed({ drop: null }))).toMatchObject([{ subject: 'rules', status: 'ok' }]);
    expect(await rules({ nft: { how: 'missing' } })).toEqual([
      { check: 'firewall', subject: 'rules', status: 'ok', says: 'nft is not installed: no NFLOG rules to look at' },
    ]);
  });

  test('is warned of where nft may not list it, or says what is not understood', async () => {
    expect(await rules({ nft: { how: 'failed', why: 'Operation not permitted' } })).toMatchObject([
      { status: 'warning', says: 'nft cannot list them: Operation not permitted' },
    ]);
    for (const output of ['table inet filter {', '[]', 'null', '{"nftables": 1}']) {
      expect(await rules({ nft: { how: 'done', output } }), output).toMatchObject([
        { status: 'warning', says: expect.stringContaining('not understood') as string },
      ]);
    }
  });

  test('is warned of where the kernel has no NFLOG', async () => {
    const broken = { folders: { '/proc/net/netfilter': ['nf_log'] } };
    expect((await checkFirewall(machine(broken)))[0]).toMatchObject({
      status: 'warning',
      todo: 'modprobe nfnetlink_log',
    });
    expect((await checkFirewall(machine()))[0]).toMatchObject({ subject: 'NFLOG', status: 'ok' });
  });
});
