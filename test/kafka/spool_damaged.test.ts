// A spool whose files are not as it wrote them: what can be read is read, the rest is said, counted and set aside.
import fs from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SpoolRecord } from '../../src/kafka/spool_scanner.ts';
import { Workplace } from '../app/program.ts';
import { bytesOf, open, payloadOf, readRest, segmentsOf } from './spool_opened.ts';
import type { Opened } from './spool_opened.ts';

const HEADER = 32;
const RECORD_HEADER = 12;
/** Of which seven go into a segment, and that is full. */
const BYTES = 100;
const IN_SEGMENT = 7;
const RECORD = RECORD_HEADER + BYTES;
const SMALL = { segmentBytes: HEADER + IN_SEGMENT * RECORD };
/** Three segments and a half. */
const RECORDS = 25;

const workplace = new Workplace();
const original = workplace.at('original');
let made = 0;

/** A spool of RECORDS records, closed, none acknowledged. */
async function filled(): Promise<string> {
  if (!fs.existsSync(original)) {
    const { spool } = await open(original, SMALL);
    for (let number = 0; number < RECORDS; number++) await spool.append(payloadOf(number, BYTES));
    await spool.close();
  }
  const folder = workplace.at(`spool-${++made}`);
  fs.cpSync(original, folder, { recursive: true });
  return folder;
}

const segment = (folder: string, number: number): string =>
  path.join(folder, `${String(number * IN_SEGMENT).padStart(20, '0')}.spool`);

function flip(file: string, at: number): void {
  const bytes = fs.readFileSync(file);
  bytes[at] ^= 0x10;
  fs.writeFileSync(file, bytes);
}

/** Opens it, reads what there is, acknowledges it, and closes: what was read, and what was said. */
async function readThrough(folder: string): Promise<Opened & { readonly numbers: number[] }> {
  const opened = await open(folder, SMALL);
  const records = await readRest(opened.spool);
  const numbers = records.map(numberOf);
  // The second time nothing is counted or said again.
  const damages = opened.said.damage.length;
  opened.spool.rewind();
  expect((await readRest(opened.spool)).map(numberOf)).toEqual([...numbers, -1]);
  expect(opened.said.damage.length).toBe(damages);
  expect(opened.said.damage.reduce((sum, { records }) => sum + records, 0)).toBe(opened.spool.stats.lostRecords);
  opened.spool.ack(await opened.spool.append(payloadOf(0, 1)));
  await opened.spool.close();
  expect(opened.said.errors).toEqual([]);
  return { ...opened, numbers };
}

/** The number of a payload, which is as it was appended; -1: it is none of them. */
function numberOf({ payload }: SpoolRecord): number {
  if (payload.length !== BYTES) return -1;
  const number = Buffer.from(payload).readUInt32LE(0);
  expect(payloadOf(number, BYTES).equals(payload)).toBe(true);
  return number;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const without = (...lost: number[]): number[] => range(0, RECORDS).filter((number) => !lost.includes(number));

/** What one damage says, all of it. */
function only({ said }: Opened): { records: number; bytes: number; message: string } {
  expect(said.damage).toHaveLength(1);
  return said.damage[0];
}

const asideOf = (folder: string): string[] => fs.readdirSync(folder).filter((name) => name.endsWith('.damaged'));

describe('the last record', () => {
  test('that is cut off at any byte is cut away, and all before it is there', async () => {
    for (let cut = 1; cut < RECORD; cut++) {
      const folder = await filled();
      const file = segment(folder, 3);
      const { size } = fs.statSync(file);
      fs.truncateSync(file, size - cut);
      const opened = await open(folder, SMALL);
      expect(only(opened)).toEqual({
        message: `${file}: ${RECORD - cut} bytes behind its last whole record were cut off`,
        records: 0,
        bytes: RECORD - cut,
      });
      expect(fs.statSync(file).size).toBe(size - RECORD);
      // Its number is free, and its place is filled.
      expect(await opened.spool.append(payloadOf(24, BYTES))).toBe(24);
      expect(fs.statSync(file).size).toBe(size);
      expect((await readRest(opened.spool)).map(numberOf)).toEqual(range(0, RECORDS));
      await opened.spool.close();
    }
  });

  test('that is whole is not', async () => {
    const { numbers, said } = await readThrough(await filled());
    expect(numbers).toEqual(range(0, RECORDS));
    expect(said.damage).toEqual([]);
  });

  test.each(range(0, 4).map((i) => [i * 30, i]))(
    'with a wrong byte, number %i of its bytes, is lost, and counted',
    async (at) => {
      const folder = await filled();
      const file = segment(folder, 3);
      flip(file, fs.statSync(file).size - BYTES + at);
      const { numbers, ...opened } = await readThrough(folder);
      expect(numbers).toEqual(without(24));
      expect(only(opened)).toMatchObject({ records: 1, bytes: RECORD });
    },
  );

  test('that a power failure left as zeros is cut away', async () => {
    for (const zeros of [1, RECORD_HEADER, RECORD, 3 * RECORD, 2_000_000]) {
      const folder = await filled();
      const file = segment(folder, 3);
      const { size } = fs.statSync(file);
      fs.truncateSync(file, size + zeros);
      const { numbers, ...opened } = await readThrough(folder);
      expect(numbers).toEqual(range(0, RECORDS));
      expect(only(opened)).toMatchObject({ records: 0, bytes: zeros });
    }
  });

  test('is the one before where a segment was only begun', async () => {
    for (let size = 0; size < HEADER; size++) {
      const folder = await filled();
      fs.truncateSync(segment(folder, 3), size);
      const { numbers, said } = await readThrough(folder);
      expect(numbers).toEqual(range(0, 3 * IN_SEGMENT));
      expect(said.damage).toEqual([]);
    }
  });

  test('may be one of several that were written at once', async () => {
    for (const cut of [RECORD + 1, 2 * RECORD, 2 * RECORD + 50, 3 * RECORD + 99]) {
      const folder = await filled();
      const file = segment(folder, 3);
      fs.truncateSync(file, fs.statSync(file).size - cut);
      const { numbers, spool } = await readThrough(folder);
      expect(numbers).toEqual(range(0, RECORDS - Math.ceil(cut / RECORD)));
      expect(spool.stats.lostRecords).toBe(0);
    }
  });
});

describe('elsewhere', () => {
  test('a wrong byte of a payload costs its record, whatever segment it is in', async () => {
    for (const number of [0, 6, 7, 10, 20, 21, 22, 23]) {
      const folder = await filled();
      const file = segment(folder, Math.floor(number / IN_SEGMENT));
      flip(file, HEADER + (number % IN_SEGMENT) * RECORD + RECORD_HEADER + 17);
      const { numbers, ...opened } = await readThrough(folder);
      expect(numbers).toEqual(without(number));
      const { message, records, bytes } = only(opened);
      expect(message).toContain(`${file}: it is damaged at byte `);
      expect(message).toContain(': 1 record is lost');
      expect({ records, bytes }).toEqual({ records: 1, bytes: RECORD });
      // It was sent as far as it could be; somebody may want to look at it.
      expect(asideOf(folder)).toEqual([path.basename(file).replace('spool', 'damaged')]);
      expect(segmentsOf(folder)).toEqual([]);
    }
  });

  test('a wrong byte of a length costs the rest of its segment, and nothing of the next', async () => {
    for (const at of range(0, 8)) {
      const folder = await filled();
      flip(segment(folder, 1), HEADER + 2 * RECORD + at);
      const { numbers, ...opened } = await readThrough(folder);
      expect(numbers).toEqual(without(9, 10, 11, 12, 13));
      expect(only(opened)).toMatchObject({ records: 5, bytes: 5 * RECORD });
      expect(asideOf(folder)).toHaveLength(1);
    }
  });

  test('a wrong byte of a length in the last segment cuts nothing off', async () => {
    const folder = await filled();
    const file = segment(folder, 3);
    const { size } = fs.statSync(file);
    flip(file, HEADER + RECORD);
    const { numbers, ...opened } = await readThrough(folder);
    expect(numbers).toEqual(range(0, 22));
    // Nobody knows how many there were: one at least.
    expect(only(opened)).toMatchObject({ records: 1, bytes: 3 * RECORD });
    expect(fs.statSync(file.replace('.spool', '.damaged')).size).toBe(size);
  });

  test('a wrong byte in the header of a segment costs none of its records', async () => {
    for (const number of [0, 1, 3]) {
      for (const at of [0, 9, 13, 16, 25, 31]) {
        const folder = await filled();
        flip(segment(folder, number), at);
        const { numbers, ...opened } = await readThrough(folder);
        expect(numbers).toEqual(range(0, RECORDS));
        expect(only(opened)).toMatchObject({
          message: `${segment(folder, number)}: its header is damaged`,
          records: 0,
        });
        expect(asideOf(folder)).toHaveLength(1);
      }
    }
  });

  test('a missing segment is missed', async () => {
    for (const number of [1, 2]) {
      const folder = await filled();
      fs.rmSync(segment(folder, number));
      const { numbers, ...opened } = await readThrough(folder);
      expect(numbers).toEqual(without(...range(number * IN_SEGMENT, (number + 1) * IN_SEGMENT)));
      const { message, records } = only(opened);
      expect(records).toBe(IN_SEGMENT);
      expect(message).toContain(`from ${number * IN_SEGMENT} to ${(number + 1) * IN_SEGMENT - 1}`);
      expect(asideOf(folder)).toEqual([]);
    }
  });

  test('the first segment is missed where it is known how far all is acknowledged', async () => {
    const folder = await filled();
    const before = await open(folder, SMALL);
    before.spool.ack(2);
    await before.spool.close();
    fs.rmSync(segment(folder, 0));
    const { numbers, ...opened } = await readThrough(folder);
    expect(numbers).toEqual(range(7, RECORDS));
    expect(only(opened)).toMatchObject({
      message: `${folder}: there is no segment with the records from 3 to 6: 4 records are lost`,
      records: 4,
    });
  });

  test('a segment that is deleted while the spool is open is missed', async () => {
    const folder = await filled();
    const opened = await open(folder, SMALL);
    expect(numberOf((await opened.spool.read(1))[0])).toBe(0);
    fs.rmSync(segment(folder, 2));
    expect((await readRest(opened.spool)).map(numberOf)).toEqual(without(0, ...range(14, 21)));
    expect(only(opened)).toMatchObject({ records: 7 });
    expect(only(opened).message).toContain(`${segment(folder, 2)}: cannot be read: there is no such file`);
    await opened.spool.close();
  });

  test('a segment that is shorter or longer than it was costs what is missing', async () => {
    for (const [cut, lost] of [
      [1, 1],
      [RECORD, 1],
      [RECORD + 1, 2],
      [IN_SEGMENT * RECORD, IN_SEGMENT],
      [IN_SEGMENT * RECORD + 5, IN_SEGMENT],
    ]) {
      const folder = await filled();
      const file = segment(folder, 1);
      fs.truncateSync(file, fs.statSync(file).size - cut);
      const { numbers, spool } = await readThrough(folder);
      expect(numbers).toEqual(without(...range(14 - lost, 14)));
      expect(spool.stats.lostRecords).toBe(lost);
    }
    const folder = await filled();
    fs.appendFileSync(segment(folder, 1), 'something else');
    const { numbers, ...opened } = await readThrough(folder);
    expect(numbers).toEqual(range(0, RECORDS));
    expect(only(opened)).toMatchObject({ records: 0, bytes: 14 });
    expect(asideOf(folder)).toHaveLength(1);
  });

  test('a record in the place of another is no record', async () => {
    const folder = await filled();
    const bytes = fs.readFileSync(segment(folder, 1));
    bytes.copy(bytes, HEADER + 2 * RECORD, HEADER + 4 * RECORD, HEADER + 5 * RECORD);
    fs.writeFileSync(segment(folder, 1), bytes);
    const { numbers, spool } = await readThrough(folder);
    expect(numbers).toEqual(without(...range(9, 14)));
    expect(spool.stats.lostRecords).toBe(5);
    // Nor is a segment under the name of another.
    const other = await filled();
    fs.copyFileSync(segment(other, 0), segment(other, 1));
    expect((await readThrough(other)).numbers).toEqual(without(...range(7, 14)));
  });

  test.each([1, 3])('a file of something else with the name of segment %i is set aside', async (number) => {
    for (const content of ['', 'x', 'a'.repeat(31), 'something else '.repeat(1000), '\0'.repeat(5000)]) {
      const folder = await filled();
      fs.writeFileSync(segment(folder, number), content);
      const { numbers, said } = await readThrough(folder);
      expect(numbers).toEqual(number === 3 ? range(0, 21) : without(...range(7, 14)));
      // An empty file at the end is a segment that was not begun.
      if (content === '' && number === 3) expect(said.damage).toEqual([]);
      else expect(said.damage.length).toBeGreaterThan(0);
    }
  });

  test('files of other names are left alone, and said once', async () => {
    const folder = await filled();
    const strangers = ['notes.txt', '123.spool', '00000000000000000007.spool~'];
    for (const name of strangers) fs.writeFileSync(path.join(folder, name), 'precious');
    fs.mkdirSync(path.join(folder, 'lost+found'));
    fs.mkdirSync(path.join(folder, '00000000000000000500.spool'));
    const { numbers, said } = await readThrough(folder);
    expect(numbers).toEqual(range(0, RECORDS));
    const named = said.damage.map(({ message }) => /^(.*): is no part of this spool/.exec(message)?.[1]);
    expect(named.sort()).toEqual(
      [...strangers, '00000000000000000500.spool'].map((name) => path.join(folder, name)).sort(),
    );
    for (const name of strangers) expect(fs.readFileSync(path.join(folder, name), 'utf8')).toBe('precious');
  });
});

describe('a segment of a newer version', () => {
  /** As in the format: version 2 at byte 8, and the checksum of the header without itself at byte 12. */
  function makeNewer(file: string): void {
    const bytes = fs.readFileSync(file);
    bytes.writeUInt32LE(2, 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(16, HEADER), crc32(bytes.subarray(0, 12))), 12);
    fs.writeFileSync(file, bytes);
  }

  test('is set aside at once, and its records are missed', async () => {
    const folder = await filled();
    makeNewer(segment(folder, 1));
    const content = fs.readFileSync(segment(folder, 1));
    const { numbers, said, spool } = await readThrough(folder);
    expect(numbers).toEqual(without(...range(7, 14)));
    expect(said.damage[0].message).toContain('is of version 2, which this Windrow does not read: it was set aside');
    expect(spool.stats.lostRecords).toBe(7);
    expect(asideOf(folder)).toEqual(['00000000000000000007.damaged']);
    expect(fs.readFileSync(path.join(folder, asideOf(folder)[0])).equals(content)).toBe(true);
  });

  test('at the end keeps its numbers: no other record gets one of them that is known', async () => {
    const folder = await filled();
    makeNewer(segment(folder, 3));
    const opened = await open(folder, SMALL);
    expect(await opened.spool.append(payloadOf(99, BYTES))).toBe(22);
    expect((await readRest(opened.spool)).map(numberOf)).toEqual([...range(0, 21), 99]);
    await opened.spool.close();
    expect(asideOf(folder)).toEqual(['00000000000000000021.damaged']);
  });
});

describe('the position up to which all is acknowledged', () => {
  async function acknowledged(position: number): Promise<string> {
    const folder = await filled();
    const { spool } = await open(folder, SMALL);
    spool.ack(position);
    await spool.close();
    return folder;
  }

  test('that cannot be read is none: all that is there is sent again', async () => {
    for (const content of [
      '',
      '9',
      '9 00000000\n',
      'x'.repeat(100),
      '\0'.repeat(20),
      '99999999999999999999 00000000\n',
    ]) {
      const folder = await acknowledged(9);
      fs.writeFileSync(path.join(folder, 'acknowledged'), content);
      const { numbers, ...opened } = await readThrough(folder);
      expect(numbers).toEqual(range(7, RECORDS));
      expect(only(opened)).toMatchObject({ records: 0 });
      expect(only(opened).message).toContain(`${path.join(folder, 'acknowledged')}: is damaged`);
    }
  });

  test('that is gone is none, too, and that is said where records are gone that it would tell of', async () => {
    const folder = await acknowledged(9);
    fs.rmSync(path.join(folder, 'acknowledged'));
    const { numbers, ...opened } = await readThrough(folder);
    expect(numbers).toEqual(range(7, RECORDS));
    expect(only(opened).message).toContain(`${path.join(folder, 'acknowledged')}: there is no such file`);
    // Nobody has acknowledged anything yet.
    const other = await filled();
    expect(fs.existsSync(path.join(other, 'acknowledged'))).toBe(false);
    expect((await readThrough(other)).said.damage).toEqual([]);
  });

  test('behind the last record that a power failure left is not given to another record', async () => {
    const folder = await acknowledged(23);
    const file = segment(folder, 3);
    fs.truncateSync(file, fs.statSync(file).size - 3 * RECORD);
    const { spool, said } = await open(folder, SMALL);
    expect(await spool.append(payloadOf(77, BYTES))).toBe(24);
    expect((await readRest(spool)).map(numberOf)).toEqual([77]);
    await spool.close();
    expect(said.damage).toEqual([]);
  });
});

test('files that were set aside are kept for a look at them, and do not come back', async () => {
  const folder = await filled();
  flip(segment(folder, 1), HEADER + 50);
  await readThrough(folder);
  const [aside] = asideOf(folder);
  const { spool, said } = await open(folder, SMALL);
  expect(spool.stats).toMatchObject({ records: 0, bytes: bytesOf(folder) });
  expect(await readRest(spool)).toEqual([]);
  await spool.close();
  expect(said.damage).toEqual([]);
  expect(asideOf(folder)).toEqual([aside]);
});

test('whatever is done to the files, no wrong payload is given, no record is missing in silence, and nothing fails', async () => {
  const change = fc.record({
    file: fc.nat(4),
    kind: fc.constantFrom('flip', 'flip', 'flip', 'cut', 'delete', 'insert', 'zero'),
    at: fc.nat(1000),
    bytes: fc.nat(300),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      const folder = await filled();
      const before = await open(folder, SMALL);
      before.spool.ack(3);
      await before.spool.close();
      for (const { file: number, kind, at, bytes } of changes) {
        const file = number === 4 ? path.join(folder, 'acknowledged') : segment(folder, number);
        // What is not there at the end nobody can miss.
        if (!fs.existsSync(file) || (number === 3 && (kind === 'cut' || kind === 'delete'))) continue;
        const content = fs.readFileSync(file);
        const place = content.length > 0 ? at % content.length : 0;
        if (kind === 'delete') fs.rmSync(file);
        else if (kind === 'flip') content[place] ^= 1 << (bytes % 8);
        else if (kind === 'zero') content.fill(0, place, Math.min(place + bytes, content.length));
        const changed = {
          insert: Buffer.concat([content.subarray(0, place), Buffer.alloc(bytes, at), content.subarray(place)]),
          cut: content.subarray(0, place),
          delete: undefined,
          flip: content,
          zero: content,
        }[kind];
        if (changed) fs.writeFileSync(file, changed);
      }
      const { numbers, said, spool } = await readThrough(folder);
      const sorted = [...new Set(numbers)].sort((a, b) => a - b);
      expect(numbers).toEqual(sorted);
      expect(numbers.every((number) => number >= 0 && number < RECORDS)).toBe(true);
      const missing = range(4, RECORDS).filter((number) => !numbers.includes(number));
      if (missing.length > 0) expect(said.damage.length).toBeGreaterThan(0);
      expect(spool.stats.lostRecords).toBeLessThanOrEqual(RECORDS + 1);
      // The next life has nothing left to say of segments that were sent.
      const again = await open(folder, SMALL);
      expect(await readRest(again.spool)).toEqual([]);
      await again.spool.close();
      fs.rmSync(folder, { recursive: true });
    }),
    { numRuns: 200 },
  );
});
