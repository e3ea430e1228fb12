// The file of flow logs is whole whoever is killed when, and no change is lost to another one.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { addon } from '../../../src/base/addon.ts';
import { StateFile } from '../../../src/app/flow_logs/state_file.ts';
import { isRoot, testWhere } from '../../needs.ts';
import { Workplace, linesOf, windrow } from '../program.ts';

const workplace = new Workplace();
const MODULES = fileURLToPath(new URL('../../../dist/app/flow_logs', import.meta.url));
const SOURCE = fileURLToPath(new URL('state_writer.ts', import.meta.url));
const { outputText } = ts.transpileModule(fs.readFileSync(SOURCE, 'utf8'), {
  compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
});
const WRITER = workplace.file(outputText, 'state_writer.mjs');

function writer(state: string, prefix: string): ChildProcess {
  return spawn(process.execPath, [WRITER, MODULES, state, prefix], { stdio: ['ignore', 'pipe', 'inherit'] });
}

test('flow logs that were created are there after any kill, and the file is never broken', async () => {
  const state = workplace.at('killed.json');
  const file = new StateFile(state);
  const safe: string[] = [];
  for (let life = 0; life < 25; life++) {
    const child = writer(state, `life${life}`);
    let said = '';
    child.stdout!.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await once(child.stdout!, 'data');
    // Somewhere in what it does next: so many turns of this loop are another moment each time.
    for (let turn = 0; turn < life * 7; turn++) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    expect(signal).toBe('SIGKILL');
    // A name that was cut off was not said.
    safe.push(...linesOf(said.slice(0, said.lastIndexOf('\n') + 1)));
    const names = new Set(file.read().flowLogs.map(({ name }) => name));
    expect(safe.filter((name) => !names.has(name))).toEqual([]);
    // At most the one that was under way besides.
    expect(names.size - safe.length).toBeLessThanOrEqual(life + 1);
  }
  expect(safe.length).toBeGreaterThanOrEqual(25);
}, 120_000);

test('of several that write at once each is heard', async () => {
  const state = workplace.at('shared.json');
  const names = Array.from({ length: 6 }, (_, n) => `n${n}`);
  const resource = ['--resource-type', 'VPC', '--resource-id', 'vpc-1'];
  const ended = await Promise.all(
    names.map((name) => windrow(['flowlog', 'create', '--name', name, ...resource, '--state', state])),
  );
  expect(ended.map(({ code, stderr }) => ({ code, stderr }))).toEqual(names.map(() => ({ code: 0, stderr: '' })));
  expect(
    new StateFile(state)
      .read()
      .flowLogs.map(({ name }) => name)
      .sort(),
  ).toEqual(names);
});

test('whoever finds it locked for long says so, and changes nothing', async () => {
  const state = workplace.at('locked.json');
  const fd = fs.openSync(`${state}.lock`, 'a');
  expect(addon.file_lock(fd)).toBe(true);
  try {
    const resource = ['--resource-type', 'VPC', '--resource-id', 'vpc-1'];
    const ended = await windrow(['flowlog', 'create', '--name', 'x', ...resource, '--state', state]);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain('another process is changing it');
    expect(fs.existsSync(state)).toBe(false);
    // Reading needs no lock.
    expect((await windrow(['flowlog', 'list', '--json', '--state', state])).stdout).toBe('[]\n');
  } finally {
    fs.closeSync(fd);
  }
});

testWhere(isRoot, 'only root may give files to others')(
  'what root changes in a folder of another user, that one can change as well',
  async () => {
    const folder = workplace.at('of-other');
    fs.mkdirSync(folder, { mode: 0o755 });
    fs.chownSync(folder, 12_345, 12_345);
    fs.chmodSync(workplace.directory, 0o755);
    const state = `${folder}/fl.json`;
    const create = (name: string, uid?: number): ReturnType<typeof windrow> =>
      windrow(
        ['flowlog', 'create', '--name', name, '--resource-type', 'VPC', '--resource-id', 'v', '--state', state],
        uid === undefined ? {} : { uid },
      );
    expect((await create('one')).code).toBe(0);
    const own = fs.readdirSync(folder).map((name) => fs.lstatSync(`${folder}/${name}`).uid);
    expect(own).toEqual([12_345, 12_345]);
    const second = await create('two', 12_345);
    expect(second.code, second.stderr).toBe(0);
    expect((await create('three')).code).toBe(0);
    expect(new StateFile(state).read().flowLogs.map(({ name }) => name)).toEqual(['one', 'two', 'three']);
    // Nobody is given what a link in that folder means.
    const elsewhere = workplace.file('', 'elsewhere');
    fs.rmSync(`${state}.lock`);
    fs.symlinkSync(elsewhere, `${state}.lock`);
    await create('four');
    expect(fs.statSync(elsewhere).uid).toBe(0);
  },
);
