// Which flow logs collect at an ENI, how long its windows are, and which entries each of them takes.
import { ALL_PATHS, TRAFFIC_PATHS } from './flow_log.ts';
import type { FlowLog } from './flow_log.ts';

/** Where an ENI is; "-" where that is not known, which is nowhere that a flow log could name. */
export interface EniPlace {
  readonly eniId: string;
  readonly vswitchId: string;
  readonly vpcId: string;
}

/** What filters look at in an entry with traffic. */
export interface EntryTraits {
  readonly type: 'IPv4' | 'IPv6';
  readonly action: 'ACCEPT' | 'REJECT';
  /** Value of `traffic_path`; -1 where it is not known. */
  readonly trafficPath: number;
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

/** Whether a flow log takes an entry with traffic. SKIPDATA is for all that are active: nobody knows what was lost. */
export function filterOf(flowLog: FlowLog): (entry: EntryTraits) => boolean {
  const { ipVersion, trafficType, trafficPaths } = flowLog;
  const paths = new Set<number>(trafficPaths.flatMap((name) => (name === ALL_PATHS ? [] : TRAFFIC_PATHS[name])));
  const isAll = trafficPaths.includes(ALL_PATHS);
  const action = { All: undefined, Allow: 'ACCEPT', Drop: 'REJECT' }[trafficType];
  return (entry) =>
    (ipVersion === 'DualStack' || entry.type === 'IPv4') &&
    (action === undefined || entry.action === action) &&
    (isAll || paths.has(entry.trafficPath));
}

/** Of those that are active on an ENI: which say NODATA of a window, as they take none of its entries. */
export function silentIn(active: readonly FlowLog[], entries: readonly EntryTraits[]): FlowLog[] {
  return active.filter((flowLog) => !entries.some(filterOf(flowLog)));
}

function resourceOf({ resourceType }: FlowLog, eni: EniPlace): string {
  return { NetworkInterface: eni.eniId, VSwitch: eni.vswitchId, VPC: eni.vpcId }[resourceType];
}
