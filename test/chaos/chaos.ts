// A run of chaos: everything is killed at any moment, as often as asked; then every entry has to be there once.
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../bench/random.ts';
import type { Expected } from './contents.ts';
import { Chance, VICTIMS, anyDisturbance } from './disturbances.ts';
import type { Victim } from './disturbances.ts';
import { Findings } from './findings.ts';
import { drain, judge } from './ending.ts';
import type { Say } from './findings.ts';
import { Stage } from './stage.ts';

/** While there is something to write and nobody is disturbed, no more than this goes by without a checkpoint. */
const MOST_STALL_MS = 60_000;
const POLL_MS = 100;
/** There is no use in going on then. */
const MOST_FINDINGS = 10;

export interface ChaosOptions {
  readonly seed: number;
  /** Of each victim, at least. */
  readonly kills: number;
  /** Who is disturbed; all where it is not said. */
  readonly victims?: readonly Victim[];
  readonly folder: string;
  readonly parts: readonly string[];
  readonly expected: Expected;
  readonly say: Say;
}

export interface ChaosResult {
  readonly kills: Readonly<Record<Victim, number>>;
  /** How many of them met a prepared checkpoint. */
  readonly caught: number;
  readonly checkpoints: number;
  readonly seconds: number;
  /** What is wrong, in words. */
  readonly findings: readonly string[];
}

export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const begun = performance.now();
  const findings = new Findings(options.say);
  const chance = new Chance(seededRandom(options.seed));
  const isShared = options.seed % 2 === 0;
  const sinkArgs = sinkArgsBy(chance);
  const partitions = 3 + chance.below(10);
  options.say(
    `${isShared ? 'one root for all sinks' : 'a root for each sink'}, ${partitions} partitions, ${sinkArgs.join(' ')}`,
  );
  const { folder, parts } = options;
  const others = new Chance(seededRandom(-options.seed));
  const workers = (): number => 1 + others.below(2);
  const stage = await Stage.set({ folder, parts, partitions, isShared, sinks: 2, sinkArgs, workers, findings });
  const kills: Record<Victim, number> = { replay: 0, sink: 0, broker: 0 };
  try {
    for (const sink of stage.sinks) sink.start();
    const fed = stage.feeder.run();
    await Promise.race([disturb(stage, options, chance, kills), fed.then(() => new Promise<never>(() => undefined))]);
    stage.feeder.release(parts.length);
    await fed;
    options.say('draining');
    await drain(stage);
  } catch (error) {
    findings.add(error instanceof Error ? error.message : String(error));
  } finally {
    await stage.end();
  }
  options.say('comparing');
  await judge(stage, options.expected);
  const { caught, ledger } = stage;
  return {
    kills,
    caught,
    checkpoints: ledger.checkpoints,
    seconds: (performance.now() - begun) / 1000,
    findings: findings.all,
  };
}

/** Sizes of files decide how often there are checkpoints. */
function sinkArgsBy(chance: Chance): string[] {
  const compress = chance.is(30) ? ['--compress', 'gzip'] : [];
  const bytes = chance.of([1 << 16, 1 << 18, 1 << 20]);
  return ['--rotate-bytes', `${bytes}`, '--rotate-seconds', `${1 + chance.below(2)}`, ...compress];
}

/** Until each victim was killed often enough. */
async function disturb(
  stage: Stage,
  options: ChaosOptions,
  chance: Chance,
  kills: Record<Victim, number>,
): Promise<void> {
  const { parts, expected, say, victims = VICTIMS } = options;
  const { feeder, ledger } = stage;
  for (;;) {
    const lacking = victims.filter((victim) => kills[victim] < options.kills);
    if (lacking.length === 0) return;
    if (stage.findings.all.length >= MOST_FINDINGS) throw new Error(`given up after ${MOST_FINDINGS} findings`);
    const pending = (): number => sum(expected.entries.slice(0, feeder.released)) - ledger.entries();
    const done = sum(victims.map((victim) => Math.min(kills[victim], options.kills)));
    feeder.release(1 + Math.floor((done / (victims.length * options.kills)) * parts.length));
    if (pending() <= 0) feeder.release(feeder.released + 1);
    const disturbance = anyDisturbance(chance, chance.of(lacking));
    const killed = await disturbance.run(stage, chance);
    if (!killed) continue;
    for (const victim of VICTIMS) kills[victim] += killed[victim] ?? 0;
    say(
      `${inWords(kills)}, part ${feeder.done} of ${parts.length}, ${ledger.entries().toLocaleString('en-US')} entries written in ${ledger.checkpoints} checkpoints: ${disturbance.name}`,
    );
    // Now and then nobody has recovered when the next one comes.
    if (chance.is(30)) await delay(chance.below(2000));
    else await goesOn(stage, pending);
  }
}

export function inWords(kills: Readonly<Record<Victim, number>>): string {
  return VICTIMS.map((victim) => `${victim} killed ${kills[victim]} times`).join(', ');
}

/** Until something more is written, or there is nothing to write. */
async function goesOn(stage: Stage, pending: () => number): Promise<void> {
  const begun = Date.now();
  const patience = new AbortController();
  const grows = stage.ledger.grows(patience.signal);
  while (pending() > 0) {
    if (await Promise.race([grows, delay(POLL_MS).then(() => false)])) break;
    if (Date.now() - begun < MOST_STALL_MS) continue;
    stage.findings.add(`nothing was written for ${MOST_STALL_MS / 1000} s, and ${pending()} entries are to be`);
    break;
  }
  patience.abort();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
