// Damaged gzip data, inflated once more up to the damage: zlib keeps to itself what it made in the call that fails.
import fs from 'node:fs';
import zlib from 'node:zlib';

/** Compressed bytes handed to zlib at once. */
export const INFLATE_BYTES = 64 * 1024;

/** Inflates a file again and gives what stands between the first `given` bytes of output and the damage. */
export async function* inflateToDamage(path: string, given: number): AsyncGenerator<Uint8Array, void> {
  const failing = await firstFailing(path);
  let passed = 0;
  for await (const piece of inflateSteps(path, (offset) => (offset < failing ? INFLATE_BYTES : 1))) {
    if (typeof piece === 'number') return;
    const known = Math.min(piece.length, Math.max(0, given - passed));
    passed += piece.length;
    if (known < piece.length) yield piece.subarray(known);
  }
}

/** Offset of the first compressed bytes that zlib takes no more when handed over in large steps. */
async function firstFailing(path: string): Promise<number> {
  for await (const piece of inflateSteps(path, () => INFLATE_BYTES)) if (typeof piece === 'number') return piece;
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
