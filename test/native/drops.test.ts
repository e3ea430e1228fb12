// Captures that report losses, early and late: the lines are those of the model in its order, and no window is silent of which
// a loss was told before.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareLines } from '../../src/verify/compare.ts';
import { countCapture } from '../../src/verify/model.ts';
import { DEFAULT_OPTIONS } from '../../src/verify/options.ts';
import { Workplace } from '../app/program.ts';
import * as p from '../packets.ts';
import { replayFiles } from './replayed.ts';

const workplace = new Workplace();
const T = 1_700_000_000;
const MICROS = 1_000_000n;
const INTERFACES = 3;
const DATAGRAM = p.ethernet({}, p.ipv4({}, p.udp({})));

type Step =
  | { readonly kind: 'packet'; readonly number: number; readonly after: number }
  | { readonly kind: 'untimed' }
  /** `from`: seconds after the packet before. */
  | { readonly kind: 'drops'; readonly number: number; readonly from: number; readonly lasts: number };

const number = fc.nat(INTERFACES - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('packet' as const),
      number,
      after: fc.constantFrom(0, 1, 9, 10, 11, 30, 300, 700, -15),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('drops' as const),
      number,
      from: fc.integer({ min: -900, max: 30 }),
      lasts: fc.constantFrom(0, 0, 1, 10, 100, 700),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('untimed' as const) }) },
);

function captureOf(steps: readonly Step[]): string {
  let sec = T;
  const lost = Array<bigint>(INTERFACES).fill(0n);
  const units = (after: number): bigint => BigInt(sec + after) * MICROS;
  const blocks = steps.map((step) => {
    if (step.kind === 'untimed') return p.simplePacket(DATAGRAM);
    if (step.kind === 'packet') {
      sec += step.after;
      return p.enhancedPacket({ interface: step.number, units: units(0), data: DATAGRAM });
    }
    const { number, from, lasts } = step;
    lost[number]++;
    return p.statistics({
      ...{ interface: number, drops: lost[number] },
      ...{ startUnits: units(from), units: units(from + lasts) },
    });
  });
  return workplace.file(p.section([...Array.from({ length: INTERFACES }, () => p.interfaceBlock()), ...blocks]));
}

interface Told {
  readonly status: string;
  readonly eni: string;
  readonly start: number;
  readonly end: number;
}

const isSame = (one: Told, other: Told): boolean =>
  one.eni === other.eni && one.start < other.end && other.start < one.end;

test('random losses make the lines of the model, in its order, and no silence after them', async () => {
  const told = { skipdata: 0, nodata: 0, both: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.constantFrom<string[][]>([], ['eni-a=10.0.0.1', 'eni-b=10.9.9.9']),
      fc.constantFrom(1, 2, 3),
      async (steps, eni, workers) => {
        const file = captureOf(steps);
        const options = { ...DEFAULT_OPTIONS, windowSeconds: 10, eni };
        const model = await countCapture([file], options);
        const { lines } = await replayFiles([file], options, { workers });
        expect(await compareLines(model, lines, options)).toMatchObject({ equal: true, differences: [] });
        const entries = lines.map((line): Told => {
          const entry = JSON.parse(line) as Record<string, string>;
          const [start, end] = [Number(entry['start']), Number(entry['end'])];
          return { status: entry['log-status'], eni: entry['eni-id'], start, end };
        });
        const expected = model.written.map(({ status, eni, start, end }): Told => ({ status, eni, start, end }));
        expect(entries).toEqual(expected);
        entries.forEach((entry, i) => {
          if (entry.status === 'OK') return;
          expect(entry.start).toBeLessThan(entry.end);
          if (entry.status === 'SKIPDATA') told.skipdata++;
          if (entry.status !== 'NODATA') return;
          told.nodata++;
          const losses = entries.flatMap((other, k) =>
            other.status === 'SKIPDATA' && isSame(entry, other) ? [k] : [],
          );
          // Only a report that comes later says otherwise.
          for (const k of losses) expect(k).toBeGreaterThan(i);
          told.both += losses.length;
        });
      },
    ),
    { numRuns: 400 },
  );
  expect(told.skipdata).toBeGreaterThan(400);
  expect(told.nodata).toBeGreaterThan(400);
  expect(told.both).toBeGreaterThan(0);
  expect(told.both).toBeLessThan(told.skipdata / 10);
});
