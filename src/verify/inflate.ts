// gzip (RFC 1952) as a stream that gives every byte that can be inflated before it says what is wrong.
import { createGunzip } from 'node:zlib';

/** The gzip data is cut off or damaged; all that could be inflated was given before. */
export class GzipDamage extends Error {}

export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

export async function* inflate(open: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let given = 0;
  let taken = 0;
  const decoder = startDecoder();
  for await (const chunk of open()) {
    await decoder.write(chunk);
    for (const piece of decoder.drain()) {
      given += piece.length;
      yield piece;
    }
    if (decoder.failure() !== undefined) {
      yield* inflateByByte(open, taken, given);
      throw new GzipDamage(`damaged gzip data: ${decoder.failure()?.message ?? ''}`);
    }
    taken += chunk.length;
  }
  await decoder.end();
  yield* decoder.drain();
  if (decoder.failure() !== undefined) throw new GzipDamage('gzip data is cut off');
}

/** zlib keeps what it inflated in the call that fails: the failing chunk is fed again, byte by byte. */
async function* inflateByByte(
  open: () => AsyncIterable<Uint8Array>,
  whole: number,
  given: number,
): AsyncGenerator<Uint8Array, void> {
  const decoder = startDecoder();
  let taken = 0;
  let passed = 0;
  for await (const chunk of open()) {
    const step = taken < whole ? chunk.length : 1;
    for (let at = 0; at < chunk.length; at += step) {
      await decoder.write(chunk.subarray(at, at + step));
      for (const piece of decoder.drain()) {
        const skip = Math.min(piece.length, Math.max(0, given - passed));
        passed += piece.length;
        if (skip < piece.length) yield piece.subarray(skip);
      }
      if (decoder.failure() !== undefined) return;
    }
    taken += chunk.length;
  }
}

interface Decoder {
  write(chunk: Uint8Array): Promise<void>;
  end(): Promise<void>;
  drain(): Uint8Array[];
  failure(): Error | undefined;
}

function startDecoder(): Decoder {
  const gunzip = createGunzip();
  let pieces: Uint8Array[] = [];
  let failure: Error | undefined;
  gunzip.on('data', (piece: Uint8Array) => pieces.push(piece));
  gunzip.on('error', (error) => {
    failure = error;
  });
  const closed = new Promise<void>((resolve) => gunzip.once('close', resolve));
  const wait = (start: (done: () => void) => void): Promise<void> =>
    Promise.race([new Promise<void>((resolve) => start(resolve)), closed]);
  return {
    write: (chunk) => wait((done) => gunzip.write(chunk, () => done())),
    end: () => {
      gunzip.end();
      return wait((done) => gunzip.once('end', done));
    },
    drain: () => {
      const drained = pieces;
      pieces = [];
      return drained;
    },
    failure: () => failure,
  };
}
