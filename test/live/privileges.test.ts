// What `windrow agent` may do, as which user, whom it tells how it is, and that it does not live on with half of its threads.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect } from 'vitest';
import { Workplace, windrow } from '../app/program.ts';
import { Running } from '../app/running.ts';
import { isRoot, testWhere } from '../needs.ts';
import { Veth, testWithNetwork } from './network.ts';
import { entriesOfTree, frames, packetsOf } from './program.ts';
import { ServiceSocket } from './service_socket.ts';

const workplace = new Workplace();
const COMMON = ['--window', '2', '--lateness', '0', '--metrics', '127.0.0.1:0', '--log', 'text'];
const WAIT = { timeout: 20_000, interval: 50 };
const NOBODY = 65_534;
/** A mask of capabilities with CAP_NET_RAW alone, as /proc says it. */
const NET_RAW = '0000000000002000';
const CONFINED = {
  CapInh: NET_RAW,
  CapPrm: NET_RAW,
  CapEff: NET_RAW,
  CapBnd: NET_RAW,
  CapAmb: NET_RAW,
  NoNewPrivs: '1',
};

const testAsRoot = testWhere(isRoot, 'only root may become another user');

beforeAll(() => fs.chmodSync(workplace.directory, 0o755));

/** A folder that `nobody` may write. */
function folderOfNobody(name: string): string {
  const folder = workplace.at(name);
  fs.mkdirSync(folder);
  fs.chownSync(folder, NOBODY, NOBODY);
  return folder;
}

function threadsOf({ child }: Running): string[] {
  return fs.readdirSync(`/proc/${child.pid}/task`).map((thread) => `/proc/${child.pid}/task/${thread}`);
}

/** What /proc says of each thread; all have to say the same. */
function rightsOf(agent: Running, keys: readonly string[]): Record<string, string> {
  const threads = threadsOf(agent).map((thread) => {
    const status = fs.readFileSync(`${thread}/status`, 'utf8');
    return Object.fromEntries(keys.map((key) => [key, new RegExp(`^${key}:\\s*(\\S+)`, 'm').exec(status)![1]]));
  });
  // Those of Node as well as the workers'.
  expect(threads.length).toBeGreaterThan(8);
  for (const thread of threads) expect(thread).toEqual(threads[0]);
  return threads[0];
}

describe('an agent', () => {
  testWithNetwork('that root starts has CAP_NET_RAW and nothing else, in all of its threads', async () => {
    const veth = Veth.make();
    const agent = Running.start(['agent', '--interface', veth.here, '--workers', '2', ...COMMON]);
    await agent.until(/captures at/);
    expect(rightsOf(agent, [...Object.keys(CONFINED), 'Uid'])).toEqual({ ...CONFINED, Uid: '0' });
    const ended = await agent.end('SIGTERM');
    expect(ended.code, ended.stderr).toBe(0);
  });

  testWithNetwork('becomes a user, and captures at interfaces that come later', async () => {
    const veth = Veth.make();
    const later = `${veth.here}x`;
    // Missing: root makes it for the user.
    const state = workplace.at('made/state');
    const root = folderOfNobody('out');
    const agent = Running.start([
      ...['agent', '--interface', `lo,${later}`, '--user', 'nobody', '--out', root, '--state', state, ...COMMON],
    ]);
    await agent.until(new RegExp(`waiting for ${later} to come`));
    expect(rightsOf(agent, [...Object.keys(CONFINED), 'Uid', 'Gid', 'Groups'])).toEqual({
      ...CONFINED,
      ...{ Uid: `${NOBODY}`, Gid: `${NOBODY}`, Groups: `${NOBODY}` },
    });
    veth.rename(later);
    await agent.until(new RegExp(`captures at ${later}`));
    await veth.send(frames(10), 10);
    await expect.poll(() => agent.metric(`windrow_interface_packets_total{interface="${later}"}`), WAIT).toBe(100);
    const ended = await agent.end('SIGTERM');
    expect(ended.code, ended.stderr).toBe(0);
    const entries = entriesOfTree(root).filter((entry) => entry['eni-id'] === `eni-${later}`);
    expect(packetsOf(entries)).toBe(100);
    expect([state, `${state}/agent.json`, root].map((name) => fs.statSync(name).uid)).toEqual([NOBODY, NOBODY, NOBODY]);
    expect(fs.statSync(workplace.at('made')).uid).toBe(0);
  });

  testAsRoot('says which user is unknown, and who cannot become another', async () => {
    const unknown = await windrow(['agent', '--interface', 'lo', '--user', 'no-such-user']);
    expect(unknown).toMatchObject({ code: 2, stderr: 'windrow: --user no-such-user: there is no such user\n' });
    const other = await windrow(['agent', '--interface', 'lo', '--user', 'daemon'], { uid: NOBODY });
    expect(other).toMatchObject({
      code: 1,
      stderr: 'windrow: --user daemon: only root becomes another user: start as root, or as daemon\n',
    });
  });

  testAsRoot('says what its user cannot write, and changes nothing there', async () => {
    const [folder, out] = [workplace.at('of-root'), folderOfNobody('of-nobody')];
    fs.mkdirSync(folder);
    const start = (...args: string[]) =>
      windrow(['agent', '--interface', 'lo', '--user', 'nobody', ...args, ...COMMON]);
    const state = await start('--out', out, '--state', folder);
    expect(state.code).toBe(1);
    expect(state.stderr).toBe(
      `windrow: --state ${folder}: ${folder} cannot be written by the user nobody: chown -R nobody ${folder}, or choose another\n`,
    );
    const tree = await start('--out', `${folder}/logs`, '--state', out);
    expect(tree.stderr).toBe(
      `windrow: --out ${folder}/logs: ${folder} cannot be written by the user nobody: make it for nobody, or choose another\n`,
    );
    const lines = await start('--output', `${folder}/lines`);
    expect(lines.stderr).toMatch(`--output ${folder}/lines: ${folder} cannot be written by the user nobody`);
    expect([fs.statSync(folder).uid, fs.readdirSync(folder)]).toEqual([0, []]);
    // It was root when it ran before.
    fs.writeFileSync(`${out}/agent.lock`, '', { mode: 0o600 });
    const lock = await start('--out', out, '--state', out);
    expect(lock.stderr).toMatch(`--state ${out}: ${out}/agent.lock cannot be written by the user nobody`);
    // Root itself has no rights over files of others.
    fs.chmodSync(out, 0o700);
    const root = await windrow(['agent', '--interface', 'lo', '--output', `${out}/lines`, ...COMMON]);
    expect(root.stderr).toMatch(/cannot be written by the user root, who has given up its rights over files of others/);
  });

  testAsRoot.each(['notify', '@windrow-test'])('tells a service manager at %s how it is', async (name) => {
    const address = name.startsWith('@') ? `${name}-${process.pid}` : workplace.at(name);
    const manager = await ServiceSocket.open(address);
    const watchdogMs = 4000;
    const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: `${watchdogMs}000` };
    const agent = Running.start(['agent', '--interface', 'lo', '--user', 'nobody', ...COMMON], env);
    await expect.poll(() => manager.texts.includes('READY=1'), WAIT).toBe(true);
    expect(agent.said).toMatch(/captures at lo/);
    await expect.poll(() => manager.texts.filter((text) => text === 'WATCHDOG=1').length, WAIT).toBeGreaterThan(3);
    const ended = await agent.end('SIGTERM');
    expect(ended.code, ended.stderr).toBe(0);
    const [ready, ...rest] = manager.texts.slice(1);
    expect(ready).toBe('READY=1');
    const alive = manager.told.filter(({ text }) => text === 'WATCHDOG=1').map(({ at }) => at);
    // Soon enough for a manager that ends what says nothing.
    expect(alive.slice(1).every((at, n) => at - alive[n] < watchdogMs)).toBe(true);
    const status = rest.filter((text) => text.startsWith('STATUS='));
    expect(status[0]).toMatch(/^STATUS=captures at 1 interface; \d+ entr(y|ies); [^;]+$/);
    expect(status.length).toBeGreaterThanOrEqual(2);
    expect(rest).toContain('STOPPING=1\nSTATUS=stopping: open windows are closed and delivered');
  });

  testAsRoot('is not said to be alive while a worker stands still', async () => {
    const manager = await ServiceSocket.open(workplace.at('still'));
    const env = { NOTIFY_SOCKET: manager.address, WATCHDOG_USEC: '1000000' };
    const agent = Running.start(
      ['agent', '--interface', 'lo', '--workers', '2', '--output', '/dev/null', ...COMMON],
      env,
    );
    await expect.poll(() => manager.texts.filter((text) => text === 'WATCHDOG=1').length, WAIT).toBeGreaterThan(2);
    const isWorker = (thread: string): boolean => POLL.test(fs.readFileSync(`${thread}/syscall`, 'utf8'));
    await expect.poll(() => threadsOf(agent).some(isWorker), WAIT).toBe(true);
    const worker = threadsOf(agent).find(isWorker)!;
    const tracer = spawn('python3', ['-c', TRACER, path.basename(worker)], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(tracer.stdout, 'data');
    const lastAlive = (): number => manager.told.findLast(({ text }) => text === 'WATCHDOG=1')!.at;
    await expect.poll(() => performance.now() - lastAlive(), WAIT).toBeGreaterThan(3000);
    // The main thread turns all the time, and says what is wrong.
    await expect
      .poll(() => agent.health(), WAIT)
      .toMatchObject({ status: 503, body: { reasons: ['a worker stands still'] } });
    const silent = lastAlive();
    tracer.stdin.end();
    await expect.poll(() => lastAlive() > silent, WAIT).toBe(true);
    await expect.poll(() => agent.health(), WAIT).toMatchObject({ status: 200 });
    expect((await agent.end('SIGTERM')).code).toBe(0);
  });

  testAsRoot('goes on where nobody listens', async () => {
    const env = { NOTIFY_SOCKET: workplace.at('nobody-there'), WATCHDOG_USEC: 'soon' };
    const agent = Running.start(['agent', '--interface', 'lo', '--output', '/dev/null', ...COMMON], env);
    await agent.until(/window until/);
    expect((await agent.end('SIGTERM')).code).toBe(0);
  });

  describe.each([
    ['throws', `throw new Error('struck by the test')`, /struck by the test/],
    ['ends', `process.exit(0)`, /it ended without a word|worker exited with code: 0/],
  ])('of which a worker %s', (how, death, why) => {
    testAsRoot.each([0, 400, 1500])('ends as well, %i ms after it has begun, and says so', async (ms) => {
      const trigger = workplace.at(`trigger-${how}-${ms}`);
      // Node loads it in every thread.
      const striking = workplace.file(striker(trigger, death), `striker-${how}-${ms}.cjs`);
      const env = { NODE_OPTIONS: `--require ${striking}` };
      const args = ['agent', '--interface', 'lo', '--workers', '2', '--output', '/dev/null', ...COMMON];
      const agent = Running.start(args, env);
      await agent.until(/metrics at/);
      await delay(ms);
      fs.writeFileSync(trigger, '');
      const ended = await agent.ended;
      expect(ended.code, ended.stderr).toBe(1);
      expect(ended.stderr).toMatch(/a worker has died, and a part of the traffic is not seen any more/);
      expect(ended.stderr).toMatch(why);
    });
  });
});

/** Strikes one of the workers down when the trigger is there: whichever takes it away. */
function striker(trigger: string, death: string): string {
  return `
const { isMainThread } = require('node:worker_threads');
const fs = require('node:fs');
const strike = () => {
  try { fs.unlinkSync(${JSON.stringify(trigger)}); } catch { return; }
  ${death};
};
if (!isMainThread) setInterval(strike, 5).unref();
`;
}

/** The system call that a worker is in which has nothing to do: poll of x86-64, ppoll of arm64. */
const POLL = /^(7|73) /;

/** Halts one thread until standard input ends (ptrace(2): PTRACE_SEIZE, PTRACE_INTERRUPT). */
const TRACER = `
import ctypes, sys
libc, thread = ctypes.CDLL(None), int(sys.argv[1])
for request in 0x4206, 0x4207:
    if libc.ptrace(request, thread, None, None) != 0: sys.exit('ptrace is refused')
print('halted', flush=True)
sys.stdin.read()
`;
