// The addon in several threads of one process, and in threads that are ended while it works.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as p from '../packets.ts';

const ROOT = new URL('../../', import.meta.url);

/** What a thread does: replays the capture `rounds` times with two workers, and says what came out, or how far it is. */
const THREAD = `
import { parentPort, workerData } from 'node:worker_threads';
const { root, capture, rounds } = workerData;
const { Exchange } = await import(root + 'dist/flow/exchange.js');
const { Worker } = await import(root + 'dist/flow/worker.js');
const { Collector } = await import(root + 'dist/flow/collector.js');
const { Recorder } = await import(root + 'dist/flowlog/recorder.js');
const { EniDirectory } = await import(root + 'dist/flowlog/eni_directory.js');
const { EveryEni } = await import(root + 'dist/flowlog/subscribers.js');
const { LineWriter } = await import(root + 'dist/flowlog/line_writer.js');
const { readLocality } = await import(root + 'dist/cloud/locality.js');
const { openPlainFile } = await import(root + 'dist/capture/source.js');
const { closeSync } = await import('node:fs');
const { setImmediate: turn } = await import('node:timers/promises');
parentPort.postMessage({ stage: 'loaded' });
for (let round = 0; round < rounds; round++) {
  const locality = readLocality([], []);
  const { fd } = openPlainFile(capture);
  const options = { workers: 2, chunkBytes: 4096, maxFlows: 100_000, windowSeconds: 60, latenessSeconds: 2, decapsulate: false };
  const exchange = new Exchange({ ...options, fd, locality: locality.native });
  const tasks = [0, 1].map((worker) => ({ exchange: exchange.share(), worker, maxFlows: 1000, paths: [capture], isFile: true }));
  let text = '';
  const room = new Uint8Array(1 << 16);
  const lines = { room: () => room, wrote: (bytes) => {
    text += Buffer.from(room.buffer, 0, bytes);
    parentPort.postMessage({ stage: 'lines' });
  } };
  const collector = new Collector(exchange);
  const enis = new EniDirectory(exchange, locality);
  const subscribers = new EveryEni(enis, { name: 'fl', project: 'p', logstore: 'l' }, 60);
  const writer = new LineWriter(subscribers, lines);
  const recorder = new Recorder({ exchange, collector, enis, subscribers, writer, windowSeconds: 60 });
  const recorded = recorder.recordAll();
  const workers = tasks.map((task) => new Worker(task));
  parentPort.postMessage({ stage: 'opened' });
  for (let busy = workers; busy.length > 0; await turn()) {
    const went = await Promise.all(busy.map((worker) => worker.step(false)));
    busy = busy.filter((_, i) => went[i] === 'more');
  }
  await recorded;
  const { packets } = await recorder.finish([]);
  collector.close();
  closeSync(fd);
  parentPort.postMessage({ stage: 'done', packets: packets.seen, text });
}
`;

/** Begins a program of the main thread: starts threads, and waits for a stage of one. */
const MAIN = `
import { Worker } from 'node:worker_threads';
const [root, capture, thread] = process.argv.slice(1);
const start = (rounds) => {
  const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(thread)), { workerData: { root, capture, rounds } });
  worker.on('error', (error) => { throw error; });
  return worker;
};
const reach = (worker, stage) => new Promise((resolve) => {
  worker.on('message', (message) => { if (message.stage === stage) resolve(message); });
});
`;

let folder: string;
let capture: string;
const PACKETS = 30_000;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-threads-'));
  capture = path.join(folder, 'many.pcap');
  const frames = Array.from({ length: PACKETS }, (_, i) => ({
    data: p.ethernet(
      {},
      p.ipv4({ src: `10.0.${i % 7}.${i % 200}`, protocol: 6 }, p.tcp({ sport: i % 5000, flags: i % 9 ? 16 : 2 })),
    ),
    sec: 1_700_000_000 + Math.floor(i / 100),
  }));
  fs.writeFileSync(capture, p.pcap(frames));
});
afterAll(() => {
  fs.rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in a process of its own: a crash of the addon is its death, not ours. */
function run(program: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const args = ['--input-type=module', '--eval', MAIN + program, ROOT.href, capture, THREAD];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

test('four threads at once make the same entries, each for itself', async () => {
  const ended = await run(`
    const messages = await Promise.all([1, 2, 3, 4].map(() => reach(start(1), 'done')));
    console.log(JSON.stringify({ seen: messages.map((m) => m.packets), texts: new Set(messages.map((m) => m.text)).size, lines: messages[0].text.split('\\n').length - 1 }));
  `);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  const { seen, texts, lines } = JSON.parse(ended.stdout) as { seen: number[]; texts: number; lines: number };
  expect(seen).toEqual([PACKETS, PACKETS, PACKETS, PACKETS]);
  expect(texts).toBe(1);
  expect(lines).toBeGreaterThan(PACKETS / 20);
});

test.each(['loaded', 'opened', 'lines', 'done'])(
  'a thread that is ended when it is at "%s" takes nothing with it',
  async (stage) => {
    const ended = await run(`
    for (let i = 0; i < 4; i++) {
      const victim = start(1000);
      await reach(victim, '${stage}');
      const other = start(1);
      const finished = reach(other, 'done');
      await victim.terminate();
      const { packets } = await finished;
      if (packets !== ${PACKETS}) throw new Error('the other thread counted ' + packets);
    }
    console.log('well');
  `);
    expect(ended).toEqual({ code: 0, signal: null, stdout: 'well\n', stderr: '' });
  },
);

test('a process ends by itself and cleanly while threads are in the middle of a replay', async () => {
  const ended = await run(`
    const workers = [start(1000), start(1000)];
    await Promise.all(workers.map((worker) => reach(worker, 'lines')));
    console.log('well');
    process.exit(0);
  `);
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'well\n', stderr: '' });
});

/** A program with an exchange of three workers, of which only some may have a thread. */
const SHARED = `
  const { Exchange } = await import(root + 'dist/flow/exchange.js');
  const { Collector } = await import(root + 'dist/flow/collector.js');
  const { ShardPool } = await import(root + 'dist/flow/pool.js');
  const { openPlainFile } = await import(root + 'dist/capture/source.js');
  const { readLocality } = await import(root + 'dist/cloud/locality.js');
  const locality = readLocality([], []).native;
  const options = { chunkBytes: 4096, maxFlows: 1000, windowSeconds: 60, latenessSeconds: 2, decapsulate: false, locality };
  const pool = new ShardPool(new URL(root + 'dist/app/worker.js'), 3);
  const begin = (exchange, worker) => pool.start({ exchange: exchange.share(), worker, maxFlows: 1000, paths: [capture], isFile: true });
`;

test('workers that wait for others, or for room, come back when they are stopped', async () => {
  const ended = await run(`${SHARED}
    const exchange = new Exchange({ ...options, workers: 3, fd: openPlainFile(capture).fd });
    // Nobody folds for the third, and nobody takes rows: the two others are soon at the end of what they can do.
    const ends = [begin(exchange, 0), begin(exchange, 1)].map(({ port, ended }) => {
      let said = 'nothing';
      port.on('message', ({ type }) => (said = type));
      return ended.then(() => said);
    });
    while (exchange.clock.packets < 10_000) await new Promise(setImmediate);
    exchange.stop();
    console.log(...(await Promise.all(ends)));
    await pool.close();
  `);
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'nothing nothing\n', stderr: '' });
});

test('a worker that joins after the stop comes back at once', async () => {
  const ended = await run(`${SHARED}
    const stopped = new Exchange({ ...options, workers: 3, fd: openPlainFile(capture).fd });
    stopped.stop();
    await Promise.all([0, 1, 2].map((worker) => begin(stopped, worker).ended));
    await pool.close();
    console.log('well');
  `);
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'well\n', stderr: '' });
});

test('a worker whose thread is ended leaves the others as they are: they wait, and can be stopped', async () => {
  const ended = await run(`${SHARED}
    const exchange = new Exchange({ ...options, workers: 2, fd: openPlainFile(capture).fd });
    const collector = new Collector(exchange);
    const waiting = begin(exchange, 1).ended;
    const task = { exchange: exchange.share(), worker: 0, maxFlows: 1000, paths: [capture], isFile: true };
    const stepping = \`
      import { parentPort, workerData } from 'node:worker_threads';
      const { Worker } = await import(workerData.root + 'dist/flow/worker.js');
      const worker = new Worker(workerData.task);
      for (let steps = 0; ; steps++) {
        await worker.step(false);
        if (steps === 20) parentPort.postMessage({ stage: 'stepping' });
      }
    \`;
    const victim = new Worker(new URL('data:text/javascript,' + encodeURIComponent(stepping)), { workerData: { root, task } });
    await reach(victim, 'stepping');
    await victim.terminate();
    exchange.stop();
    await waiting;
    collector.close();
    await pool.close();
    console.log('well');
  `);
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'well\n', stderr: '' });
});
