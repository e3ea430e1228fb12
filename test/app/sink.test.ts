// A sink at work, with the program and a real broker: alone and with others, what it says of itself, and how it ends.
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLUSTER_TIMEOUT_MS, KafkaCluster } from '../kafka/broker.ts';
import { messagesOf } from '../kafka/broker_client.ts';
import { describeWithKafka } from '../kafka/needs.ts';
import { Channel } from './channel.ts';
import { Workplace, linesOf, shell, windrow } from './program.ts';
import type { Ended } from './program.ts';
import { Running } from './running.ts';
import { COUNTING, traffic } from './traffic.ts';
import { expectSameLines, filesOf, replayedLines, treeLines } from './tree_lines.ts';

const workplace = new Workplace();
/** By seed. */
const CAPTURES = [0, 1, 2].map((seed) => workplace.file(traffic({ entries: 1200, windows: 3, seed })));
const WAIT = { timeout: 60_000, interval: 50 };

async function well(args: readonly string[]): Promise<Ended> {
  const ended = await windrow(args);
  expect(ended.code, ended.stderr).toBe(0);
  return ended;
}

describeWithKafka('a sink', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
  }, CLUSTER_TIMEOUT_MS);
  afterAll(() => cluster?.close());

  const channel = (name: string): Channel => new Channel(cluster.brokers, name);

  describe.concurrent('at work', () => {
    test('says how it is, in metrics and in health, and commits what it took when it is told to end', async ({
      expect,
    }) => {
      const own = channel('status');
      const root = workplace.at('status');
      await well(own.replay(CAPTURES[0]));
      await well(own.replay(CAPTURES[0]));
      const sink = Running.start(own.sink('--out', root));
      await expect.poll(() => sink.metric('windrow_sink_duplicate_batches_total'), WAIT).toBe(12);
      for (const partition of [0, 1, 2]) {
        await expect.poll(() => sink.metric(`windrow_sink_lag_batches{partition="${partition}"}`), WAIT).toBe(0);
      }
      const metrics = await sink.metrics();
      expect(metrics).toMatchObject({
        windrow_kafka_connected: 1,
        'windrow_kafka_errors_total{reason="unreachable"}': 0,
        'windrow_kafka_errors_total{reason="other"}': 0,
        windrow_sink_partitions: 3,
        windrow_sink_rebalances_total: 1,
        windrow_sink_entries_total: 1200,
        windrow_sink_batches_total: 12,
        windrow_sink_duplicate_batches_total: 12,
        'windrow_sink_dead_letters_total{reason="malformed"}': 0,
        'windrow_sink_dead_letters_total{reason="version"}': 0,
        'windrow_sink_dead_letters_total{reason="empty"}': 0,
        'windrow_sink_checkpoints_total{result="abandoned"}': 0,
        'windrow_sink_checkpoints_total{result="refused"}': 0,
        windrow_sink_stalled: 0,
      });
      const checkpoints = linesOf(fs.readFileSync(`${root}/_windrow/sink-0/checkpoints.ndjson`, 'utf8'));
      const files = filesOf(root);
      expect({
        checkpoints: metrics['windrow_sink_checkpoints_total{result="committed"}'],
        timed: metrics['windrow_sink_checkpoint_seconds_count'],
        files: metrics['windrow_sink_files_total'],
        bytes: metrics['windrow_sink_file_bytes_total'],
      }).toEqual({
        checkpoints: checkpoints.length,
        timed: checkpoints.length,
        files: files.length,
        bytes: files.reduce((sum, file) => sum + fs.statSync(`${root}/${file}`).size, 0),
      });
      const latest = metrics['windrow_sink_last_checkpoint_timestamp_seconds'];
      expect(Math.abs(Date.now() / 1000 - latest)).toBeLessThan(60);
      expect(await sink.health()).toEqual({ status: 200, body: { status: 'ok', partitions: [0, 1, 2] } });

      // With a file that nobody waits for: it is due in an hour.
      const { stderr } = await sink.end('SIGTERM');
      expect(stderr).toContain('has partitions 0, 1, 2\n');
      const slow = Running.start([...own.sink('--out', root), '--rotate-seconds', '3600']);
      await slow.until(/has partitions 0, 1, 2/);
      await well(own.replay(CAPTURES[1]));
      await expect.poll(() => fs.readdirSync(`${root}/_windrow/sink-0/staged`).length, WAIT).toBeGreaterThan(0);
      const ended = await slow.end('SIGTERM');
      expect(ended.code).toBe(0);
      const [, committed] = /sink: (.*) entries in .* written, 0 batches had been /.exec(ended.stderr)!;
      expect(Number(committed.replace(',', ''))).toBeGreaterThan(0);
      expect(treeLines(root).length).toBe(1200 + Number(committed.replace(',', '')));
      await well(own.drain('--out', root));
      const lines = await Promise.all([0, 1].map((n) => replayedLines(CAPTURES[n], ...COUNTING)));
      expectSameLines(treeLines(root), lines.flat());
    });

    test('shares the work with another one that comes, and takes all of it when that goes', async ({ expect }) => {
      const own = channel('shared');
      const roots = ['first', 'second'].map((name) => workplace.at(`shared-${name}`));
      const written = (): number => treeLines(...roots).length;
      await well(own.replay(CAPTURES[0]));
      const first = Running.start(own.sink('--out', roots[0]));
      await expect.poll(written, WAIT).toBe(1200);
      const second = Running.start(own.sink('--out', roots[1]));
      const [, some] = await second.until(/has partitions (.*)\n/);
      expect(some.split(', ').length).toBeLessThan(3);
      await well(own.replay(CAPTURES[1]));
      await expect.poll(written, WAIT).toBe(2400);
      expect((await second.end('SIGTERM')).code).toBe(0);
      await expect.poll(() => first.metric('windrow_sink_partitions'), WAIT).toBe(3);
      await well(own.replay(CAPTURES[2]));
      await expect.poll(written, WAIT).toBe(3600);
      expect((await first.end('SIGTERM')).code).toBe(0);
      const lines = await Promise.all(CAPTURES.map((capture) => replayedLines(capture, ...COUNTING)));
      expectSameLines(treeLines(...roots), lines.flat());
      const check = await windrow(['sink', '--check', ...roots]);
      expect([check.code, check.stderr]).toEqual([0, '']);
      expect(check.stdout).toContain('No gap, no overlap, all files as they were written.\n');
    });

    test('drains what there is, however many drain at once', async () => {
      const own = channel('drained');
      const roots = ['a', 'b', 'c', 'd'].map((name) => workplace.at(`drained-${name}`));
      await well(own.replay(CAPTURES[0]));
      await Promise.all(roots.map((root) => well(own.drain('--out', root))));
      expectSameLines(treeLines(...roots), await replayedLines(CAPTURES[0], ...COUNTING));
    });

    test('writes lines to standard output, and ends well when nobody reads them any more', async ({ expect }) => {
      const own = channel('lines');
      await well(own.replay(CAPTURES[0]));
      const lines = await replayedLines(CAPTURES[0], ...COUNTING);
      // Lines that were written cannot be taken back: whoever stops reading has them, and the group has not.
      const cut = await shell('windrow "$@" | head -n 3', own.sink('--to', 'stdout'));
      expect([cut.code, linesOf(cut.stdout).length]).toEqual([0, 3]);
      expect(cut.stderr).not.toContain('error');
      const { stdout } = await well(own.drain('--to', 'stdout'));
      expectSameLines(linesOf(stdout), lines);
      expect((await well(own.drain('--to', 'stdout'))).stdout).toBe('');
    });

    test('gives each entry to another topic as a message of JSON, once, also if it is killed', async ({ expect }) => {
      const own = channel('messages');
      const capture = workplace.file(traffic({ entries: 60_000, windows: 20, seed: 7 }));
      await well(own.replay(capture));
      const settings = { 'bootstrap.servers': cluster.brokers };
      const all = { ...settings, 'isolation.level': 'read_uncommitted' } as const;
      const killed = Running.start(own.sink('--to', 'kafka:messages.json', '--rotate-seconds', '3600'));
      const begun = (): Promise<number> =>
        messagesOf(all, 'messages.json').then(
          ({ length }) => length,
          () => 0,
        );
      await expect.poll(begun, WAIT).toBeGreaterThan(0);
      await killed.end('SIGKILL');
      const { stderr } = await well(own.drain('--to', 'kafka:messages.json'));
      expect(stderr).toContain('entries in ');
      expect((await well(own.drain('--to', 'kafka:messages.json'))).stderr).toContain(' 0 entries in 0 batches');
      const messages = await messagesOf(settings, 'messages.json');
      expectSameLines(
        messages.map(({ value }) => String(value)),
        await replayedLines(capture, ...COUNTING),
      );
      for (const { key, value } of messages.slice(0, 100)) {
        expect(JSON.parse(String(value))).toMatchObject({ 'eni-id': String(key) });
      }
    });
  });

  test('says that its port is taken, and what is wrong with its options, and begins nothing', async () => {
    const own = channel('wrong');
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const cases: [args: string[], reason: string][] = [
      [
        [...own.drain('--out', workplace.at('wrong')), '--metrics', `127.0.0.1:${port}`],
        `--metrics 127.0.0.1:${port}: another program serves there, perhaps another windrow; choose another with --metrics HOST:PORT, or --metrics off`,
      ],
      [['sink', '--out', 'x'], '--kafka HOST:PORT,... is missing: a sink reads from Kafka'],
      [own.drain(), '--out DIRECTORY is missing: where entries are written'],
      [own.drain('--to', 'stdout', '--out', 'x'), '--out and --compress are for files, not --to stdout'],
      [own.drain('--to', 'stdout', '--compress', 'gzip'), '--out and --compress are for files, not --to stdout'],
      [own.drain('--to', 'kafka:'), '--to kafka:: expected tree, stdout or kafka:TOPIC'],
      [own.drain('--to', 'kafka:a b'), '--to kafka:a b: expected tree, stdout or kafka:TOPIC'],
      [own.drain('--to', 'files'), '--to files: expected tree, stdout or kafka:TOPIC'],
      [
        own.drain('--to', 'kafka:wrong.entries.v1'),
        '--to kafka:wrong.entries.v1: this topic has a use of its own; choose another one',
      ],
      [own.drain('--out', 'x', '--group', 'a/b'), '--group a/b: expected 1 to 100 of A-Z a-z 0-9 . _ -'],
      [own.drain('tree'), 'unexpected tree: the root of the tree is given with --out'],
      [['sink', '--check'], 'expected the root of a tree to check'],
    ];
    const ends = await Promise.all(cases.map(([args]) => windrow(args)));
    expect(ends.map(({ code, stdout, stderr }) => [code, stdout, stderr])).toEqual(
      cases.map(([, reason]) => [2, '', `windrow: ${reason}\n`]),
    );
    taken.close();
    expect(filesOf(workplace.at('wrong'))).toEqual([]);
  });

  test('is not reached by who comes with TLS, or with a user', async () => {
    const out = ['--out', workplace.at('never')];
    const tls = new Channel(cluster.brokers, 'never', '--kafka-tls', '--kafka-timeout', '3');
    // For no user nothing is asked, so there is nothing to wait for.
    const user = new Channel(
      cluster.brokers,
      'never',
      ...['--kafka-sasl', 'plain', '--kafka-user', 'alice', '--kafka-timeout', '600'],
    );
    const cases: [args: string[], reason: string][] = [
      [tls.replay(CAPTURES[0]), 'SSL handshake failed: Disconnected: '],
      [tls.drain(...out), 'SSL handshake failed: Disconnected: '],
      [user.replay(CAPTURES[0]), 'SASL PLAIN mechanism handshake failed: '],
      [user.drain(...out), 'SASL PLAIN mechanism handshake failed: '],
    ];
    const env = { WINDROW_KAFKA_PASSWORD: 'in wonderland' };
    const ends = await Promise.all(cases.map(([args]) => windrow(args, { env })));
    expect(ends.map(({ code, stderr }) => [code, ...stderr.split('\n')])).toEqual(
      cases.map(([, reason]) => [1, expect.stringContaining(`cannot be reached: ${reason}`) as string, '']),
    );
  });
});
