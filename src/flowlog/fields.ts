// The field table: what an entry has, in the order in which it is written. Documentation and checks come from it.

export interface Field {
  /** The documented key. */
  readonly key: string;
  /** Column that holds it; undefined: constant for an ENI. */
  readonly column?: string;
  readonly doc: string;
}

/** The 21 documented keys of an entry, in alphabetical order. */
export const FIELDS: readonly Field[] = [
  { key: 'account-id', doc: 'The account of the ENI; "-" where not known.' },
  { key: 'action', column: 'action', doc: 'ACCEPT or REJECT.' },
  { key: 'bytes', column: 'bytes', doc: 'Layer 3 bytes of the packets, as on the wire.' },
  { key: 'direction', column: 'direction', doc: 'in (to the ENI) or out (from it).' },
  { key: 'dstaddr', column: 'dstaddr', doc: 'Destination address; IPv6 as in RFC 5952.' },
  { key: 'dstport', column: 'dstport', doc: 'Destination port; "-" where the packets show none.' },
  {
    key: 'end',
    column: 'end',
    doc: "The window's end for a flow that is still open, else when it closed. Seconds since the epoch.",
  },
  { key: 'eni-id', doc: 'The ENI at which the traffic was seen.' },
  { key: 'log-status', column: 'status', doc: 'OK, NODATA (no traffic) or SKIPDATA (packets were lost unseen).' },
  { key: 'packets', column: 'packets', doc: 'Number of packets.' },
  { key: 'protocol', column: 'protocol', doc: 'IANA protocol number.' },
  { key: 'srcaddr', column: 'srcaddr', doc: 'Source address; IPv6 as in RFC 5952.' },
  { key: 'srcport', column: 'srcport', doc: 'Source port; "-" where the packets show none.' },
  { key: 'start', column: 'start', doc: "Time of the entry's first packet. Seconds since the epoch." },
  { key: 'tcp-flags', column: 'tcp_flags', doc: 'OR of the TCP flag octets, decimal; "-" for other protocols.' },
  { key: 'traffic_path', column: 'traffic_path', doc: 'By which path the traffic goes; "-" without a network model.' },
  { key: 'type', column: 'family', doc: 'IPv4 or IPv6.' },
  { key: 'version', doc: 'Always 1.' },
  { key: 'vm-id', doc: 'The VM of the ENI; "-" where not known.' },
  { key: 'vpc-id', doc: 'The VPC of the ENI; "-" where not known.' },
  { key: 'vswitch-id', doc: 'The vSwitch of the ENI; "-" where not known.' },
];
