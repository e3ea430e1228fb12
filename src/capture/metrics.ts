// The metrics of live interfaces: what came, and what the interface itself says of it.
import type { MetricTable } from '../base/metrics.ts';

/** What the firewall says of packets by NFLOG, and why nothing is made of it. */
export const NFLOG_VERDICTS = ['accepted', 'rejected', 'unknown', 'elsewhere', 'unreadable'] as const;

export const LIVE_METRICS = {
  interfaces: { type: 'gauge', name: 'windrow_interfaces', help: 'Interfaces that are captured at present.' },
  refused: {
    type: 'gauge',
    name: 'windrow_refused_interfaces',
    help: 'Interfaces that are wanted and cannot be captured; the log says why.',
  },
  packets: {
    type: 'counter',
    name: 'windrow_interface_packets_total',
    help: 'Packets seen at an interface.',
    labels: { interface: 'open' },
  },
  dropped: {
    type: 'counter',
    name: 'windrow_interface_dropped_packets_total',
    help: 'Packets of an interface that its rings had no room for.',
    labels: { interface: 'open' },
  },
  coverage: {
    type: 'gauge',
    name: 'windrow_interface_coverage_ratio',
    help: 'Packets seen in the last window, of those that the interface itself counted; 1 at most.',
    labels: { interface: 'open' },
  },
  verdicts: {
    type: 'counter',
    name: 'windrow_nflog_packets_total',
    help: 'Packets that the firewall told of by NFLOG, by what became of them, or why nothing is made of it.',
    labels: { verdict: NFLOG_VERDICTS },
  },
  lostVerdicts: {
    type: 'counter',
    name: 'windrow_nflog_lost_packets_total',
    help: 'Packets that the firewall told of and that there was no room for, up to the latest that it told of.',
  },
  overflows: {
    type: 'counter',
    name: 'windrow_nflog_overflows_total',
    help: 'Times that there was no room for what the firewall told; SKIPDATA entries say in which windows.',
  },
  ringBytes: { type: 'gauge', name: 'windrow_ring_bytes', help: 'Memory of all rings.' },
} as const satisfies MetricTable;
