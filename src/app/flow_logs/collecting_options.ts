// What decides what is collected: flow logs that `windrow flowlog` keeps, instead of one that takes everything.
import { WindrowError, systemReason } from '../../base/errors.ts';
import type { OptionSpec } from '../../base/options.ts';
import type { FlowLog } from '../../flowlog/flow_log.ts';
import { windowMinutes } from '../../flowlog/flow_log_scope.ts';
import type { Surroundings } from '../../kafka/options.ts';
import { readState } from './state_format.ts';

export const FLOW_LOGS_OPTION: OptionSpec = {
  flags: '--flow-logs <file>',
  doc: 'what the flow logs that `windrow flowlog` keeps there ask for is collected, in windows as long as theirs',
};

export interface CollectingFlags {
  readonly flowLogs?: string;
  readonly window?: number;
}

/** Seconds of a window where nobody collects. */
const DEFAULT_SECONDS = 600;

/** Undefined: nobody asked for flow logs. Throws USAGE, and INPUT_REFUSED where they are not there. */
export function readFlowLogs(
  { flowLogs: path, window }: CollectingFlags,
  { readFile }: Pick<Surroundings, 'readFile'>,
): readonly FlowLog[] | undefined {
  if (path === undefined) return undefined;
  checkWindow(window);
  let text: string;
  try {
    text = readFile(path);
  } catch (cause) {
    throw new WindrowError(
      'INPUT_REFUSED',
      `${path}: expected flow logs, found none that can be read: ${systemReason(cause)}; windrow flowlog create --state ${path} makes the first`,
      { cause },
    );
  }
  return readState(path, text).flowLogs;
}

/** Throws USAGE. */
export function checkWindow(window: number | undefined): void {
  if (window === undefined) return;
  throw new WindrowError('USAGE', '--window and --flow-logs: flow logs say how long windows are; choose one');
}

/** Seconds of the shortest windows that they ask for, of which the others have several times as many. */
export function shortestSeconds(flowLogs: readonly FlowLog[]): number {
  const minutes = windowMinutes(flowLogs.filter(({ status }) => status === 'Active'));
  return minutes === undefined ? DEFAULT_SECONDS : minutes * 60;
}
