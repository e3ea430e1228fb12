// One table per command: option, default, unit, range and sentence. Parser, help and README come from it.
import { Command, InvalidArgumentError, Option } from 'commander';

export interface OptionSpec {
  /** As commander reads it: `--window <seconds>`. */
  readonly flags: string;
  readonly doc: string;
  readonly default?: string | number | boolean | readonly string[];
  /** For whole numbers: smallest and greatest. */
  readonly range?: readonly [number, number];
  readonly choices?: readonly string[];
  /** Comma-separated, and may be given again. */
  readonly isList?: boolean;
}

/** Adds the table's options to a command. */
export function addOptions(command: Command, specs: readonly OptionSpec[]): Command {
  for (const spec of specs) {
    const option = new Option(spec.flags, spec.doc);
    if (spec.choices) option.choices([...spec.choices]);
    if (spec.range) option.argParser((text) => readWhole(text, spec.range!));
    if (spec.isList) option.argParser((text, before: readonly string[] | undefined) => readList(text, before));
    if (spec.default !== undefined) option.default(spec.default);
    command.addOption(option);
  }
  return command;
}

export interface OptionNames {
  /** Without dashes before it, as in files: `kafka-user`. */
  readonly key: string;
  /** As commander makes it of the flags: `kafkaUser`. */
  readonly attribute: string;
  /** Of its value, such as `seconds`; undefined: it has none. */
  readonly value: string | undefined;
}

export function namesOf({ flags }: OptionSpec): OptionNames {
  const option = new Option(flags);
  return { key: option.name(), attribute: option.attributeName(), value: /<(.+)>/.exec(flags)?.[1] };
}

/** What the options are where nobody gives them, by the names that commander makes of their flags. */
export function defaultsOf(specs: readonly OptionSpec[]): Record<string, unknown> {
  return Object.fromEntries(specs.map((spec) => [new Option(spec.flags).attributeName(), spec.default]));
}

/** Attributes of the options that stand on the command line; the others are defaults. */
export function givenTo(command: Command): ReadonlySet<string> {
  const attributes = Object.keys(command.opts());
  return new Set(attributes.filter((attribute) => command.getOptionValueSource(attribute) === 'cli'));
}

function readWhole(text: string, [least, most]: readonly [number, number]): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || value < least || value > most) {
    throw new InvalidArgumentError(
      `Expected a whole number from ${least.toLocaleString('en-US')} to ${most.toLocaleString('en-US')}.`,
    );
  }
  return value;
}

function readList(text: string, before: readonly string[] | undefined): readonly string[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.includes('')) throw new InvalidArgumentError('Expected values separated by commas, none of them empty.');
  return [...(before ?? []), ...parts];
}
