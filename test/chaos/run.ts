// `npm run test:chaos -- [--seeds 10] [--entries 10000000] [--kills 20] [--first 1] [--only replay|sink|broker] [--keep]`: chaos, by seed after seed.
// `npm run test:chaos -- --live [--seeds 10] [--kills 20]`: the same with an agent at a live interface, as root.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { makeCapture } from './capture.ts';
import { chaos, inWords } from './chaos.ts';
import { expectedOf } from './contents.ts';
import { VICTIMS } from './disturbances.ts';
import { liveChaos } from './live_chaos.ts';
import { REPLAY_ARGS } from './stage.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10' },
    entries: { type: 'string', default: '10000000' },
    kills: { type: 'string', default: '20' },
    first: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    keep: { type: 'boolean', default: false },
    live: { type: 'boolean', default: false },
  },
});
const [seeds, entries, kills, first] = [values.seeds, values.entries, values.kills, values.first].map(wholeNumber);

function wholeNumber(text: string): number {
  if (/^[0-9]{1,10}$/.test(text)) return Number(text);
  process.stderr.write(`chaos: expected a whole number, found ${text}\n`);
  process.exit(2);
}

const victims = values.only === '' ? VICTIMS : VICTIMS.filter((victim) => victim === values.only);
if (victims.length === 0) {
  process.stderr.write(`chaos: --only ${values.only}: expected ${VICTIMS.join(', ')}\n`);
  process.exit(2);
}

const begun = performance.now();
const say = (line: string): void => {
  process.stdout.write(`${((performance.now() - begun) / 1000).toFixed(1).padStart(7)} s  ${line}\n`);
};

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-chaos-'));
say(`everything is in ${folder}`);
if (values.live) process.exit(await live());
const capture = path.join(folder, 'capture');
const parts = makeCapture(capture, { seed: first, entries, parts: Math.max(8, 3 * kills) });
say(`a capture in ${parts.length} parts`);
const expected = await expectedOf(path.join(folder, 'expected'), parts, REPLAY_ARGS);
say(`${expected.entries.reduce((a, b) => a + b, 0).toLocaleString('en-US')} entries where nothing is disturbed`);
let failed = 0;
for (let seed = first; seed < first + seeds; seed++) {
  const seedFolder = path.join(folder, `seed-${seed}`);
  const sayOfSeed = (line: string): void => say(`seed ${seed}: ${line}`);
  const result = await chaos({ seed, kills, victims, folder: seedFolder, parts, expected, say: sayOfSeed });
  const verdict = result.findings.length === 0 ? 'every entry is there once' : `${result.findings.length} findings`;
  sayOfSeed(
    `${verdict}; ${inWords(result.kills)}, ${result.caught} times at a prepared checkpoint, ${result.checkpoints} checkpoints, ${result.seconds.toFixed(0)} s`,
  );
  if (result.findings.length > 0) failed++;
  else if (!values.keep) fs.rmSync(seedFolder, { recursive: true });
}
say(`${seeds - failed} of ${seeds} seeds: every entry once, whatever was killed`);
if (failed === 0 && !values.keep) fs.rmSync(folder, { recursive: true });
else say(`what was written is kept in ${folder}`);
process.exitCode = failed === 0 ? 0 : 1;

/** The result is the exit code. */
async function live(): Promise<number> {
  let failed = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    const seedFolder = path.join(folder, `seed-${seed}`);
    const sayOfSeed = (line: string): void => say(`seed ${seed}: ${line}`);
    const { bursts, incomplete, findings } = await liveChaos({ seed, kills, folder: seedFolder, say: sayOfSeed });
    const verdict =
      findings.length === 0 ? 'nothing is missing without a word, and nothing is there twice' : findings[0];
    sayOfSeed(`${verdict}; ${bursts} bursts, of which ${incomplete} are incomplete`);
    if (findings.length > 0) failed++;
    else if (!values.keep) fs.rmSync(seedFolder, { recursive: true });
  }
  say(`${seeds - failed} of ${seeds} seeds: every packet once, or said to be missing`);
  if (failed === 0 && !values.keep) fs.rmSync(folder, { recursive: true });
  return failed === 0 ? 0 : 1;
}
