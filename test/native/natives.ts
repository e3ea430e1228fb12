// Native objects and arguments that the addon takes, as small as they can be.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { addon } from '../../src/base/addon.ts';
import type {
  NativeCollector,
  NativeEncoder,
  NativeExchange,
  NativeExchangeOptions,
  NativeLinkWatch,
  NativeLocality,
  NativeNetwork,
  NativePacker,
  NativeSubscriptions,
  NativeRing,
  NativeWorker,
} from '../../src/base/addon_types.ts';
import { readNetwork } from '../../src/cloud/network.ts';
import { Columns } from '../../src/flowlog/columns.ts';
import { PACKED_COLUMNS } from '../../src/flowlog/packed_columns.ts';
import * as p from '../packets.ts';

export const LOCALITY: NativeLocality = {
  eniCount: 0,
  eniOfAll: -1,
  eniOfInterface: [],
  eniOfAddress: [],
  eniOfMac: [],
  local: [],
};
export const OPTIONS: NativeExchangeOptions = {
  workers: 1,
  fd: -1,
  isLive: false,
  chunkBytes: 4096,
  maxFlows: 64,
  windowSeconds: 60,
  latenessSeconds: 2,
  decapsulate: false,
  seed: new BigUint64Array(4),
  locality: LOCALITY,
};
/** One packet, of one entry. */
export const CAPTURE = p.pcap([{ data: p.ethernet({}, p.ipv4({}, p.udp({}))), sec: 1_700_000_000 }]);
const ENI = { accountId: '-', eniId: 'eni-1', vmId: '-', vpcId: '-', vswitchId: '-' };

export function exchange(): NativeExchange {
  return known('exchange', addon.exchange_new(OPTIONS));
}
/** With one input, which has no bytes yet. */
export function worker(of = exchange()): NativeWorker {
  const made = known('worker', addon.worker_new(of, 0));
  addon.worker_add_input(made, false, 0, 0);
  return made;
}
/** Of live interfaces; it has no ring. */
export function liveWorker(): NativeWorker {
  return known('worker', addon.worker_new(addon.exchange_new({ ...OPTIONS, isLive: true }), 0));
}
/** What the kernel refuses, as this is no socket. */
function ring(): NativeRing {
  const sizes = { blockBytes: 4096, blocks: 2, retireMs: 20, snapBytes: 256 };
  const fd = fs.openSync('/dev/null', 'r');
  return {
    fd,
    interface: 0,
    ifIndex: 1,
    linkType: 1,
    fanoutGroup: -1,
    isPeer: false,
    filter: new Uint8Array(),
    ...sizes,
  };
}
export function collector(of = exchange()): NativeCollector {
  return known(
    'collector',
    addon.collector_new(of, () => undefined),
  );
}
export function encoder(): NativeEncoder {
  return known('encoder', addon.encoder_new([ENI], [], [], []));
}
/** Of all fields of AWS. */
export function awsEncoder(): NativeEncoder {
  const fields = Uint8Array.from({ length: 29 }, (_, i) => i);
  return known('encoder', addon.encoder_aws([ENI], fields, '5', new Uint8Array(32).fill(0x2d)));
}
export function packer(): NativePacker {
  return known('packer', addon.packer_new(8, 4096, true));
}
export function linkWatch(changed: () => void = () => undefined): NativeLinkWatch {
  const made = addon.link_watch(changed);
  if (typeof made === 'number') throw new Error(`netlink is refused: ${made}`);
  return known('linkWatch', made);
}
/** With something in each of its tables. */
export const TABLES = readNetwork(
  'n.yaml',
  `
prefix_lists: [{ id: pl, cidrs: [100.118.0.0/16, 'fd01::/16'] }]
vpcs:
  - id: vpc-a
    cidrs: [10.0.0.0/16, 'fd00::/48']
    route_table: rtb
    vswitches: [{ id: vsw-a, cidrs: [10.0.1.0/24, 'fd00::/64'], acl: acl }]
security_groups:
  - id: sg
    vpc: vpc-a
    rules:
      - { id: r1, direction: in, policy: accept, protocol: tcp, ports: [80, 90-99], prefix_list: pl }
      - { id: r2, direction: in, policy: drop, group: sg }
acls: [{ id: acl, vpc: vpc-a, in: [{ id: r1, policy: accept, cidr: 0.0.0.0/0 }], out: [] }]
enis:
  - { id: eni-0, vswitch: vsw-a, addresses: [10.0.1.1, 'fd00::1'], security_groups: [sg], box: nat_gateway, vm: i-1 }
  - { id: eni-1, vswitch: vsw-a, addresses: [10.0.1.2], prefixes: [10.0.1.16/28], security_groups: [sg] }
havips: [{ id: havip, vswitch: vsw-a, address: 10.0.1.100, enis: [eni-0] }]
route_tables: [{ id: rtb, vpc: vpc-a, routes: [{ cidr: 0.0.0.0/0, next_hop: { type: nat_gateway } }] }]
`,
).tables;
export function network(): NativeNetwork {
  return known('network', addon.network_new(TABLES));
}
const SUBSCRIPTIONS = {
  seconds: 60,
  epochBegins: Uint32Array.of(0, 2),
  epochs: Uint32Array.of(0, 0, 60, 600, 0, 600),
  subscriberBegins: Uint32Array.of(0, 1, 1),
  subscribers: Uint32Array.of(0, 3, 3, 1),
};
export function subscriptions(): NativeSubscriptions {
  return known('subscriptions', addon.subscriptions_new(SUBSCRIPTIONS));
}
export const MAKERS = { exchange, worker, collector, encoder, packer, linkWatch, network, subscriptions } as const;

/** They look alike to JavaScript. */
const kinds = new WeakMap<object, keyof typeof MAKERS>();
function known<T extends object>(kind: keyof typeof MAKERS, native: T): T {
  kinds.set(native, kind);
  return native;
}
/** What kind of native object it is, if it is one. */
export function kindOf(value: unknown): keyof typeof MAKERS | undefined {
  return typeof value === 'object' && value !== null ? kinds.get(value) : undefined;
}

type Call = (...args: unknown[]) => unknown;
export const CALLS = addon as unknown as Readonly<Record<string, Call>>;

/** One that can be joined, as long as it is there. */
const shared = exchange();
const columns = new Columns(8);
const result = new Float64Array(1 + PACKED_COLUMNS.length);
const fields = PACKED_COLUMNS.map(() => new Uint8Array());
/** Whose lock is asked for, again and again. */
const file = fs.openSync(fileURLToPath(import.meta.url), 'r');

/** For each function, arguments that it takes; made anew for each call. */
export const RIGHT: Readonly<Record<string, () => unknown[]>> = {
  exchange_new: () => [OPTIONS],
  exchange_share: () => [exchange()],
  exchange_join: () => [addon.exchange_share(shared)],
  exchange_stop: () => [exchange()],
  exchange_finish: () => [exchange()],
  exchange_interrupt: () => [exchange()],
  exchange_live: () => [exchange()],
  live_socket: () => [],
  nflog_open: () => [[], 256],
  worker_hear: () => [liveWorker(), addon.nflog_open([], 256).fd, [{ group: 65535, told: 0 }]],
  worker_add_ring: () => [liveWorker(), ring(), 'eth0'],
  worker_activate_ring: () => [liveWorker(), 0],
  worker_remove_ring: () => [liveWorker(), 0],
  live_pipe: () => [],
  worker_add_stream: () => [liveWorker(), fs.openSync('/dev/null', 'r'), 0, 1, 'eth0'],
  exchange_state: () => [exchange()],
  exchange_clock: () => [exchange(), result],
  exchange_damage: () => [exchange()],
  exchange_unread: () => [exchange()],
  worker_new: () => [exchange(), 0],
  worker_add_input: () => [worker(), false, 0, 0],
  worker_declare: () => [worker(), 0, 1, 'eth0'],
  worker_feed: () => [worker(), 0, CAPTURE, CAPTURE.length, 0, true],
  worker_run: () => [worker(), false, result],
  worker_damage: () => [worker(), 0],
  worker_take_ended: () => [worker()],
  worker_consumed: () => [worker(), 0],
  collector_new: () => [exchange(), () => undefined],
  collector_close: () => [collector()],
  collector_next: () => [collector(), result],
  collector_enis: () => [collector()],
  collector_drops: () => [collector()],
  collector_rows: () => [collector(), columns.buffer, 8, result],
  collector_json: () => [collector(), encoder(), new Uint8Array(4096), result],
  encoder_new: () => [[ENI], ['none'], ['-'], ['fl']],
  encoder_aws: () => [[ENI], Uint8Array.of(0, 28), '5', new Uint8Array(32)],
  encoder_json: () => [encoder(), columns.buffer, 8, 0, 0, new Uint8Array(4096), result],
  collector_pack: () => [collector(), packer(), result],
  packer_new: () => [8, 4096, false],
  packer_begin: () => [packer(), 0],
  packer_add: () => [packer(), columns.buffer, 8, 0, 0, result],
  packer_enis: () => [packer()],
  packer_size: () => [packer(), 0],
  packer_take: () => [packer(), 0, new Uint8Array(), result],
  columns_unpack: () => [fields, 0, 0, 0, -1, columns.buffer, 8],
  network_new: () => [TABLES],
  exchange_judge_by: () => [addon.exchange_new({ ...OPTIONS, locality: { ...LOCALITY, eniCount: 2 } }), network()],
  subscriptions_new: () => [SUBSCRIPTIONS],
  exchange_subscribe: () => [exchange(), subscriptions()],
  subscriptions_route: () => [
    subscriptions(),
    columns.buffer,
    8,
    new Columns(8).buffer,
    8,
    new Uint8Array(8),
    new Float64Array(10),
  ],
  exchange_follow: () => {
    const locality = { ...LOCALITY, eniCount: 2 };
    const exchange = addon.exchange_new({ ...OPTIONS, isLive: true, locality });
    addon.exchange_judge_by(exchange, network());
    return [exchange, network(), locality, 1, 0];
  },
  network_eni_of: () => [network(), new Uint8Array(4)],
  network_judge: () => [network(), columns.buffer, 8, 8, new Uint8Array(8), new Uint8Array(8), new Uint32Array(8)],
  file_lock: () => [file],
  capture_peek: () => [CAPTURE, CAPTURE.length, true],
  aligned_bytes: () => [4096],
  libpcap_version: () => [['libpcap.so.0.8']],
  filter_compile: () => [['libpcap.so.0.8'], 'udp', 1, 256, new Uint8Array(8 * 4096)],
  link_watch: () => [() => undefined],
  link_unwatch: () => [linkWatch()],
  user_find: () => ['nobody'],
  // Nothing is given up for a program that is not there.
  process_confine: () => ['/nowhere/program', ['program'], '/nowhere/script', '', 0, 0],
  datagram_send: () => ['/nowhere/socket', 'READY=1'],
};
