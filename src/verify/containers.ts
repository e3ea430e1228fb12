// Capture files of every kind, told by content: their records as one stream, several files merged by packet time.
import { createReadStream } from 'node:fs';
import { ByteQueue, type OpenBytes } from './bytes.ts';
import { inflate, isGzip } from './inflate.ts';
import { isPcap, readPcap } from './pcap.ts';
import { isPcapng, readPcapng } from './pcapng.ts';
import { type CaptureRecord, type DropRecord, type EndRecord, type PacketRecord, refused } from './records.ts';

const CHUNK_BYTES = 1 << 20;

export function readFiles(paths: readonly string[]): AsyncGenerator<CaptureRecord, void> {
  return merge(paths.map((path) => readCapture(() => createReadStream(path, { highWaterMark: CHUNK_BYTES }))));
}

export function readBytes(bytes: Uint8Array): AsyncGenerator<CaptureRecord, void> {
  return readCapture(() => oneChunk(bytes));
}

/** `open` is called again where a head was looked at, or damaged gzip data is read a second time. */
async function* readCapture(open: OpenBytes): AsyncGenerator<CaptureRecord, void> {
  const raw = new ByteQueue(open());
  const gzipped = (await raw.has(2)) && isGzip(raw.peek(2));
  if (gzipped) await raw.close();
  const bytes = gzipped ? new ByteQueue(inflate(open)) : raw;
  await bytes.has(4);
  const head = bytes.peek(4);
  if (isPcap(head)) yield* readPcap(bytes);
  else if (isPcapng(head)) yield* readPcapng(bytes);
  else yield refused(bytes.damage ?? (head.length === 0 ? 'the file is empty' : 'not a capture'));
  await bytes.close();
}

/**
 * The heads of all files are compared, and the earliest goes first; equal times keep the order of the arguments. Drops
 * stand directly behind the packet that they follow in their file; those in front of a file's first packet stand directly
 * in front of it, and those of a file without packets in front of all.
 */
async function* merge(sources: AsyncGenerator<CaptureRecord, void>[]): AsyncGenerator<CaptureRecord, void> {
  if (sources.length === 1) {
    yield* sources[0];
    return;
  }
  const heads: (PacketRecord | undefined)[] = [];
  const inFront: DropRecord[][] = sources.map(() => []);
  let worst: EndRecord | undefined;
  async function* advance(index: number, held?: DropRecord[]): AsyncGenerator<CaptureRecord, void> {
    heads[index] = undefined;
    for (;;) {
      const { value } = await sources[index].next();
      if (value === undefined) return;
      if (value.kind === 'packet') {
        heads[index] = value;
        return;
      }
      if (value.kind === 'drops' && held !== undefined) held.push(value);
      else if (value.kind !== 'end') yield value;
      else if (worst === undefined || rank(value) > rank(worst)) worst = value;
    }
  }
  for (let index = 0; index < sources.length; index++) {
    yield* advance(index, inFront[index]);
    if (heads[index] === undefined) yield* inFront[index];
  }
  for (;;) {
    const first = earliest(heads);
    if (first === undefined) break;
    yield* inFront[first].splice(0);
    yield heads[first]!;
    yield* advance(first);
  }
  if (worst !== undefined) yield worst;
}

/** Of several files' ends the worst is the end of all: refused, incomplete, complete. */
function rank(end: EndRecord): number {
  return end.refused ? 2 : end.complete ? 0 : 1;
}

function earliest(heads: readonly (PacketRecord | undefined)[]): number | undefined {
  let best: number | undefined;
  heads.forEach((head, index) => {
    if (head === undefined) return;
    const other = best === undefined ? undefined : heads[best];
    if (other === undefined || head.sec < other.sec || (head.sec === other.sec && head.nanos < other.nanos))
      best = index;
  });
  return best;
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  await Promise.resolve();
  yield bytes;
}
