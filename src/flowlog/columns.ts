// Entries as columns: typed arrays over one buffer, laid out as in native-bindings/columns.h.

export const STATUS = { ok: 0, nodata: 1, skipdata: 2 } as const;
export const DIRECTION = { in: 0, out: 1 } as const;
export const ACTION = { accept: 0, reject: 1 } as const;

/** Name, bytes a cell and cells a row, in the order of the buffer; a test compares it with the native side. */
export const COLUMN_LAYOUT = [
  { name: 'packets', width: 8, cells: 1 },
  { name: 'bytes', width: 8, cells: 1 },
  { name: 'start', width: 8, cells: 1 },
  { name: 'end', width: 8, cells: 1 },
  { name: 'srcaddr', width: 1, cells: 16 },
  { name: 'dstaddr', width: 1, cells: 16 },
  { name: 'eni', width: 4, cells: 1 },
  { name: 'srcport', width: 4, cells: 1 },
  { name: 'dstport', width: 4, cells: 1 },
  { name: 'rule', width: 4, cells: 1 },
  { name: 'tcp_flags', width: 2, cells: 1 },
  { name: 'traffic_path', width: 2, cells: 1 },
  { name: 'status', width: 1, cells: 1 },
  { name: 'direction', width: 1, cells: 1 },
  { name: 'action', width: 1, cells: 1 },
  { name: 'source', width: 1, cells: 1 },
  { name: 'family', width: 1, cells: 1 },
  { name: 'protocol', width: 1, cells: 1 },
  { name: 'twin', width: 1, cells: 1 },
] as const;

const BYTES_PER_ROW = COLUMN_LAYOUT.reduce((sum, column) => sum + column.width * column.cells, 0);

/** Rows of entries. Ports, flags and paths are -1 where the entry has "-"; addresses take 16 bytes, IPv4 the first four. */
export class Columns {
  /** Rows; a multiple of 8. */
  readonly capacity: number;
  readonly buffer: Uint8Array;
  readonly packets: BigUint64Array;
  readonly bytes: BigUint64Array;
  readonly start: BigInt64Array;
  readonly end: BigInt64Array;
  readonly srcaddr: Uint8Array;
  readonly dstaddr: Uint8Array;
  readonly eni: Uint32Array;
  readonly srcport: Int32Array;
  readonly dstport: Int32Array;
  readonly tcpFlags: Int16Array;
  readonly trafficPath: Int16Array;
  readonly status: Uint8Array;
  readonly direction: Uint8Array;
  /** 0: ACCEPT; 1: REJECT. */
  readonly action: Uint8Array;
  readonly family: Uint8Array;
  readonly protocol: Uint8Array;
  readonly twin: Uint8Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    const memory = new ArrayBuffer(BYTES_PER_ROW * capacity);
    this.buffer = new Uint8Array(memory);
    const offsets = new Map<string, number>();
    let offset = 0;
    for (const column of COLUMN_LAYOUT) {
      offsets.set(column.name, offset);
      offset += column.width * column.cells * capacity;
    }
    const at = (name: (typeof COLUMN_LAYOUT)[number]['name']): number => offsets.get(name)!;
    this.packets = new BigUint64Array(memory, at('packets'), capacity);
    this.bytes = new BigUint64Array(memory, at('bytes'), capacity);
    this.start = new BigInt64Array(memory, at('start'), capacity);
    this.end = new BigInt64Array(memory, at('end'), capacity);
    this.srcaddr = new Uint8Array(memory, at('srcaddr'), capacity * 16);
    this.dstaddr = new Uint8Array(memory, at('dstaddr'), capacity * 16);
    this.eni = new Uint32Array(memory, at('eni'), capacity);
    this.srcport = new Int32Array(memory, at('srcport'), capacity);
    this.dstport = new Int32Array(memory, at('dstport'), capacity);
    this.tcpFlags = new Int16Array(memory, at('tcp_flags'), capacity);
    this.trafficPath = new Int16Array(memory, at('traffic_path'), capacity);
    this.status = new Uint8Array(memory, at('status'), capacity);
    this.direction = new Uint8Array(memory, at('direction'), capacity);
    this.action = new Uint8Array(memory, at('action'), capacity);
    this.family = new Uint8Array(memory, at('family'), capacity);
    this.protocol = new Uint8Array(memory, at('protocol'), capacity);
    this.twin = new Uint8Array(memory, at('twin'), capacity);
  }
}
