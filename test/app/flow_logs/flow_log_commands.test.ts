// Flow logs as users create, list, change, start, stop and delete them; and what is refused.
import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isRoot, testWhere } from '../../needs.ts';
import type { FlowLog } from '../../../src/flowlog/flow_log.ts';
import { Workplace, linesOf, windrow } from '../program.ts';
import type { Ended } from '../program.ts';

const workplace = new Workplace();
let files = 0;
const newState = (): string => workplace.at(`state-${++files}/flow-logs.json`);

const flowlog = (state: string, ...args: string[]): Promise<Ended> => windrow(['flowlog', ...args, '--state', state]);
const create = (state: string, name: string, ...args: string[]): Promise<Ended> =>
  flowlog(state, 'create', '--name', name, '--resource-type', 'VPC', '--resource-id', 'vpc-1', ...args);

async function one(ending: Promise<Ended>): Promise<FlowLog> {
  const { code, stdout, stderr } = await ending;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(linesOf(stdout)).toHaveLength(1);
  return JSON.parse(stdout) as FlowLog;
}

async function all(state: string): Promise<FlowLog[]> {
  return (await one(flowlog(state, 'list', '--json'))) as unknown as FlowLog[];
}

async function refused(ending: Promise<Ended>, code: number): Promise<string> {
  const ended = await ending;
  expect({ code: ended.code, stdout: ended.stdout }, ended.stderr).toEqual({ code, stdout: '' });
  expect(linesOf(ended.stderr)).toHaveLength(1);
  return ended.stderr;
}

describe.concurrent('a flow log', () => {
  test('is created with all that was said of it, and found by name and by id', async () => {
    const state = newState();
    const settings = ['--description', 'who talks to whom', '--traffic-type', 'drop', '--ip-version', 'dualstack'];
    const places = ['--project', 'prod', '--logstore', 'web', '--aggregation-interval', '1'];
    const lists = [
      '--traffic-path',
      'internet,vbr',
      '--traffic-path',
      'ECR',
      '--tag',
      'team=net,env=',
      '--tag',
      'a=b=c',
    ];
    const made = await one(
      flowlog(
        state,
        'create',
        ...['--name', 'web', '--resource-type', 'vswitch', '--resource-id', 'vsw-1', '--json'],
        ...[...settings, ...places, ...lists],
      ),
    );
    expect(made).toEqual({
      id: expect.stringMatching(/^fl-[0-9a-f]{20}$/) as string,
      name: 'web',
      description: 'who talks to whom',
      resourceType: 'VSwitch',
      resourceId: 'vsw-1',
      trafficType: 'Drop',
      ipVersion: 'DualStack',
      aggregationInterval: 1,
      trafficPaths: ['internet', 'vbr', 'ecr'],
      project: 'prod',
      logstore: 'web',
      tags: { team: 'net', env: '', a: 'b=c' },
      status: 'Active',
      creationTime: expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    });
    expect(await one(flowlog(state, 'describe', 'web', '--json'))).toEqual(made);
    expect(await one(flowlog(state, 'describe', made.id, '--json'))).toEqual(made);
    expect(await all(state)).toEqual([made]);
    const described = await flowlog(state, 'describe', 'web');
    expect(described.stdout).toMatch(/^resource +VSwitch vsw-1$/m);
    expect(described.stdout).toMatch(/^tags +team=net, env=, a=b=c$/m);
  });

  test('has what is usual where nothing is said', async () => {
    expect(await one(create(newState(), 'plain', '--json'))).toMatchObject({
      description: '',
      trafficType: 'All',
      ipVersion: 'IPv4',
      aggregationInterval: 10,
      trafficPaths: ['all'],
      project: 'windrow',
      logstore: 'flow-logs',
      tags: {},
    });
  });

  test('is changed in what is said, and in nothing else', async () => {
    const state = newState();
    const before = await one(create(state, 'web', '--tag', 'a=1,b=2', '--json'));
    const other = await one(create(state, 'other', '--json'));
    const changes = ['--name', 'www', '--traffic-type', 'Allow', '--tag', 'b=3,c=4', '--untag', 'a'];
    const after = await one(flowlog(state, 'modify', 'web', ...changes, '--json'));
    expect(after).toEqual({ ...before, name: 'www', trafficType: 'Allow', tags: { b: '3', c: '4' } });
    expect(await all(state)).toEqual([after, other]);
    const name = await refused(flowlog(state, 'modify', 'other', '--name', 'www'), 1);
    expect(name).toContain(`found that of ${before.id}`);
    expect(await refused(flowlog(state, 'modify', 'www'), 2)).toContain('expected what to change, found nothing');
    expect(await refused(flowlog(state, 'modify', 'www', '--untag', 'z'), 2)).toContain('no such tag; it has b, c');
    expect(await refused(flowlog(state, 'modify', 'www', '--resource-id', 'x'), 2)).toContain('unknown option');
    expect(await all(state)).toEqual([after, other]);
  });

  test('is stopped, started again and deleted', async () => {
    const state = newState();
    const made = await one(create(state, 'web', '--json'));
    for (const [command, status] of [
      ['stop', 'Inactive'],
      ['stop', 'Inactive'],
      ['start', 'Active'],
    ]) {
      expect(await one(flowlog(state, command, 'web', '--json'))).toEqual({ ...made, status });
      expect((await all(state))[0].status).toBe(status);
    }
    expect(await one(flowlog(state, 'delete', made.id, '--json'))).toEqual(made);
    expect(await all(state)).toEqual([]);
    expect((await flowlog(state, 'list')).stdout).toBe(
      'no flow logs yet; 0 of 10 (vpc_quota_flowlog_inst_nums_per_user)\n',
    );
    // Its name is free again.
    expect((await one(create(state, 'web', '--json'))).id).not.toBe(made.id);
  });

  test('stands in a table of all', async () => {
    const state = newState();
    await create(state, 'web', '--traffic-path', 'nat-gateway,vbr');
    const { stdout } = await flowlog(state, 'list');
    expect(stdout).toMatch(/^id +name +status +resource +traffic +IP +minutes +paths +project\/logstore *$/m);
    expect(stdout).toMatch(
      /^fl-[0-9a-f]{20} +web +Active +VPC vpc-1 +All +IPv4 +10 +nat-gateway,vbr +windrow\/flow-logs *$/m,
    );
    expect(stdout).toMatch(/^1 of 10 /m);
  });
});

describe.concurrent('refused is', () => {
  test('the eleventh, by the name of the quota, unless there may be more', async () => {
    const state = newState();
    for (let n = 1; n <= 10; n++) expect((await create(state, `n${n}`)).code).toBe(0);
    const eleventh = await refused(create(state, 'n11'), 1);
    expect(eleventh).toContain('the quota vpc_quota_flowlog_inst_nums_per_user is used up');
    expect(eleventh).toContain('found 10');
    expect(await all(state)).toHaveLength(10);
    expect((await create(state, 'n11', '--quota', '11')).code).toBe(0);
    // It is kept.
    expect(await refused(create(state, 'n12'), 1)).toContain('expected fewer than 11 flow logs, found 11');
    expect((await flowlog(state, 'delete', 'n1')).code).toBe(0);
    expect((await create(state, 'n12')).code).toBe(0);
  }, 120_000);

  test('a name that is taken, and one that nobody has, with the nearest', async () => {
    const state = newState();
    expect(await refused(flowlog(state, 'stop', 'web'), 1)).toContain('there are none yet: create one');
    const made = await one(create(state, 'web', '--json'));
    expect(await refused(create(state, 'web'), 1)).toContain(`found that of ${made.id}`);
    for (const command of ['describe', 'stop', 'start', 'delete']) {
      expect(await refused(flowlog(state, command, 'wep'), 1)).toContain('did you mean web?');
    }
    expect(await refused(flowlog(state, 'describe', 'something else'), 1)).toContain('windrow flowlog list names');
    expect(await all(state)).toEqual([made]);
  });

  test.each([
    [['--traffic-type', 'Alow'], /--traffic-type: expected All, Allow or Drop, found "Alow"; did you mean Allow\?/],
    [['--ip-version', 'IPv5'], /--ip-version: expected IPv4 or DualStack, found "IPv5"; did you mean IPv4\?/],
    [['--aggregation-interval', '2'], /--aggregation-interval: expected 1, 5 or 10, found "2"/],
    [['--traffic-path', 'natgateway'], /--traffic-path: .*did you mean nat-gateway\?/],
    [['--traffic-path', 'all,vbr'], /--traffic-path: expected all alone/],
    [['--traffic-path', 'vbr,vbr'], /--traffic-path: expected all alone, or other paths, each once/],
    [['--tag', 'novalue'], /--tag novalue: expected KEY=VALUE/],
    [
      ['--tag', Array.from({ length: 21 }, (_, n) => `k${n}=v`).join(',')],
      /--tag: expected at most 20 tags, found "21"/,
    ],
    [['--name', ''], /--name: expected 1 to 128 characters/],
    [['--name', ' '], /--name: expected 1 to 128 characters/],
    [['--name', 'x'.repeat(129)], /--name: expected 1 to 128 characters .*found "x{40}\.\.\."/],
    [['--name', 'a\u001b[31m'], /--name: .*found "a\\u001b\[31m"/],
    [['--name', 'fl-00112233445566778899'], /--name: expected a name that is no id/],
    [['--description', 'two\nlines'], /--description: expected at most 256 characters in one line/],
    [['--resource-id', '-'], /--resource-id: expected the id of an ENI/],
    [['--resource-type', 'Subnet'], /--resource-type: expected NetworkInterface, VSwitch or VPC, found "Subnet"/],
    [['--quota', '0'], /--quota/],
  ])('%j', async (args, expected) => {
    const state = newState();
    expect(await refused(create(state, 'x', ...args), 2)).toMatch(expected);
    expect(await all(state)).toEqual([]);
  });

  test('a file that is none', async () => {
    for (const state of ['-', '']) {
      expect(await refused(create(state, 'x'), 2)).toContain(`--state ${JSON.stringify(state)}: expected a file`);
    }
  });

  test.each(['--name', '--resource-type', '--resource-id'])('a flow log without %s', async (missing) => {
    const given = { '--name': 'x', '--resource-type': 'VPC', '--resource-id': 'vpc-1' };
    const args = Object.entries(given).filter(([flag]) => flag !== missing);
    expect(await refused(flowlog(newState(), 'create', ...args.flat()), 2)).toContain(`${missing} `);
  });

  test('a command that there is not', async () => {
    expect((await windrow(['flowlog', 'creat'])).code).toBe(2);
    expect((await windrow(['flowlog'])).code).toBe(2);
    const help = await windrow(['flowlog', '--help']);
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('windrow flowlog stop web');
  });
});

describe.concurrent('the file of flow logs', () => {
  const good = { version: 1, quotas: { vpc_quota_flowlog_inst_nums_per_user: 10 }, flowLogs: [] as unknown[] };
  const text = async (): Promise<string> => {
    const state = newState();
    await create(state, 'web');
    return fs.readFileSync(state, 'utf8');
  };

  test('is refused where a newer Windrow wrote it, and stays as it is', async () => {
    const file = workplace.file(JSON.stringify({ version: 2, news: true }));
    for (const ending of [flowlog(file, 'list'), create(file, 'x')]) {
      expect(await refused(ending, 1)).toContain('expected version 1, found 2: a newer Windrow wrote it');
    }
    expect(fs.readFileSync(file, 'utf8')).toBe(JSON.stringify({ version: 2, news: true }));
  });

  test.each([
    ['', /expected JSON/],
    ['{', /expected JSON/],
    ['null', /expected flow logs, found at \/: must be object/],
    ['[]', /must be object/],
    ['{"version":0}', /expected flow logs/],
    [JSON.stringify({ ...good, more: 1 }), /must NOT have additional properties/],
    [JSON.stringify({ ...good, quotas: {} }), /at \/quotas: /],
    [JSON.stringify({ ...good, flowLogs: [{ name: 'x' }] }), /at \/flowLogs\/0: /],
  ])('is refused where it is %j', async (content, expected) => {
    const file = workplace.file(content);
    expect(await refused(flowlog(file, 'list'), 1)).toMatch(expected);
    expect(await refused(create(file, 'x'), 1)).toMatch(expected);
    expect(fs.readFileSync(file, 'utf8')).toBe(content);
  });

  test('is refused with values that no flow log can have, and with one of them twice', async () => {
    const state = JSON.parse(await text()) as { flowLogs: FlowLog[] };
    const [web] = state.flowLogs;
    const wrong = (...flowLogs: FlowLog[]): Promise<string> =>
      refused(flowlog(workplace.file(JSON.stringify({ ...state, flowLogs })), 'list'), 1);
    expect(await wrong({ ...web, name: 'a\u001b[2J' })).toContain('at /flowLogs/0/name: expected 1 to 128 characters');
    expect(await wrong(web, { ...web, name: 'x' })).toContain('at /flowLogs/1: expected a name and an id of its own');
    expect(await wrong({ ...web, trafficPaths: [] })).toContain('/flowLogs/0/trafficPaths');
  });

  test('may be a link, whose target is changed', async () => {
    const [target, link] = [workplace.file(await text()), workplace.at('link.json')];
    fs.symlinkSync(target, link);
    expect((await create(link, 'second')).code).toBe(0);
    expect(fs.lstatSync(link).isSymbolicLink()).toBe(true);
    expect((await all(target)).map(({ name }) => name)).toEqual(['web', 'second']);
  });

  test('is no directory', async () => {
    expect(await refused(flowlog(workplace.directory, 'list'), 1)).toContain('it is a directory');
  });

  testWhere(isRoot, 'another user needs root')('says so where it cannot be written', async () => {
    const folder = workplace.at('closed');
    fs.mkdirSync(folder, { mode: 0o755 });
    const args = ['flowlog', 'create', '--name', 'x', '--resource-type', 'VPC', '--resource-id', 'v'];
    const ended = await windrow([...args, '--state', `${folder}/x.json`], { uid: 65_534 });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/cannot be written: permission denied/);
  });
});
