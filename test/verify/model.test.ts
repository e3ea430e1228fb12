// Flows, windows, directions and silences.
import { describe, expect, test } from 'vitest';
import type { CountOptions } from '../../src/verify/options.ts';
import type { Model } from '../../src/verify/model.ts';
import type { Entry } from '../../src/verify/windows.ts';
import * as p from '../packets.ts';
import { count, flows, outline } from './counted.ts';
import { UDP, plain } from './samples.ts';

const { fin: FIN, syn: SYN, rst: RST, ack: ACK } = p.TCP_FLAG;
const CLIENT = '10.0.0.1';
const SERVER = '198.51.100.7';

function segment(flags: number, reply = false, ends: [string, string] = [CLIENT, SERVER]): Uint8Array {
  const [src, dst] = reply ? ends.toReversed() : ends;
  const [sport, dport] = reply ? [80, 1111] : [1111, 80];
  return p.ethernet({}, p.ipv4({ protocol: 6, src, dst }, p.tcp({ sport, dport, flags })));
}

function datagram(src = CLIENT, dst = SERVER): Uint8Array {
  return p.ethernet({}, p.ipv4({ src, dst }, UDP));
}

function at(packets: [number, Uint8Array][], options: Partial<CountOptions> = {}): Promise<Model> {
  return count(p.pcap(packets.map(([sec, data]) => ({ sec, data }))), options);
}

/** A packet of the section's first interface. */
const enhanced = (units: bigint): p.Block => p.enhancedPacket({ data: plain(), units });

/** In a section of one interface with microseconds. */
const timed = (data: Uint8Array, sec: number): p.Block => p.enhancedPacket({ data, units: BigInt(sec) * 1_000_000n });
const oneInterface = (...blocks: p.Block[]): Promise<Model> => count(p.section([p.interfaceBlock(), ...blocks]));

const ARP = p.ethernet({ type: 0x0806 }, p.zeros(28));

const span = ({ windowStart, start, end, supplementary }: Entry): (number | boolean)[] => [
  windowStart,
  start,
  end,
  supplementary,
];

describe('windows', () => {
  test('are aligned to the epoch, and the last ends with the capture', async () => {
    const model = await at([
      [119, segment(ACK)],
      [121, segment(ACK)],
      [190, segment(ACK)],
    ]);
    expect(model.ordered.map(span)).toEqual([
      [60, 119, 120, false],
      [120, 121, 180, false],
      [180, 190, 190, false],
    ]);
  });

  test('a late packet goes into a supplementary entry of its own window', async () => {
    const model = await at([
      [100, segment(ACK)],
      [121, segment(ACK)],
      [110, segment(ACK)],
      [122, segment(ACK)],
      [111, segment(ACK)],
      [150, segment(ACK)],
    ]);
    expect(model.ordered.map(span)).toEqual([
      [60, 100, 120, false],
      [60, 111, 120, true],
      [120, 121, 150, false],
    ]);
    expect(model.ordered.map(({ packets }) => packets)).toEqual([2, 1, 3]);
    expect([...model.entries.values()].map((parts) => parts.map(({ packets }) => packets))).toEqual([[2, 1], [3]]);
  });

  describe('supplementary ones', () => {
    const late = (model: Model): (number | boolean)[][] =>
      model.ordered.map(({ windowStart, packets, supplementary }) => [windowStart, packets, supplementary]);

    test('close whenever another window could, though none is open, and by an excluded packet as well', async () => {
      const model = await at([
        [100, segment(ACK)],
        [200, ARP],
        [110, segment(ACK)],
        [241, ARP],
        [111, segment(ACK)],
        [242, ARP], // past the end of a window, and the lateness
        [112, segment(ACK)],
        [241, ARP],
        [301, ARP],
        [113, segment(ACK)],
      ]);
      expect(late(model)).toEqual([
        [60, 1, false],
        [60, 2, true],
        [60, 2, true],
      ]);
    });

    test('close with the regular ones, all in ascending order', async () => {
      const model = await at([
        [30, segment(ACK)],
        [200, segment(ACK)],
        [130, segment(ACK)],
        [70, segment(ACK)],
        [260, segment(ACK)],
        [10, segment(ACK)],
        [320, segment(ACK)],
      ]);
      expect(late(model)).toEqual([
        [0, 1, false],
        [60, 1, true],
        [120, 1, true],
        [180, 1, false],
        [0, 1, true],
        [240, 1, false],
        [300, 1, false],
      ]);
    });

    test('may be any number at once', async () => {
      const ids = Array.from({ length: 30 }, (_, i) => i);
      const model = await at([
        [6000, segment(ACK)],
        ...ids.map((id): [number, Uint8Array] => [id * 60, segment(ACK)]),
        ...ids.toReversed().map((id): [number, Uint8Array] => [id * 60 + 1, segment(ACK)]),
        [6100, segment(ACK)],
        [5, segment(ACK)],
      ]);
      expect(late(model)).toEqual([
        ...ids.map((id) => [id * 60, 2, true]),
        [6000, 1, false],
        [0, 1, true],
        [6060, 1, false],
      ]);
    });
  });

  test('times that jump by years give the right windows', async () => {
    const model = await at([
      [4_000_000_000, datagram()],
      [10, datagram()],
      [4_000_000_001, datagram()],
    ]);
    expect(model.ordered.map(({ windowStart, packets }) => [windowStart, packets])).toEqual([
      [0, 1],
      [3_999_999_960, 2],
    ]);
  });

  test('negative times have windows as well', async () => {
    const file = p.section([p.interfaceBlock({ offset: -100n }), enhanced(30_000_000n)]);
    expect((await count(file)).ordered.map(span)).toEqual([[-120, -70, -70, false]]);
  });

  test('a packet without a time is in window 0 and closes nothing', async () => {
    const file = p.section([p.interfaceBlock(), p.simplePacket(plain()), enhanced(90_000_000n)]);
    const model = await count(file);
    expect(model.ordered.map(span)).toEqual([
      [0, 0, 0, false],
      [60, 90, 90, false],
    ]);
    expect(model.nodata).toEqual([]);
  });

  test('entries stand in the order of their first packets', async () => {
    const model = await at([
      [1000, datagram('10.0.0.1', '10.0.0.9')],
      [1001, datagram('10.0.0.2', '10.0.0.9')],
      [1002, datagram('10.0.0.9', '10.0.0.1')],
      [1003, datagram('10.0.0.1', '10.0.0.9')],
    ]);
    expect(flows(model)).toHaveLength(3);
    expect(model.ordered.map(({ src }) => src)).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.9']);
  });
});

describe('the end of an entry', () => {
  const endsOf = async (packets: [number, Uint8Array][]): Promise<number[]> =>
    (await at([...packets, [1500, datagram('10.9.9.9')]])).ordered
      .filter(({ src }) => src !== '10.9.9.9')
      .map(({ end }) => end);

  test('is the last packet after a reset', async () => {
    expect(
      await endsOf([
        [1025, segment(ACK)],
        [1030, segment(RST, true)],
      ]),
    ).toEqual([1030, 1030]);
  });

  test('is the last packet after FIN from both sides, and not after one', async () => {
    expect(await endsOf([[1025, segment(FIN)]])).toEqual([1080]);
    expect(
      await endsOf([
        [1025, segment(FIN)],
        [1026, segment(FIN, true)],
        [1027, segment(ACK)],
      ]),
    ).toEqual([1027, 1027]);
  });

  test('is the window again after the flow was reopened', async () => {
    expect(
      await endsOf([
        [1025, segment(RST)],
        [1030, segment(SYN)],
      ]),
    ).toEqual([1080]);
  });

  test('is the window again after the flow was idle', async () => {
    expect(
      await endsOf([
        [1021, segment(RST)],
        [1052, segment(ACK)],
      ]),
    ).toEqual([1080]);
    expect(
      await endsOf([
        [1021, segment(RST)],
        [1051, segment(ACK)],
      ]),
    ).toEqual([1051]);
  });

  test("is the window again after the flow was idle by the latest time seen, also an excluded packet's", async () => {
    const lateAfter = (sec: number): [number, Uint8Array][] => [
      [1021, segment(RST)],
      [sec, ARP],
      [1040, segment(ACK)],
    ];
    expect(await endsOf(lateAfter(1052))).toEqual([1080]);
    expect(await endsOf(lateAfter(1051))).toEqual([1040]);
  });

  test('is the last packet where another protocol was silent for 30 s', async () => {
    expect(await endsOf([[1049, datagram()]])).toEqual([1049]);
    expect(await endsOf([[1050, datagram()]])).toEqual([1080]);
  });
});

describe('direction', () => {
  const directions = async (packets: [number, Uint8Array][], options: Partial<CountOptions> = {}): Promise<string[]> =>
    (await at(packets, options)).ordered.map(({ rule, direction, eni }) => `${rule} ${direction} ${eni}`);
  const PUBLIC: [string, string] = ['192.0.2.1', SERVER];
  const two: [number, Uint8Array][] = [
    [1000, datagram()],
    [1001, datagram(SERVER, CLIENT)],
  ];

  test('ranges that are inside decide before anything shown', async () => {
    expect(await directions(two, { local: ['198.51.100.0/24'] })).toEqual(['local in eni-if0', 'local out eni-if0']);
  });

  test('the one address of all packets is the local one', async () => {
    const shown: [number, Uint8Array][] = [
      [1000, datagram('203.0.113.5', SERVER)],
      [1001, datagram('203.0.113.6', SERVER)],
    ];
    expect(await directions(shown)).toEqual(['shown_address in eni-if0', 'shown_address in eni-if0']);
  });

  test('else the one MAC of all packets is', async () => {
    const from = (src: string, mac: string): Uint8Array =>
      p.ethernet({ dst: '02:aa:aa:aa:aa:aa', src: mac }, p.ipv4({ src, dst: `${src}0` }, UDP));
    const shown: [number, Uint8Array][] = [
      [1000, from('203.0.113.1', '02:00:00:00:00:05')],
      [1001, from('203.0.113.2', '02:00:00:00:00:06')],
    ];
    expect(await directions(shown)).toEqual(['shown_mac in eni-if0', 'shown_mac in eni-if0']);
  });

  test('else the private side is inside', async () => {
    expect(await directions(two)).toEqual(['private out eni-if0', 'private in eni-if0']);
  });

  test('else who opened is outside', async () => {
    const opened: [number, Uint8Array][] = [
      [1000, segment(SYN, false, PUBLIC)],
      [1001, segment(SYN | ACK, true, PUBLIC)],
    ];
    expect(await directions(opened)).toEqual(['opener in eni-if0', 'opener out eni-if0']);
    expect(await directions([opened[1]])).toEqual(['opener out eni-if0']);
    expect(await directions([[1000, segment(ACK, true, PUBLIC)]])).toEqual(['opener in eni-if0']);
  });

  test("who opened is forgotten 600 s after, by the latest time seen and not by the late packet's own", async () => {
    const lateAfter = (sec: number): [number, Uint8Array][] => [
      [1000, segment(SYN, false, PUBLIC)],
      [sec, ARP],
      [1100, segment(ACK, true, PUBLIC)],
    ];
    // The window ends at 2400: nothing is closed in between.
    const options = { windowSeconds: 1200, latenessSeconds: 600 };
    const directionsAfter = async (sec: number): Promise<string[]> =>
      (await at(lateAfter(sec), options)).ordered.map(({ src, direction }) => `${src} ${direction}`);
    expect(await directionsAfter(1600)).toEqual(['192.0.2.1 in', `${SERVER} out`]);
    // New again, its opener is the other side: of the whole window, as its entries are made when it closes.
    expect(await directionsAfter(1601)).toEqual(['192.0.2.1 out', `${SERVER} in`]);
  });

  test('of a flow that is new again only what came since counts, and a late packet was not lately', async () => {
    const lateAndThen = (sec: number): [number, Uint8Array][] => [
      [1300, segment(RST, false, PUBLIC)],
      [1331, ARP],
      [1250, segment(ACK, true, PUBLIC)], // 31 s after what was closed: new
      [sec, segment(ACK, false, PUBLIC)],
    ];
    const directionsAfter = async (sec: number): Promise<string[]> =>
      (await at(lateAndThen(sec), { windowSeconds: 1200, latenessSeconds: 600 })).ordered.map(
        ({ src, direction }) => `${src} ${direction}`,
      );
    expect(await directionsAfter(1850)).toEqual(['192.0.2.1 out', `${SERVER} in`]);
    expect(await directionsAfter(1851)).toEqual(['192.0.2.1 in', `${SERVER} out`]);
  });

  describe('a packet without a time', () => {
    const rst = p.simplePacket(segment(RST));
    const ack = p.simplePacket(segment(ACK));
    const firstEnd = async (...blocks: p.Block[]): Promise<number> =>
      (await oneInterface(...blocks, timed(ARP, 5000))).ordered[0].end;

    test('finds its flow idle by the latest time seen', async () => {
      expect(await firstEnd(timed(segment(RST), 10), timed(ARP, 40), ack)).toBe(10);
      expect(await firstEnd(timed(segment(RST), 10), timed(ARP, 41), ack)).toBe(60);
    });

    test('does not find a flow idle that has only such packets, but one with a time does', async () => {
      expect(await firstEnd(rst, timed(ARP, 31), ack)).toBe(0);
      expect(await firstEnd(rst, timed(ARP, 31), timed(segment(ACK), 20))).toBe(60);
      // 1000 s later, when all that is idle is forgotten.
      const late = (second: p.Block): Promise<Model> => oneInterface(rst, timed(ARP, 1000), second);
      expect((await late(ack)).ordered.map(({ end }) => end)).toEqual([0, 0]);
      expect((await late(timed(segment(ACK), 20))).ordered.map(({ end }) => end)).toEqual([0, 60]);
    });
  });

  describe('what packets tell of where they were seen divides a flow, whichever rule tells the direction', () => {
    const OURS = '02:aa:aa:aa:aa:aa';
    const [ONE, OTHER] = ['203.0.113.1', '203.0.113.2'];
    const frame = (macs: p.EthernetFields, data = p.ipv4({ src: ONE, dst: SERVER }, UDP)): Uint8Array =>
      p.ethernet(macs, data);
    const sent = frame({ src: OURS });
    const received = frame({ dst: OURS });
    /** So that no address is an end of all. */
    const others = frame({ src: OURS }, p.ipv4({ src: OTHER, dst: '198.51.100.8' }, UDP));
    const counted = async (frames: Uint8Array[], options: Partial<CountOptions>): Promise<string[]> =>
      (
        await at(
          frames.map((data) => [1000, data]),
          options,
        )
      ).ordered
        .filter(({ src }) => src === ONE)
        .map(({ rule, direction, eni, packets }) => `${rule} ${direction} ${eni} ${packets}`);

    test('the side of the MAC that all have', async () => {
      const local = ['203.0.113.0/24'];
      const one = 'local out eni-if0 1';
      expect(await counted([sent, received, others], { local })).toEqual([one, one]);
      expect(await counted([sent, sent, others], { local })).toEqual(['local out eni-if0 2']);
      // No MAC is an end of all: nothing is told.
      expect(await counted([sent, received, others, frame({})], { local })).toEqual(['local out eni-if0 3']);
      const eni = [`web=${ONE}`];
      expect(await counted([sent, received, others], { eni })).toEqual(['eni out web 1', 'eni out web 1']);
    });

    test('the side that the capture tells, also of the same ENI', async () => {
      const hinted = async (...ways: ('in' | 'out' | undefined)[]): Promise<number[]> => {
        const packets = ways.map((way) =>
          p.enhancedPacket({ data: plain(), options: way === undefined ? [] : [p.directionOption(way)] }),
        );
        const { ordered } = await count(p.section([p.interfaceBlock(), ...packets]), { eni: [`web=${CLIENT}`] });
        expect(new Set(ordered.map(({ eni }) => eni))).toEqual(new Set(['web']));
        return ordered.map((entry) => entry.packets);
      };
      expect(await hinted('out', 'in')).toEqual([1, 1]);
      expect(await hinted('out', undefined)).toEqual([1, 1]);
      expect(await hinted('out', 'out')).toEqual([2]);
    });

    test('the ENIs that its MACs name, though an address names another', async () => {
      const eni = [`web=${ONE}`, 'gate=02:00:00:00:00:07', 'door=02:00:00:00:00:08'];
      const [gate, door, none] = ['07', '08', '09'].map((end) => frame({ src: `02:00:00:00:00:${end}` }));
      const one = 'eni out web 1';
      expect(await counted([gate, door, none], { eni })).toEqual([one, one, one]);
      expect(await counted([gate, gate, none, none], { eni })).toEqual(['eni out web 2', 'eni out web 2']);
      expect(await counted([none, sent], { eni })).toEqual(['eni out web 2']);
    });

    test('a MAC that is named, and not the one that all have', async () => {
      const eni = [`web=${ONE}`, `gate=${OURS}`];
      // Sent or received is another pair of ENIs.
      expect(await counted([sent, received, others], { eni })).toEqual([
        'eni out web 1',
        'eni out web 1',
        'eni in gate 1',
      ]);
    });
  });

  test('an ENI names its side, both ENIs are two entries, and no ENI is not local', async () => {
    expect(await directions(two, { eni: [`web=${SERVER}`] })).toEqual(['eni in web', 'eni out web']);
    const both = await directions([two[0]], { eni: [`web=${SERVER}`, 'app=02:00:00:00:00:01'] });
    expect(both).toEqual(['eni out app', 'eni in web']);
    const model = await at(two, { eni: ['x=192.0.2.99'] });
    expect(Object.fromEntries(model.packets.excluded)).toEqual({ not_local: 2 });
    expect(model.packets).toMatchObject({ seen: 2, logged: 0 });
  });

  test('an ENI may be named by interface, or for all', async () => {
    expect(await directions([two[0]], { eni: ['web=0'] })).toEqual(['private out web']);
    expect(await directions([two[0]], { eni: ['all'] })).toEqual(['private out all']);
  });
});

describe('silence', () => {
  test('has an entry per window up to 60, and one for more', async () => {
    const few = await at([
      [30, datagram()],
      [250, datagram()],
    ]);
    expect(few.nodata).toEqual([
      { status: 'NODATA', eni: 'eni-if0', start: 60, end: 120 },
      { status: 'NODATA', eni: 'eni-if0', start: 120, end: 180 },
      { status: 'NODATA', eni: 'eni-if0', start: 180, end: 240 },
    ]);
    const sixty = await at([
      [0, datagram()],
      [61 * 60, datagram()],
    ]);
    expect(sixty.nodata).toHaveLength(60);
    const many = await at([
      [0, datagram()],
      [62 * 60, datagram()],
    ]);
    expect(many.nodata).toEqual([{ status: 'NODATA', eni: 'eni-if0', start: 60, end: 62 * 60 }]);
  });

  test('is watched from the first packet to the last, excluded ones too, and ends with the capture', async () => {
    expect(
      (
        await at([
          [30, ARP],
          [70, datagram()],
          [150, ARP],
        ])
      ).nodata,
    ).toEqual([
      { status: 'NODATA', eni: 'eni-if0', start: 0, end: 60 },
      { status: 'NODATA', eni: 'eni-if0', start: 120, end: 150 },
    ]);
  });

  test('is not told of what comes after the capture, where packets without a time are', async () => {
    const file = p.section([
      p.interfaceBlock({ offset: -1000n }),
      enhanced(30_000_000n),
      enhanced(150_000_000n),
      p.simplePacket(plain(2)),
    ]);
    const { ordered, nodata } = await count(file);
    expect(ordered.map(({ windowStart }) => windowStart)).toEqual([-1020, -900, 0]);
    expect(nodata).toEqual([{ status: 'NODATA', eni: 'eni-if0', start: -960, end: -900 }]);
    const quiet = p.section([p.interfaceBlock({ offset: -1000n }), timed(ARP, 30), p.simplePacket(plain())]);
    expect((await count(quiet)).nodata).toEqual([{ status: 'NODATA', eni: 'eni-if0', start: -1020, end: -970 }]);
  });

  test('of an interface without packets is the whole capture', async () => {
    const file = p.section([p.interfaceBlock(), p.interfaceBlock(), enhanced(70_000_000n)]);
    expect((await count(file)).nodata).toEqual([{ status: 'NODATA', eni: 'eni-if1', start: 60, end: 70 }]);
  });

  test('is not told of a window that begins with the end of the capture', async () => {
    const until = async (sec: bigint) => {
      const file = p.section([p.interfaceBlock(), p.interfaceBlock(), enhanced(0n), enhanced(sec * 1_000_000n)]);
      return (await count(file)).nodata.filter(({ eni }) => eni === 'eni-if1');
    };
    const silent = (start: number, end: number) => ({ status: 'NODATA', eni: 'eni-if1', start, end });
    expect(await until(0n)).toEqual([]);
    expect(await until(60n)).toEqual([silent(0, 60)]);
    expect(await until(61n)).toEqual([silent(0, 60), silent(60, 61)]);
    expect(await until(3600n)).toHaveLength(60);
    expect(await until(3601n)).toEqual([silent(0, 3601)]);
  });

  test('is not told of windows of which it was told before that they lost packets', async () => {
    const lost = p.statistics({ units: 3_001_000_000n, startUnits: 3_000_000_000n, drops: 1n });
    const before = await count(p.section([p.interfaceBlock(), enhanced(0n), lost, enhanced(6_000_000_000n)]));
    const skipped = { status: 'SKIPDATA', eni: 'eni-if0', start: 3000, end: 3060 };
    expect(before.skipdata).toEqual([skipped]);
    expect(before.nodata.map(({ start, end }) => [start, end])).toEqual(
      Array.from({ length: 99 }, (_, i) => [60 + i * 60, 120 + i * 60]).filter(([start]) => start !== 3000),
    );
    // Of a silence that was told already it stays told.
    const after = await count(
      p.section([p.interfaceBlock(), enhanced(0n), enhanced(6_000_000_000n), enhanced(6_120_000_000n), lost]),
    );
    expect(after.skipdata).toEqual([skipped]);
    expect(after.nodata[0]).toEqual({ status: 'NODATA', eni: 'eni-if0', start: 60, end: 6000 });
  });

  test('drops are SKIPDATA over the windows that they may be in', async () => {
    const counts = [p.statistics({ units: 70_000_000n, drops: 0n }), p.statistics({ units: 130_000_000n, drops: 3n })];
    const model = await count(p.section([p.interfaceBlock(), enhanced(65_000_000n), ...counts]));
    expect(model.skipdata).toEqual([
      { status: 'SKIPDATA', eni: 'eni-if0', start: 60, end: 120 },
      { status: 'SKIPDATA', eni: 'eni-if0', start: 120, end: 180 },
    ]);
  });
});

describe('the order of lines', () => {
  const second = 1_000_000n;
  const on = (number: number, sec: number, data: Uint8Array = plain()): p.Block =>
    p.enhancedPacket({ data, units: BigInt(sec) * second, interface: number });
  const drops = (sec: number, count: bigint): p.Block =>
    p.statistics({ units: BigInt(sec) * second, startUnits: BigInt(sec) * second, drops: count });
  const two = [p.interfaceBlock(), p.interfaceBlock()];

  test('is per closing: drops reported before, then per window silences by ENI, then entries by first packet', async () => {
    const file = p.section([
      ...two,
      on(0, 10, ARP),
      drops(20, 1n),
      on(1, 130),
      on(0, 140),
      drops(150, 2n),
      on(0, 181), // closes nothing yet
      drops(181, 3n),
      on(1, 182),
      drops(240, 4n),
    ]);
    expect(outline(await count(file))).toEqual([
      'SKIPDATA eni-if0 0',
      'SKIPDATA eni-if0 60',
      'SKIPDATA eni-if0 120',
      'SKIPDATA eni-if0 180',
      'NODATA eni-if1 0',
      'NODATA eni-if1 60',
      'OK eni-if1 130',
      'OK eni-if0 140',
      'SKIPDATA eni-if0 240',
      'OK eni-if0 181',
      'OK eni-if1 182',
    ]);
  });

  test('has a drop report before what the next packet closes, and behind what the packet before it closed', async () => {
    const around = async (...blocks: p.Block[]): Promise<string[]> =>
      outline(await count(p.section([p.interfaceBlock(), on(0, 10), ...blocks, on(0, 70)])));
    expect(await around(drops(61, 1n), on(0, 62))).toEqual(['SKIPDATA eni-if0 60', 'OK eni-if0 10', 'OK eni-if0 62']);
    expect(await around(on(0, 62), drops(61, 1n))).toEqual(['OK eni-if0 10', 'SKIPDATA eni-if0 60', 'OK eni-if0 62']);
    expect(await around(on(0, 62, ARP), drops(61, 1n))).toEqual([
      'OK eni-if0 10',
      'SKIPDATA eni-if0 60',
      'OK eni-if0 70',
    ]);
  });

  test('is kept where the head of the capture decides who is local, and behind it', async () => {
    const many = Array.from({ length: 10_001 }, () => on(0, 70));
    const file = p.section([p.interfaceBlock(), on(0, 10), ...many, drops(75, 1n), on(0, 130)]);
    const lines = outline(await count(file));
    expect(lines).toEqual(['OK eni-if0 10', 'SKIPDATA eni-if0 60', 'OK eni-if0 70', 'OK eni-if0 130']);
  });

  test('has ENIs that are named first, as named, and then the other interfaces', async () => {
    const file = p.section([...two, p.interfaceBlock(), on(0, 70, ARP)]);
    const quiet = async (eni: string[]): Promise<string[]> => outline(await count(file, { eni }));
    expect(await quiet(['b=2', 'a=1'])).toEqual(['NODATA b 60', 'NODATA a 60', 'NODATA eni-if0 60']);
    expect(await quiet(['a=1'])).toEqual(['NODATA a 60', 'NODATA eni-if0 60', 'NODATA eni-if2 60']);
    expect(await quiet(['m=02:00:00:00:00:09', 'a=10.9.9.9'])).toEqual(['NODATA m 60', 'NODATA a 60']);
  });
});

describe('the most flows at once', () => {
  const peak = async (...packets: [number, Uint8Array][]): Promise<number> => (await at(packets)).peakFlows;
  const one = datagram('10.0.0.1');
  const other = datagram('10.0.0.2');

  test('are those that are not idle, or in an open window', async () => {
    expect(await peak([1000, one], [1001, other], [1002, one])).toBe(2);
    expect(await peak([1000, one], [1100, other])).toBe(1);
    expect(await peak([1000, segment(ACK)], [1100, other])).toBe(2);
    expect(await peak([1000, segment(ACK)], [1700, other])).toBe(1);
    // Idle by then, but its window is not closed yet.
    expect(await peak([1020, one], [1080, other])).toBe(2);
  });

  test('are also those of no ENI, and of two ENIs count once', async () => {
    const packets: [number, Uint8Array][] = [one, other, one].map((data) => [1000, data]);
    const peakWith = async (...eni: string[]): Promise<number> => (await at(packets, { eni })).peakFlows;
    expect(await peakWith('a=10.0.0.1')).toBe(2);
    expect(await peakWith('a=10.9.9.9')).toBe(2);
    expect(await peakWith('a=10.0.0.1', `b=${SERVER}`)).toBe(2);
  });

  test('count what stands in a second open window, and a window that is open again for four', async () => {
    expect(await peak([1000, one], [1020, one])).toBe(2);
    expect(await peak([1000, one], [1022, one])).toBe(1);
    expect(await peak([1000, one], [1100, one], [1010, one])).toBe(1 + 1 + 4);
    expect(await peak([1000, one], [1100, ARP], [1010, one], [950, one])).toBe(1 + 1 + 8);
    // And nothing once they are closed.
    expect(await peak([1000, one], [1100, one], [1010, one], [1200, one], [1300, one])).toBe(1 + 1 + 4);
  });
});

test('what was seen is what was logged and what was excluded', async () => {
  const { packets, bytes } = await at([
    [1000, datagram()],
    [1000, ARP],
    [1001, datagram(CLIENT, '224.0.0.1')],
  ]);
  expect(packets).toMatchObject({ seen: 3, logged: 1 });
  expect(bytes).toMatchObject({ seen: 29 + 42 + 29, logged: 29 });
  expect(Object.fromEntries(bytes.excluded)).toEqual({ not_ip: 42, multicast: 29 });
});
