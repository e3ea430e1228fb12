// The file of a network: what it gives, and what is wrong with it, all of it, with line and column.
import { describe, expect, test } from 'vitest';
import { WindrowError } from '../../src/base/errors.ts';
import { readNetwork } from '../../src/cloud/network.ts';
import { marksOf } from '../../src/cloud/network_marks.ts';

/** All that is wrong, without the name of the file before each. */
function wrong(text: string): string[] {
  try {
    readNetwork('n.yaml', text);
  } catch (error) {
    expect(error).toBeInstanceOf(WindrowError);
    expect((error as WindrowError).code).toBe('USAGE');
    return (error as WindrowError).message.split('\n').map((line) => line.replace(/^n\.yaml:/, ''));
  }
  return [];
}

const GOOD = `
account: '1210123456'
region: cn-hangzhou
prefix_lists: [{ id: pl-oss, cidrs: [100.118.0.0/16, '2001:db8:ffff::/48'] }]
vpcs:
  - id: vpc-a
    cidrs: [10.0.0.0/16, '2001:db8:a::/56']
    route_table: rtb-a
    vswitches:
      - { id: vsw-a1, cidrs: [10.0.1.0/24, '2001:db8:a:1::/64'], acl: acl-1 }
      - { id: vsw-a2, cidrs: [10.0.2.0/24] }
  - { id: vpc-b, account: other, cidrs: [10.0.0.0/16], vswitches: [{ id: vsw-b, cidrs: [10.0.1.0/24] }] }
security_groups:
  - id: sg-web
    vpc: vpc-a
    rules:
      - { id: r1, direction: in, priority: 1, policy: accept, protocol: tcp, ports: 80-90, cidr: 0.0.0.0/0 }
      - { id: r2, direction: in, policy: drop, protocol: 17, ports: [22, 1-10], group: sg-web }
      - { id: r3, direction: out, policy: accept, prefix_list: pl-oss }
acls:
  - { id: acl-1, vpc: vpc-a, in: [{ id: r3, policy: accept, protocol: icmpv6, cidr: '::/0' }], out: [] }
enis:
  - id: eni-web
    vm: i-1
    vswitch: vsw-a1
    addresses: [10.0.1.5, '2001:db8:a:1::5']
    prefixes: [10.0.1.64/28]
    public_addresses: [47.1.2.3]
    macs: ['02:00:00:00:00:01', 02-00-00-00-00-02]
    interface: tap0
    vni: 7
    security_groups: [sg-web]
  - { id: eni-nat, box: nat_gateway, vswitch: vsw-a2, addresses: [10.0.2.5], public_addresses: ['2400::5'] }
  - { id: eni-b, vswitch: vsw-b, addresses: [10.0.1.5], vni: 8 }
havips: [{ id: havip-1, vswitch: vsw-a1, address: 10.0.1.100, enis: [eni-web] }]
route_tables:
  - id: rtb-a
    vpc: vpc-a
    routes:
      - { cidr: 0.0.0.0/0, next_hop: { type: nat_gateway, id: ngw-1 } }
      - { prefix_list: pl-oss, next_hop: { type: gateway_endpoint } }
      - { cidr: 10.9.0.0/16, next_hop: { type: cen, attachment: vpc, remote_region: cn-beijing } }
      - { cidr: 10.8.0.0/16, next_hop: { type: instance, id: i-1 } }
cloud_services: [100.64.0.0/10]
`;

describe('a file', () => {
  test('gives the constant fields of its ENIs, by their numbers', () => {
    expect(readNetwork('n.yaml', GOOD).enis).toEqual([
      { eniId: 'eni-web', accountId: '1210123456', vmId: 'i-1', vpcId: 'vpc-a', vswitchId: 'vsw-a1' },
      { eniId: 'eni-nat', accountId: '1210123456', vmId: '-', vpcId: 'vpc-a', vswitchId: 'vsw-a2' },
      { eniId: 'eni-b', accountId: 'other', vmId: '-', vpcId: 'vpc-b', vswitchId: 'vsw-b' },
    ]);
  });

  test('gives what tells packets of its ENIs apart', () => {
    const { eniOfInterface, eniOfMac } = marksOf(readNetwork('n.yaml', GOOD).file);
    expect(eniOfInterface).toEqual([{ interface: 'tap0', eni: 0 }]);
    expect(eniOfMac.map(({ mac, eni }) => [[...mac], eni])).toEqual([
      [[2, 0, 0, 0, 0, 1], 0],
      [[2, 0, 0, 0, 0, 2], 0],
    ]);
    expect(marksOf({})).toEqual({ eniOfInterface: [], eniOfMac: [] });
  });

  test('names its rules by numbers, of which 0 is no rule', () => {
    const { ruleNames } = readNetwork('n.yaml', GOOD);
    expect(ruleNames[0]).toBe('-');
    expect(ruleNames.slice(1).sort()).toEqual([
      ...['acl-1/in/default', 'acl-1/in/r3', 'acl-1/out/default', 'default-in', 'default-out'],
      ...['sg-web/r1', 'sg-web/r2', 'sg-web/r3', 'sg-web/same-group'],
    ]);
  });

  test('is the same as JSON', () => {
    const yaml = readNetwork('n.yaml', GOOD);
    for (const text of [
      JSON.stringify(yaml.file),
      `\n${JSON.stringify(yaml.file, null, 2)}\n`,
      `\ufeff${JSON.stringify(yaml.file)}`,
    ]) {
      const json = readNetwork('n.json', text);
      expect(json.tables).toEqual(yaml.tables);
      expect(json).toEqual(yaml);
    }
  });

  test('may be empty of anything', () => {
    expect(readNetwork('n.yaml', '{}').enis).toEqual([]);
    expect(readNetwork('n.yaml', 'enis: []').enis).toEqual([]);
  });
});

/** Three lines; the fourth is what is wrong. */
const VPCS = `vpcs:
  - { id: vpc-a, cidrs: [10.0.0.0/16, 'fd00::/48'], vswitches: [{ id: vsw-a, cidrs: [10.0.1.0/24, 'fd00::/64'] }] }
  - { id: vpc-b, cidrs: [10.0.0.0/16], vswitches: [{ id: vsw-b, cidrs: [10.0.1.0/24] }] }
`;
const GROUPS = `${VPCS}security_groups: [{ id: sg-a, vpc: vpc-a }, { id: sg-b, vpc: vpc-b }]
`;
const rule = (text: string): string => `${VPCS}security_groups: [{ id: sg-a, vpc: vpc-a, rules: [{ ${text} }] }]\n`;
const hop = (text: string): string => `${VPCS}route_tables: [{ id: rtb, vpc: vpc-a, routes: [{ ${text} }] }]\n`;
const eni = (text: string): string => `${VPCS}enis: [{ id: eni-a, vswitch: vsw-a, ${text} }]\n`;

describe('what is wrong', () => {
  test.each<[string, string, string[]]>([
    [
      'nothing at all',
      '',
      ['1:1: expected the keys of a network, such as vpcs and enis, found nothing; write vpcs: [...] and enis: [...]'],
    ],
    [
      'a list',
      '[]',
      [
        '1:1: expected the keys of a network, such as vpcs and enis, found an empty list; write vpcs: [...] and enis: [...]',
      ],
    ],
    [
      'a key that there is not',
      'vpc: []\nenis: []\nx-y-z: 1\n',
      [
        '1:1: vpc: expected account, region, prefix_lists, vpcs, security_groups, acls, enis, havips, route_tables or cloud_services, found an unknown key; did you mean vpcs?',
        '3:1: x-y-z: expected account, region, prefix_lists, vpcs, security_groups, acls, enis, havips, route_tables or cloud_services, found an unknown key; take it away',
      ],
    ],
    [
      'a key of a part that there is not',
      'enis:\n  - { id: eni-a, vswitch: v, security-groups: [] }\n',
      [
        '2:27: enis[0].vswitch: expected the id of a vSwitch that is here, found the text "v"; there is no vSwitch; add it',
        '2:30: enis[0].security-groups: expected id, vm, box, vswitch, addresses, prefixes, public_addresses, macs, interface, vni or security_groups, found an unknown key; did you mean security_groups?',
      ],
    ],
    [
      'parts without what they need',
      'vpcs: [{}]\nenis: [{ id: a }, 5]\n',
      [
        '1:8: vpcs[0]: expected a VPC: id and cidrs, found one without id; write { id: vpc-a, cidrs: [10.0.0.0/16] }',
        '1:8: vpcs[0]: expected a VPC: id and cidrs, found one without cidrs; write { id: vpc-a, cidrs: [10.0.0.0/16] }',
        '2:8: enis[0]: expected an ENI: id and vswitch, found one without vswitch; write { id: eni-web, vswitch: vsw-a1, addresses: [10.0.1.5] }',
        '2:19: enis[1]: expected an ENI: id and vswitch, found 5; write { id: eni-web, vswitch: vsw-a1, addresses: [10.0.1.5] }',
      ],
    ],
    [
      'a number where an id is',
      'account: 1210123456\n',
      ['1:10: account: expected the id of an account, found 1210123456; put it into quotes'],
    ],
    [
      'an id that cannot be one',
      'prefix_lists: [{ id: a b, cidrs: [] }, { id: a/b, cidrs: [] }]\n',
      [
        '1:22: prefix_lists[0].id: expected an id: 1 to 256 characters, no blanks and no / in it, found the text "a b"; write pl-oss',
        '1:46: prefix_lists[1].id: expected an id: 1 to 256 characters, no blanks and no / in it, found the text "a/b"; write pl-oss',
      ],
    ],
    [
      'an id given twice',
      `${VPCS}acls: [{ id: a, vpc: vpc-a }, { id: a, vpc: vpc-b }]\n`,
      ['4:37: acls[1].id: expected an id of its own, found a again; give this network ACL another id'],
    ],
    [
      'an id that is not here',
      `${VPCS}acls: [{ id: a, vpc: vpc-c }]\n`,
      ['4:22: acls[0].vpc: expected the id of a VPC that is here, found the text "vpc-c"; did you mean vpc-a?'],
    ],
    [
      'CIDR blocks',
      "cloud_services: [10.1, 10.0.0.0, 10.0.0.1/24, 10.0.0.0/33, '::/129', '::1/64', 010.0.0.0/8, x, 1.2.3.4/08]\n",
      [
        '1:18: cloud_services[0]: expected a CIDR block, found 10.1; put it into quotes',
        '1:24: cloud_services[1]: expected a CIDR block, found the text "10.0.0.0"; write 10.0.0.0/32',
        '1:34: cloud_services[2]: expected a CIDR block without host bits, found the text "10.0.0.1/24"; write 10.0.0.0/24',
        '1:47: cloud_services[3]: expected a CIDR block with a length from 0 to 32, found the text "10.0.0.0/33"; write 10.0.0.0/8, or 2001:db8::/32',
        '1:60: cloud_services[4]: expected a CIDR block with a length from 0 to 128, found the text "::/129"; write 10.0.0.0/8, or 2001:db8::/32',
        '1:70: cloud_services[5]: expected a CIDR block without host bits, found the text "::1/64"; write ::/64',
        '1:80: cloud_services[6]: expected a CIDR block, found the text "010.0.0.0/8"; write 10.0.0.0/8, or 2001:db8::/32',
        '1:93: cloud_services[7]: expected a CIDR block, found the text "x"; write 10.0.0.0/8, or 2001:db8::/32',
        '1:96: cloud_services[8]: expected a CIDR block with a length from 0 to 32, found the text "1.2.3.4/08"; write 10.0.0.0/8, or 2001:db8::/32',
      ],
    ],
    [
      'a CIDR block twice in a prefix list',
      "prefix_lists: [{ id: a, cidrs: [10.0.0.0/8, 'fd00::/8', 10.0.0.0/8, 'fd00:0::/8'] }]\n",
      [
        '1:57: prefix_lists[0].cidrs[2]: expected a CIDR block once, found 10.0.0.0/8 again; take it away',
        '1:69: prefix_lists[0].cidrs[3]: expected a CIDR block once, found fd00::/8 again; take it away',
      ],
    ],
    [
      'blocks of a VPC that overlap',
      'vpcs: [{ id: a, cidrs: [10.0.0.0/16, 10.0.3.0/24, 10.1.0.0/16] }]\n',
      [
        '1:38: vpcs[0].cidrs[1]: expected a CIDR block that overlaps no other, found 10.0.3.0/24, which overlaps 10.0.0.0/16 of a; take one of them away',
      ],
    ],
    [
      'a vSwitch outside of its VPC',
      'vpcs: [{ id: a, cidrs: [10.0.0.0/16], vswitches: [{ id: v, cidrs: [10.1.0.0/24, 10.0.0.0/15] }] }]\n',
      [
        '1:68: vpcs[0].vswitches[0].cidrs[0]: expected a CIDR block inside a (10.0.0.0/16), found 10.1.0.0/24; correct it, or the cidrs of the VPC',
        '1:81: vpcs[0].vswitches[0].cidrs[1]: expected a CIDR block inside a (10.0.0.0/16), found 10.0.0.0/15; correct it, or the cidrs of the VPC',
        '1:68: vpcs[0].vswitches[0].cidrs[0]: expected a CIDR block that overlaps no other, found 10.1.0.0/24, which overlaps 10.0.0.0/15 of v; take one of them away',
      ].sort(),
    ],
    [
      'vSwitches of a VPC that overlap',
      'vpcs: [{ id: a, cidrs: [10.0.0.0/16], vswitches: [{ id: v, cidrs: [10.0.1.0/24] }, { id: w, cidrs: [10.0.1.128/25] }] }]\n',
      [
        '1:101: vpcs[0].vswitches[1].cidrs[0]: expected a CIDR block that overlaps no other, found 10.0.1.128/25, which overlaps 10.0.1.0/24 of v; take one of them away',
      ],
    ],
    [
      'a route table and an ACL of another VPC',
      `vpcs:
  - { id: vpc-a, cidrs: [10.0.0.0/16], route_table: rtb-b, vswitches: [{ id: v, cidrs: [10.0.1.0/24], route_table: rtb-b, acl: acl-b }] }
  - { id: vpc-b, cidrs: [10.0.0.0/16] }
route_tables: [{ id: rtb-b, vpc: vpc-b }]
acls: [{ id: acl-b, vpc: vpc-b }]\n`,
      [
        '2:53: vpcs[0].route_table: expected a route table of the same VPC, found rtb-b, which is of another; name one of the same VPC',
        '2:116: vpcs[0].vswitches[0].route_table: expected a route table of the same VPC, found rtb-b, which is of another; name one of the same VPC',
        '2:128: vpcs[0].vswitches[0].acl: expected a network ACL of the same VPC, found acl-b, which is of another; name one of the same VPC',
      ],
    ],
    [
      'a priority out of its range',
      rule('id: r, direction: in, policy: accept, priority: 0, cidr: 0.0.0.0/0'),
      [
        '4:101: security_groups[0].rules[0].priority: expected a whole number from 1, which is looked at first, to 100, found 0; write 1',
      ],
    ],
    [
      'a protocol that has no name',
      rule('id: r, direction: in, policy: accept, protocol: tpc, cidr: 0.0.0.0/0'),
      [
        '4:101: security_groups[0].rules[0].protocol: expected a protocol: icmp, igmp, ipip, tcp, udp, dccp, gre, esp, ah, icmpv6, ospf, vrrp, sctp, udplite, a number from 0 to 255, or all, found the text "tpc"; did you mean tcp?',
      ],
    ],
    [
      'a protocol that has no number',
      rule('id: r, direction: in, policy: accept, protocol: 256, cidr: 0.0.0.0/0'),
      [
        '4:101: security_groups[0].rules[0].protocol: expected a protocol: icmp, igmp, ipip, tcp, udp, dccp, gre, esp, ah, icmpv6, ospf, vrrp, sctp, udplite, a number from 0 to 255, or all, found 256; write the number that IANA gives it',
      ],
    ],
    [
      'ports that cannot be',
      rule(
        'id: r, direction: in, policy: accept, protocol: tcp, ports: [90-80, 65536, -1, 1-2-3, ""], cidr: 0.0.0.0/0',
      ),
      [
        '4:114: security_groups[0].rules[0].ports[0]: expected a range from the lower to the higher port, found the text "90-80"; write 80-90',
        '4:121: security_groups[0].rules[0].ports[1]: expected a port from 0 to 65535, or a range such as 80-90, found 65536; write 80, or 80-90',
        '4:128: security_groups[0].rules[0].ports[2]: expected a port from 0 to 65535, or a range such as 80-90, found -1; write 80, or 80-90',
        '4:132: security_groups[0].rules[0].ports[3]: expected a port from 0 to 65535, or a range such as 80-90, found the text "1-2-3"; write 80, or 80-90',
        '4:139: security_groups[0].rules[0].ports[4]: expected a port from 0 to 65535, or a range such as 80-90, found the text ""; write 80, or 80-90',
      ],
    ],
    [
      'ports of a protocol that has none',
      rule('id: r, direction: in, policy: accept, protocol: gre, ports: 80, cidr: 0.0.0.0/0'),
      [
        '4:113: security_groups[0].rules[0].ports: expected no ports, found ports of protocol gre, which has none; take them away, or name a protocol that has ports, such as tcp',
      ],
    ],
    [
      'ports of all protocols',
      rule('id: r, direction: in, policy: accept, ports: 80, cidr: 0.0.0.0/0'),
      [
        '4:98: security_groups[0].rules[0].ports: expected no ports, found ports of all protocols; take them away, or name a protocol that has ports, such as tcp',
      ],
    ],
    [
      'no peer',
      rule('id: r, direction: in, policy: accept'),
      [
        '4:51: security_groups[0].rules[0]: expected one of cidr, prefix_list and group, found none; write cidr: 0.0.0.0/0 for any IPv4 address',
      ],
    ],
    [
      'two peers',
      rule('id: r, direction: in, policy: accept, cidr: 0.0.0.0/0, group: sg-a'),
      [
        '4:51: security_groups[0].rules[0]: expected one of cidr, prefix_list and group, found cidr and group; take all but one away',
      ],
    ],
    [
      'addresses of the family that the protocol is not of',
      rule("id: r, direction: in, policy: accept, protocol: icmp, cidr: '::/0'"),
      [
        '4:113: security_groups[0].rules[0].cidr: expected addresses of IPv4, as the protocol is icmp, found those of IPv6; write protocol: icmpv6',
      ],
    ],
    [
      'the same of an ACL',
      `${VPCS}acls: [{ id: a, vpc: vpc-a, out: [{ id: r, policy: drop, protocol: 58, cidr: 10.0.0.0/8 }] }]\n`,
      [
        '4:78: acls[0].out[0].cidr: expected addresses of IPv6, as the protocol is icmpv6, found those of IPv4; write protocol: icmp',
      ],
    ],
    [
      'a rule twice, and one that means a default',
      `${VPCS}acls: [{ id: a, vpc: vpc-a, in: [{ id: r, policy: drop, cidr: '::/0' }, { id: r, policy: drop, cidr: '::/0' }, { id: default, policy: drop, cidr: '::/0' }], out: [{ id: r, policy: drop, cidr: '::/0' }] }]\n`,
      [
        '4:79: acls[0].in[1].id: expected an id of its own, found r again; give this rule another id',
        '4:118: acls[0].in[2].id: expected an id that means no default, found default; give this rule another id',
      ],
    ],
    [
      'a group of another VPC in a rule',
      `${VPCS}security_groups: [{ id: sg-a, vpc: vpc-a, rules: [{ id: r, direction: in, policy: accept, group: sg-b }] }, { id: sg-b, vpc: vpc-b }]\n`,
      [
        '4:98: security_groups[0].rules[0].group: expected a security group of the same VPC, found sg-b, which is of another; name one of the same VPC',
      ],
    ],
    [
      'groups of an ENI',
      `${GROUPS}enis: [{ id: e, vswitch: vsw-a, security_groups: [sg-a, sg-b, sg-a, sg-c] }]\n`,
      [
        '5:57: enis[0].security_groups[1]: expected a security group of the same VPC, found sg-b, which is of another; name one of the same VPC',
        '5:63: enis[0].security_groups[2]: expected a security group once, found sg-a again; take it away',
        '5:69: enis[0].security_groups[3]: expected the id of a security group that is here, found the text "sg-c"; did you mean sg-a?',
      ],
    ],
    [
      'addresses of an ENI',
      eni("addresses: [10.0.2.1, 10.0.1.256, 'fd00:1::1', 10.0.1.1/32, ''], prefixes: [10.0.1.0/23, 10.0.1.1]"),
      [
        '4:49: enis[0].addresses[0]: expected an address inside vsw-a (10.0.1.0/24, fd00::/64), found 10.0.2.1; correct it, or the cidrs of the vSwitch',
        '4:59: enis[0].addresses[1]: expected an IP address, found the text "10.0.1.256"; write 10.0.0.1, or 2001:db8::1',
        '4:71: enis[0].addresses[2]: expected an address inside vsw-a (10.0.1.0/24, fd00::/64), found fd00:1::1; correct it, or the cidrs of the vSwitch',
        '4:84: enis[0].addresses[3]: expected an IP address, found the text "10.0.1.1/32"; write 10.0.0.1, or 2001:db8::1',
        '4:97: enis[0].addresses[4]: expected an IP address, found the text ""; write 10.0.0.1, or 2001:db8::1',
        '4:113: enis[0].prefixes[0]: expected a CIDR block without host bits, found the text "10.0.1.0/23"; write 10.0.0.0/23',
        '4:126: enis[0].prefixes[1]: expected a CIDR block, found the text "10.0.1.1"; write 10.0.1.1/32',
      ],
    ],
    [
      'an address twice',
      eni("addresses: [10.0.1.1, 10.0.1.1, 'fd00::1', 'fd00:0::1'], public_addresses: [1.1.1.1, 1.1.1.1]"),
      [
        '4:59: enis[0].addresses[1]: expected an address once, found 10.0.1.1, which eni-a has; take one of them away',
        '4:80: enis[0].addresses[3]: expected an address once, found fd00::1, which eni-a has; take one of them away',
        '4:122: enis[0].public_addresses[1]: expected a public address of one ENI, found 1.1.1.1 again, which eni-a has; take one of them away',
      ],
    ],
    [
      'addresses of two ENIs, and of a HaVip',
      `${VPCS}enis: [{ id: a, vswitch: vsw-a, addresses: [10.0.1.1], prefixes: [10.0.1.64/28], vni: 1 }, { id: b, vswitch: vsw-a, addresses: [10.0.1.65, 10.0.1.1], vni: 2, prefixes: [10.0.1.64/30] }]
havips: [{ id: h, vswitch: vsw-a, address: 10.0.1.1 }, { id: i, vswitch: vsw-a, address: 10.9.9.9 }]\n`,
      [
        '4:140: enis[1].addresses[1]: expected an address of one ENI or HaVip, found 10.0.1.1, which a has; take one of them away',
        '4:170: enis[1].prefixes[0]: expected a prefix of one ENI or HaVip, found 10.0.1.64/30, which is in 10.0.1.64/28, which a has; take one of them away',
        '5:44: havips[0].address: expected an address of one ENI or HaVip, found 10.0.1.1, which b has; take one of them away',
        '5:90: havips[1].address: expected an address inside vsw-a (10.0.1.0/24, fd00::/64), found 10.9.9.9; correct it, or the cidrs of the vSwitch',
      ],
    ],
    [
      'an address of two VPCs that nothing tells apart',
      `${VPCS}enis: [{ id: a, vswitch: vsw-a, addresses: [10.0.1.1], vni: 1 }, { id: b, vswitch: vsw-b, addresses: [10.0.1.1] }]\n`,
      [
        '4:103: enis[1].addresses[0]: expected an address that no other VPC has, unless each of the ENIs has an interface or a vni, found 10.0.1.1, which a has; give them an interface or a vni, or take one of them away',
      ],
    ],
    [
      'the marks of two ENIs',
      `${VPCS}enis: [{ id: a, vswitch: vsw-a, macs: ['02:00:00:00:00:0A'], interface: tap0, vni: 1 }, { id: b, vswitch: vsw-b, macs: [02-00-00-00-00-0a, 1:2:3:4:5:6], interface: tap0, vni: 1 }]\n`,
      [
        '4:121: enis[1].macs[0]: expected a MAC address of one ENI, found 02:00:00:00:00:0a again, which a has; take one of them away',
        '4:140: enis[1].macs[1]: expected a MAC address, found the text "1:2:3:4:5:6"; write 02:00:00:00:00:01',
        '4:165: enis[1].interface: expected an interface of one ENI, found tap0 again, which a has; take one of them away',
        '4:176: enis[1].vni: expected a VNI of ENIs of one VPC, found 1, which a of another has; give it another VNI',
      ],
    ],
    [
      'a VNI and a box that cannot be',
      eni('vni: 16777216, box: natgw'),
      [
        '4:42: enis[0].vni: expected a VNI: a whole number from 0 to 16,777,215, found 16777216; write 7',
        '4:57: enis[0].box: expected nat_gateway, vpn_gateway, transit_router, vbr, ecr, gwlb_endpoint, firewall or other, found the text "natgw"; write nat_gateway',
      ],
    ],
    [
      'an ENI of another vSwitch at a HaVip',
      `${VPCS}enis: [{ id: a, vswitch: vsw-b }]\nhavips: [{ id: h, vswitch: vsw-a, address: 10.0.1.1, enis: [a, b] }]\n`,
      [
        '5:61: havips[0].enis[0]: expected an ENI of its vSwitch, vsw-a, found a, which is of another; name one of the same vSwitch',
        '5:64: havips[0].enis[1]: expected the id of an ENI that is here, found the text "b"; add it, or name another',
      ],
    ],
    [
      'two routes for a CIDR block',
      `prefix_lists: [{ id: p, cidrs: [10.0.0.0/8, 11.0.0.0/8] }]\n${VPCS}route_tables: [{ id: rtb, vpc: vpc-a, routes: [{ cidr: 10.0.0.0/8, next_hop: { type: vbr } }, { prefix_list: p, next_hop: { type: vbr } }] }]\n`,
      [
        '5:95: route_tables[0].routes[1]: expected one route for a CIDR block, found another for 10.0.0.0/8, after routes[0]; take one of them away',
      ],
    ],
    [
      'a route to nowhere',
      hop('next_hop: { type: vbr }'),
      [
        '4:48: route_tables[0].routes[0]: expected one of cidr and prefix_list, found none; write cidr: 0.0.0.0/0 for all of IPv4',
      ],
    ],
    [
      'a next hop that there is not',
      hop('cidr: 0.0.0.0/0, next_hop: { type: nat }'),
      [
        '4:85: route_tables[0].routes[0].next_hop.type: expected eni, havip, instance, nat_gateway, vpn_gateway, transit_router, gateway_endpoint, vbr, ecr, gwlb_endpoint, peering, cen, ipv4_gateway, ipv6_gateway or blackhole, found the text "nat"; write eni',
      ],
    ],
    [
      'a next hop that is not here',
      hop('cidr: 0.0.0.0/0, next_hop: { type: eni, id: x }'),
      [
        '4:94: route_tables[0].routes[0].next_hop.id: expected the id of an ENI that is here, found the text "x"; there is no ENI; add it',
      ],
    ],
    [
      'a next hop without an id',
      hop('cidr: 0.0.0.0/0, next_hop: { type: instance }'),
      [
        '4:77: route_tables[0].routes[0].next_hop: expected a next hop with the id of its instance, found one without id; write { type: instance, id: ID }',
      ],
    ],
    [
      'next hops of another VPC',
      `${VPCS}enis: [{ id: a, vswitch: vsw-b, vm: i-b }]\nroute_tables: [{ id: rtb, vpc: vpc-a, routes: [{ cidr: 1.0.0.0/8, next_hop: { type: eni, id: a } }, { cidr: 2.0.0.0/8, next_hop: { type: instance, id: i-b } }, { cidr: 3.0.0.0/8, next_hop: { type: instance, id: i-c } }] }]\n`,
      [
        '5:94: route_tables[0].routes[0].next_hop.id: expected an ENI of the same VPC, found a, which is of another; name one of the same VPC',
        '5:152: route_tables[0].routes[1].next_hop.id: expected a VM of the same VPC, found i-b, which is of another; name one of the same VPC',
        '5:212: route_tables[0].routes[2].next_hop.id: expected the vm of an ENI, found i-c; correct it, or add an ENI of this vm',
      ],
    ],
    [
      'what only next hops of CEN have',
      hop('cidr: 0.0.0.0/0, next_hop: { type: vbr, remote_region: r }'),
      [
        '4:105: route_tables[0].routes[0].next_hop.remote_region: expected it at next hops of type cen only, found it at one of type vbr; take it away',
      ],
    ],
    [
      'a remote region that is this one',
      `region: here\n${hop('cidr: 0.0.0.0/0, next_hop: { type: cen, attachment: vpc, remote_region: here }')}`,
      [
        '5:122: route_tables[0].routes[0].next_hop.remote_region: expected another region, found here, the region of this network; take it away',
      ],
    ],
    [
      'a gateway of the other family',
      hop("cidr: '::/0', next_hop: { type: ipv4_gateway }"),
      [
        '4:48: route_tables[0].routes[0]: expected addresses of IPv4, as the next hop is an ipv4_gateway, found only those of IPv6; write type: ipv6_gateway',
      ],
    ],
  ])('is %s', (_, text, expected) => {
    expect(wrong(text)).toEqual(expected);
  });
});

describe('a file that is wrong', () => {
  test('is told with the places of JSON, also of a key that stands there twice', () => {
    const json = '{\n  "enis": [],\n  "acls": [{ "id": 7, "vpc": "v" }],\n  "enis": []\n}\n';
    expect(wrong(json)).toEqual([
      '3:20: acls[0].id: expected an id: 1 to 256 characters, no blanks and no / in it, found 7; put it into quotes',
      '3:30: acls[0].vpc: expected the id of a VPC that is here, found the text "v"; there is no VPC; add it',
      '4:3: enis: expected once, found again: the first is in line 2; take one of them away',
    ]);
    expect(wrong('{"enis": [}')).toEqual([
      expect.stringMatching(/^1:11: expected YAML, found "}": .*; indent the entries of .*, and close brackets$/),
    ]);
  });

  test('is not told what follows of something else', () => {
    const unknown =
      'vpcs: [{ id: 5, cidrs: [10.0.0.0/8], vswitches: 7 }]\nenis: [{ id: e, vswitch: v, addresses: [10.0.0.1] }]\n';
    expect(wrong(unknown)).toEqual([
      '1:14: vpcs[0].id: expected an id: 1 to 256 characters, no blanks and no / in it, found 5; put it into quotes',
      '1:49: vpcs[0].vswitches: expected a list of vSwitches, found 7; write [{ id: vsw-a1, cidrs: [10.0.1.0/24] }]',
    ]);
    expect(wrong(`vpcs: x\nenis: [{ id: e, vswitch: v }]\nacls: [{ id: a, vpc: b }]\n`)).toHaveLength(1);
    // A CIDR block that is wrong is no CIDR block that is missing, and what may be inside of it is not outside.
    const outside = 'vpcs: [{ id: a, cidrs: [10.0.0.1/8], vswitches: [{ id: v, cidrs: [10.0.1.0/24] }] }]\n';
    expect(wrong(outside)).toHaveLength(1);
  });

  test('has names that mean something to JavaScript, which mean nothing here', () => {
    const text = '{"__proto__": 1, "constructor": [], "enis": [{"id": "__proto__", "vswitch": "toString"}]}';
    expect(wrong(text).map((line) => line.split(': expected')[0])).toEqual([
      ...['1:2: __proto__', '1:18: constructor', '1:77: enis[0].vswitch'],
    ]);
    const protocol = rule('id: r, direction: in, policy: accept, protocol: constructor, cidr: 0.0.0.0/0');
    expect(wrong(protocol)).toHaveLength(1);
  });

  test.each([
    ['lists', '{"enis":', '[', ']', '}'],
    ['mappings', '', '{"enis":', '}', '1'],
    ['lists of YAML', '', '- ', '', '1'],
    ['mappings that are not closed', '', '{', '', ''],
  ])('is told of %s that are too deep', (_, begin, open, close, end) => {
    for (const depth of [101, 20_000, 100_000]) {
      const middle = end === '1' ? '1' : '';
      const text = `${begin}${open.repeat(depth)}${middle}${close.repeat(depth)}${end === '}' ? end : ''}`;
      const [line, ...others] = wrong(text);
      expect(line).toMatch(/^1:\d+: expected values that are 100 levels deep at most, found deeper ones; /);
      expect(others).toEqual([]);
    }
  });

  test('has rules that are compared with packets one by one, and not too many of them', () => {
    const cidrs = Array.from({ length: 300 }, (_, i) => `11.${i >> 8}.${i & 255}.0/24`);
    const ports = Array.from({ length: 300 }, (_, i) => i * 2);
    const networkOf = (count: number): string =>
      JSON.stringify({
        prefix_lists: [{ id: 'p', cidrs: cidrs.slice(0, count) }],
        vpcs: [{ id: 'v', cidrs: ['10.0.0.0/8'] }],
        security_groups: [
          {
            ...{ id: 'g', vpc: 'v' },
            rules: [{ id: 'r', direction: 'in', policy: 'drop', protocol: 'tcp', ports, prefix_list: 'p' }],
          },
        ],
      });
    expect(wrong(networkOf(218))).toEqual([]);
    expect(wrong(networkOf(219))).toEqual([
      expect.stringMatching(/rules\[0\]: expected 65536 pairs of a CIDR block .*, found 65700; name fewer ports/),
    ]);
  });
});
