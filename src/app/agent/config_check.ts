// What is wrong with the values of a configuration's file, each with what was expected and what to do.
import { nearest } from '../../base/nearest.ts';
import { checkerOf, oneOf } from '../../base/schema_faults.ts';
import type { Schema, WrongValue } from '../../base/schema_faults.ts';
import type { Path } from '../../base/yaml_document.ts';
import { CONFIG_SCHEMA, exampleOf } from './config_schema.ts';
import { CONFIG_KEYS, INTERFACES, NFLOG } from './options.ts';

const ON_COMMAND_LINE = 'it stands on the command line only; take it away';
/** Keys that somebody may expect, and what to do instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'kafka-password':
    'a password is never in this file; write it to a file of its own, and name that: kafka-password-file: FILE',
  interface: `write ${INTERFACES}: [NAME]`,
  config: ON_COMMAND_LINE,
  check: ON_COMMAND_LINE,
  dump: ON_COMMAND_LINE,
};

/** Of what a file holds, whatever that is: all that is wrong. */
export const checkValues: (values: unknown) => WrongValue[] = checkerOf(CONFIG_SCHEMA, {
  unknownKey,
  without: (key) => `one without a ${key}`,
  hint: (path) => `write ${exampleAt(path)}`,
});

function unknownKey(key: string, schema: Schema): { expected: string; hint: string } {
  const known = Object.keys(schema.properties as object);
  const near = nearest(key.replaceAll('_', '-'), known);
  const isOfFile = schema === CONFIG_SCHEMA;
  const elsewhere = isOfFile && Object.hasOwn(ELSEWHERE, key) ? ELSEWHERE[key] : undefined;
  const expected = isOfFile ? 'the name of an option' : oneOf(known);
  const other = isOfFile ? 'take it away; windrow agent --help names all that there are' : 'take it away';
  return { expected, hint: elsewhere ?? (near === undefined ? other : `did you mean ${near}?`) };
}

function exampleAt([key, item, part]: Path): string {
  if (key === INTERFACES && item !== undefined) {
    if (part === undefined) return 'eth0, or {name: eth0, eni: eni-web}';
    return part === 'side' ? '{name: tap0, side: peer}' : '{name: eth0, eni: eni-web}';
  }
  if (key === NFLOG && item !== undefined) return '{group: 5, action: REJECT}';
  const known = CONFIG_KEYS.find((candidate) => candidate.key === (key ?? INTERFACES))!;
  return exampleOf(known);
}
