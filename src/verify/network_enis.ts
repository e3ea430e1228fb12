// The ENIs of a network: which of them has an address, wherever that is seen, or inside the tunnels of a VNI.
import type { EniItem, NetworkFile, VpcItem } from '../cloud/network_file.ts';
import { formatIp, parseIp } from './address.ts';
import { Blocks } from './blocks.ts';

/** Who has what in a VPC: of each address that is written out, and of prefixes. */
interface Owned {
  readonly addresses: Map<string, EniItem | 'havip'>;
  readonly prefixes: (readonly [cidr: string, owner: EniItem])[];
}

export type EniFields = Readonly<Record<(typeof ENI_KEYS)[number], string>>;
export const ENI_KEYS = ['account-id', 'vm-id', 'vpc-id', 'vswitch-id'] as const;

export class NetworkEnis {
  readonly all: readonly EniItem[];
  readonly #account: string | undefined;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #vpcs: ReadonlyMap<string, VpcItem>;
  readonly #owned = new Map<VpcItem, Owned>();
  readonly #ofVni = new Map<number, EniItem[]>();
  readonly #blocks = new Blocks();

  /** Of a file that was found right. */
  constructor(file: NetworkFile) {
    this.all = file.enis ?? [];
    this.#account = file.account;
    this.#numbers = new Map(this.all.map(({ id }, i) => [id, i]));
    this.#vpcs = new Map((file.vpcs ?? []).flatMap((vpc) => (vpc.vswitches ?? []).map(({ id }) => [id, vpc])));
    for (const vpc of file.vpcs ?? []) this.#owned.set(vpc, { addresses: new Map(), prefixes: [] });
    for (const eni of this.all) {
      const owned = this.#owned.get(this.vpcOf(eni))!;
      for (const address of eni.addresses ?? []) owned.addresses.set(canonical(address), eni);
      for (const cidr of eni.prefixes ?? []) owned.prefixes.push([cidr, eni]);
      if (eni.vni !== undefined) this.#ofVni.set(eni.vni, [...this.inside(eni.vni), eni]);
    }
    for (const { vswitch, address } of file.havips ?? [])
      this.#owned.get(this.#vpcs.get(vswitch)!)!.addresses.set(canonical(address), 'havip');
  }

  numberOf(id: string): number {
    return this.#numbers.get(id) ?? -1;
  }

  vpcOf({ vswitch }: EniItem): VpcItem {
    return this.#vpcs.get(vswitch)!;
  }

  /** What all entries of an ENI say of it; undefined: it is not in the network. */
  fieldsOf(id: string): EniFields | undefined {
    const eni = this.all[this.numberOf(id)] as EniItem | undefined;
    if (!eni) return undefined;
    const vpc = this.vpcOf(eni);
    return {
      'account-id': vpc.account ?? this.#account ?? '-',
      'vm-id': eni.vm ?? '-',
      'vpc-id': vpc.id,
      'vswitch-id': eni.vswitch,
    };
  }

  /** Public addresses are of the other side of a gateway. */
  ownerIn(vpc: VpcItem, address: string): EniItem | 'havip' | undefined {
    const { addresses, prefixes } = this.#owned.get(vpc)!;
    return addresses.get(address) ?? prefixes.find(([cidr]) => this.#blocks.hold(cidr, address))?.[1];
  }

  /** Of all ENIs, whatever their VPC; nothing where none has the address, or more than one VPC has. */
  ofAddress(address: string): EniItem | undefined {
    const owners = [...this.#owned.keys()].map((vpc) => this.ownerIn(vpc, address)).filter((one) => one !== undefined);
    return owners.length === 1 && owners[0] !== 'havip' ? owners[0] : undefined;
  }

  /** Those that have the VNI. */
  inside(vni: number): readonly EniItem[] {
    return this.#ofVni.get(vni) ?? [];
  }

  get haveVnis(): boolean {
    return this.#ofVni.size > 0;
  }

  has(eni: EniItem, address: string): boolean {
    return this.ownerIn(this.vpcOf(eni), address) === eni;
  }
}

/** As packets have it, however it is written. */
function canonical(address: string): string {
  const bits = parseIp(address) ?? '';
  return formatIp(Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2)));
}
