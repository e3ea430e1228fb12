// Flow logs for people: a row each, or one of them whole.
import { createColors } from 'picocolors';
import type { FlowLog } from '../../flowlog/flow_log.ts';
import { plainTable } from '../plain_table.ts';
import type { Catalog } from './catalog.ts';
import { QUOTA } from './catalog.ts';

const HEADS = ['id', 'name', 'status', 'resource', 'traffic', 'IP', 'minutes', 'paths', 'project/logstore'];

export function renderList({ flowLogs, quota }: Catalog, hasColors: boolean): string {
  const pc = createColors(hasColors);
  const count = pc.dim(`${flowLogs.length} of ${quota} (${QUOTA})`);
  if (flowLogs.length === 0) return `no flow logs yet; ${count}\n`;
  const table = plainTable(pc, HEADS, HEADS.length);
  for (const one of flowLogs) {
    table.push([
      one.id,
      one.name,
      one.status === 'Active' ? pc.green(one.status) : pc.yellow(one.status),
      `${one.resourceType} ${one.resourceId}`,
      one.trafficType,
      one.ipVersion,
      `${one.aggregationInterval}`,
      one.trafficPaths.join(','),
      `${one.project}/${one.logstore}`,
    ]);
  }
  return `${table.toString()}\n${count}\n`;
}

export function renderOne(one: FlowLog, hasColors: boolean): string {
  const pc = createColors(hasColors);
  const tags = Object.entries(one.tags).map(([key, value]) => `${key}=${value}`);
  const rows: readonly (readonly [string, string])[] = [
    ['id', one.id],
    ['name', one.name],
    ['description', one.description],
    ['status', one.status],
    ['resource', `${one.resourceType} ${one.resourceId}`],
    ['traffic type', one.trafficType],
    ['IP version', one.ipVersion],
    ['aggregation interval', `${one.aggregationInterval} min`],
    ['traffic paths', one.trafficPaths.join(', ')],
    ['project', one.project],
    ['logstore', one.logstore],
    ['tags', tags.join(', ')],
    ['created', one.creationTime],
    ['declared', one.isDeclared === true ? 'in the configuration of an agent' : ''],
  ];
  const width = Math.max(...rows.map(([head]) => head.length));
  return rows.map(([head, value]) => `${pc.dim(head.padEnd(width))}  ${value || '-'}\n`).join('');
}
