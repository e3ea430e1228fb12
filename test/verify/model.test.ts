// Flows, windows, directions and silences.
import { describe, expect, test } from 'vitest';
import type { CountOptions } from '../../src/verify/options.ts';
import type { Model } from '../../src/verify/model.ts';
import type { Entry } from '../../src/verify/windows.ts';
import * as p from '../packets.ts';
import { count, flows } from './counted.ts';
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
    expect([...model.entries.values()].map(({ packets, parts }) => [packets, parts])).toEqual([
      [3, 2],
      [3, 1],
    ]);
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
      { eni: 'eni-if0', start: 60, end: 120 },
      { eni: 'eni-if0', start: 120, end: 180 },
      { eni: 'eni-if0', start: 180, end: 240 },
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
    expect(many.nodata).toEqual([{ eni: 'eni-if0', start: 60, end: 62 * 60 }]);
  });

  test('is watched from the first packet to the last, excluded ones too, and ends with the capture', async () => {
    const arp = p.ethernet({ type: 0x0806 }, p.zeros(28));
    expect(
      (
        await at([
          [30, arp],
          [70, datagram()],
          [150, arp],
        ])
      ).nodata,
    ).toEqual([
      { eni: 'eni-if0', start: 0, end: 60 },
      { eni: 'eni-if0', start: 120, end: 150 },
    ]);
  });

  test('of an interface without packets is the whole capture', async () => {
    const file = p.section([p.interfaceBlock(), p.interfaceBlock(), enhanced(70_000_000n)]);
    expect((await count(file)).nodata).toEqual([{ eni: 'eni-if1', start: 60, end: 70 }]);
  });

  test('drops are SKIPDATA over the windows that they may be in', async () => {
    const counts = [p.statistics({ units: 70_000_000n, drops: 0n }), p.statistics({ units: 130_000_000n, drops: 3n })];
    const model = await count(p.section([p.interfaceBlock(), enhanced(65_000_000n), ...counts]));
    expect(model.skipdata).toEqual([
      { eni: 'eni-if0', start: 60, end: 120 },
      { eni: 'eni-if0', start: 120, end: 180 },
    ]);
  });
});

test('what was seen is what was logged and what was excluded', async () => {
  const arp = p.ethernet({ type: 0x0806 }, p.zeros(28));
  const { packets, bytes } = await at([
    [1000, datagram()],
    [1000, arp],
    [1001, datagram(CLIENT, '224.0.0.1')],
  ]);
  expect(packets).toMatchObject({ seen: 3, logged: 1 });
  expect(bytes).toMatchObject({ seen: 29 + 42 + 29, logged: 29 });
  expect(Object.fromEntries(bytes.excluded)).toEqual({ not_ip: 42, multicast: 29 });
});
