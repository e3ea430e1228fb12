// Interfaces, one by one: whether Windrow reads what they carry, and how they are.
import { HARDWARE } from '../../capture/hardware.ts';
import type { Hardware } from '../../capture/hardware.ts';
import { exact, quantity } from '../units.ts';
import { warning, well } from './findings.ts';
import type { Finding } from './findings.ts';
import type { Machine } from './machine.ts';

const FOLDER = '/sys/class/net';
const MOST_LISTED = 64;
/** Flags of an interface (linux/if.h). */
const UP = 0x1;
const PROMISCUOUS = 0x100;

interface Counters {
  readonly received: number;
  readonly dropped: number;
  readonly sent: number;
}

export function checkInterfaces(machine: Machine): Finding[] {
  const counters = readCounters(machine.text('/proc/net/dev') ?? '');
  const names = [...counters.keys()].sort();
  if (names.length === 0) {
    const says = 'none is known: /proc/net/dev cannot be read, or is empty';
    return [warning('interface', says, 'mount /proc')];
  }
  const isOurs = isOwnNamespace(machine, names);
  const listed = names
    .slice(0, MOST_LISTED)
    .map((name) =>
      isOurs ? linkFinding(machine, name, counters.get(name)!) : well('interface', traffic(counters.get(name)!), name),
    );
  const notes = isOurs ? [well('interface', OFFLOADS, 'offloads')] : [FOREIGN];
  const more = names.length - listed.length;
  if (more > 0) notes.push(well('interface', `${quantity(more, 'more interface', 'more interfaces')} not listed`));
  return [...listed, ...notes];
}

const OFFLOADS = 'GRO, GSO and TSO are not known: the system tells them by ioctl only';

const FOREIGN = warning(
  'interface',
  `${FOLDER} is of another network namespace: link types and states are not known`,
  'unshare --mount, then mount -t sysfs sysfs /sys, and look again',
);

/** What is mounted at /sys stays that of the namespace in which it was mounted; /proc/net is always the reader's own. */
function isOwnNamespace({ names, text, macs }: Machine, own: readonly string[]): boolean {
  // Of bonding, there is a plain file between the interfaces.
  const shown = names(FOLDER)?.filter((name) => text(`${FOLDER}/${name}/ifindex`) !== undefined);
  if (shown === undefined || shown.length !== own.length || own.some((name) => !shown.includes(name))) return false;
  // Addresses of another kind are not MACs, whatever Node makes of them.
  const isEthernet = (name: string): boolean => text(`${FOLDER}/${name}/type`)?.trim() === '1';
  const known = [...macs()].filter(([name]) => own.includes(name) && isEthernet(name));
  return known.every(([name, mac]) => text(`${FOLDER}/${name}/address`)?.trim() === mac);
}

/** Inter-|   Receive … and one line an interface: eight columns of what came, eight of what went (net/core/net-procfs.c). */
function readCounters(text: string): Map<string, Counters> {
  const rows = text.split('\n').flatMap((line) => {
    const [, name, columns] = /^\s*(\S+):\s*([0-9 ]+)$/.exec(line) ?? [];
    return columns === undefined ? [] : [{ name, columns: columns.trim().split(/ +/).map(Number) }];
  });
  return new Map(
    rows.map(({ name, columns }) => [name, { received: columns[1], dropped: columns[3], sent: columns[9] }]),
  );
}

function linkFinding({ text }: Machine, name: string, counters: Counters): Finding {
  const at = (file: string): string => text(`${FOLDER}/${name}/${file}`)?.trim() ?? '';
  const type = Number(at('type'));
  const hardware = HARDWARE[type] as Hardware | undefined;
  const link = hardware?.name ?? `link type ${at('type') || 'unknown'}`;
  const isRead = hardware?.linkType !== undefined;
  const flags = Number(at('flags'));
  const state = at('operstate');
  const flushNs = Number(at('gro_flush_timeout'));
  const says = [
    link,
    // Drivers that do not know their carrier say "unknown".
    state === '' || state === 'unknown' ? (flags & UP ? 'up' : 'down') : state,
    `MTU ${at('mtu') || 'unknown'}`,
    traffic(counters),
    ...(flags & PROMISCUOUS ? ['promiscuous'] : []),
    ...(flushNs > 0 ? [`GRO waits up to ${exact(flushNs / 1000)} µs`] : []),
  ].join(', ');
  if (isRead) return well('interface', says, name);
  return warning('interface', `${says}: Windrow does not read this kind`, 'capture at another interface', name);
}

function traffic({ received, dropped, sent }: Counters): string {
  return `${exact(received)} packets in, ${exact(sent)} out, ${exact(dropped)} dropped`;
}
