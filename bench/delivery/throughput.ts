// Entries a second: from a capture over a broker to files, and from a full topic to files.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Program } from '../../test/chaos/program.ts';
import { KafkaCluster } from '../../test/kafka/broker.ts';
import { provideCapture, warm } from '../capture.ts';
import type { Say } from '../capture.ts';
import { readCacheFolder } from '../options.ts';
import { workloads } from '../workloads.ts';

const WORKLOAD = 'uniform';
const PARTITIONS = 12;
const POLL_MS = 20;

/** Of one run, in seconds. */
export interface Pass {
  /** From the start of the replay until a sink, which was there before, has everything in files. */
  readonly endToEnd: number;
  /** The replay alone: until the brokers have acknowledged everything, while the sink reads. */
  readonly replay: number;
  /** A sink that finds a full topic, from its start to its end. */
  readonly sinkAlone: number;
}

export interface Throughput {
  readonly workload: string;
  readonly entries: number;
  /** Of the broker's log, which has what was on the wire, by entry. */
  readonly bytesPerEntry: number;
  readonly runs: readonly Pass[];
}

export async function measureThroughput(runs: number, isSmall: boolean, say: Say): Promise<Throughput> {
  const workload = workloads(isSmall).find(({ name }) => name === WORKLOAD)!;
  const cache = readCacheFolder();
  fs.mkdirSync(cache, { recursive: true });
  const capture = provideCapture(cache, workload.recipe, say);
  const passes: Pass[] = [];
  let entries = 0;
  let bytes = 0;
  for (let run = 1; run <= runs; run++) {
    // A broker of its own: what the one before left in its caches and on its disk is not this one's.
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-bench-'));
    const cluster = await KafkaCluster.start();
    try {
      warm(capture);
      const bench = new Bench(folder, cluster.brokers);
      const { pass, entries: sent } = await bench.run(capture.path, workload.windowSeconds);
      entries = sent;
      bytes = logBytes(cluster.folder);
      passes.push(pass);
      say(
        `run ${run}: end to end ${pass.endToEnd.toFixed(1)} s, replay ${pass.replay.toFixed(1)} s, sink alone ${pass.sinkAlone.toFixed(1)} s, ${entries} entries`,
      );
    } finally {
      await cluster.close();
      fs.rmSync(folder, { recursive: true });
    }
  }
  return { workload: workload.title, entries, bytesPerEntry: bytes / entries, runs: passes };
}

class Bench {
  readonly #folder: string;
  readonly #kafka: readonly string[];

  constructor(folder: string, brokers: string) {
    this.#folder = folder;
    this.#kafka = ['--kafka', brokers, '--kafka-partitions', String(PARTITIONS)];
  }

  async run(capture: string, windowSeconds: number): Promise<{ pass: Pass; entries: number }> {
    const sink = this.#start('sink', [...this.#sink('live'), '--metrics', '127.0.0.1:0', '--rotate-seconds', '1']);
    const served = sink.first(/metrics at (\S+)/);
    await sink.program.says(/has partitions/, AbortSignal.timeout(60_000));
    const begun = performance.now();
    const replay = this.#start('replay', [
      ...['replay', capture, '--window', String(windowSeconds), ...this.#kafka, '--max-flows', '1250000'],
      ...['--workers', '1'],
    ]);
    await well(replay.program);
    const replayed = performance.now();
    const entries = Number(/([\d,]+) entries in /.exec(replay.program.lastLine)![1].replaceAll(',', ''));
    const url = (await served)[1];
    while ((await writtenBy(url)) < entries) await delay(POLL_MS);
    const written = performance.now();
    sink.program.send('SIGTERM');
    await well(sink.program);
    const alone = this.#start('alone', [...this.#sink('alone'), '--metrics', 'off', '--drain', '--group', 'alone']);
    const drained = performance.now();
    await well(alone.program);
    const ended = performance.now();
    if (!alone.program.lastLine.includes(`${entries.toLocaleString('en-US')} entries`))
      throw new Error(`the sink alone: expected ${entries} entries, found: ${alone.program.lastLine}`);
    return {
      entries,
      pass: {
        endToEnd: (written - begun) / 1000,
        replay: (replayed - begun) / 1000,
        sinkAlone: (ended - drained) / 1000,
      },
    };
  }

  #sink(root: string): string[] {
    return ['sink', ...this.#kafka, '--out', path.join(this.#folder, root)];
  }

  #start(name: string, args: readonly string[]): Spoken {
    return new Spoken(Program.start(args, path.join(this.#folder, `${name}.log`)));
  }
}

/** A program, and what it said. */
class Spoken {
  readonly program: Program;

  constructor(program: Program) {
    this.program = program;
  }

  /** The first line that matches. */
  first(text: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      this.program.onLine((line) => {
        const found = text.exec(line);
        if (found) resolve(found);
      });
      void this.program.ended.then(() =>
        reject(new Error(`it ended before it said ${text}: ${this.program.lastLine}`)),
      );
    });
  }
}

async function well(program: Program): Promise<void> {
  const { code, signal } = await program.ended;
  if (code !== 0) throw new Error(`${signal ?? code}: ${program.lastLine}`);
}

async function writtenBy(url: string): Promise<number> {
  const text = await (await fetch(url)).text();
  return Number(/^windrow_sink_entries_total (\d+)/m.exec(text)?.[1] ?? 0);
}

/** Of the topic's partitions. */
function logBytes(folder: string): number {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && entry.name.endsWith('.log') && /windrow\.entries\.v1-\d+$/.test(entry.parentPath),
    )
    .reduce((sum, entry) => sum + fs.statSync(path.join(entry.parentPath, entry.name)).size, 0);
}
