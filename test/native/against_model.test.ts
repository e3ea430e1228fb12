// The native core and the model of src/verify write the same lines of the same random captures, whatever the number of
// workers, the size of the chunks, and who works when.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WindrowError } from '../../src/base/errors.ts';
import { EXCLUSIONS } from '../../src/flowlog/accounting.ts';
import { compareLines } from '../../src/verify/compare.ts';
import { countCapture } from '../../src/verify/model.ts';
import type { Model, Tally } from '../../src/verify/model.ts';
import { DEFAULT_OPTIONS } from '../../src/verify/options.ts';
import type { CountOptions } from '../../src/verify/options.ts';
import { inThreads } from '../flow/crew.ts';
import { linesOf } from '../verify/counted.ts';
import { fragmentsFile, longFiles } from './long_captures.ts';
import { captureFiles, countOptions, crowdedFile, knownFrameFile } from './random_captures.ts';
import { replayFiles } from './replayed.ts';
import type { Manner, Replayed } from './replayed.ts';

/** More on request; the seed of a failure is printed and can be given as well. */
const RUNS = Number(process.env.WINDROW_PROPERTY_RUNS ?? 400);
const SEED = process.env.WINDROW_PROPERTY_SEED;
/** What failed is told before the test runner loses patience with its shrinking. */
const PARAMETERS = {
  numRuns: RUNS,
  ...(SEED === undefined ? {} : { seed: Number(SEED) }),
  interruptAfterTimeLimit: 100_000,
  markInterruptAsFailure: true,
};

const MOST_WORKERS = 5;
const threads = inThreads(MOST_WORKERS);

/** Any number of workers, in this thread, where the seed says who works when. */
const manner: fc.Arbitrary<Manner> = fc.record({
  workers: fc.integer({ min: 1, max: MOST_WORKERS }),
  chunkBytes: fc.constantFrom(4096, 5000, 65_536),
  mode: fc.constantFrom('file' as const, 'inputs' as const),
  seed: fc.nat(),
});

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-property-'));
});
afterAll(() => {
  fs.rmSync(folder, { recursive: true });
});

test('of random captures, one or several', async () => {
  await fc.assert(
    fc.asyncProperty(captureFiles, countOptions, manner, async (files, options, how) => {
      const paths = write(files);
      if (await areReadable(paths, options)) await expectModelled(paths, options, how);
    }),
    PARAMETERS,
  );
});

test('of captures of many chunks, by workers that read ahead and by others', async () => {
  let guesses = 0;
  await fc.assert(
    fc.asyncProperty(longFiles, countOptions, manner, fc.boolean(), async (files, options, how, isThreaded) => {
      const paths = write(files);
      if (!(await areReadable(paths, options))) return;
      guesses += await expectModelled(paths, options, isThreaded ? { ...how, crew: threads } : how);
    }),
    { ...PARAMETERS, numRuns: Math.max(20, RUNS / 10) },
  );
  expect(guesses).toBeGreaterThan(0);
});

test('of captures of fragments, of which many chunks have some', async () => {
  let guesses = 0;
  await fc.assert(
    fc.asyncProperty(fragmentsFile, countOptions, manner, async (file, options, how) => {
      guesses += await expectModelled(write([file]), options, how);
    }),
    { ...PARAMETERS, numRuns: Math.max(20, RUNS / 10) },
  );
  expect(guesses).toBeGreaterThan(0);
});

test('of a frame of every kind that is read, whole and harmed', async () => {
  await fc.assert(
    fc.asyncProperty(knownFrameFile, fc.boolean(), manner, async (file, decapsulate, how) => {
      await expectModelled(write([file]), { ...DEFAULT_OPTIONS, decapsulate }, how);
    }),
    { ...PARAMETERS, numRuns: 4 * RUNS },
  );
});

test('of crowded captures, with room for all flows', async () => {
  await fc.assert(
    fc.asyncProperty(crowdedFile, countOptions, manner, async (file, options, how) => {
      await expectModelled(write([file]), options, how);
    }),
    PARAMETERS,
  );
});

test('with a budget of a few flows the sums of every key are the same, though flows are closed early', async () => {
  let closedEarly = 0;
  await fc.assert(
    fc.asyncProperty(crowdedFile, countOptions, fc.integer({ min: 16, max: 48 }), manner, async (...drawn) => {
      const [file, plenty, maxFlows, how] = drawn;
      const options = { ...plenty, maxFlows };
      const paths = write([file]);
      const native = await replayFiles(paths, options, how);
      const model = await countCapture(paths, options);
      closedEarly += native.accounting.closedEarly;
      expect(booksOf(native)).toEqual(booksOfModel(model));
      // Who opened a flow is forgotten with it: only where the opener tells may the direction differ.
      expect((await compareLines(model, native.lines, { ...options, maxFlows: 0 })).differences).toEqual([]);
    }),
    PARAMETERS,
  );
  expect(closedEarly).toBeGreaterThan(RUNS);
});

function write(files: readonly Uint8Array[]): string[] {
  return files.map((file, i) => {
    const name = path.join(folder, `${i}.pcap`);
    fs.writeFileSync(name, file);
    return name;
  });
}

/** The same lines in the same order, and the same books; or both refuse the captures. Gives how many chunks were read ahead. */
async function expectModelled(paths: readonly string[], options: CountOptions, how: Manner): Promise<number> {
  const model = await countCapture(paths, options);
  const native = await replayUnlessRefused(paths, options, how);
  expect(native === undefined).toBe(model.refused);
  if (native === undefined) return 0;
  expect(native.lines).toEqual(linesOf(model));
  expect(booksOf(native)).toEqual(booksOfModel(model));
  return native.guesses;
}

/** Of several captures, one is refused alone of which next to others packets are exclusions, or the other way round. */
async function areReadable(paths: readonly string[], options: CountOptions): Promise<boolean> {
  if (paths.length === 1) return true;
  const alone = await Promise.all(paths.map((one) => countCapture([one], options)));
  return !alone.some(
    ({ packets }) => packets.seen > 0 && packets.excluded.get('unsupported_link_type') === packets.seen,
  );
}

async function replayUnlessRefused(
  paths: readonly string[],
  options: CountOptions,
  how: Manner,
): Promise<Replayed | undefined> {
  try {
    return await replayFiles(paths, options, how);
  } catch (error) {
    if (error instanceof WindrowError && error.code === 'INPUT_REFUSED') return undefined;
    throw error;
  }
}

interface ComparedBooks {
  readonly packets: object;
  readonly bytes: object;
  readonly isComplete: boolean;
  readonly entries: object;
}

function booksOf({ accounting }: Replayed): ComparedBooks {
  const { nodata, skipdata } = accounting.entries;
  return {
    packets: accounting.packets,
    bytes: accounting.bytes,
    isComplete: accounting.incomplete.length === 0,
    entries: { nodata, skipdata },
  };
}

function booksOfModel(model: Model): ComparedBooks {
  const books = ({ seen, logged, excluded }: Tally): object => ({
    seen,
    logged,
    excluded: Object.fromEntries(EXCLUSIONS.map((reason) => [reason, excluded.get(reason) ?? 0])),
  });
  return {
    packets: books(model.packets),
    bytes: books(model.bytes),
    isComplete: model.incomplete === undefined,
    entries: { nodata: model.nodata.length, skipdata: model.skipdata.length },
  };
}
