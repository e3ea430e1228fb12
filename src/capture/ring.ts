// A live interface as a ring: its socket, its memory, and what can be wrong with it.
import { getSystemErrorName } from 'node:util';
import { addon } from '../base/addon.ts';
import type { NativeRing } from '../base/addon_types.ts';
import { WindrowError } from '../base/errors.ts';
import type { NetworkInterface } from './interface.ts';
import { SNAP_BYTES } from './packet_filter.ts';
import type { PacketFilter } from './packet_filter.ts';

/** What the host receives there is sent by the ENI (peer), or received (self). */
export type Side = 'self' | 'peer';

export interface RingOptions {
  /** Of its memory; the kernel fills it while nobody reads. */
  readonly bytes: number;
  readonly side: Side;
  /** Rings of an interface that share its packets: the same number, which no other interface has; undefined: there is one. */
  readonly group: number | undefined;
  /** Undefined: all packets are taken. */
  readonly filter?: PacketFilter | undefined;
}

/** A ring is filled in blocks; a packet has to fit into one, and with it a super-frame's headers. */
const BLOCK_BYTES = 256 * 1024;
/** A block that is not full is handed over then. */
const RETIRE_MS = 20;

/** A ring for a worker to add. It holds a socket from then on, which the native side closes. Throws INPUT_REFUSED. */
export function ringOf(at: NetworkInterface, number: number, options: RingOptions): NativeRing {
  if (at.linkType === undefined) {
    throw new WindrowError(
      'INPUT_REFUSED',
      `${at.name}: hardware of type ${at.hardware} is not read: expected Ethernet, loopback, or packets of IP as of tun`,
    );
  }
  const filter = options.filter?.programFor(at.name, at.linkType) ?? new Uint8Array();
  const fd = addon.live_socket();
  if (fd < 0) throw refusedSocket(at.name, -fd);
  return {
    fd,
    interface: number,
    ifIndex: at.index,
    linkType: at.linkType,
    blockBytes: BLOCK_BYTES,
    blocks: Math.max(2, Math.floor(options.bytes / BLOCK_BYTES)),
    retireMs: RETIRE_MS,
    snapBytes: SNAP_BYTES,
    fanoutGroup: options.group ?? -1,
    isPeer: options.side === 'peer',
    filter,
  };
}

function refusedSocket(name: string, errno: number): WindrowError {
  const code = getSystemErrorName(-errno);
  const what = code === 'EPERM' ? 'it takes the capability CAP_NET_RAW: run as root, or by the unit of systemd' : code;
  return new WindrowError('INPUT_REFUSED', `${name}: cannot be captured at: ${what}`);
}

/** Of a ring that was refused. */
export function refusedRing(name: string, refused: string, errno: number): WindrowError {
  const code = getSystemErrorName(-errno);
  const isFilter = refused === 'the filter';
  const memory = isFilter
    ? 'make --filter shorter, or raise net.core.optmem_max'
    : 'there is not so much memory, see --ring-memory';
  const hint = code === 'ENOMEM' ? `: ${memory}` : '';
  return new WindrowError('INPUT_REFUSED', `${name}: the kernel refuses ${refused} (${code})${hint}`);
}
