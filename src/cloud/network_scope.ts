// What readers of a network's parts share: the file, what is wrong with it, and who has which id.
import type { Path } from '../base/yaml_document.ts';
import { Findings, Ids, withArticle } from './findings.ts';
import type { Loose, NetworkFile } from './network_file.ts';
import { RulePairs } from './rule_reader.ts';

const KINDS = {
  prefixLists: 'prefix list',
  vpcs: 'VPC',
  vswitches: 'vSwitch',
  groups: 'security group',
  acls: 'network ACL',
  enis: 'ENI',
  havips: 'HaVip',
  routeTables: 'route table',
} as const;

export type Kind = keyof typeof KINDS;

export interface Scope {
  readonly file: Loose<NetworkFile>;
  readonly findings: Findings;
  readonly ids: Readonly<Record<Kind, Ids>>;
  readonly pairs: RulePairs;
}

/** What has a list of things with ids; undefined where something is wrong, which is said elsewhere. */
type Holder<List extends string> = {
  readonly [Key in List]?: readonly ({ readonly id?: string | undefined } | undefined)[] | undefined;
};

/** Gives everything that has an id its number, so that all can name each other. */
export function scopeOf(file: Loose<NetworkFile>): Scope {
  const findings = new Findings();
  const entries = Object.entries(KINDS).map(([key, kind]) => [key, new Ids(kind, findings)]);
  const ids = Object.fromEntries(entries) as Record<Kind, Ids>;
  const scope: Scope = { file, findings, ids, pairs: new RulePairs() };
  const give = <List extends string>(
    kind: Kind,
    holder: Holder<List> | undefined,
    list: List,
    path: Path = [],
  ): void => {
    if (!holder || (Object.hasOwn(holder, list) && !holder[list])) scope.ids[kind].miss();
    holder?.[list]?.forEach((item, i) => scope.ids[kind].give(item?.id, [...path, list, i]));
  };
  give('prefixLists', file, 'prefix_lists');
  give('vpcs', file, 'vpcs');
  if (Object.hasOwn(file, 'vpcs') && !file.vpcs) ids.vswitches.miss();
  file.vpcs?.forEach((vpc, i) => give('vswitches', vpc, 'vswitches', ['vpcs', i]));
  give('groups', file, 'security_groups');
  give('acls', file, 'acls');
  give('enis', file, 'enis');
  give('havips', file, 'havips');
  give('routeTables', file, 'route_tables');
  return scope;
}

/** The VPC of each of a list. */
export function vpcsOf(list: 'security_groups' | 'acls' | 'route_tables', { file, ids }: Scope): number[] {
  return (file[list] ?? []).map((item, i) => ids.vpcs.find(item?.vpc, () => [list, i, 'vpc']));
}

/** Says that one is of another VPC than what names it; -1 is of none that is known. */
export function mustShareVpc(
  { findings }: Scope,
  found: { readonly kind: string; readonly id: string; readonly vpc: number },
  vpc: number,
  path: Path,
): void {
  if (vpc < 0 || found.vpc < 0 || vpc === found.vpc) return;
  findings.add(
    path,
    `${withArticle(found.kind)} of the same VPC`,
    `${found.id}, which is of another`,
    'name one of the same VPC',
  );
}
