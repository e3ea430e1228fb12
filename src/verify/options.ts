// What a count is made with: the same choices as the replay that it is compared with.
import type { NetworkFile } from '../cloud/network_file.ts';

export interface CountOptions {
  /** Length of a window in seconds. */
  readonly windowSeconds: number;
  /** How far the watermark has to be past a window's end before it closes. */
  readonly latenessSeconds: number;
  readonly decapsulate: boolean;
  /** Address ranges that are inside. */
  readonly local: readonly string[];
  /** ID, ID=ADDRESS, ID=MAC or ID=INTERFACE, as on the command line. */
  readonly eni: readonly string[];
  /** The file of the cloud network, found right; then there are no other ENIs than its own. */
  readonly networkFile?: NetworkFile | undefined;
  /** The flows that an engine has room for: near it and above, it may have closed entries early. */
  readonly maxFlows: number;
}

export const DEFAULT_OPTIONS: CountOptions = {
  windowSeconds: 600,
  latenessSeconds: 2,
  decapsulate: false,
  local: [],
  eni: [],
  maxFlows: 1_000_000,
};
