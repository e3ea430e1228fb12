// A process that captures at one interface by libpcap (npm's cap), and writes what comes to standard output.
//
// It is a process of its own because cap ends its process where an interface goes down, or where it collects one that could
// not be opened, and is in nobody's way with a call for each packet.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import ipaddr from 'ipaddr.js';
import { SNAP_BYTES } from '../../capture/packet_filter.ts';
import { PacketStream } from '../../capture/packet_stream.ts';
import { turned, wayOf } from '../../capture/packet_way.ts';
import type { OwnAddresses } from '../../capture/packet_way.ts';
import type { FromLibpcap, ToLibpcap } from './libpcap_protocol.ts';

interface Cap {
  /** Throws; then, and when it is closed, nobody may let it go. */
  open(device: string, filter: string, bufferBytes: number, buffer: Buffer): string;
  close(): void;
  on(event: 'packet', heard: (bytes: number, isTruncated: boolean) => void): void;
}

const STDOUT = 1;
const MOST_PACKET_BYTES = 65_536;
/** Packets wait so long at most before they are handed over. */
const FLUSH_MS = 50;
/** Addresses come and go. */
const LOOK_MS = 1000;
/** What the kernel has when it is told to stop is still taken. */
const LAST_MS = 100;

/** By cap's names of them; it says the numbers of others. */
const LINK_TYPES: Readonly<Record<string, number>> = {
  NULL: 0,
  ETHERNET: 1,
  RAW: 101,
  LINKTYPE_LINUX_SLL: 113,
  IEEE802_11_RADIO: 127,
};

const [name, side, filter, bufferBytes] = process.argv.slice(2);
// Whoever started it says when it ends: what a terminal or a service manager tells all is meant for that one.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit());
// It is to live as long as the process: cap writes into it.
const buffer = Buffer.alloc(MOST_PACKET_BYTES);
let cap: Cap | undefined;

function load(): Cap {
  try {
    const { Cap } = createRequire(import.meta.url)('cap') as { Cap: new () => Cap };
    return new Cap();
  } catch {
    throw new Error(
      'npm’s cap is not installed: install libpcap-dev, then run `npm install cap@0.2.1` where Windrow is',
    );
  }
}

function start(): void {
  cap = load();
  const linkTypeName = cap.open(name, filter, Number(bufferBytes), buffer);
  const linkType = LINK_TYPES[linkTypeName] ?? Number(/^Unknown linktype (\d+)$/.exec(linkTypeName)?.[1]);
  const stream = new PacketStream(linkType, SNAP_BYTES, writeAll);
  let own = ownAddresses();
  setInterval(() => (own = ownAddresses()), LOOK_MS);
  setInterval(() => stream.flush(), FLUSH_MS);
  cap.on('packet', (bytes) => {
    const data = buffer.subarray(0, bytes);
    const way = wayOf(linkType, data, own);
    stream.add(data, bytes, Date.now(), side === 'peer' ? turned(way) : way);
  });
  process.on('message', (message: ToLibpcap) => {
    if (message !== 'stop') return;
    setTimeout(() => {
      cap!.close();
      stream.flush();
      process.exit();
    }, LAST_MS);
  });
  process.send!({ type: 'ready', linkType } satisfies FromLibpcap);
}

/** Waits while the pipe is full: what comes meanwhile waits in the kernel. */
function writeAll(bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += fs.writeSync(STDOUT, bytes, written);
}

function ownAddresses(): OwnAddresses {
  const ends = os.networkInterfaces()[name] ?? [];
  const addresses = ends.map(({ address }) => Uint8Array.from(ipaddr.parse(address.split('%')[0]).toByteArray()));
  const mac = macOf() ?? ends[0]?.mac;
  const bytes =
    mac === undefined ? undefined : Uint8Array.from(mac.split(':').map((part) => Number.parseInt(part, 16)));
  const isOne = bytes?.length === 6 && bytes.some((byte) => byte !== 0);
  return { mac: isOne ? bytes : undefined, addresses };
}

/** Also of an interface without an address of IP, which Node does not list. */
function macOf(): string | undefined {
  const file = `/sys/class/net/${name}/address`;
  return fs.existsSync(file) ? fs.readFileSync(file, 'latin1').trim() : undefined;
}

try {
  start();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.send!({ type: 'refused', message } satisfies FromLibpcap, () => process.exit());
}
