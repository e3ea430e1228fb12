// A file of an agent's configuration: its values, where each of them stands, and all that is wrong with them.
import { YamlDocument } from '../../base/yaml_document.ts';
import type { DocumentFault, Path } from '../../base/yaml_document.ts';
import { checkValues } from './config_check.ts';

export class ConfigFile {
  /** Of keys, as they stand there; undefined where there are none to speak of. */
  readonly values: Readonly<Record<string, unknown>> | undefined;
  /** All of them, in no order. */
  readonly faults: readonly DocumentFault[];
  readonly #document: YamlDocument;

  constructor(name: string, text: string) {
    this.#document = new YamlDocument(name, text);
    const { values, faults, isBroken } = this.#document;
    const wrong = isBroken ? [] : checkValues(values);
    this.faults = [...faults, ...wrong.map(({ path, key, text }) => this.#document.fault(path, text, key))];
    const isMapping = values !== null && typeof values === 'object' && !Array.isArray(values);
    this.values = isMapping ? (values as Record<string, unknown>) : undefined;
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
