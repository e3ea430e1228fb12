// Networks to measure with: 1,000 ENIs, 100 groups, 4,000 rules, all of them made by chance.
import { seededRandom } from '../random.ts';
import type { NetworkFile } from '../../src/cloud/network_file.ts';

export const ENIS = 1000;
const GROUPS = 100;
const GROUPS_OF_ENI = 5;
/** Of each group, in each direction: so that an ENI has 100 for a packet. */
const RULES = 20;
const ROUTES = 20;
/** Of 65,536 addresses each. */
const VSWITCHES = 4;
/** Prefixes of 24 bits in the addresses of captures, beyond one for each ENI. */
const MORE = VSWITCHES * 256 - ENIS;

const random = seededRandom(1);
const below = (count: number): number => random() % count;

/** Rules that few packets meet, so that most are compared; addresses that are scattered over 10.0.0.0/8. */
export function networkOf(addressesOfEni: number): NetworkFile {
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

/**
 * One whose ENIs have all addresses of the captures that the bench makes (10.0.0.0/14): each some prefixes of 24 bits. What
 * goes to the far ends of those captures is allowed by one of the rules.
 */
export function networkOfCaptures(): NetworkFile {
  const { vpcs = [], security_groups: groups = [], enis = [], route_tables: tables = [] } = networkOf(1);
  const prefix = (i: number): string => `10.${i >> 8}.${i & 255}.0/24`;
  // The last ENIs have two, of the same vSwitch.
  const prefixesOf = (eni: number): string[] => (eni + MORE < ENIS ? [prefix(eni)] : [prefix(eni), prefix(eni + MORE)]);
  const allowed = { direction: 'in', priority: 50, policy: 'accept', protocol: 'tcp', cidr: '198.18.0.0/15' } as const;
  return {
    vpcs: vpcs.map((vpc) => ({
      ...vpc,
      vswitches: Array.from({ length: VSWITCHES }, (_, i) => ({ id: `vsw-${i}`, cidrs: [`10.${i}.0.0/16`] })),
    })),
    security_groups: groups.map((group) => ({ ...group, rules: [...(group.rules ?? []), { id: 'far', ...allowed }] })),
    enis: enis.map((eni, i) => ({ ...eni, vswitch: `vsw-${i >> 8}`, addresses: [], prefixes: prefixesOf(i) })),
    route_tables: tables,
  };
}
