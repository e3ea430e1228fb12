// What the workers of a replay share: made by the thread that collects their rows, joined by each worker by its number.
import { randomFillSync } from 'node:crypto';
import { addon } from '../base/addon.ts';
import type {
  NativeExchange,
  NativeLiveState,
  NativeLocality,
  NativeState,
  NativeSubscriptions,
} from '../base/addon_types.ts';
import { WindrowError, systemCode } from '../base/errors.ts';
import { linkTypeName } from '../capture/link_types.ts';
import type { CompiledNetwork } from '../cloud/network_tables.ts';

export interface ExchangeOptions {
  readonly workers: number;
  /** Of a regular file that all workers read; -1: worker 0 opens the captures and reads them for all. */
  readonly fd: number;
  /** All workers read rings of live interfaces instead. */
  readonly isLive?: boolean;
  /** Bytes of such a file that one worker reads at a time. */
  readonly chunkBytes?: number;
  readonly maxFlows: number;
  readonly windowSeconds: number;
  readonly latenessSeconds: number;
  readonly decapsulate: boolean;
  readonly locality: NativeLocality;
  /** By which ends, paths and verdicts are told; its ENIs are those of the locality. */
  readonly network?: CompiledNetwork | undefined;
}

/** Seconds of the first packet that has a time (undefined: none has), the latest time, and what was read so far. */
export interface CaptureClock {
  readonly first: number | undefined;
  readonly mark: number;
  /** Interfaces declared. */
  readonly interfaces: number;
  readonly packets: number;
  /** Bytes as stored. */
  readonly consumed: number;
}

/** Small enough to be still in the cache when it is decoded. */
const CHUNK_BYTES = 512 * 1024;

export class Exchange {
  readonly native: NativeExchange;
  #clock = new Float64Array(6);

  constructor(options: ExchangeOptions) {
    const seed = randomFillSync(new BigUint64Array(4));
    this.native = withMemory(options.maxFlows, () =>
      addon.exchange_new({ chunkBytes: CHUNK_BYTES, isLive: false, ...options, seed }),
    );
    if (options.network) addon.exchange_judge_by(this.native, addon.network_new(options.network.tables));
  }

  /** Of live interfaces: what their rings hold is read, and then the source is at its end. */
  finish(): void {
    addon.exchange_finish(this.native);
  }

  /** Of live interfaces and a network: another one holds from a window on that has not begun. */
  follow(
    { tables }: Pick<CompiledNetwork, 'tables'>,
    locality: NativeLocality,
    { fromWindow, oldestWindow }: { readonly fromWindow: number; readonly oldestWindow: number },
  ): void {
    addon.exchange_follow(this.native, addon.network_new(tables), locality, fromWindow, oldestWindow);
  }

  /** Of live interfaces: its workers hear their messages at once. */
  interrupt(): void {
    addon.exchange_interrupt(this.native);
  }

  /** Windows that close from now on do so by these. */
  subscribe(subscriptions: NativeSubscriptions): void {
    addon.exchange_subscribe(this.native, subscriptions);
  }

  /** By which workers join. */
  share(): number {
    return addon.exchange_share(this.native);
  }

  /** Cheap, to be asked for each window. */
  get clock(): CaptureClock {
    addon.exchange_clock(this.native, this.#clock);
    const [hasTime, first, mark, interfaces, packets, consumed] = this.#clock as unknown as number[] & { length: 6 };
    return {
      first: hasTime ? first : undefined,
      mark: mark,
      interfaces: interfaces,
      packets: packets,
      consumed: consumed,
    };
  }

  /** The books, once all workers have ended. */
  get state(): NativeState {
    return addon.exchange_state(this.native);
  }

  /** Of live interfaces: how they were after the call before, as soon as packets had been read. */
  live(): NativeLiveState {
    return addon.exchange_live(this.native);
  }

  linkTypeName(linkType: number): string {
    return linkTypeName(linkType);
  }

  /** Ends the workers before their time. */
  stop(): void {
    addon.exchange_stop(this.native);
  }
}

/** Runs what needs a flow table. Throws NO_MEMORY. */
export function withMemory<T>(maxFlows: number, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (systemCode(cause) !== 'WINDROW_NO_MEMORY') throw cause;
    const flows = maxFlows.toLocaleString('en-US');
    const message = `a table of ${flows} flows does not fit into memory: give a smaller --max-flows`;
    throw new WindrowError('NO_MEMORY', message, { cause });
  }
}
