// The second count of a capture: packets to flows to entries, one obvious step after the other.
import { MULTICAST } from './address.ts';
import { readBytes, readFiles } from './containers.ts';
import { type Observation, type Seen, type Side, Directions, Shown } from './direction.ts';
import { Enis } from './enis.ts';
import { linkSupported } from './links.ts';
import { type End, Flow } from './flow.ts';
import { Fragments } from './fragments.ts';
import type { Reason } from './frame.ts';
import type { CountOptions } from './options.ts';
import { type IpPacket, decode } from './packet.ts';
import type { CaptureRecord, DropRecord, PacketRecord } from './records.ts';
import { type Entry, type Gap, Windows, gapsBetween } from './windows.ts';

/** All entries of one key and window, summed. */
export interface ModelEntry {
  readonly first: Entry;
  packets: number;
  bytes: number;
  flags: number;
  start: number;
  /** How many entries there are: regular and supplementary. */
  parts: number;
}

export interface Tally {
  seen: number;
  logged: number;
  readonly excluded: Map<Reason, number>;
}

export interface Model {
  readonly entries: Map<string, ModelEntry>;
  /** In closing order of the windows, and within each in the order of first packets. */
  readonly ordered: Entry[];
  readonly nodata: Gap[];
  readonly skipdata: Gap[];
  readonly packets: Tally;
  readonly bytes: Tally;
  readonly flows: number;
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

async function count(records: AsyncIterable<CaptureRecord>, options: CountOptions): Promise<Model> {
  const counter = new Counter(options);
  for await (const record of records) counter.take(record);
  return counter.finish();
}

/** A packet that waits until the capture's head has shown what it shows. */
interface Waiting {
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
  readonly #flows = new Map<string, Flow>();
  readonly #drops: DropRecord[] = [];
  readonly #packets: Tally = { seen: 0, logged: 0, excluded: new Map() };
  readonly #bytes: Tally = { seen: 0, logged: 0, excluded: new Map() };
  #waiting: Waiting[] | undefined = [];
  #order = 0;
  #incomplete: string | undefined;
  #refused = false;
  /** An interface was declared whose packets can be read. */
  #readable = false;

  constructor(options: CountOptions) {
    this.#options = options;
    this.#enis = new Enis(options.eni);
    this.#directions = new Directions(this.#enis, options.local, this.#shown);
    this.#windows = new Windows(options);
  }

  take(record: CaptureRecord): void {
    switch (record.kind) {
      case 'interface':
        this.#enis.declare(record.number, record.name);
        this.#readable ||= linkSupported(record.linkType);
        return;
      case 'drops':
        this.#drops.push(record);
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
    this.#windows.finish(this.#enis.all());
    const ordered = this.#windows.entries;
    // A capture of which nothing can be read is refused, with whatever link type its packets have.
    if (!this.#readable && this.#packets.seen > 0) {
      this.#refused = true;
      this.#incomplete = 'its packets have a link type that is not read';
    }
    return {
      entries: sumByKey(ordered),
      ordered,
      nodata: this.#windows.nodata,
      skipdata: this.#skipdata(),
      packets: this.#packets,
      bytes: this.#bytes,
      flows: this.#flows.size,
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
    if (this.#waiting === undefined) {
      this.#place({ record: kept, seen });
      return;
    }
    if (seen !== undefined) this.#shown.add(seen);
    this.#waiting.push({ record: kept, seen });
    if (this.#waiting.length === HEAD_RECORDS) this.#decideShown();
  }

  #decideShown(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const one of waiting) this.#place(one);
  }

  #place({ record, seen }: Waiting): void {
    if (!record.untimed) this.#windows.raise(record.sec);
    if (seen === undefined) return;
    const { ip } = seen;
    const observations = this.#directions.observe(seen);
    if (observations.length === 0) {
      this.#exclude('not_local', ip.bytes);
      return;
    }
    this.#packets.logged += 1;
    this.#bytes.logged += ip.bytes;
    this.#order += 1;
    for (const observation of observations) {
      const { flow, from } = this.#flowOf(ip, record, observation);
      // A joined later fragment is TCP without a TCP header.
      const flags = ip.fragment?.role === 'later' ? undefined : ip.flags;
      flow.apply(from, record.sec, flags);
      this.#windows.place({ flow, from, sec: record.sec, bytes: ip.bytes, flags, order: this.#order });
    }
  }

  #flowOf(ip: IpPacket, record: PacketRecord, { eni, rule, local, ofPacket }: Observation): { flow: Flow; from: End } {
    const src = `${ip.src} ${ip.sport}`;
    const dst = `${ip.dst} ${ip.dport}`;
    const from: End = src <= dst ? 'a' : 'b';
    const endOf = (side: Side | undefined): End | undefined =>
      side === undefined ? undefined : (side === 'src') === (from === 'a') ? 'a' : 'b';
    const seenAt = ofPacket ? endOf(local) : '-';
    const ends = from === 'a' ? `${src} ${dst}` : `${dst} ${src}`;
    const key = `${record.interfaceNumber} ${eni} ${seenAt} ${ends} ${ip.protocol}`;
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      const [a, b] = from === 'a' ? [ip.src, ip.dst] : [ip.dst, ip.src];
      const [portA, portB] = from === 'a' ? [ip.sport, ip.dport] : [ip.dport, ip.sport];
      flow = new Flow({
        eni,
        rule,
        local: endOf(local),
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

  /** What was dropped at an interface may have been any of its ENIs' packets. */
  #skipdata(): Gap[] {
    const covered = new Map<number, { first: number; last: number }>();
    return this.#drops.flatMap(({ fromSec, toSec, interfaceNumber }) => {
      const enis = this.#enis.known ? this.#enis.all() : [this.#enis.ofInterface(interfaceNumber)];
      const last = this.#windows.idOf(toSec);
      let first = this.#windows.idOf(fromSec);
      // Windows that the interface's run of reports covers already are not told again.
      const run = covered.get(interfaceNumber);
      if (run !== undefined && first <= run.last && last >= run.first) {
        first = run.last + 1;
        run.last = Math.max(run.last, last);
      } else covered.set(interfaceNumber, { first, last });
      if (first > last) return [];
      const gaps = gapsBetween(first, last);
      return enis.flatMap((eni) =>
        gaps.map(([first, last]) => ({
          eni,
          start: this.#windows.startOf(first),
          end: this.#windows.startOf(last + 1),
        })),
      );
    });
  }
}

const EMPTY = new Uint8Array(0);

function groupReason(address: string): Reason | undefined {
  if (address === LIMITED_BROADCAST) return 'broadcast';
  return MULTICAST.has(address) ? 'multicast' : undefined;
}

function sumByKey(entries: readonly Entry[]): Map<string, ModelEntry> {
  const sums = new Map<string, ModelEntry>();
  for (const entry of entries) {
    const key = keyOf(entry);
    const sum = sums.get(key);
    if (sum === undefined) {
      sums.set(key, { first: entry, ...pick(entry), parts: 1 });
      continue;
    }
    sum.packets += entry.packets;
    sum.bytes += entry.bytes;
    sum.flags |= entry.flags;
    sum.start = Math.min(sum.start, entry.start);
    sum.parts += 1;
  }
  return sums;
}

function pick({ packets, bytes, flags, start }: Entry): Pick<ModelEntry, 'packets' | 'bytes' | 'flags' | 'start'> {
  return { packets, bytes, flags, start };
}
