// `windrow agent` with lines of AWS flow logs: live entries in them, and where there are none.
import fs from 'node:fs';
import { expect, test } from 'vitest';
import { Workplace, linesOf, windrow } from '../app/program.ts';
import { Running } from '../app/running.ts';
import { Veth, testWithNetwork } from './network.ts';
import { frames } from './program.ts';

const workplace = new Workplace();
const FIELDS = 'interface-id srcport dstport packets flow-direction log-status version';

testWithNetwork('an agent writes lines of AWS flow logs, and the one that names their fields', async () => {
  const veth = Veth.make();
  const output = workplace.at('aws.log');
  const aws = ['--format', 'aws', '--aws-fields', FIELDS, '--output', output];
  const agent = Running.start([
    'agent',
    '--interface',
    veth.here,
    ...aws,
    '--window',
    '60',
    '--metrics',
    '127.0.0.1:0',
  ]);
  await agent.until(new RegExp(`captures at ${veth.here}`));
  await veth.send(frames(3), 20);
  await expect
    .poll(() => agent.metric(`windrow_interface_packets_total{interface="${veth.here}"}`), { timeout: 20_000 })
    .toBe(60);
  const ended = await agent.end('SIGTERM');
  expect(ended.code, ended.stderr).toBe(0);
  const [header, ...lines] = linesOf(fs.readFileSync(output, 'utf8'));
  expect(header).toBe(FIELDS);
  const packets = new Map<string, number>();
  for (const line of lines) {
    const [eni, srcport, dstport, count, direction, status, version] = line.split(' ');
    expect([eni, version]).toEqual([`eni-${veth.here}`, '5']);
    if (status !== 'OK') {
      expect([srcport, dstport, count, direction]).toEqual(['-', '-', '-', '-']);
      continue;
    }
    expect([dstport, direction]).toEqual(['53', 'ingress']);
    packets.set(srcport, (packets.get(srcport) ?? 0) + Number(count));
  }
  expect(Object.fromEntries(packets)).toEqual({ 1024: 20, 1025: 20, 1026: 20 });
});

test.each([
  [['--format', 'aws', '--out', 'tree'], /--format aws is lines of text, and goes to --output only/],
  [['--format', 'aws', '--aws-fields', 'srcadr'], /did you mean srcaddr\?/],
  [['--aws-fields', 'bytes'], /--aws-fields goes with --format aws/],
  [['--format', 'table'], /--format/],
])('an agent refuses %j', async (args, expected) => {
  const { code, stdout, stderr } = await windrow([
    'agent',
    '--interface',
    'lo',
    '--state',
    workplace.directory,
    ...args,
  ]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(expected);
});
