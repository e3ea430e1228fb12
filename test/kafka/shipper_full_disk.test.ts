// A shipper on a disk without room: it goes on, says what it loses, and tells of it when there is room again.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { Workplace } from '../app/program.ts';
import { isRoot, testWhere } from '../needs.ts';
import { CLUSTER_TIMEOUT_MS, KafkaCluster } from './broker.ts';
import { messagesOf } from './broker_client.ts';
import { describeWithKafka } from './needs.ts';
import { arrivedIn, expectWritten, skippedIn, windowOf } from './shipper_arrived.ts';
import { batchOf, numberOf, range } from './shipper_batches.ts';
import { open, settingsOf } from './shipper_opened.ts';

const DISK_BYTES = 2 << 20;
const BYTES = 10_000;

const workplace = new Workplace();
const disk = workplace.at('disk');
fs.mkdirSync(disk);
const isMounted = isRoot && spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk]).status === 0;
afterAll(() => {
  if (isMounted) execFileSync('umount', [disk]);
});
const full = testWhere(isMounted, 'this process may not mount a tmpfs, which would be full soon');

describeWithKafka('a disk that is full', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
  }, CLUSTER_TIMEOUT_MS);
  afterAll(() => cluster?.close());

  full('costs batches that do not fit, which are told, and SKIPDATA arrives for their windows', async () => {
    await cluster.stop();
    const spool = { segmentBytes: 100_000 };
    const { shipper, told } = await open(path.join(disk, 'spool'), settingsOf(cluster.brokers, { timeoutMs: 500 }), {
      spool,
    });
    for (const number of range(0, 400)) await shipper.take(batchOf(number, { bytes: BYTES }));
    const lost = told.lost.map(({ batch }) => numberOf(batch));
    expect(lost.length).toBeGreaterThan(150);
    expect(lost.length).toBeLessThan(350);
    expect(new Set(told.lost.map(({ why }) => why))).toEqual(new Set(['disk']));
    expect(told.spoolFailures.length).toBeGreaterThanOrEqual(lost.length);
    expect(new Set(told.spoolFailures.map(({ message }) => message))).toEqual(
      new Set([`${disk}/spool: cannot be written: no space is left on the device`]),
    );

    await cluster.startAgain();
    // What leaves the spool makes room for what is to be told.
    expect(await shipper.flush(60_000)).toBe(true);
    await shipper.close();
    const { written } = arrivedIn(await messagesOf({ 'bootstrap.servers': cluster.brokers }, 'windrow.entries.v1'));
    const ok = written.filter(({ status }) => status === 'ok');
    const kept = range(0, 400).filter((number) => !lost.includes(number));
    expectWritten(ok, kept, { bytes: BYTES });
    expect(skippedIn(written).sort()).toEqual(told.lost.map(({ batch }) => windowOf(batch)).sort());
    expect(told.damage).toEqual([]);
  });
});
