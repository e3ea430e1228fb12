// Damaged gzip data, inflated once more up to the damage: zlib keeps to itself what it made in the call that fails.
import fs from 'node:fs';
import zlib from 'node:zlib';

/** Compressed bytes handed to zlib at once. */
export const INFLATE_BYTES = 64 * 1024;

/** Steps in which the call that fails is looked for: each narrows down what the step before found. */
const STEPS = [INFLATE_BYTES, 1024, 1];

/** Inflates a file again and gives what stands between the first `given` bytes of output and the damage. */
export async function* inflateToDamage(path: string, given: number): AsyncGenerator<Uint8Array, void> {
  const failing: number[] = [];
  // Small steps are slow: they are taken only behind where the larger ones still worked.
  const stepAt = (offset: number): number => STEPS[failing.filter((at) => offset >= at).length] ?? 1;
  while (failing.length < STEPS.length - 1) failing.push(await firstFailing(path, stepAt));
  let passed = 0;
  for await (const piece of inflateSteps(path, stepAt)) {
    if (typeof piece === 'number') return;
    const known = Math.min(piece.length, Math.max(0, given - passed));
    passed += piece.length;
    if (known < piece.length) yield piece.subarray(known);
  }
}

/** Offset of the first compressed bytes that zlib takes no more when they are handed over in these steps. */
async function firstFailing(path: string, stepAt: (offset: number) => number): Promise<number> {
  for await (const piece of inflateSteps(path, stepAt)) if (typeof piece === 'number') return piece;
  return Infinity;
}

/** Inflates in steps of a chosen size; a number, the offset of the step that failed, is the last thing it gives. */
async function* inflateSteps(
  path: string,
  stepAt: (offset: number) => number,
): AsyncGenerator<Uint8Array | number, void> {
  const gunzip = zlib.createGunzip();
  let pieces: Uint8Array[] = [];
  let isBroken = false;
  gunzip.on('data', (piece: Uint8Array) => pieces.push(piece)).on('error', () => (isBroken = true));
  const closed = new Promise<void>((resolve) => gunzip.once('close', resolve));
  const file = await fs.promises.open(path);
  try {
    for (let offset = 0; ;) {
      const bytes = new Uint8Array(stepAt(offset));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, offset);
      if (bytesRead === 0) return;
      const taken = new Promise<void>((resolve) => gunzip.write(bytes.subarray(0, bytesRead), () => resolve()));
      await Promise.race([taken, closed]);
      yield* pieces;
      pieces = [];
      if (isBroken) {
        yield offset;
        return;
      }
      offset += bytesRead;
    }
  } finally {
    gunzip.destroy();
    await file.close();
  }
}
