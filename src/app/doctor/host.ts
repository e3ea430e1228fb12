// The machine that this process runs on.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { systemCode } from '../../base/errors.ts';
import { syncFolder } from '../../base/folders.ts';
import { libpcapVersion } from '../../capture/packet_filter.ts';
import type { FolderNeeds, Machine, Ran, TriedFolder } from './machine.ts';

/** A ruleset of a hundred thousand rules. */
const MOST_OUTPUT_BYTES = 256 << 20;
/** Where administrators' programs are, which are not on everybody's path. */
const MORE_PATH = ':/usr/local/sbin:/usr/sbin:/sbin';
/** Enough that a file system has to find room for it. */
const PROBE_BYTES = 64 << 10;

export const HOST: Machine = {
  platform: process.platform,
  release: os.release(),
  architecture: os.machine(),
  text: (file) => orNothing(() => fs.readFileSync(file, 'utf8')),
  names: (folder) => orNothing(() => fs.readdirSync(folder).sort()),
  macs: () => new Map(Object.entries(os.networkInterfaces()).map(([name, ends]) => [name, ends?.[0]?.mac ?? ''])),
  run,
  libpcap: () => libpcapVersion(),
  tryFolder,
};

/** What cannot be read is as if it were not there: checks say what that means. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (systemCode(error) === '') throw error;
    return undefined;
  }
}

function run(program: string, args: readonly string[], timeoutMs: number): Promise<Ran> {
  const env = { ...process.env, LC_ALL: 'C', PATH: `${process.env['PATH'] ?? ''}${MORE_PATH}` };
  const limits = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MOST_OUTPUT_BYTES } as const;
  return new Promise((resolve) => {
    execFile(program, args, { ...limits, env }, (error, stdout, stderr) => {
      if (!error) resolve({ how: 'done', output: stdout });
      else if (error.code === 'ENOENT') resolve({ how: 'missing' });
      else if (error.killed) resolve({ how: 'failed', why: `it did not end within ${timeoutMs / 1000} s` });
      else resolve({ how: 'failed', why: stderr.trim().split('\n')[0] || error.message });
    });
  });
}

function tryFolder(folder: string, needs: FolderNeeds): TriedFolder {
  const whole = path.resolve(folder);
  let nearest = whole;
  while (path.dirname(nearest) !== nearest && !isSomething(nearest)) nearest = path.dirname(nearest);
  const freeBytes = orNothing(() => {
    const { bavail, bsize } = fs.statfsSync(nearest);
    return bavail * bsize;
  });
  const isThere = nearest === whole;
  return { nearest, isThere, freeBytes, refusal: refusalOf(nearest, isThere, needs) };
}

/** Also a link that leads nowhere: nothing can be made in its place. */
function isSomething(at: string): boolean {
  return orNothing(() => fs.lstatSync(at)) !== undefined;
}

function refusalOf(nearest: string, isThere: boolean, needs: FolderNeeds): TriedFolder['refusal'] {
  let step: 'look' | 'write' | 'link' = 'look';
  try {
    if (!fs.statSync(nearest).isDirectory()) throw new Error('it is not a directory');
    step = 'write';
    if (!isThere) {
      fs.accessSync(nearest, fs.constants.W_OK | fs.constants.X_OK);
      return undefined;
    }
    probe(nearest, () => (step = 'link'), needs);
  } catch (cause) {
    return { step, cause };
  }
  return undefined;
}

/** What may be written says less than what was. */
function probe(folder: string, beforeLink: () => void, needs: FolderNeeds): void {
  const file = path.join(folder, `.windrow-doctor-${randomUUID()}`);
  const link = `${file}-link`;
  try {
    const fd = fs.openSync(file, 'wx', 0o600);
    try {
      fs.writeSync(fd, Buffer.alloc(PROBE_BYTES));
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    syncFolder(folder);
    beforeLink();
    if (needs.links) fs.linkSync(file, link);
  } finally {
    fs.rmSync(link, { force: true });
    fs.rmSync(file, { force: true });
  }
}
