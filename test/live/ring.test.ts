// Live interfaces through the native core: every packet is counted once, or is known to be lost.
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { readCounters } from '../../src/capture/interface.ts';
import * as p from '../packets.ts';
import { Capturing } from './captured.ts';
import type { CapturedEntry } from './captured.ts';
import { Veth, testWithNetwork } from './network.ts';

function sum(entries: readonly CapturedEntry[], of: (entry: CapturedEntry) => number): number {
  return entries.reduce((total, entry) => total + of(entry), 0);
}

/** Frames of UDP, each of a flow of its own. */
function frames(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, n) =>
    p.ethernet({}, p.ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, p.udp({ sport: 1024 + n, dport: 53 }))),
  );
}

describe('a ring', () => {
  testWithNetwork.each([1, 2, 3])('counts what was sent, exactly, with %i workers', async (workers) => {
    const veth = Veth.make();
    const capturing = new Capturing({ names: [veth.here], workers });
    const before = readCounters(veth.here)!;
    await veth.send(frames(100), 300);
    const { entries, accounting } = await capturing.end();
    const after = readCounters(veth.here)!;
    expect(after.received - before.received).toBe(30_000);
    expect(accounting.packets).toMatchObject({ seen: 30_000, logged: 30_000 });
    expect(accounting.interfaces.map(({ dropped }) => dropped)).toEqual([0]);
    expect(sum(entries, ({ packets }) => packets)).toBe(30_000);
    expect(new Set(entries.map(({ srcport }) => srcport)).size).toBe(100);
    expect(new Set(entries.map(({ direction }) => direction))).toEqual(new Set(['in']));
    expect(sum(entries, ({ bytes }) => bytes)).toBe(30_000 * 28);
  });

  testWithNetwork("knows which way packets go, and the other way at the host's end of a guest", async () => {
    const veth = Veth.make();
    const self = new Capturing({ names: [veth.here] });
    const peer = new Capturing({ names: [veth.here], side: 'peer' });
    await veth.send(frames(1), 3);
    await veth.sendHere(frames(2), 5);
    const counts = async (capturing: Capturing): Promise<unknown> =>
      (await capturing.end()).entries.map(({ direction, srcport, packets }) => [direction, srcport, packets]);
    expect(await counts(self)).toEqual([
      ['in', 1024, 3],
      ['out', 1024, 5],
      ['out', 1025, 5],
    ]);
    expect(await counts(peer)).toEqual([
      ['out', 1024, 3],
      ['in', 1024, 5],
      ['in', 1025, 5],
    ]);
  });

  testWithNetwork('reads many interfaces at once, each as one of its own', async () => {
    const veths = [Veth.make(), Veth.make(), Veth.make()];
    const capturing = new Capturing({ names: veths.map(({ here }) => here), workers: 2 });
    await Promise.all(veths.map((veth, n) => veth.send(frames(10), 100 * (n + 1))));
    const { entries, accounting } = await capturing.end();
    expect(accounting.interfaces.map(({ packets }) => packets.seen)).toEqual([1000, 2000, 3000]);
    expect(entries).toHaveLength(30);
    expect(new Set(entries.map(({ eni }) => eni))).toEqual(new Set(veths.map(({ here }) => `eni-${here}`)));
  });

  testWithNetwork('reads what carries a VLAN tag, and IPv6', async () => {
    const veth = Veth.make();
    const capturing = new Capturing({ names: [veth.here], workers: 2 });
    const udp = p.udp({ sport: 7, dport: 53 });
    const tagged = p.ethernet({ type: p.ETHERTYPE.vlan }, p.vlan({ id: 5 }, p.ipv4({ src: '192.0.2.9' }, udp)));
    const v6 = p.ethernet({ type: p.ETHERTYPE.ipv6 }, p.ipv6({ src: '2001:db8::1', dst: '2001:db8::2' }, udp));
    await veth.send([tagged, v6], 50);
    const { entries, accounting } = await capturing.end();
    expect(accounting.packets).toMatchObject({ seen: 100, logged: 100 });
    expect(entries.map(({ srcport, packets, bytes }) => [srcport, packets, bytes]).sort()).toEqual([
      [7, 50, 50 * 28],
      [7, 50, 50 * 48],
    ]);
  });

  testWithNetwork('says how many packets it had no room for: seen and dropped are all that came', async () => {
    const veth = Veth.make();
    const capturing = new Capturing({ names: [veth.here], bytes: 512 << 10 });
    capturing.hold();
    const before = readCounters(veth.here)!;
    await veth.send(frames(100), 1000);
    const sent = readCounters(veth.here)!.received - before.received;
    expect(sent).toBe(100_000);
    capturing.goOn();
    const { entries, quiet, accounting } = await capturing.end();
    const [{ dropped }] = accounting.interfaces;
    const packets = accounting.packets.logged;
    expect(dropped).toBeGreaterThan(10_000);
    expect(packets).toBeGreaterThan(100);
    expect(packets + dropped).toBe(sent);
    expect(sum(entries, (entry) => entry.packets)).toBe(packets);
    // The window is known in which that was.
    expect(quiet.filter(({ status }) => status === 'SKIPDATA').length).toBeGreaterThan(0);
  });
});

describe('a TCP connection has the same entries with super-frames and without them', () => {
  const SMALL = 8 << 20;
  const GIB = 1 << 30;
  const MSS = 1448;
  /** Of IPv4 and of TCP with time stamps; a SYN has eight bytes more. */
  const HEADERS = 52;
  const SYN = 60;

  testWithNetwork.each([
    ['out', true, SMALL],
    ['out', false, SMALL],
    ['in', true, SMALL],
    ['in', false, SMALL],
    ['in', true, GIB],
  ] as const)('whose data goes %s, offloads: %s, %i bytes', async (way, isOn, size) => {
    const veth = Veth.make();
    veth.setOffloads(isOn);
    const capturing = new Capturing({ names: [veth.here], workers: 2 });
    const before = readCounters(veth.here)!;
    const resentBefore = veth.resent(way);
    const port = await veth.transfer(size, way);
    const segments = veth.resent(way) - resentBefore;
    const after = readCounters(veth.here)!;
    const { entries, accounting } = await capturing.end();
    expect(accounting.interfaces[0].dropped).toBe(0);
    const own = entries.filter(({ srcport, dstport }) => srcport === port || dstport === port);
    const data = own.filter(({ direction }) => direction === way);
    const packets = sum(data, (entry) => entry.packets);
    // Whatever the packets are, what is left without their headers is what was sent.
    const resent = sum(data, (entry) => entry.bytes) - (size + HEADERS * packets + SYN - HEADERS);
    expect(resent).toBeGreaterThanOrEqual(0);
    expect(resent).toBeLessThanOrEqual(segments * MSS);
    expect(packets).toBeGreaterThanOrEqual(Math.ceil(size / MSS));
    expect(packets).toBeLessThan(Math.ceil(size / MSS) * (size === GIB ? 1.01 : 1.02) + 20 + segments);
    const counted = way === 'out' ? after.sent - before.sent : after.received - before.received;
    // The interface counts super-frames: that there were some is what makes the difference.
    if (isOn) expect(counted).toBeLessThan(packets / 4);
    else expect(counted).toBeGreaterThanOrEqual(packets);
  });
});

describe('what an interface was silent in, or not watched', () => {
  testWithNetwork('is told window by window, while it goes on', async () => {
    const veths = [Veth.make(), Veth.make()];
    const [busy, silent] = veths.map(({ here }) => `eni-${here}`);
    const capturing = new Capturing({ names: veths.map(({ here }) => here), workers: 2, windowSeconds: 2 });
    const sending = new AbortController();
    const sent = (async () => {
      for (; !sending.signal.aborted; await delay(100)) await veths[0].send(frames(1), 1);
    })();
    // Windows close although nothing comes at one of them.
    await expect
      .poll(() => capturing.entries.filter(({ eni, status }) => eni === silent && status === 'NODATA').length, {
        timeout: 30_000,
      })
      .toBeGreaterThanOrEqual(3);
    sending.abort();
    await sent;
    const { entries, quiet, accounting } = await capturing.end();
    const ended = Math.floor(Date.now() / 1000);
    expect(accounting.packets.logged).toBe(sum(entries, ({ packets }) => packets));
    for (const eni of [busy, silent]) {
      const own = quiet.filter((entry) => entry.eni === eni);
      const skipped = own.filter(({ status }) => status === 'SKIPDATA');
      // Before it began, and after it ended, nobody watched.
      for (const { start, end } of skipped) expect(end <= capturing.begun || start >= ended - 1).toBe(true);
      const windows = own.map(({ start }) => Math.floor(start / 2));
      expect(windows).toEqual([...windows].sort((a, b) => a - b));
    }
    // Of the silent one each second is in one entry, and in no more.
    const all = quiet.filter(({ eni }) => eni === silent);
    expect(all[0].start).toBe(Math.floor(capturing.begun / 2) * 2);
    all.slice(1).forEach(({ start }, n) => expect(start).toBe(all[n].end));
    expect(all.at(-1)!.end).toBeGreaterThanOrEqual(ended - 1);
    expect(all.every(({ status, start }) => status === 'NODATA' || start < capturing.begun || start >= ended - 1)).toBe(
      true,
    );
    expect(entries.every(({ eni }) => eni === busy)).toBe(true);
  });
});
