// Interfaces that come and go are followed, as the kernel has them.
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { InterfaceFollower } from '../../src/capture/follower.ts';
import { listInterfaces, readInterface } from '../../src/capture/interface.ts';
import { matcherOf } from '../../src/capture/names.ts';
import { Veth, testWithNetwork } from './network.ts';

/** Names that the other test files of the run do not have; the other ends' match no pattern of a test. */
const PREFIX = `wf${process.pid % 100_000}`;
const PEERS = `wg${process.pid % 100_000}`;
const named = (name: string): string => `${PREFIX}${name}`;

const followers: InterfaceFollower[] = [];
afterEach(() => {
  followers.splice(0).forEach((follower) => follower.stop());
  const left = listInterfaces(matcherOf([`${PREFIX}*`])).map(({ name }) => `link del ${name}`);
  if (left.length > 0) ip(...left);
});

/** Changes that are made one right after another, while nobody looks. */
function ip(...commands: readonly string[]): void {
  execFileSync('ip', ['-batch', '-'], { input: `${commands.join('\n')}\n` });
}

const add = (name: string): string => `link add ${named(name)} type veth peer name ${PEERS}${name}`;
const del = (name: string): string => `link del ${named(name)}`;
const rename = (from: string, to: string): string => `link set ${named(from)} name ${named(to)}`;

interface Followed {
  readonly follower: InterfaceFollower;
  /** What it told, without the prefix, such as `+a` and `-a`. */
  readonly events: string[];
}

function follow(...patterns: readonly string[]): Followed {
  const events: string[] = [];
  const follower = new InterfaceFollower({
    patterns: patterns.map(named),
    appeared: ({ name }) => events.push(`+${name.slice(PREFIX.length)}`),
    vanished: ({ name }) => events.push(`-${name.slice(PREFIX.length)}`),
  });
  followers.push(follower);
  follower.start();
  return { follower, events };
}

/** All that it told, once a new interface was told of as well: it has to match, and to come last by name. */
async function eventsUpTo(marker: string, events: readonly string[]): Promise<readonly string[]> {
  ip(add(marker));
  await expect.poll(() => events.at(-1), { timeout: 30_000 }).toBe(`+${marker}`);
  return events.slice(0, -1);
}

describe('a follower', () => {
  testWithNetwork('tells of what is there, of what appears, and of what vanishes, if it matches', async () => {
    ip(add('b'), add('a'), add('x'));
    const { events } = follow('a', 'b', 'c*');
    expect(events).toEqual(['+a', '+b']);
    ip(add('c1'), add('y'));
    await expect.poll(() => events).toEqual(['+a', '+b', '+c1']);
    ip(del('b'), del('x'));
    await expect.poll(() => events).toEqual(['+a', '+b', '+c1', '-b']);
    expect(await eventsUpTo('c2', events)).toEqual(['+a', '+b', '+c1', '-b']);
  });

  testWithNetwork('gives what the kernel has of an interface', async () => {
    const seen: unknown[] = [];
    const tell = (what: string) => (at: unknown) => void seen.push([what, at]);
    const options = { patterns: [named('*')], appeared: tell('appeared'), vanished: tell('vanished') };
    const follower = new InterfaceFollower(options);
    followers.push(follower);
    follower.start();
    ip(add('a'));
    const at = readInterface(named('a'))!;
    expect(at).toMatchObject({ name: named('a'), hardware: 1, linkType: 1, isUp: false });
    await expect.poll(() => seen).toEqual([['appeared', at]]);
    ip(del('a'));
    await expect.poll(() => seen.length).toBe(2);
    expect(seen[1]).toEqual(['vanished', at]);
  });

  testWithNetwork('knows which names are missing', async () => {
    ip(add('a'));
    const { follower } = follow('a', 'b', 'b', 'x*');
    expect(follower.missing).toEqual([named('b')]);
    ip(add('b'), del('a'));
    await expect.poll(() => follower.missing).toEqual([named('a')]);
    ip(add('a'));
    await expect.poll(() => follower.missing).toEqual([]);
    follower.stop();
    expect(follower.missing).toEqual([named('a'), named('b')]);
  });

  testWithNetwork('takes a new name for another interface, into a pattern, inside it and out of it', async () => {
    ip(add('out'));
    const { events } = follow('in*');
    ip(rename('out', 'in1'));
    await expect.poll(() => events).toEqual(['+in1']);
    ip(rename('in1', 'in2'));
    await expect.poll(() => events).toEqual(['+in1', '-in1', '+in2']);
    ip(rename('in2', 'out'));
    await expect.poll(() => events).toEqual(['+in1', '-in1', '+in2', '-in2']);
    ip(rename('out', 'outer'));
    expect(await eventsUpTo('in3', events)).toHaveLength(4);
  });

  testWithNetwork('takes two that changed their names with each other for new ones', async () => {
    ip(add('a'), add('b'));
    const { events } = follow('a', 'b');
    ip(rename('a', 'c'), rename('b', 'a'), rename('c', 'b'));
    await expect.poll(() => events.slice(2).sort()).toEqual(['+a', '+b', '-a', '-b']);
    expect(events.slice(2, 4).sort()).toEqual(['-a', '-b']);
  });

  testWithNetwork('takes one that was made anew under the same name for another one', async () => {
    ip(add('a'));
    const { events } = follow('a');
    for (let round = 1; round <= 10; round++) {
      ip(del('a'), add('a'));
      await expect.poll(() => events.length).toBe(1 + 2 * round);
      expect(events.slice(-2)).toEqual(['-a', '+a']);
    }
  });

  testWithNetwork(
    'has nothing to say of what goes down and up, gets an address, or is there for a moment',
    async () => {
      ip(add('a'));
      const { events } = follow('*');
      const name = named('a');
      ip(`link set ${name} up`, `link set ${name} down`, `link set ${name} mtu 1400`, `link set ${name} up`);
      ip(`addr add 192.0.2.1/32 dev ${name}`, add('b'), del('b'));
      expect(await eventsUpTo('z1', events)).toEqual(['+a']);
      ip(`link set ${name} down`);
      expect(await eventsUpTo('z2', events)).toEqual(['+a', '+z1']);
    },
  );

  testWithNetwork('tells of each interface of a burst once', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `n${String(n).padStart(2, '0')}`);
    const { events } = follow('*');
    ip(...names.map(add));
    expect(await eventsUpTo('z1', events)).toEqual(names.map((name) => `+${name}`));
    ip(...names.map(del));
    const all = await eventsUpTo('z2', events);
    expect(all.slice(21)).toEqual(names.map((name) => `-${name}`));
  });

  testWithNetwork('follows what leaves for another namespace, and comes back', async () => {
    const { namespace } = Veth.make();
    ip(add('a'));
    const { events } = follow('a');
    ip(`link set ${named('a')} netns ${namespace}`);
    await expect.poll(() => events).toEqual(['+a', '-a']);
    execFileSync('ip', ['-n', namespace, 'link', 'set', named('a'), 'netns', String(process.pid)]);
    await expect.poll(() => events).toEqual(['+a', '-a', '+a']);
  });

  testWithNetwork('misses nothing where there were more changes than its socket has room for', async () => {
    const { events } = follow('*');
    expect(drops()).toEqual([0]);
    const flaps = Array.from({ length: 1000 }, (_, n) => `link set ${named('a')} ${n % 2 ? 'down' : 'up'}`);
    ip(add('a'), ...flaps, add('b'));
    await expect.poll(() => events).toEqual(['+a', '+b']);
    expect(drops()[0]).toBeGreaterThan(0);
    ip(del('a'));
    await expect.poll(() => events).toEqual(['+a', '+b', '-a']);
    expect(await eventsUpTo('c', events)).toHaveLength(3);
  });

  testWithNetwork('takes nothing for vanished where it could not look, and looks again', async () => {
    ip(add('a'));
    const { events } = follow('*');
    const looks = vi.spyOn(fs, 'readdirSync').mockImplementationOnce(() => {
      throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
    });
    ip(add('b'));
    await expect.poll(() => events, { timeout: 10_000 }).toEqual(['+a', '+b']);
    expect(looks.mock.results[0].type).toBe('throw');
    looks.mockRestore();
  });

  testWithNetwork('looks once more when changes are over: sysfs may be behind what the kernel told', async () => {
    const { events } = follow('*');
    const looks = vi.spyOn(fs, 'readdirSync').mockReturnValueOnce([]);
    ip(add('a'));
    await expect.poll(() => events, { timeout: 10_000 }).toEqual(['+a']);
    expect(looks.mock.results[0].value).toEqual([]);
    looks.mockRestore();
  });

  testWithNetwork('may be stopped by what it calls, and started again', async () => {
    ip(add('a'), add('b'));
    const events: string[] = [];
    const follower: InterfaceFollower = new InterfaceFollower({
      patterns: [named('*')],
      appeared: ({ name }) => {
        events.push(name);
        if (events.length === 1) follower.stop();
      },
      vanished: ({ name }) => events.push(name),
    });
    followers.push(follower);
    follower.start();
    expect(events).toEqual([named('a')]);
    const other = follow('*');
    ip(add('c'));
    await expect.poll(() => other.events).toEqual(['+a', '+b', '+c']);
    expect(events).toEqual([named('a')]);
    follower.start();
    expect(events.slice(1)).toEqual(['a', 'b', 'c'].map(named));
  });

  testWithNetwork('follows other patterns from one moment to the next', async () => {
    ip(add('a'), add('b'), add('c'));
    const { follower, events } = follow('a', 'b');
    follower.follow(['b', 'c*', 'd', 'z*'].map(named));
    expect(events).toEqual(['+a', '+b', '-a', '+c']);
    expect(follower.missing).toEqual([named('d')]);
    ip(add('d'), del('a'));
    expect(await eventsUpTo('z', events)).toEqual(['+a', '+b', '-a', '+c', '+d']);
    follower.stop();
    follower.follow([named('*')]);
    expect(events).toHaveLength(6);
    follower.start();
    expect(events.slice(6).sort()).toEqual(['+b', '+c', '+d', '+z']);
  });

  testWithNetwork('hands on what is thrown by what it calls', async () => {
    const program = `
      const { InterfaceFollower } = await import(process.argv[1]);
      process.once('uncaughtException', ({ message }) => {
        console.log(message);
        process.exit(0);
      });
      const appeared = ({ name }) => { throw new Error('no room for ' + name); };
      new InterfaceFollower({ patterns: [process.argv[2]], appeared, vanished() {} }).start();
    `;
    ip(add('a'));
    expect(await runBuilt(program)).toEqual({ stdout: `no room for ${named('a')}\n`, stderr: '' });
  });
});

/** Messages that the kernel had no room for, of each netlink socket of this process (/proc/net/netlink). */
function drops(): number[] {
  const sockets = new Set(
    fs.readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // the descriptor by which they are listed
      }
    }),
  );
  const rows = fs.readFileSync('/proc/net/netlink', 'latin1').trim().split('\n').slice(1);
  const cells = rows.map((row) => row.trim().split(/\s+/));
  return cells.filter((row) => sockets.has(row[9])).map((row) => Number(row[8]));
}

/** Runs a program in a process of its own, with the built follower's address and a pattern. */
async function runBuilt(program: string): Promise<{ stdout: string; stderr: string }> {
  const built = new URL('../../dist/capture/follower.js', import.meta.url).href;
  const args = ['--input-type=module', '--eval', program, built, named('*')];
  return promisify(execFile)(process.execPath, args, { timeout: 60_000 });
}

test('a process ends by itself while interfaces are followed', async () => {
  const program = `
    const { InterfaceFollower } = await import(process.argv[1]);
    const follower = new InterfaceFollower({ patterns: ['lo'], appeared: ({ name }) => console.log(name), vanished() {} });
    follower.start();
    process.on('exit', () => console.log(follower.missing.length));
  `;
  expect(await runBuilt(program)).toEqual({ stdout: 'lo\n0\n', stderr: '' });
});

test('followers that are started and stopped leave no descriptor behind', () => {
  const count = (): number => fs.readdirSync('/proc/self/fd').length;
  const options = { patterns: ['*'], appeared: () => undefined, vanished: () => undefined };
  const follower = new InterfaceFollower(options);
  const before = count();
  for (let i = 0; i < 100; i++) {
    follower.start();
    expect(count()).toBe(before + 1);
    follower.stop();
    follower.stop();
  }
  for (let i = 0; i < 100; i++) {
    const other = new InterfaceFollower(options);
    other.start();
    other.stop();
  }
  expect(count()).toBe(before);
});
