// Capture files of every kind: what is read, when, and where reading stops.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readBytes, readFiles } from '../../src/verify/containers.ts';
import type { CaptureRecord, EndRecord, PacketRecord } from '../../src/verify/records.ts';
import * as p from '../packets.ts';
import { cut, plain } from './samples.ts';

const ONE = { data: plain(), sec: 1234, fraction: 500_000 };

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
  for (const isBigEndian of [false, true]) {
    test(`microseconds, big endian ${isBigEndian}`, async () => {
      const [record] = await packetsOf(p.pcap([ONE], { isBigEndian }));
      expect(record).toMatchObject({ sec: 1234, nanos: 500_000_000, linkType: 1, wireLength: ONE.data.length });
      expect([...record.data]).toEqual([...ONE.data]);
    });

    test(`nanoseconds, big endian ${isBigEndian}`, async () => {
      const [record] = await packetsOf(p.pcap([ONE], { kind: 'nano', isBigEndian }));
      expect(record).toMatchObject({ sec: 1234, nanos: 500_000 });
    });

    test(`the modified format tells the direction, big endian ${isBigEndian}`, async () => {
      const file = (packetType: number): Uint8Array =>
        p.pcap([{ ...ONE, packetType }], { kind: 'modified', isBigEndian });
      expect((await packetsOf(file(4)))[0].hint).toBe('out');
      expect((await packetsOf(file(0)))[0].hint).toBe('in');
      expect((await packetsOf(file(3)))[0].hint).toBeUndefined();
    });
  }

  test('a fraction of a second and more is carried into the seconds', async () => {
    const [record] = await packetsOf(p.pcap([{ data: plain(), sec: 7, fraction: 2_500_000 }]));
    expect(record).toMatchObject({ sec: 9, nanos: 500_000_000 });
  });

  test('seconds are unsigned', async () => {
    const [record] = await packetsOf(p.pcap([{ data: plain(), sec: 0xffff_fff0 }]));
    expect(record.sec).toBe(0xffff_fff0);
  });

  test('before version 2.3 the lengths stand swapped, in 2.3 where they would otherwise lie', async () => {
    const record40 = cut(plain(), 40);
    for (const minor of [0, 2, 3]) {
      const [record] = await packetsOf(p.pcap([record40], { version: [2, minor], isSwapped: true }));
      expect(record).toMatchObject({ wireLength: plain().length });
      expect(record.data.length).toBe(40);
    }
    expect((await packetsOf(p.pcap([record40], { version: [2, 3] })))[0].data.length).toBe(40);
  });

  test('the link word holds the FCS length beside the link type', async () => {
    const [record] = await packetsOf(p.pcap([ONE], { linkWord: 0x2400_0001 }));
    expect(record).toMatchObject({ linkType: 1, fcsBytes: 4 });
    const [without] = await packetsOf(p.pcap([ONE], { linkWord: 0x2000_0001 }));
    expect(without).toMatchObject({ linkType: 1, fcsBytes: 0 });
    expect(await endOf(p.pcap([ONE], { linkWord: 0x0001_0001 }))).toMatchObject({ refused: true });
  });

  test('a record cut off ends the reading, and keeps what came before', async () => {
    const file = p.pcap([ONE, ONE]);
    for (const cut of [1, ONE.data.length + 3]) {
      expect(await packetsOf(file.subarray(0, file.length - cut))).toHaveLength(1);
      expect(await endOf(file.subarray(0, file.length - cut))).toMatchObject({ complete: false, refused: false });
    }
  });

  test('a length that lies ends the reading', async () => {
    const file = p.pcap([ONE, { data: p.zeros(262_145), sec: 1 }]);
    expect(await packetsOf(file)).toHaveLength(1);
    expect((await endOf(file)).reason).toContain('262145');
  });

  test('a whole file is complete, one without packets as well', async () => {
    expect(await endOf(p.pcap([ONE]))).toMatchObject({ complete: true });
    expect(await endOf(p.pcap([]))).toMatchObject({ complete: true });
  });

  test('what is no capture is refused', async () => {
    expect(await endOf(p.zeros(0))).toMatchObject({ refused: true, reason: 'the file is empty' });
    expect(await endOf(p.zeros(100))).toMatchObject({ refused: true, reason: 'not a capture' });
    expect(await endOf(p.pcap([]).subarray(0, 20))).toMatchObject({ refused: true });
  });
});

describe('pcapng', () => {
  for (const isBigEndian of [false, true]) {
    test(`all packet blocks, big endian ${isBigEndian}`, async () => {
      const frame = plain();
      const timed = { data: frame, units: 1_234_500_000n };
      const blocks = [p.interfaceBlock(), p.enhancedPacket(timed), p.obsoletePacket(timed), p.simplePacket(frame)];
      const file = p.section(blocks, { isBigEndian });
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

  const enhanced = (units: bigint, options: readonly p.Option[] = []): p.Block =>
    p.enhancedPacket({ data: plain(), units, options });
  const timed = async (fields: p.InterfaceFields, units: bigint): Promise<[number, number]> => {
    const [record] = await packetsOf(p.section([p.interfaceBlock(fields), enhanced(units)]));
    return [record.sec, record.nanos];
  };

  test('if_tsresol has two bases and any exponent', async () => {
    expect(await timed({ resolution: 0x09 }, 1_500_000_000n)).toEqual([1, 500_000_000]);
    expect(await timed({ resolution: 0x00 }, 77n)).toEqual([77, 0]);
    expect(await timed({ resolution: 0x8a }, 1536n)).toEqual([1, 500_000_000]);
    expect(await timed({ resolution: 0x0c }, 1_500_000_000_000n)).toEqual([1, 500_000_000]);
    expect(await timed({ resolution: 0x7f }, 0xffff_ffff_ffff_ffffn)).toEqual([0, 0]);
    expect(await timed({ resolution: 0x80 }, 0xffff_ffff_ffff_ffffn)).toEqual([2 ** 52, 0]);
  });

  test('if_tsoffset shifts the seconds, both ways', async () => {
    expect(await timed({ offset: 10n }, 1_000_000n)).toEqual([11, 0]);
    expect(await timed({ offset: -10n }, 1_500_000n)).toEqual([-9, 500_000_000]);
  });

  test('the simple block is as long as its wire length, its room and the snap length allow', async () => {
    const simple = p.simplePacket(plain().subarray(0, 30), plain().length);
    const [record] = await packetsOf(p.section([p.interfaceBlock({ snapLength: 30 }), simple]));
    expect(record).toMatchObject({ wireLength: plain().length });
    expect(record.data.length).toBe(30);
  });

  test('packet flags tell the direction', async () => {
    const flags = (value: number): Uint8Array => p.section([p.interfaceBlock(), enhanced(1n, [p.option32(2, value)])]);
    expect((await packetsOf(flags(1)))[0].hint).toBe('in');
    expect((await packetsOf(flags(2)))[0].hint).toBe('out');
    expect((await packetsOf(flags(0)))[0].hint).toBeUndefined();
    // The mark at the end of the options may be missing.
    const unmarked = p.block(6, ({ u16, u32 }) => p.bytes(p.zeros(12), u32(0), u32(0), u16(2), u16(4), u32(2)));
    expect((await packetsOf(p.section([p.interfaceBlock(), unmarked])))[0].hint).toBe('out');
  });

  test('each section has its own byte order and interfaces', async () => {
    const named = p.interfaceBlock({ linkType: 101, name: 'eth0\0' });
    const first = p.section([p.interfaceBlock(), enhanced(1n)]);
    const second = p.section([named, enhanced(2_000_000n)], { isBigEndian: true });
    const records = await packetsOf(p.bytes(first, second));
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
    const skipped = [p.block(0xbad, () => p.zeros(40)), p.block(0x8000_0001, () => p.zeros(8))];
    expect(await packetsOf(p.section([p.interfaceBlock(), ...skipped, enhanced(1n)]))).toHaveLength(1);
  });

  test('drop counts that grew are reported from one statistics block to the next', async () => {
    const second = 1_000_000n;
    const file = p.section([
      p.interfaceBlock(),
      enhanced(100n * second),
      p.statistics({ units: 110n * second, drops: 0n }),
      p.statistics({ units: 120n * second, drops: 5n }),
      p.statistics({ units: 130n * second, drops: 5n }),
    ]);
    const drops = (await read(file)).filter((record) => record.kind === 'drops');
    expect(drops).toEqual([{ kind: 'drops', interfaceNumber: 0, interfaceName: undefined, fromSec: 110, toSec: 120 }]);
  });

  test('damage ends the reading', async () => {
    const good = enhanced(1n);
    const trailing: p.Block = (order) => {
      const bytes = good(order);
      bytes[bytes.length - 4] ^= 4;
      return bytes;
    };
    const damaged: Record<string, p.Block> = {
      'an undeclared interface': p.enhancedPacket({ data: plain(), units: 1n, interface: 3 }),
      'a trailing length that differs': trailing,
      'a captured length beyond the block': p.enhancedPacket({ data: plain(), units: 1n, capturedLength: 5000 }),
      'a short block': ({ u32 }) => p.bytes(u32(6), u32(8), p.zeros(40)),
      'a cut block': (order) => good(order).slice(0, -2),
    };
    for (const [what, block] of Object.entries(damaged)) {
      const file = p.section([p.interfaceBlock(), good, block]);
      expect(await packetsOf(file), what).toHaveLength(1);
      expect(await endOf(file), what).toMatchObject({ complete: false, refused: false });
    }
  });
});

describe('gzip', () => {
  test('is told by content, in several members', async () => {
    const file = p.pcap([ONE, ONE]);
    expect(await packetsOf(gzipSync(file))).toHaveLength(2);
    const members = p.bytes(gzipSync(file.subarray(0, 50)), gzipSync(file.subarray(50)));
    expect(await packetsOf(members)).toHaveLength(2);
    expect(await endOf(members)).toMatchObject({ complete: true });
  });

  test('cut off, all that can be inflated is read', async () => {
    const frames = Array.from({ length: 500 }, (_, index) => ({ data: plain(index), sec: index }));
    const zipped = gzipSync(p.pcap(frames));
    const cut = zipped.subarray(0, zipped.length >> 1);
    expect((await packetsOf(cut)).length).toBeGreaterThan(100);
    expect(await endOf(cut)).toMatchObject({ complete: false, refused: false, reason: 'gzip data is cut off' });
    const trailer = zipped.subarray(0, zipped.length - 1);
    expect(await packetsOf(trailer)).toHaveLength(500);
    expect(await endOf(trailer)).toMatchObject({ complete: false });
  });

  test('damaged, all in front of the damage is read', async () => {
    const zipped = gzipSync(p.pcap(Array.from({ length: 500 }, (_, index) => ({ data: plain(index), sec: index }))));
    const damaged = Uint8Array.from(zipped);
    damaged[damaged.length - 6] ^= 1; // the checksum
    expect(await packetsOf(damaged)).toHaveLength(500);
    expect(await endOf(damaged)).toMatchObject({ complete: false });
  });
});

test('drops of several files stand behind the packet that they follow, or in front of their first', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'verify-'));
  const second = 1_000_000n;
  const on = (sec: bigint): p.Block => p.enhancedPacket({ data: plain(), units: sec * second });
  const drops = (sec: bigint): p.Block => p.statistics({ units: sec * second, drops: sec });
  const files = [
    [drops(1n), on(20n), drops(2n), on(50n), drops(6n)],
    [drops(3n), on(30n), drops(4n), on(40n)],
    [drops(5n)],
  ].map((blocks) => p.section([p.interfaceBlock(), ...blocks]));
  const paths = files.map((_, index) => join(dir, String(index)));
  for (const [index, path] of paths.entries()) await writeFile(path, files[index]);
  const found: string[] = [];
  for await (const record of readFiles(paths)) {
    if (record.kind === 'packet') found.push(`packet ${record.sec}`);
    else if (record.kind === 'drops') found.push(`drops ${record.toSec}`);
  }
  expect(found).toEqual([
    'drops 5',
    'drops 1',
    'packet 20',
    'drops 2',
    'drops 3',
    'packet 30',
    'drops 4',
    'packet 40',
    'packet 50',
    'drops 6',
  ]);
});

test('several files are merged by packet time, equal times in the order of the arguments', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'verify-'));
  const at = (sec: number, sport: number): p.PcapRecord => ({ data: plain(sport), sec });
  await writeFile(join(dir, 'a'), p.pcap([at(1, 1), at(5, 2)]));
  await writeFile(join(dir, 'b'), p.pcap([at(1, 3), at(3, 4)]));
  const sports: number[] = [];
  for await (const record of readFiles([join(dir, 'a'), join(dir, 'b')])) {
    if (record.kind === 'packet') sports.push((record.data[34] << 8) | record.data[35]);
  }
  expect(sports).toEqual([1, 3, 4, 2]);
});
