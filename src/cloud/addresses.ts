// IP addresses and CIDR blocks from text, as words of 32 bits.
import ipaddr from 'ipaddr.js';

/** Addresses that have their first bits in common; an address is a prefix of all its bits. */
export interface Prefix {
  readonly family: 4 | 6;
  /** Most significant first: one for IPv4, four for IPv6. */
  readonly words: readonly number[];
  readonly length: number;
}

/** Why a text is none of what was expected, and what to do. */
export interface Complaint {
  readonly expected: string;
  readonly hint: string;
}

/** RFC 1918, 6598, 3927 and 1122; RFC 4193 and 4291. Any other address is a public one. */
export const PRIVATE_CIDRS = [
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8'],
  ...['fc00::/7', 'fe80::/10', '::1/128'],
] as const;

export const BITS = { 4: 32, 6: 128 } as const;

const ANY_CIDR: Complaint = { expected: 'a CIDR block', hint: 'write 10.0.0.0/8, or 2001:db8::/32' };
const ANY_ADDRESS: Complaint = { expected: 'an IP address', hint: 'write 10.0.0.1, or 2001:db8::1' };

/** The address as a number; -1: the text is none that is written out (no 10.1, no 010.0.0.1). */
export function parseIpv4(text: string): number {
  let address = 0;
  let at = 0;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && text.charCodeAt(at++) !== DOT) return -1;
    const begin = at;
    let octet = 0;
    for (; at < text.length && at - begin < 3; at++) {
      const digit = text.charCodeAt(at) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      octet = octet * 10 + digit;
    }
    const isPadded = at - begin > 1 && text.charCodeAt(begin) === ZERO;
    if (at === begin || octet > 255 || isPadded) return -1;
    address = address * 256 + octet;
  }
  return at === text.length ? address : -1;
}

export function readAddress(text: string): Prefix | Complaint {
  const ipv4 = parseIpv4(text);
  if (ipv4 >= 0) return { family: 4, words: [ipv4], length: 32 };
  const words = parseIpv6(text);
  return words ? { family: 6, words, length: 128 } : ANY_ADDRESS;
}

export function readCidr(text: string): Prefix | Complaint {
  const slash = text.indexOf('/');
  const address = readAddress(slash < 0 ? text : text.slice(0, slash));
  if (isComplaint(address)) return ANY_CIDR;
  const most = BITS[address.family];
  if (slash < 0) return { expected: ANY_CIDR.expected, hint: `write ${text}/${most}` };
  const digits = text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(digits) || Number(digits) > most) {
    return { expected: `a CIDR block with a length from 0 to ${most}`, hint: ANY_CIDR.hint };
  }
  const prefix = { ...address, length: Number(digits) };
  const first = { ...prefix, words: prefix.words.map((word, i) => (word & maskOf(prefix.length, i)) >>> 0) };
  if (first.words.every((word, i) => word === prefix.words[i])) return prefix;
  return { expected: 'a CIDR block without host bits', hint: `write ${formatPrefix(first)}` };
}

/** Of text that is known to be right. */
export function cidrOf(text: string): Prefix {
  const prefix = readCidr(text);
  if (isComplaint(prefix)) throw new Error(`${text}: expected ${prefix.expected}`);
  return prefix;
}

export function isComplaint(read: Prefix | Complaint): read is Complaint {
  return 'hint' in read;
}

export function contains(outer: Prefix, inner: Prefix): boolean {
  if (outer.family !== inner.family || outer.length > inner.length) return false;
  return outer.words.every((word, i) => ((word ^ inner.words[i]) & maskOf(outer.length, i)) === 0);
}

/** An address without its length. */
export function formatPrefix({ family, words, length }: Prefix): string {
  const bytes = words.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]);
  const address = family === 4 ? bytes.join('.') : new ipaddr.IPv6(bytes).toRFC5952String();
  return length === BITS[family] ? address : `${address}/${length}`;
}

const DOT = 0x2e;
const ZERO = 0x30;

/** Bits of word `i` that belong to a prefix of so many bits. */
function maskOf(length: number, i: number): number {
  const bits = Math.min(Math.max(length - i * 32, 0), 32);
  return bits === 0 ? 0 : -1 << (32 - bits);
}

function parseIpv6(text: string): number[] | undefined {
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined;
  const { parts } = ipaddr.IPv6.parse(text);
  return [0, 2, 4, 6].map((i) => ((parts[i] << 16) | parts[i + 1]) >>> 0);
}
