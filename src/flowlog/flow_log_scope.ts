// Which flow logs collect at an ENI, how long its windows are, and which entries each of them takes.
import { ALL_PATHS, TRAFFIC_PATHS } from './flow_log.ts';
import type { FlowLog } from './flow_log.ts';

/** Where an ENI is; "-" where that is not known, which is nowhere that a flow log could name. */
export interface EniPlace {
  readonly eniId: string;
  readonly vswitchId: string;
  readonly vpcId: string;
}

/** Those that are active, and whose resource the ENI is or is in, in their order. */
export function activeOn(flowLogs: readonly FlowLog[], eni: EniPlace): FlowLog[] {
  return flowLogs.filter((flowLog) => flowLog.status === 'Active' && resourceOf(flowLog, eni) === flowLog.resourceId);
}

/** Minutes of an ENI's windows: the shortest interval of those that are active on it, for all of them. Undefined: there are none. */
export function windowMinutes(active: readonly FlowLog[]): FlowLog['aggregationInterval'] | undefined {
  const [first, ...others] = active.map((flowLog) => flowLog.aggregationInterval);
  return others.reduce((least, minutes) => (minutes < least ? minutes : least), first);
}

/**
 * What a flow log takes of entries with traffic, a bit for each value: native-bindings/subscriptions.h. SKIPDATA is for all
 * that are active: nobody knows what was lost.
 */
export interface EntryMask {
  /** 1: IPv4; 2: IPv6. */
  readonly families: number;
  /** 1: ACCEPT; 2: REJECT. */
  readonly actions: number;
  /** By the value of `traffic_path`; the last bit where it is not known. */
  readonly paths: number;
}

const ALL_PATH_BITS = 2 ** 32 - 1;

export function maskOf({ ipVersion, trafficType, trafficPaths }: FlowLog): EntryMask {
  const paths = trafficPaths.flatMap((name) => (name === ALL_PATHS ? [] : TRAFFIC_PATHS[name]));
  return {
    families: ipVersion === 'DualStack' ? 3 : 1,
    actions: { All: 3, Allow: 1, Drop: 2 }[trafficType],
    paths: trafficPaths.includes(ALL_PATHS)
      ? ALL_PATH_BITS
      : [...new Set(paths)].reduce((sum, path) => sum + 2 ** path, 0),
  };
}

function resourceOf({ resourceType }: FlowLog, eni: EniPlace): string {
  return { NetworkInterface: eni.eniId, VSwitch: eni.vswitchId, VPC: eni.vpcId }[resourceType];
}
