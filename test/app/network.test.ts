// `windrow network check`: what it says of a file, and how it ends.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readNetwork } from '../../src/cloud/network.ts';
import { Workplace, windrow } from './program.ts';

const workplace = new Workplace();
const GOOD = `
vpcs: [{ id: vpc-a, cidrs: [10.0.0.0/16], vswitches: [{ id: vsw-1, cidrs: [10.0.1.0/24] }, { id: vsw-2, cidrs: [10.0.2.0/24] }] }]
security_groups: [{ id: sg, vpc: vpc-a, rules: [{ id: r1, direction: in, policy: accept, cidr: 0.0.0.0/0 }] }]
enis: [{ id: eni-0, vswitch: vsw-1, addresses: [10.0.1.1, 10.0.1.2], security_groups: [sg] }]
`;
const good = workplace.file(GOOD, 'good.yaml');
const bad = workplace.file(GOOD.replace('10.0.2.0/24', '10.0.1.128/25'), 'bad.yaml');

describe('windrow network check', () => {
  test('says what is in a network', async () => {
    const right = await windrow(['network', 'check', good]);
    const parts = ['1 VPC', '2 vSwitches', '1 ENI', '2 addresses', '1 security group', '1 rule of security groups'];
    expect(right).toMatchObject({ code: 0, stderr: '' });
    expect(right.stdout).toBe(`${good}: the network is right\n${parts.map((part) => `  ${part}\n`).join('')}`);
    expect(await windrow(['network', 'check', '--quiet', good])).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const json = await windrow(['network', 'check', '--json', good]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      vpcs: 1,
      vswitches: 2,
      enis: 1,
      addresses: 2,
      groupRules: 1,
      acls: 0,
    });
  });

  test('says all that is wrong, a line each', async () => {
    const lines = await windrow(['network', 'check', bad]);
    expect(lines).toMatchObject({ code: 2, stdout: '' });
    expect(lines.stderr.trimEnd().split('\n')).toEqual([
      `windrow: ${bad}:2:113: vpcs[0].vswitches[1].cidrs[0]: expected a CIDR block that overlaps no other, found 10.0.1.128/25, which overlaps 10.0.1.0/24 of vsw-1; take one of them away`,
    ]);
    expect(await windrow(['network', 'check', '--json', bad])).toMatchObject({ code: 2, stdout: '' });
  });

  test('says which file it cannot read', async () => {
    const none = await windrow(['network', 'check', workplace.at('none.yaml')]);
    expect(none).toMatchObject({ code: 2, stdout: '' });
    expect(none.stderr).toMatch(
      /none\.yaml: expected the YAML or JSON file of a network, found none .*: there is no such file\n$/,
    );
    const directory = await windrow(['network', 'check', workplace.directory]);
    expect(directory.stderr).toMatch(/it is a directory\n$/);
    expect(await windrow(['network', 'check'])).toMatchObject({ code: 2, stdout: '' });
    expect(await windrow(['network'])).toMatchObject({ code: 2 });
  });
});

test('the network in the README is right', () => {
  const readme = fs.readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');
  const text = /```yaml\n(# network\.yaml[^]*?)```/.exec(readme)![1];
  const { enis, ruleNames } = readNetwork('network.yaml', text);
  expect(enis.map(({ eniId }) => eniId)).toEqual(['eni-web', 'eni-nat']);
  // Each name that the README says rules have.
  const section = /### How traffic is judged[^]*?<!-- verdicts -->/.exec(readme)![0];
  for (const name of [
    'sg-web/r1',
    'sg-web/same-group',
    'default-in',
    'default-out',
    'acl-1/in/r3',
    'acl-1/in/default',
  ]) {
    expect(ruleNames).toContain(name);
    expect(section).toContain(`\`${name}\``);
  }
});
