// The configuration of an agent: what its file says, what the command line says instead, and what is wrong with both.
import { WindrowError, systemReason } from '../../base/errors.ts';
import { defaultsOf } from '../../base/options.ts';
import type { DocumentFault, Path } from '../../base/yaml_document.ts';
import type { Surroundings } from '../../kafka/options.ts';
import { ConfigFile } from './config_file.ts';
import { AGENT_OPTIONS, CONFIG_KEYS, INTERFACES, readAgentOptions } from './options.ts';
import type { AgentFlags, AgentOptions, AgentSurroundings, ConfigKey, InterfaceItem } from './options.ts';

/** A configuration, as flags and as what they mean. */
export interface AgentConfig {
  readonly flags: AgentFlags;
  readonly options: AgentOptions;
}

export interface CommandLine {
  readonly flags: AgentFlags;
  /** Attributes of those that were given; the others are defaults. */
  readonly given: ReadonlySet<string>;
}

/** Of each only one counts: with one of them on the command line the others in the file do not. */
const ALTERNATIVES: readonly (readonly string[])[] = [
  ['interval', 'window'],
  ['output', 'out', 'kafka'],
];

const DEFAULTS = defaultsOf(AGENT_OPTIONS);

/** Throws USAGE with all that is wrong, a line each. */
export function readConfig(commandLine: CommandLine, surroundings: AgentSurroundings): AgentConfig {
  const { flags } = commandLine;
  if (flags.config === undefined) return { flags, options: readAgentOptions(flags, surroundings) };
  const file = new ConfigFile(flags.config, readText(flags.config, surroundings));
  const reading = new Reading(file, commandLine);
  const options = reading.read((merged) => readAgentOptions(merged, surroundings));
  if (options) return { flags: reading.flags, options };
  throw new WindrowError('USAGE', reading.wrong.join('\n'));
}

function readText(path: string, { readFile }: Surroundings): string {
  try {
    return readFile(path);
  } catch (cause) {
    const message = `${path}: expected a YAML file, found none that can be read: ${systemReason(cause)}; correct --config`;
    throw new WindrowError('USAGE', message, { cause });
  }
}

/** Values that are wrong are left out, so that the others are looked at as well. */
class Reading {
  flags: AgentFlags;
  readonly #file: ConfigFile;
  readonly #given: ReadonlySet<string>;
  /** Of the file, by attribute: those that count. */
  readonly #values = new Map<string, unknown>();
  readonly #faults: DocumentFault[];
  /** What is wrong with the command line. */
  readonly #others: string[] = [];
  /** Attributes that were left out: what is refused because of that is no fault of its own. */
  readonly #leftOut = new Set<string>();

  constructor(file: ConfigFile, { flags, given }: CommandLine) {
    this.#file = file;
    this.#given = given;
    this.#faults = [...file.faults];
    for (const known of CONFIG_KEYS) this.#take(known);
    this.#letCommandLineWin();
    this.flags = { ...flags, ...Object.fromEntries(this.#values) };
    if (file.values && this.flags.interface.length === 0) this.#missInterfaces();
  }

  /** A line for each, in the order of the file. */
  get wrong(): string[] {
    const inOrder = this.#faults.toSorted((a, b) => a.offset - b.offset);
    return [...this.#others, ...inOrder.map((fault) => this.#file.say(fault))];
  }

  /** Undefined: something is wrong. */
  read(reader: (flags: AgentFlags) => AgentOptions): AgentOptions | undefined {
    // Of a file that is no YAML nothing is known.
    while (this.#file.values) {
      try {
        const options = reader(this.flags);
        return this.wrong.length === 0 ? options : undefined;
      } catch (error) {
        if (!(error instanceof WindrowError) || error.code !== 'USAGE') throw error;
        if (!this.#leaveOut(error.message)) break;
      }
    }
    return undefined;
  }

  #take({ key, attribute, spec }: ConfigKey): void {
    const value = this.#file.values?.[key];
    if (value === undefined) return;
    const wrong = this.#faults.map(({ path }) => path).filter((path) => path[0] === key);
    const isWrong = wrong.length > 0 && !Array.isArray(value);
    if (isWrong || wrong.some((path) => path.length === 1)) this.#leftOut.add(attribute);
    else if (Array.isArray(value)) {
      const right = value.filter((_, item) => !wrong.some((path) => path[1] === item));
      this.#values.set(attribute, right);
    } else this.#values.set(attribute, spec.choices ? (value as string | number).toString() : value);
  }

  #letCommandLineWin(): void {
    const others = ALTERNATIVES.filter((attributes) => attributes.some((one) => this.#given.has(one))).flat();
    for (const attribute of [...this.#given, ...others]) this.#values.delete(attribute);
    const items = this.#values.get('interface') as readonly InterfaceItem[] | undefined;
    if (!items || !this.#given.has('eni')) return;
    this.#values.set(
      'interface',
      items.map((item) => (typeof item === 'string' ? item : withoutEni(item))),
    );
  }

  #missInterfaces(): void {
    const isOwnFault = this.#file.values![INTERFACES] === undefined;
    const text = `${INTERFACES}: expected names or patterns, found no such key; write ${INTERFACES}: [eth0] (windrow doctor lists them)`;
    if (isOwnFault) this.#faults.push(this.#file.fault([], text));
    // The others are looked at as if it was there.
    this.flags = { ...this.flags, interface: ['*'] };
  }

  /** Notes what is refused, and leaves it out. False: there is nothing to leave out. */
  #leaveOut(message: string): boolean {
    const named = [...message.matchAll(/--[a-z][a-z-]*/g)]
      .map(([flag]) => CONFIG_KEYS.find((known) => flagOf(known) === flag))
      .filter((known) => known !== undefined);
    const culprit = named.find(({ attribute }) => this.#values.has(attribute));
    const item = culprit && this.#itemOf(culprit, message);
    if (!named.some(({ attribute }) => this.#leftOut.has(attribute))) this.#note(message, culprit, item);
    if (culprit && item !== undefined) {
      const list = (this.flags[culprit.attribute as keyof AgentFlags] as readonly unknown[]).filter(
        (one) => one !== item,
      );
      this.flags = { ...this.flags, [culprit.attribute]: list };
      return true;
    }
    // The last is what the others do not go with, or what they need.
    const set = named.filter(({ attribute }) => this.#isSet(attribute));
    const toLeaveOut = set.length > 1 && set.at(-1) === named.at(-1) ? set.slice(0, -1) : set;
    for (const { attribute } of toLeaveOut) {
      this.#leftOut.add(attribute);
      this.flags = { ...this.flags, [attribute]: DEFAULTS[attribute] };
    }
    return toLeaveOut.length > 0;
  }

  #note(message: string, culprit: ConfigKey | undefined, item: string | undefined): void {
    if (!culprit) {
      this.#others.push(message);
      return;
    }
    const text = CONFIG_KEYS.filter(({ attribute }) => !this.#given.has(attribute)).reduce(
      (said, known) => said.replaceAll(new RegExp(`${flagOf(known)}(?![a-z-])`, 'g'), known.key),
      message,
    );
    const { key } = culprit;
    const path: Path = item === undefined ? [key] : [key, (this.#file.values![key] as unknown[]).indexOf(item)];
    this.#faults.push(this.#file.fault(path, text));
  }

  /** The value of a list that a message begins with. */
  #itemOf(known: ConfigKey, message: string): string | undefined {
    const list = this.flags[known.attribute as keyof AgentFlags];
    if (!Array.isArray(list)) return undefined;
    return list.find((item) => typeof item === 'string' && message.startsWith(`${flagOf(known)} ${item}: `)) as
      string | undefined;
  }

  #isSet(attribute: string): boolean {
    const value = this.flags[attribute as keyof AgentFlags];
    return JSON.stringify(value) !== JSON.stringify(DEFAULTS[attribute]);
  }
}

function withoutEni({ name, side }: Exclude<InterfaceItem, string>): InterfaceItem {
  return side === undefined ? name : { name, side };
}

/** As messages of readers name the option. */
function flagOf({ spec }: ConfigKey): string {
  return spec.flags.split(' ')[0];
}
