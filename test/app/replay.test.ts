// Captures in, entries out, to the byte: what an entry says of each kind of traffic and of time.
import { describe, expect, test } from 'vitest';
import * as p from '../packets.ts';
import { brief, entriesOf, okLine, quietLine } from './entry_line.ts';
import { Workplace, linesOf, windrow } from './program.ts';

const workplace = new Workplace();

/** The start of a minute. */
const T = 1_000_020;
const CLIENT = '10.0.0.1';
const SERVER = '192.0.2.1';
const { syn, ack, psh, fin, rst } = p.TCP_FLAG;

/** Lines that a replay with windows of a minute writes; everything else about it has to be in order. */
async function replay(capture: Uint8Array, ...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await windrow(['replay', workplace.file(capture), '--window', '60', ...args]);
  expect(stderr).toMatch(/^windrow: [\d,]+ packets? seen = .*\n$/);
  expect(code).toBe(0);
  expect(stdout === '' || stdout.endsWith('\n')).toBe(true);
  return linesOf(stdout);
}

function segment(isReply: boolean, flags: number, size = 0): Uint8Array {
  const [src, dst, sport, dport] = isReply ? [SERVER, CLIENT, 443, 40000] : [CLIENT, SERVER, 40000, 443];
  return p.ethernet(
    {},
    p.ipv4({ src, dst, protocol: p.PROTOCOL.tcp }, p.tcp({ sport, dport, flags }, new Uint8Array(size))),
  );
}

function datagram(sport = 5000, size = 0): Uint8Array {
  return p.ethernet({}, p.ipv4({ src: CLIENT, dst: SERVER }, p.udp({ sport, dport: 53 }, new Uint8Array(size))));
}

function at(...packets: [number, Uint8Array][]): Uint8Array {
  return p.pcap(packets.map(([sec, data]): p.PcapRecord => ({ sec, data })));
}

describe.concurrent('an entry', () => {
  test('has the 21 keys in alphabetical order, all of them strings', async () => {
    expect(await replay(at([T + 1, segment(false, syn | ack, 5)]))).toEqual([
      '{"account-id":"-","action":"ACCEPT","bytes":"45","direction":"out","dstaddr":"192.0.2.1","dstport":"443",' +
        '"end":"1000021","eni-id":"eni-if0","log-status":"OK","packets":"1","protocol":"6","srcaddr":"10.0.0.1",' +
        '"srcport":"40000","start":"1000021","tcp-flags":"18","traffic_path":"-","type":"IPv4","version":"1",' +
        '"vm-id":"-","vpc-id":"-","vswitch-id":"-"}',
    ]);
  });

  test('of each direction of a TCP connection ends when it closed', async () => {
    const lines = await replay(
      at(
        [T + 1, segment(false, syn)],
        [T + 1, segment(true, syn | ack)],
        [T + 2, segment(false, ack)],
        [T + 3, segment(false, psh | ack, 100)],
        [T + 4, segment(true, ack, 200)],
        [T + 5, segment(false, fin | ack)],
        [T + 6, segment(true, fin | ack)],
        [T + 7, segment(false, ack)],
        [T + 65, datagram()],
      ),
    );
    expect(lines).toEqual([
      okLine({
        direction: 'out',
        flow: `${CLIENT} 40000 > ${SERVER} 443 6`,
        sums: [5, 300],
        span: [T + 1, T + 7],
        flags: syn | ack | psh | fin,
      }),
      okLine({
        direction: 'in',
        flow: `${SERVER} 443 > ${CLIENT} 40000 6`,
        sums: [3, 320],
        span: [T + 1, T + 7],
        flags: syn | ack | fin,
      }),
      okLine({ direction: 'out', flow: `${CLIENT} 5000 > ${SERVER} 53 17`, sums: [1, 28], span: [T + 65, T + 65] }),
    ]);
  });

  test('of a connection that is still open ends with its window, and another follows in the next', async () => {
    const flow = `${CLIENT} 40000 > ${SERVER} 443 6`;
    expect(await replay(at([T + 10, segment(false, ack)], [T + 70, segment(false, psh | ack, 1)]))).toEqual([
      okLine({ direction: 'out', flow, sums: [1, 40], span: [T + 10, T + 60], flags: ack }),
      okLine({ direction: 'out', flow, sums: [1, 41], span: [T + 70, T + 70], flags: psh | ack }),
    ]);
  });

  test('of a connection that was reset ends there, and its flags are those of its own window', async () => {
    const lines = await replay(
      at([T + 10, segment(false, syn)], [T + 70, segment(true, rst | ack)], [T + 100, datagram()]),
    );
    expect(lines).toEqual([
      okLine({
        direction: 'out',
        flow: `${CLIENT} 40000 > ${SERVER} 443 6`,
        sums: [1, 40],
        span: [T + 10, T + 60],
        flags: syn,
      }),
      okLine({
        direction: 'in',
        flow: `${SERVER} 443 > ${CLIENT} 40000 6`,
        sums: [1, 40],
        span: [T + 70, T + 70],
        flags: rst | ack,
      }),
      okLine({ direction: 'out', flow: `${CLIENT} 5000 > ${SERVER} 53 17`, sums: [1, 28], span: [T + 100, T + 100] }),
    ]);
  });

  test('of UDP that was silent for more than 30 s ends with its last packet, and not after 30 s', async () => {
    const lines = await replay(at([T + 29, datagram(1)], [T + 30, datagram(2)], [T + 65, datagram(3)]));
    expect(entriesOf(lines.join('\n')).map(({ srcport, end }) => [srcport, Number(end) - T])).toEqual([
      ['1', 29],
      ['2', 60],
      ['3', 65],
    ]);
  });

  test('of ICMP has no ports and no flags, and is not the flow that an ICMP error quotes', async () => {
    const quoted = p.ipv4({ src: SERVER, dst: CLIENT }, p.udp({}));
    const echo = p.ethernet({}, p.ipv4({ protocol: p.PROTOCOL.icmp }, p.icmp(8, 0)));
    const error = p.ethernet(
      {},
      p.ipv4({ protocol: p.PROTOCOL.icmp }, p.icmp(3, 3, new Uint8Array([0, 0, 0, 0, ...quoted]))),
    );
    expect(await replay(at([T, echo], [T + 1, error]))).toEqual([
      okLine({ direction: 'out', flow: `${CLIENT} - > ${SERVER} - 1`, sums: [2, 28 + 56], span: [T, T + 1] }),
    ]);
  });

  test('of fragments has the ports of the first, and "-" where the first was not seen', async () => {
    const first = p.ipv4({ id: 7, hasMoreFragments: true }, p.udp({ sport: 6000, dport: 53 }, new Uint8Array(8)));
    const later = p.ipv4({ id: 7, fragmentOffset: 16 }, new Uint8Array(10));
    const stray = p.ipv4({ id: 8, fragmentOffset: 16 }, new Uint8Array(20));
    const lines = await replay(
      at([T, p.ethernet({}, first)], [T + 1, p.ethernet({}, later)], [T + 2, p.ethernet({}, stray)]),
    );
    expect(lines).toEqual([
      okLine({ direction: 'out', flow: `${CLIENT} 6000 > ${SERVER} 53 17`, sums: [2, 36 + 30], span: [T, T + 2] }),
      okLine({ direction: 'out', flow: `${CLIENT} - > ${SERVER} - 17`, sums: [1, 40], span: [T + 2, T + 2] }),
    ]);
  });

  test('of a fragment more than 30 s after the first has no ports', async () => {
    const first = p.ethernet({}, p.ipv4({ id: 7, hasMoreFragments: true }, p.udp({ sport: 6000 }, new Uint8Array(8))));
    const later = p.ethernet({}, p.ipv4({ id: 7, fragmentOffset: 16 }, new Uint8Array(8)));
    const lines = await replay(at([T, first], [T + 30, later], [T + 31, later]));
    expect(entriesOf(lines.join('\n')).map(brief)).toEqual([
      `out ${CLIENT}:6000 > ${SERVER}:53 17 2/64`,
      `out ${CLIENT}:- > ${SERVER}:- 17 1/28`,
    ]);
  });

  test('of IPv6 counts the fixed header, joins fragments, and writes addresses the short way', async () => {
    const type = 0x86dd;
    const query = p.ethernet({ type }, p.ipv6({ src: 'fd00::1', dst: '2001:db8:0:0:1:0:0:1' }, p.udp({ sport: 5353 })));
    const fields = { src: 'fd00::1', dst: '2001:db8:0:0:1:0:0:1', next: p.PROTOCOL.fragment };
    const first = p.ipv6(fields, p.fragment6({ id: 9, hasMore: true }, p.udp({ sport: 6000 }, new Uint8Array(8))));
    const later = p.ipv6(fields, p.fragment6({ id: 9, offset: 16 }, new Uint8Array(4)));
    const lines = await replay(
      at([T, query], [T + 1, p.ethernet({ type }, first)], [T + 2, p.ethernet({ type }, later)]),
    );
    expect(lines).toEqual([
      okLine({ direction: 'out', flow: 'fd00::1 5353 > 2001:db8::1:0:0:1 53 17', sums: [1, 48], span: [T, T + 2] }),
      okLine({
        direction: 'out',
        flow: 'fd00::1 6000 > 2001:db8::1:0:0:1 53 17',
        sums: [2, 64 + 52],
        span: [T + 1, T + 2],
      }),
    ]);
  });

  test('is never REJECT: what was seen passing passed', async () => {
    const refused = p.ethernet({}, p.ipv4({ protocol: p.PROTOCOL.icmp }, p.icmp(3, 13, new Uint8Array(32))));
    const lines = await replay(at([T, segment(false, syn)], [T, segment(true, rst | ack)], [T + 1, refused]));
    expect(entriesOf(lines.join('\n')).map(({ action }) => action)).toEqual(['ACCEPT', 'ACCEPT', 'ACCEPT']);
  });
});

describe.concurrent('silence', () => {
  const nodata = (from: number, count: number): string[] =>
    Array.from({ length: count }, (_, i) => quietLine('NODATA', [T + (from + i) * 60, T + (from + i + 1) * 60]));
  const pair = (windows: number): Uint8Array => at([T, datagram()], [T + windows * 60, datagram()]);
  const line = (start: number, end: number): string =>
    okLine({ direction: 'out', flow: `${CLIENT} 5000 > ${SERVER} 53 17`, sums: [1, 28], span: [start, end] });

  test('is an entry for each silent window, in front of the window that ends it', async () => {
    expect(await replay(pair(3))).toEqual([line(T, T), ...nodata(1, 2), line(T + 180, T + 180)]);
  });

  test('of 60 windows is 60 entries, and of 61 it is one that covers them', async () => {
    expect(await replay(pair(61))).toEqual([line(T, T), ...nodata(1, 60), line(T + 61 * 60, T + 61 * 60)]);
    expect(await replay(pair(62))).toEqual([
      line(T, T),
      quietLine('NODATA', [T + 60, T + 62 * 60]),
      line(T + 62 * 60, T + 62 * 60),
    ]);
  });

  test("counts packets that are in no entry as time that was watched, up to the capture's end", async () => {
    const arp = p.ethernet({ type: 0x0806 }, new Uint8Array(28));
    expect(await replay(at([T - 40, arp], [T + 5, datagram()], [T + 80, arp]))).toEqual([
      quietLine('NODATA', [T - 60, T]),
      line(T + 5, T + 5),
      quietLine('NODATA', [T + 60, T + 80]),
    ]);
  });

  test('is told of each interface of its own', async () => {
    const capture = p.section([
      p.interfaceBlock(),
      p.interfaceBlock(),
      p.enhancedPacket({ interface: 1, units: BigInt(T + 1) * 1_000_000n, data: datagram() }),
    ]);
    const lines = await replay(capture);
    expect(entriesOf(lines.join('\n')).map((entry) => [entry['eni-id'], entry['log-status']])).toEqual([
      ['eni-if1', 'OK'],
      ['eni-if0', 'NODATA'],
    ]);
  });

  test('is not told of a window that begins with the end of the capture', async () => {
    const capture = (...secs: readonly number[]): Uint8Array =>
      p.section([
        p.interfaceBlock(),
        p.interfaceBlock(),
        ...secs.map((sec) => p.enhancedPacket({ units: BigInt(T + sec) * 1_000_000n, data: datagram() })),
      ]);
    const silences = async (...secs: readonly number[]): Promise<string[]> =>
      (await replay(capture(...secs))).filter((line) => line.includes('NODATA'));
    const silent = (from: number, to: number): string => quietLine('NODATA', [T + from, T + to], 'eni-if1');
    expect(await silences(0)).toEqual([]);
    expect(await silences(0, 60)).toEqual([silent(0, 60)]);
    expect(await silences(0, 61)).toEqual([silent(0, 60), silent(60, 61)]);
    // Whether 60 of them are single entries is asked of those that are told.
    const each = Array.from({ length: 60 }, (_, i) => silent(i * 60, i * 60 + 60));
    expect((await silences(0, 3600)).filter((line) => line.includes('eni-if1'))).toEqual(each);
    expect((await silences(0, 3601)).filter((line) => line.includes('eni-if1'))).toEqual([silent(0, 3601)]);
  });
});

describe.concurrent('a capture that says that it lost packets', () => {
  const micros = (sec: number): bigint => BigInt(sec) * 1_000_000n;
  const withDrops = (before: bigint, after: bigint, until: number): Uint8Array =>
    p.section([
      p.interfaceBlock(),
      p.statistics({ units: micros(T + 1), drops: before }),
      p.enhancedPacket({ units: micros(T + 2), data: datagram() }),
      p.statistics({ units: micros(until), drops: after }),
    ]);

  test('has a SKIPDATA entry for each window in which it may have been', async () => {
    const lines = await replay(withDrops(0n, 9n, T + 70), '--accounting', workplace.at('drops.json'));
    expect([...lines].sort()).toEqual(
      [
        okLine({ direction: 'out', flow: `${CLIENT} 5000 > ${SERVER} 53 17`, sums: [1, 28], span: [T + 2, T + 2] }),
        quietLine('SKIPDATA', [T, T + 60]),
        quietLine('SKIPDATA', [T + 60, T + 120]),
      ].sort(),
    );
    const books = JSON.parse(workplace.read('drops.json')) as { entries: object; interfaces: { dropped: number }[] };
    expect(books.entries).toEqual({ ok: 1, nodata: 0, skipdata: 2, supplementary: 0 });
    expect(books.interfaces.map(({ dropped }) => dropped)).toEqual([9]);
  });

  const drops = (number: number, from: number, until: number, drops: bigint): p.Block =>
    p.statistics({ interface: number, units: micros(T + until), startUnits: micros(T + from), drops });
  const packet = (number: number, sec: number): p.Block =>
    p.enhancedPacket({ interface: number, units: micros(T + sec), data: datagram() });
  /** "eni-if1 NODATA 60", in their order. */
  const outlineOf = async (...blocks: readonly p.Block[]): Promise<string[]> => {
    const capture = p.section([p.interfaceBlock(), p.interfaceBlock(), ...blocks]);
    const lines = await replay(capture);
    for (const workers of ['2', '3']) expect(await replay(capture, '--workers', workers)).toEqual(lines);
    return entriesOf(lines.join('\n')).map((e) => `${e['eni-id']} ${e['log-status']} ${Number(e.start) - T}`);
  };

  test('does not say of these windows that they were silent', async () => {
    expect(await outlineOf(packet(0, 1), packet(0, 70), drops(1, 61, 121, 3n), packet(0, 310))).toEqual([
      'eni-if0 OK 1',
      'eni-if1 SKIPDATA 60',
      'eni-if1 SKIPDATA 120',
      'eni-if0 OK 70',
      'eni-if0 NODATA 120',
      'eni-if0 NODATA 180',
      'eni-if0 NODATA 240',
      'eni-if0 OK 310',
      ...['eni-if1 NODATA 0', 'eni-if1 NODATA 180', 'eni-if1 NODATA 240', 'eni-if1 NODATA 300'],
    ]);
  });

  test('says both where it reports a loss when the silence was told already', async () => {
    // The silence of eni-if1 ends, and is told, when its packet's window closes.
    const told = [packet(0, 1), packet(1, 130), packet(0, 190)];
    expect(await outlineOf(...told, drops(1, 61, 62, 3n), packet(0, 191))).toEqual([
      'eni-if0 OK 1',
      'eni-if1 NODATA 0',
      'eni-if1 NODATA 60',
      'eni-if1 OK 130',
      'eni-if1 SKIPDATA 60',
      ...['eni-if0 NODATA 60', 'eni-if0 NODATA 120', 'eni-if0 OK 190'],
      'eni-if1 NODATA 180',
    ]);
    // At an interface that stays silent it never is.
    expect(await outlineOf(packet(0, 1), packet(0, 190), drops(1, 0, 190, 3n))).toEqual([
      'eni-if0 OK 1',
      ...[0, 60, 120, 180].map((start) => `eni-if1 SKIPDATA ${start}`),
      ...['eni-if0 NODATA 60', 'eni-if0 NODATA 120', 'eni-if0 OK 190'],
    ]);
  });

  test('has no silence that covers such windows, however long it is', async () => {
    const long = 100 * 60;
    expect(
      await outlineOf(packet(0, 1), packet(1, 1), drops(1, 3000, 3001, 1n), packet(0, long), packet(1, long + 1)),
    ).toEqual([
      'eni-if1 SKIPDATA 3000',
      'eni-if0 OK 1',
      'eni-if1 OK 1',
      'eni-if0 NODATA 60',
      ...Array.from({ length: 49 }, (_, i) => `eni-if1 NODATA ${60 + i * 60}`),
      ...Array.from({ length: 49 }, (_, i) => `eni-if1 NODATA ${3060 + i * 60}`),
      'eni-if0 OK 6000',
      'eni-if1 OK 6001',
    ]);
  });

  test('has none where the number did not grow', async () => {
    const skipped = async (before: bigint, after: bigint): Promise<string[]> =>
      (await replay(withDrops(before, after, T + 70))).filter((line) => line.includes('SKIPDATA'));
    expect(await skipped(0n, 0n)).toEqual([]);
    expect(await skipped(9n, 9n)).toEqual([quietLine('SKIPDATA', [T, T + 60])]);
  });
});

describe.concurrent('time', () => {
  const spans = (lines: string[]): [number, number, number][] =>
    entriesOf(lines.join('\n')).map(({ packets, start, end }) => [Number(packets), Number(start), Number(end)]);

  test('of a packet that has none is 0, and makes no silence', async () => {
    const capture = p.section([
      p.interfaceBlock(),
      p.simplePacket(datagram()),
      p.enhancedPacket({ units: BigInt(T) * 1_000_000n, data: datagram() }),
    ]);
    expect(spans(await replay(capture))).toEqual([
      [1, 0, 0],
      [1, T, T],
    ]);
    expect(spans(await replay(p.section([p.interfaceBlock(), p.simplePacket(datagram())])))).toEqual([[1, 0, 0]]);
  });

  test('that jumps years back and forth gives the right windows', async () => {
    const times = [4_000_000_000, 10, 4_000_000_001, 2_000_000_000, 20, 4_000_000_002];
    const lines = await replay(at(...times.map((sec): [number, Uint8Array] => [sec, datagram()])));
    expect(spans(lines).sort(([, a], [, b]) => a - b)).toEqual([
      [2, 10, 20],
      [1, 2_000_000_000, 2_000_000_000],
      [3, 4_000_000_000, 4_000_000_002],
    ]);
    expect(lines.join('\n')).not.toContain('NODATA');
  });

  test('that only jumps forth is one silence', async () => {
    const lines = await replay(at([10, datagram()], [4_294_967_295, datagram()]));
    expect(entriesOf(lines.join('\n')).map((entry) => entry['log-status'])).toEqual(['OK', 'NODATA', 'OK']);
    expect(spans(lines.filter((line) => !line.includes('NODATA')))).toEqual([
      [1, 10, 10],
      [1, 4_294_967_295, 4_294_967_295],
    ]);
  });

  test('with a fraction too large is carried into the seconds', async () => {
    const late = p.pcap([{ sec: T + 59, fraction: 3_999_999, data: datagram() }]);
    expect(spans(await replay(late))).toEqual([[1, T + 62, T + 62]]);
  });

  test('out of order within the lateness changes nothing', async () => {
    const packets: [number, Uint8Array][] = [100, 121, 110, 122, 111, 150].map((sec) => [sec, datagram()]);
    const lines = await replay(at(...packets), '--lateness', '10');
    expect(spans(lines)).toEqual([
      [3, 100, 120],
      [3, 121, 150],
    ]);
  });

  test('out of order beyond it is a supplementary entry of the window that closed', async () => {
    const packets: [number, Uint8Array][] = [100, 121, 110, 122, 111, 150].map((sec) => [sec, datagram()]);
    const lines = await replay(at(...packets), '--accounting', workplace.at('late.json'));
    expect(spans(lines)).toEqual([
      [2, 100, 120],
      [1, 111, 120],
      [3, 121, 150],
    ]);
    const { entries } = JSON.parse(workplace.read('late.json')) as { entries: object };
    expect(entries).toEqual({ ok: 2, nodata: 0, skipdata: 0, supplementary: 1 });
  });
});

test('entries of a window stand in the order of their first packets, and windows in theirs', async () => {
  const ports = [9, 3, 7, 1, 5, 8];
  const window = (from: number): [number, Uint8Array][] => ports.map((port, i) => [from + i, datagram(port)]);
  const lines = await replay(at(...window(T), ...window(T).reverse(), ...window(T + 60).reverse()), '--lateness', '60');
  expect(entriesOf(lines.join('\n')).map(({ srcport }) => Number(srcport))).toEqual([...ports, ...ports.toReversed()]);
});

test('windows are ten minutes unless --interval or --window says otherwise, and --window wins', async () => {
  const capture = at([600, datagram()], [900, datagram()], [1199, datagram()]);
  const starts = async (...args: string[]): Promise<number[]> => {
    const { stdout } = await windrow(['replay', workplace.file(capture), '--quiet', ...args]);
    return entriesOf(stdout)
      .filter((entry) => entry['log-status'] === 'OK')
      .map(({ start }) => Number(start));
  };
  expect(await starts()).toEqual([600]);
  expect(await starts('--interval', '10')).toEqual([600]);
  expect(await starts('--interval', '5')).toEqual([600, 900]);
  expect(await starts('--interval', '1')).toEqual([600, 900, 1199]);
  expect(await starts('--interval', '1', '--window', '700')).toEqual([600, 900]);
});
