// Fragments: a later one takes its ports from the first, where the capture holds it earlier and near enough.
import type { IpPacket } from './packet.ts';
import type { PacketRecord } from './records.ts';

const MAX_AGE_SECONDS = 30;

interface First {
  readonly sport: string;
  readonly dport: string;
  readonly protocol: number;
  readonly sec: number;
  readonly nanos: number;
}

export class Fragments {
  readonly #firsts = new Map<string, First>();

  /** The packet as it belongs to its flow. */
  join(ip: IpPacket, { sec, nanos }: PacketRecord): IpPacket {
    if (ip.fragment === undefined) return ip;
    const key = `${ip.vni ?? '-'} ${ip.src} ${ip.dst} ${ip.fragment.id} ${ip.version === 4 ? ip.protocol : '-'}`;
    if (ip.fragment.role === 'first') {
      this.#firsts.set(key, { sport: ip.sport, dport: ip.dport, protocol: ip.protocol, sec, nanos });
      return ip;
    }
    const first = this.#firsts.get(key);
    if (first === undefined) return ip;
    const seconds = sec - first.sec;
    if (seconds > MAX_AGE_SECONDS || (seconds === MAX_AGE_SECONDS && nanos > first.nanos)) return ip;
    return { ...ip, sport: first.sport, dport: first.dport, protocol: first.protocol };
  }
}
