// A long life in short: interfaces come and go all the time, and the agent stays as it was.
//
// WINDROW_SOAK_SECONDS=300 makes it longer.
import fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { Workplace } from '../app/program.ts';
import { Running } from '../app/running.ts';
import { Veth, testWithNetwork } from './network.ts';
import { burst, entriesIn, incompleteOf, windowsOf } from './program.ts';
import type { Burst } from './program.ts';

const workplace = new Workplace();
const SECONDS = Number(process.env['WINDROW_SOAK_SECONDS'] ?? 30);
const WINDOW = 2;
const AT_ONCE = 4;
/** What a heap that is collected now and then may differ by. */
const MOST_MIB = 48;
const WAIT = { timeout: 20_000, interval: 100 };

function residentMib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}

const filesOf = (pid: number): number => fs.readdirSync(`/proc/${pid}/fd`).length;

/** Of memory that is mapped: what a ring leaves behind is not resident. */
const mappingsOf = (pid: number): number =>
  fs
    .readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .filter((line) => line.includes('socket:')).length;

describe('an agent whose interfaces come and go', () => {
  testWithNetwork(
    'leaks no memory, no file and no ring, and no window is missing',
    async () => {
      const output = workplace.at('soak.ndjson');
      const pattern = `wt${process.pid % 100_000}n*`;
      const agent = Running.start([
        ...['agent', '--interface', pattern, '--ring-memory', '4', '--output', output, '--window', `${WINDOW}`],
        ...['--lateness', '0', '--metrics', '127.0.0.1:0', '--log', 'text'],
      ]);
      const pid = agent.child.pid!;
      await agent.until(/no interface is captured yet/);
      await delay(1000);
      const [files, mappings] = [filesOf(pid), mappingsOf(pid)];
      const bursts = new Map<string, Burst[]>();
      const memory: number[] = [];
      const until = Date.now() + SECONDS * 1000;
      let port = 2000;
      while (Date.now() < until) {
        const veths = Array.from({ length: AT_ONCE }, () => Veth.make());
        for (const { here } of veths) await agent.until(new RegExp(`captures at ${here}\\n`));
        for (const veth of veths) {
          const own = [await burst(veth, port++, 50), await burst(veth, port++, 50)];
          bursts.set(`eni-${veth.here}`, own);
        }
        // What came last is read before the interface is taken away.
        await delay(300);
        for (const veth of veths) veth.remove();
        for (const { here } of veths) await agent.until(new RegExp(`${here} is gone\\n`));
        memory.push(residentMib(pid));
      }
      await expect.poll(() => [filesOf(pid), mappingsOf(pid)], WAIT).toEqual([files, mappings]);
      const settled = memory.slice(Math.ceil(memory.length / 3));
      console.log(`${bursts.size} interfaces; memory ${memory.map((mib) => mib.toFixed(0)).join(' ')} MiB`);
      expect(Math.max(...settled) - Math.min(...settled)).toBeLessThan(MOST_MIB);
      const ended = await agent.end('SIGTERM');
      expect(ended.code, ended.stderr).toBe(0);
      const entries = entriesIn(fs.readFileSync(output, 'utf8'));
      for (const [eni, own] of bursts) {
        windowsOf(entries, eni, WINDOW);
        expect(
          incompleteOf(
            entries.filter((entry) => entry['eni-id'] === eni),
            own,
            WINDOW,
          ),
        ).toEqual([]);
      }
    },
    (SECONDS + 120) * 1000,
  );
});
