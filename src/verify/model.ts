// The second count of a capture: packets to flows to entries, one obvious step after the other.
import { MULTICAST } from './address.ts';
import { readBytes, readFiles } from './containers.ts';
import { type Observation, type Point, type Seen, type Side, Directions, Shown } from './direction.ts';
import { Drops } from './drops.ts';
import { Enis } from './enis.ts';
import { linkSupported } from './links.ts';
import { type End, Flow, IDLE_SECONDS } from './flow.ts';
import { Fragments } from './fragments.ts';
import type { Reason } from './frame.ts';
import type { CountOptions } from './options.ts';
import { type IpPacket, decode } from './packet.ts';
import type { CaptureRecord, DropRecord, PacketRecord } from './records.ts';
import { type Entry, type Gap, type Written, Windows } from './windows.ts';

export interface Tally {
  seen: number;
  logged: number;
  readonly excluded: Map<Reason, number>;
}

export interface Model {
  /** Every line, in the order in which they are written; what follows is the same, sorted out. */
  readonly written: readonly Written[];
  readonly ordered: readonly Entry[];
  /** Entries of one key and window: the regular one and supplementary ones. */
  readonly entries: ReadonlyMap<string, readonly Entry[]>;
  readonly nodata: readonly Gap[];
  readonly skipdata: readonly Gap[];
  readonly packets: Tally;
  readonly bytes: Tally;
  /** The most flows that had to be remembered at once, and what costs an engine as much. */
  readonly peakFlows: number;
  /** Nothing where the whole capture was read. */
  readonly incomplete: string | undefined;
  /** The input is no capture; `incomplete` says why. */
  readonly refused: boolean;
}

/** What a file shows is decided on this many records. */
const HEAD_RECORDS = 10_000;
const LIMITED_BROADCAST = '255.255.255.255';

export function countCapture(paths: readonly string[], options: CountOptions): Promise<Model> {
  return count(readFiles(paths), options);
}

export function countBytes(bytes: Uint8Array, options: CountOptions): Promise<Model> {
  return count(readBytes(bytes), options);
}

/** What tells one entry from another; `direction` is open to more than entries have. */
export interface EntryKey extends Pick<Entry, 'eni' | 'windowStart' | 'src' | 'dst' | 'sport' | 'dport' | 'protocol'> {
  readonly direction: string;
}

export function keyOf({ eni, direction, windowStart, src, dst, sport, dport, protocol }: EntryKey): string {
  return [eni, direction, windowStart, src, dst, sport, dport, protocol].join(' ');
}

export function groupBy(entries: readonly Entry[], keyOfEntry: (entry: Entry) => string): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const key = keyOfEntry(entry);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  return groups;
}

async function count(records: AsyncIterable<CaptureRecord>, options: CountOptions): Promise<Model> {
  const counter = new Counter(options);
  for await (const record of records) counter.take(record);
  return counter.finish();
}

/** A packet that waits until the capture's head has shown what it shows. */
interface Waiting {
  readonly kind: 'packet';
  readonly record: PacketRecord;
  readonly seen: Seen | undefined;
}

class Counter {
  readonly #options: CountOptions;
  readonly #enis: Enis;
  readonly #shown = new Shown();
  readonly #directions: Directions;
  readonly #fragments = new Fragments();
  readonly #windows: Windows;
  readonly #drops: Drops;
  readonly #flows = new Map<string, Flow>();
  readonly #packets: Tally = { seen: 0, logged: 0, excluded: new Map() };
  readonly #bytes: Tally = { seen: 0, logged: 0, excluded: new Map() };
  #waiting: (Waiting | DropRecord)[] | undefined = [];
  #order = 0;
  #peakFlows = 0;
  /** When idle flows were forgotten last. */
  #sweptSec = -Infinity;
  #incomplete: string | undefined;
  #refused = false;
  /** An interface was declared whose packets can be read. */
  #readable = false;

  constructor(options: CountOptions) {
    this.#options = options;
    this.#enis = new Enis(options.eni, options.networkFile);
    this.#directions = new Directions(this.#enis, options.local, this.#shown);
    this.#windows = new Windows(options, this.#enis);
    this.#drops = new Drops(this.#windows, this.#enis);
  }

  take(record: CaptureRecord): void {
    switch (record.kind) {
      case 'interface':
        this.#enis.declare(record.number, record.name);
        this.#readable ||= linkSupported(record.linkType);
        return;
      case 'drops':
        this.#follow(record);
        return;
      case 'end':
        this.#incomplete = record.complete ? undefined : record.reason;
        this.#refused = record.refused;
        return;
      case 'packet':
        this.#takePacket(record);
    }
  }

  finish(): Model {
    this.#decideShown();
    this.#windows.finish();
    const { written } = this.#windows;
    const ordered = written.filter((one) => one.status === 'OK');
    const gaps = written.filter((one) => one.status !== 'OK');
    // A capture of which nothing can be read is refused, with whatever link type its packets have.
    if (!this.#readable && this.#packets.seen > 0) {
      this.#refused = true;
      this.#incomplete = 'its packets have a link type that is not read';
    }
    return {
      written,
      ordered,
      entries: groupBy(ordered, keyOf),
      nodata: gaps.filter(({ status }) => status === 'NODATA'),
      skipdata: gaps.filter(({ status }) => status === 'SKIPDATA'),
      packets: this.#packets,
      bytes: this.#bytes,
      peakFlows: this.#peakFlows,
      incomplete: this.#incomplete,
      refused: this.#refused,
    };
  }

  #takePacket(record: PacketRecord): void {
    const decoded = decode(record, this.#options.decapsulate);
    const ip = decoded.ip === undefined ? undefined : this.#fragments.join(decoded.ip, record);
    const reason = ip === undefined ? decoded.reason : groupReason(ip.dst);
    const bytes = ip?.bytes ?? record.wireLength;
    this.#packets.seen += 1;
    this.#bytes.seen += bytes;
    if (reason !== undefined) this.#exclude(reason, bytes);
    // The bytes themselves are let go of here: what waits is as small as what is counted.
    const kept = { ...record, data: EMPTY };
    const seen = ip === undefined || reason !== undefined ? undefined : { record: kept, decoded, ip };
    if (this.#waiting !== undefined && seen !== undefined) this.#shown.add(seen);
    this.#follow({ kind: 'packet', record: kept, seen });
    if (this.#packets.seen === HEAD_RECORDS) this.#decideShown();
  }

  #decideShown(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const one of waiting) this.#follow(one);
  }

  /** Packets and drops count in the order in which the capture has them. */
  #follow(one: Waiting | DropRecord): void {
    if (this.#waiting !== undefined) this.#waiting.push(one);
    else if (one.kind === 'packet') this.#place(one);
    else this.#windows.skip(this.#drops.gapsOf(one));
  }

  #place({ record, seen }: Waiting): void {
    if (!record.untimed) this.#pass(record.sec);
    if (seen === undefined) return;
    const { ip } = seen;
    const point = this.#directions.pointOf(seen);
    const observations = this.#directions.observe(seen, point);
    if (observations.length === 0) this.#exclude('not_local', ip.bytes);
    else {
      this.#packets.logged += 1;
      this.#bytes.logged += ip.bytes;
    }
    this.#order += 1;
    const { sec, untimed } = record;
    const { flow, from } = this.#flowOf(ip, record, point, observations);
    // A joined later fragment is TCP without a TCP header.
    const flags = ip.fragment?.role === 'later' ? undefined : ip.flags;
    flow.apply({ from, sec, nowSec: this.#windows.watermark ?? sec, untimed, flags });
    this.#windows.place({ flow, from, sec, bytes: ip.bytes, flags, order: this.#order });
    this.#peakFlows = Math.max(this.#peakFlows, this.#flows.size + this.#windows.burden);
  }

  #pass(sec: number): void {
    this.#windows.raise(sec);
    if (sec - this.#sweptSec <= IDLE_SECONDS) return;
    this.#sweptSec = sec;
    for (const [key, flow] of this.#flows) {
      // The next packet would find it idle, and as good as new.
      if (flow.windows === 0 && !flow.isUntimed && flow.isIdleAt(sec)) this.#flows.delete(key);
    }
  }

  #flowOf(
    ip: IpPacket,
    record: PacketRecord,
    point: Point,
    observations: readonly Observation[],
  ): { flow: Flow; from: End } {
    const src = `${ip.src} ${ip.sport}`;
    const dst = `${ip.dst} ${ip.dport}`;
    const from: End = src <= dst ? 'a' : 'b';
    const endOf = (side: Side | undefined): End | undefined =>
      side === undefined ? undefined : (side === 'src') === (from === 'a') ? 'a' : 'b';
    const enis = from === 'a' ? [point.enis.src, point.enis.dst] : [point.enis.dst, point.enis.src];
    const ends = from === 'a' ? [src, dst] : [dst, src];
    const seenAt = [record.interfaceNumber, point.vni, point.rule, endOf(point.side), ...enis];
    const key = [...seenAt, ...ends, ip.protocol].join(' ');
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      const [a, b] = from === 'a' ? [ip.src, ip.dst] : [ip.dst, ip.src];
      const [portA, portB] = from === 'a' ? [ip.sport, ip.dport] : [ip.dport, ip.sport];
      flow = new Flow({
        places: observations.map(({ eni, rule, local }) => ({ eni, rule, local: endOf(local) })),
        version: ip.version,
        protocol: ip.protocol,
        addresses: { a, b },
        ports: { a: portA, b: portB },
      });
      this.#flows.set(key, flow);
    }
    return { flow, from };
  }

  #exclude(reason: Reason, bytes: number): void {
    this.#packets.excluded.set(reason, (this.#packets.excluded.get(reason) ?? 0) + 1);
    this.#bytes.excluded.set(reason, (this.#bytes.excluded.get(reason) ?? 0) + bytes);
  }
}

const EMPTY = new Uint8Array(0);

function groupReason(address: string): Reason | undefined {
  if (address === LIMITED_BROADCAST) return 'broadcast';
  return MULTICAST.has(address) ? 'multicast' : undefined;
}
