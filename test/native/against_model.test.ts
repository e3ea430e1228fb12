// The native core and the model of src/verify count the same random captures.
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
import type { Entry } from '../../src/verify/windows.ts';
import { captureFiles, countOptions, crowdedFile, knownFrameFile } from './random_captures.ts';
import { replayFiles } from './replayed.ts';
import type { Replayed } from './replayed.ts';

/** More on request; the seed of a failure is printed and can be given as well. */
const RUNS = Number(process.env.WINDROW_PROPERTY_RUNS ?? 400);
const SEED = process.env.WINDROW_PROPERTY_SEED;
const PARAMETERS = { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) };

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-property-'));
});
afterAll(() => {
  fs.rmSync(folder, { recursive: true });
});

test('native core and model make the same entries and the same books of random captures', async () => {
  await fc.assert(
    fc.asyncProperty(captureFiles, countOptions, async (files, options) => {
      const paths = write(files);
      const alone = await Promise.all(paths.map((one) => countCapture([one], options)));
      // Such a capture is refused alone; next to others its packets are exclusions, or its file header is refused.
      if (paths.length > 1 && alone.some(isUnread)) return;
      const native = await replayUnlessRefused(paths, options);
      expect(native === undefined).toBe(alone.some((one) => one.refused));
      if (native === undefined) return;
      const model = await countCapture(paths, options);
      expect(booksOf(native)).toEqual(booksOfModel(model));
      const { differences } = await compareLines(model, native.lines, options);
      expect(differences).toEqual([]);
      if (native.accounting.entries.supplementary === 0) {
        expect(linesOf(native)).toEqual(model.ordered.map(lineOf));
      }
    }),
    PARAMETERS,
  );
});

test('of a frame of every kind that is read, whole and harmed', async () => {
  await fc.assert(
    fc.asyncProperty(knownFrameFile, fc.boolean(), async (file, decapsulate) => {
      const options = { ...DEFAULT_OPTIONS, decapsulate };
      const paths = write([file]);
      const model = await countCapture(paths, options);
      const native = await replayUnlessRefused(paths, options);
      expect(native === undefined).toBe(model.refused);
      if (native === undefined) return;
      expect(booksOf(native)).toEqual(booksOfModel(model));
      expect(linesOf(native)).toEqual(model.ordered.map(lineOf));
    }),
    { ...PARAMETERS, numRuns: 4 * RUNS },
  );
});

test('of crowded captures too, with room for all flows', async () => {
  await fc.assert(
    fc.asyncProperty(crowdedFile, countOptions, async (file, options) => {
      const paths = write([file]);
      const model = await countCapture(paths, options);
      const native = await replayFiles(paths, options);
      expect(booksOf(native)).toEqual(booksOfModel(model));
      expect((await compareLines(model, native.lines, options)).differences).toEqual([]);
    }),
    PARAMETERS,
  );
});

test('with a budget of a few flows the sums of every key are the same, though flows are closed early', async () => {
  let closedEarly = 0;
  await fc.assert(
    fc.asyncProperty(crowdedFile, countOptions, fc.integer({ min: 16, max: 48 }), async (file, plenty, maxFlows) => {
      const options = { ...plenty, maxFlows };
      const paths = write([file]);
      const native = await replayFiles(paths, options);
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

async function replayUnlessRefused(paths: readonly string[], options: CountOptions): Promise<Replayed | undefined> {
  try {
    return await replayFiles(paths, options);
  } catch (error) {
    if (error instanceof WindrowError && error.code === 'INPUT_REFUSED') return undefined;
    throw error;
  }
}

/** Whether only packets of link types that are not read are in it. */
function isUnread({ packets }: Model): boolean {
  return packets.seen > 0 && packets.excluded.get('unsupported_link_type') === packets.seen;
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

function linesOf({ lines }: Replayed): string[] {
  return lines.filter((line) => line.includes('"log-status":"OK"'));
}

/** The whole line, from the model's own entry. */
function lineOf(entry: Entry): string {
  return JSON.stringify({
    'account-id': '-',
    action: 'ACCEPT',
    bytes: `${entry.bytes}`,
    direction: entry.direction,
    dstaddr: entry.dst,
    dstport: entry.dport,
    end: `${entry.end}`,
    'eni-id': entry.eni,
    'log-status': 'OK',
    packets: `${entry.packets}`,
    protocol: `${entry.protocol}`,
    srcaddr: entry.src,
    srcport: entry.sport,
    start: `${entry.start}`,
    'tcp-flags': entry.protocol === 6 ? `${entry.flags}` : '-',
    traffic_path: '-',
    type: `IPv${entry.version}`,
    version: '1',
    'vm-id': '-',
    'vpc-id': '-',
    'vswitch-id': '-',
  });
}
