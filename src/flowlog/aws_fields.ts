// The fields of AWS VPC flow logs, versions 2 to 5, and what of them an entry has.
import { WindrowError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';

export interface AwsField {
  readonly name: string;
  /** Of the flow logs that have had it first. */
  readonly version: 2 | 3 | 4 | 5;
  readonly doc: string;
}

/** In the documented order, which is that of `AwsField` in native-bindings/aws_encoder.h. */
export const AWS_FIELDS: readonly AwsField[] = [
  { name: 'version', version: 2, doc: 'The highest version among the fields.' },
  { name: 'account-id', version: 2, doc: 'The account of the ENI; "-" where not known.' },
  { name: 'interface-id', version: 2, doc: 'The ENI.' },
  { name: 'srcaddr', version: 2, doc: 'Source address.' },
  { name: 'dstaddr', version: 2, doc: 'Destination address.' },
  { name: 'srcport', version: 2, doc: 'Source port; 0 where the packets show none.' },
  { name: 'dstport', version: 2, doc: 'Destination port; 0 where the packets show none.' },
  { name: 'protocol', version: 2, doc: 'IANA protocol number.' },
  { name: 'packets', version: 2, doc: 'Number of packets.' },
  { name: 'bytes', version: 2, doc: 'Layer 3 bytes of the packets, as on the wire.' },
  { name: 'start', version: 2, doc: 'Time of the first packet.' },
  { name: 'end', version: 2, doc: 'As in JSON: of a flow that is still open, the end of the window.' },
  { name: 'action', version: 2, doc: 'ACCEPT or REJECT.' },
  { name: 'log-status', version: 2, doc: 'OK, NODATA or SKIPDATA.' },
  { name: 'vpc-id', version: 3, doc: 'The VPC of the ENI; "-" where not known.' },
  { name: 'subnet-id', version: 3, doc: 'The vSwitch of the ENI; "-" where not known.' },
  { name: 'instance-id', version: 3, doc: 'The VM of the ENI; "-" where not known.' },
  {
    name: 'tcp-flags',
    version: 3,
    doc: 'FIN 1, SYN 2, RST 4, SYN-ACK 18, together; 0 for all else and other protocols.',
  },
  { name: 'type', version: 3, doc: 'IPv4 or IPv6.' },
  { name: 'pkt-srcaddr', version: 3, doc: 'The same as srcaddr, which is what packets have.' },
  { name: 'pkt-dstaddr', version: 3, doc: 'The same as dstaddr.' },
  { name: 'region', version: 4, doc: 'Always "-".' },
  { name: 'az-id', version: 4, doc: 'Always "-".' },
  { name: 'sublocation-type', version: 4, doc: 'Always "-".' },
  { name: 'sublocation-id', version: 4, doc: 'Always "-".' },
  { name: 'pkt-src-aws-service', version: 5, doc: 'Always "-".' },
  { name: 'pkt-dst-aws-service', version: 5, doc: 'Always "-".' },
  { name: 'flow-direction', version: 5, doc: 'ingress or egress.' },
  { name: 'traffic-path', version: 5, doc: 'Of what leaves the ENI, as the table of paths says; "-" for all else.' },
];

/** What a flow log has unless it is told otherwise: all fields of version 2. */
export const DEFAULT_AWS_FIELDS = AWS_FIELDS.filter(({ version }) => version === 2);

export interface AwsPath {
  /** Values of `traffic_path`. */
  readonly paths: readonly number[];
  /** Value of `traffic-path`. */
  readonly aws: number;
  readonly doc: string;
}

/** Paths that AWS has as well; all others are "-". */
export const AWS_PATHS: readonly AwsPath[] = [
  {
    paths: [1, 2, 3, 4, 7, 8, 22],
    aws: 1,
    doc: 'in the VPC, or to an interface in it: an instance, a NAT gateway, a transit router, a GWLB endpoint',
  },
  { paths: [9, 10, 21], aws: 3, doc: 'a private gateway: VPN, leased line' },
  { paths: [6], aws: 7, doc: 'a gateway endpoint' },
  { paths: [13, 14, 15], aws: 8, doc: 'the Internet' },
];

/**
 * Reads names of fields, separated by blanks or commas, as they are or as AWS's log formats have them: `${srcaddr}`.
 * Throws USAGE.
 */
export function readAwsFields(text: string): readonly AwsField[] {
  const names = text.split(/[\s,]+/).filter(Boolean);
  if (names.length === 0) throw refusal('expected names of fields, separated by blanks, found none');
  const fields = names.map((name) => fieldNamed(/^\$\{(.*)\}$/.exec(name)?.[1] ?? name));
  const twice = fields.find((field, i) => fields.indexOf(field) < i);
  if (twice) throw refusal(`${twice.name}: expected once, found again; take one of them away`);
  return fields;
}

/** Of lines that have these fields. */
export function awsVersion(fields: readonly AwsField[]): number {
  return Math.max(...fields.map(({ version }) => version));
}

function fieldNamed(name: string): AwsField {
  const field = AWS_FIELDS.find((known) => known.name === name);
  if (field) return field;
  const near = nearest(
    name.replaceAll('_', '-'),
    AWS_FIELDS.map((known) => known.name),
  );
  const shown = JSON.stringify(name.slice(0, 40));
  const hint =
    near === undefined ? `they are ${AWS_FIELDS.map((known) => known.name).join(' ')}` : `did you mean ${near}?`;
  throw refusal(`expected fields of AWS VPC flow logs, versions 2 to 5, found ${shown}; ${hint}`);
}

function refusal(text: string): WindrowError {
  return new WindrowError('USAGE', `--aws-fields: ${text}`);
}
