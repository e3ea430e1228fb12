// A process that takes batches until it is killed or has taken all, and says what it has done as soon as it has.
import fs from 'node:fs';
import { loadRdkafka } from '../../src/kafka/client.ts';
import type { KafkaSettings } from '../../src/kafka/options.ts';
import { BatchProducer } from '../../src/kafka/producer.ts';
import { Shipper } from '../../src/kafka/shipper.ts';
import { batchOf, numberOf } from './shipper_batches.ts';

/** Its only argument, as JSON. */
export interface ShipperCourse {
  readonly folder: string;
  readonly settings: KafkaSettings;
  readonly boot: number;
  /** The numbers of its batches. */
  readonly from: number;
  readonly count: number;
  /** Of each batch. */
  readonly bytes: number;
  /** Until all is safe, when all are taken. */
  readonly flushMs: number;
}

/** While it waits, its memory is told so often. */
const TELL_MS = 200;
/** While it takes, after so many batches. */
const TELL_EVERY = 50;

const { folder, settings, boot, from, count, bytes, flushMs } = JSON.parse(process.argv[2]) as ShipperCourse;
const say = (line: string): void => void fs.writeSync(1, `${line}\n`);
const sayMemory = (): void => say(`rss ${process.memoryUsage.rss()}`);

const rdkafka = await loadRdkafka(settings);
const shipper = new Shipper({
  agent: 'agent-1',
  boot,
  folder,
  spool: { segmentBytes: 1 << 20 },
  makeProducer: () => new BatchProducer(rdkafka, settings, { reachable: () => undefined, delivered: () => undefined }),
  listener: {
    lost: (batch, why) => say(`lost ${numberOf(batch)} ${why}`),
    arrived: () => undefined,
    begins: () => undefined,
    fails: () => undefined,
    spoolFails: ({ message }) => say(`error ${message}`),
    damaged: ({ message, records }) => say(`damage ${records} ${message}`),
  },
});
say('starts');
await shipper.start();
for (let number = from; number < from + count; number++) {
  await shipper.take(batchOf(number, { bytes }));
  say(`taken ${number}`);
  if (number % TELL_EVERY === 0) sayMemory();
}
say('all taken');
const telling = setInterval(sayMemory, TELL_MS);
say(`flushed ${await shipper.flush(flushMs)}`);
clearInterval(telling);
await shipper.close();
