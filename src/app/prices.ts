// A file of prices: YAML, each value exactly as it is written there, and where it is wrong.
import { Ajv } from 'ajv';
import { LineCounter, isMap, isScalar, isSeq, parseDocument, visit } from 'yaml';
import type { Document } from 'yaml';
import { WindrowError, systemReason } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { billionths, isDecimal, MOST_PLACES } from '../flowlog/fee.ts';
import type { Prices, Tier } from '../flowlog/fee.ts';

/** Descriptions complete "expected ...". */
const DECIMAL = {
  type: ['number', 'string'],
  description: `a decimal that is not negative, such as 0.185, with ${MOST_PLACES} places at most`,
} as const;
const TIER = {
  type: 'object',
  description: 'a tier, such as {up_to_gb: 10240, price: 0.37}',
  properties: { up_to_gb: DECIMAL, price: DECIMAL },
  required: ['price'],
  additionalProperties: false,
} as const;
const SCHEMA = {
  type: 'object',
  description: 'a mapping of currency, free_gb and tiers',
  properties: {
    currency: { type: 'string', pattern: '^[A-Za-z]{3}$', description: 'three letters, such as USD' },
    free_gb: DECIMAL,
    tiers: { type: 'array', minItems: 1, maxItems: 100, items: TIER, description: 'a list of 1 to 100 tiers' },
  },
  required: ['currency', 'free_gb', 'tiers'],
  additionalProperties: false,
} as const;

type Path = readonly (string | number)[];

const validate = new Ajv({ verbose: true, allowUnionTypes: true }).compile(SCHEMA);

/** Throws USAGE, with `FILE:LINE:COLUMN` of the first value that is wrong. */
export function readPrices(file: string, readFile: (path: string) => string): Prices {
  let text: string;
  try {
    text = readFile(file);
  } catch (cause) {
    throw new WindrowError('USAGE', `--prices ${file}: cannot be read: ${systemReason(cause)}`, { cause });
  }
  return new PricesFile(file, text).prices();
}

class PricesFile {
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #document: Document;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, stringKeys: true });
  }

  prices(): Prices {
    this.#checkYaml();
    this.#checkShape();
    const count = (this.#document.toJS() as { tiers: unknown[] }).tiers.length;
    const tiers = Array.from({ length: count }, (_, i) => this.#tier(i));
    this.#checkOrder(tiers);
    return { currency: String(this.#document.get('currency')), freeGb: this.#decimal(['free_gb']), tiers };
  }

  #checkYaml(): void {
    const [error] = [...this.#document.errors, ...this.#document.warnings];
    if (error) this.#refuse(error.pos[0], `expected YAML: ${error.message.split('\n')[0]}`);
    visit(this.#document, {
      Alias: (_, { range }) => this.#refuse(range?.[0] ?? 0, 'expected a value, found an alias: write the value'),
    });
  }

  #checkShape(): void {
    const values: unknown = this.#document.toJS();
    if (validate(values)) return;
    const [{ instancePath, keyword, params, parentSchema }] = validate.errors!;
    const path = instancePath.split('/').slice(1);
    const { description, properties } = parentSchema as { description: string; properties?: object };
    const at = path.length === 0 ? '' : `${path.join('.')}: `;
    if (keyword === 'additionalProperties') {
      const key = String((params as { additionalProperty: unknown }).additionalProperty);
      const near = nearest(key, Object.keys(properties!));
      const hint = near === undefined ? 'take it away' : `did you mean ${near}?`;
      this.#refuse(this.#offsetOf([...path, key]), `${at}${key}: expected ${description}, found this key; ${hint}`);
    }
    if (keyword === 'required') {
      const { missingProperty } = params as { missingProperty: string };
      this.#refuse(this.#offsetOf(path), `${at}expected ${description}, found no ${missingProperty}`);
    }
    this.#refuse(this.#offsetOf(path), `${at}expected ${description}, found something else`);
  }

  #tier(i: number): Tier {
    const hasEnd = this.#document.hasIn(['tiers', i, 'up_to_gb']);
    return {
      upToGb: hasEnd ? this.#decimal(['tiers', i, 'up_to_gb']) : undefined,
      price: this.#decimal(['tiers', i, 'price']),
    };
  }

  #checkOrder(tiers: readonly Tier[]): void {
    tiers.forEach(({ upToGb }, i) => {
      const isLast = i === tiers.length - 1;
      if (isLast && upToGb !== undefined) {
        const what = `tiers.${i}: expected no up_to_gb in the last tier, found ${upToGb}: what is beyond has no price`;
        this.#refuse(this.#offsetOf(['tiers', i]), what);
      }
      if (isLast) return;
      if (upToGb === undefined) {
        const what = `tiers.${i}: expected where it ends (up_to_gb), as another tier comes behind it`;
        this.#refuse(this.#offsetOf(['tiers', i]), what);
      }
      const before = tiers[i - 1]?.upToGb ?? '0';
      if (billionths(upToGb) > billionths(before)) return;
      const what = `tiers.${i}.up_to_gb: expected more than ${before}, where the tier before it ends, found ${upToGb}`;
      this.#refuse(this.#offsetOf(['tiers', i, 'up_to_gb']), what);
    });
  }

  /** As it is written: a number of JavaScript may be another one. */
  #decimal(path: Path): string {
    const node: unknown = this.#document.getIn(path, true);
    const text = isScalar(node) ? (node.source ?? String(node.value)) : '';
    if (isDecimal(text)) return text;
    this.#refuse(
      this.#offsetOf(path),
      `${path.join('.')}: expected ${DECIMAL.description}, found ${text.slice(0, 40)}`,
    );
  }

  /** Of a value; of a key where it has none. */
  #offsetOf(path: Path): number {
    let offset = 0;
    let node: unknown = this.#document.contents;
    for (const step of path) {
      const before = node;
      node = isSeq(node) ? node.get(Number(step), true) : isMap(node) ? node.get(step, true) : undefined;
      const pair = isMap(before) ? before.items.find(({ key }) => isScalar(key) && key.value === step) : undefined;
      offset = rangeOf(node) ?? rangeOf(pair?.key) ?? offset;
    }
    return path.length === 0 ? (rangeOf(node) ?? 0) : offset;
  }

  #refuse(offset: number, text: string): never {
    const { line, col } = this.#lines.linePos(offset);
    throw new WindrowError('USAGE', `${this.#file}:${Math.max(line, 1)}:${Math.max(col, 1)}: ${text}`);
  }
}

function rangeOf(node: unknown): number | undefined {
  const range = (node as { range?: readonly number[] | null } | undefined)?.range;
  return range?.[0];
}
