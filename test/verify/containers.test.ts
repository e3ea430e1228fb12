// Capture files of every kind: what is read, when, and where reading stops.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readBytes, readFiles } from '../../src/verify/containers.ts';
import type { CaptureRecord, EndRecord, PacketRecord } from '../../src/verify/records.ts';
import { Blocks, type BuiltPacket, concat, hex, packet, pcap, plain, u32, zeros } from './builder.ts';

const ONE: BuiltPacket = packet(plain(), { sec: 1234, units: 500_000 });

async function read(bytes: Uint8Array): Promise<CaptureRecord[]> {
  const records: CaptureRecord[] = [];
  for await (const record of readBytes(bytes)) records.push(record);
  return records;
}

async function packetsOf(bytes: Uint8Array): Promise<PacketRecord[]> {
  return (await read(bytes)).filter((record) => record.kind === 'packet');
}

async function endOf(bytes: Uint8Array): Promise<EndRecord> {
  return (await read(bytes)).at(-1) as EndRecord;
}

describe('classic captures', () => {
  for (const littleEndian of [true, false]) {
    test(`microseconds, little endian ${littleEndian}`, async () => {
      const [record] = await packetsOf(pcap([ONE], { littleEndian }));
      expect(record).toMatchObject({ sec: 1234, nanos: 500_000_000, linkType: 1, wireLength: ONE.data.length });
      expect([...record.data]).toEqual([...ONE.data]);
    });

    test(`nanoseconds, little endian ${littleEndian}`, async () => {
      const [record] = await packetsOf(pcap([ONE], { magic: 0xa1b23c4d, littleEndian }));
      expect(record).toMatchObject({ sec: 1234, nanos: 500_000 });
    });

    test(`the modified format tells the direction, little endian ${littleEndian}`, async () => {
      const extra = (type: number): Uint8Array => concat(zeros(6), [type, 0]);
      const file = (type: number): Uint8Array => pcap([ONE], { magic: 0xa1b2cd34, littleEndian, extra: extra(type) });
      expect((await packetsOf(file(4)))[0].hint).toBe('out');
      expect((await packetsOf(file(0)))[0].hint).toBe('in');
      expect((await packetsOf(file(3)))[0].hint).toBeUndefined();
    });
  }

  test('a fraction of a second and more is carried into the seconds', async () => {
    const [record] = await packetsOf(pcap([packet(plain(), { sec: 7, units: 2_500_000 })]));
    expect(record).toMatchObject({ sec: 9, nanos: 500_000_000 });
  });

  test('seconds are unsigned', async () => {
    const [record] = await packetsOf(pcap([packet(plain(), { sec: 0xffff_fff0 })]));
    expect(record.sec).toBe(0xffff_fff0);
  });

  test('before version 2.3 the lengths stand swapped, in 2.3 where they would otherwise lie', async () => {
    const cut = packet(plain(), { captured: 40 });
    for (const minor of [0, 2, 3]) {
      const [record] = await packetsOf(pcap([cut], { minor, swapped: true }));
      expect(record).toMatchObject({ wireLength: plain().length });
      expect(record.data.length).toBe(40);
    }
    expect((await packetsOf(pcap([cut], { minor: 3 })))[0].data.length).toBe(40);
  });

  test('the link word holds the FCS length beside the link type', async () => {
    const [record] = await packetsOf(pcap([ONE], { linkType: 0x2400_0001 }));
    expect(record).toMatchObject({ linkType: 1, fcsBytes: 4 });
    const [without] = await packetsOf(pcap([ONE], { linkType: 0x2000_0001 }));
    expect(without).toMatchObject({ linkType: 1, fcsBytes: 0 });
    expect(await endOf(pcap([ONE], { linkType: 0x0001_0001 }))).toMatchObject({ refused: true });
  });

  test('a record cut off ends the reading, and keeps what came before', async () => {
    const file = pcap([ONE, ONE]);
    for (const cut of [1, ONE.data.length + 3]) {
      expect(await packetsOf(file.subarray(0, file.length - cut))).toHaveLength(1);
      expect(await endOf(file.subarray(0, file.length - cut))).toMatchObject({ complete: false, refused: false });
    }
  });

  test('a length that lies ends the reading', async () => {
    const file = concat(pcap([ONE]), u32(1, true), u32(0), u32(262_145, true), u32(262_145, true), zeros(262_145));
    expect(await packetsOf(file)).toHaveLength(1);
    expect((await endOf(file)).reason).toContain('262145');
  });

  test('a whole file is complete, one without packets as well', async () => {
    expect(await endOf(pcap([ONE]))).toMatchObject({ complete: true });
    expect(await endOf(pcap([]))).toMatchObject({ complete: true });
  });

  test('what is no capture is refused', async () => {
    expect(await endOf(zeros(0))).toMatchObject({ refused: true, reason: 'the file is empty' });
    expect(await endOf(zeros(100))).toMatchObject({ refused: true, reason: 'not a capture' });
    expect(await endOf(pcap([]).subarray(0, 20))).toMatchObject({ refused: true });
  });
});

describe('pcapng', () => {
  for (const littleEndian of [true, false]) {
    test(`all packet blocks, little endian ${littleEndian}`, async () => {
      const ng = new Blocks(littleEndian);
      const time = 1_234_500_000n;
      const frame = plain();
      const file = concat(
        ng.section(),
        ng.interface(),
        ng.enhanced(frame, time),
        ng.obsolete(frame, time),
        ng.simple(frame),
      );
      const records = await packetsOf(file);
      expect(records.map(({ sec, nanos, untimed }) => [sec, nanos, untimed])).toEqual([
        [1234, 500_000_000, false],
        [1234, 500_000_000, false],
        [0, 0, true],
      ]);
      for (const record of records) expect([...record.data]).toEqual([...frame]);
      expect(await endOf(file)).toMatchObject({ complete: true });
    });
  }

  const ng = new Blocks();
  const start = concat(ng.section(), ng.interface());
  const timed = async (options: Uint8Array[], time: bigint): Promise<[number, number]> => {
    const [record] = await packetsOf(concat(ng.section(), ng.interface(1, options), ng.enhanced(plain(), time)));
    return [record.sec, record.nanos];
  };

  test('if_tsresol has two bases and any exponent', async () => {
    expect(await timed([ng.option(9, hex('09'))], 1_500_000_000n)).toEqual([1, 500_000_000]);
    expect(await timed([ng.option(9, hex('00'))], 77n)).toEqual([77, 0]);
    expect(await timed([ng.option(9, hex('8a'))], 1536n)).toEqual([1, 500_000_000]);
    expect(await timed([ng.option(9, hex('0c'))], 1_500_000_000_000n)).toEqual([1, 500_000_000]);
    expect(await timed([ng.option(9, hex('7f'))], 0xffff_ffff_ffff_ffffn)).toEqual([0, 0]);
    expect(await timed([ng.option(9, hex('80'))], 0xffff_ffff_ffff_ffffn)).toEqual([2 ** 52, 0]);
  });

  test('if_tsoffset shifts the seconds, both ways', async () => {
    expect(await timed([ng.option(14, hex('0a00000000000000'))], 1_000_000n)).toEqual([11, 0]);
    expect(await timed([ng.option(14, hex('f6ffffffffffffff'))], 1_500_000n)).toEqual([-9, 500_000_000]);
  });

  test('the simple block is as long as its wire length, its room and the snap length allow', async () => {
    const cut = concat(ng.section(), ng.interface(1, [], 30), ng.simple(plain().subarray(0, 30), plain().length));
    const [record] = await packetsOf(cut);
    expect(record).toMatchObject({ wireLength: plain().length });
    expect(record.data.length).toBe(30);
  });

  test('packet flags tell the direction', async () => {
    const flags = (value: string): Uint8Array => concat(start, ng.enhanced(plain(), 1n, [ng.option(2, hex(value))]));
    expect((await packetsOf(flags('01000000')))[0].hint).toBe('in');
    expect((await packetsOf(flags('02000000')))[0].hint).toBe('out');
    expect((await packetsOf(flags('00000000')))[0].hint).toBeUndefined();
  });

  test('each section has its own byte order and interfaces', async () => {
    const other = new Blocks(false);
    const named = other.interface(101, [other.option(2, hex('6574683000'))]);
    const file = concat(start, ng.enhanced(plain(), 1n), other.section(), named, other.enhanced(plain(), 2_000_000n));
    const records = await packetsOf(file);
    expect(
      records.map(({ linkType, interfaceNumber, interfaceName, sec }) => [
        linkType,
        interfaceNumber,
        interfaceName,
        sec,
      ]),
    ).toEqual([
      [1, 0, undefined, 0],
      [101, 0, 'eth0', 2],
    ]);
  });

  test('unknown and custom blocks are skipped', async () => {
    const file = concat(start, ng.block(0xbad, zeros(40)), ng.block(0x8000_0001, zeros(8)), ng.enhanced(plain(), 1n));
    expect(await packetsOf(file)).toHaveLength(1);
  });

  test('drop counts that grew are reported from one statistics block to the next', async () => {
    const second = 1_000_000n;
    const file = concat(
      start,
      ng.enhanced(plain(), 100n * second),
      ng.statistics(110n * second, 0n),
      ng.statistics(120n * second, 5n),
      ng.statistics(130n * second, 5n),
    );
    const drops = (await read(file)).filter((record) => record.kind === 'drops');
    expect(drops).toEqual([{ kind: 'drops', interfaceNumber: 0, interfaceName: undefined, fromSec: 110, toSec: 120 }]);
  });

  test('damage ends the reading', async () => {
    const good = ng.enhanced(plain(), 1n);
    const trailing = good.slice();
    trailing[trailing.length - 4] ^= 4;
    const captured = good.slice();
    captured.set(u32(5000, true), 20);
    const damaged = {
      'an undeclared interface': ng.enhanced(plain(), 1n, [], 3),
      'a trailing length that differs': trailing,
      'a captured length beyond the block': captured,
      'a short block': concat(u32(6, true), u32(8, true), zeros(40)),
      'a cut block': good.subarray(0, good.length - 2),
    };
    for (const [what, block] of Object.entries(damaged)) {
      const file = concat(start, good, block);
      expect(await packetsOf(file), what).toHaveLength(1);
      expect(await endOf(file), what).toMatchObject({ complete: false, refused: false });
    }
  });
});

describe('gzip', () => {
  test('is told by content, in several members', async () => {
    const file = pcap([ONE, ONE]);
    expect(await packetsOf(gzipSync(file))).toHaveLength(2);
    const members = concat(gzipSync(file.subarray(0, 50)), gzipSync(file.subarray(50)));
    expect(await packetsOf(members)).toHaveLength(2);
    expect(await endOf(members)).toMatchObject({ complete: true });
  });

  test('cut off, all that can be inflated is read', async () => {
    const frames = Array.from({ length: 500 }, (_, index) => packet(plain(index), { sec: index }));
    const zipped = gzipSync(pcap(frames));
    const cut = zipped.subarray(0, zipped.length >> 1);
    expect((await packetsOf(cut)).length).toBeGreaterThan(100);
    expect(await endOf(cut)).toMatchObject({ complete: false, refused: false, reason: 'gzip data is cut off' });
    const trailer = zipped.subarray(0, zipped.length - 1);
    expect(await packetsOf(trailer)).toHaveLength(500);
    expect(await endOf(trailer)).toMatchObject({ complete: false });
  });

  test('damaged, all in front of the damage is read', async () => {
    const zipped = gzipSync(pcap(Array.from({ length: 500 }, (_, index) => packet(plain(index), { sec: index }))));
    const damaged = Uint8Array.from(zipped);
    damaged[damaged.length - 6] ^= 1; // the checksum
    expect(await packetsOf(damaged)).toHaveLength(500);
    expect(await endOf(damaged)).toMatchObject({ complete: false });
  });
});

test('several files are merged by packet time, equal times in the order of the arguments', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'verify-'));
  const at = (sec: number, sport: number): BuiltPacket => packet(plain(sport), { sec });
  await writeFile(join(dir, 'a'), pcap([at(1, 1), at(5, 2)]));
  await writeFile(join(dir, 'b'), pcap([at(1, 3), at(3, 4)]));
  const sports: number[] = [];
  for await (const record of readFiles([join(dir, 'a'), join(dir, 'b')])) {
    if (record.kind === 'packet') sports.push((record.data[34] << 8) | record.data[35]);
  }
  expect(sports).toEqual([1, 3, 4, 2]);
});
