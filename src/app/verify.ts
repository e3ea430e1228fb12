// `windrow verify`: the second count of a capture, compared with entries one by one.
import fs from 'node:fs';
import { WindrowError, systemReason } from '../base/errors.ts';
import { STDIN } from '../base/standard.ts';
import { compareFile } from '../verify/compare.ts';
import { countCapture } from '../verify/model.ts';
import type { CountOptions } from '../verify/options.ts';
import { readCounting, windowSecondsOf } from './counting_options.ts';
import { readNetworked } from './networked_options.ts';
import type { VerifyFlags } from './replay_options.ts';
import { SURROUNDINGS } from './surroundings.ts';
import { quantity } from './units.ts';

/** Prints "equal" or the differences; the result is the exit code. Throws WindrowError where either cannot be read. */
export async function verify(captures: readonly string[], entries: string, flags: VerifyFlags): Promise<number> {
  if (captures.includes(STDIN)) {
    throw new WindrowError('USAGE', 'standard input (-) cannot be verified: it can be read only once; give a file');
  }
  // The same sentence for the same mistake.
  const { network } = readNetworked(flags, readCounting(flags), SURROUNDINGS);
  const options: CountOptions = {
    windowSeconds: windowSecondsOf(flags),
    latenessSeconds: flags.lateness,
    decapsulate: flags.decapsulate,
    local: flags.local,
    eni: flags.eni,
    networkFile: network?.file,
    maxFlows: flags.maxFlows,
  };
  for (const path of [...captures, entries]) mustBeFile(path);
  const model = await countCapture(captures, options);
  if (model.refused)
    throw new WindrowError('INPUT_REFUSED', `${captures.join(', ')}: ${model.incomplete ?? 'refused'}`);
  const found = await compareFile(model, entries, options);
  if (model.incomplete !== undefined && !flags.quiet) {
    process.stderr.write(
      `windrow: ${captures.join(', ')}: it is cut off or damaged (${model.incomplete}); compared with what could be read\n`,
    );
  }
  for (const difference of found.differences) process.stdout.write(`${difference}\n`);
  if (!found.equal) {
    const more = found.differing - found.differences.length;
    if (more > 0) process.stdout.write(`... and ${quantity(more, 'more difference', 'more differences')}\n`);
    process.stdout.write(
      `different: ${quantity(found.differing, 'difference', 'differences')} in ${quantity(found.checked, 'entry', 'entries')}\n`,
    );
    return 1;
  }
  if (!flags.quiet)
    process.stdout.write(
      `equal: ${quantity(found.checked, 'entry', 'entries')}, ${quantity(model.packets.seen, 'packet', 'packets')} recounted\n`,
    );
  return 0;
}

function mustBeFile(path: string): void {
  try {
    fs.accessSync(path, fs.constants.R_OK);
    if (fs.statSync(path).isDirectory()) throw new Error('it is a directory');
  } catch (cause) {
    throw new WindrowError('INPUT_REFUSED', `${path}: cannot be read: ${systemReason(cause)}`, { cause });
  }
}
