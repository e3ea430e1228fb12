// Flow logs that a configuration declares: what is kept becomes what is declared, and the rest stays.
import { describe, expect, test } from 'vitest';
import { EMPTY, create } from '../../../src/app/flow_logs/catalog.ts';
import type { Birth, Catalog } from '../../../src/app/flow_logs/catalog.ts';
import { readDeclared, reconcile } from '../../../src/app/flow_logs/declared.ts';
import type { DeclaredFlowLog } from '../../../src/app/flow_logs/declared.ts';

let born = 0;
const birth = (): Birth => ({
  id: `fl-${(born++).toString(16).padStart(20, '0')}`,
  creationTime: '2026-01-01T00:00:00.000Z',
});
const ONE: DeclaredFlowLog = { name: 'one', 'resource-type': 'VPC', 'resource-id': 'vpc-1' };
const shown = ({ flowLogs }: Catalog): unknown[] =>
  flowLogs.map(({ name, resourceId, trafficType, status, isDeclared }) => [
    ...[name, resourceId, trafficType, status, isDeclared === true],
  ]);

describe('flow logs that are declared', () => {
  test('have what a new flow log has where nothing else is said', () => {
    expect(readDeclared([ONE])).toEqual([
      {
        ...{ name: 'one', description: '', tags: {}, resourceType: 'VPC', resourceId: 'vpc-1', status: undefined },
        ...{ trafficType: 'All', ipVersion: 'IPv4', aggregationInterval: 10, trafficPaths: ['all'] },
        ...{ project: 'windrow', logstore: 'flow-logs' },
      },
    ]);
  });

  test.each([
    [[ONE, ONE], /one stands there twice/],
    [[{ ...ONE, name: '' }], /name: expected 1 to 128 characters/],
    [[{ ...ONE, 'resource-id': '-' }], /resource-id: expected the id/],
    [[{ ...ONE, 'traffic-path': ['all', 'vbr'] as const }], /traffic-path: expected all alone/],
  ])('that cannot be are refused: %j', (items, message) => {
    expect(() => readDeclared(items)).toThrow(message);
  });

  test('are created, changed and deleted; others stay, and so do ids', () => {
    const [byHand] = readDeclared([{ ...ONE, name: 'by hand' }]);
    const first = reconcile(create(EMPTY, byHand, birth()), readDeclared([ONE]), birth);
    expect(shown(first)).toEqual([
      ['by hand', 'vpc-1', 'All', 'Active', false],
      ['one', 'vpc-1', 'All', 'Active', true],
    ]);
    const changed = reconcile(first, readDeclared([{ ...ONE, 'traffic-type': 'Drop' }]), birth);
    expect(shown(changed)[1]).toEqual(['one', 'vpc-1', 'Drop', 'Active', true]);
    expect(changed.flowLogs.map(({ id }) => id)).toEqual(first.flowLogs.map(({ id }) => id));
    expect(reconcile(changed, readDeclared([{ ...ONE, 'traffic-type': 'Drop' }]), birth)).toEqual(changed);
    expect(shown(reconcile(changed, [], birth))).toEqual([['by hand', 'vpc-1', 'All', 'Active', false]]);
    // One with the name of one that was made by hand takes it over.
    const taken = reconcile(changed, readDeclared([{ ...ONE, name: 'by hand' }]), birth);
    expect(shown(taken)).toEqual([['by hand', 'vpc-1', 'All', 'Active', true]]);
    expect(taken.flowLogs[0].id).toBe(first.flowLogs[0].id);
  });

  test('are as active as somebody made them, where that is not declared', () => {
    const first = reconcile(EMPTY, readDeclared([ONE]), birth);
    const stopped: Catalog = { ...first, flowLogs: first.flowLogs.map((one) => ({ ...one, status: 'Inactive' })) };
    expect(reconcile(stopped, readDeclared([ONE]), birth).flowLogs[0].status).toBe('Inactive');
    expect(reconcile(stopped, readDeclared([{ ...ONE, status: 'Active' }]), birth).flowLogs[0].status).toBe('Active');
  });

  test('of another resource are others', () => {
    const first = reconcile(EMPTY, readDeclared([ONE]), birth);
    const moved = reconcile(first, readDeclared([{ ...ONE, 'resource-id': 'vpc-2' }]), birth);
    expect(shown(moved)).toEqual([['one', 'vpc-2', 'All', 'Active', true]]);
    expect(moved.flowLogs[0].id).not.toBe(first.flowLogs[0].id);
  });

  test('count against the quota', () => {
    const eleven = Array.from({ length: 11 }, (_, i) => ({ ...ONE, name: `fl ${i}` }));
    expect(() => reconcile(EMPTY, readDeclared(eleven), birth)).toThrow(/vpc_quota_flowlog_inst_nums_per_user/);
    expect(reconcile(EMPTY, readDeclared(eleven.slice(1)), birth).flowLogs).toHaveLength(10);
  });
});
