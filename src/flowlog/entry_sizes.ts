// How many entries there are and how many bytes they take as lines of JSON, by what tells them apart; nothing is written.
import type { Collector } from '../flow/collector.ts';
import { ACTION, Columns, STATUS } from './columns.ts';
import type { EntryWriter, Sums, Taken } from './entry_writer.ts';
import { LineWriter } from './line_writer.ts';
import type { Subscribers } from './subscribers.ts';

export interface Size {
  entries: number;
  bytes: number;
}

/** By value; those that there are none of are missing, and "-" is what entries without traffic have. */
export type SizesBy = Readonly<Record<string, Readonly<Size>>>;

export interface Sizes extends Readonly<Size> {
  readonly byStatus: SizesBy;
  readonly byType: SizesBy;
  readonly byAction: SizesBy;
  readonly byTrafficPath: SizesBy;
}

const ROWS = 4096;
const ROOM_BYTES = 1 << 20;
const LINE_FEED = 0x0a;
const STATUS_NAMES = Object.keys(STATUS).map((status) => status.toUpperCase());
const NONE = '-';

export class EntrySizes implements EntryWriter {
  readonly #columns = new Columns(ROWS);
  readonly #lines: LineWriter;
  readonly #block = Buffer.alloc(ROOM_BYTES);
  readonly #all: Size = { entries: 0, bytes: 0 };
  readonly #by = {
    byStatus: new Map<string, Size>(),
    byType: new Map<string, Size>(),
    byAction: new Map<string, Size>(),
    byTrafficPath: new Map<string, Size>(),
  };
  /** Whose lines are being written, and the row of the next one. */
  #written: Columns = this.#columns;
  #row = 0;

  constructor(subscribers: Subscribers) {
    this.#lines = new LineWriter(subscribers, { room: () => this.#block, wrote: (bytes) => this.#measure(bytes) });
  }

  get sizes(): Sizes {
    const { byStatus, byType, byAction, byTrafficPath } = this.#by;
    return {
      ...this.#all,
      byStatus: recordOf(byStatus),
      byType: recordOf(byType),
      byAction: recordOf(byAction),
      byTrafficPath: recordOf(byTrafficPath),
    };
  }

  async take(collector: Collector): Promise<Taken> {
    const filled = await collector.fill(this.#columns.buffer, ROWS);
    return { ...filled, ...(await this.write(this.#columns, filled.rows)) };
  }

  async write(columns: Columns, rows: number): Promise<Sums> {
    this.#written = columns;
    this.#row = 0;
    return this.#lines.write(columns, rows);
  }

  /** A block of whole lines, one of each row. */
  #measure(bytes: number): void {
    for (let start = 0; start < bytes;) {
      const end = this.#block.indexOf(LINE_FEED, start) + 1;
      this.#add(this.#written, this.#row++, end - start);
      start = end;
    }
  }

  #add(c: Columns, row: number, bytes: number): void {
    const isOk = c.status[row] === STATUS.ok;
    const { byStatus, byType, byAction, byTrafficPath } = this.#by;
    addTo(this.#all, bytes);
    addTo(sizeIn(byStatus, STATUS_NAMES[c.status[row]]), bytes);
    addTo(sizeIn(byType, isOk ? `IPv${c.family[row]}` : NONE), bytes);
    addTo(sizeIn(byAction, isOk ? (c.action[row] === ACTION.accept ? 'ACCEPT' : 'REJECT') : NONE), bytes);
    const path = c.trafficPath[row];
    addTo(sizeIn(byTrafficPath, isOk && path >= 0 ? `${path}` : NONE), bytes);
  }
}

function sizeIn(sizes: Map<string, Size>, key: string): Size {
  let size = sizes.get(key);
  if (!size) sizes.set(key, (size = { entries: 0, bytes: 0 }));
  return size;
}

function addTo(size: Size, bytes: number): void {
  size.entries++;
  size.bytes += bytes;
}

/** Numbers in their order, "-" behind all. */
function recordOf(sizes: ReadonlyMap<string, Size>): SizesBy {
  return Object.fromEntries([...sizes].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)));
}

function rank(key: string): number {
  return key === NONE ? Infinity : /^[0-9]+$/.test(key) ? Number(key) : -1;
}
