// `windrow agent` at real interfaces: what comes out, what it says of itself, and how it starts and ends.
import fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Workplace, windrow } from '../app/program.ts';
import { Running } from '../app/running.ts';
import { isRoot } from '../needs.ts';
import { Veth, testWithNetwork } from './network.ts';
import { burst, entriesIn, entriesOfTree, frames, isSkipped, incompleteOf, packetsOf, windowsOf } from './program.ts';
import type { Burst, Entry } from './program.ts';

const workplace = new Workplace();
const WINDOW = 2;
const WAIT = { timeout: 20_000, interval: 50 };
const COMMON = ['--window', `${WINDOW}`, '--lateness', '0', '--metrics', '127.0.0.1:0', '--log', 'text'];

describe('an agent', () => {
  testWithNetwork(
    'logs all that comes, closes its windows when it is stopped, and says who did not watch',
    async () => {
      const veth = Veth.make();
      const output = workplace.at('plain.ndjson');
      const agent = Running.start(['agent', '--interface', veth.here, '--output', output, ...COMMON, '--window', '60']);
      await agent.until(new RegExp(`captures at ${veth.here}`));
      for (let turn = 0; turn < 3; turn++) {
        await veth.send(frames(50), 20);
        await delay(1000);
      }
      await expect
        .poll(() => agent.metric(`windrow_interface_packets_total{interface="${veth.here}"}`), WAIT)
        .toBe(3000);
      const ended = await agent.end('SIGTERM');
      expect(ended.code, ended.stderr).toBe(0);
      expect(ended.stderr).toMatch(/3,000 packets seen = 3,000 logged \+ 0 excluded/);
      const entries = entriesIn(fs.readFileSync(output, 'utf8'));
      const eni = `eni-${veth.here}`;
      expect(new Set(entries.map((entry) => entry['eni-id']))).toEqual(new Set([eni]));
      expect(packetsOf(entries)).toBe(3000);
      // Before it began and after it ended, in the windows that it had a part of.
      const skipped = entries.filter(isSkipped);
      const windows = new Set(entries.map(({ start }) => Math.floor(Number(start) / 60)));
      const watched = 60 * windows.size - skipped.reduce((sum, { start, end }) => sum + Number(end) - Number(start), 0);
      expect(watched).toBeGreaterThanOrEqual(2);
      expect(watched).toBeLessThanOrEqual(20);
    },
  );

  testWithNetwork('follows interfaces of a pattern as they come and go', async () => {
    const output = workplace.at('pattern.ndjson');
    const pattern = `wt${process.pid % 100_000}n*`;
    const first = Veth.make();
    const agent = Running.start(['agent', '--interface', pattern, '--output', output, ...COMMON]);
    await agent.until(new RegExp(`captures at ${first.here}`));
    const second = Veth.make();
    await agent.until(new RegExp(`captures at ${second.here}`));
    await first.send(frames(10), 10);
    await second.send(frames(20), 10);
    await delay(500);
    second.remove();
    await agent.until(new RegExp(`${second.here} is gone`));
    const goneAt = Math.floor(Date.now() / 1000);
    await first.send(frames(10), 10);
    await delay(500);
    const ended = await agent.end('SIGINT');
    expect(ended.code, ended.stderr).toBe(0);
    const entries = entriesIn(fs.readFileSync(output, 'utf8'));
    const of = (veth: Veth): Entry[] => entries.filter((entry) => entry['eni-id'] === `eni-${veth.here}`);
    expect([packetsOf(of(first)), packetsOf(of(second))]).toEqual([200, 200]);
    windowsOf(entries, `eni-${first.here}`, WINDOW);
    // What it had a part of when it vanished is said to be a part, where that was not the end of a window.
    if (goneAt % WINDOW !== 0) expect(of(second).at(-1)!['log-status']).toBe('SKIPDATA');
  });

  testWithNetwork('waits for an interface that is not there yet', async () => {
    const veth = Veth.make();
    const wanted = `${veth.here}x`;
    const output = workplace.at('waiting.ndjson');
    const agent = Running.start(['agent', '--interface', wanted, '--output', output, ...COMMON]);
    await agent.until(new RegExp(`waiting for ${wanted} to come`));
    await expect.poll(() => agent.health(), WAIT).toMatchObject({ status: 503, body: { status: 'failing' } });
    veth.rename(wanted);
    await agent.until(new RegExp(`captures at ${wanted}`));
    await veth.send(frames(5), 5);
    await expect.poll(() => agent.health(), WAIT).toMatchObject({ status: 200, body: { interfaces: [wanted] } });
    await expect.poll(() => agent.metric(`windrow_interface_packets_total{interface="${wanted}"}`), WAIT).toBe(25);
    await agent.end('SIGTERM');
    expect(packetsOf(entriesIn(fs.readFileSync(output, 'utf8')))).toBe(25);
  });

  testWithNetwork('writes a tree whose files end while it runs, one life after another', async () => {
    const veth = Veth.make();
    const root = workplace.at('tree');
    const args = [
      ...['agent', '--interface', veth.here, '--out', root, '--state', workplace.at('tree-state')],
      ...['--rotate-seconds', '1', ...COMMON],
    ];
    for (const life of [1, 2]) {
      const agent = Running.start(args);
      await agent.until(/captures at/);
      await veth.send(frames(10), 10);
      // Before it is stopped.
      await expect.poll(() => packetsOf(entriesOfTree(root)), WAIT).toBe(life * 100);
      const ended = await agent.end('SIGTERM');
      expect(ended.code, ended.stderr).toBe(0);
      expect(ended.stderr).not.toMatch(/did not end in order/);
    }
    const checked = await windrow(['sink', '--check', root]);
    expect(checked.code, checked.stdout + checked.stderr).toBe(0);
  });

  testWithNetwork('marks what it had not logged when it was killed', async () => {
    const veth = Veth.make();
    const root = workplace.at('killed');
    const args = [
      ...['agent', '--interface', veth.here, '--out', root, '--state', workplace.at('killed-state')],
      ...['--rotate-seconds', '1', ...COMMON],
    ];
    const bursts: Burst[] = [];
    const first = Running.start(args);
    await first.until(/captures at/);
    for (let n = 0; n < 10; n++) {
      bursts.push(await burst(veth, 2000 + n, 100));
      await delay(500);
    }
    await first.end('SIGKILL');
    bursts.push(await burst(veth, 3000, 100));
    await delay(4500);
    const second = Running.start(args);
    await second.until(/did not end in order: what it had not logged is marked SKIPDATA/);
    await delay(2500);
    await second.end('SIGTERM');
    const entries = entriesOfTree(root);
    windowsOf(entries, `eni-${veth.here}`, WINDOW);
    const incomplete = incompleteOf(entries, bursts, WINDOW).length;
    // What came when nobody was there, at least; not what was logged before.
    expect(incomplete).toBeGreaterThanOrEqual(1);
    expect(incomplete).toBeLessThan(10);
  });

  testWithNetwork('says what is wrong, and ends', async () => {
    const veth = Veth.make();
    const output = workplace.at('wrong.ndjson');
    const none = await windrow(['agent', '--output', output]);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringMatching(/--interface NAME,... is missing/) as string });
    const side = await windrow(['agent', '--interface', veth.here, '--side', 'left']);
    expect(side).toMatchObject({ code: 2, stderr: expect.stringMatching(/self, peer/) as string });
    const memory = await windrow(['agent', '--interface', veth.here, '--ring-memory', '0']);
    expect(memory.code).toBe(2);
    const state = workplace.at('shared-state');
    const args = ['agent', '--interface', veth.here, '--out', workplace.at('shared'), '--state', state, ...COMMON];
    const running = Running.start(args);
    await running.until(/captures at/);
    const second = await windrow(args);
    expect(second).toMatchObject({ code: 2, stderr: expect.stringMatching(/another agent is running/) as string });
    await running.end('SIGTERM');
  });

  test.skipIf(!isRoot)('may not capture without the capability, and says which', async () => {
    const ended = await windrow(['agent', '--interface', 'lo', '--metrics', 'off'], { uid: 65_534 });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/lo: cannot be captured at: it takes the capability CAP_NET_RAW/);
  });
});
