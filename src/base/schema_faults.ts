// What is wrong with values by a JSON schema, each with what was expected, what was found and what to do.
import { Ajv } from 'ajv';
import type { ErrorObject } from 'ajv';
import type { Path } from './yaml_document.ts';

/** Descriptions complete "expected ...". */
export interface Schema {
  readonly description: string;
  readonly [keyword: string]: unknown;
}

export interface WrongValue {
  readonly path: Path;
  /** The key of the mapping at the path that is wrong; undefined: the value is. */
  readonly key: string | undefined;
  readonly text: string;
}

/** What only those know whose values they are. */
export interface Wording {
  /** What was expected instead of an unknown key, and what to do. */
  unknownKey(key: string, schema: Schema): { readonly expected: string; readonly hint: string };
  /** What is found in place of a mapping that has no such key. */
  without(key: string): string;
  /** What to do about a value. */
  hint(path: Path, schema: Schema): string;
}

/** Longer texts are cut. */
const MOST_SHOWN = 40;

/** Checks whatever it is given, and gives all that is wrong. */
export function checkerOf(schema: Schema, wording: Wording): (values: unknown) => WrongValue[] {
  const validate = new Ajv({ allErrors: true, verbose: true, strictTypes: false }).compile(schema);
  return (values) => {
    if (validate(values)) return [];
    const wrong = (validate.errors ?? [])
      .filter(({ keyword }) => keyword !== 'if')
      .map((error) => wrongValue(error, values, wording));
    // A value may break several rules of one description.
    return [...new Map(wrong.map((one) => [JSON.stringify(one), one])).values()];
  };
}

/** Such as `interfaces[1].side`; items are counted from 0. */
export function nameOf(path: Path): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
}

export function oneOf(choices: readonly string[]): string {
  return choices.length < 2 ? choices.join('') : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
}

/** What a value is, in a few words. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value !== 'string') return (value as number | boolean).toString();
  const shown = value.length > MOST_SHOWN ? `${value.slice(0, MOST_SHOWN)}...` : value;
  return `the text ${JSON.stringify(shown)}`;
}

function wrongValue(error: ErrorObject, values: unknown, wording: Wording): WrongValue {
  const { keyword, params, data } = error;
  const { schema, path } = { schema: error.parentSchema as Schema, path: pathOf(error.instancePath, values) };
  if (keyword === 'additionalProperties') {
    const key = String((params as { additionalProperty: unknown }).additionalProperty);
    const { expected, hint } = wording.unknownKey(key, schema);
    return { path, key, text: `${nameOf([...path, key])}: expected ${expected}, found an unknown key; ${hint}` };
  }
  const missing = keyword === 'required' ? (params as { missingProperty: string }).missingProperty : undefined;
  const found = missing === undefined ? describe(data) : wording.without(missing);
  const at = path.length === 0 ? '' : `${nameOf(path)}: `;
  const text = `${at}expected ${schema.description}, found ${found}; ${hintFor(error, path, wording)}`;
  return { path, key: undefined, text };
}

function hintFor({ parentSchema, data }: ErrorObject, path: Path, wording: Wording): string {
  const schema = parentSchema as Schema;
  if (schema.type === 'array' && typeof data === 'string') return `put it into brackets: [${data}]`;
  if (schema.type === 'string' && ['number', 'boolean'].includes(typeof data)) return 'put it into quotes';
  return wording.hint(path, schema);
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
