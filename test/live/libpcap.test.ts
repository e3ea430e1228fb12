// An agent that captures by libpcap: what it counts, which way, what it knows of losses, and what it outlives.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { CLI, Workplace, ended, windrow } from '../app/program.ts';
import { Running } from '../app/running.ts';
import { testWhere } from '../needs.ts';
import * as p from '../packets.ts';
import { Veth, testWithNetwork as whereNetwork } from './network.ts';
import { entriesIn, entriesOfTree, isOk, isSkipped, packetsOf, windowsOf } from './program.ts';
import type { Entry } from './program.ts';
import { Tun } from './tun.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const hasCap = spawnSync(process.execPath, ['-e', `require('cap')`], { cwd: ROOT }).status === 0;
const testWithNetwork = hasCap
  ? whereNetwork
  : testWhere(false, 'npm’s cap is not installed: install libpcap-dev, then npm rebuild cap');

const workplace = new Workplace();
const WINDOW = 2;
const WAIT = { timeout: 20_000, interval: 50 };
const COMMON = ['--window', `${WINDOW}`, '--lateness', '0', '--metrics', '127.0.0.1:0', '--log', 'text'];
const LIBPCAP = ['agent', '--capture', 'libpcap', ...COMMON];
const PADDING = new Uint8Array(900);

function macOf(veth: Veth): string {
  return fs.readFileSync(`/sys/class/net/${veth.here}/address`, 'latin1').trim();
}

interface Sent {
  readonly src?: string;
  readonly dst?: string;
}

/** Of each a flow of its own; the third is longer than what is handed on of it. */
function framesOf(macs: Sent, port = 1000): Uint8Array[] {
  const ends = { src: '192.0.2.1', dst: '192.0.2.2' };
  const ports = (n: number): { sport: number; dport: number } => ({ sport: port + n, dport: 53 });
  const v6 = p.ipv6({ src: '2001:db8::1', dst: '2001:db8::2' }, p.udp(ports(3)));
  return [
    p.ethernet(macs, p.ipv4(ends, p.udp(ports(0)))),
    p.ethernet(macs, p.ipv4({ ...ends, protocol: p.PROTOCOL.tcp }, p.tcp({ ...ports(1), flags: p.TCP_FLAG.syn }))),
    p.ethernet(macs, p.ipv4(ends, p.udp(ports(2), PADDING))),
    p.ethernet({ ...macs, type: p.ETHERTYPE.ipv6 }, v6),
    p.ethernet({ ...macs, type: p.ETHERTYPE.vlan }, p.vlan({ id: 5 }, p.ipv4(ends, p.udp(ports(4))))),
  ];
}
const BYTES = [28, 40, 928, 48, 28];
const EACH = 20;

/** Packets and bytes by direction and port. */
function countsOf(entries: readonly Entry[]): Record<string, number[]> {
  const counts: Record<string, number[]> = {};
  for (const entry of entries.filter(isOk)) {
    const [packets, bytes] = (counts[`${entry['direction']} ${entry['srcport']}`] ??= [0, 0]);
    counts[`${entry['direction']} ${entry['srcport']}`] = [
      packets + Number(entry['packets']),
      bytes + Number(entry['bytes']),
    ];
  }
  return counts;
}

function expected(way: 'in' | 'out', port = 1000): Record<string, number[]> {
  return Object.fromEntries(BYTES.map((bytes, n) => [`${way} ${port + n}`, [EACH, EACH * bytes]]));
}

function seenAt(agent: Running, veth: Veth): Promise<number | undefined> {
  return agent.metric(`windrow_interface_packets_total{interface="${veth.here}"}`);
}

/** Processes of an agent that capture. */
function processesOf({ child }: Running): number[] {
  const text = fs.readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

function isThere(pid: number): boolean {
  // One that has ended and is waited for has no command any more.
  const file = `/proc/${pid}/cmdline`;
  return fs.existsSync(file) && fs.readFileSync(file, 'utf8').includes('libpcap_process');
}

function entriesOf(output: string): Entry[] {
  return entriesIn(fs.readFileSync(output, 'utf8'));
}

describe('an agent that captures by libpcap', () => {
  testWithNetwork.each([
    ['self', 1],
    ['peer', 2],
  ] as const)('counts exactly, and knows which way: side %s, %i workers', async (side, workers) => {
    const veth = Veth.make();
    const output = workplace.at(`${side}.ndjson`);
    const args = ['--interface', veth.here, '--side', side, '--workers', `${workers}`, '--output', output];
    const agent = Running.start([...LIBPCAP, ...args]);
    await agent.until(/libpcap tells neither what it loses, nor when packets came/);
    await agent.until(new RegExp(`captures at ${veth.here}`));
    for (let turn = 0; turn < EACH; turn++) await veth.send(framesOf({ dst: macOf(veth) }), 1);
    await veth.sendHere(framesOf({ src: macOf(veth) }, 2000), EACH);
    await expect.poll(() => seenAt(agent, veth), WAIT).toBe(2 * EACH * BYTES.length);
    const { code, stderr } = await agent.end('SIGTERM');
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/200 packets seen = 200 logged \+ 0 excluded/);
    const [first, second] = side === 'self' ? (['in', 'out'] as const) : (['out', 'in'] as const);
    expect(countsOf(entriesOf(output))).toEqual({ ...expected(first), ...expected(second, 2000) });
  });

  testWithNetwork('closes windows while nothing comes, and says what it cannot know', async () => {
    const veth = Veth.make();
    const output = workplace.at('quiet.ndjson');
    const agent = Running.start([...LIBPCAP, '--interface', veth.here, '--output', output]);
    await agent.until(/captures at/);
    await veth.send(framesOf({ dst: macOf(veth) }), EACH);
    const nodata = (): Promise<number | undefined> => agent.metric('windrow_entries_total{status="nodata"}');
    await expect.poll(nodata, WAIT).toBeGreaterThanOrEqual(3);
    // It is there before the agent is stopped.
    expect(await agent.metric('windrow_logged_packets_total')).toBe(EACH * BYTES.length);
    const metrics = await agent.metrics();
    const names = Object.keys(metrics);
    expect(names.filter((name) => name.includes('dropped'))).toEqual(['windrow_dropped_packets_total{reason="spool"}']);
    // What the interface itself has counted is known.
    expect(metrics[`windrow_interface_coverage_ratio{interface="${veth.here}"}`]).toBe(1);
    // It is in a process of its own, and in no thread of the agent.
    const [pid, ...others] = processesOf(agent);
    expect(others).toEqual([]);
    expect(fs.readFileSync(`/proc/${pid}/maps`, 'utf8')).toContain('cap.node');
    expect(fs.readFileSync(`/proc/${agent.child.pid}/maps`, 'utf8')).not.toContain('cap.node');
    await agent.end('SIGTERM');
    expect(isThere(pid)).toBe(false);
    windowsOf(entriesOf(output), `eni-${veth.here}`, WINDOW);
  });

  testWithNetwork('loses nothing of what came when all of its group are told to stop, and writes a tree', async () => {
    const veth = Veth.make();
    const root = workplace.at('tree');
    const args = ['--interface', veth.here, '--out', root, '--state', workplace.at('state'), '--window', '60'];
    const agent = Running.start([...LIBPCAP, ...args]);
    await agent.until(/captures at/);
    await veth.send(framesOf({ dst: macOf(veth) }), EACH);
    // As a terminal does at Ctrl-C, and a service manager.
    for (const pid of processesOf(agent))
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(pid, signal);
    const { code, stderr } = await agent.end('SIGINT');
    expect(code, stderr).toBe(0);
    expect(packetsOf(entriesOfTree(root))).toBe(EACH * BYTES.length);
  });

  testWithNetwork('has the filter of libpcap, to which tags are shown', async () => {
    const veth = Veth.make();
    const output = workplace.at('filter.ndjson');
    const filter = 'vlan 5 and udp';
    const agent = Running.start([...LIBPCAP, '--interface', veth.here, '--output', output, '--filter', filter]);
    await agent.until(/captures at/);
    await veth.send(framesOf({ dst: macOf(veth) }), EACH);
    await expect.poll(() => seenAt(agent, veth), WAIT).toBe(EACH);
    await agent.end('SIGTERM');
    expect(countsOf(entriesOf(output))).toEqual({ 'in 1004': [EACH, EACH * BYTES[4]] });
    const wrong = await windrow([...LIBPCAP, '--interface', veth.here, '--filter', 'udp port']);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringMatching(/syntax error/) as string });
  });

  testWithNetwork('outlives that an interface goes down, and its process too', async () => {
    const veth = Veth.make();
    const output = workplace.at('down.ndjson');
    const agent = Running.start([...LIBPCAP, '--interface', veth.here, '--output', output]);
    const count = (): number => [...agent.said.matchAll(new RegExp(`captures at ${veth.here}\n`, 'g'))].length;
    await agent.until(/captures at/);
    await veth.send(framesOf({ dst: macOf(veth) }), EACH);
    await expect.poll(() => seenAt(agent, veth), WAIT).toBe(100);
    execFileSync('ip', ['link', 'set', veth.here, 'down']);
    await agent.until(/its process of libpcap has ended \(SIGABRT\), and is started again/);
    await agent.until(/cannot be captured at by libpcap: That device is not up/);
    expect(await agent.health()).toMatchObject({ status: 503 });
    execFileSync('ip', ['link', 'set', veth.here, 'up']);
    await expect.poll(count, WAIT).toBe(2);
    const before = (await seenAt(agent, veth))!;
    await veth.send(framesOf({ dst: macOf(veth) }, 2000), EACH);
    await expect.poll(() => seenAt(agent, veth), WAIT).toBe(before + 100);
    process.kill(processesOf(agent)[0], 'SIGKILL');
    await agent.until(/its process of libpcap has ended \(SIGKILL\)/);
    await expect.poll(count, WAIT).toBe(3);
    await veth.send(framesOf({ dst: macOf(veth) }, 3000), EACH);
    await expect.poll(() => seenAt(agent, veth), WAIT).toBe(before + 200);
    const { code, stderr } = await agent.end('SIGTERM');
    expect(code, stderr).toBe(0);
    const entries = entriesOf(output);
    expect(countsOf(entries)).toMatchObject({ ...expected('in'), ...expected('in', 2000), ...expected('in', 3000) });
    // No window is without a word, and those in which nobody watched say so.
    const windows = windowsOf(entries, `eni-${veth.here}`, WINDOW);
    const skipped = new Set(entries.filter(isSkipped).map(({ start }) => Math.floor(Number(start) / WINDOW)));
    expect(skipped.size).toBeGreaterThanOrEqual(3);
    expect(skipped.size).toBeLessThanOrEqual(windows.length);
  });

  testWithNetwork('shows by coverage what libpcap has lost, and loses no other', async () => {
    const veth = Veth.make();
    const output = workplace.at('lost.ndjson');
    const agent = Running.start([...LIBPCAP, '--interface', veth.here, '--output', output, '--ring-memory', '16']);
    await agent.until(/captures at/);
    const [pid] = processesOf(agent);
    process.kill(pid, 'SIGSTOP');
    await veth.send(framesOf({ dst: macOf(veth) }), 4000);
    process.kill(pid, 'SIGCONT');
    const [, missed, counted] = await agent.until(/: ([0-9,]+) of ([0-9,]+) packets of a window were not seen/);
    const numbers = [missed, counted].map((text) => Number(text.replaceAll(',', '')));
    expect(numbers[0]).toBeGreaterThan(1000);
    expect(numbers[1]).toBeLessThanOrEqual(20_000);
    // It is known that they are missing, and the others are there.
    const seen = (await seenAt(agent, veth))!;
    expect(seen).toBeGreaterThan(0);
    expect(seen).toBeLessThan(20_000 - 1000);
    await veth.send(framesOf({ dst: macOf(veth) }, 3000), EACH);
    await expect.poll(() => seenAt(agent, veth), WAIT).toBe(seen + 100);
    // A process that does not listen does not keep the agent from its end.
    process.kill(pid, 'SIGSTOP');
    const { code, stderr } = await agent.end('SIGTERM');
    expect(code, stderr).toBe(0);
    expect(isThere(pid)).toBe(false);
    expect(packetsOf(entriesOf(output))).toBe(seen + 100);
  });

  testWithNetwork(
    'follows interfaces of a pattern, and leaves no process behind, also where it is killed',
    async () => {
      const pattern = `wt${process.pid % 100_000}n*`;
      const output = workplace.at('pattern.ndjson');
      const first = Veth.make();
      const agent = Running.start([...LIBPCAP, '--interface', pattern, '--output', output]);
      await agent.until(new RegExp(`captures at ${first.here}\n`));
      const second = Veth.make();
      await agent.until(new RegExp(`captures at ${second.here}\n`));
      await second.send(framesOf({ dst: macOf(second) }), EACH);
      await expect.poll(() => seenAt(agent, second), WAIT).toBe(100);
      await first.send(framesOf({ dst: macOf(first) }), EACH);
      await expect.poll(() => seenAt(agent, first), WAIT).toBe(100);
      second.remove();
      await agent.until(new RegExp(`${second.here} is gone`));
      const pids = processesOf(agent);
      expect(pids.length).toBeGreaterThanOrEqual(1);
      await agent.end('SIGKILL');
      await expect.poll(() => pids.filter(isThere), WAIT).toEqual([]);
    },
  );

  testWithNetwork('that becomes another user captures all the same', async () => {
    const veth = Veth.make();
    const agent = Running.start([...LIBPCAP, '--interface', veth.here, '--user', 'nobody']);
    await agent.until(/captures at/);
    const [pid] = processesOf(agent);
    const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\s+65534/m);
    expect(status).toMatch(/^CapPrm:\s+0000000000002000$/m);
    await veth.send(framesOf({ dst: macOf(veth) }), EACH);
    await expect.poll(() => seenAt(agent, veth), WAIT).toBe(100);
    await agent.end('SIGTERM');
  });

  testWithNetwork('reads loopback and what has no link header, by addresses', async () => {
    const tun = await Tun.make();
    const port = createSocket('udp4');
    port.bind(0, '127.0.0.1');
    await once(port, 'listening');
    const output = workplace.at('headers.ndjson');
    const own = port.address().port;
    try {
      execFileSync('ip', ['addr', 'add', '192.0.2.77/32', 'dev', tun.name]);
      const args = ['--interface', `lo,${tun.name}`, '--output', output, '--filter', `udp port ${own}`];
      const agent = Running.start([...LIBPCAP, ...args]);
      await agent.until(/captures at lo/);
      await agent.until(new RegExp(`captures at ${tun.name}`));
      const of = (ends: object): Uint8Array => p.ipv4(ends, p.udp({ sport: own, dport: 9 }));
      await tun.write([of({ src: '192.0.2.1', dst: '192.0.2.77' }), of({ src: '192.0.2.77', dst: '192.0.2.1' })]);
      for (let n = 0; n < 3; n++) await new Promise((resolve) => port.send('x', 9, '127.0.0.1', resolve));
      const seen = (name: string) => agent.metric(`windrow_interface_packets_total{interface="${name}"}`);
      await expect.poll(() => seen(tun.name), WAIT).toBe(2);
      await expect.poll(() => seen('lo'), WAIT).toBe(3);
      const { code, stderr } = await agent.end('SIGTERM');
      expect(code, stderr).toBe(0);
      const counts = entriesOf(output)
        .filter(isOk)
        .map((entry) => [entry['eni-id'], entry['direction'], entry['packets'], entry['bytes']]);
      expect(counts.sort()).toEqual([
        // A ring shows each of these twice, as it goes and as it comes.
        ['eni-lo', 'out', '3', '87'],
        [`eni-${tun.name}`, 'in', '1', '28'],
        [`eni-${tun.name}`, 'out', '1', '28'],
      ]);
    } finally {
      port.close();
      tun.remove();
    }
  });

  testWithNetwork('says what is missing, and who may not', async () => {
    const veth = Veth.make();
    const nothing = workplace.at('nothing');
    fs.mkdirSync(nothing);
    const script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
    const hidden = ['bash', '-c', script, 'bash', nothing, path.join(ROOT, 'node_modules/cap'), process.execPath, CLI];
    const args = ['agent', '--capture', 'libpcap', '--interface', veth.here, '--metrics', 'off'];
    const missing = await ended(spawn('unshare', ['--mount', ...hidden, ...args]));
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toContain(
      `windrow: ${veth.here}: cannot be captured at by libpcap: npm’s cap is not installed: install libpcap-dev, then run`,
    );
    const nobody = await windrow(args, { uid: 65_534 });
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toMatch(/captured at by libpcap: .*not permitted: it takes the capability CAP_NET_RAW/);
    const method = await windrow(['agent', '--capture', 'pcap', '--interface', veth.here]);
    expect(method).toMatchObject({ code: 2, stderr: expect.stringMatching(/ring, libpcap/) as string });
  });
});

test('cap is loaded in one place, which nothing imports: a process of its own', () => {
  const sources = fs.readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  const texts = sources
    .filter((file) => file.endsWith('.ts'))
    .map((file) => [file, fs.readFileSync(path.join(ROOT, 'src', file), 'utf8')] as const);
  const loaders = texts.filter(([, text]) => /['"]cap['"]/.test(text)).map(([file]) => file);
  expect(loaders).toEqual(['app/agent/libpcap_process.ts']);
  const users = texts.filter(([, text]) => text.includes('libpcap_process')).map(([file]) => file);
  expect(users).toEqual(['app/agent/libpcap_capture.ts']);
});
