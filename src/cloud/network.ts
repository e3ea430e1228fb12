// A network: its file, read and checked as a whole, and the tables that entries are judged by.
import { WindrowError } from '../base/errors.ts';
import { placesOf } from '../base/json_places.ts';
import { TextLines } from '../base/text_lines.ts';
import { YamlDocument } from '../base/yaml_document.ts';
import type { DocumentFault } from '../base/yaml_document.ts';
import type { Eni } from './locality.ts';
import type { NetworkFile } from './network_file.ts';
import type { NetworkModel } from './network_model.ts';
import { readModel } from './network_reader.ts';
import { compileNetwork } from './network_tables.ts';
import type { CompiledNetwork } from './network_tables.ts';

export interface Network extends CompiledNetwork {
  /** What its file says. */
  readonly file: NetworkFile;
  readonly model: NetworkModel;
  /** By their numbers, which are those of the file. */
  readonly enis: readonly Eni[];
}

/** Reads a network from YAML, or from JSON, which is faster. Throws USAGE with all that is wrong with it, a line each. */
export function readNetwork(name: string, text: string): Network {
  const values = parseJson(text);
  if (values === undefined) return readYaml(name, text);
  const { model, wrong } = readModel(values);
  if (wrong.length === 0) return networkOf(values as NetworkFile, model);
  const places = placesOf(text, wrong);
  throw refusal(
    wrong.map((one, i) => ({ offset: places[i], text: one.text })),
    new TextLines(name, text),
  );
}

/** A network as the values of its file, which `readModel` has found nothing wrong with. */
export function networkOfValues(file: NetworkFile): Network {
  return networkOf(file, readModel(file).model);
}

function readYaml(name: string, text: string): Network {
  const document = new YamlDocument(name, text);
  const { model, wrong } = document.isBroken ? { wrong: [] } : readModel(document.values);
  if (model && wrong.length === 0 && document.faults.length === 0)
    return networkOf(document.values as NetworkFile, model);
  const placed = wrong.map(({ path, text: what, key }) => document.fault(path, what, key));
  throw refusal([...document.faults, ...placed], document);
}

type Placed = Pick<DocumentFault, 'offset' | 'text'>;

/** A line for each, in the order of the file. */
function refusal(faults: readonly Placed[], lines: { say(fault: Placed): string }): WindrowError {
  const inOrder = [...faults].sort((a, b) => a.offset - b.offset);
  return new WindrowError('USAGE', inOrder.map((fault) => lines.say(fault)).join('\n'));
}

/** Undefined: it is no JSON, or a key stands in a mapping again, of which JavaScript says nothing. */
function parseJson(text: string): unknown {
  if (!/^\s*\{/.test(text)) return undefined;
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // what is wrong with it is said by the reader of YAML
    throw error;
  }
  return countKeys(values) === text.match(KEY)?.length ? values : undefined;
}

/** A text that begins with a colon looks like one: the slower way reads that as well. */
const KEY = /"\s*:(?!:)/g;

/** Of a network no value lies deeper; NaN: this one does. */
const MOST_DEPTH = 16;

function countKeys(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth > MOST_DEPTH) return NaN;
  const isList = Array.isArray(value);
  let keys = 0;
  for (const item of isList ? (value as readonly unknown[]) : Object.values(value)) {
    if (!isList) keys++;
    if (typeof item === 'object') keys += countKeys(item, depth + 1);
  }
  return keys;
}

function networkOf(file: NetworkFile, model: NetworkModel): Network {
  const enis = model.enis.map(({ id, vm, vswitch }): Eni => {
    const { id: vswitchId, vpc } = model.vswitches[vswitch];
    const { id: vpcId, account } = model.vpcs[vpc];
    return { eniId: id, accountId: account, vmId: vm ?? '-', vpcId, vswitchId };
  });
  return { file, model, enis, ...compileNetwork(model) };
}
