// The native addon: its loader, and the types of what it exports (native-bindings/addon.cc).
import { createRequire } from 'node:module';
import { WindrowError } from './errors.ts';

declare const tag: unique symbol;
/** A native object; it belongs to the thread that made it. */
export type NativeShard = { readonly [tag]: 'shard' };
export type NativeEncoder = { readonly [tag]: 'encoder' };

export interface NativeLocality {
  readonly eniCount: number;
  /** The ENI of all traffic, or -1. */
  readonly eniOfAll: number;
  readonly eniOfInterface: readonly { readonly interface: string; readonly eni: number }[];
  readonly eniOfAddress: readonly { readonly address: Uint8Array; readonly eni: number }[];
  readonly eniOfMac: readonly { readonly mac: Uint8Array; readonly eni: number }[];
  readonly local: readonly { readonly address: Uint8Array; readonly length: number }[];
}

export interface NativeShardOptions {
  readonly maxFlows: number;
  readonly windowSeconds: number;
  readonly latenessSeconds: number;
  readonly decapsulate: boolean;
  readonly seed: BigUint64Array;
  readonly locality: NativeLocality;
}

/** An interface of the capture; counts are indexed as EXCLUSIONS, with 0 unused. */
export interface NativeInterface {
  readonly number: number;
  readonly eni: number;
  readonly linkType: number;
  readonly isSupported: boolean;
  readonly name: string;
  readonly packets: number;
  readonly bytes: number;
  readonly dropped: number;
  readonly excludedPackets: readonly number[];
  readonly excludedBytes: readonly number[];
}

export interface NativeState {
  readonly interfaces: readonly NativeInterface[];
  /** Packets by the rule that told their direction, as DIRECTION_RULES. */
  readonly rulePackets: readonly number[];
  /** Seconds of the first packet that has a time, and of the latest; null without one. */
  readonly first: number | null;
  readonly mark: number | null;
}

export interface NativeWindow {
  readonly id: number;
  readonly start: number;
  readonly end: number;
  readonly isLate: boolean;
}

export interface NativeDrops {
  readonly eni: number;
  readonly packets: number;
  /** Window numbers, both included. */
  readonly from: number;
  readonly to: number;
}

export interface NativePeek {
  /** 0: a record with `sec` and `nsec`; 1: `wanted` bytes are needed; 2: no record, see `damage`. */
  readonly found: number;
  readonly sec: number;
  readonly nsec: number;
  readonly wanted: number;
  readonly damage: number;
  readonly detail: number;
  /** What is declared before the record, in the order of numbers. */
  readonly interfaces: readonly { readonly linkType: number; readonly name: string }[];
}

export interface Addon {
  shard_new(options: NativeShardOptions): NativeShard;
  shard_add_input(shard: NativeShard, isDormant: boolean, sec: number, nsec: number): number;
  shard_declare(shard: NativeShard, number: number, linkType: number, name: string): void;
  shard_feed(shard: NativeShard, input: number, bytes: Uint8Array, size: number, base: number, eof: boolean): void;
  shard_run(shard: NativeShard, status: Float64Array): number;
  shard_damage(shard: NativeShard, input: number): { damage: number; detail: number; offset: number };
  /** Inputs that ended since the last call; their bytes are no longer borrowed. */
  shard_take_ended(shard: NativeShard): number[];
  shard_state(shard: NativeShard): NativeState;
  /** Into `clock`: 1 if any packet had a time, its seconds, the watermark, and how many interfaces are declared. */
  shard_clock(shard: NativeShard, clock: Float64Array): void;
  shard_drops(shard: NativeShard): NativeDrops[];
  flush_begin(shard: NativeShard, mode: number): void;
  flush_window(shard: NativeShard): NativeWindow | null;
  flush_enis(shard: NativeShard): number[];
  flush_rows(shard: NativeShard, columns: Uint8Array, capacity: number): number;
  flush_end(shard: NativeShard): void;
  encoder_new(
    enis: readonly { accountId: string; eniId: string; vmId: string; vpcId: string; vswitchId: string }[],
  ): NativeEncoder;
  encoder_json(
    encoder: NativeEncoder,
    columns: Uint8Array,
    capacity: number,
    from: number,
    rows: number,
    out: Uint8Array,
    result: Float64Array,
  ): void;
  columns_layout(): { name: string; width: number; cells: number }[];
  capture_peek(bytes: Uint8Array, size: number, eof: boolean): NativePeek;
}

const PATH = '../../native-bindings/build/Release/windrow.node';

function loadAddon(): Addon {
  try {
    return createRequire(import.meta.url)(PATH) as Addon;
  } catch (cause) {
    throw new WindrowError(
      'ADDON',
      `the native addon cannot be loaded (${cause instanceof Error ? cause.message.split('\n')[0] : String(cause)}): run \`npm run build\`, which needs g++, make and python3`,
      { cause },
    );
  }
}

/** Loaded once per thread. */
export const addon: Addon = loadAddon();
