// Compressed output: what readers of gzip and zstd make of it.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { decompress, init } from '@bokuweb/zstd-wasm';
import { afterAll, expect, test } from 'vitest';
import { openCompressor } from '../../src/sink/compressor.ts';
import { Output } from '../../src/sink/output.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-compression-'));
afterAll(() => fs.rmSync(directory, { recursive: true }));

const BLOCKS = ['first block\n'.repeat(5000), 'second\n', 'third '.repeat(9000)].map((text) => Buffer.from(text));

test('blocks of gzip, one behind another, are one stream', async () => {
  const file = path.join(directory, 'entries.gz');
  const output = new Output(file, 'gzip');
  for (const block of BLOCKS) await output.write(block);
  await output.close();
  const stored = fs.readFileSync(file);
  expect(zlib.gunzipSync(stored).equals(Buffer.concat(BLOCKS))).toBe(true);
  expect(stored.length).toBeLessThan(Buffer.concat(BLOCKS).length / 10);
});

test('a gzip output without a line is an empty stream, not an empty file', async () => {
  const file = path.join(directory, 'nothing.gz');
  await new Output(file, 'gzip').close();
  expect(zlib.gunzipSync(fs.readFileSync(file))).toHaveLength(0);
});

test('a block of zstd is a frame that says so, and holds the block', async () => {
  await init();
  const compress = await openCompressor('zstd');
  for (const block of BLOCKS) {
    const frame = await compress(block);
    // RFC 8878 section 3.1.1
    expect(Buffer.from(frame).readUInt32LE(0)).toBe(0xfd2fb528);
    expect(Buffer.from(decompress(frame)).equals(block)).toBe(true);
  }
});

test('without compression the bytes are as they came', async () => {
  const file = path.join(directory, 'entries.ndjson');
  const output = new Output(file);
  for (const block of BLOCKS) await output.write(block);
  await output.close();
  expect(fs.readFileSync(file).equals(Buffer.concat(BLOCKS))).toBe(true);
});
