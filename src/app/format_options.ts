// How a command line says what lines of entries look like.
import { WindrowError } from '../base/errors.ts';
import type { OptionSpec } from '../base/options.ts';
import type { Eni } from '../cloud/locality.ts';
import { DEFAULT_AWS_FIELDS, readAwsFields } from '../flowlog/aws_fields.ts';
import { JSON_LINES, checkWords } from '../flowlog/line_format.ts';
import type { LineFormat } from '../flowlog/line_format.ts';

export const LINE_FORMATS = ['json', 'aws'] as const;

export const AWS_FIELDS_OPTION: OptionSpec = {
  flags: '--aws-fields <names>',
  doc: 'with --format aws: the fields of a line, in this order, separated by blanks (default: those of version 2)',
};

export interface LineFormatFlags {
  readonly awsFields?: string;
}

/** Of entries that go to one output, with the ENIs that have names; undefined: no lines. Throws USAGE. */
export function readLineFormat(
  format: (typeof LINE_FORMATS)[number] | 'table',
  { awsFields }: LineFormatFlags,
  enis: readonly Eni[],
): LineFormat | undefined {
  if (format === 'aws') {
    enis.forEach(checkWords);
    return { kind: 'aws', fields: awsFields === undefined ? DEFAULT_AWS_FIELDS : readAwsFields(awsFields) };
  }
  if (awsFields !== undefined) throw new WindrowError('USAGE', '--aws-fields goes with --format aws');
  return format === 'json' ? JSON_LINES : undefined;
}
