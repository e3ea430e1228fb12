// A disk that fills below a running agent: it ends with a word, and its next life says what is missing.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { afterAll, expect } from 'vitest';
import { Workplace, windrow } from '../app/program.ts';
import { Running } from '../app/running.ts';
import { testWhere } from '../needs.ts';
import { Veth, canMakeNetworks } from './network.ts';
import { burst, entriesOfTree, frames, incompleteOf, isSkipped, packetsOf } from './program.ts';
import type { Burst } from './program.ts';

const workplace = new Workplace();
const WINDOW = 2;
const disk = workplace.at('disk');
fs.mkdirSync(disk);
const mounted = (options: string): boolean =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]).status === 0;
const isMounted = mounted('size=1m');
afterAll(() => {
  if (isMounted) spawnSync('umount', [disk]);
});
const testOnDisk = testWhere(
  isMounted && canMakeNetworks(),
  'this process may not mount a tmpfs or make network namespaces',
);

testOnDisk(
  'an agent whose disk is full ends and says so, and what it had not written is marked afterwards',
  async () => {
    const veth = Veth.make();
    const root = `${disk}/tree`;
    const args = [
      ...['agent', '--interface', veth.here, '--out', root, '--state', workplace.at('state'), '--rotate-seconds', '1'],
      ...['--window', `${WINDOW}`, '--lateness', '0', '--metrics', '127.0.0.1:0', '--log', 'text'],
    ];
    const bursts: Burst[] = [];
    let sent = 0;
    const first = Running.start(args);
    await first.until(/captures at/);
    let isOver = false;
    const ended = first.ended.then((how) => {
      isOver = true;
      return how;
    });
    for (let port = 2000; !isOver; port++) {
      bursts.push(await burst(veth, port, 10));
      await veth.send(frames(2000, 10_000), 1);
      sent += 2010;
    }
    const how = await ended;
    expect(how.code).toBe(1);
    expect(how.stderr).toMatch(/: cannot be written.*no space is left/);

    expect(mounted('remount,size=64m')).toBe(true);
    const second = Running.start(args);
    await second.until(/the life before did not end in order/);
    bursts.push(await burst(veth, 9000, 10));
    await expect.poll(() => second.metric('windrow_packets_total'), { timeout: 20_000 }).toBeGreaterThanOrEqual(10);
    expect((await second.end('SIGTERM')).code).toBe(0);
    const entries = entriesOfTree(root);
    // Each packet once, or its window says that something is missing; and something is.
    incompleteOf(entries, bursts, WINDOW);
    expect(packetsOf(entries)).toBeLessThan(sent);
    expect(entries.filter(isSkipped).length).toBeGreaterThan(0);
    expect(entries.some(({ srcport }) => srcport === '9000')).toBe(true);
    const checked = await windrow(['sink', '--check', root]);
    expect(checked.code, checked.stdout + checked.stderr).toBe(0);
  },
);
