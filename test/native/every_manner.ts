// A capture replayed in every manner, by few and by many workers: the same lines and books as the model's come out.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect } from 'vitest';
import { countCapture } from '../../src/verify/model.ts';
import { DEFAULT_OPTIONS } from '../../src/verify/options.ts';
import type { CountOptions } from '../../src/verify/options.ts';
import { inThreads } from '../flow/crew.ts';
import { linesOf } from '../verify/counted.ts';
import { replayFiles } from './replayed.ts';
import type { Manner, Replayed } from './replayed.ts';

export const OPTIONS: CountOptions = { ...DEFAULT_OPTIONS, windowSeconds: 10 };

/** The smallest that there may be: even a short capture is many. */
const CHUNK_BYTES = 4096;
const WORKERS = [2, 3, 7];

/** Replays captures in every manner; for a test file. */
export class EveryManner {
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-manners-'));
  readonly #threads = inThreads(Math.max(...WORKERS));

  constructor() {
    afterAll(() => fs.rmSync(this.#folder, { recursive: true }));
  }

  /** What one worker makes of a capture, and what others did on the way to the same. */
  async replay(capture: Uint8Array, options: CountOptions = OPTIONS): Promise<{ one: Replayed; others: Replayed[] }> {
    const file = path.join(this.#folder, 'capture');
    fs.writeFileSync(file, capture);
    const one = await replayFiles([file], options, { chunkBytes: CHUNK_BYTES });
    expect(one.lines).toEqual(linesOf(await countCapture([file], options)));
    const manners: Manner[] = [
      ...WORKERS.flatMap((workers) => [1, 2].map((seed) => ({ workers, seed }))),
      { workers: 3, crew: this.#threads },
      { workers: 1, mode: 'inputs' },
      { workers: 3, mode: 'inputs' },
    ];
    const others: Replayed[] = [];
    for (const manner of manners) {
      const other = await replayFiles([file], options, { chunkBytes: CHUNK_BYTES, ...manner });
      const said = JSON.stringify(manner);
      expect(other.lines, said).toEqual(one.lines);
      expect(other.accounting, said).toEqual(one.accounting);
      others.push(other);
    }
    return { one, others };
  }
}
