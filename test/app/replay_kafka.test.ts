// A replay over Kafka, with the program, a real broker and a sink behind it: what is in the tree is what a replay writes.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeBatch } from '../../src/kafka/codec.ts';
import { CLUSTER_TIMEOUT_MS, KafkaCluster } from '../kafka/broker.ts';
import { messagesOf } from '../kafka/broker_client.ts';
import { freePorts } from '../kafka/broker_ports.ts';
import { describeWithKafka } from '../kafka/needs.ts';
import { Workplace, linesOf, windrow } from './program.ts';
import { Running } from './running.ts';
import { COUNTING, ENIS, traffic } from './traffic.ts';
import { expectSameLines, filesOf, replayedLines, treeLines } from './tree_lines.ts';

const workplace = new Workplace();
const SMALL = { entries: 1200, windows: 3 };
/** A second's work for a replay: it does not end before it is noticed that it has begun. */
const LARGE = { entries: 600_000, windows: 300 };
/** Two of the ENIs may send nothing. */
const NETWORK = JSON.stringify({
  vpcs: [{ id: 'vpc', cidrs: ['10.0.0.0/16'], vswitches: [{ id: 'vsw', cidrs: ['10.0.0.0/24'] }] }],
  security_groups: [
    { id: 'sg', vpc: 'vpc', rules: [{ id: 'no"quotes"', direction: 'out', policy: 'drop', cidr: '0.0.0.0/0' }] },
  ],
  enis: ENIS.map((id, n) => ({
    ...{ id, vswitch: 'vsw', addresses: [`10.0.0.${n + 1}`] },
    security_groups: n < 2 ? ['sg'] : [],
  })),
});
const BATCHES = LARGE.windows * ENIS.length;

describeWithKafka('a replay over Kafka', () => {
  let cluster: KafkaCluster;
  let small: string;
  let large: string;
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
    small = workplace.file(traffic(SMALL));
    large = workplace.file(traffic(LARGE));
  }, CLUSTER_TIMEOUT_MS);
  afterAll(() => cluster?.close());

  /** Options for topics of their own. */
  const kafka = (name: string): string[] => [
    ...['--kafka', cluster.brokers, '--kafka-prefix', `${name}.`],
    ...['--kafka-partitions', '3', '--kafka-timeout', '20'],
  ];
  const replayArgs = (capture: string, name: string): string[] => ['replay', capture, ...COUNTING, ...kafka(name)];
  const drainArgs = (name: string): string[] => [
    ...['sink', '--drain', '--metrics', 'off', '--out', workplace.at(name), ...kafka(name)],
  ];

  async function well(args: readonly string[], stdin?: Uint8Array): Promise<string> {
    const { code, stdout, stderr } = await windrow(args, stdin ? { stdin } : {});
    expect([code, stdout], stderr).toEqual([0, '']);
    return stderr;
  }

  const seen = (entries: number): string => {
    const n = entries.toLocaleString('en-US');
    return `windrow: ${n} packets seen = ${n} logged + 0 excluded; ${n} entries\n`;
  };
  const sank = (entries: string, ...batches: readonly [written: number, before: number]): string => {
    const [written, before] = batches.map((n) => n.toLocaleString('en-US'));
    return (
      `windrow: sink: has partitions 0, 1, 2\nwindrow: sink: ${entries} entries in ${written} batches written, ` +
      `${before} batches had been written before, 0 messages were no batches\n`
    );
  };

  async function messagesIn(name: string): Promise<Awaited<ReturnType<typeof messagesOf>>> {
    return messagesOf({ 'bootstrap.servers': cluster.brokers }, `${name}.entries.v1`);
  }

  /** Waits until a replay has added to the topic. */
  async function moreThan(messages: number, name: string): Promise<void> {
    const options = { interval: 1, timeout: 30_000 };
    await expect
      .poll(
        () =>
          messagesIn(name).then(
            ({ length }) => length,
            () => 0,
          ),
        options,
      )
      .toBeGreaterThan(messages);
  }

  describe.concurrent('that nothing disturbs', () => {
    test('gives a sink the entries that it writes by itself, and says what it sent', async ({ expect }) => {
      const sent = `1,200 entries in 12 batches to plain.entries.v1 at ${cluster.brokers}`;
      expect(await well(replayArgs(small, 'plain'))).toBe(`${seen(1200)}windrow: ${sent}\n`);
      expect(await well(drainArgs('plain'))).toBe(sank('1,200', 12, 0));
      expectSameLines(treeLines(workplace.at('plain')), await replayedLines(small, ...COUNTING));
      for (const file of filesOf(workplace.at('plain'))) {
        expect(file).toMatch(/^windrow\/flow-logs\/dt=1970-01-12\/hour=13\/plain\.entries\.v1-[012]-0{20}\.ndjson$/);
      }
    });

    test('adds nothing when it is run twice, and everything once more where that is said', async ({ expect }) => {
      await well(replayArgs(small, 'twice'));
      await well([...replayArgs(small, 'twice'), '--workers', '3', '--kafka-compression', 'lz4']);
      expect(await well(drainArgs('twice'))).toBe(sank('1,200', 12, 12));
      await well(replayArgs(small, 'twice'));
      expect(await well(drainArgs('twice'))).toBe(sank('0', 0, 12));
      const lines = await replayedLines(small, ...COUNTING);
      expectSameLines(treeLines(workplace.at('twice')), lines);
      await well([...replayArgs(small, 'twice'), '--again']);
      expect(await well(drainArgs('twice'))).toBe(sank('1,200', 12, 0));
      expectSameLines(treeLines(workplace.at('twice')), [...lines, ...lines]);
    });

    test('with other options, or into another logstore, is another one', async ({ expect }) => {
      await well(replayArgs(small, 'other'));
      await well([...replayArgs(small, 'other'), '--logstore', 'elsewhere', '--project', 'a/b']);
      expect(await well(drainArgs('other'))).toBe(sank('2,400', 24, 0));
      const folders = filesOf(workplace.at('other')).map((file) => file.split('/').slice(0, 2).join('/'));
      expect(new Set(folders)).toEqual(new Set(['windrow/flow-logs', 'a%2Fb/elsewhere']));
    });

    test('carries by what entries were judged, where that was asked for', async ({ expect }) => {
      const args = [small, '--window', '60', '--network', workplace.file(NETWORK, 'network.json')];
      await well(['replay', ...args, ...kafka('judged')]);
      await well(['replay', ...args, ...kafka('judged'), '--extended']);
      expect(await well(drainArgs('judged'))).toBe(sank('2,400', 24, 0));
      const [plain, extended] = [await replayedLines(...args), await replayedLines(...args, '--extended')];
      const dropped = extended.filter((line) =>
        line.endsWith(',"x-rule":"sg/no\\"quotes\\"","x-verdict-source":"security-group"}'),
      );
      expect([plain.length, extended.length, dropped.length]).toEqual([1200, 1200, 600]);
      expectSameLines(treeLines(workplace.at('judged')), [...plain, ...extended]);
      const to = (target: string): string[] => [
        ...['sink', '--drain', '--metrics', 'off', '--quiet', '--group', target.replace(':', '-'), '--to', target],
        ...kafka('judged'),
      ];
      const { code, stdout, stderr } = await windrow(to('stdout'));
      expect([code, stderr]).toEqual([0, '']);
      expectSameLines(linesOf(stdout), [...plain, ...extended]);
      await well(to('kafka:judged.lines'));
      const lines = await messagesOf({ 'bootstrap.servers': cluster.brokers }, 'judged.lines');
      expectSameLines(
        lines.map(({ value }) => value!.toString()),
        [...plain, ...extended],
      );
    });

    test('from standard input says that it is new, and is', async ({ expect }) => {
      const args = replayArgs('-', 'stream');
      const isNew =
        'windrow: nobody knows what a stream will be: these entries are new, also where they were replayed before\n';
      for (let time = 0; time < 2; time++) {
        expect(await well(args, fs.readFileSync(small))).toContain(isNew);
      }
      expect(await well([...args, '--quiet'], fs.readFileSync(small))).toBe('');
      expect(await well(drainArgs('stream'))).toBe(sank('3,600', 36, 0));
    });

    test('spreads its ENIs over the partitions, each in one and in order', async ({ expect }) => {
      await well(replayArgs(small, 'spread'));
      const messages = await messagesIn('spread');
      const partitionsOf = new Map<string, Set<number>>();
      for (const { key, partition } of messages) {
        partitionsOf.set(String(key), (partitionsOf.get(String(key)) ?? new Set()).add(partition));
      }
      expect([...partitionsOf.keys()].sort()).toEqual([...ENIS].sort());
      expect([...partitionsOf.values()].map(({ size }) => size)).toEqual([1, 1, 1, 1]);
      const used = new Set(messages.map(({ partition }) => partition));
      expect(used.size).toBeGreaterThan(1);
      for (const partition of used) {
        const own = messages.filter((message) => message.partition === partition);
        const sequences = own.map(({ value }) => decodeBatch(value).identity.sequence);
        expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
      }
      const agents = new Set(messages.map(({ value }) => decodeBatch(value).identity.agent));
      expect([...agents]).toEqual([expect.stringMatching(/^replay-[0-9a-f]{24}$/)]);
    });
  });

  test('that is killed in the middle and run again adds what was missing, and nothing twice', async () => {
    let sent = 0;
    for (let time = 0; time < 2; time++) {
      const before = sent;
      const replay = Running.start(replayArgs(large, 'killed'));
      await moreThan(before, 'killed');
      expect(await replay.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL', stderr: '' });
      sent = (await messagesIn('killed')).length;
      expect(sent - before).toBeLessThan(BATCHES);
    }
    await well(replayArgs(large, 'killed'));
    expect(await well(drainArgs('killed'))).toBe(sank('600,000', BATCHES, sent));
    expectSameLines(treeLines(workplace.at('killed')), await replayedLines(large, ...COUNTING));
  });

  test('waits for a broker that is killed in the middle, and goes on when it is back', async () => {
    const replay = Running.start(replayArgs(large, 'gone'));
    await moreThan(0, 'gone');
    await cluster.kill();
    await replay.until(/waiting for Kafka/);
    await cluster.startAgain();
    const { code, stderr } = await replay.ended;
    expect(code).toBe(0);
    const at = `Kafka at ${cluster.brokers}`;
    // That it is back is known within a second, which may be after the end.
    const lines = stderr.split('\n').filter((line) => line !== `windrow: ${at} is back`);
    expect(lines).toEqual([
      `windrow: waiting for ${at}: all broker connections are down`,
      seen(600_000).trimEnd(),
      `windrow: 600,000 entries in 1,200 batches to gone.entries.v1 at ${cluster.brokers}`,
      '',
    ]);
    expect(await well(drainArgs('gone'))).toBe(sank('600,000', BATCHES, 0));
    expectSameLines(treeLines(workplace.at('gone')), await replayedLines(large, ...COUNTING));
  });

  test('says at once what is wrong with its options, and in time that nobody is there', async () => {
    const [port] = await freePorts(1);
    const begun = performance.now();
    const { code, stderr } = await windrow(['replay', small, '--kafka', `127.0.0.1:${port}`, '--kafka-timeout', '2']);
    expect([code, stderr]).toEqual([
      1,
      `windrow: Kafka at 127.0.0.1:${port}: cannot be reached: Connect to ipv4#127.0.0.1:${port} failed: Connection refused: is it running there?\n`,
    ]);
    expect(performance.now() - begun).toBeGreaterThan(2000);
    for (const [wrong, reason] of [
      [['--kafka', 'nowhere'], '--kafka nowhere: expected HOST:PORT, such as localhost:9092'],
      [
        ['--kafka', 'a:1', '--out', 'x', '--output', 'y'],
        '--output and --out and --kafka: entries go one way; choose one of them',
      ],
      [['--kafka', 'a:1', '--compress', 'gzip'], '--compress is for files; batches have --kafka-compression'],
      [['--kafka', 'a:1', '--format', 'table'], '--format table is for people to read, and goes to --output only'],
      [['--kafka', 'a:1', '--project', ''], '--project: expected a name of 1 to 128 bytes, found 0'],
      [['--kafka', 'a:1', '--kafka-prefix', 'a/'], '--kafka-prefix a/: expected up to 128 of A-Z a-z 0-9 . _ -'],
    ] as const) {
      expect(await windrow(['replay', small, ...wrong])).toMatchObject({ code: 2, stderr: `windrow: ${reason}\n` });
    }
  });
});
