// The runs of one workload: the tools take turns, so that a slow minute of the machine hits all of them.
import fs from 'node:fs';
import path from 'node:path';
import { provideCapture, provideHead, warm } from './capture.ts';
import type { Capture, Say } from './capture.ts';
import { provideProgram } from './native.ts';
import { RowMaker, isMeasured } from './results.ts';
import type { WorkloadResult } from './results.ts';
import { runTool } from './run_of_tool.ts';
import type { Task } from './run_of_tool.ts';
import type { Tool } from './tool.ts';
import type { Workload } from './workloads.ts';

export interface FoundTool {
  readonly tool: Tool;
  readonly version: string;
}

export interface Rounds {
  readonly runs: number;
  readonly cacheFolder: string;
  /** Where peers that export send to. */
  readonly port: number;
  readonly say: Say;
}

export function measureWorkload(workload: Workload, found: readonly FoundTool[], rounds: Rounds): WorkloadResult {
  const { runs, cacheFolder, port, say } = rounds;
  const meter = provideProgram(cacheFolder, 'meter');
  const capture = provideCapture(cacheFolder, workload.recipe, say);
  const makers = found
    .filter(({ tool }) => isMeasured(tool, workload))
    .map(({ tool, version }) => {
      const given = tool.headPackets === undefined ? capture : provideHead(capture, tool.headPackets);
      return { given, maker: new RowMaker(tool, version, given.packets, given !== capture) };
    });
  warm(capture);
  for (let round = 0; round < runs; round++) {
    for (const { given, maker } of makers) {
      if (!maker.isOpen) continue;
      say(`${workload.name}, run ${round + 1} of ${runs}: ${maker.tool.name}`);
      runOnce(meter, maker, { workload, capture: given, out: freshFolder(cacheFolder), port }, say);
    }
  }
  removeFolder(cacheFolder);
  return {
    name: workload.name,
    title: workload.title,
    packets: capture.packets,
    flows: workload.recipe.flows,
    fileBytes: capture.fileBytes,
    withPeers: workload.withPeers,
    rows: makers.map(({ maker }) => maker.row()),
  };
}

/** An empty folder: what the last tool wrote is gone before it is written back, and nothing is left for the next. */
export function freshFolder(cacheFolder: string): string {
  removeFolder(cacheFolder);
  const folder = outFolder(cacheFolder);
  fs.mkdirSync(folder, { recursive: true });
  return folder;
}

export function removeFolder(cacheFolder: string): void {
  fs.rmSync(outFolder(cacheFolder), { recursive: true, force: true });
}

/** A command with the capture, the folder that it writes to and the program named in short. */
export function inShort(command: readonly string[], capture: Capture, out: string): string {
  return command
    .map((word) => word.replace(capture.path, 'CAPTURE').replace(out, 'OUT'))
    .map((word) => (path.isAbsolute(word) && word !== '/dev/null' ? path.basename(word) : word))
    .join(' ')
    .replace('node cli.js', 'windrow');
}

function outFolder(cacheFolder: string): string {
  return path.join(cacheFolder, 'out');
}

/** A tool that fails has a row that says why; the others go on. */
function runOnce(meter: string, maker: RowMaker, task: Task, say: Say): void {
  try {
    const command = maker.tool.command(task);
    maker.ran(inShort(command, task.capture, task.out), runTool(meter, command, task));
    if (!maker.isRead) maker.wrote(maker.tool.read(task));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(`${maker.tool.name}: ${reason}`);
    maker.failed(reason);
  }
}
