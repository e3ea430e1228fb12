// Which batches are written already.
//
// In a partition the batches of an agent's life first arrive in the order of their sequence, and whoever sends again begins with what may not have arrived: so what does not exceed the greatest is known.
import type { BatchIdentity } from '../flowlog/batch.ts';
import type { AgentMark } from './checkpoint.ts';

export class Duplicates {
  /** By partition and life. */
  readonly #last = new Map<number, Map<string, AgentMark>>();
  /** Of this checkpoint; they count once it is committed. */
  #fresh = new Map<string, AgentMark>();

  /** Begins with what is known of a partition. */
  assign(partition: number, marks: readonly AgentMark[]): void {
    this.#last.set(partition, new Map(marks.map((mark) => [lifeOf(mark), mark])));
  }

  forget(partition: number): void {
    this.#last.delete(partition);
  }

  /** Whether a batch is written already; if not, it counts as written from now on. */
  isKnown(partition: number, identity: BatchIdentity): boolean {
    const life = lifeOf(identity);
    const last = this.#fresh.get(`${partition}/${life}`) ?? this.#last.get(partition)?.get(life);
    if (last && identity.sequence <= last.sequence) return true;
    this.#fresh.set(`${partition}/${life}`, { partition, ...identity });
    return false;
  }

  /** What this checkpoint adds. */
  fresh(): AgentMark[] {
    return [...this.#fresh.values()];
  }

  commit(): void {
    for (const mark of this.#fresh.values()) this.#last.get(mark.partition)?.set(lifeOf(mark), mark);
    this.#fresh = new Map();
  }

  abandon(): void {
    this.#fresh = new Map();
  }
}

function lifeOf({ agent, boot }: { readonly agent: string; readonly boot: number }): string {
  return `${agent}/${boot}`;
}
