// A flow log, as tests need them.
import type { FlowLog } from '../../src/flowlog/flow_log.ts';

let made = 0;

/** Takes everything, but for what is said. */
export function flowLog(fields: Partial<FlowLog> = {}): FlowLog {
  return {
    id: `fl-${(made++).toString(16).padStart(20, '0')}`,
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
