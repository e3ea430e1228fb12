// A replay in this process, as the worker does it: captures in, lines and books out.
import { readLocality } from '../../src/cloud/locality.ts';
import { Shard } from '../../src/flow/shard.ts';
import type { Accounting } from '../../src/flowlog/accounting.ts';
import { Recorder } from '../../src/flowlog/recorder.ts';
import type { LineSink } from '../../src/flowlog/recorder.ts';
import type { CountOptions } from '../../src/verify/options.ts';

export interface Replayed {
  readonly lines: readonly string[];
  readonly accounting: Accounting;
}

/** Replays captures with the options that the model takes as well. Throws WindrowError. */
export async function replayFiles(paths: readonly string[], options: CountOptions): Promise<Replayed> {
  const locality = readLocality(options.local, options.eni);
  const shard = new Shard({ ...options, locality: locality.native });
  const text = new Text();
  try {
    await shard.open(paths);
    const recorder = new Recorder(shard, locality, options.windowSeconds, text, undefined);
    for await (const window of shard.windows()) if (window) await recorder.record(window);
    const accounting = await recorder.finish();
    return { lines: text.lines(), accounting };
  } finally {
    shard.close();
  }
}

class Text implements LineSink {
  #room = new Uint8Array(64 * 1024);
  #text = '';

  room(): Uint8Array {
    return this.#room;
  }

  wrote(bytes: number): void {
    this.#text += Buffer.from(this.#room.buffer, 0, bytes).toString();
  }

  lines(): string[] {
    return this.#text.split('\n').slice(0, -1);
  }
}
