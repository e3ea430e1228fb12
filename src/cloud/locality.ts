// What a user says of the network on the command line: which ENIs there are, and what is inside.
import ipaddr from 'ipaddr.js';
import { WindrowError } from '../base/errors.ts';
import type { NativeLocality } from '../base/addon_types.ts';

/** What told the direction of a packet; in the order of `Rule` in native-bindings/locality.h. */
export const DIRECTION_RULES = ['capture', 'eni', 'local', 'shown_address', 'shown_mac', 'private', 'opener'] as const;

/** What each rule looks at, for reports. */
export const DIRECTION_RULE_DOCS: Readonly<Record<(typeof DIRECTION_RULES)[number], string>> = {
  capture: 'the capture says so (packet type or flags)',
  eni: 'an end is a named ENI',
  local: 'one end is inside --local',
  shown_address: 'one address is an end of all packets',
  shown_mac: 'one MAC address is an end of all frames',
  private: 'one end is a private address, the other is not',
  opener: 'the side that opened the connection is outside',
};

/** Constant fields of an ENI's entries; "-" where not known. */
export interface Eni {
  readonly eniId: string;
  readonly accountId: string;
  readonly vmId: string;
  readonly vpcId: string;
  readonly vswitchId: string;
}

export interface Locality {
  /** Named ENIs; an interface N without a name is number `enis.length + N`. */
  readonly enis: readonly Eni[];
  /** Numbers of those whose traffic may come at any interface, ascending. */
  readonly named: readonly number[];
  readonly native: NativeLocality;
}

const MAC = /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i;

export function eniNamed(eniId: string): Eni {
  return { eniId, accountId: '-', vmId: '-', vpcId: '-', vswitchId: '-' };
}

/** The ENI of an interface that has no name of its own: by its number, so that no entry depends on a file's name. */
export function eniOfInterface(number: number): Eni {
  return eniNamed(`${OF_INTERFACE}${number}`);
}

/** Of which interface of a capture an ENI has such a name; undefined: of none. */
export function interfaceOfEni(eniId: string): number | undefined {
  const digits = eniId.startsWith(OF_INTERFACE) ? eniId.slice(OF_INTERFACE.length) : '';
  return /^(?:0|[1-9][0-9]{0,4})$/.test(digits) ? Number(digits) : undefined;
}

const OF_INTERFACE = 'eni-if';

/** Reads `--local` and `--eni` values. Throws USAGE with the value that is wrong. */
export function readLocality(local: readonly string[], eni: readonly string[]): Locality {
  const ids: string[] = [];
  const numberOf = (id: string): number => {
    if (!ids.includes(id)) ids.push(id);
    return ids.indexOf(id);
  };
  let eniOfAll = -1;
  const eniOfInterface: { interface: string; eni: number }[] = [];
  const eniOfAddress: { address: Uint8Array; eni: number }[] = [];
  const eniOfMac: { mac: Uint8Array; eni: number }[] = [];
  for (const value of eni) {
    const equals = value.indexOf('=');
    const id = equals < 0 ? value : value.slice(0, equals);
    const end = value.slice(equals + 1);
    if (id === '' || end === '' || id.length > 256) {
      throw new WindrowError('USAGE', `--eni ${value}: expected ID, ID=ADDRESS, ID=MAC or ID=INTERFACE`);
    }
    if (equals < 0) {
      if (eniOfAll >= 0) throw new WindrowError('USAGE', `--eni ${value}: only one ENI can have all traffic`);
      eniOfAll = numberOf(id);
    } else if (isAddress(end)) {
      eniOfAddress.push({ address: addressBytes(end), eni: numberOf(id) });
    } else if (MAC.test(end)) {
      eniOfMac.push({ mac: Uint8Array.from(end.split(/[:-]/), (part) => parseInt(part, 16)), eni: numberOf(id) });
    } else {
      eniOfInterface.push({ interface: end, eni: numberOf(id) });
    }
  }
  const native = {
    eniCount: ids.length,
    eniOfAll,
    eniOfInterface,
    eniOfAddress,
    eniOfMac,
    local: local.map(readPrefix),
  };
  const named = [...new Set([...eniOfAddress, ...eniOfMac].map((one) => one.eni))].sort((a, b) => a - b);
  return { enis: ids.map(eniNamed), named, native };
}

/** Written out only: 10.1 and 012.0.0.1 are old ways to write other addresses than they seem to be. */
function isAddress(text: string): boolean {
  if (text.includes(':')) return ipaddr.IPv6.isValid(text) && !text.includes('%');
  return ipaddr.IPv4.isValidFourPartDecimal(text) && !/(^|\.)0\d/.test(text);
}

function addressBytes(text: string): Uint8Array {
  return Uint8Array.from(ipaddr.parse(text).toByteArray());
}

/** Of `--local`. Throws USAGE. */
export function readPrefix(text: string): { address: Uint8Array; length: number } {
  const whole = text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`;
  if (!ipaddr.isValidCIDR(whole) || !isAddress(whole.slice(0, whole.indexOf('/')))) {
    throw new WindrowError('USAGE', `--local ${text}: expected CIDR blocks such as 10.0.0.0/8,fd00::/8`);
  }
  const [address, length] = ipaddr.parseCIDR(whole);
  return { address: Uint8Array.from(address.toByteArray()), length };
}
