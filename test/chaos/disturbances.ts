// What happens to a stage: each is a way to end a process, or to hold it, at a moment that may be a bad one.
import { setTimeout as delay } from 'node:timers/promises';
import type { Keeper } from './keeper.ts';
import { preparing } from './ledger.ts';
import type { Stage } from './stage.ts';

/** Nothing happens at times: then the moment is any. */
const MOST_WAIT_MS = 12_000;
/** A member that is silent has lost its partitions after this, and its transaction as well. */
const MOST_SILENCE_MS = 45_000;
/** A checkpoint that is prepared is settled within this, as a rule. */
const SETTLED_MS = 60;
/** A process that was started is at work within this. */
const BEGUN_MS = 1500;

/** Random numbers of a run, in ranges. */
export class Chance {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** An integer from 0 up to and without `end`. */
  below(end: number): number {
    return this.#random() % end;
  }

  is(percent: number): boolean {
    return this.below(100) < percent;
  }

  of<T>(things: readonly T[]): T {
    return things[this.below(things.length)];
  }
}

export interface Disturbance {
  readonly name: string;
  /** How often, compared with the others. */
  readonly weight: number;
  /** How many processes were killed, held or asked to end. */
  run(stage: Stage, chance: Chance): Promise<number>;
}

export const DISTURBANCES: readonly Disturbance[] = [
  {
    name: 'the replay is killed',
    weight: 4,
    run: async ({ feeder }, chance) => {
      if (!feeder.program) return 0;
      await delay(chance.below(BEGUN_MS));
      feeder.program?.send(chance.is(80) ? 'SIGKILL' : 'SIGTERM');
      return 1;
    },
  },
  {
    name: 'a sink is killed with a prepared checkpoint',
    weight: 6,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      await prepared(stage, sink, chance);
      sink.program.send('SIGKILL');
      return 1;
    },
  },
  {
    name: 'a sink is killed',
    weight: 2,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      await delay(chance.below(BEGUN_MS));
      sink.program.send('SIGKILL');
      return 1;
    },
  },
  {
    name: 'a sink is killed with a prepared checkpoint, and once more while it recovers',
    weight: 2,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      await prepared(stage, sink, chance);
      const next = sink.next();
      sink.program.send('SIGKILL');
      await next;
      await delay(chance.below(BEGUN_MS));
      sink.program.send('SIGKILL');
      return 2;
    },
  },
  {
    name: 'a sink is killed when it gets partitions',
    weight: 1,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      await sink.program.says(/has partitions/, AbortSignal.timeout(MOST_WAIT_MS));
      await delay(chance.below(SETTLED_MS));
      sink.program.send('SIGKILL');
      return 1;
    },
  },
  {
    name: 'all sinks are killed',
    weight: 1,
    run: async (stage, chance) => {
      await prepared(stage, chance.of(stage.sinks), chance);
      for (const sink of stage.sinks) sink.program.send('SIGKILL');
      return stage.sinks.length;
    },
  },
  {
    name: 'a sink is asked to end',
    weight: 2,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      if (chance.is(50)) await prepared(stage, sink, chance);
      const { program } = sink;
      program.send('SIGTERM');
      await program.ended;
      return 1;
    },
  },
  {
    name: 'a sink is held until the group has given it up',
    weight: 3,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      if (chance.is(80)) await prepared(stage, sink, chance);
      await hold(stage, sink, chance);
      return 1;
    },
  },
  {
    name: 'a sink is held, and another one takes its place meanwhile',
    weight: 1,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      await prepared(stage, sink, chance);
      stage.extra.start();
      await hold(stage, sink, chance);
      await delay(chance.below(BEGUN_MS));
      await stage.extra.rest();
      return 2;
    },
  },
  {
    name: 'the broker is killed',
    weight: 2,
    run: async (stage, chance) => {
      await delay(chance.below(BEGUN_MS));
      await stage.restartBroker();
      return 1;
    },
  },
  {
    name: 'the broker is killed while a checkpoint is prepared',
    weight: 2,
    run: async (stage, chance) => {
      await prepared(stage, chance.of(stage.sinks), chance);
      await stage.restartBroker();
      return 1;
    },
  },
  {
    name: 'the broker is killed while a checkpoint is prepared, and then the sink',
    weight: 2,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      await prepared(stage, sink, chance);
      const restarted = stage.restartBroker();
      await delay(chance.below(BEGUN_MS));
      sink.program.send('SIGKILL');
      await restarted;
      return 2;
    },
  },
  {
    name: 'the broker is held for some seconds',
    weight: 1,
    run: async (stage, chance) => {
      await prepared(stage, chance.of(stage.sinks), chance);
      stage.signalBroker('SIGSTOP');
      await delay(1000 + chance.below(15_000));
      stage.signalBroker('SIGCONT');
      return 1;
    },
  },
  {
    name: 'the broker is held, and sinks are killed meanwhile',
    weight: 1,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      await prepared(stage, sink, chance);
      stage.signalBroker('SIGSTOP');
      await delay(chance.below(BEGUN_MS));
      sink.program.send('SIGKILL');
      await delay(chance.below(BEGUN_MS));
      stage.signalBroker('SIGCONT');
      return 2;
    },
  },
];

/** One of those whose name has the text. */
export function anyDisturbance(chance: Chance, text: string): Disturbance {
  const some = DISTURBANCES.filter(({ name }) => name.includes(text));
  const all = some.flatMap((disturbance) => Array<Disturbance>(disturbance.weight).fill(disturbance));
  return chance.of(all);
}

/** Some moment between a sink's making a checkpoint ready and its having settled it. */
async function prepared(stage: Stage, sink: Keeper, chance: Chance): Promise<void> {
  if (await preparing(sink.root, sink.program.pid, AbortSignal.timeout(MOST_WAIT_MS))) stage.caught++;
  const ms = chance.below(SETTLED_MS);
  if (ms > 0) await delay(ms);
}

/** A sink that does not know that others have its partitions by now; its transaction may be over, too. */
async function hold(stage: Stage, sink: Keeper, chance: Chance): Promise<void> {
  const { program } = sink;
  program.send('SIGSTOP');
  const others = [...stage.sinks, stage.extra].filter((other) => other !== sink && other.isKept);
  const silence = AbortSignal.timeout(MOST_SILENCE_MS);
  if (others.length > 0) await Promise.race(others.map((other) => other.program.says(/has partitions/, silence)));
  await delay(chance.is(50) ? chance.below(BEGUN_MS) : chance.below(20_000));
  if (chance.is(25)) program.send('SIGKILL');
  program.send('SIGCONT');
}
