// All metrics of Windrow, and the table that documents them.
import type { Labels, MetricSpec, MetricTable } from '../base/metrics.ts';
import { LIVE_METRICS } from '../capture/metrics.ts';
import { FLOWLOG_METRICS } from '../flowlog/metrics.ts';
import { CLIENT_METRICS, CONSUMER_METRICS, PRODUCER_METRICS, SPOOL_METRICS } from '../kafka/metrics.ts';
import { SINK_METRICS } from '../sink/metrics.ts';

/** Of every command that serves metrics. */
export const APP_METRICS = {
  build: {
    type: 'gauge',
    name: 'windrow_build_info',
    help: 'Always 1; the label says which Windrow runs.',
    labels: { version: 'open' },
  },
} as const satisfies MetricTable;

/** In the order in which data passes. */
export const METRIC_TABLES: readonly MetricTable[] = [
  APP_METRICS,
  LIVE_METRICS,
  FLOWLOG_METRICS,
  CLIENT_METRICS,
  PRODUCER_METRICS,
  SPOOL_METRICS,
  CONSUMER_METRICS,
  SINK_METRICS,
];

/** Rows of Markdown cells: name, type, labels, help. */
export function metricsTable(): string[][] {
  return METRIC_TABLES.flatMap((table) => Object.values(table).map(rowOf));
}

function rowOf({ name, type, labels, help }: MetricSpec): string[] {
  return [code(name), type, labels ? labelsOf(labels) : '', help];
}

/** Closed labels with their values. */
function labelsOf(labels: Labels): string {
  return Object.entries(labels)
    .map(([label, values]) => (values === 'open' ? code(label) : `${code(label)}: ${values.map(code).join(', ')}`))
    .join('; ');
}

function code(text: string): string {
  return `\`${text}\``;
}
