// ENIs and HaVips of a network: read, and checked for what they have twice or of another VPC.
import type { Path } from '../base/yaml_document.ts';
import type { Loose, EniItem } from './network_file.ts';
import type { EniModel, Havip, NetworkModel, Owners, SecurityGroup, Vswitch } from './network_model.ts';
import { mustShareVpc } from './network_scope.ts';
import type { Scope } from './network_scope.ts';
import { checkOwners, checkPublics } from './owner_check.ts';
import { OwnerReader } from './owner_reader.ts';
import { PrefixTable } from './prefix_table.ts';

export type Attached = Pick<NetworkModel, 'enis' | 'havips' | 'owners' | 'own'>;

export function readEnis(scope: Scope, vswitches: readonly Vswitch[], groups: readonly SecurityGroup[]): Attached {
  const { file } = scope;
  const [owners, own, publics] = [tables(), tables(), tables()];
  const reader = new OwnerReader(scope, { owners, own, publics }, vswitches);
  const items = file.enis ?? [];
  const once = { mac: new Map<string, number>(), interface: new Map<string, number>() };
  const segments = new Map<number, { readonly eni: number; readonly vpc: number }>();
  const enis = items.map((item, i): EniModel => {
    const vswitch = scope.ids.vswitches.find(item?.vswitch, () => ['enis', i, 'vswitch']);
    const vpc = vswitches[vswitch]?.vpc ?? -1;
    const has = reader.readEni(item ?? {}, i, vswitch);
    checkMarks(scope, item ?? {}, i, once);
    const ofEni = readGroupsOf(scope, item?.security_groups ?? [], {
      vpc,
      groups,
      path: ['enis', i, 'security_groups'],
    });
    const { id = '', vm, box, vni } = item ?? {};
    if (vni !== undefined && vpc >= 0) checkSegment(scope, vni, { eni: i, vpc }, segments);
    return { id, vm, box, vswitch, vpc, vni, groups: ofEni, ...has };
  });
  const havips = (file.havips ?? []).map((item, i): Havip => {
    const vswitch = scope.ids.vswitches.find(item?.vswitch, () => ['havips', i, 'vswitch']);
    const members = (item?.enis ?? []).map((id, at) => {
      const path: Path = ['havips', i, 'enis', at];
      const eni = scope.ids.enis.find(id, () => path);
      if (eni >= 0 && vswitch >= 0 && enis[eni].vswitch >= 0 && enis[eni].vswitch !== vswitch) {
        const expected = `an ENI of its vSwitch, ${item!.vswitch}`;
        scope.findings.add(path, expected, `${id}, which is of another`, 'name one of the same vSwitch');
      }
      return eni;
    });
    const boxes = members.filter((eni) => eni >= 0 && enis[eni].box !== undefined);
    reader.readHavip(item?.address, { number: i, vswitch, boxes });
    return { id: item?.id ?? '', vswitch, vpc: vswitches[vswitch]?.vpc ?? -1 };
  });
  const isMarked = items.map((item) => item?.interface !== undefined || item?.vni !== undefined);
  checkOwners(scope, owners, { enis, havips, isMarked });
  checkPublics(scope, publics, enis);
  return { enis, havips, owners, own };
}

function tables(): Owners {
  return { ipv4: new PrefixTable(4), ipv6: new PrefixTable(6) };
}

function readGroupsOf(
  scope: Scope,
  ids: readonly (string | undefined)[],
  of: { readonly vpc: number; readonly groups: readonly SecurityGroup[]; readonly path: Path },
): number[] {
  const known = new Set<number>();
  ids.forEach((id, i) => {
    const path = [...of.path, i];
    const group = scope.ids.groups.find(id, () => path);
    if (group < 0) return;
    if (known.has(group)) scope.findings.add(path, 'a security group once', `${id} again`, 'take it away');
    known.add(group);
    mustShareVpc(scope, { kind: 'security group', id: id!, vpc: of.groups[group].vpc }, of.vpc, path);
  });
  return [...known];
}

type Marks = Readonly<Record<'mac' | 'interface', Map<string, number>>>;

/** What tells packets of an ENI from those of others is of one ENI. */
function checkMarks({ findings, file }: Scope, item: Loose<EniItem>, eni: number, once: Marks): void {
  const mark = (kind: keyof Marks, text: string, path: Path): void => {
    const first = once[kind].get(text);
    if (first === undefined) {
      once[kind].set(text, eni);
      return;
    }
    const expected = `${kind === 'interface' ? 'an interface' : 'a MAC address'} of one ENI`;
    const other = file.enis?.[first]?.id ?? 'another';
    findings.add(path, expected, `${text} again, which ${other} has`, 'take one of them away');
  };
  if (item.interface !== undefined) mark('interface', item.interface, ['enis', eni, 'interface']);
  item.macs?.forEach((mac, i) => {
    if (mac !== undefined) mark('mac', mac.toLowerCase().replaceAll('-', ':'), ['enis', eni, 'macs', i]);
  });
}

/** ENIs that share a VNI are told apart by their addresses, which are of one ENI only within a VPC. */
function checkSegment(
  { findings, file }: Scope,
  vni: number,
  one: { readonly eni: number; readonly vpc: number },
  segments: Map<number, { readonly eni: number; readonly vpc: number }>,
): void {
  const first = segments.get(vni);
  if (!first) segments.set(vni, one);
  else if (first.vpc !== one.vpc) {
    const found = `${vni}, which ${file.enis?.[first.eni]?.id ?? 'one'} of another has`;
    findings.add(['enis', one.eni, 'vni'], 'a VNI of ENIs of one VPC', found, 'give it another VNI');
  }
}
