// A file of an agent's configuration: its values, where each of them stands, and all that is wrong with them.
import { YamlDocument } from '../../base/yaml_document.ts';
import type { DocumentFault, Path } from '../../base/yaml_document.ts';
import type { WrongValue } from '../../base/schema_faults.ts';
import { readModel } from '../../cloud/network_reader.ts';
import { checkValues } from './config_check.ts';
import { NETWORK } from './options.ts';

export class ConfigFile {
  /** Of keys, as they stand there; undefined where there are none to speak of. */
  readonly values: Readonly<Record<string, unknown>> | undefined;
  /** All of them, in no order. */
  readonly faults: readonly DocumentFault[];
  readonly #document: YamlDocument;

  constructor(name: string, text: string) {
    this.#document = new YamlDocument(name, text);
    const { values, faults, isBroken } = this.#document;
    this.values = isMapping(values) ? values : undefined;
    const wrong = isBroken ? [] : [...checkValues(values), ...wrongNetwork(this.values?.[NETWORK])];
    this.faults = [...faults, ...wrong.map(({ path, key, text }) => this.#document.fault(path, text, key))];
  }

  /** What a reader of the values refuses of one of them. */
  fault(path: Path, text: string): DocumentFault {
    return this.#document.fault(path, text);
  }

  /** `FILE:LINE:COLUMN: TEXT`; lines and columns are counted from 1. */
  say(fault: DocumentFault): string {
    return this.#document.say(fault);
  }
}

function isMapping(values: unknown): values is Readonly<Record<string, unknown>> {
  return values !== null && typeof values === 'object' && !Array.isArray(values);
}

/** Of a network that stands in the file. */
function wrongNetwork(network: unknown): WrongValue[] {
  if (!isMapping(network)) return [];
  return readModel(network).wrong.map((one) => ({ ...one, path: [NETWORK, ...one.path] }));
}
