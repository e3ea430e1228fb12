// A process that appends to a spool and reads from it until it is killed, and says what it has done as soon as it has.
// Its arguments: the spool's module as it is built, a folder, a number of this life, how many appends are under way at
// once, and its mode.
import fs from 'node:fs';

/** What stands in a payload: the life that appended it, and a number in that life; the rest follows from both. */
export function payloadIn(life: number, number: number): Buffer {
  const payload = Buffer.alloc(8 + ((life * 7919 + number * 104_729) % 9000), number % 251);
  payload.writeUInt32LE(life, 0);
  payload.writeUInt32LE(number, 4);
  return payload;
}

/** Segments of a few records: there are many ends and beginnings to be killed at. */
const SEGMENT_BYTES = 50_000;
const TICK_MS = 2;

/** `keeps`: all that it appends; `sends`: also reads and acknowledges; `evicts`: has room for little. */
export type Mode = 'keeps' | 'sends' | 'evicts';

async function run(): Promise<void> {
  const [module, folder, life, atOnce, mode] = process.argv.slice(2);
  const { Spool } = (await import(module)) as typeof import('../../src/kafka/spool.ts');
  const say = (line: string): void => void fs.writeSync(1, `${line}\n`);
  say('opens');
  const spool = await Spool.open(folder, {
    segmentBytes: SEGMENT_BYTES,
    maxBytes: (mode === 'evicts' ? 6 : 10_000) * SEGMENT_BYTES,
    clock: {
      now: () => Date.now(),
      every: (_, action) => {
        const timer = setInterval(() => void action(), TICK_MS);
        return () => clearInterval(timer);
      },
    },
    onEvicted: (payload) => say(`evicted ${namedIn(payload)}`),
    onDamage: ({ message, records }) => say(`damage ${records} ${message}`),
    onError: ({ message }) => say(`error ${message}`),
  });
  let number = 0;
  const append = async (): Promise<void> => {
    for (;;) {
      const mine = number++;
      const position = await spool.append(payloadIn(Number(life), mine));
      say(`accepted ${mine} ${position}`);
    }
  };
  const send = async (): Promise<void> => {
    for (;;) {
      const records = await spool.read(20_000);
      for (const { payload } of records) say(`sent ${namedIn(payload)}`);
      spool.ack(records.at(-1)!.position);
    }
  };
  await Promise.all([...Array.from({ length: Number(atOnce) }, append), ...(mode === 'sends' ? [send()] : [])]);
}

function namedIn(payload: Uint8Array): string {
  const bytes = Buffer.from(payload);
  const [life, number] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
  return bytes.equals(payloadIn(life, number)) ? `${life} ${number}` : 'something else';
}

if (process.argv[1] === new URL(import.meta.url).pathname) await run();
