// What passes between JavaScript and the native addon (native-bindings/addon.cc).

declare const tag: unique symbol;
/** A native object; it belongs to the thread that made it. */
export type NativeExchange = { readonly [tag]: 'exchange' };
export type NativeWorker = { readonly [tag]: 'worker' };
export type NativeCollector = { readonly [tag]: 'collector' };
export type NativeEncoder = { readonly [tag]: 'encoder' };
export type NativePacker = { readonly [tag]: 'packer' };
export type NativeLinkWatch = { readonly [tag]: 'linkWatch' };
/** It never changes. */
export type NativeNetwork = { readonly [tag]: 'network' };
/** They never change. */
export type NativeSubscriptions = { readonly [tag]: 'subscriptions' };

/**
 * Who collects at each ENI. Of its epochs, in the order of time, each has three words: the low and the high half of the
 * second from which on it is so, and the seconds of a window; of its subscribers each has four: a number, and what it takes
 * of families, actions and paths (native-bindings/subscriptions.h). Where they begin is told of each ENI and of each epoch,
 * and behind the last where they end.
 */
export interface NativeSubscriptionTables {
  /** Of the shortest windows. */
  readonly seconds: number;
  readonly epochBegins: Uint32Array;
  readonly epochs: Uint32Array;
  readonly subscriberBegins: Uint32Array;
  readonly subscribers: Uint32Array;
}

/** What is the same in all entries of an ENI, as the encoder writes it. */
export interface NativeEni {
  readonly accountId: string;
  readonly eniId: string;
  readonly vmId: string;
  readonly vpcId: string;
  readonly vswitchId: string;
}

export interface NativeLocality {
  readonly eniCount: number;
  /** The ENI of all traffic, or -1. */
  readonly eniOfAll: number;
  readonly eniOfInterface: readonly { readonly interface: string; readonly eni: number }[];
  readonly eniOfAddress: readonly { readonly address: Uint8Array; readonly eni: number }[];
  readonly eniOfMac: readonly { readonly mac: Uint8Array; readonly eni: number }[];
  readonly local: readonly { readonly address: Uint8Array; readonly length: number }[];
}

export interface NativeExchangeOptions {
  readonly workers: number;
  /** Of a regular file that is read in chunks; -1: inputs are fed to worker 0. */
  readonly fd: number;
  /** All workers read rings instead. */
  readonly isLive: boolean;
  readonly chunkBytes: number;
  readonly maxFlows: number;
  readonly windowSeconds: number;
  readonly latenessSeconds: number;
  readonly decapsulate: boolean;
  readonly seed: BigUint64Array;
  readonly locality: NativeLocality;
}

/** What was counted at an interface; counts are indexed as EXCLUSIONS, with 0 unused. */
export interface NativeBooks {
  readonly packets: number;
  readonly bytes: number;
  readonly dropped: number;
  readonly excludedPackets: readonly number[];
  readonly excludedBytes: readonly number[];
}

/** An interface of the capture. */
export interface NativeInterface extends NativeBooks {
  readonly number: number;
  readonly eni: number;
  readonly linkType: number;
  readonly isSupported: boolean;
  readonly name: string;
}

/** A ring of a worker: native-bindings/ring.h. */
export interface NativeRing {
  /** From `live_socket`; the native side closes it. */
  readonly fd: number;
  /** Its number among those of the exchange. */
  readonly interface: number;
  /** The kernel's number of it. */
  readonly ifIndex: number;
  readonly linkType: number;
  readonly blockBytes: number;
  readonly blocks: number;
  /** A block that is not full is handed over after so many milliseconds. */
  readonly retireMs: number;
  /** Copied of each packet, at most. */
  readonly snapBytes: number;
  /** Rings of a group share the packets of their interface; -1: it has all. */
  readonly fanoutGroup: number;
  readonly isPeer: boolean;
  /** Instructions of the kernel (sock_filter): which packets it takes, and how much of each; empty: snapBytes of all. */
  readonly filter: Uint8Array;
}

export interface NativeRingResult {
  /** 0: the ring is there. */
  readonly errno: number;
  /** What the kernel refused. */
  readonly refused: string;
  /** Super-frames are counted as the packets that the wire carries. */
  readonly knowsSegments: boolean;
}

/** `told`: by the prefixes of rules (0), or all packets of the group were accepted (1) or rejected (2). */
export interface NativeNflogGroup {
  readonly group: number;
  readonly told: number;
}

/** Packets that the firewall has told of: native-bindings/chunk.h. */
export interface NativeVerdicts {
  readonly accepted: number;
  readonly rejected: number;
  readonly unknown: number;
  readonly elsewhere: number;
  readonly unreadable: number;
  readonly lost: number;
  readonly overflows: number;
}

export interface NativeState {
  readonly interfaces: readonly NativeInterface[];
  /** Of all live interfaces that left their numbers to others. */
  readonly gone: NativeBooks;
  /** Packets by the rule that told their direction, as DIRECTION_RULES. */
  readonly rulePackets: readonly number[];
  /** Logged as rejected, less what that took from accepted. */
  readonly unseen: { readonly packets: number; readonly bytes: number };
  /** Chunks that were read before it was certain where they begin, and those of them that had to be read again. */
  readonly guesses: number;
  readonly wrongGuesses: number;
}

/** Of live interfaces, while they are read. */
export interface NativeLiveState {
  readonly interfaces: readonly NativeInterface[];
  readonly gone: NativeBooks;
  /** In the tables of all shards. */
  readonly flows: number;
  readonly verdicts: NativeVerdicts;
}

export interface NativeDamage {
  readonly damage: number;
  readonly detail: number;
  readonly offset: number;
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

export interface NativeUser {
  readonly uid: number;
  /** Of the group that it has first. */
  readonly gid: number;
}
