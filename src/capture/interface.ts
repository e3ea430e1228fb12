// Network interfaces of this host, as Linux shows them (sysfs(5), Documentation/ABI/testing/sysfs-class-net).
import fs from 'node:fs';
import path from 'node:path';
import { systemCode } from '../base/errors.ts';
import { HARDWARE } from './hardware.ts';

const NETWORK = '/sys/class/net';

export interface NetworkInterface {
  readonly name: string;
  /** The kernel's number of it, which another one of the same name does not have. */
  readonly index: number;
  /** Of if_arp.h. */
  readonly hardware: number;
  /** Undefined: Windrow cannot read what it carries. */
  readonly linkType: number | undefined;
  readonly isUp: boolean;
}

/** What the interface itself has counted since it is there. */
export interface InterfaceCounters {
  readonly received: number;
  readonly sent: number;
}

/** All that there are, or those whose names `matches`, by name. Throws where sysfs cannot be read. */
export function listInterfaces(matches: (name: string) => boolean = () => true): NetworkInterface[] {
  const names = fs.readdirSync(NETWORK).filter(matches).sort();
  // What vanishes meanwhile is left out, and so are files among them that are no interfaces, as of bonding.
  return names.map(readInterface).filter((at) => at !== undefined);
}

/** Undefined where there is none of that name. Throws where sysfs cannot be read. */
export function readInterface(name: string): NetworkInterface | undefined {
  const read = (file: string): string => fs.readFileSync(path.join(NETWORK, name, file), 'latin1').trim();
  try {
    const hardware = Number(read('type'));
    return {
      name,
      index: Number(read('ifindex')),
      hardware,
      linkType: HARDWARE[hardware]?.linkType,
      isUp: (Number(read('flags')) & IFF_UP) !== 0,
    };
  } catch (error) {
    if (ABSENT.has(systemCode(error))) return undefined;
    throw error;
  }
}

const IFF_UP = 1;
/** Never there, or gone; EINVAL: it is on its way out, and the kernel has told so already. */
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ENODEV', 'EINVAL']);

/** Packets; undefined where the interface is gone. */
export function readCounters(name: string): InterfaceCounters | undefined {
  const read = (counter: string): number =>
    Number(fs.readFileSync(path.join(NETWORK, name, 'statistics', counter), 'latin1'));
  try {
    return { received: read('rx_packets'), sent: read('tx_packets') };
  } catch {
    return undefined;
  }
}
