// What this process may do: of the rights of root, the two that a capture needs.
import { failure, warning, well } from './findings.ts';
import type { Finding } from './findings.ts';
import type { Machine } from './machine.ts';

/** Numbers of capabilities (linux/capability.h). */
const NET_ADMIN = 12n;
const NET_RAW = 13n;

export function checkCapabilities({ text }: Machine): Finding[] {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(text('/proc/self/status') ?? '')?.[1];
  if (mask === undefined) {
    const says = 'what this process may do is not known: /proc/self/status has no CapEff';
    return [warning('capability', says, 'mount /proc')];
  }
  const effective = BigInt(`0x${mask}`);
  const has = (number: bigint): boolean => ((effective >> number) & 1n) === 1n;
  return [
    has(NET_RAW)
      ? well('capability', 'there', 'CAP_NET_RAW')
      : failure('capability', 'missing: packets cannot be captured', howToGive('CAP_NET_RAW'), 'CAP_NET_RAW'),
    has(NET_ADMIN)
      ? well('capability', 'there', 'CAP_NET_ADMIN')
      : warning(
          'capability',
          'missing: no verdicts of the firewall by NFLOG, no promiscuous mode',
          howToGive('CAP_NET_ADMIN'),
          'CAP_NET_ADMIN',
        ),
  ];
}

function howToGive(name: string): string {
  return `run as root, or give it: AmbientCapabilities=${name} in a unit of systemd, --cap-add ${name.replace('CAP_', '')} for a container`;
}
