// The metrics of live interfaces: what came, and what the interface itself says of it.
import type { MetricTable } from '../base/metrics.ts';

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
  ringBytes: { type: 'gauge', name: 'windrow_ring_bytes', help: 'Memory of all rings.' },
} as const satisfies MetricTable;
