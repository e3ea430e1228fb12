// Which traffic security groups and network ACLs let pass: an example for each line of the rules.
import { describe, expect, test } from 'vitest';
import { answerTo, entry, verdictOf } from './one_entry.ts';

const VPC = `
vpcs:
  - id: vpc-a
    cidrs: [10.0.0.0/16, 'fd00::/48']
    vswitches: [{ id: vsw-1, cidrs: [10.0.1.0/24, 'fd00::/64'] }, { id: vsw-2, cidrs: [10.0.2.0/24] }]
`;

/** eni-0 at 10.0.1.1 in the groups, and eni-1 at 10.0.1.2 and around 10.0.2.16 in others. */
function grouped(rules: string, { same = 'accept', own = 'sg-a', others = 'sg-a', more = '' } = {}): string {
  return `${VPC}
security_groups:
  - { id: sg-a, vpc: vpc-a, same_group: ${same}, rules: [${rules}] }
  - { id: sg-b, vpc: vpc-a, rules: [${more}] }
enis:
  - { id: eni-0, vswitch: vsw-1, addresses: [10.0.1.1, 'fd00::1'], security_groups: [${own}] }
  - { id: eni-1, vswitch: vsw-1, addresses: [10.0.1.2], security_groups: [${others}] }
  - { id: eni-2, vswitch: vsw-2, prefixes: [10.0.2.16/28], security_groups: [${others}], public_addresses: [9.9.9.9] }
`;
}

const accept = (more: string, id = 'r1'): string => `{ id: ${id}, direction: in, policy: accept, ${more} }`;
const drop = (more: string, id = 'r1'): string => `{ id: ${id}, direction: in, policy: drop, ${more} }`;
const ANY = 'cidr: 0.0.0.0/0';
const WEB = `protocol: tcp, ports: 80-90`;

describe('security groups', () => {
  test('let in what a rule accepts: the far address and the local port', () => {
    const network = grouped(accept(`${WEB}, cidr: 8.8.8.0/24`));
    expect(verdictOf(network, entry())).toBe('ACCEPT security-group sg-a/r1');
    for (const dstport of [80, 90]) expect(verdictOf(network, entry({ dstport }))).toMatch(/^ACCEPT/);
    for (const dstport of [79, 91])
      expect(verdictOf(network, entry({ dstport }))).toBe('REJECT security-group default-in');
    for (const srcaddr of ['8.8.8.0', '8.8.8.255']) expect(verdictOf(network, entry({ srcaddr }))).toMatch(/^ACCEPT/);
    for (const srcaddr of ['8.8.7.255', '8.8.9.0']) expect(verdictOf(network, entry({ srcaddr }))).toMatch(/^REJECT/);
    expect(verdictOf(network, entry({ protocol: 17 }))).toMatch(/^REJECT/);
  });

  test('say the same of the answer, which goes out', () => {
    const network = grouped(accept(`${WEB}, ${ANY}`));
    expect(verdictOf(network, answerTo(entry()))).toBe('ACCEPT security-group sg-a/r1');
    expect(verdictOf(network, answerTo(entry({ dstport: 22 })))).toBe('REJECT security-group default-in');
  });

  test('let out what no rule drops: the far address and the far port', () => {
    const request = entry({ direction: 'out', srcaddr: '10.0.1.1', dstaddr: '8.8.8.8', dstport: 53 });
    const none = grouped(drop(ANY));
    expect(verdictOf(none, request)).toBe('ACCEPT security-group default-out');
    expect(verdictOf(none, answerTo(request))).toBe('ACCEPT security-group default-out');
    const one = grouped('{ id: r9, direction: out, policy: drop, protocol: tcp, ports: 53, cidr: 8.0.0.0/8 }');
    expect(verdictOf(one, request)).toBe('REJECT security-group sg-a/r9');
    expect(verdictOf(one, answerTo(request))).toBe('REJECT security-group sg-a/r9');
    expect(verdictOf(one, { ...request, dstport: 54 })).toMatch(/^ACCEPT/);
    expect(verdictOf(one, { ...request, dstaddr: '9.8.8.8' })).toMatch(/^ACCEPT/);
  });

  test('look at the lower number of priority first', () => {
    const network = grouped([drop(`priority: 2, ${ANY}`, 'r1'), accept(`priority: 1, ${WEB}, ${ANY}`, 'r2')].join());
    expect(verdictOf(network, entry())).toBe('ACCEPT security-group sg-a/r2');
    expect(verdictOf(network, entry({ dstport: 22 }))).toBe('REJECT security-group sg-a/r1');
  });

  test('look at what drops before what accepts, and then in the order of the file', () => {
    const rules = [
      accept(`priority: 5, ${ANY}`, 'r1'),
      drop(`priority: 5, ${ANY}`, 'r2'),
      drop(`priority: 5, ${ANY}`, 'r3'),
    ];
    expect(verdictOf(grouped(rules.join()), entry())).toBe('REJECT security-group sg-a/r2');
    expect(verdictOf(grouped([rules[0], accept(`priority: 5, ${ANY}`, 'r2')].join()), entry())).toMatch(/sg-a\/r1$/);
  });

  test('have priority 1 where a rule names none', () => {
    const network = grouped([accept(`priority: 2, ${ANY}`, 'r1'), drop(ANY, 'r2')].join());
    expect(verdictOf(network, entry())).toBe('REJECT security-group sg-a/r2');
  });

  test('count together, in the order in which the ENI has them', () => {
    const both = { own: 'sg-b, sg-a', more: accept(`priority: 3, ${ANY}`, 'b') };
    expect(verdictOf(grouped(drop(`priority: 2, ${ANY}`), both), entry())).toBe('REJECT security-group sg-a/r1');
    expect(verdictOf(grouped(drop(`priority: 3, ${ANY}`), both), entry())).toBe('REJECT security-group sg-a/r1');
    expect(verdictOf(grouped(drop(`priority: 4, ${ANY}`), both), entry())).toBe('ACCEPT security-group sg-b/b');
    expect(verdictOf(grouped(accept(`priority: 3, ${ANY}`), both), entry())).toBe('ACCEPT security-group sg-b/b');
    expect(verdictOf(grouped(accept(`priority: 3, ${ANY}`), { ...both, own: 'sg-a, sg-b' }), entry())).toMatch(
      /sg-a\/r1$/,
    );
  });

  test('let members of the same group in, unless it says drop, or a rule does', () => {
    const mate = entry({ srcaddr: '10.0.1.2' });
    expect(verdictOf(grouped(''), mate)).toBe('ACCEPT security-group sg-a/same-group');
    expect(verdictOf(grouped('', { same: 'drop' }), mate)).toBe('REJECT security-group default-in');
    expect(verdictOf(grouped(drop(ANY)), mate)).toBe('REJECT security-group sg-a/r1');
    expect(verdictOf(grouped('', { others: 'sg-b' }), mate)).toBe('REJECT security-group default-in');
    expect(verdictOf(grouped('', { own: 'sg-b, sg-a', others: 'sg-a, sg-b' }), mate)).toMatch(/sg-b\/same-group$/);
    expect(verdictOf(grouped(''), entry({ srcaddr: '10.0.1.3' }))).toBe('REJECT security-group default-in');
    expect(verdictOf(grouped('', { others: '' }), mate)).toBe('REJECT security-group default-in');
  });

  test('know members by their addresses and prefixes, and not by public addresses', () => {
    const network = grouped(accept('group: sg-b'), { others: 'sg-b', same: 'drop' });
    expect(verdictOf(network, entry({ srcaddr: '10.0.1.2' }))).toBe('ACCEPT security-group sg-a/r1');
    for (const srcaddr of ['10.0.2.16', '10.0.2.31'])
      expect(verdictOf(network, entry({ srcaddr }))).toMatch(/sg-a\/r1$/);
    for (const srcaddr of ['10.0.2.15', '10.0.2.32', '9.9.9.9', '10.0.1.1']) {
      expect(verdictOf(network, entry({ srcaddr }))).toBe('REJECT security-group default-in');
    }
  });

  test('may speak of prefix lists', () => {
    const lists = `prefix_lists: [{ id: pl, cidrs: [8.8.0.0/16, 'fd01::/16', 9.0.0.0/8] }]\n${grouped(accept(`prefix_list: pl, ${WEB}`))}`;
    for (const srcaddr of ['8.8.8.8', '9.255.255.255'])
      expect(verdictOf(lists, entry({ srcaddr }))).toMatch(/sg-a\/r1$/);
    for (const srcaddr of ['8.9.0.0', '10.0.0.0']) expect(verdictOf(lists, entry({ srcaddr }))).toMatch(/default-in$/);
    expect(verdictOf(lists, entry({ srcaddr: 'fd01::1', dstaddr: 'fd00::1' }))).toMatch(/sg-a\/r1$/);
  });

  test('speak of one family with a CIDR block, and of both with a group', () => {
    const six = entry({ srcaddr: '2001:db8::1', dstaddr: 'fd00::1' });
    expect(verdictOf(grouped(accept(ANY)), six)).toBe('REJECT security-group default-in');
    expect(verdictOf(grouped(accept("cidr: '2001:db8::/127'")), six)).toBe('ACCEPT security-group sg-a/r1');
    expect(verdictOf(grouped(accept("cidr: '2001:db8::/128'")), six)).toBe('REJECT security-group default-in');
    expect(verdictOf(grouped(accept("cidr: '::/0'")), entry())).toBe('REJECT security-group default-in');
    expect(verdictOf(grouped(accept('group: sg-a')), { ...six, srcaddr: 'fd00::1' })).toMatch(/sg-a\/r1$/);
  });

  test('match what has no ports, or none that are known, by rules without ports only', () => {
    const withPorts = grouped(accept(`protocol: tcp, ports: 0-65535, ${ANY}`));
    const [unknown, icmp] = [
      { srcport: -1, dstport: -1 },
      { srcport: -1, dstport: -1, protocol: 1 },
    ];
    expect(verdictOf(withPorts, entry(unknown))).toBe('REJECT security-group default-in');
    expect(verdictOf(withPorts, entry({ dstport: 0 }))).toMatch(/^ACCEPT/);
    expect(verdictOf(grouped(accept(`protocol: tcp, ${ANY}`)), entry(unknown))).toMatch(/^ACCEPT/);
    expect(verdictOf(grouped(accept(`protocol: tcp, ${ANY}`)), entry(icmp))).toMatch(/^REJECT/);
    for (const protocol of ['icmp', '1', 'all']) {
      expect(verdictOf(grouped(accept(`protocol: ${protocol}, ${ANY}`)), entry(icmp))).toMatch(/^ACCEPT/);
    }
    // Ports that a protocol cannot have are none.
    expect(verdictOf(withPorts, entry({ protocol: 47 }))).toMatch(/^REJECT/);
  });

  test('say nothing of an ENI that has none', () => {
    expect(verdictOf(grouped(drop(ANY), { own: '' }), entry())).toBe('ACCEPT none -');
  });
});

/** eni-0 at 10.0.1.1, with a network ACL at its vSwitch, and maybe with groups. */
function listed(inbound: string, outbound: string, groups = ''): string {
  return `
vpcs:
  - { id: vpc-a, cidrs: [10.0.0.0/16], vswitches: [{ id: vsw-1, cidrs: [10.0.1.0/24], acl: acl-1 }] }
acls: [{ id: acl-1, vpc: vpc-a, in: [${inbound}], out: [${outbound}] }]
security_groups: [{ id: sg-a, vpc: vpc-a, rules: [${groups}] }]
enis: [{ id: eni-0, vswitch: vsw-1, addresses: [10.0.1.1], security_groups: [${groups === '' ? '' : 'sg-a'}] }]
`;
}

describe('network ACLs', () => {
  const pass = '{ id: r1, policy: accept, cidr: 0.0.0.0/0 }';

  test('take the first rule that fits, and drop what none fits', () => {
    const rules = [
      '{ id: r1, policy: drop, protocol: tcp, ports: 22, cidr: 0.0.0.0/0 }',
      '{ id: r2, policy: accept, protocol: tcp, cidr: 8.0.0.0/8 }',
      '{ id: r3, policy: drop, cidr: 8.8.8.8/32 }',
    ].join();
    const network = listed(rules, '');
    expect(verdictOf(network, entry())).toBe('ACCEPT network-acl acl-1/in/r2');
    expect(verdictOf(network, entry({ dstport: 22 }))).toBe('REJECT network-acl acl-1/in/r1');
    expect(verdictOf(network, entry({ protocol: 17 }))).toBe('REJECT network-acl acl-1/in/r3');
    expect(verdictOf(network, entry({ protocol: 17, srcaddr: '8.8.8.9' }))).toBe('REJECT network-acl acl-1/in/default');
  });

  test('look at each direction by itself, at the far address and at the port that packets go to', () => {
    const web = '{ id: r1, policy: accept, protocol: tcp, ports: 80, cidr: 8.8.8.8/32 }';
    const answers = '{ id: r2, policy: accept, protocol: tcp, ports: 40000-41000, cidr: 8.8.8.8/32 }';
    expect(verdictOf(listed(web, ''), entry())).toBe('ACCEPT network-acl acl-1/in/r1');
    expect(verdictOf(listed(web, ''), answerTo(entry()))).toBe('REJECT network-acl acl-1/out/default');
    expect(verdictOf(listed(web, answers), answerTo(entry()))).toBe('ACCEPT network-acl acl-1/out/r2');
    expect(verdictOf(listed('', answers), entry())).toBe('REJECT network-acl acl-1/in/default');
  });

  test('do not see traffic within their vSwitch', () => {
    for (const srcaddr of ['10.0.1.0', '10.0.1.255']) {
      expect(verdictOf(listed('', ''), entry({ srcaddr }))).toBe('ACCEPT none -');
      expect(verdictOf(listed('', ''), answerTo(entry({ srcaddr })))).toBe('ACCEPT none -');
    }
    expect(verdictOf(listed('', ''), entry({ srcaddr: '10.0.2.0' }))).toBe('REJECT network-acl acl-1/in/default');
  });

  test('stand before groups for what comes in, and behind them for what goes out', () => {
    const block = '{ id: r1, policy: drop, cidr: 0.0.0.0/0 }';
    const out = entry({ direction: 'out', srcaddr: '10.0.1.1', dstaddr: '8.8.8.8' });
    const dropAll = `${drop(ANY, 'i')}, { id: o, direction: out, policy: drop, ${ANY} }`;
    const passAll = `${accept(ANY, 'i')}, { id: o, direction: out, policy: accept, ${ANY} }`;
    expect(verdictOf(listed(block, block, dropAll), entry())).toBe('REJECT network-acl acl-1/in/r1');
    expect(verdictOf(listed(pass, block, dropAll), entry())).toBe('REJECT security-group sg-a/i');
    expect(verdictOf(listed(block, block, dropAll), out)).toBe('REJECT security-group sg-a/o');
    expect(verdictOf(listed(block, block, passAll), out)).toBe('REJECT network-acl acl-1/out/r1');
  });

  test('are named where groups say nothing', () => {
    const out = entry({ direction: 'out', srcaddr: '10.0.1.1', dstaddr: '8.8.8.8' });
    expect(verdictOf(listed(pass, pass, accept(ANY)), entry())).toBe('ACCEPT security-group sg-a/r1');
    expect(verdictOf(listed(pass, pass, accept(ANY)), out)).toBe('ACCEPT security-group default-out');
    expect(verdictOf(listed(pass, pass), entry())).toBe('ACCEPT network-acl acl-1/in/r1');
    expect(verdictOf(listed(pass, pass), out)).toBe('ACCEPT network-acl acl-1/out/r1');
  });
});
