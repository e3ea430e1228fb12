// CIDR blocks and addresses as text, compared as whole numbers.
import { parseIp } from './address.ts';

/** Reading text is slow, so what was read is kept: so much at most. */
const MOST_KEPT = 1 << 18;

interface Block {
  /** Of an address: 32 or 128. */
  readonly bits: number;
  readonly first: bigint;
  readonly last: bigint;
}

export class Blocks {
  readonly #blocks = new Map<string, Block>();

  /** Whether the address is in the block; a block without a length is one address. */
  hold(cidr: string, address: string): boolean {
    const [outer, inner] = [this.#block(cidr), this.#block(address)];
    return inner.bits === outer.bits && inner.first >= outer.first && inner.first <= outer.last;
  }

  #block(cidr: string): Block {
    let block = this.#blocks.get(cidr);
    if (!block) {
      block = readBlock(cidr);
      if (this.#blocks.size >= MOST_KEPT) this.#blocks.clear();
      this.#blocks.set(cidr, block);
    }
    return block;
  }
}

function readBlock(cidr: string): Block {
  const [address, length] = cidr.split('/');
  const digits = parseIp(address);
  if (digits === undefined) throw new Error(`not an address or a CIDR block: ${cidr}`);
  const size = 1n << BigInt(digits.length - Number(length ?? digits.length));
  const first = BigInt(`0b${digits}`);
  return { bits: digits.length, first, last: first + size - 1n };
}
