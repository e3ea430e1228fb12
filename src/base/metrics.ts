// Metrics: declared as tables, kept in a registry of their own, handed out as typed fields.
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Values of each label: a closed list, every one of which is there as 0 from the start; or open, known when running. */
export type Labels = Readonly<Record<string, readonly string[] | 'open'>>;

interface Described {
  /** One sentence, with its full stop. */
  readonly help: string;
  readonly labels?: Labels;
}

export interface CounterSpec extends Described {
  readonly type: 'counter';
  readonly name: `windrow_${string}_total`;
}

export interface GaugeSpec extends Described {
  readonly type: 'gauge';
  readonly name: `windrow_${string}`;
}

/** The unit is a part of the name, as it is for all metrics. */
export interface HistogramSpec extends Described {
  readonly type: 'histogram';
  readonly name: `windrow_${string}_${'seconds' | 'bytes'}`;
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
}

export type MetricSpec = CounterSpec | GaugeSpec | HistogramSpec;

/** Metrics by the names of their fields. Written `as const satisfies MetricTable`, so that the labels keep their types. */
export type MetricTable = Readonly<Record<string, MetricSpec>>;

type LabelsOf<L> = { readonly [K in keyof L]: L[K] extends readonly string[] ? L[K][number] : string | number };

/** What stands in front of the value in a call: nothing for a metric without labels. */
type LabelsGiven<S extends MetricSpec> = S extends { readonly labels: infer L } ? [labels: LabelsOf<L>] : [];

export interface CounterField<S extends CounterSpec> {
  inc(...given: [...LabelsGiven<S>, by?: number]): void;
  /** For what is counted elsewhere: `total` so far. Throws RangeError if it is less than before. */
  raiseTo(...given: [...LabelsGiven<S>, total: number]): void;
  /** There is no such value, not even 0: nobody counts it. */
  remove(...given: LabelsGiven<S>): void;
}

export interface GaugeField<S extends GaugeSpec> {
  set(...given: [...LabelsGiven<S>, value: number]): void;
  /** From now on there is no such value: of a partition that is somebody else's now, for one. */
  remove(...given: LabelsGiven<S>): void;
}

export interface HistogramField<S extends HistogramSpec> {
  observe(...given: [...LabelsGiven<S>, value: number]): void;
}

type FieldOf<S extends MetricSpec> = S extends CounterSpec
  ? CounterField<S>
  : S extends GaugeSpec
    ? GaugeField<S>
    : S extends HistogramSpec
      ? HistogramField<S>
      : never;

/** The fields of a table: what writes the metrics gets these, and nothing that takes a metric's name. */
export type Metrics<T extends MetricTable> = { readonly [K in keyof T]: FieldOf<T[K]> };

const LOOP_LOOK_MS = 200;

export class MetricRegistry {
  readonly #registry = new Registry();
  readonly #updates: (() => void)[] = [];

  /** Makes the metrics of a table. Throws if one of its names is taken. */
  add<T extends MetricTable>(table: T): Metrics<T> {
    const fields = Object.entries(table).map(([key, spec]) => [key, this.#make(spec)]);
    return Object.freeze(Object.fromEntries(fields)) as Metrics<T>;
  }

  /** Adds what prom-client knows of the process, by its standard names. It watches the event loop from now on. */
  addProcessMetrics(): void {
    // Its default, a look each 10 ms, costs more than capturing ten thousand packets a second does.
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: LOOP_LOOK_MS });
  }

  /** `update` is called before the metrics are read: for what need not be told each time that it changes. */
  beforeReading(update: () => void): void {
    this.#updates.push(update);
  }

  /** All metrics in the text format of Prometheus. */
  async text(): Promise<string> {
    for (const update of this.#updates) update();
    return this.#registry.metrics();
  }

  /** The Content-Type of the text. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** A field of the shape that the types above give to each spec. */
  #make(spec: MetricSpec): unknown {
    const { name, help, labels = {} } = spec;
    const configuration = { name, help, labelNames: Object.keys(labels), registers: [this.#registry] };
    const zeros = spec.labels ? everyCombination(spec.labels) : [];
    if (spec.type === 'counter') {
      const counter = new Counter(configuration);
      for (const zero of zeros) counter.inc(zero, 0);
      return new Total(counter, configuration.labelNames);
    }
    if (spec.type === 'gauge') {
      const gauge = new Gauge(configuration);
      for (const zero of zeros) gauge.set(zero, 0);
      return gauge;
    }
    const histogram = new Histogram({ ...configuration, buckets: [...spec.buckets] });
    for (const zero of zeros) histogram.zero(zero);
    return histogram;
  }
}

type LabelValues = Readonly<Record<string, string | number>>;
/** Labels and a value, as all fields take them. */
type Given = readonly [labels: LabelValues, value?: number] | readonly [value?: number];

/** A counter that knows its totals: prom-client tells them asynchronously. */
class Total {
  readonly #counter: Counter;
  readonly #labelNames: readonly string[];
  readonly #totals = new Map<string, number>();

  constructor(counter: Counter, labelNames: readonly string[]) {
    this.#counter = counter;
    this.#labelNames = labelNames;
  }

  inc(...given: Given): void {
    const [labels, by = 1] = split(given);
    this.#add(labels, by);
  }

  raiseTo(...given: Given): void {
    const [labels, total = 0] = split(given);
    const before = this.#totals.get(this.#keyOf(labels)) ?? 0;
    // Not even NaN.
    if (!(total >= before)) throw new RangeError(`a counter was at ${before} and cannot go back to ${total}`);
    this.#add(labels, total - before);
  }

  remove(labels: LabelValues = {}): void {
    this.#counter.remove(labels);
    this.#totals.delete(this.#keyOf(labels));
  }

  #add(labels: LabelValues, by: number): void {
    this.#counter.inc(labels, by);
    const key = this.#keyOf(labels);
    this.#totals.set(key, (this.#totals.get(key) ?? 0) + by);
  }

  #keyOf(labels: LabelValues): string {
    return JSON.stringify(this.#labelNames.map((name) => labels[name]));
  }
}

function split(given: Given): [labels: LabelValues, value: number | undefined] {
  const [first, second] = given;
  return typeof first === 'object' ? [first, second] : [{}, first];
}

/** All that a metric can be labelled with; nothing where a label is open. */
function everyCombination(labels: Labels): Record<string, string>[] {
  return Object.entries(labels).reduce<Record<string, string>[]>(
    (made, [name, values]) =>
      values === 'open' ? [] : made.flatMap((others) => values.map((value) => ({ ...others, [name]: value }))),
    [{}],
  );
}
