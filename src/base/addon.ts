// The native addon: its loader, and what it exports (native-bindings/addon.cc).
import { createRequire } from 'node:module';
import type { NativeNetworkTables } from './addon_network.ts';
import type {
  NativeCollector,
  NativeDamage,
  NativeDrops,
  NativeEncoder,
  NativeEni,
  NativeExchange,
  NativeExchangeOptions,
  NativeLinkWatch,
  NativeLiveState,
  NativeLocality,
  NativeNetwork,
  NativeNflogGroup,
  NativePacker,
  NativePeek,
  NativeRing,
  NativeRingResult,
  NativeState,
  NativeSubscriptionTables,
  NativeSubscriptions,
  NativeUser,
  NativeWorker,
} from './addon_types.ts';
import { WindrowError } from './errors.ts';

export interface Addon {
  exchange_new(options: NativeExchangeOptions): NativeExchange;
  /** The number by which other threads join it. */
  exchange_share(exchange: NativeExchange): number;
  exchange_join(number: number): NativeExchange;
  /** Its workers come back as soon as they can. */
  exchange_stop(exchange: NativeExchange): void;
  /** Of live interfaces: what rings hold is read, and then the source is at its end. */
  exchange_finish(exchange: NativeExchange): void;
  /** Its workers of live interfaces come back, to be told something. */
  exchange_interrupt(exchange: NativeExchange): void;
  /** An AF_PACKET socket that receives nothing yet; where it cannot be had, the negative errno. */
  live_socket(): number;
  /**
   * A socket of NFLOG, which a program keeps that is started in the place of this one; else the group that was refused.
   */
  nflog_open(
    groups: readonly number[],
    snapBytes: number,
  ): { readonly fd: number; readonly errno: number; readonly group: number };
  /** The firewall tells the worker what became of packets, by a socket of `nflog_open`, which the native side closes. */
  worker_hear(worker: NativeWorker, fd: number, groups: readonly NativeNflogGroup[]): void;
  /** The ring receives nothing before it is activated. */
  worker_add_ring(worker: NativeWorker, ring: NativeRing, name: string): NativeRingResult;
  /** False where the kernel refused. */
  worker_activate_ring(worker: NativeWorker, interface_: number): boolean;
  /** A pipe: its end to read, which does not block, and its end to write. Where it cannot be had, the negative errno. */
  live_pipe(): readonly [number, number] | number;
  /** The worker reads a capture (pcap or pcapng) from a pipe, as packets of the interface; it closes that in the end. */
  worker_add_stream(worker: NativeWorker, fd: number, interface_: number, linkType: number, name: string): void;
  /** What its ring or its pipe holds is read, then it is closed. */
  worker_remove_ring(worker: NativeWorker, interface_: number): void;
  /** Once all workers have ended. */
  exchange_state(exchange: NativeExchange): NativeState;
  /** What it was when the first packets after the call before had been read. */
  exchange_live(exchange: NativeExchange): NativeLiveState;
  exchange_damage(exchange: NativeExchange): NativeDamage;
  /** The link type of packets of which none could be read, or -1; once a worker has ended. */
  exchange_unread(exchange: NativeExchange): number;
  /** Into `clock`: 1 if any packet had a time, its seconds, the watermark, interfaces declared, packets and bytes read. */
  exchange_clock(exchange: NativeExchange, clock: Float64Array): void;
  worker_new(exchange: NativeExchange, number: number): NativeWorker;
  worker_add_input(worker: NativeWorker, isDormant: boolean, sec: number, nsec: number): number;
  worker_declare(worker: NativeWorker, number: number, linkType: number, name: string): void;
  worker_feed(worker: NativeWorker, input: number, bytes: Uint8Array, size: number, base: number, eof: boolean): void;
  /** Blocks the thread while there is nothing to do, if it `waits`. */
  worker_run(worker: NativeWorker, waits: boolean, status: Float64Array): number;
  worker_damage(worker: NativeWorker, input: number): NativeDamage;
  /** Inputs that ended since the last call; their bytes are no longer borrowed. */
  worker_take_ended(worker: NativeWorker): number[];
  worker_consumed(worker: NativeWorker, bytes: number): void;
  /** `onRows` is called when there is more after something had to wait. */
  collector_new(exchange: NativeExchange, onRows: () => void): NativeCollector;
  collector_close(collector: NativeCollector): void;
  /** Into `window`: id, isLate, isEarly; while it waits, the watermark whose windows were all given, and 1 if there is one. */
  collector_next(collector: NativeCollector, window: Float64Array): number;
  collector_enis(collector: NativeCollector): number[];
  collector_drops(collector: NativeCollector): NativeDrops[];
  collector_rows(collector: NativeCollector, columns: Uint8Array, capacity: number, result: Float64Array): void;
  collector_json(collector: NativeCollector, encoder: NativeEncoder, out: Uint8Array, result: Float64Array): void;
  encoder_new(
    enis: readonly NativeEni[],
    sources: readonly string[],
    rules: readonly string[],
    flowLogs: readonly string[],
  ): NativeEncoder;
  /** `paths` has a character for each of 32 traffic paths; `fields` are numbers of AWS_FIELDS. Texts have no blanks. */
  encoder_aws(enis: readonly NativeEni[], fields: Uint8Array, version: string, paths: Uint8Array): NativeEncoder;
  /** Lines in the encoder's format, whichever that is, as `collector_json` gives them. */
  encoder_json(
    encoder: NativeEncoder,
    columns: Uint8Array,
    capacity: number,
    from: number,
    rows: number,
    out: Uint8Array,
    result: Float64Array,
  ): void;
  /** Packs rows of the window by ENI. Into `result`: how it ended, rows, the ENI that is full or -1, packets, bytes. */
  collector_pack(collector: NativeCollector, packer: NativePacker, result: Float64Array): void;
  /**
   * A batch takes a row while it has fewer than `maxRows` rows, and fewer than `maxBytes` bytes of columns. `hasReasons`: it
   * says by what rows were judged.
   */
  packer_new(maxRows: number, maxBytes: number, hasReasons: boolean): NativePacker;
  /** Starts and ends are counted from `windowStart` on. Only while nothing is in it. */
  packer_begin(packer: NativePacker, windowStart: number): void;
  /**
   * Packs rows `from` to `rows`, all of one status, up to one whose ENI is full. Into `result`: the row to go on with, the
   * ENI that is full or -1, packets, bytes. Throws a TypeError for rows that no entries can be, and takes none of them;
   * and at a row whose ENI has rows of another status, which it does not take.
   */
  packer_add(
    packer: NativePacker,
    columns: Uint8Array,
    capacity: number,
    from: number,
    rows: number,
    result: Float64Array,
  ): void;
  /** Numbers of the ENIs that have rows in it, ascending. */
  packer_enis(packer: NativePacker): number[];
  /** Bytes of an ENI's columns; with reasons they may become fewer as they are taken. */
  packer_size(packer: NativePacker, eni: number): number;
  /**
   * Moves an ENI's columns to `out`, one behind another. Into `result`: rows, then the bytes of each column. Gives the numbers
   * of the rules that its rows have, ascending: those in the column are places there. None without reasons.
   */
  packer_take(packer: NativePacker, eni: number, out: Uint8Array, result: Float64Array): number[];
  /**
   * Fills `columns` with the rows that packed columns hold, of ENI 0. `rules`: how many names of rules there are, -1 without
   * reasons. Gives what is wrong with them, if anything is: then nothing that stands in `columns` is to be used.
   */
  columns_unpack(
    fields: readonly Uint8Array[],
    status: number,
    entries: number,
    windowStart: number,
    rules: number,
    columns: Uint8Array,
    capacity: number,
  ): string | undefined;
  /** Throws a TypeError for tables that no network has. */
  network_new(tables: NativeNetworkTables): NativeNetwork;
  /** Ends, paths and verdicts are told by the network, whose ENIs are those of the locality. Before any worker joins. */
  exchange_judge_by(exchange: NativeExchange, network: NativeNetwork): void;
  subscriptions_new(tables: NativeSubscriptionTables): NativeSubscriptions;
  /** Windows that close from now on do so by these, whose shortest windows are the exchange's. */
  exchange_subscribe(exchange: NativeExchange, subscriptions: NativeSubscriptions): void;
  /**
   * Copies rows of a window to `to`, one for each subscriber, whose number stands in place of the ENI's; `busy`: 1 for whoever
   * took one. In `numbers`: rows, the window's start in seconds, row and subscriber to go on at; then rows written, packets
   * and bytes (twins once), and entries, packets and bytes that nobody took.
   */
  subscriptions_route(
    subscriptions: NativeSubscriptions,
    from: Uint8Array,
    fromCapacity: number,
    to: Uint8Array,
    toCapacity: number,
    busy: Uint8Array,
    numbers: Float64Array,
  ): void;
  /**
   * Of live interfaces that are judged by a network: this one holds for windows from `fromWindow` on, which have not begun, and
   * `locality` has interfaces and MACs of its ENIs. What held before all windows from `oldestWindow` on is forgotten.
   */
  exchange_follow(
    exchange: NativeExchange,
    network: NativeNetwork,
    locality: NativeLocality,
    fromWindow: number,
    oldestWindow: number,
  ): void;
  /** The ENI that has the address of 4 or 16 bytes; -1: none has, or several VPCs have it. */
  network_eni_of(network: NativeNetwork, address: Uint8Array): number;
  /**
   * Tells of the first `rows` rows action, traffic_path, where the verdict comes from and the name of its rule. `opened`: 1
   * where the receiver of the row's packets opened the connection. A source that is not 0 stands for a verdict that is known.
   */
  network_judge(
    network: NativeNetwork,
    columns: Uint8Array,
    capacity: number,
    rows: number,
    opened: Uint8Array,
    sources: Uint8Array,
    rules: Uint32Array,
  ): void;
  columns_layout(): { name: string; width: number; cells: number }[];
  capture_peek(bytes: Uint8Array, size: number, eof: boolean): NativePeek;
  /** Bytes that begin on a page, not cleared. */
  aligned_bytes(size: number): Uint8Array<ArrayBuffer>;
  /** Locks an open file for this opening of it alone (flock(2)); false: somebody else has it. Throws where it cannot be locked. */
  file_lock(fd: number): boolean;
  /** What the first of these libraries that is there says of itself; '' where none is. */
  libpcap_version(libraries: readonly string[]): string;
  /**
   * Compiles an expression of tcpdump by the first of these libraries that is there. `program` has room for 4,096 instructions
   * of 8 bytes; gives how many there are now, or 0 and why.
   */
  filter_compile(
    libraries: readonly string[],
    expression: string,
    linkType: number,
    snapBytes: number,
    program: Uint8Array,
  ): { readonly instructions: number; readonly error: string };
  /**
   * Calls `changed` when network interfaces of this process's namespace have changed in whatever way (rtnetlink(7)), for as
   * long as the watch is held, and without keeping the process alive. Where the kernel refuses it, the negative errno.
   */
  link_watch(changed: () => void): NativeLinkWatch | number;
  /** `changed` is not called any more; what has ended already stays ended. */
  link_unwatch(watch: NativeLinkWatch): void;
  /** Undefined: there is no user of that name. */
  user_find(name: string): NativeUser | undefined;
  /**
   * Starts a program in the place of this one, with no right but CAP_NET_RAW, and none to be had any more; as the user, unless
   * that is ''. `args` begin with the program's name; `script` is a file that it will read. Comes back where that cannot be,
   * with what failed: a path, or what the kernel refused. Then rights may be gone, and the process had better end.
   */
  process_confine(
    path: string,
    args: readonly string[],
    script: string,
    user: string,
    uid: number,
    gid: number,
  ): { readonly what: string; readonly errno: number };
  /** To a datagram socket of a path, or of an abstract name after an @ (unix(7)). Gives 0, or an errno. It never waits. */
  datagram_send(address: string, text: string): number;
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
