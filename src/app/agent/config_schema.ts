// What a file of an agent's configuration may hold: a JSON schema, made from the table of options.
import { oneOf } from '../../base/schema_faults.ts';
import type { Schema } from '../../base/schema_faults.ts';
import { NFLOG_ACTIONS } from '../../capture/nflog_groups.ts';
import { DECLARED_SCHEMA } from '../flow_logs/declared.ts';
import { CONFIG_KEYS, FLOW_LOGS, INTERFACES, NETWORK, NFLOG, SIDES } from './options.ts';
import type { ConfigKey } from './options.ts';

const ITEM = 'a name or a pattern, or a mapping of name, side and eni';

const INTERFACE_ITEM: Schema = {
  description: ITEM,
  if: { type: 'object' },
  then: {
    description: ITEM,
    properties: {
      name: { type: 'string', minLength: 1, description: 'a name or a pattern' },
      side: { enum: SIDES, description: oneOf(SIDES) },
      eni: {
        type: 'string',
        // As --eni ID=NAME reads it.
        pattern: '^[^=]*$',
        minLength: 1,
        maxLength: 256,
        description: 'the name of an ENI: 1 to 256 characters without =',
      },
    },
    required: ['name'],
    additionalProperties: false,
    if: { required: ['eni'] },
    then: {
      properties: {
        name: { pattern: '^[^*?]*$', description: 'a name without * and ?, as it has an ENI' },
      },
    },
  },
  else: { type: 'string', minLength: 1, description: ITEM },
};

const GROUP = 'a group, or a mapping of group and action';

const NFLOG_ITEM: Schema = {
  description: GROUP,
  if: { type: 'object' },
  then: {
    description: GROUP,
    properties: {
      group: { type: 'integer', minimum: 0, maximum: 65_535, description: 'a whole number from 0 to 65,535' },
      action: { enum: NFLOG_ACTIONS, description: oneOf(NFLOG_ACTIONS) },
    },
    required: ['group'],
    additionalProperties: false,
  },
  else: { type: ['string', 'integer'], minLength: 1, minimum: 0, maximum: 65_535, description: GROUP },
};

const FLOW_LOG_FILE_OR_LIST = 'a list of flow logs, or the file of those that windrow flowlog keeps';

const FLOW_LOGS_SCHEMA: Schema = {
  description: FLOW_LOG_FILE_OR_LIST,
  if: { type: 'array' },
  then: { items: DECLARED_SCHEMA },
  else: { type: 'string', minLength: 1, description: FLOW_LOG_FILE_OR_LIST },
};

/** What such a file holds is looked at by whoever reads it. */
const NETWORK_SCHEMA: Schema = {
  type: ['string', 'object'],
  minLength: 1,
  description: 'the file of a network, or what such a file holds',
};

export const CONFIG_SCHEMA: Schema = {
  type: 'object',
  description: 'keys and their values',
  properties: Object.fromEntries(CONFIG_KEYS.map((at) => [at.key, schemaOf(at)])),
  additionalProperties: false,
};

/** How a key is written, as users may copy it: `window: 60`. */
export function exampleOf({ key, spec, value }: ConfigKey): string {
  if (key === INTERFACES) return `${key}: [eth0]`;
  if (key === NFLOG) return `${key}: [{group: 5, action: REJECT}]`;
  if (key === FLOW_LOGS) return `${key}: [{name: all, resource-type: VPC, resource-id: vpc-1}]`;
  if (value === undefined) return `${key}: true`;
  const placeholder = (/^[a-z:]+/.exec(value)?.[0] ?? '').toUpperCase();
  if (spec.isList) return `${key}: [${placeholder}]`;
  return `${key}: ${String(spec.default ?? spec.choices?.[0] ?? spec.range?.[0] ?? placeholder)}`;
}

/** Choices that are numbers are numbers in files. */
export function choiceInFile(choice: string): string | number {
  return /^[0-9]+$/.test(choice) ? Number(choice) : choice;
}

function schemaOf({ key, spec, value }: ConfigKey): Schema {
  if (key === INTERFACES) {
    return { type: 'array', minItems: 1, items: INTERFACE_ITEM, description: 'a list of names, patterns and mappings' };
  }
  if (key === NFLOG) return { type: 'array', items: NFLOG_ITEM, description: 'a list of groups' };
  if (key === FLOW_LOGS) return FLOW_LOGS_SCHEMA;
  if (key === NETWORK) return NETWORK_SCHEMA;
  if (spec.isList) {
    const items = { type: 'string', minLength: 1, description: 'text that is not empty' };
    // Empty is what one is that is not given, or it has to be given.
    const minItems = Array.isArray(spec.default) ? 0 : 1;
    return { type: 'array', minItems, items, description: 'a list' };
  }
  if (spec.range) {
    const [minimum, maximum] = spec.range;
    const [least, most] = spec.range.map((number) => number.toLocaleString('en-US'));
    return { type: 'integer', minimum, maximum, description: `a whole number from ${least} to ${most}` };
  }
  if (spec.choices) return { enum: spec.choices.map(choiceInFile), description: oneOf(spec.choices) };
  if (value === undefined) return { type: 'boolean', description: 'true or false' };
  return { type: 'string', description: 'text' };
}
