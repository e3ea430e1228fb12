// Whether the kernel has what packets are captured by.
import { failure, warning, well } from './findings.ts';
import type { Finding } from './findings.ts';
import type { Machine } from './machine.ts';

/** The first whose rings of packets tell super-frames from others (PACKET_VNET_HDR with TPACKET_V3). */
const GOOD = [4, 6] as const;

export function checkKernel({ platform, release, architecture, text }: Machine): Finding[] {
  if (platform !== 'linux') {
    const says = `${platform} ${release}: packets are captured on Linux only`;
    return [failure('kernel', says, 'replay captures here, or run the agent on a Linux host')];
  }
  return [versionFinding(release, architecture), packetsFinding(text)];
}

function versionFinding(release: string, architecture: string): Finding {
  const [major, minor] = release.split('.', 2).map((part) => Number.parseInt(part));
  const isGood = major > GOOD[0] || (major === GOOD[0] && minor >= GOOD[1]);
  const says = `Linux ${release}, ${architecture}`;
  if (isGood) return well('kernel', says);
  return warning(
    'kernel',
    `${says}: before ${GOOD.join('.')} a ring does not tell super-frames (GSO, GRO) from packets, and each is counted as one`,
    `use Linux ${GOOD.join('.')} or later`,
  );
}

/** The file is there once the protocol is, which may be a module that nobody needed yet. */
function packetsFinding(text: Machine['text']): Finding {
  if (text('/proc/net/packet') !== undefined) return well('kernel', 'there', 'packet sockets');
  return warning(
    'kernel',
    'the kernel has not loaded AF_PACKET, or was built without (CONFIG_PACKET)',
    'modprobe af_packet',
    'packet sockets',
  );
}
