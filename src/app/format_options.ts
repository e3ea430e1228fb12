// How a command line says what lines of entries look like.
import { WindrowError } from '../base/errors.ts';
import type { OptionSpec } from '../base/options.ts';
import type { Eni } from '../cloud/locality.ts';
import { DEFAULT_AWS_FIELDS, readAwsFields } from '../flowlog/aws_fields.ts';
import { JSON_LINES, checkWords } from '../flowlog/line_format.ts';
import type { LineFormat } from '../flowlog/line_format.ts';

export const LINE_FORMATS = ['json', 'aws'] as const;

const EXTENDED_OPTION: OptionSpec = {
  flags: '--extended',
  doc: 'x-rule and x-verdict-source behind the documented keys of JSON, in trees and behind Kafka too: by what each was judged',
  default: false,
};

const AWS_FIELDS_OPTION: OptionSpec = {
  flags: '--aws-fields <names>',
  doc: 'with --format aws: the fields of a line, in this order, separated by blanks (default: those of version 2)',
};

export const REPLAY_FORMAT_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--format <format>',
    doc: 'json: an entry a line; aws: lines of AWS VPC flow logs; table: for people (default: table on a terminal, else json)',
    choices: [...LINE_FORMATS, 'table'],
  },
  EXTENDED_OPTION,
  AWS_FIELDS_OPTION,
];

export const AGENT_FORMAT_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--format <format>',
    doc: 'json: an entry a line; aws: lines of AWS VPC flow logs, which go to --output',
    choices: LINE_FORMATS,
    default: 'json',
  },
  EXTENDED_OPTION,
  AWS_FIELDS_OPTION,
];

export interface LineFormatFlags {
  readonly awsFields?: string;
  readonly extended: boolean;
}

/** Where entries go to one output, or elsewhere; `enis` have names, and rules, if there is a network. Throws USAGE. */
export function readLinesOf(
  isOneOutput: boolean,
  format: (typeof LINE_FORMATS)[number],
  { awsFields, extended }: LineFormatFlags,
  enis: readonly Eni[],
  rules: readonly string[] = ['-'],
): LineFormat {
  if (extended && format === 'aws') throw new WindrowError('USAGE', '--extended goes with --format json');
  if (format !== 'aws') {
    if (awsFields === undefined) return extended ? { kind: 'json', rules } : JSON_LINES;
    throw new WindrowError('USAGE', '--aws-fields goes with --format aws');
  }
  if (!isOneOutput) throw new WindrowError('USAGE', '--format aws is lines of text, and goes to --output only');
  enis.forEach(checkWords);
  return { kind: 'aws', fields: awsFields === undefined ? DEFAULT_AWS_FIELDS : readAwsFields(awsFields) };
}

/** Names of rules by their numbers, where entries are to say by which they were judged. */
export function rulesOf(lines: LineFormat | undefined): readonly string[] | undefined {
  return lines?.kind === 'json' ? lines.rules : undefined;
}
