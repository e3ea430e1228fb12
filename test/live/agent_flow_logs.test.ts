// Flow logs that are created, stopped, started and deleted while an agent captures: each has its windows, and none loses any.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { Workplace, windrow } from '../app/program.ts';
import { Running } from '../app/running.ts';
import { Veth, testWithNetwork } from './network.ts';
import { entriesOfTree, frames, isOk, isSkipped, packetsOf, windowsOf } from './program.ts';
import type { Entry } from './program.ts';

const workplace = new Workplace();
const MINUTE = 60;
/** Into a minute: what is changed then is changed before it ends, on a slow machine as well. */
const CHANGE_FROM = 5;
const CHANGE_UNTIL = 40;
const COMMON = ['--lateness', '1', '--metrics', '127.0.0.1:0', '--log', 'text', '--rotate-seconds', '1'];

const OF_VPC = ['--resource-type', 'VPC', '--resource-id', 'vpc-1'];

const minuteOf = (second: number): number => Math.floor(second / MINUTE);
const minuteNow = (): number => minuteOf(Date.now() / 1000);

/** The minute is waited for, up to its first second in which changes are made. */
async function reach(minute: number, second = CHANGE_FROM): Promise<void> {
  const left = (minute * MINUTE + second) * 1000 - Date.now();
  if (left > 0) await delay(left);
}

testWithNetwork('flow logs change while an agent captures, and no window and no packet is missing', async () => {
  const veth = Veth.make();
  const eni = `eni-${veth.here}`;
  const [root, file] = [workplace.at('tree'), workplace.at('flow-logs.json')];
  const flowlog = async (...args: string[]): Promise<void> => {
    const done = await windrow(['flowlog', ...args, '--state', file]);
    expect(done.code, done.stderr).toBe(0);
  };
  const create = (name: string): Promise<void> => {
    const resource = ['--resource-type', 'NetworkInterface', '--resource-id', eni];
    const rest = ['--aggregation-interval', '1', '--project', 'p', '--logstore', name];
    return flowlog('create', '--name', name, ...resource, ...rest);
  };
  await create('first');
  if ((Date.now() / 1000) % MINUTE > CHANGE_UNTIL) await reach(minuteNow() + 1);

  const state = workplace.at('state');
  const args = ['agent', '--interface', veth.here, '--out', root, '--state', state, '--flow-logs', file, ...COMMON];
  const agent = Running.start(args);
  await agent.until(/1 flow log, active: first/);
  await agent.until(new RegExp(`captures at ${veth.here}`));
  const begun = minuteNow();
  const sent = new Map<number, number>();
  let isOver = false;
  const sending = (async () => {
    for (let port = 2000; !isOver; port++) {
      const minute = minuteNow();
      await veth.send(frames(1, port), 20);
      // What was sent across a minute's end is of either.
      if (minute === minuteNow()) sent.set(minute, (sent.get(minute) ?? 0) + 20);
      await delay(100);
    }
  })();

  await create('second');
  await flowlog('stop', 'first');
  await agent.until(/2 flow logs, active: second/);
  expect(minuteNow()).toBe(begun);

  await reach(begun + 1);
  await flowlog('start', 'first');
  await flowlog('delete', 'second');
  await agent.until(/1 flow log, active: first[^]*1 flow log, active: first/);
  expect(minuteNow()).toBe(begun + 1);

  await reach(begun + 2);
  isOver = true;
  await sending;
  const seen = [...sent.values()].reduce((sum, packets) => sum + packets, 0);
  await expect
    .poll(() => agent.metric(`windrow_interface_packets_total{interface="${veth.here}"}`), { timeout: 20_000 })
    .toBeGreaterThanOrEqual(seen);
  const ended = await agent.end('SIGTERM');
  expect(ended.code, ended.stderr).toBe(0);

  const of = (logstore: string): Entry[] => entriesOfTree(path.join(root, 'p', logstore));
  const [first, second] = [of('first'), of('second')];
  const minutesOf = (entries: readonly Entry[]): number[] =>
    [...new Set(entries.map(({ start }) => minuteOf(Number(start))))].sort((a, b) => a - b);
  expect(minutesOf(first)).toEqual([begun, begun + 2]);
  expect(minutesOf(second)).toEqual([begun + 1]);
  // Together they have each minute, and each packet once.
  expect(windowsOf([...first, ...second], eni, MINUTE)).toEqual([begun, begun + 1, begun + 2]);
  const packetsIn = (minute: number): number =>
    packetsOf([...first, ...second].filter(({ start }) => minuteOf(Number(start)) === minute));
  for (const [minute, packets] of sent) expect(packetsIn(minute), `${minute}`).toBeGreaterThanOrEqual(packets);
  const [, logged] = /= ([0-9,]+) logged/.exec(ended.stderr)!;
  expect(packetsOf([...first, ...second])).toBe(Number(logged.replaceAll(',', '')));
  // A flow log that is stopped has its last window whole, and one that is started its first.
  expect(second.filter(isSkipped)).toEqual([]);
  expect(second.every(isOk)).toBe(true);
  const skipped = first.filter(isSkipped).map(({ start }) => minuteOf(Number(start)));
  expect(new Set(skipped)).toEqual(new Set([begun, begun + 2]));
});

testWithNetwork('an agent says what is wrong with its flow logs, and goes on with those that it had', async () => {
  const veth = Veth.make();
  const [file, output] = [workplace.at('wrong.json'), workplace.at('wrong.ndjson')];
  await windrow(['flowlog', 'create', '--name', 'a', ...OF_VPC, '--state', file]);
  const agent = Running.start(['agent', '--interface', veth.here, '--output', output, '--flow-logs', file, ...COMMON]);
  await agent.until(/1 flow log, active: a/);
  await agent.until(/captures at/);
  workplace.file('{', 'wrong.json');
  await agent.until(/wrong\.json: expected JSON, found something else.*; flow logs stay as they were/);
  fs.rmSync(file);
  await agent.until(/wrong\.json: expected flow logs, found no file; flow logs stay as they were/);
  const ended = await agent.end('SIGTERM');
  expect(ended.code, ended.stderr).toBe(0);
});

testWithNetwork(
  'an agent keeps the flow logs that its configuration declares, and changes them at a hangup',
  async () => {
    const veth = Veth.make();
    const state = workplace.at('declared');
    const file = path.join(state, 'flow-logs.json');
    const configuration = (...flowLogs: readonly string[]): string =>
      workplace.file(
        `interfaces: [${veth.here}]\nstate: ${state}\nout: ${workplace.at('declared-out')}\nmetrics: 127.0.0.1:0\nlog: text\nflow-logs:${flowLogs.map((one) => `\n  - ${one}`).join('') || ' []'}\n`,
        'windrow.yaml',
      );
    const one = '{name: one, resource-type: VPC, resource-id: vpc-1}';
    const agent = Running.start(['agent', '--config', configuration(one)]);
    await agent.until(/1 flow log, active: one/);
    await agent.until(/captures at/);
    const flowlog = (...args: string[]) => windrow(['flowlog', ...args, '--state', file]);
    const refused = await flowlog('delete', 'one');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/one is declared in the configuration of an agent: change it there/);
    expect((await flowlog('create', '--name', 'by hand', ...OF_VPC)).code).toBe(0);
    await agent.until(/2 flow logs, active: one, by hand/);
    configuration(one.replace('one', 'two'));
    agent.child.kill('SIGHUP');
    await agent.until(/2 flow logs, active: by hand, two/);
    expect(agent.said).not.toMatch(/cannot change while it runs/);
    configuration('{name: one, resource-type: VPC}');
    agent.child.kill('SIGHUP');
    await agent.until(/flow-logs\[0\]: expected a mapping of .*found one without a resource-id/);
    await agent.until(/the configuration stays as it was/);
    configuration();
    agent.child.kill('SIGHUP');
    await agent.until(/1 flow log, active: by hand/);
    const listed = await flowlog('list', '--json');
    expect(JSON.parse(listed.stdout)).toMatchObject([{ name: 'by hand' }]);
    const ended = await agent.end('SIGTERM');
    expect(ended.code, ended.stderr).toBe(0);
  },
);
