// Captures that one worker reads for all: streams, compressed files, and several files merged by packet time.
import { addon } from '../base/addon.ts';
import type { NativePeek, NativeWorker } from '../base/addon_types.ts';
import { STDIN } from '../base/standard.ts';
import { DAMAGES, REFUSALS, refusal } from '../capture/damage.ts';
import { Feeder } from '../capture/feeder.ts';
import { openSource } from '../capture/source.ts';
import type { Ending } from './worker.ts';

/** Bytes read at once: small enough to be still in the cache when they are decoded. */
const READ_BYTES = 512 << 10;
const MOST_BUFFERED = 32 << 20;
const PEEK_BYTES = 64 << 10;

interface Input {
  readonly path: string;
  readonly sec: number;
  readonly nsec: number;
  readonly isDormant: boolean;
  readonly interfaces: NativePeek['interfaces'];
  feeder: Feeder | undefined;
}

export class Inputs {
  #native: NativeWorker;
  #inputs: Input[] = [];
  /** Bytes as stored of inputs that were read to their end. */
  #consumed = 0;

  private constructor(native: NativeWorker) {
    this.#native = native;
  }

  /** Opens the captures; several are merged by packet time, each opened when its first packet's turn comes. */
  static async open(native: NativeWorker, paths: readonly string[]): Promise<Inputs> {
    const inputs = new Inputs(native);
    for (const path of paths) inputs.#inputs.push(paths.length === 1 ? alone(path) : await peek(path));
    for (const input of inputs.#inputs) {
      addon.worker_add_input(native, input.isDormant, input.sec, input.nsec);
      // In the order of the arguments, whenever their packets come: the first declaration of a number names it.
      input.interfaces.forEach(({ linkType, name }, number) => {
        addon.worker_declare(native, number, linkType, name);
      });
    }
    if (paths.length === 1) await inputs.feed(0, 0, 1);
    return inputs;
  }

  /** Drops the bytes before `position` and brings `wanted` from there on, or what there is. */
  async feed(number: number, position: number, wanted: number): Promise<void> {
    const input = this.#inputs[number];
    input.feeder ??= new Feeder(await openSource(input.path), bufferBytes(this.#inputs.length));
    const feeder = input.feeder;
    await feeder.fill(position, wanted);
    const open = this.#inputs.reduce((sum, i) => sum + (i.feeder?.source.consumed ?? 0), 0);
    addon.worker_consumed(this.#native, this.#consumed + open);
    addon.worker_feed(this.#native, number, feeder.bytes, feeder.size, feeder.base, feeder.eof);
  }

  /** Lets go of the captures that have been read since the last call, and says how they ended. */
  takeEnded(): Ending[] {
    return addon.worker_take_ended(this.#native).flatMap((number) => {
      const input = this.#inputs[number];
      const source = input.feeder?.source;
      if (!source) return [];
      this.#consumed += source.consumed;
      input.feeder = undefined;
      source.close();
      return [{ name: source.name, sourceDamage: source.damage, found: addon.worker_damage(this.#native, number) }];
    });
  }

  close(): void {
    for (const input of this.#inputs) input.feeder?.source.close();
  }
}

/** Captures that overlap in time are open together: the more there are, the less each may hold. */
function bufferBytes(inputs: number): number {
  return Math.max(PEEK_BYTES, Math.min(READ_BYTES, Math.floor(MOST_BUFFERED / inputs)));
}

function alone(path: string): Input {
  return { path, sec: 0, nsec: 0, isDormant: false, interfaces: [], feeder: undefined };
}

/** Reads up to a capture's first packet, so that it takes its place among the others; a stream stays open for that. */
async function peek(path: string): Promise<Input> {
  const feeder = new Feeder(await openSource(path), PEEK_BYTES);
  let wanted = 1;
  for (;;) {
    await feeder.fill(0, wanted);
    const found = addon.capture_peek(feeder.bytes, feeder.size, feeder.eof);
    if (found.found === 1 && !feeder.eof) {
      wanted = found.wanted;
      continue;
    }
    const damage = DAMAGES[found.damage];
    if (found.found === 2 && REFUSALS.includes(damage)) {
      feeder.source.close();
      throw refusal(feeder.source.name, feeder.source.damage !== 'none' ? feeder.source.damage : damage, found.detail);
    }
    // Without a packet it has no time: it is read first, for what its header declares.
    const time = found.found === 0 ? found : { sec: -Number.MAX_SAFE_INTEGER, nsec: 0 };
    const input = { path, sec: time.sec, nsec: time.nsec, isDormant: true, interfaces: found.interfaces };
    if (path === STDIN) return { ...input, feeder: new Rewound(feeder) };
    feeder.source.close();
    return { ...input, feeder: undefined };
  }
}

/** A stream cannot be opened again: what peeking took is given first. */
class Rewound extends Feeder {
  #peeked: Feeder | undefined;

  constructor(peeked: Feeder) {
    super(peeked.source, READ_BYTES);
    this.#peeked = peeked;
    this.bytes = peeked.bytes;
    this.size = peeked.size;
    this.eof = peeked.eof;
  }

  override async fill(position: number, wanted: number): Promise<void> {
    if (this.#peeked) {
      this.#peeked = undefined;
      if (this.size >= wanted) return;
    }
    await super.fill(position, wanted);
  }
}
