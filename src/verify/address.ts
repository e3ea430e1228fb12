// IP addresses as text (RFC 5952) and the ranges that the rules speak of.

export function formatIp(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : formatIpv6(bytes);
}

function formatIpv6(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push((bytes[at] << 8) | bytes[at + 1]);
  const zeros = longestZeros(groups);
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (zeros.length < 2) return text(groups);
  return `${text(groups.slice(0, zeros.at))}::${text(groups.slice(zeros.at + zeros.length))}`;
}

/** The longest run of zero groups, the first of several. */
function longestZeros(groups: readonly number[]): { at: number; length: number } {
  let best = { at: 0, length: 0 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length += 1;
    if (length > best.length) best = { at, length };
  }
  return best;
}

/** Bits of an address in text, or nothing where it is none. Both families, and :: anywhere. */
export function parseIp(text: string): string | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): string | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return parts.map((part) => Number(part).toString(2).padStart(8, '0')).join('');
}

function parseIpv6(text: string): string | undefined {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted !== null) {
    const low = parseIpv4(dotted[2]);
    if (low === undefined) return undefined;
    const word = (from: number): string => Number.parseInt(low.slice(from, from + 16), 2).toString(16);
    return parseIpv6(`${dotted[1]}${word(0)}:${word(16)}`);
  }
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const sides = halves.map((half) => (half === '' ? [] : half.split(':')));
  const present = sides.flat();
  if (!present.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  const missing = 8 - present.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const zeros = new Array<string>(halves.length === 2 ? missing : 0).fill('0');
  const groups = [...sides[0], ...zeros, ...(sides[1] ?? [])];
  return groups.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('');
}

/** Address ranges, asked with an address in text. */
export class Ranges {
  readonly #prefixes: { readonly bits: string; readonly addressBits: number }[] = [];
  readonly #known = new Map<string, boolean>();

  constructor(cidrs: readonly string[]) {
    for (const cidr of cidrs) {
      const [address, length] = cidr.split('/');
      const bits = parseIp(address);
      if (bits === undefined) throw new Error(`not an address range: ${cidr}`);
      this.#prefixes.push({ bits: bits.slice(0, Number(length ?? bits.length)), addressBits: bits.length });
    }
  }

  has(address: string): boolean {
    let known = this.#known.get(address);
    if (known === undefined) {
      const bits = parseIp(address) ?? '';
      known = this.#prefixes.some((range) => bits.length === range.addressBits && bits.startsWith(range.bits));
      // Remembering costs memory by address: start over before it matters.
      if (this.#known.size >= 1 << 18) this.#known.clear();
      this.#known.set(address, known);
    }
    return known;
  }
}

export const MULTICAST = new Ranges(['224.0.0.0/4', 'ff00::/8']);

/** RFC 1918, 6598, 3927, 1122, 4193, 4291. */
export const PRIVATE = new Ranges([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
  '::1/128',
]);
