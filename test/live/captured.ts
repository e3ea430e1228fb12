// A live source in this process, up to its entries and its books: as many workers as are asked for, all in this thread.
import { setImmediate as turn } from 'node:timers/promises';
import { readInterface } from '../../src/capture/interface.ts';
import type { PacketFilter } from '../../src/capture/packet_filter.ts';
import { ringOf } from '../../src/capture/ring.ts';
import type { Side } from '../../src/capture/ring.ts';
import { readLocality } from '../../src/cloud/locality.ts';
import { Collector } from '../../src/flow/collector.ts';
import { Exchange } from '../../src/flow/exchange.ts';
import { LiveWorker } from '../../src/flow/live_worker.ts';
import type { Accounting } from '../../src/flowlog/accounting.ts';
import { Attendance } from '../../src/flowlog/attendance.ts';
import { EniDirectory } from '../../src/flowlog/eni_directory.ts';
import { LineWriter } from '../../src/flowlog/line_writer.ts';
import { Recorder } from '../../src/flowlog/recorder.ts';
import { EveryEni } from '../../src/flowlog/subscribers.ts';
import { Text } from '../native/text.ts';

export interface CapturedEntry {
  readonly eni: string;
  readonly status: string;
  readonly start: number;
  readonly end: number;
  readonly source: string;
  readonly destination: string;
  readonly srcport: number;
  readonly dstport: number;
  readonly packets: number;
  readonly bytes: number;
  readonly direction: string;
}

export interface Captured {
  /** With traffic. */
  readonly entries: readonly CapturedEntry[];
  /** Without. */
  readonly quiet: readonly CapturedEntry[];
  readonly accounting: Accounting;
}

export interface CapturingOptions {
  readonly names: readonly string[];
  readonly workers?: number;
  readonly windowSeconds?: number;
  readonly side?: Side;
  /** Of each ring. */
  readonly bytes?: number;
  readonly filter?: PacketFilter;
}

const LATENESS_SECONDS = 2;
const MOST_FLOWS = 10_000;

let groups = process.pid % 60_000;

export class Capturing {
  readonly #exchange: Exchange;
  readonly #workers: LiveWorker[];
  readonly #collector: Collector;
  readonly #recorder: Recorder;
  readonly #attendance: Attendance;
  readonly #text = new Text();
  readonly #running: Promise<unknown>;
  #isHeld = false;
  /** When it began, in seconds since the epoch. */
  readonly begun = now();

  constructor({ names, workers = 1, windowSeconds = 60, side = 'self', bytes = 8 << 20, filter }: CapturingOptions) {
    const locality = readLocality(
      [],
      names.map((name) => `eni-${name}=${name}`),
    );
    const counting = { maxFlows: MOST_FLOWS, windowSeconds, latenessSeconds: LATENESS_SECONDS, decapsulate: false };
    this.#exchange = new Exchange({ ...counting, workers, fd: -1, isLive: true, locality: locality.native });
    this.#collector = new Collector(this.#exchange);
    this.#attendance = new Attendance(() => windowSeconds, LATENESS_SECONDS);
    const enis = new EniDirectory(this.#exchange, locality);
    const subscribers = new EveryEni(enis, { name: 'fl', project: 'p', logstore: 'l' }, windowSeconds);
    this.#recorder = new Recorder({
      ...{ exchange: this.#exchange, collector: this.#collector, enis, subscribers, windowSeconds },
      writer: new LineWriter(subscribers, this.#text),
      attendance: this.#attendance,
    });
    const task = { exchange: this.#exchange.share(), maxFlows: MOST_FLOWS };
    this.#workers = Array.from({ length: workers }, (_, worker) => new LiveWorker({ ...task, worker }));
    names.forEach((name, number) => {
      const group = workers > 1 ? groups++ : undefined;
      const at = readInterface(name)!;
      for (const worker of this.#workers) worker.add(ringOf(at, number, { bytes, side, group, filter }), name);
    });
    names.forEach((_, number) => {
      for (const worker of this.#workers) worker.activate(number);
      this.#attendance.join(number, this.begun);
    });
    this.#running = Promise.all([this.#run(), this.#recorder.recordAll()]);
  }

  /** Nobody reads the rings until `goOn`. */
  hold(): void {
    this.#isHeld = true;
  }

  goOn(): void {
    this.#isHeld = false;
  }

  /** Those that there are by now. */
  get entries(): CapturedEntry[] {
    return this.#text.lines().map((line) => entryOf(JSON.parse(line) as Record<string, string>));
  }

  /** All that came is in entries. */
  async end(): Promise<Captured> {
    this.#attendance.leaveAll(now());
    this.#exchange.finish();
    await this.#running;
    const accounting = await this.#recorder.finish([]);
    this.#collector.close();
    const all = this.entries;
    const isOk = ({ status }: CapturedEntry): boolean => status === 'OK';
    return { entries: all.filter(isOk), quiet: all.filter((entry) => !isOk(entry)), accounting };
  }

  async #run(): Promise<void> {
    const busy = new Set(this.#workers);
    while (busy.size > 0) {
      if (!this.#isHeld) for (const worker of busy) if (worker.step(false) !== 'more') busy.delete(worker);
      await turn();
    }
  }
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

function entryOf(line: Record<string, string>): CapturedEntry {
  return {
    eni: line['eni-id'],
    status: line['log-status'],
    start: Number(line['start']),
    end: Number(line['end']),
    source: line['srcaddr'],
    destination: line['dstaddr'],
    srcport: Number(line['srcport']),
    dstport: Number(line['dstport']),
    packets: Number(line['packets']),
    bytes: Number(line['bytes']),
    direction: line['direction'],
  };
}
