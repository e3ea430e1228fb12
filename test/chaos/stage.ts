// What a chaos run plays on: a broker, sinks that are kept running, and the replays that feed them.
import fs from 'node:fs';
import path from 'node:path';
import { KafkaCluster } from '../kafka/broker.ts';
import { ENI_NAMES, WINDOW_SECONDS } from './capture.ts';
import { Feeder } from './feeder.ts';
import type { Findings } from './findings.ts';
import { Keeper } from './keeper.ts';
import { Ledger } from './ledger.ts';

/** How captures are replayed, disturbed or not. */
export const REPLAY_ARGS = ['--window', `${WINDOW_SECONDS}`, '--eni', ENI_NAMES];

export interface StageOptions {
  readonly folder: string;
  readonly parts: readonly string[];
  readonly partitions: number;
  /** Sinks have one tree together, or each its own. */
  readonly isShared: boolean;
  readonly sinks: number;
  readonly sinkArgs: readonly string[];
  readonly workers: () => number;
  readonly findings: Findings;
  readonly nodes?: 1 | 3;
}

export class Stage {
  readonly cluster: KafkaCluster;
  readonly feeder: Feeder;
  readonly sinks: readonly Keeper[];
  /** Joins for a time only. */
  readonly extra: Keeper;
  readonly roots: readonly string[];
  readonly ledger: Ledger;
  readonly findings: Findings;
  /** How often a checkpoint was prepared when something happened. */
  caught = 0;
  readonly #options: StageOptions;

  private constructor(options: StageOptions, cluster: KafkaCluster) {
    const { folder, parts, partitions, isShared, sinks, workers, findings } = options;
    this.#options = options;
    this.cluster = cluster;
    this.findings = findings;
    const toKafka = ['--kafka', cluster.brokers, '--kafka-partitions', `${partitions}`];
    this.feeder = new Feeder(
      parts,
      (part) => ['replay', part, ...REPLAY_ARGS, ...toKafka, '--workers', `${workers()}`],
      path.join(folder, 'replay.log'),
      findings,
    );
    const rootOf = (name: string): string => path.join(folder, isShared ? 'root' : `root-${name}`);
    const keeper = (name: string): Keeper => {
      const args = ['sink', ...toKafka, '--out', rootOf(name), '--metrics', 'off', ...options.sinkArgs];
      return new Keeper(`sink ${name}`, rootOf(name), args, path.join(folder, `sink-${name}.log`), findings);
    };
    this.sinks = Array.from({ length: sinks }, (_, n) => keeper(String.fromCharCode(0x61 + n)));
    this.extra = keeper('extra');
    this.roots = [...new Set([...this.sinks, this.extra].map(({ root }) => root))];
    this.ledger = new Ledger(this.roots);
  }

  /** A broker that serves; sinks and replays are to be started. What everybody writes is in the folder. */
  static async set(options: StageOptions): Promise<Stage> {
    fs.mkdirSync(options.folder, { recursive: true });
    // The broker's data is to stay with everything else.
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = options.folder;
    try {
      const replication = { 'default.replication.factor': options.nodes ?? 1 };
      return new Stage(options, await KafkaCluster.start({ nodes: options.nodes ?? 1, properties: replication }));
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
  }

  /** What everybody writes is in it. */
  get folder(): string {
    return this.#options.folder;
  }

  /** The broker is ended at once, and comes back on its data. */
  async restartBroker(how: 'kill' | 'stop' = 'kill', node = 1): Promise<void> {
    await this.cluster[how](node);
    await this.cluster.startAgain(node);
  }

  /** Signals the broker itself. */
  signalBroker(signal: 'SIGSTOP' | 'SIGCONT'): void {
    for (const pid of this.#brokerPids()) process.kill(pid, signal);
  }

  /** Ends everything at once; what was written stays. */
  async end(): Promise<void> {
    this.feeder.stop();
    await Promise.all([...this.sinks, this.extra].map((sink) => sink.end()));
    const nodes = this.#options.nodes ?? 1;
    await Promise.all(Array.from({ length: nodes }, (_, n) => this.cluster.kill(n + 1)));
  }

  /** Processes that work in the broker's folder. */
  #brokerPids(): number[] {
    const folder = fs.realpathSync(this.#options.folder);
    return fs
      .readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        try {
          return fs.readlinkSync(`/proc/${pid}/cwd`).startsWith(path.join(folder, 'windrow-kafka-'));
        } catch {
          return false; // ended meanwhile
        }
      });
  }
}
