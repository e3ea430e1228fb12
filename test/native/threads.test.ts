// The addon in several threads of one process, and in threads that are ended while it works.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as p from '../packets.ts';

const ROOT = new URL('../../', import.meta.url);

/** What a thread does: replays the capture `rounds` times, and says what came out, or how far it is. */
const THREAD = `
import { parentPort, workerData } from 'node:worker_threads';
const { root, capture, rounds } = workerData;
const { Shard } = await import(root + 'dist/flow/shard.js');
const { Recorder } = await import(root + 'dist/flowlog/recorder.js');
const { readLocality } = await import(root + 'dist/cloud/locality.js');
parentPort.postMessage({ stage: 'loaded' });
for (let round = 0; round < rounds; round++) {
  const locality = readLocality([], []);
  const shard = new Shard({ maxFlows: 1000, windowSeconds: 60, latenessSeconds: 2, decapsulate: false, locality: locality.native });
  let text = '';
  const room = new Uint8Array(1 << 16);
  const lines = { room: () => room, wrote: (bytes) => (text += Buffer.from(room.buffer, 0, bytes)) };
  await shard.open([capture]);
  parentPort.postMessage({ stage: 'opened' });
  const recorder = new Recorder(shard, locality, 60, lines, undefined);
  for await (const window of shard.windows()) {
    if (window) await recorder.record(window);
    parentPort.postMessage({ stage: 'window' });
  }
  const { packets } = await recorder.finish();
  shard.close();
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

test.each(['loaded', 'opened', 'window', 'done'])(
  'a thread that is ended when it is %s takes nothing with it',
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
    await Promise.all(workers.map((worker) => reach(worker, 'window')));
    console.log('well');
    process.exit(0);
  `);
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'well\n', stderr: '' });
});
