// The native encoders of lines, which have the constant fields of their ENIs ready.
import { addon } from '../base/addon.ts';
import type { NativeEncoder } from '../base/addon_types.ts';
import type { Eni } from '../cloud/locality.ts';
import { VERDICT_SOURCES } from '../cloud/verdicts.ts';
import { AWS_FIELDS, AWS_PATHS, awsVersion } from './aws_fields.ts';
import type { AwsField } from './aws_fields.ts';
import { JSON_LINES, checkWords } from './line_format.ts';
import type { LineFormat } from './line_format.ts';

/**
 * An encoder for rows whose `eni` is a place in `enis`; with `flowLogs`, JSON that says by which rules it was judged says the
 * flow log of that place as well. Throws USAGE for what the format cannot hold.
 */
export function encoderOf(
  enis: readonly Eni[],
  format: LineFormat = JSON_LINES,
  flowLogs: readonly string[] = [],
): NativeEncoder {
  if (format.kind === 'aws') return awsEncoder(enis, format.fields);
  const { rules } = format;
  return addon.encoder_new(
    enis.map(escaped),
    rules ? VERDICT_SOURCES : [],
    rules?.map(escape) ?? [],
    rules ? flowLogs.map(escape) : [],
  );
}

function escape(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function escaped(eni: Eni): Eni {
  return {
    accountId: escape(eni.accountId),
    eniId: escape(eni.eniId),
    vmId: escape(eni.vmId),
    vpcId: escape(eni.vpcId),
    vswitchId: escape(eni.vswitchId),
  };
}

const PATHS = 32;
const NO_PATH = '-'.charCodeAt(0);
const DIGIT_0 = '0'.charCodeAt(0);

function awsEncoder(enis: readonly Eni[], fields: readonly AwsField[]): NativeEncoder {
  enis.forEach(checkWords);
  const characters = new Uint8Array(PATHS).fill(NO_PATH);
  for (const { paths, aws } of AWS_PATHS) for (const path of paths) characters[path] = DIGIT_0 + aws;
  const numbers = Uint8Array.from(fields, (field) => AWS_FIELDS.indexOf(field));
  return addon.encoder_aws(enis, numbers, `${awsVersion(fields)}`, characters);
}
