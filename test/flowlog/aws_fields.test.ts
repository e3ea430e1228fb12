// Fields of AWS VPC flow logs: which there are, how they are chosen, and which paths of traffic AWS has as well.
import { describe, expect, test } from 'vitest';
import { AWS_FIELDS, AWS_PATHS, DEFAULT_AWS_FIELDS, awsVersion, readAwsFields } from '../../src/flowlog/aws_fields.ts';
import { checkWords, headerOf } from '../../src/flowlog/line_format.ts';

const names = (fields: readonly { name: string }[]): string => fields.map(({ name }) => name).join(' ');

test('the fields are those that AWS documents for versions 2 to 5', () => {
  const of = (version: number): string => names(AWS_FIELDS.filter((field) => field.version === version));
  expect(of(2)).toBe(
    'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status',
  );
  expect(of(3)).toBe('vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr');
  expect(of(4)).toBe('region az-id sublocation-type sublocation-id');
  expect(of(5)).toBe('pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path');
  expect(AWS_FIELDS).toHaveLength(29);
  expect(DEFAULT_AWS_FIELDS).toHaveLength(14);
});

describe('chosen fields', () => {
  test('are read as names, with commas, and as AWS writes formats', () => {
    const expected = 'version srcaddr tcp-flags';
    for (const text of [expected, ' version,srcaddr,\ttcp-flags\n', '${version} ${srcaddr} ${tcp-flags}']) {
      expect(names(readAwsFields(text))).toBe(expected);
    }
  });

  test.each([
    ['', /found none/],
    [' , ', /found none/],
    ['srcadr', /found "srcadr"; did you mean srcaddr\?/],
    ['tcp_flags', /did you mean tcp-flags\?/],
    ['VERSION', /did you mean version\?/],
    ['reject-reason', /found "reject-reason"/],
    ['ecs-cluster-arn', /found "ecs-cluster-arn"; they are version account-id /],
    ['bytes bytes', /bytes: expected once, found again/],
    ['${bytes', /found "\$\{bytes"; did you mean bytes\?/],
    ['x'.repeat(10_000), /found "x{40}"; they are/],
  ])('%j are refused', (text, expected) => {
    expect(() => readAwsFields(text)).toThrow(expected);
    expect(() => readAwsFields(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  test.each([
    ['bytes', 2],
    ['version vpc-id', 3],
    ['az-id srcaddr type', 4],
    ['traffic-path', 5],
  ])('%j make lines of version %i', (text, version) => {
    const fields = readAwsFields(text);
    expect(awsVersion(fields)).toBe(version);
    expect(headerOf({ kind: 'aws', fields })).toBe(`${text}\n`);
  });
});

test('a path is one of those of AWS, and each of ours is one of them at most', () => {
  const paths = AWS_PATHS.flatMap((path) => path.paths);
  expect(new Set(paths).size).toBe(paths.length);
  expect(paths.every((path) => path >= 0 && path < 32)).toBe(true);
  expect(AWS_PATHS.every(({ aws }) => aws >= 1 && aws <= 8)).toBe(true);
});

test('names with blanks are refused where blanks separate fields', () => {
  const eni = { eniId: 'eni-1', accountId: '-', vmId: '-', vpcId: 'vpc-é', vswitchId: '-' };
  expect(() => checkWords(eni)).not.toThrow();
  for (const vmId of ['', 'a b', 'a\tb', 'a\n', '\u00a0', 'a\u0000', '\u2028']) {
    expect(() => checkWords({ ...eni, vmId }), JSON.stringify(vmId)).toThrow(
      /of the ENI "eni-1": .*separated by blanks/,
    );
  }
});
