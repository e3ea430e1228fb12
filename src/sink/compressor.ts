// Compressed output: every block of lines is a gzip member or a zstd frame of its own, and a file is one behind another.
// RFC 1952 section 2.2 and RFC 8878 section 3 say that readers take them as one stream; a file that was cut off can be
// read up to its last whole block.
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { Compression } from './compressions.ts';

/** Compresses a block, beside the thread that decodes. */
export type Compressor = (block: Uint8Array) => Promise<Uint8Array> | Uint8Array;

/** Fast levels: lines of entries shrink by a factor of twelve and more at any. */
const GZIP_LEVEL = 1;
const ZSTD_LEVEL = 3;

type ZstdCompress = (block: Uint8Array, done: (error: Error | null, result: Uint8Array) => void) => void;

export async function openCompressor(compression: Compression): Promise<Compressor> {
  if (compression === 'gzip') {
    const gzip = promisify<Uint8Array, zlib.ZlibOptions, Uint8Array>(zlib.gzip);
    return (block) => gzip(block, { level: GZIP_LEVEL });
  }
  // Node has zstd of its own from 22.15 on, and in threads; before that it is compiled to WebAssembly.
  const { zstdCompress } = zlib as { zstdCompress?: ZstdCompress };
  if (zstdCompress) return promisify(zstdCompress);
  const zstd = await import('@bokuweb/zstd-wasm');
  await zstd.init();
  return (block) => zstd.compress(block, ZSTD_LEVEL);
}
