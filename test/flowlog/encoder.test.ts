// Rows as lines of AWS flow logs: what replays of captures do not have yet, such as verdicts and paths, and extremes.
import { describe, expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import { AWS_FIELDS, AWS_PATHS, readAwsFields } from '../../src/flowlog/aws_fields.ts';
import { ACTION, Columns, DIRECTION, STATUS } from '../../src/flowlog/columns.ts';
import { encoderOf } from '../../src/flowlog/encoder.ts';

const ENI = { eniId: 'eni-1', accountId: '1210', vmId: 'i-1', vpcId: 'vpc-1', vswitchId: 'vsw-1' };

/** The lines of the first rows. */
function linesOf(columns: Columns, rows: number, fields: string): string[] {
  const encoder = encoderOf([ENI], { kind: 'aws', fields: readAwsFields(fields) });
  const out = new Uint8Array(1 << 16);
  const result = new Float64Array(4);
  addon.encoder_json(encoder, columns.buffer, columns.capacity, 0, rows, out, result);
  expect(result[0]).toBe(rows);
  return Buffer.from(out.subarray(0, result[1])).toString().split('\n').slice(0, -1);
}

function columns(rows: number, fill: (c: Columns, row: number) => void): Columns {
  const c = new Columns(Math.ceil(rows / 8) * 8);
  for (let row = 0; row < rows; row++) {
    c.family[row] = 4;
    c.tcpFlags[row] = c.trafficPath[row] = c.srcport[row] = c.dstport[row] = -1;
    fill(c, row);
  }
  return c;
}

describe('a line of AWS flow logs', () => {
  test('has the constants of its ENI, with and without traffic', () => {
    const c = columns(3, (of, row) => (of.status[row] = [STATUS.ok, STATUS.nodata, STATUS.skipdata][row]));
    const fields = 'account-id instance-id log-status subnet-id vpc-id interface-id version bytes';
    expect(linesOf(c, 3, fields)).toEqual([
      '1210 i-1 OK vsw-1 vpc-1 eni-1 3 0',
      '1210 i-1 NODATA vsw-1 vpc-1 eni-1 3 -',
      '1210 i-1 SKIPDATA vsw-1 vpc-1 eni-1 3 -',
    ]);
  });

  test('says REJECT of what was rejected, and of nothing else', () => {
    const c = columns(2, (of, row) => (of.action[row] = [ACTION.accept, ACTION.reject][row]));
    expect(linesOf(c, 2, 'action')).toEqual(['ACCEPT', 'REJECT']);
  });

  test('has the path of what leaves, by the table, and none of what comes in', () => {
    const paths = [-1, ...Array.from({ length: 40 }, (_, path) => path), 32_767];
    const c = columns(paths.length * 2, (of, row) => {
      of.trafficPath[row] = paths[row >> 1];
      of.direction[row] = row % 2 === 0 ? DIRECTION.out : DIRECTION.in;
    });
    const expected = paths.flatMap((path) => {
      const known = AWS_PATHS.find(({ paths: ours }) => ours.includes(path));
      return [`egress ${known?.aws ?? '-'}`, 'ingress -'];
    });
    expect(linesOf(c, paths.length * 2, 'flow-direction traffic-path')).toEqual(expected);
    expect(expected).toContain('egress 8');
  });

  test('has the greatest values whole, in all fields', () => {
    const c = columns(1, (of) => {
      of.family[0] = 6;
      of.srcaddr.fill(0xff, 0, 16);
      of.dstaddr.fill(0xff, 0, 16);
      of.packets[0] = of.bytes[0] = 2n ** 64n - 1n;
      of.start[0] = -(2n ** 63n);
      of.end[0] = 2n ** 63n - 1n;
      of.srcport[0] = of.dstport[0] = 65_535;
      of.protocol[0] = 255;
      of.tcpFlags[0] = 255;
      of.direction[0] = DIRECTION.out;
      of.trafficPath[0] = 15;
    });
    const address = Array(8).fill('ffff').join(':');
    const all = AWS_FIELDS.map(({ name }) => name).join(' ');
    expect(linesOf(c, 1, all)).toEqual([
      `5 1210 eni-1 ${address} ${address} 65535 65535 255 ${2n ** 64n - 1n} ${2n ** 64n - 1n} ${-(2n ** 63n)} ${2n ** 63n - 1n}` +
        ` ACCEPT OK vpc-1 vsw-1 i-1 7 IPv6 ${address} ${address} - - - - - - egress 8`,
    ]);
  });

  test('is not made of an ENI whose name would be two fields', () => {
    expect(() => encoderOf([{ ...ENI, vmId: 'i 1' }], { kind: 'aws', fields: AWS_FIELDS })).toThrow(
      /separated by blanks/,
    );
    expect(() => encoderOf([{ ...ENI, vmId: 'i 1' }])).not.toThrow();
  });
});
