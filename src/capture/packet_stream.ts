// Packets as one process hands them to another: a pcapng of one interface that does not end (draft-ietf-opsawg-pcapng).

/** As the interface sees it; undefined: nothing tells. */
export type Way = 'in' | 'out' | undefined;

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const PACKET = 6;
const BYTE_ORDER = 0x1a2b3c4d;
/** Of a packet block without data and options: type, length, interface, time, two lengths, length. */
const PACKET_BYTES = 32;
/** epb_flags, and the end of options. */
const FLAGS_BYTES = 12;
const EPB_FLAGS = 2;
const BATCH_BYTES = 64 * 1024;

/** Blocks in the order of this machine, which reads them again; `write` gets them in batches, and may not keep the array. */
export class PacketStream {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #snapBytes: number;
  readonly #bytes = new Uint8Array(BATCH_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #size = 0;

  constructor(linkType: number, snapBytes: number, write: (bytes: Uint8Array) => void) {
    this.#write = write;
    this.#snapBytes = snapBytes;
    this.#put(SECTION, 28, BYTE_ORDER, 1, 0xffffffff, 0xffffffff, 28);
    this.#put(INTERFACE, 20, linkType, 0, 20);
  }

  /** The first bytes of a packet that has `length` of them; `time` is in milliseconds since the epoch. */
  add(data: Uint8Array, length: number, time: number, way: Way): void {
    const kept = Math.min(length, data.length, this.#snapBytes);
    const padded = (kept + 3) & ~3;
    const options = way === undefined ? 0 : FLAGS_BYTES;
    const size = PACKET_BYTES + padded + options;
    if (this.#size + size > BATCH_BYTES) this.flush();
    // In microseconds, which is what an interface has that says nothing else.
    const [high, low] = [Math.floor((time * 1000) / 2 ** 32), (time * 1000) % 2 ** 32];
    this.#put(PACKET, size, 0, high, low, kept, length);
    this.#bytes.set(data.subarray(0, kept), this.#size);
    this.#bytes.fill(0, this.#size + kept, this.#size + padded);
    this.#size += padded;
    if (way !== undefined) this.#put(EPB_FLAGS | (4 << 16), way === 'in' ? 1 : 2, 0);
    this.#put(size);
  }

  /** What there is so far. */
  flush(): void {
    if (this.#size === 0) return;
    const size = this.#size;
    this.#size = 0;
    this.#write(this.#bytes.subarray(0, size));
  }

  #put(...words: readonly number[]): void {
    for (const word of words) {
      this.#view.setUint32(this.#size, word, true);
      this.#size += 4;
    }
  }
}
