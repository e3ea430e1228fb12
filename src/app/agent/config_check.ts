// What is wrong with the values of a configuration's file, each with what was expected and what to do.
import { Ajv } from 'ajv';
import type { ErrorObject } from 'ajv';
import { nearest } from '../../base/nearest.ts';
import { CONFIG_SCHEMA, exampleOf, oneOf } from './config_schema.ts';
import type { Schema } from './config_schema.ts';
import { CONFIG_KEYS, INTERFACES, NFLOG } from './options.ts';

/** Keys, and indexes of lists. */
export type Path = readonly (string | number)[];

export interface WrongValue {
  readonly path: Path;
  /** The key of the mapping at the path that is wrong; undefined: the value is. */
  readonly key: string | undefined;
  readonly text: string;
}

/** Longer texts are cut. */
const MOST_SHOWN = 40;

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

const validate = new Ajv({ allErrors: true, verbose: true, strictTypes: false }).compile(CONFIG_SCHEMA);

/** Of what a file holds, whatever that is: all that is wrong. */
export function checkValues(values: unknown): WrongValue[] {
  if (validate(values)) return [];
  const wrong = (validate.errors ?? [])
    .filter(({ keyword }) => keyword !== 'if')
    .map((error) => wrongValue(error, values));
  // A value may break several rules of one description.
  return [...new Map(wrong.map((one) => [JSON.stringify(one), one])).values()];
}

function wrongValue(error: ErrorObject, values: unknown): WrongValue {
  const { keyword, params, data } = error;
  const { schema, path } = { schema: error.parentSchema as Schema, path: pathOf(error.instancePath, values) };
  if (keyword === 'additionalProperties') {
    const key = String((params as { additionalProperty: unknown }).additionalProperty);
    return { path, key, text: `${nameOf([...path, key])}: ${unknownKey(key, schema)}` };
  }
  const found =
    keyword === 'required'
      ? `one without a ${(params as { missingProperty: string }).missingProperty}`
      : describe(data);
  const at = path.length === 0 ? '' : `${nameOf(path)}: `;
  const text = `${at}expected ${schema.description}, found ${found}; ${hintFor(schema, data, path)}`;
  return { path, key: undefined, text };
}

function hintFor(schema: Schema, data: unknown, path: Path): string {
  if (schema.type === 'array' && typeof data === 'string') return `put it into brackets: [${data}]`;
  if (schema.type === 'string' && ['number', 'boolean'].includes(typeof data)) return 'put it into quotes';
  return `write ${exampleAt(path)}`;
}

function unknownKey(key: string, schema: Schema): string {
  const known = Object.keys(schema.properties as object);
  const near = nearest(key.replaceAll('_', '-'), known);
  const isOfFile = schema === CONFIG_SCHEMA;
  const elsewhere = isOfFile && Object.hasOwn(ELSEWHERE, key) ? ELSEWHERE[key] : undefined;
  const expected = isOfFile ? 'the name of an option' : oneOf(known);
  const other = isOfFile ? 'take it away; windrow agent --help names all that there are' : 'take it away';
  const what = elsewhere ?? (near === undefined ? other : `did you mean ${near}?`);
  return `expected ${expected}, found an unknown key; ${what}`;
}

/** From a JSON pointer, in which numbers are of lists where there is one. */
function pathOf(pointer: string, values: unknown): Path {
  const path: (string | number)[] = [];
  let at = values;
  for (const part of pointer.split('/').slice(1)) {
    const step = Array.isArray(at) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(step);
    at = (at as Record<string | number, unknown>)[step];
  }
  return path;
}

/** Such as `interfaces[1].side`; items are counted from 0. */
function nameOf(path: Path): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
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

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value !== 'string') return (value as number | boolean).toString();
  const shown = value.length > MOST_SHOWN ? `${value.slice(0, MOST_SHOWN)}...` : value;
  return `the text ${JSON.stringify(shown)}`;
}
