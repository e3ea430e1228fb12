// Flow logs as subscribers: which collect at which ENI from when on, as users change them and ENIs come and go.
//
// A change takes effect where a window ends, of the ENI as it was and as it will be: windows are whole, and are all of one
// length from their begin to their end.
import { addon } from '../base/addon.ts';
import type { NativeSubscriptions } from '../base/addon_types.ts';
import type { Eni } from '../cloud/locality.ts';
import type { FlowLogName } from './batch.ts';
import type { EniDirectory } from './eni_directory.ts';
import type { FlowLog } from './flow_log.ts';
import { activeOn, maskOf, windowMinutes } from './flow_log_scope.ts';
import type { EntryMask } from './flow_log_scope.ts';
import type { Collecting, Subscribers } from './subscribers.ts';

interface Subscriber {
  readonly eni: number;
  readonly flowLog: FlowLogName;
  readonly seconds: number;
}

/** What is so at an ENI from a second on. */
interface Epoch {
  readonly from: number;
  readonly seconds: number;
  readonly collects: readonly { readonly number: number; readonly mask: EntryMask }[];
}

/** An ENI by its id, since interfaces leave their numbers to others. */
interface Planned {
  readonly eniId: string;
  epochs: readonly Epoch[];
}

/** Windows that began so long ago have closed. */
const KEPT_SECONDS = 3600;

export class FlowLogSubscribers implements Subscribers {
  readonly #enis: EniDirectory;
  readonly #shortest: number;
  readonly #all: Subscriber[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #planned = new Map<number, Planned>();
  #flowLogs: readonly FlowLog[] = [];
  /** ENIs that are planned for have lower numbers. */
  #count = 0;
  #routes: NativeSubscriptions;

  /** `shortest`: seconds of a window, of which all windows have once or several times as many. */
  constructor(enis: EniDirectory, shortest: number) {
    this.#enis = enis;
    this.#shortest = shortest;
    this.#routes = this.#compile();
  }

  get count(): number {
    return this.#all.length;
  }

  /** Others come with flow logs. */
  readonly isForeseen = false;

  get changes(): number {
    return this.#enis.changes;
  }

  get routes(): NativeSubscriptions {
    return this.#routes;
  }

  eni(number: number): Eni {
    return this.#enis.eni(this.#all[number].eni);
  }

  flowLog(number: number): FlowLogName {
    return this.#all[number].flowLog;
  }

  seconds(number: number): number {
    return this.#all[number].seconds;
  }

  collecting(eni: number): readonly Collecting[] {
    const { epochs } = this.#planOf(eni);
    const spans: { number: number; from: number; until: number }[] = [];
    epochs.forEach(({ from, collects }, i) => {
      const until = epochs[i + 1]?.from ?? Infinity;
      for (const { number } of collects) {
        const span = spans.findLast((one) => one.number === number);
        if (span?.until === from) span.until = until;
        else spans.push({ number, from, until });
      }
    });
    return spans;
  }

  /** From the next windows on these collect, and at once where nobody knew of an ENI before. `now`: seconds since the epoch. */
  follow(flowLogs: readonly FlowLog[], now: number): void {
    this.#flowLogs = flowLogs;
    this.look(now);
  }

  /** ENIs have come, or are others. */
  look(now: number): void {
    const numbers = this.#enis.numbers(this.#flowLogs.map(({ resourceId }) => resourceId));
    this.#count = (numbers.at(-1) ?? -1) + 1;
    for (const eni of numbers) this.#plan(eni, now);
    this.#routes = this.#compile();
  }

  #planOf(eni: number): Planned {
    const { eniId } = this.#enis.eni(eni);
    const planned = this.#planned.get(eni);
    return planned?.eniId === eniId ? planned : { eniId, epochs: [] };
  }

  #plan(number: number, now: number): void {
    const planned = this.#planOf(number);
    const eni = this.#enis.eni(number);
    const active = activeOn(this.#flowLogs, eni);
    const minutes = windowMinutes(active);
    const seconds = minutes === undefined ? this.#shortest : minutes * 60;
    const collects = active.map((flowLog) => {
      const { name, project, logstore } = flowLog;
      const subscriber = { eni: number, flowLog: { name, project, logstore }, seconds };
      return { number: this.#numberOf(flowLog.id, subscriber), mask: maskOf(flowLog) };
    });
    // What was planned, and has not begun, is planned anew.
    const begun = planned.epochs.filter(({ from }) => from <= now);
    const kept = begun.filter((_, i) => i + 1 >= begun.length || begun[i + 1].from > now - KEPT_SECONDS);
    const current = kept.at(-1);
    if (current && isSame(current, { seconds, collects })) {
      planned.epochs = kept;
    } else {
      const both = current ? Math.max(current.seconds, seconds) : seconds;
      const from = current ? (Math.floor(now / both) + 1) * both : -Infinity;
      planned.epochs = [...kept, { from, seconds, collects }];
    }
    this.#planned.set(number, planned);
  }

  /** What has another name, length or place to be filed is another subscriber. */
  #numberOf(flowLogId: string, subscriber: Subscriber): number {
    const key = JSON.stringify([flowLogId, subscriber]);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#all.push(subscriber) - 1;
    this.#numbers.set(key, number);
    return number;
  }

  #compile(): NativeSubscriptions {
    const [epochBegins, epochs, subscriberBegins, subscribers] = [[0], [], [0], []] as number[][];
    for (let eni = 0; eni < this.#count; eni++) {
      const planned = this.#planned.get(eni);
      for (const epoch of planned?.eniId === this.#enis.eni(eni).eniId ? planned.epochs : []) {
        epochs.push(...wordsOf(epoch.from), epoch.seconds);
        for (const { number, mask } of epoch.collects) {
          subscribers.push(number, mask.families, mask.actions, mask.paths);
        }
        subscriberBegins.push(subscribers.length / 4);
      }
      epochBegins.push(epochs.length / 3);
    }
    return addon.subscriptions_new({
      seconds: this.#shortest,
      epochBegins: Uint32Array.from(epochBegins),
      epochs: Uint32Array.from(epochs),
      subscriberBegins: Uint32Array.from(subscriberBegins),
      subscribers: Uint32Array.from(subscribers),
    });
  }
}

/** Words of a second: the low and the high half of 64 bits. */
function wordsOf(second: number): [number, number] {
  const bits = BigInt.asUintN(64, BigInt(Math.max(second, Number.MIN_SAFE_INTEGER)));
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)];
}

function isSame(a: Pick<Epoch, 'seconds' | 'collects'>, b: Pick<Epoch, 'seconds' | 'collects'>): boolean {
  return a.seconds === b.seconds && JSON.stringify(a.collects) === JSON.stringify(b.collects);
}
