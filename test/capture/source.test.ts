// The bytes of a capture: as they are stored or inflated, from files and streams, and why they ended.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import zlib from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { WindrowError } from '../../src/base/errors.ts';
import { openSource } from '../../src/capture/source.ts';
import type { ByteSource } from '../../src/capture/source.ts';
import { Workplace } from '../app/program.ts';

const workplace = new Workplace();

/** Bytes that do not compress away, so that a part of them is a part of the file. */
const CONTENT = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i * 31 + (i >> 7) * 17) & 255);

/** Reads to the end in reads of so many bytes. */
async function readAll(source: ByteSource, atOnce = 70_001): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const into = new Uint8Array(atOnce + 3);
    const got = await source.read(into, 3);
    if (got === 0) break;
    expect(got).toBeLessThanOrEqual(atOnce);
    expect([...into.subarray(0, 3)]).toEqual([0, 0, 0]);
    parts.push(Buffer.from(into.subarray(3, 3 + got)));
  }
  source.close();
  return Buffer.concat(parts);
}

async function contentOf(file: string, atOnce?: number): Promise<[boolean, string]> {
  const source = await openSource(file);
  const bytes = await readAll(source, atOnce);
  return [bytes.equals(CONTENT), source.damage];
}

describe('a file', () => {
  test('is read as it is, in reads of any size, and knows how far it is', async () => {
    const file = workplace.file(CONTENT);
    expect(await contentOf(file)).toEqual([true, 'none']);
    expect(await contentOf(file, 1_000_000)).toEqual([true, 'none']);
    const source = await openSource(file);
    expect([source.name, source.size]).toEqual([file, CONTENT.length]);
    expect(source.consumed).toBeLessThanOrEqual(2);
    const into = new Uint8Array(10);
    expect(await source.read(into, 0)).toBeGreaterThan(0);
    expect(into[0]).toBe(CONTENT[0]);
    await readAll(source);
    expect(source.consumed).toBe(CONTENT.length);
  });

  test.each([0, 1, 2])('of %i bytes is no other than it is', async (size) => {
    const source = await openSource(workplace.file(CONTENT.subarray(0, size)));
    expect((await readAll(source)).equals(CONTENT.subarray(0, size))).toBe(true);
    expect(source.damage).toBe('none');
  });

  test('that cannot be opened is refused by name', async () => {
    const refused = async (file: string): Promise<string> => {
      const error: unknown = await openSource(file).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(WindrowError);
      expect((error as WindrowError).code).toBe('INPUT_REFUSED');
      return (error as WindrowError).message;
    };
    const gone = workplace.at('gone');
    expect(await refused(gone)).toBe(`${gone}: cannot be opened: there is no such file`);
    expect(await refused(workplace.directory)).toContain(`${workplace.directory}: it is a directory`);
  });

  test('may be closed twice, and leaves no descriptor behind', async () => {
    const open = (): number => fs.readdirSync('/proc/self/fd').length;
    const file = workplace.file(CONTENT);
    const zipped = workplace.file(zlib.gzipSync(CONTENT));
    const before = open();
    for (const name of [file, zipped]) {
      for (let n = 0; n < 20; n++) {
        const source = await openSource(name);
        source.close();
        source.close();
      }
    }
    expect(open()).toBeLessThan(before + 10);
  });
});

describe('gzip', () => {
  const zipped = zlib.gzipSync(CONTENT);

  test('is told by content, and inflated', async () => {
    const file = workplace.file(zipped, 'no-such-ending');
    expect(await contentOf(file)).toEqual([true, 'none']);
    expect(await contentOf(file, 1000)).toEqual([true, 'none']);
    const source = await openSource(file);
    await readAll(source);
    expect([source.size, source.consumed]).toEqual([zipped.length, zipped.length]);
    const named = workplace.file(CONTENT, 'not-compressed.gz');
    expect(await contentOf(named)).toEqual([true, 'none']);
  });

  test('may have any number of members, also empty ones', async () => {
    const cuts = [0, 1, 65_536, 65_537, 200_000, 200_000, 300_000];
    const members = cuts.slice(1).map((to, i) => zlib.gzipSync(CONTENT.subarray(cuts[i], to), { level: i % 10 }));
    expect(await contentOf(workplace.file(Buffer.concat(members)))).toEqual([true, 'none']);
  });

  test('that is cut off gives what can be inflated, at every depth', async () => {
    for (const kept of [zipped.length - 1, zipped.length - 8, zipped.length >> 1, 5000]) {
      const source = await openSource(workplace.file(zipped.subarray(0, kept), 'cut.gz'));
      const bytes = await readAll(source);
      expect(source.damage).toBe('gzip_cut');
      expect(bytes.equals(CONTENT.subarray(0, bytes.length))).toBe(true);
      expect(bytes.length).toBeGreaterThan((kept / zipped.length) * CONTENT.length * 0.5 - 40_000);
      if (kept > zipped.length - 9) expect(bytes.length).toBe(CONTENT.length);
    }
  });

  test('that is damaged gives what stood before the damage', async () => {
    const broken = Uint8Array.from(zlib.gzipSync(CONTENT, { level: 0 }));
    // The second stored block's length no longer agrees with its complement.
    const first = broken[11] | (broken[12] << 8);
    broken[10 + 5 + first + 1] ^= 0xff;
    const source = await openSource(workplace.file(broken));
    const bytes = await readAll(source);
    expect(source.damage).toBe('gzip_broken');
    expect(bytes.equals(CONTENT.subarray(0, first))).toBe(true);
  });

  test('with a wrong checksum is damaged, and all of it was read', async () => {
    const broken = Uint8Array.from(zipped);
    broken[broken.length - 7] ^= 1;
    expect(await contentOf(workplace.file(broken))).toEqual([true, 'gzip_broken']);
  });

  test('followed by other bytes gives what stood before them', async () => {
    const source = await openSource(workplace.file(Buffer.concat([zipped, Buffer.from('something else')])));
    expect((await readAll(source)).equals(CONTENT)).toBe(true);
  });
});

describe('a FIFO', () => {
  test.each<[string, Uint8Array]>([
    ['as stored', CONTENT],
    ['as gzip', zlib.gzipSync(CONTENT)],
  ])('is read to its end, %s, though bytes come in pieces', async (name, stored) => {
    const fifo = workplace.at(`fifo ${name}`);
    execFileSync('mkfifo', [fifo]);
    const writer = spawn('dd', [`if=${workplace.file(stored)}`, `of=${fifo}`, 'bs=997'], { stdio: 'ignore' });
    const gone = new Promise((resolve) => writer.once('close', resolve));
    const source = await openSource(fifo);
    expect(source.size).toBe(0);
    expect((await readAll(source)).equals(CONTENT)).toBe(true);
    expect(source.damage).toBe('none');
    await gone;
  });
});
