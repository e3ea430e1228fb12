// A configuration as a file: every key, what it means, and its value.
import { stringify } from 'yaml';
import { choiceInFile, exampleOf } from './config_schema.ts';
import { CONFIG_KEYS } from './options.ts';
import type { AgentFlags, ConfigKey } from './options.ts';

/** YAML that gives the same options; keys without a value are comments. */
export function dumpConfig(flags: AgentFlags): string {
  return CONFIG_KEYS.map((known) => dumpKey(known, flags[known.attribute as keyof AgentFlags])).join('\n');
}

function dumpKey(known: ConfigKey, value: unknown): string {
  const { key, spec } = known;
  const doc = `# ${spec.doc}${spec.choices ? ` (${spec.choices.join(', ')})` : ''}\n`;
  if (value === undefined) return `${doc}# ${exampleOf(known)}\n`;
  const inFile = spec.choices ? choiceInFile(value as string) : value;
  return doc + stringify({ [key]: inFile }, { lineWidth: 0, aliasDuplicateObjects: false, blockQuote: false });
}
