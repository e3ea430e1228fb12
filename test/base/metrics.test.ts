// Metrics from tables: what is there from the start, what a field does, and what does not compile.
import { register } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { MetricRegistry } from '../../src/base/metrics.ts';
import type { MetricTable, Metrics } from '../../src/base/metrics.ts';

const TABLE = {
  sheep: { type: 'counter', name: 'windrow_sheep_total', help: 'Sheep counted.' },
  lost: {
    type: 'counter',
    name: 'windrow_lost_sheep_total',
    help: 'Sheep lost.',
    labels: { reason: ['wolf', 'fence'], season: ['summer', 'winter'] },
  },
  mown: {
    type: 'counter',
    name: 'windrow_mown_meadows_total',
    help: 'Meadows mown.',
    labels: { meadow: 'open', by: ['scythe', 'tractor'] },
  },
  grass: { type: 'gauge', name: 'windrow_grass_bytes', help: 'Grass at hand.' },
  gate: { type: 'gauge', name: 'windrow_gate_open', help: 'Which gate is open.', labels: { side: ['north', 'south'] } },
  herd: { type: 'gauge', name: 'windrow_herd', help: 'Sheep of a meadow.', labels: { meadow: 'open' } },
  nap: { type: 'histogram', name: 'windrow_nap_seconds', help: 'Time asleep.', buckets: [1, 10] },
  walk: {
    type: 'histogram',
    name: 'windrow_walk_seconds',
    help: 'Time walked.',
    labels: { gait: ['trot'] },
    buckets: [5],
  },
} as const satisfies MetricTable;

/** The metrics of the table, and what its registry says of them: each value by its name and labels. */
function make(): { m: Metrics<typeof TABLE>; read: () => Promise<Values> } {
  const registry = new MetricRegistry();
  return { m: registry.add(TABLE), read: async () => valuesOf(await registry.text()) };
}

type Values = Record<string, number>;

function valuesOf(text: string): Values {
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(samples.map((line) => /^(.*) (\S+)$/.exec(line)!.slice(1)).map(([k, v]) => [k, Number(v)]));
}

const AT_FIRST: Values = {
  windrow_sheep_total: 0,
  'windrow_lost_sheep_total{reason="wolf",season="summer"}': 0,
  'windrow_lost_sheep_total{reason="wolf",season="winter"}': 0,
  'windrow_lost_sheep_total{reason="fence",season="summer"}': 0,
  'windrow_lost_sheep_total{reason="fence",season="winter"}': 0,
  windrow_grass_bytes: 0,
  'windrow_gate_open{side="north"}': 0,
  'windrow_gate_open{side="south"}': 0,
  'windrow_nap_seconds_bucket{le="1"}': 0,
  'windrow_nap_seconds_bucket{le="10"}': 0,
  'windrow_nap_seconds_bucket{le="+Inf"}': 0,
  windrow_nap_seconds_sum: 0,
  windrow_nap_seconds_count: 0,
  'windrow_walk_seconds_bucket{le="5",gait="trot"}': 0,
  'windrow_walk_seconds_bucket{le="+Inf",gait="trot"}': 0,
  'windrow_walk_seconds_sum{gait="trot"}': 0,
  'windrow_walk_seconds_count{gait="trot"}': 0,
};

describe('a registry', () => {
  test('has all that may never happen as 0 from the start, and nothing of an open label', async () => {
    const { read } = make();
    expect(await read()).toEqual(AT_FIRST);
  });

  test('tells each field’s values by their labels, and no other changes', async () => {
    const { m, read } = make();
    m.sheep.inc();
    m.sheep.inc(6);
    m.lost.inc({ reason: 'fence', season: 'winter' });
    m.lost.inc({ season: 'winter', reason: 'fence' }, 3);
    m.mown.inc({ meadow: 'hill', by: 'scythe' }, 0);
    m.grass.set(12.5);
    m.gate.set({ side: 'south' }, 1);
    m.herd.set({ meadow: 3 }, 40);
    m.nap.observe(2);
    m.nap.observe(11);
    m.walk.observe({ gait: 'trot' }, 5);
    expect(await read()).toEqual({
      ...AT_FIRST,
      windrow_sheep_total: 7,
      'windrow_lost_sheep_total{reason="fence",season="winter"}': 4,
      'windrow_mown_meadows_total{meadow="hill",by="scythe"}': 0,
      windrow_grass_bytes: 12.5,
      'windrow_gate_open{side="south"}': 1,
      'windrow_herd{meadow="3"}': 40,
      'windrow_nap_seconds_bucket{le="10"}': 1,
      'windrow_nap_seconds_bucket{le="+Inf"}': 2,
      windrow_nap_seconds_sum: 13,
      windrow_nap_seconds_count: 2,
      'windrow_walk_seconds_bucket{le="5",gait="trot"}': 1,
      'windrow_walk_seconds_bucket{le="+Inf",gait="trot"}': 1,
      'windrow_walk_seconds_sum{gait="trot"}': 5,
      'windrow_walk_seconds_count{gait="trot"}': 1,
    });
  });

  test('is its own: another has the same names, and prom-client’s global one has none', async () => {
    const [one, other] = [make(), make()];
    one.m.sheep.inc(5);
    expect((await one.read()).windrow_sheep_total).toBe(5);
    expect((await other.read()).windrow_sheep_total).toBe(0);
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  test('refuses a name that it has', () => {
    const registry = new MetricRegistry();
    registry.add(TABLE);
    expect(() => registry.add({ again: TABLE.sheep })).toThrow(/windrow_sheep_total/);
  });

  test('asks for what is told late, each time that it is read', async () => {
    const registry = new MetricRegistry();
    const { grass } = registry.add({ grass: TABLE.grass });
    let bytes = 0;
    registry.beforeReading(() => grass.set((bytes += 100)));
    expect(bytes).toBe(0);
    expect(valuesOf(await registry.text())).toEqual({ windrow_grass_bytes: 100 });
    expect(valuesOf(await registry.text())).toEqual({ windrow_grass_bytes: 200 });
  });

  test('rejects where what is told late cannot be told', async () => {
    const registry = new MetricRegistry();
    registry.beforeReading(() => {
      throw new Error('the meadow is gone');
    });
    await expect(registry.text()).rejects.toThrow('the meadow is gone');
  });

  test('writes label values so that no value can end its line', async () => {
    const { m, read } = make();
    m.herd.set({ meadow: 'a"} 7\nwindrow_sheep_total 9\\' }, 1);
    expect(await read()).toEqual({ ...AT_FIRST, 'windrow_herd{meadow="a\\"} 7\\nwindrow_sheep_total 9\\\\"}': 1 });
  });

  test('has the metrics of the process by their standard names, if they are asked for', async () => {
    const registry = new MetricRegistry();
    registry.add(TABLE);
    const without = await registry.text();
    registry.addProcessMetrics();
    const values = valuesOf(await registry.text());
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'process_start_time_seconds',
      'nodejs_eventloop_lag_p99_seconds',
      'nodejs_heap_size_used_bytes',
    ]) {
      expect(values, name).toHaveProperty([name]);
      expect(without).not.toContain(name);
    }
    expect(values.process_resident_memory_bytes).toBeGreaterThan(1 << 20);
    expect(values).toMatchObject(AT_FIRST);
  });
});

describe('a counter', () => {
  test('that is counted elsewhere is raised to its total, by its labels', async () => {
    const { m, read } = make();
    m.sheep.raiseTo(10);
    m.sheep.raiseTo(10);
    m.sheep.raiseTo(12);
    m.sheep.inc();
    m.sheep.raiseTo(20);
    m.lost.raiseTo({ reason: 'wolf', season: 'summer' }, 3);
    m.lost.raiseTo({ season: 'summer', reason: 'wolf' }, 5);
    expect(await read()).toEqual({
      ...AT_FIRST,
      windrow_sheep_total: 20,
      'windrow_lost_sheep_total{reason="wolf",season="summer"}': 5,
    });
  });

  test.each([9, -1, NaN])('at 10 never becomes %d', async (total) => {
    const { m, read } = make();
    m.sheep.raiseTo(10);
    expect(() => m.sheep.raiseTo(total)).toThrow(RangeError);
    expect((await read()).windrow_sheep_total).toBe(10);
  });

  test('is never counted down', async () => {
    const { m, read } = make();
    m.sheep.inc(2);
    expect(() => m.sheep.inc(-1)).toThrow();
    m.sheep.raiseTo(2);
    expect((await read()).windrow_sheep_total).toBe(2);
  });
});

test('a gauge forgets what is there no more, and nothing else', async () => {
  const { m, read } = make();
  m.herd.set({ meadow: 'hill' }, 1);
  m.herd.set({ meadow: 'valley' }, 2);
  m.herd.remove({ meadow: 'hill' });
  m.herd.remove({ meadow: 'never there' });
  expect(await read()).toEqual({ ...AT_FIRST, 'windrow_herd{meadow="valley"}': 2 });
});

// Proved by the type check: a line that is expected to be refused, and is not, is an error itself.
test('what is misspelt does not compile', () => {
  const { m } = make();
  const misspelt = {
    field: () => {
      // @ts-expect-error: there is no such metric.
      (m.sheeps as { inc(): void }).inc();
    },
    value: () => {
      // @ts-expect-error: a closed list has no such value.
      m.lost.inc({ reason: 'bear', season: 'winter' });
    },
    label: () => {
      // @ts-expect-error: the metric has no such label.
      m.gate.set({ slide: 'north' }, 1);
    },
    missingLabel: () => {
      // @ts-expect-error: every label has to be given.
      m.lost.inc({ reason: 'wolf' });
    },
    noLabels: () => {
      // @ts-expect-error: a counter with labels is not counted without.
      m.lost.inc();
    },
    tooManyLabels: () => {
      // @ts-expect-error: a metric without labels takes none.
      m.sheep.inc({ reason: 'wolf' });
    },
    act: () => {
      // @ts-expect-error: a counter is not set.
      (m.sheep as { set(value: number): void }).set(1);
    },
  };
  // @ts-expect-error: a counter's name ends in _total.
  ({ sheep: { type: 'counter', name: 'windrow_sheep', help: 'Sheep.' } }) satisfies MetricTable;
  // @ts-expect-error: a histogram's name ends in its unit.
  ({ nap: { type: 'histogram', name: 'windrow_nap', help: 'Naps.', buckets: [1] } }) satisfies MetricTable;
  expect(() => misspelt.field()).toThrow(TypeError);
  expect(() => misspelt.act()).toThrow(TypeError);
  expect(() => misspelt.label()).toThrow();
});
