// What was measured: medians of alternating runs, and the ratios of targets.
import type { Cost } from './run_of_tool.ts';
import type { Outcome, Tool } from './tool.ts';
import type { Workload } from './workloads.ts';

/** A tool's row in the table of a workload. */
export interface Row {
  readonly tool: string;
  readonly title: string;
  readonly writes: string;
  readonly version: string;
  /** As it was run; the capture, the folder it wrote to and the program are named in short. */
  readonly command: string;
  readonly runs: readonly Cost[];
  /** Of the capture or the head of it that this tool was given. */
  readonly packets: number;
  readonly isHead: boolean;
  readonly entries: number | null;
  /** Null where the tool does not say. */
  readonly isTotalRight: boolean | null;
  /** Medians. */
  readonly wall: number;
  readonly cpu: number;
  readonly packetsPerSecond: number;
  /** The largest of all runs. */
  readonly peakMb: number;
  /** The fastest and the slowest run, in packets per second. */
  readonly slowest: number;
  readonly fastest: number;
  /** Why there are no figures. */
  readonly failure?: string;
}

export interface WorkloadResult {
  readonly name: string;
  readonly title: string;
  readonly packets: number;
  readonly flows: number;
  readonly fileBytes: number;
  /** Else Windrow is compared with itself alone. */
  readonly withPeers: boolean;
  readonly rows: readonly Row[];
}

/** A tool that takes longer runs once. */
const SLOW_SECONDS = 60;

/** Collects the runs of one tool on one workload. */
export class RowMaker {
  readonly tool: Tool;
  #version: string;
  #packets: number;
  #isHead: boolean;
  #runs: Cost[] = [];
  #outcome: Outcome | undefined;
  #command = '';
  #failure: string | undefined;

  constructor(tool: Tool, version: string, packets: number, isHead: boolean) {
    this.tool = tool;
    this.#version = version;
    this.#packets = packets;
    this.#isHead = isHead;
  }

  /** True when another run would add something. */
  get isOpen(): boolean {
    const first = this.#runs[0];
    return this.#failure === undefined && !(first && (this.tool.isSlow || first.wall > SLOW_SECONDS));
  }

  get isRead(): boolean {
    return this.#outcome !== undefined;
  }

  ran(command: string, cost: Cost): void {
    this.#command = command;
    this.#runs.push(cost);
  }

  wrote(outcome: Outcome): void {
    this.#outcome = outcome;
  }

  failed(reason: string): void {
    this.#failure = reason;
  }

  row(): Row {
    const walls = this.#runs.map((cost) => cost.wall);
    const total = this.#outcome?.packets ?? null;
    const rate = (wall: number): number => (walls.length > 0 ? this.#packets / wall : 0);
    return {
      tool: this.tool.name,
      title: this.tool.title,
      writes: this.tool.writes,
      version: this.#version,
      command: this.#command,
      runs: this.#runs,
      packets: this.#packets,
      isHead: this.#isHead,
      entries: this.#outcome?.entries ?? null,
      isTotalRight: total === null ? null : total === this.#packets,
      wall: median(walls),
      cpu: median(this.#runs.map((cost) => cost.cpu)),
      packetsPerSecond: rate(median(walls)),
      peakMb: Math.max(0, ...this.#runs.map((cost) => cost.peakMb)),
      slowest: rate(Math.max(...walls)),
      fastest: rate(Math.min(...walls)),
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    };
  }
}

/** The rows that a workload without peers is measured with, or all. */
export function isMeasured(tool: Tool, workload: Workload): boolean {
  return workload.withPeers || tool.isScaled === true;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
