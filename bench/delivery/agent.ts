// The delivery of an agent, as a process of its own: entries of each second become batches, and go to the shipper.
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { BatchWriter } from '../../src/flowlog/batch_writer.ts';
import type { Columns } from '../../src/flowlog/columns.ts';
import type { EniDirectory } from '../../src/flowlog/eni_directory.ts';
import type { KafkaSettings } from '../../src/kafka/options.ts';
import { PACKAGE_FOLDER } from '../package_folder.ts';
import { seededRandom } from '../random.ts';

/** Its only argument, as JSON. */
export interface AgentCourse {
  readonly folder: string;
  readonly broker: string;
  /** Of the spool. */
  readonly maxBytes: number;
  readonly perSecond: number;
  readonly seconds: number;
}

/** A line of its output, each second. */
export interface AgentState {
  readonly seconds: number;
  readonly entries: number;
  /** Bytes. */
  readonly rss: number;
  readonly spoolBytes: number;
}

const ENIS = 16;
const WINDOW_SECONDS = 60;
const BEGIN = 1_760_000_040;

// What is measured is what is installed.
const dist = pathToFileURL(path.join(PACKAGE_FOLDER, 'dist/')).href;
const load = async <T>(module: string): Promise<T> => (await import(dist + module)) as T;
const { loadRdkafka } = await load<typeof import('../../src/kafka/client.ts')>('kafka/client.js');
const { BatchProducer } = await load<typeof import('../../src/kafka/producer.ts')>('kafka/producer.js');
const { Shipper } = await load<typeof import('../../src/kafka/shipper.ts')>('kafka/shipper.js');
const { BatchWriter: Writer } =
  await load<typeof import('../../src/flowlog/batch_writer.ts')>('flowlog/batch_writer.js');
const { EveryEni: Every } = await load<typeof import('../../src/flowlog/subscribers.ts')>('flowlog/subscribers.js');
const { Columns: Cells } = await load<typeof import('../../src/flowlog/columns.ts')>('flowlog/columns.js');

const course = JSON.parse(process.argv[2]) as AgentCourse;
const settings: KafkaSettings = {
  ...{ brokers: [course.broker], prefix: 'windrow.', partitions: 12, timeoutMs: 5000, compression: 'zstd' },
  ...{ tls: undefined, sasl: undefined },
};
const rdkafka = await loadRdkafka(settings);
const wrong = (what: string): void => {
  throw new Error(what);
};
const shipper = new Shipper({
  agent: 'bench',
  boot: 1,
  folder: course.folder,
  spool: { maxBytes: course.maxBytes },
  makeProducer: () => new BatchProducer(rdkafka, settings, { reachable: () => undefined, delivered: () => undefined }),
  listener: {
    lost: (_, why) => wrong(`a batch was lost: ${why}`),
    arrived: () => wrong('a batch arrived'),
    begins: () => wrong('there is a broker'),
    fails: () => undefined,
    spoolFails: (error) => wrong(error.message),
    damaged: ({ message }) => wrong(message),
  },
});
await shipper.start();
const enis = { eni: (n: number) => ({ ...NOBODY, eniId: `eni-${n}` }) } as unknown as EniDirectory;
const NOBODY = { accountId: '-', vmId: '-', vpcId: '-', vswitchId: '-' };
const subscribers = new Every(enis, { name: 'bench', project: 'windrow', logstore: 'flow-logs' }, WINDOW_SECONDS);
const writer: BatchWriter = new Writer(subscribers, { agent: 'bench', boot: 1, bootOnceEarly: 2 }, shipper);
const columns: Columns = new Cells(Math.ceil(course.perSecond / 8) * 8);
const random = seededRandom(1);
const begun = performance.now();
let entries = 0;
for (let second = 0; second < course.seconds; second++) {
  const windowStart = BEGIN + Math.floor(second / WINDOW_SECONDS) * WINDOW_SECONDS;
  fill(columns, course.perSecond, windowStart);
  await writer.write(columns, course.perSecond, { start: windowStart, isEarly: false, isLast: true });
  entries += course.perSecond;
  const state: AgentState = {
    seconds: (performance.now() - begun) / 1000,
    entries,
    rss: process.memoryUsage.rss(),
    spoolBytes: shipper.stats.bytes,
  };
  process.stdout.write(`${JSON.stringify(state)}\n`);
  await delay(Math.max(0, begun + (second + 1) * 1000 - performance.now()));
}
await shipper.close();

/** Entries as a busy host has them: many remote addresses and ports, few local ones, small counts. */
function fill(cells: Columns, rows: number, windowStart: number): void {
  for (let row = 0; row < rows; row++) {
    const packets = 1 + (random() % 40);
    const isOut = row % 2;
    cells.packets[row] = BigInt(packets);
    cells.bytes[row] = BigInt(packets * (60 + (random() % 1400)));
    cells.start[row] = BigInt(windowStart + (random() % WINDOW_SECONDS));
    cells.end[row] = BigInt(windowStart + WINDOW_SECONDS);
    cells.eni[row] = random() % ENIS;
    const [local, remote] = [0x0a000000 + cells.eni[row], 0xc6120000 + (random() & 0x1ffff)];
    const [port, service] = [1024 + (random() % 60_000), random() % 4 ? 443 : 53];
    put(cells.srcaddr, row, isOut ? local : remote);
    put(cells.dstaddr, row, isOut ? remote : local);
    cells.srcport[row] = isOut ? port : service;
    cells.dstport[row] = isOut ? service : port;
    cells.direction[row] = isOut;
    cells.family[row] = 4;
    cells.protocol[row] = 6;
  }
}

function put(cells: Uint8Array, row: number, address: number): void {
  for (let byte = 0; byte < 4; byte++) cells[row * 16 + byte] = (address >>> (24 - 8 * byte)) & 0xff;
}
