// The metrics of the sink: batches that came, files that were written, and checkpoints.
import type { MetricTable } from '../base/metrics.ts';
import { REFUSALS } from '../flowlog/batch.ts';

/** How a checkpoint ended. */
export const CHECKPOINT_RESULTS = ['committed', 'abandoned', 'refused'] as const;

export type CheckpointResult = (typeof CHECKPOINT_RESULTS)[number];

export const CHECKPOINT_RESULT_DOCS: Readonly<Record<CheckpointResult, string>> = {
  committed: 'its files are there for good',
  abandoned: 'it could not be written, and is begun again',
  refused: 'another sink has the partitions now, and writes them',
};

export const SINK_METRICS = {
  entries: { type: 'counter', name: 'windrow_sink_entries_total', help: 'Entries in committed files.' },
  batches: { type: 'counter', name: 'windrow_sink_batches_total', help: 'Batches in committed files.' },
  duplicateBatches: {
    type: 'counter',
    name: 'windrow_sink_duplicate_batches_total',
    help: 'Batches that came again and were passed over.',
  },
  deadLetters: {
    type: 'counter',
    name: 'windrow_sink_dead_letters_total',
    help: 'Messages that cannot be written as entries and went to the topic of dead letters.',
    labels: { reason: REFUSALS },
  },
  files: { type: 'counter', name: 'windrow_sink_files_total', help: 'Committed files.' },
  fileBytes: { type: 'counter', name: 'windrow_sink_file_bytes_total', help: 'Bytes of committed files, as on disk.' },
  checkpoints: {
    type: 'counter',
    name: 'windrow_sink_checkpoints_total',
    help: 'Checkpoints by how they ended.',
    labels: { result: CHECKPOINT_RESULTS },
  },
  checkpointSeconds: {
    type: 'histogram',
    name: 'windrow_sink_checkpoint_seconds',
    help: 'Time from sealing the files of a checkpoint to its commit.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  },
  lastCheckpoint: {
    type: 'gauge',
    name: 'windrow_sink_last_checkpoint_timestamp_seconds',
    help: 'When the latest checkpoint was committed; 0: none yet.',
  },
  stalled: {
    type: 'gauge',
    name: 'windrow_sink_stalled',
    help: 'Whether the sink cannot write at present (1) or can (0).',
  },
} as const satisfies MetricTable;
