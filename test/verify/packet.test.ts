// IP headers, their chains, lengths and fragments.
import { describe, expect, test } from 'vitest';
import { concat, ethernet, hex, ipv4, ipv6, packet, pcap, tcp, u16, u32, udp, zeros, V6_DST } from './builder.ts';
import { count, countFrames, flows, reasons } from './counted.ts';

const on4 = (bytes: Uint8Array): Uint8Array => ethernet(0x0800, bytes);
const on6 = (bytes: Uint8Array): Uint8Array => ethernet(0x86dd, bytes);
const PAD6 = hex('010400000000');

describe('IPv4', () => {
  test('options are passed over', async () => {
    const options = ipv4(concat(zeros(4), udp()), { versionAndLength: 0x46 });
    expect(flows(await countFrames([on4(options)]))).toEqual(['10.0.0.1:1111 > 198.51.100.7:2222 17 1/33']);
  });

  test('a header that cannot be trusted is malformed', async () => {
    const bad = [ipv4(udp(), { versionAndLength: 0x44 }), ipv4(udp(), { totalLength: 19 })];
    expect(reasons(await countFrames(bad.map(on4)))).toEqual({ malformed: 2 });
  });

  test('a total length beyond the frame is believed, padding is not counted', async () => {
    const frames = [on4(ipv4(udp(), { totalLength: 900 })), concat(on4(ipv4(udp())), zeros(20))];
    expect(flows(await countFrames(frames))).toEqual(['10.0.0.1:1111 > 198.51.100.7:2222 17 2/929']);
  });

  test('a total length of 0 is the frame less its link header and FCS', async () => {
    const frame = concat(on4(ipv4(udp(), { totalLength: 0 })), zeros(4));
    expect((await countFrames([frame])).bytes.logged).toBe(33);
    expect((await countFrames([frame], { linkType: 0x2400_0001 })).bytes.logged).toBe(29);
    const cut = pcap([packet(frame, { captured: 40, wireLength: 9014 })]);
    expect((await count(cut)).bytes.logged).toBe(9000);
  });

  test('ports are read inside the total length and what was captured, both or none', async () => {
    const short = on4(ipv4(udp(), { totalLength: 22 }));
    expect(flows(await countFrames([short]))).toEqual(['10.0.0.1:- > 198.51.100.7:- 17 1/22']);
    const cut = pcap([packet(on4(ipv4(udp())), { captured: 34 })]);
    expect(flows(await count(cut))).toEqual(['10.0.0.1:- > 198.51.100.7:- 17 1/29']);
  });

  test('five protocols have ports, others none', async () => {
    const frames = [6, 17, 33, 132, 136, 1, 47, 50, 51].map((protocol) => on4(ipv4(udp(), { protocol })));
    const withPorts = (await countFrames(frames)).ordered.filter(({ sport }) => sport !== '-');
    expect(withPorts.map(({ protocol }) => protocol)).toEqual([6, 17, 33, 132, 136]);
  });

  test('flags are the whole octet, and nothing where they were not captured', async () => {
    const all = on4(ipv4(tcp(1, 2, 0xff), { protocol: 6 }));
    expect((await countFrames([all])).ordered[0].flags).toBe(255);
    expect((await count(pcap([packet(all, { captured: 47 })]))).ordered[0].flags).toBe(0);
  });

  test('multicast and the limited broadcast are no entries, a directed broadcast is', async () => {
    const to = (dst: string): Uint8Array => on4(ipv4(udp(), { dst }));
    const model = await countFrames([to('224.0.0.251'), to('255.255.255.255'), to('192.168.1.255')]);
    expect(reasons(model)).toEqual({ multicast: 1, broadcast: 1 });
    expect(model.bytes.excluded.get('multicast')).toBe(29);
    const group = on6(ipv6(udp(), { dst: concat(hex('ff02'), V6_DST.subarray(2)) }));
    expect(reasons(await countFrames([group]))).toEqual({ multicast: 1 });
  });
});

describe('IPv6', () => {
  const flowsOf = async (next: number, payload: Uint8Array): Promise<string[]> =>
    flows(await countFrames([on6(ipv6(payload, { next }))]));

  test('hop-by-hop, routing, destination options and fragment headers are walked', async () => {
    const chain = concat([43, 0], PAD6, [60, 0, 2, 0, 0, 0, 0, 0], [44, 0], PAD6, [17, 0, 0, 0, 0, 0, 0, 9], udp());
    expect(await flowsOf(0, chain)).toEqual(['2001:db8::1:1111 > 2001:db8::2:2222 17 1/81']);
  });

  test('AH, ESP, Mobility and no next header are the protocol', async () => {
    for (const next of [51, 50, 135, 59]) {
      expect(await flowsOf(next, concat([17, 0], PAD6, udp()))).toEqual([`2001:db8::1:- > 2001:db8::2:- ${next} 1/57`]);
    }
  });

  test('a header that was not captured leaves the last number known', async () => {
    const frame = on6(ipv6(concat([60, 0], PAD6, [17, 0], PAD6, udp()), { next: 0 }));
    const protocolAt = async (captured: number): Promise<number> =>
      (await count(pcap([packet(frame, { captured })]))).ordered[0].protocol;
    expect(await protocolAt(54)).toBe(0);
    expect(await protocolAt(55)).toBe(0);
    expect(await protocolAt(56)).toBe(60);
    expect(await protocolAt(62)).toBe(60);
    expect(await protocolAt(64)).toBe(17);
  });

  test('a jumbogram counts its option, and only beyond 65535', async () => {
    const jumbo = (length: number): Uint8Array =>
      on6(ipv6(concat([17, 0, 0xc2, 4], u32(length), udp()), { next: 0, payloadLength: 0 }));
    expect((await countFrames([jumbo(70_000)])).bytes.logged).toBe(70_040);
    expect((await countFrames([jumbo(60_000)])).bytes.logged).toBe(40);
  });

  test('a payload length of 0 is the frame, unless nothing follows', async () => {
    const empty = (next: number): Uint8Array => on6(ipv6(udp(), { next, payloadLength: 0 }));
    expect((await countFrames([empty(17)])).bytes.logged).toBe(49);
    expect((await countFrames([empty(59)])).bytes.logged).toBe(40);
  });

  test('addresses are written as RFC 5952 says', async () => {
    const src = hex('20010db8000000010000000000000001');
    const dst = hex('00000000000000000000ffffc0000201');
    const [entry] = (await countFrames([on6(ipv6(udp(), { src, dst }))])).ordered;
    expect([entry.src, entry.dst]).toEqual(['2001:db8:0:1::1', '::ffff:c000:201']);
  });
});

describe('fragments', () => {
  const first = on4(ipv4(udp(), { id: 7, fragment: 0x2000 }));
  const later = on4(ipv4(zeros(40), { id: 7, fragment: 5 }));
  const JOINED = ['10.0.0.1:1111 > 198.51.100.7:2222 17 2/89'];

  const at = async (...frames: [Uint8Array, number][]): Promise<string[]> =>
    flows(await count(pcap(frames.map(([frame, sec]) => packet(frame, { sec }))), { windowSeconds: 600 }));

  test('a later one joins its first, seen before it', async () => {
    expect(await at([first, 1000], [later, 1010])).toEqual(JOINED);
    expect(await at([first, 1000], [later, 990])).toEqual(JOINED);
  });

  test('but not one seen after it, too old, or of another packet', async () => {
    expect(await at([later, 1000], [first, 1000])).toHaveLength(2);
    expect(await at([first, 1000], [later, 1030])).toEqual(JOINED);
    expect(await at([first, 1000], [later, 1031])).toHaveLength(2);
    expect(await at([first, 1000], [on4(ipv4(zeros(40), { id: 8, fragment: 5 })), 1000])).toHaveLength(2);
  });

  test('an IPv6 one takes the protocol as well', async () => {
    const head = (offset: number, next: number): Uint8Array => concat([next, 0], u16(offset), u32(99));
    const one = on6(ipv6(concat(head(1, 60), [17, 0], PAD6, udp()), { next: 44 }));
    const two = on6(ipv6(concat(head(8, 60), zeros(8)), { next: 44 }));
    expect(await at([one, 1000], [two, 1001])).toEqual(['2001:db8::1:1111 > 2001:db8::2:2222 17 2/121']);
    expect(await at([two, 1001])).toEqual(['2001:db8::1:- > 2001:db8::2:- 60 1/56']);
  });
});
