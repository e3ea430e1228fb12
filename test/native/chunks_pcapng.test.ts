// What stands between the packets of a pcapng, and where it takes effect, however the capture is cut into chunks.
import { describe, expect, test } from 'vitest';
import * as p from '../packets.ts';
import { EveryManner, OPTIONS } from './every_manner.ts';
import { HEAD_RECORDS, START, datagram, enhanced, headedPcapng, ordinary, units } from './headed.ts';

const manners = new EveryManner();

describe('pcapng: far behind its head', () => {
  test('another interface, lost packets, and blocks that are skipped', async () => {
    const raw = datagram(9, 60, '10.0.0.9').subarray(14);
    const { one } = await manners.replay(
      headedPcapng([
        ...ordinary(300).map((r) => enhanced(r)),
        p.interfaceBlock({ linkType: p.LINK_TYPE.raw, resolution: 9 }),
        ...ordinary(300, 10).flatMap((r) => [
          enhanced(r),
          p.enhancedPacket({ interface: 1, data: raw, units: units(r.sec!) * 1000n }),
        ]),
        p.statistics({ units: units(START + 12), drops: 2n }),
        ...ordinary(200, 20).map((r) => enhanced(r)),
        p.custom(1, new Uint8Array(20_000)),
        p.statistics({
          interface: 1,
          units: units(START + 60) * 1000n,
          startUnits: units(START + 30) * 1000n,
          drops: 5n,
        }),
        ...ordinary(300, 70).map((r) => enhanced(r)),
      ]),
    );
    const { interfaces, packets, entries } = one.accounting;
    expect(packets).toMatchObject({ seen: HEAD_RECORDS + 1400, logged: 1400 });
    expect(interfaces.map((i) => [i.linkType, i.packets.seen, i.dropped])).toEqual([
      ['ETHERNET', HEAD_RECORDS + 1100, 2],
      ['RAW', 300, 5],
    ]);
    expect(entries.skipdata).toBe(2 + 4);
  });

  test('sections in other byte orders, with other interfaces and clocks', async () => {
    const second = (isBigEndian: boolean, resolution: number): Uint8Array =>
      p.section(
        [
          p.interfaceBlock({ resolution, linkType: p.LINK_TYPE.raw }),
          ...ordinary(200, 20).map(({ sec, data }) =>
            p.enhancedPacket({ data: data.subarray(14), units: BigInt(sec!) * 10n ** BigInt(resolution) }),
          ),
        ],
        { isBigEndian },
      );
    const first = headedPcapng(ordinary(300).map((r) => enhanced(r)));
    const { one } = await manners.replay(p.bytes(first, second(true, 3), second(false, 9), second(true, 6)));
    expect(one.accounting.packets).toMatchObject({ seen: HEAD_RECORDS + 900, logged: 900 });
    expect(one.accounting.incomplete).toEqual([]);
  });

  test('the first packet that has a time', async () => {
    const untimed = p.simplePacket(datagram(1));
    const { one } = await manners.replay(
      p.section([
        p.interfaceBlock(),
        ...Array<p.Block>(HEAD_RECORDS + 500).fill(untimed),
        ...ordinary(300).flatMap((r) => [enhanced(r), untimed]),
      ]),
    );
    expect(one.accounting.packets.logged).toBe(HEAD_RECORDS + 500 + 600);
  });
});

test('lost packets are told where the capture tells them, also among its first packets, however those come', async () => {
  // More bytes than are fed at once, before it is decided what the capture shows.
  const packets = (count: number, after: number): p.Block[] =>
    Array.from({ length: count }, (_, i) => enhanced({ sec: START + after, data: datagram(i % 50, 150) }));
  const drops = (count: bigint, after: number): p.Block => p.statistics({ units: units(START + after), drops: count });
  const blocks = [
    ...packets(50, 0),
    ...packets(50, 20),
    drops(3n, 20),
    ...packets(6000, 21),
    drops(5n, 30),
    ...packets(6000, 61),
  ];
  const { one } = await manners.replay(p.section([p.interfaceBlock(), ...blocks]), OPTIONS);
  const told = one.lines.map((line) => JSON.parse(line) as Record<string, string>);
  const outline = told.map((e) => `${e['log-status']} ${Number(e.start) - START}`);
  expect(outline.filter((status, i) => status !== outline[i - 1])).toEqual([
    'OK 0',
    'SKIPDATA 0',
    'SKIPDATA 10',
    'SKIPDATA 20',
    'SKIPDATA 30',
    'OK 20',
    'NODATA 40',
    'NODATA 50',
    'OK 61',
  ]);
});
