// The rules of Prometheus for names, units and texts, held against every metric that Windrow has.
import { describe, expect, test } from 'vitest';
import { METRIC_TABLES, metricsTable } from '../../src/app/metrics.ts';
import { MetricRegistry } from '../../src/base/metrics.ts';
import type { MetricSpec, MetricTable } from '../../src/base/metrics.ts';
import { EXCLUSIONS } from '../../src/flowlog/accounting.ts';

const ALL: readonly MetricSpec[] = METRIC_TABLES.flatMap((table) => Object.values(table));
const byName = ALL.map((spec): [string, MetricSpec] => [spec.name, spec]);

/** Units that are no base units, abbreviations, and words that say the type or belong to the samples of a histogram. */
const NOT_IN_NAMES =
  /_(ms|us|ns|s|sec|secs|millis|milliseconds|microseconds|nanoseconds|minutes|hours|days|bits|kb|kib|mb|mib|kilobytes|megabytes|percent|counter|gauge|histogram|count|sum|bucket)(_|$)/;

describe('of the metrics', () => {
  test('there are many, and no two have the same name', () => {
    expect(ALL.length).toBeGreaterThan(35);
    expect(new Set(ALL.map(({ name }) => name)).size).toBe(ALL.length);
  });

  test('drops and exclusions have a reason each', () => {
    // Those of an interface have one reason only.
    const losses = ALL.filter(({ name }) =>
      /^windrow_(?!interface_).*(excluded|dropped|evicted|dead_letters)/.test(name),
    );
    expect(losses).toHaveLength(4);
    for (const { name, labels } of losses) expect(Object.keys(labels ?? {}), name).toEqual(['reason']);
    expect(losses.find(({ name }) => name.includes('excluded'))?.labels).toEqual({ reason: EXCLUSIONS });
  });
});

describe.each(byName)('%s', (name, spec) => {
  test('is named as Prometheus names metrics', () => {
    expect(name).toMatch(/^windrow(_[a-z][a-z0-9]*)+$/);
    expect(name).not.toMatch(NOT_IN_NAMES);
    expect(name.endsWith('_total')).toBe(spec.type === 'counter');
    expect(name.replace(/_total$/, '')).not.toMatch(/_total/);
    // The unit is the last word; a time since the epoch says that it is one.
    for (const unit of ['seconds', 'bytes']) {
      if (name.includes(`_${unit}`)) expect(name.replace(/_total$/, '').endsWith(`_${unit}`)).toBe(true);
    }
    if (name.includes('timestamp')) expect(name).toMatch(/_timestamp_seconds$/);
    if (name.endsWith('_info')) expect(spec.type).toBe('gauge');
  });

  test('is told in one sentence', () => {
    expect(spec.help).toMatch(/^[A-Z][^.\n\\|]{5,110}\.$/);
  });

  test('has labels that can be told apart, and none that Prometheus takes for itself', () => {
    for (const [label, values] of Object.entries(spec.labels ?? {})) {
      expect(label).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(['le', 'quantile', 'job', 'instance']).not.toContain(label);
      if (values === 'open') continue;
      expect(values.length).toBeGreaterThan(1);
      expect(new Set(values).size).toBe(values.length);
      for (const value of values) expect(value).toMatch(/^[a-z]+(_[a-z]+)*$/);
    }
  });

  test('has buckets that ascend, if it has any', () => {
    if (spec.type !== 'histogram') return expect(spec).not.toHaveProperty('buckets');
    expect(spec.buckets.length).toBeGreaterThan(2);
    expect([...new Set(spec.buckets)].sort((a, b) => a - b)).toEqual(spec.buckets);
    expect(spec.buckets.every((bound) => bound > 0 && Number.isFinite(bound))).toBe(true);
  });
});

interface Family {
  readonly help: string;
  readonly type: string;
  readonly samples: { readonly name: string; readonly labels: string; readonly value: string }[];
}

const SAMPLE = /^([a-z_][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\n"])*",?)+)\})? (\S+)$/;

/** Reads the text format; throws where it is not that. */
function readFamilies(text: string): Map<string, Family> {
  expect(text.endsWith('\n')).toBe(true);
  const families = new Map<string, Family>();
  let last: Family | undefined;
  let lastName = '';
  const lines = text.split('\n').filter((line) => line !== '');
  for (const [i, line] of lines.entries()) {
    const help = /^# HELP (\S+) (.+)$/.exec(line);
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(lines[i + 1] ?? '');
    if (help) {
      if (type?.[1] !== help[1] || families.has(help[1])) throw new Error(`not one family: ${line}`);
      lastName = help[1];
      families.set(lastName, (last = { help: help[2], type: type[2], samples: [] }));
    } else if (!line.startsWith('# TYPE ')) {
      const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
      const isOfFamily = name?.replace(last?.type === 'histogram' ? /_(bucket|sum|count)$/ : '', '') === lastName;
      if (!last || !isOfFamily) throw new Error(`no sample of ${lastName}: ${line}`);
      last.samples.push({ name, labels, value });
    }
  }
  return families;
}

function registryOf(tables: readonly MetricTable[]): MetricRegistry {
  const registry = new MetricRegistry();
  for (const table of tables) registry.add(table);
  return registry;
}

describe('the text of all metrics', () => {
  test('has each as one family, with its help and type, and whatever is known beforehand as 0', async () => {
    const families = readFamilies(await registryOf(METRIC_TABLES).text());
    expect([...families.keys()]).toEqual(ALL.map(({ name }) => name));
    for (const spec of ALL) {
      const { help, type, samples } = families.get(spec.name)!;
      expect({ help, type }).toEqual({ help: spec.help, type: spec.type });
      const closed = Object.values(spec.labels ?? {}).map((values) => (values === 'open' ? 0 : values.length));
      const series = closed.reduce((product, n) => product * n, 1);
      const samplesOfOne = spec.type === 'histogram' ? spec.buckets.length + 3 : 1;
      expect(samples, spec.name).toHaveLength(series * samplesOfOne);
      expect(new Set(samples.map(({ name, labels }) => `${name}{${labels}}`)).size).toBe(samples.length);
      expect(samples.every(({ value }) => value === '0')).toBe(true);
    }
  });

  test('of those of the process keeps the format as well, and takes no name of Windrow’s', async () => {
    const registry = registryOf(METRIC_TABLES);
    registry.addProcessMetrics();
    const names = [...readFamilies(await registry.text()).keys()];
    const others = names.slice(ALL.length);
    expect(others.length).toBeGreaterThan(15);
    expect(others.filter((name) => !/^(process|nodejs)_/.test(name))).toEqual([]);
  });

  test('is read by a reader that can say no', () => {
    const family = '# HELP a A.\n# TYPE a gauge\n';
    expect(readFamilies(`${family}a{b="c\\"",d="e"} 1\n`).get('a')!.samples).toHaveLength(1);
    for (const wrong of ['b 1\n', 'a{b="c"d"} 1\n', 'a{B="c"} 1\n', 'a_count 1\n', '# HELP a A.\n# TYPE a gauge\n']) {
      expect(() => readFamilies(family + wrong), wrong).toThrow();
    }
  });
});

test('the documentation has a row for each metric, with its labels and their values', () => {
  const rows = metricsTable();
  expect(rows.map(([name]) => name)).toEqual(ALL.map(({ name }) => `\`${name}\``));
  expect(rows.flat().filter((cell) => /[|\n]/.test(cell))).toEqual([]);
  const row = (name: string): string[] | undefined => rows.find(([first]) => first === `\`${name}\``);
  expect(row('windrow_flows')).toEqual(['`windrow_flows`', 'gauge', '', 'Flows in the table.']);
  expect(row('windrow_sink_lag_batches')?.[2]).toBe('`partition`');
  expect(row('windrow_entries_total')?.slice(0, 3)).toEqual([
    '`windrow_entries_total`',
    'counter',
    '`status`: `ok`, `nodata`, `skipdata`',
  ]);
});
