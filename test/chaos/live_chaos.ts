// Chaos at a live interface: the agent, the sinks and the broker are killed while packets come; then every packet is logged
// once, or the window in which it came says that something is missing.
import assert from 'node:assert/strict';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../bench/random.ts';
import { burst, entriesOfTree, incompleteOf, windowsOf } from '../live/program.ts';
import type { Burst } from '../live/program.ts';
import { Veth } from '../live/veth.ts';
import { Chance } from './disturbances.ts';
import { drain } from './ending.ts';
import { Findings } from './findings.ts';
import type { Say } from './findings.ts';
import { Keeper } from './keeper.ts';
import { Program } from './program.ts';
import { Stage } from './stage.ts';

const WINDOW = 2;
const PACKETS = 100;
const FIRST_PORT = 2000;
const MOST_BURSTS = 60_000;
/** Between two kills, in milliseconds. */
const [LEAST_PAUSE, MOST_PAUSE] = [300, 4000];
const MOST_START_MS = 60_000;
/** A window is closed within so many seconds after its end, whatever else goes on on the machine. */
const CLOSING_SECONDS = 5;

export interface LiveChaosOptions {
  readonly seed: number;
  /** Of the agent, of the sinks, and of the broker. */
  readonly kills: number;
  readonly folder: string;
  readonly say: Say;
}

export interface LiveChaosResult {
  readonly bursts: number;
  /** Of which not all packets are logged, and whose windows say so. */
  readonly incomplete: number;
  readonly findings: readonly string[];
}

/** Takes root. */
export async function liveChaos({ seed, kills, folder, say }: LiveChaosOptions): Promise<LiveChaosResult> {
  const findings = new Findings(say);
  const chance = new Chance(seededRandom(seed));
  const veth = Veth.make();
  const sinkArgs = ['--rotate-bytes', '65536', '--rotate-seconds', '1'];
  const setting = { folder, parts: [], partitions: 3, isShared: false, sinks: 2, sinkArgs, workers: () => 1, findings };
  const stage = await Stage.set(setting);
  const agent = new Keeper(
    'the agent',
    path.join(folder, 'state'),
    [
      ...[
        'agent',
        '--interface',
        veth.here,
        '--state',
        path.join(folder, 'state'),
        '--metrics',
        'off',
        '--log',
        'text',
      ],
      ...['--window', `${WINDOW}`, '--lateness', '0', '--kafka', stage.cluster.brokers, '--kafka-partitions', '3'],
    ],
    path.join(folder, 'agent.log'),
    findings,
  );
  const bursts: Burst[] = [];
  /** When it is not certain that all is logged, in seconds since the epoch. */
  const away: { readonly from: number; readonly until: number }[] = [];
  let isOver = false;
  const captures = async (): Promise<void> => {
    if (await agent.program.says(/captures at/, AbortSignal.timeout(MOST_START_MS))) return;
    findings.add('the agent does not begin to capture');
  };
  try {
    for (const sink of stage.sinks) sink.start();
    agent.start();
    await captures();
    const sending = (async (): Promise<void> => {
      while (!isOver && bursts.length < MOST_BURSTS)
        bursts.push(await burst(veth, FIRST_PORT + bursts.length, PACKETS));
    })();
    const left = { agent: kills, sink: kills, broker: kills };
    while (Object.values(left).some((count) => count > 0) && findings.all.length === 0) {
      await delay(LEAST_PAUSE + chance.below(MOST_PAUSE - LEAST_PAUSE));
      const victims = (Object.keys(left) as (keyof typeof left)[]).filter((name) => left[name] > 0);
      const victim = victims[chance.below(victims.length)];
      left[victim]--;
      say(`${victim} is killed; ${bursts.length} bursts so far`);
      if (victim === 'broker') {
        await stage.restartBroker();
      } else if (victim === 'sink') {
        stage.sinks[chance.below(2)].program.send('SIGKILL');
      } else {
        const from = Math.floor(Date.now() / 1000) - CLOSING_SECONDS;
        const next = agent.next();
        agent.program.send('SIGKILL');
        await next;
        await captures();
        away.push({ from, until: Math.ceil(Date.now() / 1000) });
      }
    }
    isOver = true;
    await sending;
    // What was sent last is read.
    await delay(1000);
    await agent.rest();
    say('draining');
    await drain(stage);
  } finally {
    isOver = true;
    await agent.end();
    await stage.end();
    veth.remove();
  }
  return judge({ stage, veth, bursts, away, findings, folder });
}

interface Ended {
  readonly stage: Stage;
  readonly veth: Veth;
  readonly bursts: readonly Burst[];
  readonly away: readonly { readonly from: number; readonly until: number }[];
  readonly findings: Findings;
  readonly folder: string;
}

async function judge({ stage, veth, bursts, away, findings, folder }: Ended): Promise<LiveChaosResult> {
  const { code } = await Program.start(['sink', '--check', ...stage.roots], path.join(folder, 'check.log')).ended;
  if (code !== 0) findings.add(`sink --check: exit code ${code}`);
  const entries = stage.roots.flatMap(entriesOfTree);
  let incomplete: readonly Burst[] = [];
  try {
    windowsOf(entries, `eni-${veth.here}`, WINDOW);
    incomplete = incompleteOf(entries, bursts, WINDOW);
    for (const { from, until } of incomplete) {
      const first = Math.floor(from / WINDOW) * WINDOW;
      const last = (Math.floor(until / WINDOW) + 1) * WINDOW;
      const isExcused = away.some((time) => time.from < last && time.until > first);
      assert(isExcused, `packets of ${from} to ${until} are missing, when the agent was there`);
    }
  } catch (error) {
    findings.add((error as Error).message);
  }
  return { bursts: bursts.length, incomplete: incomplete.length, findings: findings.all };
}
