// The socket of the kernel's packet log (NFLOG), by which the firewall tells what became of packets.
import { getSystemErrorName } from 'node:util';
import { addon } from '../base/addon.ts';
import type { NativeNflogGroup } from '../base/addon_types.ts';
import { WindrowError } from '../base/errors.ts';
import { NFLOG_ACTIONS } from './nflog_groups.ts';
import type { NflogGroup } from './nflog_groups.ts';

/** Enough for the headers of tunnels. */
const SNAP_BYTES = 256;

/** A socket that a program keeps which is started in the place of this one. Throws PRIVILEGES or INPUT_REFUSED. */
export function openNflog(groups: readonly NflogGroup[]): number {
  const numbers = groups.map(({ group }) => group);
  const { fd, errno, group } = addon.nflog_open(numbers, SNAP_BYTES);
  if (errno === 0) return fd;
  const code = getSystemErrorName(-errno);
  if (code === 'EPERM') throw missingRight();
  const reasons: Readonly<Record<string, string>> = {
    EBUSY: 'another program has it: give the rules another group',
    EPROTONOSUPPORT: 'this kernel has no netfilter',
    EINVAL: 'this kernel has no nfnetlink_log: modprobe nfnetlink_log',
  };
  throw new WindrowError('INPUT_REFUSED', `--nflog: group ${group} cannot be had: ${reasons[code] ?? code}`);
}

export function missingRight(): WindrowError {
  const hint = 'start as root, or give it: AmbientCapabilities=CAP_NET_ADMIN in a unit of systemd';
  return new WindrowError('PRIVILEGES', `--nflog: it takes the capability CAP_NET_ADMIN to begin: ${hint}`);
}

export function nativeGroups(groups: readonly NflogGroup[]): NativeNflogGroup[] {
  return groups.map(({ group, action }) => ({ group, told: action ? NFLOG_ACTIONS.indexOf(action) + 1 : 0 }));
}
