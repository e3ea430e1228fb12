// Which flow logs collect where, how long windows are then, and which entries each takes.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TRAFFIC_PATHS, TRAFFIC_PATH_NAMES } from '../../src/flowlog/flow_log.ts';
import type { FlowLog } from '../../src/flowlog/flow_log.ts';
import { activeOn, filterOf, silentIn, windowMinutes } from '../../src/flowlog/flow_log_scope.ts';
import type { EntryTraits } from '../../src/flowlog/flow_log_scope.ts';

function flowLog(fields: Partial<FlowLog> = {}): FlowLog {
  return {
    id: 'fl-00000000000000000000',
    name: 'x',
    description: '',
    resourceType: 'VPC',
    resourceId: 'vpc-1',
    trafficType: 'All',
    ipVersion: 'DualStack',
    aggregationInterval: 10,
    trafficPaths: ['all'],
    project: 'p',
    logstore: 'l',
    tags: {},
    status: 'Active',
    creationTime: '2026-01-01T00:00:00.000Z',
    ...fields,
  };
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
    filterOf(flowLog(fields))({ ...ENTRY, ...entry });

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

test('NODATA is said by each flow log that takes none of a window’s entries', () => {
  const allow = flowLog({ name: 'allow', trafficType: 'Allow' });
  const drop = flowLog({ name: 'drop', trafficType: 'Drop' });
  expect(silentIn([allow, drop], [ENTRY])).toEqual([drop]);
  expect(silentIn([allow, drop], [])).toEqual([allow, drop]);
  expect(silentIn([allow, drop], [ENTRY, { ...ENTRY, action: 'REJECT' }])).toEqual([]);
});
