// The face of a native shard: captures in, and out of it the windows that are to be written, in order.
import { randomFillSync } from 'node:crypto';
import fs from 'node:fs';
import { addon } from '../base/addon.ts';
import type { NativeDrops, NativeLocality, NativePeek, NativeShard, NativeState, NativeWindow } from '../base/addon.ts';
import { WindrowError, systemCode } from '../base/errors.ts';
import { STDIN } from '../base/standard.ts';
import { DAMAGES, REFUSALS, describeDamage } from '../capture/damage.ts';
import type { Damage } from '../capture/damage.ts';
import { Feeder } from '../capture/feeder.ts';
import { linkTypeName } from '../capture/link_types.ts';
import { openSource } from '../capture/source.ts';

/** Why the native core came back; in the order of `Run` in native-bindings/shard.h. */
const RUN = { end: 0, needData: 1, windowDue: 2, lateFull: 3, tableFull: 4 } as const;

/** Bytes read at once: small enough to be still in the cache when they are decoded. */
const READ_BYTES = 1 << 20;
const MOST_BUFFERED = 32 << 20;
const PEEK_BYTES = 64 << 10;

/** Which windows to flush; in the order of `FlushMode` in native-bindings/flow_table.h. */
const FLUSH = { due: 0, late: 1, evict: 2, all: 3 } as const;

export interface ShardOptions {
  readonly maxFlows: number;
  readonly windowSeconds: number;
  readonly latenessSeconds: number;
  readonly decapsulate: boolean;
  readonly locality: NativeLocality;
}

/** A capture that was not read to its end. */
export interface Incomplete {
  readonly input: string;
  readonly damage: Damage;
  readonly message: string;
}

/** Seconds of the first packet that has a time (undefined: none has), the latest time, and the declared interfaces. */
export interface CaptureClock {
  readonly first: number | undefined;
  readonly mark: number;
  readonly interfaces: number;
}

/** A window whose rows are to be taken with `Shard.fillRows` before the next one. */
export interface ClosingWindow extends NativeWindow {
  /** Its flows are closed early because the table is full; the window stays open. */
  readonly isEarly: boolean;
  /** Numbers of the ENIs that have entries in it; empty for windows that are late or early. */
  readonly enis: readonly number[];
}

interface Input {
  readonly path: string;
  readonly sec: number;
  readonly nsec: number;
  readonly isDormant: boolean;
  readonly interfaces: NativePeek['interfaces'];
  feeder: Feeder | undefined;
}

export class Shard {
  #native: NativeShard;
  #inputs: Input[] = [];
  #status = new Float64Array(3);
  #clock = new Float64Array(4);
  /** Bytes as stored of inputs that were read to their end. */
  #consumed = 0;
  #size = 0;
  readonly incomplete: Incomplete[] = [];

  constructor(options: ShardOptions) {
    this.#native = newShard(options);
  }

  /** Opens the captures; several are merged by packet time, each opened when its first packet's turn comes. */
  async open(paths: readonly string[]): Promise<void> {
    for (const path of paths) this.#inputs.push(paths.length === 1 ? alone(path) : await peek(path));
    for (const input of this.#inputs) {
      addon.shard_add_input(this.#native, input.isDormant, input.sec, input.nsec);
      // In the order of the arguments, whenever their packets come: the first declaration of a number names it.
      input.interfaces.forEach(({ linkType, name }, number) => {
        addon.shard_declare(this.#native, number, linkType, name);
      });
    }
    if (this.#inputs.length === 1) await this.#feed(0, 0, 1);
    this.#size = sizeOf(paths);
  }

  /** Bytes as stored: read so far, and in all (0 where not known). */
  get progress(): { consumed: number; size: number } {
    const open = this.#inputs.reduce((sum, input) => sum + (input.feeder?.source.consumed ?? 0), 0);
    return { consumed: this.#consumed + open, size: this.#size };
  }

  /** Times of the capture so far, as of the last window or bytes: cheap, to be asked for each window. */
  get clock(): CaptureClock {
    addon.shard_clock(this.#native, this.#clock);
    const [hasTime, first, mark, interfaces] = this.#clock as unknown as [number, number, number, number];
    return { first: hasTime ? first : undefined, mark, interfaces };
  }

  get state(): NativeState {
    return addon.shard_state(this.#native);
  }

  linkTypeName(linkType: number): string {
    return linkTypeName(linkType);
  }

  /** Drop reports of the captures since the last call. */
  takeDrops(): NativeDrops[] {
    return addon.shard_drops(this.#native);
  }

  /** Fills columns with the next rows of the window that `windows()` gave last; 0 when there are no more. */
  fillRows(columns: Uint8Array, capacity: number): number {
    return addon.flush_rows(this.#native, columns, capacity);
  }

  /** Reads on. Yields windows as they close, and undefined whenever bytes were read, so that the caller sees progress. */
  async *windows(): AsyncGenerator<ClosingWindow | undefined, void, void> {
    for (;;) {
      const why = addon.shard_run(this.#native, this.#status);
      for (const number of addon.shard_take_ended(this.#native)) this.#endInput(number);
      if (why === RUN.needData) {
        await this.#feed(this.#status[0], this.#status[1], this.#status[2]);
        yield undefined;
      } else if (why === RUN.end) {
        break;
      } else {
        yield* this.#flush(why === RUN.windowDue ? FLUSH.due : why === RUN.lateFull ? FLUSH.late : FLUSH.evict);
      }
    }
    this.#checkLinkTypes();
    yield* this.#flush(FLUSH.all);
  }

  close(): void {
    for (const input of this.#inputs) input.feeder?.source.close();
  }

  *#flush(mode: number): Generator<ClosingWindow, void, void> {
    addon.flush_begin(this.#native, mode);
    const isEarly = mode === FLUSH.evict;
    for (;;) {
      const window = addon.flush_window(this.#native);
      if (!window) return;
      const enis = window.isLate || isEarly ? [] : addon.flush_enis(this.#native);
      yield { ...window, isEarly, enis };
      addon.flush_end(this.#native);
    }
  }

  async #feed(number: number, position: number, wanted: number): Promise<void> {
    const input = this.#inputs[number];
    input.feeder ??= new Feeder(await openSource(input.path), bufferBytes(this.#inputs.length));
    const feeder = input.feeder;
    await feeder.fill(position, wanted);
    addon.shard_feed(this.#native, number, feeder.bytes, feeder.size, feeder.base, feeder.eof);
  }

  /** A pcapng of which nothing can be read is refused, as a pcap of such a link type is. */
  #checkLinkTypes(): void {
    const { interfaces } = this.state;
    const unread = interfaces.find((i) => i.packets > 0);
    if (!unread || interfaces.some((i) => i.isSupported)) return;
    throw refusal(this.#inputs.map((input) => input.path).join(', '), 'link_type', unread.linkType);
  }

  /** Lets go of a capture that was read: refuses it, or notes that it was not read to its end. */
  #endInput(number: number): void {
    const input = this.#inputs[number];
    const source = input.feeder?.source;
    if (!source) return;
    this.#consumed += source.consumed;
    input.feeder = undefined;
    source.close();
    const found = addon.shard_damage(this.#native, number);
    const native = DAMAGES[found.damage];
    // What the compression says explains what the reader found.
    const damage = source.damage !== 'none' ? source.damage : native;
    if (REFUSALS.includes(native)) throw refusal(source.name, damage, found.detail);
    if (damage === 'none') return;
    const message = describeDamage(damage, found.detail, found.offset);
    this.incomplete.push({ input: source.name, damage, message });
  }
}

/** Captures that overlap in time are open together: the more there are, the less each may hold. */
function bufferBytes(inputs: number): number {
  return Math.max(PEEK_BYTES, Math.min(READ_BYTES, Math.floor(MOST_BUFFERED / inputs)));
}

/** Bytes of all captures as stored, 0 where one is a stream. */
function sizeOf(paths: readonly string[]): number {
  const sizes = paths.map((path) => (path === STDIN ? undefined : fs.statSync(path, { throwIfNoEntry: false })));
  return sizes.every((stat) => stat?.isFile()) ? sizes.reduce((sum, stat) => sum + stat!.size, 0) : 0;
}

function refusal(name: string, damage: Damage, detail: number): WindrowError {
  return new WindrowError('INPUT_REFUSED', `${name}: ${describeDamage(damage, detail, 0)}`);
}

function newShard(options: ShardOptions): NativeShard {
  try {
    return addon.shard_new({ ...options, seed: randomFillSync(new BigUint64Array(4)) });
  } catch (cause) {
    if (systemCode(cause) !== 'WINDROW_NO_MEMORY') throw cause;
    const flows = options.maxFlows.toLocaleString('en-US');
    const message = `a table of ${flows} flows does not fit into memory: give a smaller --max-flows`;
    throw new WindrowError('NO_MEMORY', message, { cause });
  }
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
