// A folder for the chaos tests of a file: their capture, what is expected of it, and what they leave where they fail.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect } from 'vitest';
import { makeCapture } from './capture.ts';
import { expectedOf } from './contents.ts';
import type { Expected } from './contents.ts';
import { Findings } from './findings.ts';
import { REPLAY_ARGS } from './stage.ts';

export class Workshop {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-chaos-'));
  readonly findings = new Findings((line) => console.log(line));
  parts: string[] = [];
  expected: Expected = { folder: '', entries: [] };
  #isWell = true;

  /** For the file's whole length. What was written is kept where something is wrong. */
  constructor() {
    afterAll(() => {
      if (this.#isWell) fs.rmSync(this.folder, { recursive: true });
    });
  }

  /** The capture, and what there is in it. */
  async prepare(entries: number, parts: number): Promise<void> {
    this.parts = makeCapture(path.join(this.folder, 'capture'), { seed: 1, entries, parts });
    this.expected = await expectedOf(path.join(this.folder, 'expected'), this.parts, REPLAY_ARGS);
    expect(this.expected.entries.reduce((a, b) => a + b)).toBeGreaterThan(0.9 * entries);
  }

  /** A test in a folder of its own. */
  async in(name: string, test: (folder: string) => Promise<void>): Promise<void> {
    const folder = path.join(this.folder, name);
    try {
      await test(folder);
    } catch (error) {
      this.#isWell = false;
      console.log(`everything is in ${folder}`);
      throw error;
    }
  }
}
