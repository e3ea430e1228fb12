// Watches of network interfaces end once, in whatever way, and leave no descriptor behind.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import type { NativeLinkWatch } from '../../src/base/addon_types.ts';
import { collectGarbage } from './garbage.ts';
import { linkWatch } from './natives.ts';

const ADDON = fileURLToPath(new URL('../../native-bindings/build/Release/windrow.node', import.meta.url));

const descriptors = (): number => fs.readdirSync('/proc/self/fd').length;

test('a watch is ended twice as well as once, and its descriptor is closed at once', () => {
  const before = descriptors();
  const watches = Array.from({ length: 20 }, () => linkWatch());
  expect(descriptors()).toBe(before + 20);
  for (const watch of watches) addon.link_unwatch(watch);
  expect(descriptors()).toBe(before);
  for (const watch of watches) addon.link_unwatch(watch);
  expect(descriptors()).toBe(before);
});

test('a watch that nobody holds is ended, also where what it calls refers to it', async () => {
  const before = descriptors();
  for (let i = 0; i < 20; i++) linkWatch();
  for (let i = 0; i < 20; i++) {
    const holder: { watch?: NativeLinkWatch } = {};
    holder.watch = linkWatch(() => addon.link_unwatch(holder.watch!));
  }
  const held = linkWatch();
  expect(descriptors()).toBe(before + 41);
  expect(await collectGarbage(() => descriptors() === before + 1)).toBe(true);
  addon.link_unwatch(held);
  expect(descriptors()).toBe(before);
});

/** What a thread, or a process, does before it ends, or is ended. */
const STAGES = {
  watching: 'const watch = link_watch(() => {});',
  unwatched: 'const watch = link_watch(() => {}); link_unwatch(watch);',
  'unwatched before': 'link_unwatch(link_watch(() => {})); await new Promise((done) => setTimeout(done, 20));',
  'lost to the garbage collector': 'link_watch(() => {}); await new Promise(setImmediate); gc(); gc();',
};

const PROLOGUE = `
  const { link_watch, link_unwatch } = require(${JSON.stringify(ADDON)});
  const { Worker, parentPort } = require('node:worker_threads');
  const fs = require('node:fs');
`;

/** Runs a program in a process of its own: a crash of the addon is its death, not ours. */
async function run(program: string): Promise<{ stdout: string; stderr: string }> {
  const args = ['--expose-gc', '--eval', `${PROLOGUE} void (async () => { ${program} })()`];
  return promisify(execFile)(process.execPath, args, { timeout: 60_000 });
}

test.each(Object.entries(STAGES))('a process ends by itself, %s', async (_, stage) => {
  expect(await run(`${stage} console.log('well');`)).toEqual({ stdout: 'well\n', stderr: '' });
  expect(await run(`${stage} console.log('well'); process.exit(0);`)).toEqual({ stdout: 'well\n', stderr: '' });
});

test.each(Object.entries(STAGES))('a thread leaves nothing behind, %s', async (_, stage) => {
  const thread = `${PROLOGUE} void (async () => { ${stage} parentPort.postMessage('there'); IDLE })()`;
  const ended = await run(`
    const count = () => fs.readdirSync('/proc/self/fd').filter((fd) => {
      try { return fs.readlinkSync('/proc/self/fd/' + fd).startsWith('socket:'); } catch { return false; }
    }).length;
    const before = count();
    for (const idle of ['', 'setInterval(() => {}, 1000);']) {
      for (let i = 0; i < 5; i++) {
        const worker = new Worker(${JSON.stringify(thread)}.replace('IDLE', idle), { eval: true });
        const exited = new Promise((resolve) => worker.once('exit', resolve));
        await new Promise((resolve) => worker.once('message', resolve));
        if (idle) await worker.terminate();
        await exited;
      }
    }
    console.log(count() - before);
  `);
  expect(ended).toEqual({ stdout: '0\n', stderr: '' });
});
