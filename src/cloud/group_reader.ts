// Security groups and network ACLs of a network: their rules, read and checked.
import type { Path } from '../base/yaml_document.ts';
import type { Prefix } from './addresses.ts';
import { DEFAULT_PRIORITY } from './network_file.ts';
import type { AclRuleItem, GroupRuleItem, Loose } from './network_file.ts';
import type { Acl, GroupRule, Rule, SecurityGroup } from './network_model.ts';
import { mustShareVpc } from './network_scope.ts';
import type { Scope } from './network_scope.ts';
import { checkFamilies, readProtocol, readServices } from './rule_reader.ts';

/** Names that reports give to what no rule decides. */
export const SAME_GROUP = 'same-group';
export const ACL_DEFAULT = 'default';

const PEERS = ['cidr', 'prefix_list', 'group'] as const;

/** `vpcs`: the number of the VPC of each group. */
export function readGroups(
  scope: Scope,
  vpcs: readonly number[],
  prefixLists: readonly (readonly Prefix[])[],
): SecurityGroup[] {
  return (scope.file.security_groups ?? []).map((group, i) => {
    const [id, path] = [group?.id ?? '', ['security_groups', i, 'rules']];
    const rules = group?.rules ?? [];
    checkRuleIds(scope, rules, path, SAME_GROUP);
    const read = rules.map((rule, at) =>
      readGroupRule(scope, rule, { group: id, vpcs, vpc: vpcs[i], prefixLists }, [...path, at]),
    );
    const isAcceptingSame = group?.same_group !== 'drop';
    return { id, vpc: vpcs[i], isAcceptingSame, rules: read.filter((rule) => rule !== undefined) };
  });
}

/** `vpcs`: the number of the VPC of each ACL. */
export function readAcls(scope: Scope, vpcs: readonly number[]): Acl[] {
  return (scope.file.acls ?? []).map((acl, i) => {
    const id = acl?.id ?? '';
    const rulesOf = (direction: 'in' | 'out'): Rule[] => {
      const [rules, path]: [readonly (Loose<AclRuleItem> | undefined)[], Path] = [
        acl?.[direction] ?? [],
        ['acls', i, direction],
      ];
      checkRuleIds(scope, rules, path, ACL_DEFAULT);
      const read = rules.map((rule, at) => readAclRule(scope, rule, `${id}/${direction}`, [...path, at]));
      return read.filter((rule) => rule !== undefined);
    };
    return { id, vpc: vpcs[i], in: rulesOf('in'), out: rulesOf('out') };
  });
}

interface OfGroup {
  readonly group: string;
  readonly vpc: number;
  /** Of all groups. */
  readonly vpcs: readonly number[];
  readonly prefixLists: readonly (readonly Prefix[])[];
}

function readGroupRule(
  scope: Scope,
  rule: Loose<GroupRuleItem> | undefined,
  of: OfGroup,
  path: Path,
): GroupRule | undefined {
  if (!rule) return undefined;
  const { findings, ids } = scope;
  const protocol = readProtocol(rule, path, findings);
  const services = readServices(rule, protocol, path, findings);
  const given = PEERS.filter((peer) => Object.hasOwn(rule, peer));
  if (given.length !== 1) {
    const hint = given.length === 0 ? 'write cidr: 0.0.0.0/0 for any IPv4 address' : `take all but one away`;
    findings.add(path, 'one of cidr, prefix_list and group', given.length === 0 ? 'none' : given.join(' and '), hint);
  }
  const list = ids.prefixLists.find(rule.prefix_list, () => [...path, 'prefix_list']);
  const cidr = findings.cidr(rule.cidr, () => [...path, 'cidr']);
  const prefixes = cidr ? [cidr] : (of.prefixLists[list] ?? []);
  scope.pairs.count(services, prefixes, path, findings);
  if (given.length === 1) checkFamilies(prefixes, protocol, [...path, given[0]], findings);
  const group = ids.groups.find(rule.group, () => [...path, 'group']);
  if (group >= 0) {
    const named = { kind: 'security group', id: rule.group!, vpc: of.vpcs[group] };
    mustShareVpc(scope, named, of.vpc, [...path, 'group']);
  }
  return {
    name: `${of.group}/${rule.id}`,
    isInbound: rule.direction === 'in',
    priority: rule.priority ?? DEFAULT_PRIORITY,
    isAccepting: rule.policy === 'accept',
    services,
    prefixes,
    group,
  };
}

function readAclRule(
  { findings, pairs }: Scope,
  rule: Loose<AclRuleItem> | undefined,
  list: string,
  path: Path,
): Rule | undefined {
  if (!rule) return undefined;
  const protocol = readProtocol(rule, path, findings);
  const services = readServices(rule, protocol, path, findings);
  const cidr = findings.cidr(rule.cidr, () => [...path, 'cidr']);
  const prefixes = cidr ? [cidr] : [];
  pairs.count(services, prefixes, path, findings);
  checkFamilies(prefixes, protocol, [...path, 'cidr'], findings);
  return { name: `${list}/${rule.id}`, isAccepting: rule.policy === 'accept', services, prefixes, group: -1 };
}

/** An id names one rule, and none is the name of what no rule decides. */
function checkRuleIds(
  { findings }: Scope,
  rules: readonly ({ readonly id?: string | undefined } | undefined)[],
  path: Path,
  reserved: string,
): void {
  const known = new Set<string>();
  rules.forEach((rule, i) => {
    if (rule?.id === undefined) return;
    const hint = 'give this rule another id';
    if (rule.id === reserved) findings.add([...path, i, 'id'], `an id that means no default`, rule.id, hint);
    else if (known.has(rule.id)) findings.add([...path, i, 'id'], 'an id of its own', `${rule.id} again`, hint);
    known.add(rule.id);
  });
}
