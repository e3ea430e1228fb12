// Names of topics. The number behind each is that of its format: a new one is another topic.

/** Batches, keyed by the ENI's id. */
export function entriesTopic(prefix: string): string {
  return `${prefix}entries.v1`;
}

/** Messages that are no batches, as they came, with the reason in their headers. */
export function deadLettersTopic(prefix: string): string {
  return `${prefix}dead-letters.v1`;
}

/** What the sinks of a group have written; compacted. Its partitions are those of the entries. */
export function sinkStateTopic(prefix: string, group: string): string {
  return `${prefix}sink-state.v1.${group}`;
}
