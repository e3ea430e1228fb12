// The metrics of a flow log: what was seen, what is in entries, and what is not and why.
import type { MetricTable } from '../base/metrics.ts';
import { EXCLUSIONS } from './accounting.ts';
import type { STATUS } from './columns.ts';

/** Where packets were lost that are in no entry; each loss is a SKIPDATA entry as well. */
export const DROPS = ['interface', 'spool'] as const;

export type Drop = (typeof DROPS)[number];

/** What each reason means, for reports and the documentation. */
export const DROP_DOCS: Readonly<Record<Drop, string>> = {
  interface: 'the kernel or the driver of the capturing host lost them, and said so',
  spool: 'their batches had to leave the spool before Kafka took them',
};

const STATUSES = ['ok', 'nodata', 'skipdata'] as const satisfies readonly (keyof typeof STATUS)[];

export const FLOWLOG_METRICS = {
  packets: { type: 'counter', name: 'windrow_packets_total', help: 'Packets seen.' },
  bytes: { type: 'counter', name: 'windrow_bytes_total', help: 'Layer 3 bytes of the packets seen.' },
  loggedPackets: {
    type: 'counter',
    name: 'windrow_logged_packets_total',
    help: 'Packets that are in entries; seen ones are logged, excluded, or in a window that is still open.',
  },
  excludedPackets: {
    type: 'counter',
    name: 'windrow_excluded_packets_total',
    help: 'Packets seen that are in no entry on purpose.',
    labels: { reason: EXCLUSIONS },
  },
  droppedPackets: {
    type: 'counter',
    name: 'windrow_dropped_packets_total',
    help: 'Packets that were lost; SKIPDATA entries say in which windows.',
    labels: { reason: DROPS },
  },
  flows: { type: 'gauge', name: 'windrow_flows', help: 'Flows in the table.' },
  flowsLimit: { type: 'gauge', name: 'windrow_flows_limit', help: 'Flows that the table may have.' },
  entries: {
    type: 'counter',
    name: 'windrow_entries_total',
    help: 'Entries made.',
    labels: { status: STATUSES },
  },
  supplementaryEntries: {
    type: 'counter',
    name: 'windrow_supplementary_entries_total',
    help: 'Entries of windows that had closed already, of packets later than the lateness allows.',
  },
  closedEarlyEntries: {
    type: 'counter',
    name: 'windrow_closed_early_entries_total',
    help: 'Entries that were closed before their window because the table had as many flows as it may.',
  },
  batches: { type: 'counter', name: 'windrow_batches_total', help: 'Batches made of the entries.' },
  lastWindowEnd: {
    type: 'gauge',
    name: 'windrow_last_window_end_timestamp_seconds',
    help: 'End of the latest window that closed, in packet time; 0: none yet.',
  },
} as const satisfies MetricTable;
