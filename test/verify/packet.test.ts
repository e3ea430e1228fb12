// IP headers, their chains, lengths and fragments.
import { describe, expect, test } from 'vitest';
import * as p from '../packets.ts';
import { count, countFrames, flows, reasons } from './counted.ts';
import { FLOW_V4, FLOW_V6, UDP, V4, cut } from './samples.ts';

const on4 = (bytes: Uint8Array): Uint8Array => p.ethernet({}, bytes);
const on6 = (bytes: Uint8Array): Uint8Array => p.ethernet({ type: 0x86dd }, bytes);
const PAD6 = p.bytes('010400000000');

describe('IPv4', () => {
  test('options are passed over', async () => {
    const options = p.ipv4({ options: p.zeros(4) }, UDP);
    expect(flows(await countFrames([on4(options)]))).toEqual([`${FLOW_V4} 1/33`]);
  });

  test('a header that cannot be trusted is malformed', async () => {
    const bad = [p.ipv4({ headerWords: 4 }, UDP), p.ipv4({ totalLength: 19 }, UDP)];
    expect(reasons(await countFrames(bad.map(on4)))).toEqual({ malformed: 2 });
  });

  test('a total length beyond the frame is believed, padding is not counted', async () => {
    const frames = [on4(p.ipv4({ totalLength: 900 }, UDP)), p.bytes(on4(V4), p.zeros(20))];
    expect(flows(await countFrames(frames))).toEqual([`${FLOW_V4} 2/929`]);
  });

  test('a total length of 0 is the frame less its link header and FCS', async () => {
    const frame = p.bytes(on4(p.ipv4({ totalLength: 0 }, UDP)), p.zeros(4));
    expect((await countFrames([frame])).bytes.logged).toBe(33);
    expect((await countFrames([frame], { linkWord: 0x2400_0001 })).bytes.logged).toBe(29);
    const jumbo = p.pcap([cut(frame, 40, 9014)]);
    expect((await count(jumbo)).bytes.logged).toBe(9000);
  });

  test('ports are read inside the total length and what was captured, both or none', async () => {
    const short = on4(p.ipv4({ totalLength: 22 }, UDP));
    expect(flows(await countFrames([short]))).toEqual(['10.0.0.1:- > 192.0.2.1:- 17 1/22']);
    const headerOnly = p.pcap([cut(on4(V4), 34)]);
    expect(flows(await count(headerOnly))).toEqual(['10.0.0.1:- > 192.0.2.1:- 17 1/29']);
  });

  test('five protocols have ports, others none', async () => {
    const frames = [6, 17, 33, 132, 136, 1, 47, 50, 51].map((protocol) => on4(p.ipv4({ protocol }, UDP)));
    const withPorts = (await countFrames(frames)).ordered.filter(({ sport }) => sport !== '-');
    expect(withPorts.map(({ protocol }) => protocol)).toEqual([6, 17, 33, 132, 136]);
  });

  test('flags are the whole octet, and nothing where they were not captured', async () => {
    const all = on4(p.ipv4({ protocol: 6 }, p.tcp({ flags: 0xff })));
    expect((await countFrames([all])).ordered[0].flags).toBe(255);
    expect((await count(p.pcap([cut(all, 47)]))).ordered[0].flags).toBe(0);
  });

  test('multicast and the limited broadcast are no entries, a directed broadcast is', async () => {
    const to = (dst: string): Uint8Array => on4(p.ipv4({ dst }, UDP));
    const model = await countFrames([to('224.0.0.251'), to('255.255.255.255'), to('192.168.1.255')]);
    expect(reasons(model)).toEqual({ multicast: 1, broadcast: 1 });
    expect(model.bytes.excluded.get('multicast')).toBe(29);
    const group = on6(p.ipv6({ dst: 'ff02:db8::2' }, UDP));
    expect(reasons(await countFrames([group]))).toEqual({ multicast: 1 });
  });
});

describe('IPv6', () => {
  const flowsOf = async (next: number, payload: Uint8Array): Promise<string[]> =>
    flows(await countFrames([on6(p.ipv6({ next }, payload))]));

  test('hop-by-hop, routing, destination options and fragment headers are walked', async () => {
    const fragment = p.extension(44, PAD6, p.fragment6({ id: 9 }, UDP));
    const chain = p.extension(43, PAD6, p.extension(60, p.bytes('020000000000'), fragment));
    expect(await flowsOf(0, chain)).toEqual([`${FLOW_V6} 1/81`]);
  });

  test('AH, ESP, Mobility and no next header are the protocol', async () => {
    for (const next of [51, 50, 135, 59]) {
      expect(await flowsOf(next, p.extension(17, PAD6, UDP))).toEqual([`fd00::1:- > 2001:db8::1:- ${next} 1/57`]);
    }
  });

  test('a header that was not captured leaves the last number known', async () => {
    const frame = on6(p.ipv6({ next: 0 }, p.extension(60, PAD6, p.extension(17, PAD6, UDP))));
    const protocolAt = async (captured: number): Promise<number> =>
      (await count(p.pcap([cut(frame, captured)]))).ordered[0].protocol;
    expect(await protocolAt(54)).toBe(0);
    expect(await protocolAt(55)).toBe(0);
    expect(await protocolAt(56)).toBe(60);
    expect(await protocolAt(62)).toBe(60);
    expect(await protocolAt(64)).toBe(17);
  });

  test('a jumbogram counts its option, and only beyond 65535', async () => {
    const jumbo = (length: number): Uint8Array =>
      on6(p.ipv6({ next: 0, payloadLength: 0 }, p.extension(17, p.jumboOption(length), UDP)));
    expect((await countFrames([jumbo(70_000)])).bytes.logged).toBe(70_040);
    expect((await countFrames([jumbo(60_000)])).bytes.logged).toBe(40);
  });

  test('a payload length of 0 is the frame, unless nothing follows', async () => {
    const empty = (next: number): Uint8Array => on6(p.ipv6({ next, payloadLength: 0 }, UDP));
    expect((await countFrames([empty(17)])).bytes.logged).toBe(49);
    expect((await countFrames([empty(59)])).bytes.logged).toBe(40);
  });

  test('addresses are written as RFC 5952 says', async () => {
    const src = '2001:db8:0:1:0:0:0:1';
    const dst = '0:0:0:0:0:ffff:c000:201';
    const [entry] = (await countFrames([on6(p.ipv6({ src, dst }, UDP))])).ordered;
    expect([entry.src, entry.dst]).toEqual(['2001:db8:0:1::1', '::ffff:c000:201']);
  });
});

describe('fragments', () => {
  const first = on4(p.ipv4({ id: 7, hasMoreFragments: true }, UDP));
  const later = on4(p.ipv4({ id: 7, fragmentOffset: 40 }, p.zeros(40)));
  const JOINED = [`${FLOW_V4} 2/89`];

  const at = async (...frames: [Uint8Array, number][]): Promise<string[]> =>
    flows(await count(p.pcap(frames.map(([data, sec]) => ({ data, sec }))), { windowSeconds: 600 }));

  test('a later one joins its first, seen before it', async () => {
    expect(await at([first, 1000], [later, 1010])).toEqual(JOINED);
    expect(await at([first, 1000], [later, 990])).toEqual(JOINED);
  });

  test('but not one seen after it, too old, or of another packet', async () => {
    expect(await at([later, 1000], [first, 1000])).toHaveLength(2);
    expect(await at([first, 1000], [later, 1030])).toEqual(JOINED);
    expect(await at([first, 1000], [later, 1031])).toHaveLength(2);
    expect(await at([first, 1000], [on4(p.ipv4({ id: 8, fragmentOffset: 40 }, p.zeros(40))), 1000])).toHaveLength(2);
  });

  test('an IPv6 one takes the protocol as well', async () => {
    const one = on6(p.ipv6({ next: 44 }, p.fragment6({ next: 60, id: 99, hasMore: true }, p.extension(17, PAD6, UDP))));
    const two = on6(p.ipv6({ next: 44 }, p.fragment6({ next: 60, id: 99, offset: 8 }, p.zeros(8))));
    expect(await at([one, 1000], [two, 1001])).toEqual([`${FLOW_V6} 2/121`]);
    expect(await at([two, 1001])).toEqual(['fd00::1:- > 2001:db8::1:- 60 1/56']);
  });
});
