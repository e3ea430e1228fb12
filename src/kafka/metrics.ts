// The metrics of the way through Kafka: its client, the producer, the spool and the consumer.
import type { MetricTable } from '../base/metrics.ts';

/** What is wrong with Kafka, as far as it makes a difference to who has to repair it. */
export const KAFKA_ERRORS = ['unreachable', 'timed_out', 'denied', 'too_large', 'other'] as const;

export type KafkaError = (typeof KAFKA_ERRORS)[number];

/** What each reason means, for reports and the documentation. */
export const KAFKA_ERROR_DOCS: Readonly<Record<KafkaError, string>> = {
  unreachable: 'no connection to a broker, or it broke',
  timed_out: 'a broker did not answer in time',
  denied: 'the user, the certificate or the rights are not accepted',
  too_large: 'a message is larger than the broker takes',
  other: 'anything else; the log says what',
};

/** Why a batch leaves the spool without having been delivered. */
export const EVICTIONS = ['bytes', 'age'] as const;

export type Eviction = (typeof EVICTIONS)[number];

/** Of every command that talks to Kafka. */
export const CLIENT_METRICS = {
  connected: { type: 'gauge', name: 'windrow_kafka_connected', help: 'Whether a broker is connected (1) or none (0).' },
  errors: {
    type: 'counter',
    name: 'windrow_kafka_errors_total',
    help: 'Errors of Kafka, each of which is tried again.',
    labels: { reason: KAFKA_ERRORS },
  },
} as const satisfies MetricTable;

export const PRODUCER_METRICS = {
  queueBytes: {
    type: 'gauge',
    name: 'windrow_kafka_queue_bytes',
    help: 'Bytes of batches that were sent and are not acknowledged yet.',
  },
  deliveredBatches: {
    type: 'counter',
    name: 'windrow_kafka_delivered_batches_total',
    help: 'Batches that Kafka acknowledged.',
  },
  deliveredBytes: {
    type: 'counter',
    name: 'windrow_kafka_delivered_bytes_total',
    help: 'Bytes of batches that Kafka acknowledged, before compression.',
  },
  deliverySeconds: {
    type: 'histogram',
    name: 'windrow_kafka_delivery_seconds',
    help: 'Time from making a batch to its acknowledgement.',
    // A batch that waited for Kafka in the spool may be days old.
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43_200, 172_800],
  },
  restarts: {
    type: 'counter',
    name: 'windrow_kafka_restarts_total',
    help: 'How often sending began again at the first batch that was not acknowledged.',
  },
} as const satisfies MetricTable;

export const SPOOL_METRICS = {
  bytes: { type: 'gauge', name: 'windrow_spool_bytes', help: 'Bytes that the spool has on disk.' },
  limitBytes: { type: 'gauge', name: 'windrow_spool_limit_bytes', help: 'Bytes that the spool may have on disk.' },
  oldestSeconds: {
    type: 'gauge',
    name: 'windrow_spool_oldest_seconds',
    help: 'Age of the oldest batch that waits in the spool; 0: none waits.',
  },
  evictedBatches: {
    type: 'counter',
    name: 'windrow_spool_evicted_batches_total',
    help: 'Batches that left the spool undelivered, because it was full or they were too old.',
    labels: { reason: EVICTIONS },
  },
  damagedBytes: {
    type: 'counter',
    name: 'windrow_spool_damaged_bytes_total',
    help: 'Bytes of the spool that could not be read and were set aside.',
  },
} as const satisfies MetricTable;

export const CONSUMER_METRICS = {
  partitions: { type: 'gauge', name: 'windrow_sink_partitions', help: 'Partitions that this sink has at present.' },
  rebalances: {
    type: 'counter',
    name: 'windrow_sink_rebalances_total',
    help: 'How often the partitions were divided anew among the sinks.',
  },
  lagBatches: {
    type: 'gauge',
    name: 'windrow_sink_lag_batches',
    help: 'Messages between what is committed and the high watermark.',
    labels: { partition: 'open' },
  },
} as const satisfies MetricTable;
