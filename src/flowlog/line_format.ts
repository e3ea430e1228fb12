// What lines of entries look like: JSON, or the fields of AWS VPC flow logs.
import { WindrowError } from '../base/errors.ts';
import type { Eni } from '../cloud/locality.ts';
import type { AwsField } from './aws_fields.ts';

/** JSON that says by which rules it was judged has their names, by their numbers. */
export type LineFormat =
  | { readonly kind: 'json'; readonly rules?: readonly string[] }
  | { readonly kind: 'aws'; readonly fields: readonly AwsField[] };

export const JSON_LINES: LineFormat = { kind: 'json' };

/** What stands before all lines of a file; empty: nothing. */
export function headerOf(format: LineFormat): string {
  return format.kind === 'json' ? '' : `${format.fields.map(({ name }) => name).join(' ')}\n`;
}

/** Throws USAGE. */
export function checkWords(eni: Eni): void {
  for (const text of Object.values(eni) as string[]) {
    // eslint-disable-next-line no-control-regex -- these are what is looked for
    if (text !== '' && !/[\s\u0000-\u001f\u007f]/.test(text)) continue;
    throw new WindrowError(
      'USAGE',
      `${JSON.stringify(text)} of the ENI ${JSON.stringify(eni.eniId)}: fields of AWS flow logs are separated by blanks: expected a name without any`,
    );
  }
}
