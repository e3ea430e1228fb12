// What a sink finds in the topic: messages that are no batches, and places where there are none any more.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message } from 'kafkajs';
import { CLUSTER_TIMEOUT_MS, KafkaCluster } from '../kafka/broker.ts';
import { messagesOf } from '../kafka/broker_client.ts';
import { describeWithKafka } from '../kafka/needs.ts';
import { Channel } from './channel.ts';
import { FlowLogBatch, ForeignClient } from './foreign_client.ts';
import { Workplace, linesOf, windrow } from './program.ts';
import { Running } from './running.ts';
import { BEGIN, COUNTING, ENIS, traffic } from './traffic.ts';
import { expectSameLines, replayedLines, treeLines } from './tree_lines.ts';

const WAIT = { timeout: 60_000, interval: 50 };
const workplace = new Workplace();
/** By seed. */
const CAPTURES = [0, 1, 2].map((seed) => workplace.file(traffic({ entries: 1200, windows: 3, seed })));

/** A batch of one NODATA entry. */
function batch(sequence: number, different: Record<string, unknown> = {}): Buffer {
  const message = {
    version: 1,
    identity: { agent: 'tester', boot: 1, sequence },
    flowLog: { name: 'f', project: 'windrow', logstore: 'flow-logs' },
    eni: { eniId: 'eni-quiet' },
    windowStart: BEGIN + 60 * sequence,
    windowSeconds: 60,
    status: 'NODATA',
    entries: 1,
    start: [0],
    end: [60],
    ...different,
  };
  return Buffer.from(FlowLogBatch.encode(FlowLogBatch.fromObject(message)).finish());
}

describeWithKafka('a sink', () => {
  let cluster: KafkaCluster;
  let foreign: ForeignClient;
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
    foreign = new ForeignClient(cluster.brokers);
  }, CLUSTER_TIMEOUT_MS);
  afterAll(() => cluster?.close());

  const GARBAGE = Buffer.from('\xff\xff\xff no batch at all', 'latin1');
  /** Messages, and why each is none. */
  const LETTERS: readonly (readonly [message: Partial<Message>, refusal: string, reason: string])[] = [
    [{ value: GARBAGE, key: 'garbage' }, 'malformed', 'not a FlowLogBatch: '],
    [{ value: Buffer.alloc(0), key: 'empty' }, 'empty', 'a message without a batch'],
    [{ value: null, key: 'null' }, 'empty', 'a message without a batch'],
    [
      { value: batch(1, { version: 2 }), key: 'new' },
      'version',
      'a batch of version 2, and this Windrow reads up to version 1: update it',
    ],
    [{ value: batch(1, { version: 0 }) }, 'malformed', 'expected a version, found none: not a FlowLogBatch'],
    [{ value: batch(1, { entries: 2 }) }, 'malformed', 'start: expected 2 values, found 1 bytes'],
    [{ value: batch(1, { srcport: [1] }) }, 'malformed', 'srcport: expected nothing, as the status is not OK, found '],
    [
      { value: batch(1, { flowLog: { project: '', logstore: 'x' } }) },
      'malformed',
      'expected a project and a logstore',
    ],
    [{ value: batch(1, { identity: {} }) }, 'malformed', 'expected the identity of the batch, found none'],
    [{ value: Buffer.from('{"version":1}'), headers: { from: 'somebody' } }, 'malformed', ''],
  ];

  test('puts aside what is no batch, as it came and with the reason, once, and goes on', async () => {
    const own = new Channel(cluster.brokers, 'letters');
    const root = workplace.at('letters');
    await cluster.createTopic(own.entries, { partitions: 3 });
    const messages = [{ value: batch(0) }, ...LETTERS.map(([message]) => message), { value: batch(1) }];
    await foreign.send(
      own.entries,
      messages.map((message) => ({ value: null, ...message, partition: 2 })),
    );
    const sink = Running.start(own.sink('--out', root));
    await expect.poll(() => sink.metric('windrow_sink_batches_total'), WAIT).toBe(2);
    expect(await sink.metrics()).toMatchObject({
      windrow_sink_entries_total: 2,
      'windrow_sink_dead_letters_total{reason="malformed"}': 7,
      'windrow_sink_dead_letters_total{reason="version"}': 1,
      'windrow_sink_dead_letters_total{reason="empty"}': 2,
    });
    expect((await sink.health()).status).toBe(200);
    expect((await sink.end('SIGKILL')).stderr).toContain(
      'partition 2, offset 1 goes to the dead letters: not a FlowLog',
    );
    // Another life, and another sink.
    await foreign.send(own.entries, [{ value: batch(2), partition: 2 }]);
    const { code, stderr } = await windrow(own.drain('--out', workplace.at('letters-2')));
    expect([code, stderr]).toEqual([0, expect.stringContaining(' 1 entries in 1 batches written, 0 batches')]);

    const letters = await messagesOf({ 'bootstrap.servers': cluster.brokers }, own.deadLetters);
    expect(letters).toHaveLength(LETTERS.length);
    letters.forEach(({ key, value, headers }, n) => {
      const [message, refusal, reason] = LETTERS[n];
      // The client does not tell a message of no bytes from one of none.
      expect([key?.toString(), value?.toString('hex') ?? '']).toEqual([
        message.key,
        (message.value as Buffer | null)?.toString('hex') ?? '',
      ]);
      const said = Object.fromEntries(
        (headers ?? []).flatMap((header) => Object.entries(header).map(([name, text]) => [name, String(text)])),
      );
      expect(said).toEqual({
        'windrow-topic': own.entries,
        'windrow-partition': '2',
        'windrow-offset': `${n + 1}`,
        'windrow-refusal': refusal,
        'windrow-reason': expect.stringContaining(reason) as string,
      });
    });
    expect(linesOf(treeLines(root, workplace.at('letters-2')).join('\n'))).toHaveLength(3);
    const check = await windrow(['sink', '--check', root, workplace.at('letters-2')]);
    expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('No gap, no overlap')]);
  });

  describe.concurrent('says which messages are gone', () => {
    test('before it could write them, and the tree shows where', async ({ expect }) => {
      const own = new Channel(cluster.brokers, 'gone');
      const root = workplace.at('gone');
      const replay = async (capture: string): Promise<void> => {
        expect(await windrow(own.replay(capture))).toMatchObject({ code: 0, stderr: '' });
      };
      const drain = async (): Promise<string> => {
        const { code, stderr } = await windrow(own.drain('--out', root));
        expect(code, stderr).toBe(0);
        return stderr;
      };
      await replay(CAPTURES[0]);
      await drain();
      await replay(CAPTURES[1]);
      const ends = await foreign.admin((admin) => admin.fetchTopicOffsets(own.entries));
      const [used] = ends.filter(({ high }) => high !== '0');
      const partition = used.partition;
      const [before, after] = [Number(used.high) / 2, Number(used.high)];
      await replay(CAPTURES[2]);
      await foreign.deleteBefore(own.entries, partition, after);
      const gone = `partition ${partition}: messages ${before} to ${after - 1} are gone from the topic before they were written`;
      expect(await drain()).toContain(`windrow: sink: ${gone}\n`);
      const lines = await Promise.all(CAPTURES.map((capture) => replayedLines(capture, ...COUNTING)));
      const lost = lines[1].filter((line) => !treeLines(root).includes(line));
      expect(lost).toHaveLength((after - before) * 100);
      expectSameLines([...treeLines(root), ...lost], lines.flat());

      const check = await windrow(['sink', '--check', root]);
      const where = `gone.entries.v1, partition ${partition}: offsets ${before} to ${after - 1}`;
      expect([check.code, check.stderr]).toEqual([1, '']);
      expect(linesOf(check.stdout).slice(-3)).toEqual([
        `gap: ${where}`,
        'gap means: offsets between two checkpoints are in no file: their messages were gone before they were read, a tree is missing from the command line, or a replay was stopped and is to be run again',
        '1 problems',
      ]);
      const json = await windrow(['sink', '--check', root, '--json']);
      expect(json.code).toBe(1);
      expect(JSON.parse(json.stdout)).toMatchObject({ problems: [{ problem: 'gap', where }], removed: 0 });
    });

    test('also where nothing came behind them, and drains all the same', async ({ expect }) => {
      const own = new Channel(cluster.brokers, 'emptied');
      const root = workplace.at('emptied');
      await cluster.createTopic(own.entries, { partitions: 3 });
      const send = (...sequences: number[]): Promise<void> =>
        foreign.send(
          own.entries,
          sequences.map((sequence) => ({ value: batch(sequence), partition: 1 })),
        );
      await send(0, 1);
      expect((await windrow(own.drain('--out', root))).code).toBe(0);
      await send(2, 3);
      await foreign.deleteBefore(own.entries, 1, 4);
      const { code, stderr } = await windrow(own.drain('--out', root));
      expect([code, stderr]).toEqual([0, expect.stringContaining('partition 1: messages 2 to 3 are gone')]);
      await send(4);
      expect((await windrow(own.drain('--out', root))).code).toBe(0);
      expect(treeLines(root)).toHaveLength(3);
    });
  });

  test('leaves a tree of which --check gives an account, for people and for machines', async () => {
    const own = new Channel(cluster.brokers, 'account');
    const root = workplace.at('account');
    expect((await windrow(own.replay(CAPTURES[0]))).code).toBe(0);
    expect((await windrow(own.drain('--out', root))).code).toBe(0);
    const { code, stdout, stderr } = await windrow(['sink', '--check', root, '--json']);
    expect([code, stderr]).toEqual([0, '']);
    const account = JSON.parse(stdout) as { partitions: Record<string, number>[] };
    const sums = { entries: 0, batches: 0 };
    for (const { entries, first, next, files, checkpoints } of account.partitions) {
      expect([first, files, checkpoints]).toEqual([0, 1, 1]);
      sums.entries += entries;
      sums.batches += next;
    }
    expect(sums).toEqual({ entries: 1200, batches: 3 * ENIS.length });
    expect(account).toMatchObject({ problems: [], removed: 0 });
    const people = await windrow(['sink', '--check', root]);
    expect([people.code, people.stderr]).toEqual([0, '']);
    const lines = linesOf(people.stdout);
    expect(lines[1].split('│').map((cell) => cell.trim())).toEqual([
      '',
      ...['topic', 'partition', 'first offset', 'last offset', 'checkpoints', 'files', 'entries', 'size'],
      '',
    ]);
    expect(lines.filter((line) => line.includes('account.entries.v1'))).toHaveLength(account.partitions.length);
    expect(lines.at(-1)).toBe('No gap, no overlap, all files as they were written.');
    expect(await windrow(['sink', '--check', workplace.at('never')])).toMatchObject({
      code: 1,
      stderr: `windrow: ${workplace.at('never')}: expected the root of a tree, and it is no directory\n`,
    });
  });
});
