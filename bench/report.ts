// A measurement, and what is judged of it.
import type { WorkloadResult } from './results.ts';
import { judgeMemory, judgeTargets } from './targets.ts';
import type { MemoryResult, TargetResult } from './targets.ts';
import type { Tool } from './tool.ts';

/** All that one run of the bench measured; every table and the plot are made of this alone. */
export interface Measurement {
  readonly command: string;
  readonly date: string;
  readonly machine: string;
  /** Before the first run and after the last one. */
  readonly load: readonly [number, number];
  readonly runs: number;
  readonly workloads: readonly WorkloadResult[];
  /** Asked for, but not installed. */
  readonly missing: readonly Pick<Tool, 'name' | 'get'>[];
  /** Names of what was not asked for. */
  readonly leftOut: { readonly workloads: readonly string[]; readonly tools: readonly string[] };
}

export interface Report extends Measurement {
  readonly targets: readonly TargetResult[];
  /** Null where it was not measured. */
  readonly memory: MemoryResult | null;
}

export function judge(measurement: Measurement): Report {
  const { workloads } = measurement;
  return { ...measurement, targets: judgeTargets(workloads), memory: judgeMemory(workloads) };
}
