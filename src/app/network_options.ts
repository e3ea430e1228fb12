// The options of `windrow network check`.
import type { OptionSpec } from '../base/options.ts';

export const NETWORK_OPTIONS: readonly OptionSpec[] = [
  { flags: '--json', doc: 'what is in it, for machines', default: false },
  { flags: '--quiet', doc: 'say nothing where it is right', default: false },
];

export interface NetworkFlags {
  readonly json: boolean;
  readonly quiet: boolean;
}
