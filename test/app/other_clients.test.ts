// The topic as others see it: clients of other libraries, with nothing of Windrow but the published schema.
import fs from 'node:fs';
import ipaddr from 'ipaddr.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { frames, linked, tunnels } from '../frames.ts';
import { CLUSTER_TIMEOUT_MS, KafkaCluster } from '../kafka/broker.ts';
import { describeWithKafka } from '../kafka/needs.ts';
import * as p from '../packets.ts';
import { Channel } from './channel.ts';
import { FlowLogBatch, ForeignClient } from './foreign_client.ts';
import { Workplace, windrow } from './program.ts';
import { BEGIN, traffic } from './traffic.ts';
import { expectSameLines, filesOf, replayedLines, treeLines } from './tree_lines.ts';

const workplace = new Workplace();

/** A batch as protobufjs gives it: 64 bits as text, enumerations by name. */
interface ReadBatch {
  readonly [column: string]: unknown;
  readonly version: number;
  readonly eni: Readonly<Record<'eniId' | 'accountId' | 'vmId' | 'vpcId' | 'vswitchId', string>>;
  readonly windowStart: string;
  readonly windowSeconds: number;
  readonly status: string;
  readonly entries: number;
  readonly packets: string[];
  readonly bytes: string[];
  readonly start: string[];
  readonly end: string[];
  readonly srcaddr: Uint8Array;
  readonly dstaddr: Uint8Array;
  readonly srcport: number[];
  readonly dstport: number[];
  readonly tcpFlags: number[];
  readonly trafficPath: number[];
  readonly direction: string[];
  readonly action: string[];
  readonly family: string[];
  readonly protocol: number[];
}

/** The entries of a batch as lines: the contract of the schema, written down a second time. */
function linesOfBatch(message: Uint8Array): string[] {
  const options = { longs: String, enums: String, defaults: true };
  const batch = FlowLogBatch.toObject(FlowLogBatch.decode(message), options) as ReadBatch;
  expect(batch.version).toBe(1);
  const known = (text: string): string => (text === '' ? '-' : text);
  const dashed = (value: number): string => (value < 0 ? '-' : `${value}`);
  const time = (offset: string): string => `${BigInt(batch.windowStart) + BigInt.asIntN(64, BigInt(offset))}`;
  const isOk = batch.status === 'OK';
  const at = { srcaddr: 0, dstaddr: 0 };
  const address = (column: 'srcaddr' | 'dstaddr', i: number): string => {
    const size = batch.family[i] === 'IPV6' ? 16 : 4;
    const bytes = batch[column].subarray(at[column], (at[column] += size));
    return size === 4 ? bytes.join('.') : (ipaddr.fromByteArray([...bytes]) as ipaddr.IPv6).toRFC5952String();
  };
  const lines = Array.from({ length: batch.entries }, (_, i) => {
    const ok = (value: () => string): string => (isOk ? value() : '-');
    return JSON.stringify({
      'account-id': known(batch.eni.accountId),
      action: ok(() => batch.action[i]),
      bytes: ok(() => batch.bytes[i]),
      direction: ok(() => batch.direction[i].toLowerCase()),
      dstaddr: ok(() => address('dstaddr', i)),
      dstport: ok(() => dashed(batch.dstport[i])),
      end: time(batch.end[i]),
      'eni-id': known(batch.eni.eniId),
      'log-status': batch.status,
      packets: ok(() => batch.packets[i]),
      protocol: ok(() => `${batch.protocol[i]}`),
      srcaddr: ok(() => address('srcaddr', i)),
      srcport: ok(() => dashed(batch.srcport[i])),
      start: time(batch.start[i]),
      'tcp-flags': ok(() => (batch.protocol[i] === p.PROTOCOL.tcp ? `${batch.tcpFlags[i]}` : '-')),
      traffic_path: ok(() => dashed(batch.trafficPath[i])),
      type: ok(() => (batch.family[i] === 'IPV6' ? 'IPv6' : 'IPv4')),
      version: '1',
      'vm-id': known(batch.eni.vmId),
      'vpc-id': known(batch.eni.vpcId),
      'vswitch-id': known(batch.eni.vswitchId),
    });
  });
  // Nothing is left over.
  expect(at).toEqual({ srcaddr: batch.srcaddr.length, dstaddr: batch.dstaddr.length });
  for (const column of ['packets', 'bytes', 'srcport', 'tcpFlags', 'trafficPath', 'protocol'] as const)
    expect(batch[column]).toHaveLength(isOk ? batch.entries : 0);
  return lines;
}

const MICROS = 1_000_000n;

/** Everything that entries can be of: all frames, silence, and drops. */
function everything(): Uint8Array {
  const blocks: p.Block[] = [p.interfaceBlock({}), p.interfaceBlock({ linkType: p.LINK_TYPE.raw })];
  const begin = BigInt(BEGIN) * MICROS;
  Object.values(frames).forEach((data, n) => {
    blocks.push(p.enhancedPacket({ data, units: begin + BigInt(n) * MICROS }));
  });
  [...Object.values(tunnels), ...Object.values(linked).flatMap(([type, data]) => (type === 12 ? [data] : []))].forEach(
    (data, n) => {
      blocks.push(p.enhancedPacket({ data, interface: 1, units: begin + BigInt(n) * MICROS }));
    },
  );
  // Three minutes of nothing, the second one with drops.
  blocks.push(p.statistics({ units: begin + 100n * MICROS, drops: 5n }));
  blocks.push(p.enhancedPacket({ data: frames['vlan'], units: begin + 240n * MICROS }));
  return p.section(blocks);
}

const HUGE = 2n ** 64n - 1n;
const NAMES = { name: 'foreign', project: 'others', logstore: 'theirs' };

/** A batch of two entries, as somebody else makes it. */
function batch(sequence: number, different: Record<string, unknown> = {}): Buffer {
  const message = FlowLogBatch.fromObject({
    version: 1,
    identity: { agent: 'somebody else', boot: '9007199254740991', sequence },
    flowLog: NAMES,
    eni: { eniId: 'eni-1', accountId: 'a "quoted" name', vswitchId: 'vsw-1' },
    windowStart: BEGIN,
    windowSeconds: 60,
    status: 'OK',
    entries: 2,
    packets: [HUGE.toString(), '9007199254740993'],
    bytes: ['9223372036854775808', HUGE.toString()],
    start: ['0', '59'],
    end: ['60', '60'],
    srcaddr: Buffer.from('0a000001' + '20010db8000000000000000000000001', 'hex'),
    dstaddr: Buffer.from('c0000201' + 'fd000000000000000000000000000002', 'hex'),
    srcport: [65_535, -1],
    dstport: [0, -1],
    tcpFlags: [255, 0],
    trafficPath: [-1, 12],
    direction: ['IN', 'OUT'],
    action: ['REJECT', 'ACCEPT'],
    family: ['IPV4', 'IPV6'],
    protocol: [6, 58],
    ...different,
  });
  return Buffer.from(FlowLogBatch.encode(message).finish());
}

const LINES = [
  '{"account-id":"a \\"quoted\\" name","action":"REJECT","bytes":"9223372036854775808","direction":"in","dstaddr":"192.0.2.1","dstport":"0","end":"1000080","eni-id":"eni-1","log-status":"OK","packets":"18446744073709551615","protocol":"6","srcaddr":"10.0.0.1","srcport":"65535","start":"1000020","tcp-flags":"255","traffic_path":"-","type":"IPv4","version":"1","vm-id":"-","vpc-id":"-","vswitch-id":"vsw-1"}',
  '{"account-id":"a \\"quoted\\" name","action":"ACCEPT","bytes":"18446744073709551615","direction":"out","dstaddr":"fd00::2","dstport":"-","end":"1000080","eni-id":"eni-1","log-status":"OK","packets":"9007199254740993","protocol":"58","srcaddr":"2001:db8::1","srcport":"-","start":"1000079","tcp-flags":"-","traffic_path":"12","type":"IPv6","version":"1","vm-id":"-","vpc-id":"-","vswitch-id":"vsw-1"}',
];

describeWithKafka('a client of another library', () => {
  let cluster: KafkaCluster;
  let foreign: ForeignClient;
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
    foreign = new ForeignClient(cluster.brokers);
  }, CLUSTER_TIMEOUT_MS);
  afterAll(() => cluster?.close());

  async function drained(own: Channel, root: string): Promise<string[]> {
    const { code, stderr } = await windrow(own.drain('--out', root));
    expect(code, stderr).toBe(0);
    return treeLines(root);
  }

  describe('reads', () => {
    test.each(['zstd', 'none'])('all entries that a replay writes, with compression %s', async (codec) => {
      const own = new Channel(cluster.brokers, `read-${codec}`);
      const many = workplace.file(traffic({ entries: 5000, windows: 4 }));
      const all = workplace.file(everything());
      const lines = [];
      for (const [capture, ...options] of [[many], [all, '--window', '60'], [all, '--window', '60', '--decapsulate']]) {
        const sent = await windrow([
          ...['replay', capture, ...options, '--kafka', cluster.brokers, '--kafka-prefix', `read-${codec}.`],
          ...['--kafka-compression', codec, '--kafka-partitions', '3'],
        ]);
        expect(sent.code, sent.stderr).toBe(0);
        lines.push(...(await replayedLines(capture, ...options)));
      }
      const messages = await foreign.read(own.entries);
      expectSameLines(
        messages.flatMap(({ value }) => linesOfBatch(value!)),
        lines,
      );
      const statuses = new Set(lines.map((line) => /"log-status":"(\w+)"/.exec(line)![1]));
      expect([...statuses].sort()).toEqual(['NODATA', 'OK', 'SKIPDATA']);
      for (const { key, value } of messages) {
        const { eni } = FlowLogBatch.decode(value!) as unknown as { eni: { eniId: string } };
        expect(String(key)).toBe(eni.eniId);
      }
    });
  });

  describe('writes', () => {
    test('batches that a sink writes as they are, to the last bit, and each once', async () => {
      const own = new Channel(cluster.brokers, 'written');
      const root = workplace.at('written');
      await cluster.createTopic(own.entries, { partitions: 3 });
      const [first, second] = [batch(0), batch(7, { action: ['ACCEPT', 'REJECT'] })];
      // A field that nobody knows yet.
      const newer = Buffer.concat([batch(8), Buffer.from('c23e0568656c6c6f', 'hex')]);
      const messages = [first, second, first, newer, second];
      await foreign.send(
        own.entries,
        messages.map((value) => ({ key: 'eni-1', value, partition: 1 })),
      );
      const turned = LINES.map((line) =>
        line.replace(/REJECT|ACCEPT/, (action) => (action === 'ACCEPT' ? 'REJECT' : 'ACCEPT')),
      );
      expectSameLines(await drained(own, root), [...LINES, ...turned, ...LINES]);
      expect(filesOf(root)).toEqual([
        'others/theirs/dt=1970-01-12/hour=13/written.entries.v1-1-00000000000000000000.ndjson',
      ]);
      await foreign.send(own.entries, [{ key: 'eni-1', value: batch(8), partition: 1 }]);
      expect(await drained(own, root)).toHaveLength(6);
    });

    test('in transactions, of which the sink takes those that count', async () => {
      const own = new Channel(cluster.brokers, 'transactions');
      const root = workplace.at('transactions');
      await cluster.createTopic(own.entries, { partitions: 3 });
      const fates = [false, true, true, false, false, true];
      await foreign.sendInTransactions(
        own.entries,
        fates.map((isAborted, sequence) => ({ value: batch(sequence), partition: 2, isAborted })),
      );
      expectSameLines(await drained(own, root), [...LINES, ...LINES, ...LINES]);
      expect(fs.existsSync(root)).toBe(true);
    });
  });
});
