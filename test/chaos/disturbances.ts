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

/** Who is disturbed. */
export const VICTIMS = ['replay', 'sink', 'broker'] as const;

export type Victim = (typeof VICTIMS)[number];

/** How many processes of each were killed. */
export type Killed = Readonly<Partial<Record<Victim, number>>>;

export interface Disturbance {
  readonly name: string;
  readonly victim: Victim;
  /** How often, compared with the others of its victim. */
  readonly weight: number;
  /** Whom it killed, where it did not only hold or ask; undefined where nothing could happen. */
  run(stage: Stage, chance: Chance): Promise<Killed | undefined>;
}

export const DISTURBANCES: readonly Disturbance[] = [
  {
    name: 'the replay is killed',
    victim: 'replay',
    weight: 4,
    run: async ({ feeder }, chance) => {
      // Where all that was released is delivered, some of it is replayed once more.
      const program = feeder.program ?? (feeder.done > 0 ? feeder.again(chance.below(feeder.done)) : undefined);
      await delay(chance.below(BEGUN_MS));
      const signal = chance.is(80) ? 'SIGKILL' : 'SIGTERM';
      if (!program?.isRunning) return undefined;
      program.send(signal);
      return signal === 'SIGKILL' ? { replay: 1 } : {};
    },
  },
  {
    name: 'a sink is killed with a prepared checkpoint',
    victim: 'sink',
    weight: 6,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      await prepared(stage, sink, chance);
      sink.program.send('SIGKILL');
      return { sink: 1 };
    },
  },
  {
    name: 'a sink is killed',
    victim: 'sink',
    weight: 2,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      await delay(chance.below(BEGUN_MS));
      sink.program.send('SIGKILL');
      return { sink: 1 };
    },
  },
  {
    name: 'a sink is killed with a prepared checkpoint, and once more while it recovers',
    victim: 'sink',
    weight: 2,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      await prepared(stage, sink, chance);
      const next = sink.next();
      sink.program.send('SIGKILL');
      await next;
      await delay(chance.below(BEGUN_MS));
      sink.program.send('SIGKILL');
      return { sink: 2 };
    },
  },
  {
    name: 'a sink is killed when it gets partitions',
    victim: 'sink',
    weight: 1,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      await sink.program.says(/has partitions/, AbortSignal.timeout(MOST_WAIT_MS));
      await delay(chance.below(SETTLED_MS));
      sink.program.send('SIGKILL');
      return { sink: 1 };
    },
  },
  {
    name: 'all sinks are killed',
    victim: 'sink',
    weight: 1,
    run: async (stage, chance) => {
      await prepared(stage, chance.of(stage.sinks), chance);
      for (const sink of stage.sinks) sink.program.send('SIGKILL');
      return { sink: stage.sinks.length };
    },
  },
  {
    name: 'a sink is asked to end',
    victim: 'sink',
    weight: 2,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      if (chance.is(50)) await prepared(stage, sink, chance);
      const { program } = sink;
      program.send('SIGTERM');
      await program.ended;
      return {};
    },
  },
  {
    name: 'a sink is held until the group has given it up',
    victim: 'sink',
    weight: 3,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      if (chance.is(80)) await prepared(stage, sink, chance);
      return { sink: await hold(stage, sink, chance) };
    },
  },
  {
    name: 'a sink is held, and another one takes its place meanwhile',
    victim: 'sink',
    weight: 1,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      await prepared(stage, sink, chance);
      stage.extra.start();
      const killed = await hold(stage, sink, chance);
      await delay(chance.below(BEGUN_MS));
      await stage.extra.rest();
      return { sink: killed };
    },
  },
  {
    name: 'the broker is killed',
    victim: 'broker',
    weight: 2,
    run: async (stage, chance) => {
      await delay(chance.below(BEGUN_MS));
      await stage.restartBroker();
      return { broker: 1 };
    },
  },
  {
    name: 'the broker is killed while a checkpoint is prepared',
    victim: 'broker',
    weight: 2,
    run: async (stage, chance) => {
      await prepared(stage, chance.of(stage.sinks), chance);
      await stage.restartBroker();
      return { broker: 1 };
    },
  },
  {
    name: 'the broker is killed while a checkpoint is prepared, and then the sink',
    victim: 'broker',
    weight: 2,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      await prepared(stage, sink, chance);
      const restarted = stage.restartBroker();
      await delay(chance.below(BEGUN_MS));
      sink.program.send('SIGKILL');
      await restarted;
      return { broker: 1, sink: 1 };
    },
  },
  {
    name: 'the broker is held for some seconds',
    victim: 'broker',
    weight: 1,
    run: async (stage, chance) => {
      await prepared(stage, chance.of(stage.sinks), chance);
      stage.signalBroker('SIGSTOP');
      await delay(1000 + chance.below(15_000));
      stage.signalBroker('SIGCONT');
      return {};
    },
  },
  {
    name: 'the broker is held, and sinks are killed meanwhile',
    victim: 'broker',
    weight: 1,
    run: async (stage, chance) => {
      const sink = chance.of(stage.sinks);
      await prepared(stage, sink, chance);
      stage.signalBroker('SIGSTOP');
      await delay(chance.below(BEGUN_MS));
      sink.program.send('SIGKILL');
      await delay(chance.below(BEGUN_MS));
      stage.signalBroker('SIGCONT');
      return { sink: 1 };
    },
  },
];

/** One of a victim's. */
export function anyDisturbance(chance: Chance, victim: Victim): Disturbance {
  const some = DISTURBANCES.filter((disturbance) => disturbance.victim === victim);
  const all = some.flatMap((disturbance) => Array<Disturbance>(disturbance.weight).fill(disturbance));
  return chance.of(all);
}

/** Some moment between a sink's making a checkpoint ready and its having settled it. */
async function prepared(stage: Stage, sink: Keeper, chance: Chance): Promise<void> {
  if (await preparing(sink.root, sink.program.pid, AbortSignal.timeout(MOST_WAIT_MS))) stage.caught++;
  const ms = chance.below(SETTLED_MS);
  if (ms > 0) await delay(ms);
}

/** A sink that does not know that others have its partitions by now; its transaction may be over, too. Gives how many were killed. */
async function hold(stage: Stage, sink: Keeper, chance: Chance): Promise<number> {
  const { program } = sink;
  program.send('SIGSTOP');
  const others = [...stage.sinks, stage.extra].filter((other) => other !== sink && other.isKept);
  const silence = AbortSignal.timeout(MOST_SILENCE_MS);
  if (others.length > 0) await Promise.race(others.map((other) => other.program.says(/has partitions/, silence)));
  await delay(chance.is(50) ? chance.below(BEGUN_MS) : chance.below(20_000));
  const isKilled = chance.is(25);
  if (isKilled) program.send('SIGKILL');
  program.send('SIGCONT');
  return isKilled ? 1 : 0;
}
