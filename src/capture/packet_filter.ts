// Which packets are captured: an expression of tcpdump (pcap-filter(7)), compiled by libpcap for the kernel.
import { addon } from '../base/addon.ts';
import { WindrowError } from '../base/errors.ts';

/** Names of the library: as it calls itself, as Debian calls it, and as one that was built by hand may be called. */
const LIBRARIES: readonly string[] = ['libpcap.so.1', 'libpcap.so.0.8', 'libpcap.so'];
const TO_INSTALL = 'install libpcap (Debian: apt-get install libpcap0.8)';

/** The kernel copies no more of each packet: enough for the headers of tunnels. */
export const SNAP_BYTES = 256;
const INSTRUCTION_BYTES = 8;
const MOST_INSTRUCTIONS = 4096;
/** The compiler takes minutes for expressions of a few thousand words. */
const MOST_CHARACTERS = 16_384;
const MOST_WORDS = 1000;
const ETHERNET = 1;

/** Also within `ip proto \vlan`, as such, it is none. */
const VLAN = /(?<![\w.\\-])vlan(?![\w.-])/;
const NO_VLAN =
  'the kernel takes VLAN tags off before a filter sees what comes in, and vlan would hold for none of it; leave it out: the rest holds for packets with a tag and without';

/** What libpcap says of its version; undefined: it is not there. */
export function libpcapVersion(libraries = LIBRARIES): string | undefined {
  return addon.libpcap_version(libraries) || undefined;
}

export interface FilterOptions {
  /** Who captures shows it VLAN tags. */
  readonly hasTags?: boolean;
  readonly libraries?: readonly string[];
}

export class PacketFilter {
  readonly expression: string;
  readonly #libraries: readonly string[];
  /** By link type. */
  readonly #programs = new Map<number, Uint8Array>();

  private constructor(expression: string, libraries: readonly string[]) {
    this.expression = expression;
    this.#libraries = libraries;
  }

  /** Throws USAGE where it is no expression for Ethernet, and INPUT_REFUSED where libpcap is not there. */
  static of(expression: string, { hasTags = false, libraries = LIBRARIES }: FilterOptions = {}): PacketFilter {
    const wrong = wrongWith(expression, hasTags);
    if (wrong !== undefined) throw new WindrowError('USAGE', `--filter: ${wrong}`);
    if (libpcapVersion(libraries) === undefined) {
      throw new WindrowError('INPUT_REFUSED', `--filter needs libpcap, which is not there: ${TO_INSTALL}`);
    }
    const filter = new PacketFilter(expression, libraries);
    const refused = filter.#compile(ETHERNET);
    if (refused === undefined) return filter;
    throw new WindrowError('USAGE', `--filter: expected an expression as of tcpdump (pcap-filter(7)): ${refused}`);
  }

  /** Instructions of the kernel, for packets of an interface. Throws INPUT_REFUSED where it does not go with those. */
  programFor(name: string, linkType: number): Uint8Array {
    const refused = this.#programs.has(linkType) ? undefined : this.#compile(linkType);
    if (refused === undefined) return this.#programs.get(linkType)!;
    throw new WindrowError('INPUT_REFUSED', `${name}: --filter does not go with what it carries: ${refused}`);
  }

  /** Gives what is wrong, if anything is. */
  #compile(linkType: number): string | undefined {
    const room = new Uint8Array(MOST_INSTRUCTIONS * INSTRUCTION_BYTES);
    const { instructions, error } = addon.filter_compile(this.#libraries, this.expression, linkType, SNAP_BYTES, room);
    if (instructions === 0) return error;
    this.#programs.set(linkType, room.slice(0, instructions * INSTRUCTION_BYTES));
    return undefined;
  }
}

function wrongWith(expression: string, hasTags: boolean): string | undefined {
  if (expression.trim() === '')
    return 'expected an expression as of tcpdump, found nothing; leave it out for all packets';
  if (expression.includes('\0')) return 'expected text, found a character that ends it (NUL); take it away';
  const words = expression.match(/[\w.:]+/g)?.length ?? 0;
  if (expression.length > MOST_CHARACTERS || words > MOST_WORDS) {
    const most = `${MOST_WORDS.toLocaleString('en-US')} words in ${MOST_CHARACTERS.toLocaleString('en-US')} characters`;
    return `expected at most ${most}, found ${words.toLocaleString('en-US')} in ${expression.length.toLocaleString('en-US')}; use net, portrange or not`;
  }
  return !hasTags && VLAN.test(expression) ? NO_VLAN : undefined;
}
