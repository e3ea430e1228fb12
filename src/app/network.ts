// `windrow network check`: the file of a network, read and checked as whatever judges by it reads it.
import { readNetwork } from '../cloud/network.ts';
import type { Network } from '../cloud/network.ts';
import type { NetworkFlags } from './network_options.ts';
import { readNetworkText } from './networked_options.ts';
import { SURROUNDINGS } from './surroundings.ts';
import { quantity } from './units.ts';

/** Prints what is in it; the result is the exit code. Throws USAGE with all that is wrong, a line each. */
export function checkNetwork(path: string, { json, quiet }: NetworkFlags): number {
  const text = readNetworkText(path, SURROUNDINGS.readFile);
  const counts = countParts(readNetwork(path, text));
  if (json) process.stdout.write(JSON.stringify(counts) + '\n');
  else if (!quiet) process.stdout.write(`${path}: the network is right\n${describeParts(counts)}`);
  return 0;
}

/** How many there are of each. */
type Counts = Readonly<Record<keyof typeof PARTS, number>>;

/** One, and many. */
const PARTS = {
  vpcs: ['VPC', 'VPCs'],
  vswitches: ['vSwitch', 'vSwitches'],
  enis: ['ENI', 'ENIs'],
  addresses: ['address', 'addresses'],
  prefixes: ['prefix', 'prefixes'],
  havips: ['HaVip', 'HaVips'],
  groups: ['security group', 'security groups'],
  groupRules: ['rule of security groups', 'rules of security groups'],
  acls: ['network ACL', 'network ACLs'],
  aclRules: ['rule of network ACLs', 'rules of network ACLs'],
  routeTables: ['route table', 'route tables'],
  routes: ['route', 'routes'],
  prefixLists: ['prefix list', 'prefix lists'],
} as const;

function countParts({ file, model }: Network): Counts {
  const sum = <T>(items: readonly T[] | undefined, of: (item: T) => readonly unknown[] | undefined): number =>
    (items ?? []).reduce((total, item) => total + (of(item)?.length ?? 0), 0);
  return {
    vpcs: model.vpcs.length,
    vswitches: model.vswitches.length,
    enis: model.enis.length,
    addresses: sum(file.enis, ({ addresses }) => addresses),
    prefixes: sum(file.enis, ({ prefixes }) => prefixes),
    havips: model.havips.length,
    groups: model.groups.length,
    groupRules: sum(model.groups, ({ rules }) => rules),
    acls: model.acls.length,
    aclRules: sum(model.acls, (acl) => acl.in) + sum(model.acls, (acl) => acl.out),
    routeTables: model.routeTables.length,
    routes: sum(model.routeTables, ({ routes }) => routes),
    prefixLists: sum([file], ({ prefix_lists: lists }) => lists),
  };
}

function describeParts(counts: Counts): string {
  const parts = Object.entries(PARTS) as [keyof typeof PARTS, readonly [string, string]][];
  const lines = parts
    .filter(([part]) => counts[part] > 0)
    .map(([part, [one, many]]) => quantity(counts[part], one, many));
  return lines.map((line) => `  ${line}\n`).join('');
}
