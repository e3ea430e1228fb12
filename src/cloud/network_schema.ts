// What the file of a network may hold, as a JSON schema, and how what is wrong with it is said.
import { nearest } from '../base/nearest.ts';
import { checkerOf, oneOf } from '../base/schema_faults.ts';
import type { Schema, WrongValue } from '../base/schema_faults.ts';
import { BOXES, CEN_ATTACHMENTS, NEXT_HOP_TYPES } from './network_file.ts';

const text = (description: string, example: string, more: object = {}): Schema => {
  return { type: 'string', minLength: 1, description, examples: [example], ...more };
};
const choice = (choices: readonly string[]): Schema => {
  return { enum: choices, description: oneOf(choices), examples: [choices[0]] };
};
const list = (of: string, items: Schema, more: object = {}): Schema => {
  return { type: 'array', items, description: `a list of ${of}`, examples: [`[${exampleOf(items)}]`], ...more };
};
const mapping = (description: string, example: string, required: string[], properties: object): Schema => {
  return { type: 'object', description, examples: [example], required, properties, additionalProperties: false };
};

const idOf = (example: string): Schema =>
  text('an id: 1 to 256 characters, no blanks and no / in it', example, {
    pattern: '^[^\\s/\\x00-\\x1f\\x7f]{1,256}$',
  });

const CIDRS = list('CIDR blocks', text('a CIDR block', '10.0.0.0/16'));
const SOME_CIDRS: Schema = { ...CIDRS, minItems: 1, description: 'a list of CIDR blocks that is not empty' };
/** There may be a million: what is no address is found when they are read. */
const ADDRESSES = list('IP addresses', { type: 'string', description: 'an IP address', examples: ['10.0.1.5'] });
const MAC = '^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$';
const PORT = 'a port, or a range such as "80-90"';

const RULE = {
  id: idOf('r1'),
  policy: choice(['accept', 'drop']),
  protocol: { type: ['string', 'integer'], description: 'the name or number of a protocol, or all', examples: ['tcp'] },
  ports: {
    type: ['string', 'integer', 'array'],
    items: { type: ['string', 'integer'], description: PORT, examples: ['80'] },
    minItems: 1,
    description: `${PORT}, or a list of those`,
    examples: ['80'],
  },
  cidr: text('a CIDR block', '0.0.0.0/0'),
};

const GROUP_RULE = mapping(
  'a rule: id, direction, policy and one of cidr, prefix_list and group',
  '{ id: r1, direction: in, policy: accept, protocol: tcp, ports: 80, cidr: 0.0.0.0/0 }',
  ['id', 'direction', 'policy'],
  {
    ...RULE,
    direction: choice(['in', 'out']),
    priority: {
      ...{ type: 'integer', minimum: 1, maximum: 100 },
      ...{ description: 'a whole number from 1, which is looked at first, to 100', examples: ['1'] },
    },
    prefix_list: idOf('pl-oss'),
    group: idOf('sg-web'),
  },
);

const ACL_RULE = mapping(
  'a rule: id, policy and cidr',
  '{ id: r1, policy: accept, protocol: tcp, ports: 80, cidr: 0.0.0.0/0 }',
  ['id', 'policy', 'cidr'],
  RULE,
);

const VSWITCH = mapping('a vSwitch: id and cidrs', '{ id: vsw-a1, cidrs: [10.0.1.0/24] }', ['id', 'cidrs'], {
  id: idOf('vsw-a1'),
  cidrs: SOME_CIDRS,
  route_table: idOf('rtb-a'),
  acl: idOf('acl-1'),
});

const VPC = mapping('a VPC: id and cidrs', '{ id: vpc-a, cidrs: [10.0.0.0/16] }', ['id', 'cidrs'], {
  id: idOf('vpc-a'),
  account: text('the id of an account', '"1210123456"'),
  cidrs: SOME_CIDRS,
  route_table: idOf('rtb-a'),
  vswitches: list('vSwitches', VSWITCH),
});

const ENI = mapping(
  'an ENI: id and vswitch',
  '{ id: eni-web, vswitch: vsw-a1, addresses: [10.0.1.5] }',
  ['id', 'vswitch'],
  {
    id: idOf('eni-web'),
    vm: idOf('i-1'),
    box: choice(BOXES),
    vswitch: idOf('vsw-a1'),
    addresses: ADDRESSES,
    prefixes: CIDRS,
    public_addresses: ADDRESSES,
    macs: list('MAC addresses', text('a MAC address', '02:00:00:00:00:01', { pattern: MAC })),
    interface: text('the name of an interface', 'tap0', { maxLength: 256 }),
    vni: {
      ...{ type: 'integer', minimum: 0, maximum: 0xffffff },
      ...{ description: 'a VNI: a whole number from 0 to 16,777,215', examples: ['7'] },
    },
    security_groups: list('ids of security groups', idOf('sg-web')),
  },
);

const HAVIP_EXAMPLE = '{ id: havip-1, vswitch: vsw-a1, address: 10.0.1.100, enis: [eni-web] }';
const HAVIP = mapping('a HaVip: id, vswitch and address', HAVIP_EXAMPLE, ['id', 'vswitch', 'address'], {
  id: idOf('havip-1'),
  vswitch: idOf('vsw-a1'),
  address: text('an IP address', '10.0.1.100'),
  enis: list('ids of ENIs', idOf('eni-web')),
});

const NEXT_HOP = mapping('a next hop: type, and its id', '{ type: nat_gateway, id: ngw-1 }', ['type'], {
  type: choice(NEXT_HOP_TYPES),
  id: idOf('ngw-1'),
  attachment: choice(CEN_ATTACHMENTS),
  remote_region: text('the id of a region', 'cn-beijing'),
});

const ROUTE = mapping(
  'a route: one of cidr and prefix_list, and next_hop',
  '{ cidr: 0.0.0.0/0, next_hop: { type: nat_gateway, id: ngw-1 } }',
  ['next_hop'],
  { cidr: text('a CIDR block', '0.0.0.0/0'), prefix_list: idOf('pl-oss'), next_hop: NEXT_HOP },
);

const GROUP = mapping('a security group: id and vpc', '{ id: sg-web, vpc: vpc-a, rules: [] }', ['id', 'vpc'], {
  id: idOf('sg-web'),
  vpc: idOf('vpc-a'),
  same_group: choice(['accept', 'drop']),
  rules: list('rules', GROUP_RULE),
});

const ACL = mapping('a network ACL: id and vpc', '{ id: acl-1, vpc: vpc-a, in: [], out: [] }', ['id', 'vpc'], {
  id: idOf('acl-1'),
  vpc: idOf('vpc-a'),
  in: list('rules', ACL_RULE),
  out: list('rules', ACL_RULE),
});

const ROUTE_TABLE = mapping('a route table: id and vpc', '{ id: rtb-a, vpc: vpc-a, routes: [] }', ['id', 'vpc'], {
  id: idOf('rtb-a'),
  vpc: idOf('vpc-a'),
  routes: list('routes', ROUTE),
});

const PREFIX_LIST = mapping('a prefix list: id and cidrs', '{ id: pl-oss, cidrs: [100.118.0.0/16] }', ['id', 'cidrs'], {
  id: idOf('pl-oss'),
  cidrs: CIDRS,
});

/** As the native side numbers them. */
const MOST_ENIS = 1 << 20;

const NETWORK_SCHEMA = mapping('the keys of a network, such as vpcs and enis', 'vpcs: [...] and enis: [...]', [], {
  account: text('the id of an account', '"1210123456"'),
  region: text('the id of a region', 'cn-hangzhou'),
  prefix_lists: list('prefix lists', PREFIX_LIST),
  vpcs: list('VPCs', VPC),
  security_groups: list('security groups', GROUP),
  acls: list('network ACLs', ACL),
  enis: list('ENIs', ENI, { maxItems: MOST_ENIS, description: `a list of ${MOST_ENIS} ENIs at most` }),
  havips: list('HaVips', HAVIP),
  route_tables: list('route tables', ROUTE_TABLE),
  cloud_services: CIDRS,
});

/** Of what a file holds, whatever that is: what is wrong with the shape of it. */
export const checkShape: (values: unknown) => WrongValue[] = checkerOf(NETWORK_SCHEMA, {
  unknownKey: (key, schema) => {
    const known = Object.keys(schema.properties as object);
    const near = nearest(key.replaceAll('-', '_'), known);
    return { expected: oneOf(known), hint: near === undefined ? 'take it away' : `did you mean ${near}?` };
  },
  without: (key) => `one without ${key}`,
  hint: (_, schema) => `write ${exampleOf(schema)}`,
});

function exampleOf({ examples }: Schema): string {
  return (examples as readonly string[])[0];
}
