// Which way a packet goes that was captured by what does not tell: by the addresses of the interface itself.
import type { Way } from './packet_stream.ts';

export interface OwnAddresses {
  /** Six bytes; undefined: it has none. */
  readonly mac: Uint8Array | undefined;
  /** Of 4 or 16 bytes each. */
  readonly addresses: readonly Uint8Array[];
}

const ETHERNET = 1;
/** Of Linux: a header that says which way (packet type 4: from us). */
const SLL = 113;
const SLL_OUTGOING = 4;
/** Bytes before IP, of link types that have a fixed number of them (https://www.tcpdump.org/linktypes.html). */
const BEFORE_IP: Readonly<Record<number, number>> = { 0: 4, 1: 14, 101: 0, 108: 4 };

/** A packet that neither comes from the interface nor goes to it, as a bridge shows, is not told. */
export function wayOf(linkType: number, data: Uint8Array, own: OwnAddresses): Way {
  if (linkType === SLL) return data.length < 2 ? undefined : data[0] === 0 && data[1] === SLL_OUTGOING ? 'out' : 'in';
  if (linkType === ETHERNET && own.mac) {
    if (data.length < 12) return undefined;
    if (holds(data, 6, own.mac)) return 'out';
    const isGroup = (data[0] & 1) === 1;
    return isGroup || holds(data, 0, own.mac) ? 'in' : undefined;
  }
  const at = BEFORE_IP[linkType] as number | undefined;
  if (at === undefined || data.length <= at) return undefined;
  const isV6 = data[at] >> 4 === 6;
  const [source, size] = isV6 ? [at + 8, 16] : [at + 12, 4];
  if (data.length < source + 2 * size) return undefined;
  const isOwn = (where: number): boolean =>
    own.addresses.some((address) => address.length === size && holds(data, where, address));
  if (isOwn(source)) return 'out';
  return isOwn(source + size) ? 'in' : undefined;
}

/** As the other end of its wire sees it. */
export function turned(way: Way): Way {
  return way === undefined ? undefined : way === 'in' ? 'out' : 'in';
}

function holds(data: Uint8Array, at: number, part: Uint8Array): boolean {
  for (let i = 0; i < part.length; i++) if (data[at + i] !== part[i]) return false;
  return true;
}
