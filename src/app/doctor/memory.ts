// Whether there is memory for the rings that packets are captured into.
import { bytes, quantity } from '../units.ts';
import { failure, warning, well } from './findings.ts';
import type { Finding } from './findings.ts';
import type { Machine } from './machine.ts';

export interface RingMemory {
  readonly interfaces: number;
  /** Of each interface. */
  readonly ringBytes: number;
}

const SMALLER = 'set a smaller --ring-memory, or capture at fewer interfaces';

export function checkMemory(machine: Machine, { interfaces, ringBytes }: RingMemory): Finding[] {
  const needed = interfaces * ringBytes;
  const need = `rings of ${bytes(ringBytes)} for ${quantity(interfaces, 'interface', 'interfaces')} need ${bytes(needed)}`;
  return [hostFinding(machine, need, needed), ...controlGroupFinding(machine, need, needed)];
}

function hostFinding({ text }: Machine, need: string, needed: number): Finding {
  const kib = /^MemAvailable:\s*(\d+) kB$/m.exec(text('/proc/meminfo') ?? '')?.[1];
  if (kib === undefined) {
    return warning('memory', `${need}; what is available is not known: /proc/meminfo cannot be read`, 'mount /proc');
  }
  const available = Number(kib) * 1024;
  const says = `${need}; ${bytes(available)} are available`;
  if (needed > available) return failure('memory', says, SMALLER);
  if (needed > available / 2) return warning('memory', `${says}: flows need some as well`, SMALLER);
  return well('memory', says);
}

/** How a control group tells its limit: version 2, and version 1 where it still is. */
const VERSIONS = [
  {
    own: /^0::(.*)$/m,
    mount: /^\S+ (\S+) cgroup2 /m,
    limit: 'memory.max',
    used: 'memory.current',
    cache: /^inactive_file (\d+)$/m,
  },
  {
    own: /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m,
    mount: /^\S+ (\S+) cgroup (?:\S*,)?memory[\s,]/m,
    limit: 'memory.limit_in_bytes',
    used: 'memory.usage_in_bytes',
    cache: /^total_inactive_file (\d+)$/m,
  },
] as const;

/**
 * Nothing, where no control group has a limit. A warning at most: kernels charge rings to no group, but flows are, and the
 * limit says what the agent was meant to have.
 */
function controlGroupFinding({ text }: Machine, need: string, needed: number): Finding[] {
  const groups = text('/proc/self/cgroup') ?? '';
  const mounts = text('/proc/self/mounts') ?? '';
  const rooms = VERSIONS.flatMap(({ own, mount, limit, used, cache }) => {
    const [group, root] = [own.exec(groups)?.[1], mount.exec(mounts)?.[1]];
    if (group === undefined || root === undefined) return [];
    return withAbove(group).flatMap((above) => {
      const at = (file: string): string => text(`${root}${above}/${file}`)?.trim() ?? '';
      // "max" is no limit; neither is the greatest number that version 1 has.
      const most = Number(at(limit) || Number.NaN);
      if (!(most < 2 ** 60)) return [];
      const kept = Number(cache.exec(at('memory.stat'))?.[1] ?? 0);
      return [Math.max(0, most - Math.max(0, Number(at(used)) - kept))];
    });
  });
  if (rooms.length === 0) return [];
  const room = Math.min(...rooms);
  const says = `${need}; its limit leaves ${bytes(room)}`;
  if (needed <= room / 2) return [well('memory', says, 'control group')];
  return [warning('memory', says, `raise the limit (MemoryMax= in a unit of systemd), or ${SMALLER}`, 'control group')];
}

/** `/a/b` as `/a/b`, `/a` and the root: the smallest limit counts. */
function withAbove(group: string): string[] {
  const parts = group.split('/').filter(Boolean);
  return Array.from({ length: parts.length + 1 }, (_, i) =>
    parts
      .slice(0, i)
      .map((part) => `/${part}`)
      .join(''),
  );
}
