// A machine as checks see it: one on which all is well, and whatever a test breaks of it.
import type { Machine, Ran, TriedFolder } from '../../../src/app/doctor/machine.ts';

export interface Broken {
  readonly platform?: string;
  readonly release?: string;
  /** Beside or instead of the files of a healthy machine; undefined: it is not there. */
  readonly files?: Readonly<Record<string, string | undefined>>;
  /** Of /proc/net/dev and /sys/class/net, beside lo. */
  readonly interfaces?: readonly Interface[];
  readonly folders?: Readonly<Record<string, readonly string[] | undefined>>;
  readonly macs?: Readonly<Record<string, string>>;
  readonly nft?: Ran;
  readonly hasLibpcap?: boolean;
  readonly tried?: Partial<TriedFolder>;
}

export interface Interface {
  readonly name: string;
  /** ARPHRD_…, as linux/if_arp.h has it. */
  readonly type: number;
  readonly files?: Readonly<Record<string, string>>;
}

const LO: Interface = { name: 'lo', type: 772, files: { operstate: 'unknown', flags: '0x9', mtu: '65536' } };

const HEALTHY: Readonly<Record<string, string>> = {
  '/proc/net/packet': 'sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n',
  '/proc/self/status': 'Name:\tnode\nCapInh:\t0000000000000000\nCapEff:\t000001ffffffffff\n',
  '/proc/meminfo': 'MemTotal:       16000000 kB\nMemAvailable:   8388608 kB\n',
  '/sys/devices/system/clocksource/clocksource0/current_clocksource': 'tsc\n',
};

export function machine(broken: Broken = {}): Machine {
  const interfaces = [LO, ...(broken.interfaces ?? [])];
  const files: Readonly<Record<string, string | undefined>> = {
    ...HEALTHY,
    '/proc/net/dev': deviceTable(interfaces),
    ...Object.fromEntries(interfaces.flatMap((one) => Object.entries(filesOf(one)))),
    ...broken.files,
  };
  const folders: Readonly<Record<string, readonly string[] | undefined>> = {
    '/sys/class/net': interfaces.map(({ name }) => name),
    '/proc/net/netfilter': ['nf_log', 'nfnetlink_log'],
    ...broken.folders,
  };
  return {
    platform: broken.platform ?? 'linux',
    release: broken.release ?? '6.1.0-18-amd64',
    architecture: 'x86_64',
    text: (file) => files[file],
    names: (folder) => folders[folder],
    macs: () => new Map(Object.entries(broken.macs ?? {})),
    run: (program) => Promise.resolve(program === 'nft' ? (broken.nft ?? { how: 'missing' }) : { how: 'missing' }),
    libpcap: () => (broken.hasLibpcap === false ? undefined : 'libpcap version 1.10.3'),
    tryFolder: (folder) => ({
      nearest: folder,
      isThere: true,
      freeBytes: 10 * 2 ** 30,
      refusal: undefined,
      ...broken.tried,
    }),
  };
}

/** An error as the system makes them. */
export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function filesOf({ name, type, files = {} }: Interface): Record<string, string> {
  const all = { type: `${type}`, ifindex: '7', operstate: 'up', flags: '0x1003', mtu: '1500', ...files };
  return Object.fromEntries(Object.entries(all).map(([file, text]) => [`/sys/class/net/${name}/${file}`, `${text}\n`]));
}

function deviceTable(interfaces: readonly Interface[]): string {
  const head = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
  ];
  const rows = interfaces.map(({ name }) => `${name.padStart(6)}: 100 2000 3 4 5 6 7 8 900 1000 11 12 13 14 15 16`);
  return [...head, ...rows, ''].join('\n');
}
