// Which flow logs collect where, how long windows are then, and which entries each takes.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import { ACTION, Columns } from '../../src/flowlog/columns.ts';
import { TRAFFIC_PATHS, TRAFFIC_PATH_NAMES } from '../../src/flowlog/flow_log.ts';
import type { FlowLog } from '../../src/flowlog/flow_log.ts';
import { flowLog } from './flow_logs.ts';
import { activeOn, maskOf, windowMinutes } from '../../src/flowlog/flow_log_scope.ts';

/** What flow logs look at in an entry. */
interface EntryTraits {
  readonly type: 'IPv4' | 'IPv6';
  readonly action: 'ACCEPT' | 'REJECT';
  readonly trafficPath: number;
}

/** As the rows of windows are given out. */
function isTaken(of: FlowLog, { type, action, trafficPath }: EntryTraits): boolean {
  const { families, actions, paths } = maskOf(of);
  const one = addon.subscriptions_new({
    seconds: 60,
    epochBegins: Uint32Array.of(0, 1),
    epochs: Uint32Array.of(0, 0, 60),
    subscriberBegins: Uint32Array.of(0, 1),
    subscribers: Uint32Array.of(7, families, actions, paths),
  });
  const [from, to] = [new Columns(8), new Columns(8)];
  from.family[0] = type === 'IPv4' ? 4 : 6;
  from.action[0] = ACTION[action === 'ACCEPT' ? 'accept' : 'reject'];
  from.trafficPath[0] = trafficPath;
  const [busy, numbers] = [new Uint8Array(8), new Float64Array(10)];
  numbers[0] = 1;
  addon.subscriptions_route(one, from.buffer, 8, to.buffer, 8, busy, numbers);
  const [written, left] = [numbers[4], numbers[7]];
  expect(written + left).toBe(1);
  expect(busy[7]).toBe(written);
  if (written === 1) expect(to.eni[0]).toBe(7);
  return written === 1;
}

const ENI = { eniId: 'eni-1', vswitchId: 'vsw-1', vpcId: 'vpc-1' };
const ENTRY: EntryTraits = { type: 'IPv4', action: 'ACCEPT', trafficPath: -1 };

describe('active on an ENI are', () => {
  const all = [
    flowLog({ name: 'vpc' }),
    flowLog({ name: 'vswitch', resourceType: 'VSwitch', resourceId: 'vsw-1' }),
    flowLog({ name: 'eni', resourceType: 'NetworkInterface', resourceId: 'eni-1' }),
    flowLog({ name: 'other eni', resourceType: 'NetworkInterface', resourceId: 'eni-2' }),
    flowLog({ name: 'other vpc', resourceId: 'vpc-2' }),
    // An id of another kind of resource.
    flowLog({ name: 'no vpc', resourceId: 'eni-1' }),
    flowLog({ name: 'stopped', status: 'Inactive' }),
  ];
  const names = (eni: typeof ENI): string[] => activeOn(all, eni).map(({ name }) => name);

  test('those of its own, of its vSwitch and of its VPC that were not stopped', () => {
    expect(names(ENI)).toEqual(['vpc', 'vswitch', 'eni']);
    expect(names({ ...ENI, eniId: 'eni-2' })).toEqual(['vpc', 'vswitch', 'other eni']);
    expect(names({ eniId: 'eni-9', vswitchId: 'vsw-9', vpcId: 'vpc-2' })).toEqual(['other vpc']);
  });

  test('none where it is not known in what it is', () => {
    expect(names({ eniId: 'eni-9', vswitchId: '-', vpcId: '-' })).toEqual([]);
    expect(activeOn([], ENI)).toEqual([]);
  });
});

describe('windows of an ENI', () => {
  test('are as long as the shortest interval of its active flow logs wants, in any order', () => {
    const of = (...minutes: FlowLog['aggregationInterval'][]): number | undefined =>
      windowMinutes(minutes.map((aggregationInterval) => flowLog({ aggregationInterval })));
    expect(of()).toBeUndefined();
    expect([of(10), of(10, 5), of(5, 10), of(10, 1, 5), of(5, 5)]).toEqual([10, 5, 5, 1, 5]);
    const stopped = [flowLog({ aggregationInterval: 1, status: 'Inactive' }), flowLog({ aggregationInterval: 5 })];
    expect(windowMinutes(activeOn(stopped, ENI))).toBe(5);
  });
});

describe('a flow log takes', () => {
  const takes = (fields: Partial<FlowLog>, entry: Partial<EntryTraits>): boolean =>
    isTaken(flowLog(fields), { ...ENTRY, ...entry });

  test('what was allowed, what was dropped, or both', () => {
    const table = (['All', 'Allow', 'Drop'] as const).map((trafficType) =>
      (['ACCEPT', 'REJECT'] as const).map((action) => takes({ trafficType }, { action })),
    );
    expect(table).toEqual([
      [true, true],
      [true, false],
      [false, true],
    ]);
  });

  test('IPv6 where it is to have both', () => {
    expect(takes({ ipVersion: 'IPv4' }, { type: 'IPv6' })).toBe(false);
    expect(takes({ ipVersion: 'IPv4' }, { type: 'IPv4' })).toBe(true);
    expect(takes({ ipVersion: 'DualStack' }, { type: 'IPv6' })).toBe(true);
  });

  test.each([
    ['ipv4-gateway', [13]],
    ['nat-gateway', [7]],
    ['vpn-gateway', [9]],
    ['transit-router', [8]],
    ['gateway-endpoint', [6]],
    ['vbr', [10]],
    ['ecr', [21]],
    ['gwlb-endpoint', [22]],
    ['internet', [13, 14, 15]],
  ] as const)('of the path %s what has traffic_path %j', (name, paths) => {
    for (let trafficPath = -1; trafficPath <= 22; trafficPath++) {
      const expected = (paths as readonly number[]).includes(trafficPath);
      expect(takes({ trafficPaths: [name] }, { trafficPath }), `${trafficPath}`).toBe(expected);
      expect(takes({ trafficPaths: ['all'] }, { trafficPath })).toBe(true);
    }
  });

  test('of several paths what any of them has', () => {
    const some = fc.subarray([...TRAFFIC_PATH_NAMES], { minLength: 1 });
    fc.assert(
      fc.property(some, fc.integer({ min: -1, max: 30 }), (trafficPaths, trafficPath) => {
        const values: readonly number[] = trafficPaths.flatMap((name) => TRAFFIC_PATHS[name]);
        expect(takes({ trafficPaths }, { trafficPath })).toBe(values.includes(trafficPath));
      }),
    );
  });
});
