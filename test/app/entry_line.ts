// Entries as lines: spelled out to the byte from what a test says of them, and read back.

/** The 21 keys as the field table of the format lists them, with what they are unless a test says otherwise. */
const ENTRY = {
  'account-id': '-',
  action: 'ACCEPT',
  bytes: '-',
  direction: '-',
  dstaddr: '-',
  dstport: '-',
  end: '-',
  'eni-id': 'eni-if0',
  'log-status': 'OK',
  packets: '-',
  protocol: '-',
  srcaddr: '-',
  srcport: '-',
  start: '-',
  'tcp-flags': '-',
  traffic_path: '-',
  type: 'IPv4',
  version: '1',
  'vm-id': '-',
  'vpc-id': '-',
  'vswitch-id': '-',
};

export type Entry = Record<keyof typeof ENTRY, string>;

export interface Said {
  readonly direction: 'in' | 'out';
  /** "10.0.0.1 40000 > 192.0.2.1 443 6": addresses, ports and protocol. */
  readonly flow: string;
  /** Packets and bytes. */
  readonly sums: readonly [number, number];
  /** Start and end. */
  readonly span: readonly [number, number];
  readonly flags?: number;
  readonly eni?: string;
}

/** The line of an entry with traffic. */
export function okLine({ direction, flow, sums, span, flags, eni = 'eni-if0' }: Said): string {
  const [srcaddr, srcport, , dstaddr, dstport, protocol] = flow.split(' ');
  return JSON.stringify({
    ...ENTRY,
    bytes: `${sums[1]}`,
    direction,
    dstaddr,
    dstport,
    end: `${span[1]}`,
    'eni-id': eni,
    packets: `${sums[0]}`,
    protocol,
    srcaddr,
    srcport,
    start: `${span[0]}`,
    'tcp-flags': flags === undefined ? '-' : `${flags}`,
    type: srcaddr.includes(':') ? 'IPv6' : 'IPv4',
  });
}

/** The line of an entry that says that there was nothing, or not all. */
export function quietLine(status: 'NODATA' | 'SKIPDATA', span: readonly [number, number], eni = 'eni-if0'): string {
  const [start, end] = span.map(String);
  return JSON.stringify({ ...ENTRY, action: '-', type: '-', end, 'eni-id': eni, 'log-status': status, start });
}

/** All entries of an output, in its order. */
export function entriesOf(output: string): Entry[] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry);
}

/** "in 192.0.2.1:443 > 10.0.0.1:40000 6 2/80": what tells entries apart, and their sums. */
export function brief(entry: Entry): string {
  const { direction, srcaddr, srcport, dstaddr, dstport, protocol, packets, bytes } = entry;
  return `${direction} ${srcaddr}:${srcport} > ${dstaddr}:${dstport} ${protocol} ${packets}/${bytes}`;
}
