// A spool whose process is killed at any moment, again and again: what was accepted is there, once and in order.
import { expect, test } from 'vitest';
import { Workplace } from '../app/program.ts';
import { open, readRest, segmentsOf } from './spool_opened.ts';
import { SpoolProcesses } from './spool_process.ts';
import type { Life } from './spool_process.ts';
import { payloadIn } from './spool_program.ts';
import type { Mode } from './spool_program.ts';

const LIVES = 30;

const workplace = new Workplace();
const processes = new SpoolProcesses(workplace);

interface Appended {
  readonly life: number;
  readonly number: number;
}

/** Lines of this kind, and the numbers in them. */
function numbersIn(lines: readonly string[], kind: string): number[][] {
  return lines.filter((line) => line.startsWith(`${kind} `)).map((line) => line.split(' ').slice(1).map(Number));
}

/** From the first lines, which come when nothing is appended yet, to hundreds. */
function someLines(life: number): number {
  return life % 4 === 0 ? 1 + (life % 3) : 1 + Math.floor(Math.random() * 400);
}

/** A spool is damaged by nothing that a kill can do: at most the last record is cut off, which nobody accepted. */
function expectUndamaged(lines: readonly string[]): void {
  const strange = lines.filter((line) => !/^(opens$|(accepted|sent|evicted) [0-9]+ [0-9]+$)/.test(line));
  for (const line of strange)
    expect(line).toMatch(/^damage 0 .*: [0-9,]+ bytes behind its last whole record were cut off$/);
}

/** What each life appended, in order and without a gap; of the last ones nobody may know that they are there. */
function expectWhole(
  records: readonly Appended[],
  accepted: readonly number[],
  atOnce: (life: number) => number,
): void {
  for (const [life, most] of accepted.entries()) {
    const numbers = records.filter((record) => record.life === life).map(({ number }) => number);
    expect(numbers, `life ${life}`).toEqual(numbers.map((_, i) => i));
    expect(numbers.length).toBeGreaterThanOrEqual(most);
    // Those that were under way.
    expect(numbers.length).toBeLessThanOrEqual(most + atOnce(life));
  }
  expect(records.map(({ life }) => life)).toEqual(records.map(({ life }) => life).sort((a, b) => a - b));
}

function readPayload(payload: Uint8Array): Appended {
  const bytes = Buffer.from(payload);
  const [life, number] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
  expect(bytes.equals(payloadIn(life, number)), `payload ${number} of life ${life}`).toBe(true);
  return { life, number };
}

const atOnceIn = (life: number): number => [1, 3, 20][life % 3];
const lifeOf = (number: number, mode: Mode): Life => ({ number, atOnce: atOnceIn(number), mode });

test('nothing is lost of what was accepted, whenever the process is killed', async () => {
  const folder = workplace.at('spool');
  const accepted: number[] = [];
  for (let life = 0; life < LIVES; life++) {
    const lines = await processes.killAfter(someLines(life), folder, lifeOf(life, 'keeps'));
    expectUndamaged(lines);
    accepted.push(numbersIn(lines, 'accepted').length);
  }
  expect(Math.max(...accepted)).toBeGreaterThan(100);
  expect(Math.min(...accepted)).toBeLessThan(3);

  const { spool, said } = await open(folder);
  expectWhole(
    (await readRest(spool)).map(({ payload }) => readPayload(payload)),
    accepted,
    atOnceIn,
  );
  expect(said.evicted).toEqual([]);
  expect(spool.stats.lostRecords).toBe(0);
  await spool.close();
});

test('what is sent meanwhile is all that was accepted, in order, whenever the process is killed', async () => {
  const folder = workplace.at('sending');
  const accepted: number[] = [];
  /** Whoever receives knows what comes again; what comes for the first time comes in order. */
  const received = new Map<string, Appended>();
  const receive = (life: number, number: number): void => {
    if (!received.has(`${life} ${number}`)) received.set(`${life} ${number}`, { life, number });
  };
  for (let life = 0; life < LIVES; life++) {
    const lines = await processes.killAfter(someLines(life), folder, lifeOf(life, 'sends'));
    expectUndamaged(lines);
    accepted.push(numbersIn(lines, 'accepted').length);
    for (const [of, number] of numbersIn(lines, 'sent')) receive(of, number);
  }
  // What was acknowledged is known beyond the end of a process: the first segments are gone.
  expect(parseInt(segmentsOf(folder)[0])).toBeGreaterThan(100);
  const { spool } = await open(folder);
  for (const { payload } of await readRest(spool)) {
    const { life, number } = readPayload(payload);
    receive(life, number);
  }
  expectWhole([...received.values()], accepted, atOnceIn);
  expect(spool.stats.lostRecords).toBe(0);
  await spool.close();
});

test('what has to leave is given away before it is gone, whenever the process is killed', async () => {
  const folder = workplace.at('evicting');
  const accepted: number[] = [];
  const left = new Map<string, Appended>();
  for (let life = 0; life < LIVES; life++) {
    const lines = await processes.killAfter(someLines(life), folder, lifeOf(life, 'evicts'));
    expectUndamaged(lines);
    accepted.push(numbersIn(lines, 'accepted').length);
    // What is given away twice was not gone when the process was killed.
    for (const [of, number] of numbersIn(lines, 'evicted')) left.set(`${of} ${number}`, { life: of, number });
  }
  expect(left.size).toBeGreaterThan(100);
  const { spool } = await open(folder);
  const rest = (await readRest(spool)).map(({ payload }) => readPayload(payload));
  expectWhole(
    [...left.values(), ...rest.filter(({ life, number }) => !left.has(`${life} ${number}`))],
    accepted,
    atOnceIn,
  );
  expect(rest.length).toBeGreaterThan(10);
  expect(spool.stats.lostRecords).toBe(0);
  await spool.close();
});

test('another process has the folder until it is killed, and nobody else meanwhile', async () => {
  const folder = workplace.at('taken');
  await processes.killAfter(5, folder, lifeOf(0, 'keeps'), async () => {
    await expect(open(folder)).rejects.toThrow(`${folder}: this spool is in use by another process`);
  });
  const { spool, said } = await open(folder);
  expect((await readRest(spool)).length).toBeGreaterThanOrEqual(4);
  expect(spool.stats.lostRecords).toBe(0);
  expect(said.errors).toEqual([]);
  await spool.close();
});
