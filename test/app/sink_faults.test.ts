// A sink that cannot do its work for a while: no broker, no room, nothing that may be written. It says so, and loses nothing.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLUSTER_TIMEOUT_MS, KafkaCluster } from '../kafka/broker.ts';
import { freePorts } from '../kafka/broker_ports.ts';
import { describeWithKafka } from '../kafka/needs.ts';
import { isRoot, testWhere } from '../needs.ts';
import { Channel } from './channel.ts';
import { Workplace, windrow } from './program.ts';
import { Running } from './running.ts';
import { COUNTING, traffic } from './traffic.ts';
import { expectSameLines, replayedLines, treeLines } from './tree_lines.ts';

const WAIT = { timeout: 60_000, interval: 50 };
const DISK_BYTES = 8 << 20;
/** What is left when it is full; a replay has more. */
const LEFT_BYTES = 64 << 10;

const workplace = new Workplace();
const CAPTURES = [0, 1].map((seed) => workplace.file(traffic({ entries: 1200, windows: 3, seed })));

/** A file system of its own for a root. */
function mount(at: string, ...options: readonly string[]): boolean {
  fs.mkdirSync(at, { recursive: true });
  return spawnSync('mount', ['-t', 'tmpfs', ...options, 'tmpfs', at]).status === 0;
}

const disk = workplace.at('disk');
const isMounted = isRoot && mount(disk, '-o', `size=${DISK_BYTES}`);
afterAll(() => {
  if (isMounted) execFileSync('umount', [disk]);
});
const whereMounted = testWhere(isMounted, 'this process may not mount a tmpfs, to be full or read-only');

async function replay(own: Channel, capture: string): Promise<void> {
  const { code, stderr } = await windrow(own.replay(capture));
  expect([code, stderr]).toEqual([0, '']);
}

async function allLines(): Promise<string[]> {
  return (await Promise.all(CAPTURES.map((capture) => replayedLines(capture, ...COUNTING)))).flat();
}

describeWithKafka('a sink', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
  }, CLUSTER_TIMEOUT_MS);
  afterAll(() => cluster?.close());

  /** It has written the first capture, and has the second one before it, which it cannot write. */
  async function isStalled(sink: Running, reason: string): Promise<void> {
    await sink.until(/cannot write/);
    const line = `cannot write: ${reason}; waiting until it can, and nothing is lost meanwhile`;
    expect(await sink.health()).toEqual({
      status: 503,
      body: { status: 'failing', reasons: [line], partitions: [0, 1, 2] },
    });
    expect(await sink.metrics()).toMatchObject({
      windrow_sink_stalled: 1,
      windrow_kafka_connected: 1,
      windrow_sink_entries_total: 1200,
      'windrow_sink_checkpoints_total{result="abandoned"}': 1,
    });
  }

  async function isWell(sink: Running, root: string, reason: string): Promise<void> {
    await expect.poll(() => sink.metric('windrow_sink_entries_total'), WAIT).toBe(2400);
    expect(await sink.metrics()).toMatchObject({ windrow_sink_stalled: 0, windrow_sink_batches_total: 24 });
    expect(await sink.health()).toEqual({ status: 200, body: { status: 'ok', partitions: [0, 1, 2] } });
    const { code, stderr } = await sink.end('SIGTERM');
    expect(code).toBe(0);
    expect(stderr.match(/cannot write.*|can write again/g)).toEqual([
      `cannot write: ${reason}; waiting until it can, and nothing is lost meanwhile`,
      'can write again',
    ]);
    expectSameLines(treeLines(root), await allLines());
    const check = await windrow(['sink', '--check', root]);
    expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('No gap, no overlap')]);
  }

  async function writing(own: Channel, root: string): Promise<Running> {
    await replay(own, CAPTURES[0]);
    const sink = Running.start(own.sink('--out', root));
    await expect.poll(() => sink.metric('windrow_sink_entries_total'), WAIT).toBe(1200);
    return sink;
  }

  whereMounted('waits on a full disk until it has room, and goes on where it was', async () => {
    const own = new Channel(cluster.brokers, 'full');
    const reason = 'no space is left on the device';
    const root = path.join(disk, 'root');
    const sink = await writing(own, root);
    const ballast = path.join(disk, 'ballast');
    const { bavail, bsize } = fs.statfsSync(disk);
    fs.writeFileSync(ballast, Buffer.alloc(bavail * bsize - LEFT_BYTES));
    await replay(own, CAPTURES[1]);
    await isStalled(sink, reason);
    expectSameLines(treeLines(root), await replayedLines(CAPTURES[0], ...COUNTING));
    fs.rmSync(ballast);
    await isWell(sink, root, reason);
  });

  whereMounted('waits while its tree is read-only, and goes on where it was', async () => {
    const own = new Channel(cluster.brokers, 'readonly');
    const reason = 'the file system is read-only';
    const root = workplace.at('readonly');
    const sink = await writing(own, root);
    // Over the folder that files are published in: what is staged can be written, and not given its name.
    const project = path.join(root, 'windrow');
    expect(mount(project, '-o', 'ro')).toBe(true);
    try {
      await replay(own, CAPTURES[1]);
      await isStalled(sink, reason);
    } finally {
      execFileSync('umount', [project]);
    }
    await isWell(sink, root, reason);
  });

  whereMounted('that drains ends when it could write what there was', async () => {
    const own = new Channel(cluster.brokers, 'drains');
    const root = workplace.at('drains');
    await replay(own, CAPTURES[0]);
    fs.mkdirSync(root);
    const project = path.join(root, 'windrow');
    expect(mount(project, '-o', 'ro')).toBe(true);
    const sink = Running.start(own.drain('--out', root));
    try {
      await sink.until(/cannot write/);
    } finally {
      execFileSync('umount', [project]);
    }
    expect((await sink.ended).code).toBe(0);
    expectSameLines(treeLines(root), await replayedLines(CAPTURES[0], ...COUNTING));
  });

  test('says in one line that its root cannot be there', async () => {
    const own = new Channel(cluster.brokers, 'nowhere');
    const file = workplace.file('no folder', 'file');
    const ends = await Promise.all([`${file}/root`, file].map((root) => windrow(own.drain('--out', root))));
    expect(ends.map(({ code, stderr }) => [code, ...stderr.split('\n')])).toEqual([
      [1, `windrow: ${file}/root: cannot be written: a part of its path is not a directory`, ''],
      [1, expect.stringContaining(`windrow: ${file}: cannot be written: `), ''],
    ]);
  });

  test('says in time that no broker is there, and in one line', async () => {
    const [port] = await freePorts(1);
    const nobody = new Channel(`127.0.0.1:${port}`, 'nobody', '--kafka-timeout', '2');
    const { code, stderr } = await windrow(nobody.drain('--out', workplace.at('nobody')));
    expect([code, stderr]).toEqual([
      1,
      `windrow: Kafka at 127.0.0.1:${port}: cannot be reached: Connect to ipv4#127.0.0.1:${port} failed: Connection refused: is it running there?\n`,
    ]);
  });

  test('waits for a broker that is killed, and goes on when it is back', async () => {
    const own = new Channel(cluster.brokers, 'gone');
    const root = workplace.at('gone');
    const sink = await writing(own, root);
    await cluster.kill();
    await sink.until(/waiting for Kafka/);
    expect(await sink.health()).toEqual({
      status: 503,
      body: {
        status: 'failing',
        reasons: ['Kafka cannot be reached: all broker connections are down'],
        partitions: [0, 1, 2],
      },
    });
    expect(await sink.metrics()).toMatchObject({
      windrow_kafka_connected: 0,
      'windrow_kafka_errors_total{reason="unreachable"}': 1,
    });
    await cluster.startAgain();
    await replay(own, CAPTURES[1]);
    await expect.poll(() => treeLines(root).length, WAIT).toBe(2400);
    await expect.poll(async () => (await sink.health()).status, WAIT).toBe(200);
    expect((await sink.end('SIGTERM')).code).toBe(0);
    expectSameLines(treeLines(root), await allLines());
  });
});
