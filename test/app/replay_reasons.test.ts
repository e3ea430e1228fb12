// By what entries were judged, on every way that they go: a tree says the same as lines do, and says nothing unless it is asked.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { entriesOf } from './entry_line.ts';
import { Workplace, linesOf, shell, windrow } from './program.ts';
import { expectSameLines, filesOf, replayedLines, treeLines } from './tree_lines.ts';

const EXAMPLE = fileURLToPath(new URL('../../docker/example/', import.meta.url));
const NETWORK = `${EXAMPLE}network.yaml`;
const X_KEYS = ['x-flow-log', 'x-rule', 'x-verdict-source'];

const workplace = new Workplace();
let capture: string;
let counting: string[];
let roots = 0;

beforeAll(async () => {
  capture = workplace.at('example.pcap');
  const made = await shell('node "$1" "$2"', [`${EXAMPLE}capture.mjs`, capture]);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  counting = [capture, '--network', NETWORK, '--window', '20'];
});

async function tree(args: readonly string[], root = workplace.at(`root-${++roots}`)): Promise<string> {
  const done = await windrow(['replay', ...args, '--out', root, '--quiet']);
  expect(done).toMatchObject({ code: 0, stdout: '', stderr: '' });
  const checked = await windrow(['sink', '--check', root]);
  expect(checked.code, checked.stdout).toBe(0);
  return root;
}

describe('a tree', () => {
  test('has the lines that --output has, with reasons and without', async () => {
    const [plain, extended] = [await replayedLines(...counting), await replayedLines(...counting, '--extended')];
    expectSameLines(treeLines(await tree(counting)), plain);
    const root = await tree([...counting, '--extended']);
    expectSameLines(treeLines(root), extended);
    expect(plain.join('')).not.toContain('"x-');
    const rules = new Set(
      entriesOf(treeLines(root).join('\n')).map((entry) => (entry as Record<string, string>)['x-rule']),
    );
    for (const rule of ['-', 'sg-web/no-scanner', 'sg-web/https', 'sg-db/postgres', 'default-out'])
      expect(rules).toContain(rule);
    // Behind the documented keys, which are as they were.
    const documented = extended.map((line) => line.replace(/,"x-rule":.*$/, '}'));
    expect(documented).toEqual(plain);
    for (const workers of ['2', '5']) {
      expectSameLines(treeLines(await tree([...counting, '--extended', '--workers', workers])), extended);
    }
  });

  test('has both side by side where both were asked for, and neither twice', async () => {
    const [plain, extended] = [await replayedLines(...counting), await replayedLines(...counting, '--extended')];
    const root = await tree(counting);
    for (let time = 0; time < 2; time++) {
      await tree([...counting, '--extended'], root);
      await tree(counting, root);
    }
    expectSameLines(treeLines(root), [...plain, ...extended]);
  });

  test('is compressed and divided into files like any other', async () => {
    const extended = await replayedLines(...counting, '--extended');
    const root = await tree([...counting, '--extended', '--compress', 'gzip']);
    const files = filesOf(root).map((file) => `${root}/${file}`);
    const { stdout } = await shell('zcat "$@"', files);
    expectSameLines(linesOf(stdout), extended);
  });

  test('says of which flow log an entry is, where there are flow logs', async () => {
    const state = workplace.at('flow-logs.json');
    for (const [name, ...more] of [
      ['all "of" them', '--aggregation-interval', '1'],
      ['refused', '--traffic-type', 'Drop', '--logstore', 'refused'],
    ]) {
      const vpc = ['--resource-type', 'VPC', '--resource-id', 'vpc-shop'];
      const made = await windrow(['flowlog', 'create', '--name', name, ...vpc, ...more, '--state', state]);
      expect(made.code, made.stderr).toBe(0);
    }
    const args = [capture, '--network', NETWORK, '--flow-logs', state, '--extended'];
    const lines = await replayedLines(...args);
    const root = await tree(args);
    expectSameLines(treeLines(root), lines);
    const entries = entriesOf(lines.join('\n')) as Record<string, string>[];
    expect(new Set(entries.map((entry) => entry['x-flow-log']))).toEqual(new Set(['all "of" them', 'refused']));
    for (const entry of entries) expect(Object.keys(entry).slice(21)).toEqual(X_KEYS);
    const refused = filesOf(root).filter((file) => file.startsWith('windrow/refused/'));
    const text = refused.map((file) => fs.readFileSync(`${root}/${file}`, 'utf8')).join('');
    expect(new Set(linesOf(text).map((line) => (JSON.parse(line) as Record<string, string>)['x-flow-log']))).toEqual(
      new Set(['refused']),
    );
  });
});

describe('without a network', () => {
  test('nothing was judged, in lines and in a tree, and verify takes both', async () => {
    const lines = await replayedLines(capture, '--window', '20', '--extended');
    const root = await tree([capture, '--window', '20', '--extended']);
    expectSameLines(treeLines(root), lines);
    const reasons = lines.map((line) => line.slice(line.indexOf(',"x-')));
    expect(new Set(reasons)).toEqual(new Set([',"x-rule":"-","x-verdict-source":"none"}']));
    const file = workplace.file(`${lines.join('\n')}\n`);
    const verified = await windrow(['verify', capture, file, '--window', '20', '--quiet']);
    expect(verified).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const [first, ...rest] = lines;
    const other = workplace.file([first.replace('"x-rule":"-"', '"x-rule":"r"'), ...rest, ''].join('\n'));
    const found = await windrow(['verify', capture, other, '--window', '20']);
    expect(found.code).toBe(1);
    expect(found.stdout).toMatch(/x-rule: expected -, found r \(line 1\)/);
  });
});

test.each([
  [['--extended', '--format', 'aws'], '--extended goes with --format json'],
  [['--extended', '--format', 'aws', '--out', 'x'], '--extended goes with --format json'],
  [
    ['--extended', '--format', 'table'],
    '--format table has no lines: --aws-fields goes with --format aws, --extended with json',
  ],
])('%j is wrong, in one clear line', async (args, message) => {
  const { code, stdout, stderr } = await windrow(['replay', capture, ...args]);
  expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: `windrow: ${message}\n` });
});
