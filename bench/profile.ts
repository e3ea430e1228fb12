// Where Windrow's time goes: a profile of a workload, with one worker and with two, the output thrown away.
import { provideCapture, warm } from './capture.ts';
import type { Say } from './capture.ts';
import { countRun, requirePerf, sampleRun } from './perf.ts';
import type { Counters } from './perf.ts';
import { itemsOf } from './profile_items.ts';
import type { Item } from './profile_items.ts';
import { freshFolder, inShort, removeFolder } from './rounds.ts';
import { windrowRow } from './windrow.ts';
import type { Workload } from './workloads.ts';

const WORKERS = [1, 2] as const;

export interface WorkersProfile {
  readonly workers: number;
  readonly command: string;
  /** The largest is first. */
  readonly items: readonly Item[];
  readonly counters: Counters;
}

export interface WorkloadProfile {
  readonly name: string;
  readonly title: string;
  readonly packets: number;
  readonly workers: readonly WorkersProfile[];
}

/** Throws where perf is missing, or may not look. */
export function profileWorkload(workload: Workload, cacheFolder: string, say: Say): WorkloadProfile {
  requirePerf();
  const capture = provideCapture(cacheFolder, workload.recipe, say);
  warm(capture);
  const profileWorkers = (workers: 1 | 2): WorkersProfile => {
    say(`${workload.name}: ${workers === 1 ? 'one worker' : 'two workers'} under perf`);
    const out = freshFolder(cacheFolder);
    const command = windrowRow(workers, false).command({ workload, capture, out, port: 0 });
    // Counted in a run of its own, which sampling does not disturb; it is also the one that warms up.
    const counters = countRun(command);
    const items = itemsOf(sampleRun(command, out));
    return { workers, command: inShort(command, capture, out), items, counters };
  };
  const workers = WORKERS.map(profileWorkers);
  removeFolder(cacheFolder);
  return { name: workload.name, title: workload.title, packets: capture.packets, workers };
}
