// `windrow doctor` on machines that are really broken: without rights, room, brokers, or with a network of their own.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHECKS, STATUSES } from '../../src/app/doctor/findings.ts';
import type { Finding, Status } from '../../src/app/doctor/findings.ts';
import { CLUSTER_TIMEOUT_MS, KafkaCluster } from '../kafka/broker.ts';
import { freePorts } from '../kafka/broker_ports.ts';
import { describeWithKafka } from '../kafka/needs.ts';
import { isRoot, testWhere } from '../needs.ts';
import { CLI, Workplace, ended, linesOf, windrow } from './program.ts';
import type { Ended } from './program.ts';

const workplace = new Workplace();
const DISK_BYTES = 8 << 20;
/** Of nobody. */
const UID = 65_534;

interface Told {
  readonly checks: readonly Finding[];
  readonly ok: number;
  readonly warnings: number;
  readonly failures: number;
}

/** What the program says as JSON, which is its exit code too. */
function told({ code, stdout, stderr }: Ended): Told {
  expect(stderr).toBe('');
  expect(linesOf(stdout)).toHaveLength(1);
  const said = JSON.parse(stdout) as Told;
  expect(code).toBe(said.failures > 0 ? 1 : 0);
  return said;
}

const doctor = async (...args: readonly string[]): Promise<Told> => told(await windrow(['doctor', '--json', ...args]));

function find({ checks }: Told, check: string, subject?: string): Finding | undefined {
  return checks.find((finding) => finding.check === check && finding.subject === subject);
}

/** Mounts a file system of its own for a folder. */
function mount(name: string, ...options: readonly string[]): boolean {
  fs.mkdirSync(workplace.at(name));
  return spawnSync('mount', ['-t', 'tmpfs', ...options, 'tmpfs', workplace.at(name)]).status === 0;
}

const mounted = isRoot
  ? [mount('full', '-o', `size=${DISK_BYTES}`) ? 'full' : '', mount('fixed', '-o', 'ro') ? 'fixed' : ''].filter(Boolean)
  : [];
afterAll(() => {
  for (const name of mounted) execFileSync('umount', [workplace.at(name)]);
});
const whereMounted = testWhere(mounted.length === 2, 'this process may not mount a tmpfs, to be full or read-only');

/** Runs a line of shell in a network namespace of its own, with a /sys that shows it. */
function inNamespace(line: string): Promise<Ended> {
  const script = `set -e; mount -t sysfs sysfs /sys; windrow() { "${process.execPath}" "${CLI}" "$@"; }; ${line}`;
  return ended(spawn('unshare', ['--net', '--mount', 'bash', '-c', script], { stdio: ['ignore', 'pipe', 'pipe'] }));
}

const canUnshare = spawnSync('unshare', ['--net', '--mount', 'mount', '-t', 'sysfs', 'sysfs', '/sys']).status === 0;
const hasIp = spawnSync('ip', ['-V']).status === 0;
const whereUnshared = testWhere(canUnshare && hasIp, 'no network namespace can be made here, or `ip` is missing');
const hasNft = canUnshare && spawnSync('unshare', ['--net', 'nft', 'list', 'ruleset']).status === 0;
const whereNft = testWhere(hasNft, 'nft is missing, or this kernel has no nf_tables; Debian: nftables');

describe('the doctor', () => {
  test('says one line a check, what to do below those that are not well, and counts them', async () => {
    let [before, text, said] = [await doctor(), await windrow(['doctor']), await doctor()];
    // Other tests make interfaces at the same time, and take them away.
    for (let turn = 0; turn < 20 && before.checks.length !== said.checks.length; turn++) {
      [before, text, said] = [said, await windrow(['doctor']), await doctor()];
    }
    const { code, stdout, stderr } = text;
    expect([code, stderr]).toEqual([said.failures > 0 ? 1 : 0, '']);
    const lines = linesOf(stdout);
    const last = lines.pop();
    expect(last).toMatch(/^\d+ ok, \d+ warnings?, \d+ failures?$/);
    expect(lines.filter((line) => !/^(ok {5}|warning|failure) {2}[a-z]+( .*)?: \S|^ {9}→ \S/.test(line))).toEqual([]);
    for (const status of STATUSES) {
      const count = said.checks.filter((finding) => finding.status === status).length;
      expect(
        lines.filter((line) => line.startsWith(status)),
        status,
      ).toHaveLength(count);
    }
    expect(lines.filter((line) => line.includes('→'))).toHaveLength(said.warnings + said.failures);
    expect(lines).toContain('ok       kafka brokers: skipped: --kafka HOST:PORT was not given');
  });

  test('says the same as JSON, in the order of its checks', async () => {
    const said = await doctor('--out', workplace.directory);
    expect(Object.keys(said)).toEqual(['checks', 'ok', 'warnings', 'failures']);
    const count = (status: Status): number => said.checks.filter((finding) => finding.status === status).length;
    expect([said.ok, said.warnings, said.failures]).toEqual([count('ok'), count('warning'), count('failure')]);
    for (const finding of said.checks) {
      expect(typeof finding.says, JSON.stringify(finding)).toBe('string');
      expect('todo' in finding, JSON.stringify(finding)).toBe(finding.status !== 'ok');
    }
    expect([...new Set(said.checks.map(({ check }) => check))]).toEqual([...CHECKS]);
    expect(find(said, 'interface', 'lo')).toMatchObject({ says: expect.stringContaining('packets in') as string });
  });

  test('colors what a terminal shows, and nothing else', async () => {
    const piped = await windrow(['doctor'], { env: { NO_COLOR: undefined } });
    expect(piped.stdout).not.toContain('\u001b');
    const line = `'${process.execPath}' '${CLI}' doctor`;
    const onTerminal = (env: NodeJS.ProcessEnv): Promise<Ended> =>
      ended(
        spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
          env: { ...process.env, ...env },
          stdio: ['ignore', 'pipe', 'pipe'],
        }),
      );
    expect((await onTerminal({ NO_COLOR: undefined })).stdout).toContain('\u001b[32mok');
    expect((await onTerminal({ NO_COLOR: '1' })).stdout).not.toContain('\u001b');
  });

  test.each([
    [['--interfaces', '0'], /--interfaces <n>' argument '0' is invalid. Expected a whole number from 1 to 8,192/],
    [['--ring-memory', '64MB'], /--ring-memory <mib>' argument '64MB' is invalid/],
    [['--kafka', 'localhost'], /^windrow: --kafka localhost: expected HOST:PORT/],
    [['--kafka-user', 'me'], /^windrow: --kafka-user needs --kafka-sasl/],
    [['--out', ''], /^windrow: --out "": expected a directory/],
    [['--fix'], /unknown option '--fix'/],
    [['eth0'], /too many arguments/],
  ])('refuses %j', async (args, expected) => {
    const { code, stdout, stderr } = await windrow(['doctor', ...args]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(expected);
  });

  testWhere(isRoot, 'capabilities are only taken from root')('fails without the right to capture', async () => {
    const line = ['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all', process.execPath, CLI];
    const stripped = spawn('setpriv', [...line, 'doctor', '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const said = told(await ended(stripped));
    expect(find(said, 'capability', 'CAP_NET_RAW')).toMatchObject({
      status: 'failure',
      todo: expect.stringContaining('AmbientCapabilities=CAP_NET_RAW') as string,
    });
    expect(find(said, 'capability', 'CAP_NET_ADMIN')).toMatchObject({ status: 'warning' });
    const whole = await doctor();
    expect(find(whole, 'capability', 'CAP_NET_RAW')).toMatchObject({ status: 'ok' });
  });

  test('fails where there is not enough memory for the rings', async () => {
    const said = await doctor('--interfaces', '8192', '--ring-memory', '4096');
    expect(find(said, 'memory')).toMatchObject({
      status: 'failure',
      says: expect.stringContaining('rings of 4.00 GiB for 8,192 interfaces need 32.0 TiB') as string,
    });
  });
});

describe('a folder', () => {
  test('is left as it was, and is not made', async () => {
    fs.mkdirSync(workplace.at('there'));
    const said = await doctor('--out', workplace.at('there'), '--spool', workplace.at('not/there'));
    expect(find(said, 'folder', `--out ${workplace.at('there')}`)!.says).toMatch(/^written and synced; /);
    expect(find(said, 'folder', `--spool ${workplace.at('not/there')}`)!.says).toContain(
      `not there, and can be made in ${workplace.directory}; `,
    );
    expect(fs.readdirSync(workplace.at('there'))).toEqual([]);
    expect(workplace.has('not')).toBe(false);
  });

  test('is a failure where a file is in its way, or a link that leads nowhere', async () => {
    const file = workplace.file('no folder', 'file');
    fs.symlinkSync(workplace.at('nowhere'), workplace.at('link'));
    const said = await doctor('--out', `${file}/below`, '--spool', workplace.at('link'));
    expect(find(said, 'folder', `--out ${file}/below`)).toMatchObject({
      status: 'failure',
      says: `it is not there, and ${file} is the nearest above that is: cannot be used: it is not a directory`,
    });
    expect(find(said, 'folder', `--spool ${workplace.at('link')}`)).toMatchObject({ status: 'failure' });
  });

  test('of a name that would rule the terminal does not', async () => {
    const { stdout } = await windrow(['doctor', '--out', workplace.at('a\u001b[31m\nb')]);
    expect(stdout).toContain(`folder --out ${workplace.at('a?[31m?b')}: `);
    expect(stdout).not.toContain('\u001b');
  });

  whereMounted('is a failure where it is full, or read-only, there or not', async () => {
    fs.writeFileSync(workplace.at('full/ballast'), Buffer.alloc(DISK_BYTES));
    const full = await doctor('--out', workplace.at('full'), '--spool', workplace.at('full/spool'));
    expect(find(full, 'folder', `--out ${workplace.at('full')}`)).toMatchObject({
      status: 'failure',
      says: 'cannot be written: no space is left on the device',
      todo: 'make room, or choose another --out',
    });
    expect(find(full, 'folder', `--spool ${workplace.at('full/spool')}`)).toMatchObject({ status: 'failure' });
    expect(fs.readdirSync(workplace.at('full'))).toEqual(['ballast']);
    const fixed = await doctor('--out', workplace.at('fixed'), '--spool', workplace.at('fixed/spool'));
    expect(fixed.failures - full.failures).toBe(0);
    expect(find(fixed, 'folder', `--out ${workplace.at('fixed')}`)).toMatchObject({
      status: 'failure',
      says: 'cannot be written: the file system is read-only',
    });
    expect(find(fixed, 'folder', `--spool ${workplace.at('fixed/spool')}`)).toMatchObject({
      status: 'failure',
      says: expect.stringMatching(
        /the nearest above that is: cannot be written: the file system is read-only$/,
      ) as string,
    });
  });

  whereMounted('with little room is warned of', async () => {
    fs.rmSync(workplace.at('full/ballast'), { force: true });
    const said = await doctor('--out', workplace.at('full'));
    expect(find(said, 'folder', `--out ${workplace.at('full')}`)).toMatchObject({
      status: 'warning',
      says: 'written and synced; 8.00 MiB free',
    });
  });

  testWhere(isRoot, 'only root runs programs as others')('of another user is a failure', async () => {
    fs.mkdirSync(workplace.at('private'), { mode: 0o755 });
    fs.chmodSync(workplace.directory, 0o755);
    const said = told(await windrow(['doctor', '--json', '--out', workplace.at('private')], { uid: UID }));
    expect(find(said, 'folder', `--out ${workplace.at('private')}`)).toMatchObject({
      status: 'failure',
      says: 'cannot be written: permission denied',
      todo: `chown ${workplace.at('private')} to whoever runs the agent, or choose another --out`,
    });
  });
});

describe('a network', () => {
  whereUnshared('of its own is told, with interfaces that are down, up, promiscuous, or no Ethernet', async () => {
    const said = told(
      await inNamespace(
        'ip link add v0 type veth peer name v1; ip link set v0 up promisc on; ip link set v1 up mtu 9000; ip tuntap add tun0 mode tun; windrow doctor --json',
      ),
    );
    const says = said.checks.filter(({ check }) => check === 'interface').map(({ subject, says }) => [subject, says]);
    const none = '0 packets in, 0 out, 0 dropped';
    expect(says.slice(0, 2)).toEqual([
      ['lo', `loopback, down, MTU 65536, ${none}`],
      ['tun0', `raw IP, down, MTU 1500, ${none}`],
    ]);
    // These two have begun to speak to each other.
    expect(says[2]).toEqual(['v0', expect.stringMatching(/^Ethernet, up, MTU 1500, .*, promiscuous$/)]);
    expect(says[3]).toEqual(['v1', expect.stringMatching(/^Ethernet, up, MTU 9000, .* dropped$/)]);
    expect(says.slice(4)).toEqual([['offloads', expect.any(String)]]);
  });

  whereUnshared('that /sys does not show is told apart from the one that it shows', async () => {
    const line = ['--net', process.execPath, CLI, 'doctor', '--json'];
    const said = told(await ended(spawn('unshare', line, { stdio: ['ignore', 'pipe', 'pipe'] })));
    expect(find(said, 'interface', 'lo')).toMatchObject({ status: 'ok', says: '0 packets in, 0 out, 0 dropped' });
    expect(find(said, 'interface')).toMatchObject({
      status: 'warning',
      says: expect.stringContaining('another network namespace') as string,
    });
  });

  whereNft('has rules that log to a group, which are told, and others, which are warned of', async () => {
    const said = told(
      await inNamespace(
        `nft -f - <<'EOF'
        table inet edge {
          chain input {
            type filter hook input priority 0;
            tcp dport 22 log prefix "ssh" group 5 drop
            tcp dport 23 log prefix "telnet"
            tcp dport 80 accept
          }
        }
EOF
        windrow doctor --json`,
      ),
    );
    expect(said.checks.filter(({ subject }) => subject?.startsWith('rule'))).toMatchObject([
      {
        subject: expect.stringMatching(/^rule \d+ of inet edge input$/) as string,
        status: 'ok',
        says: 'logs to group 5 of NFLOG, with the prefix "ssh"',
      },
      { status: 'warning', says: 'logs to the kernel log, not to NFLOG, with the prefix "telnet"' },
    ]);
  });
});

describe('Kafka', () => {
  test('that cannot be reached is a failure, in time', async () => {
    const [port] = await freePorts(1);
    const said = await doctor('--kafka', `127.0.0.1:${port}`, '--kafka-timeout', '2');
    expect(find(said, 'kafka', 'client')).toMatchObject({
      status: 'ok',
      says: expect.stringContaining('librdkafka') as string,
    });
    expect(find(said, 'kafka', 'brokers')).toMatchObject({
      status: 'failure',
      says: expect.stringMatching(`^Kafka at 127.0.0.1:${port}: cannot be reached: .*Connection refused`) as string,
    });
  });

  describeWithKafka('that runs', () => {
    let cluster: KafkaCluster;
    beforeAll(async () => {
      cluster = await KafkaCluster.start({ properties: { 'auto.create.topics.enable': 'true' } });
    }, CLUSTER_TIMEOUT_MS);
    afterAll(() => cluster?.close());

    test('is told with its topic, which is not made, though this broker makes what it is asked for', async () => {
      const args = ['--kafka', cluster.brokers, '--kafka-prefix', 'asked.', '--kafka-timeout', '20'];
      for (const time of ['first', 'second']) {
        const said = await doctor(...args, '--kafka-partitions', '7');
        expect(find(said, 'kafka', 'brokers')).toMatchObject({
          status: 'ok',
          says: expect.stringMatching(/; 1 broker$/) as string,
        });
        expect(find(said, 'kafka', 'topic asked.entries.v1'), time).toMatchObject({
          status: 'ok',
          says: expect.stringMatching(/^not there.* created with 7 partitions/) as string,
        });
      }
      await cluster.createTopic('asked.entries.v1', { partitions: 3 });
      expect(find(await doctor(...args), 'kafka', 'topic asked.entries.v1')).toMatchObject({
        status: 'ok',
        says: '3 partitions, 1 replica each',
      });
    });
  });
});
