// Filters at real interfaces: exactly what they hold for is captured; and what is said where they cannot be.
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import { constants } from 'node:os';
import { describe, expect } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import { readInterface } from '../../src/capture/interface.ts';
import { PacketFilter, libpcapVersion } from '../../src/capture/packet_filter.ts';
import { refusedRing, ringOf } from '../../src/capture/ring.ts';
import { CLI, Workplace, ended, windrow } from '../app/program.ts';
import type { Ended } from '../app/program.ts';
import { Running } from '../app/running.ts';
import { liveWorker } from '../native/natives.ts';
import { testWhere } from '../needs.ts';
import * as p from '../packets.ts';
import { Capturing } from './captured.ts';
import { Veth, testWithNetwork as whereNetwork } from './network.ts';
import { entriesIn, isOk, packetsOf } from './program.ts';
import { Tun } from './tun.ts';

const testWithNetwork =
  libpcapVersion() === undefined ? testWhere(false, 'libpcap is not installed (Debian: libpcap0.8)') : whereNetwork;
const workplace = new Workplace();
const COMMON = ['--window', '2', '--lateness', '0', '--metrics', '127.0.0.1:0', '--log', 'text'];
const WAIT = { timeout: 20_000, interval: 50 };
const ends = { src: '192.0.2.1', dst: '192.0.2.2' } as const;
const ends6 = { src: '2001:db8::1', dst: '2001:db8::2' } as const;
const ports = (dport: number): { sport: number; dport: number } => ({ sport: 40_000, dport });
const PADDING = new Uint8Array(600);

/** Frames by what they are, each of a flow of its own. */
const FRAMES = {
  dns: p.ethernet({}, p.ipv4(ends, p.udp(ports(53)))),
  udp: p.ethernet({}, p.ipv4(ends, p.udp(ports(5000)))),
  syn: p.ethernet({}, p.ipv4({ ...ends, protocol: p.PROTOCOL.tcp }, p.tcp({ ...ports(80), flags: p.TCP_FLAG.syn }))),
  tcp: p.ethernet({}, p.ipv4({ ...ends, protocol: p.PROTOCOL.tcp }, p.tcp({ ...ports(443), flags: p.TCP_FLAG.ack }))),
  icmp: p.ethernet({}, p.ipv4({ ...ends, protocol: p.PROTOCOL.icmp }, p.icmp(8, 0))),
  dns6: p.ethernet({ type: p.ETHERTYPE.ipv6 }, p.ipv6(ends6, p.udp(ports(53)))),
  other: p.ethernet({}, p.ipv4({ ...ends, dst: '198.51.100.7' }, p.udp(ports(6000)))),
  long: p.ethernet({}, p.ipv4(ends, p.udp(ports(7000), PADDING))),
  tagged: p.ethernet({ type: p.ETHERTYPE.vlan }, p.vlan({ id: 5 }, p.ipv4(ends, p.udp(ports(54))))),
} as const;
type Kind = keyof typeof FRAMES;
const KINDS = Object.keys(FRAMES) as Kind[];
const EACH = 20;

/** What comes of the frames: by protocol, address and port. */
const FLOW: Readonly<Record<Kind, string>> = {
  dns: '192.0.2.2 53',
  udp: '192.0.2.2 5000',
  syn: '192.0.2.2 80',
  tcp: '192.0.2.2 443',
  icmp: '192.0.2.2 0',
  dns6: '2001:db8::2 53',
  other: '198.51.100.7 6000',
  long: '192.0.2.2 7000',
  tagged: '192.0.2.2 54',
};

describe('a filter', () => {
  testWithNetwork.each<[string, readonly Kind[], number]>([
    ['udp', ['dns', 'udp', 'dns6', 'other', 'long', 'tagged'], 1],
    ['udp port 53', ['dns', 'dns6'], 2],
    ['tcp[tcpflags] & tcp-syn != 0', ['syn'], 1],
    ['icmp or ip6', ['icmp', 'dns6'], 2],
    ['not host 192.0.2.2', ['dns6', 'other'], 1],
    ['host 2001:db8::1', ['dns6'], 1],
    ['greater 500', ['long'], 1],
    ['dst net 192.0.2.0/24 and not (udp or icmp)', ['syn', 'tcp'], 3],
    // The kernel has taken the tag off: what a filter sees is the packet behind it.
    ['udp port 54', ['tagged'], 1],
    ['ether proto 0x8100', [], 1],
    ['inbound', KINDS, 2],
    ['outbound', [], 1],
  ])('%s: exactly %j, with %i workers', async (expression, kinds, workers) => {
    const veth = Veth.make();
    const filter = PacketFilter.of(expression);
    const capturing = new Capturing({ names: [veth.here], workers, filter });
    await veth.send(Object.values(FRAMES), EACH);
    const { entries, accounting } = await capturing.end();
    const flows = entries.map(({ destination, dstport, packets }) => [`${destination} ${dstport || 0}`, packets]);
    expect(flows.sort()).toEqual(kinds.map((kind) => [FLOW[kind], EACH]).sort());
    // What the kernel does not hand over is not seen, and neither excluded nor lost.
    expect(accounting.packets).toMatchObject({ seen: EACH * kinds.length, logged: EACH * kinds.length });
    expect(accounting.interfaces.every(({ dropped }) => dropped === 0)).toBe(true);
    if (kinds.includes('long')) expect(entries.find(({ dstport }) => dstport === 7000)!.bytes).toBe(EACH * 628);
  });

  testWithNetwork('holds at loopback, and for packets without a link header as of tun', async () => {
    const tun = await Tun.make();
    try {
      const port = createSocket('udp4');
      port.bind(0, '127.0.0.1');
      await once(port, 'listening');
      const filter = PacketFilter.of(`udp port ${port.address().port}`);
      const capturing = new Capturing({ names: ['lo', tun.name], filter });
      const packets = [p.ipv4(ends, p.udp(ports(port.address().port))), p.ipv4(ends, p.udp(ports(9)))];
      await tun.write(packets);
      const sender = createSocket('udp4');
      for (const to of [port.address().port, port.address().port, 9])
        await new Promise((resolve) => sender.send('x', to, '127.0.0.1', resolve));
      sender.close();
      port.close();
      const { entries } = await capturing.end();
      const counts = entries.map(({ eni, direction, packets: count }) => [eni, direction, count]);
      expect(counts.sort()).toEqual([
        ['eni-lo', 'in', 2],
        ['eni-lo', 'out', 2],
        [`eni-${tun.name}`, 'in', 1],
      ]);
    } finally {
      tun.remove();
    }
  });
});

describe('an agent with a filter', () => {
  testWithNetwork('logs what it holds for, says that coverage is not known, and keeps it at a hangup', async () => {
    const veth = Veth.make();
    const output = workplace.at('agent.ndjson');
    const write = (expression: string): string =>
      workplace.file(`interfaces: [${veth.here}]\nfilter: ${expression}\n`, 'agent.yaml');
    const file = write('udp and not port 53');
    const agent = Running.start(['agent', '--config', file, '--output', output, ...COMMON, '--workers', '2']);
    await agent.until(new RegExp(`captures at ${veth.here}`));
    await agent.until(/with --filter it is not known whether all of it is seen/);
    const seen = `windrow_interface_packets_total{interface="${veth.here}"}`;
    await veth.send(Object.values(FRAMES), EACH);
    await expect.poll(() => agent.metric(seen), WAIT).toBe(4 * EACH);
    write('tcp');
    agent.child.kill('SIGHUP');
    await agent.until(/cannot change while it runs: filter; start the agent again/);
    write('tcp port');
    agent.child.kill('SIGHUP');
    await agent.until(/agent\.yaml:2:9: filter: expected an expression .*syntax error/);
    await agent.until(/the configuration stays as it was/);
    await veth.send(Object.values(FRAMES), EACH);
    await expect.poll(() => agent.metric(seen), WAIT).toBe(8 * EACH);
    // A window is over in which most of what the interface counted was not captured.
    await expect.poll(() => agent.metric('windrow_last_window_end_timestamp_seconds'), WAIT).toBeGreaterThan(0);
    const last = (await agent.metric('windrow_last_window_end_timestamp_seconds'))!;
    await expect.poll(() => agent.metric('windrow_last_window_end_timestamp_seconds'), WAIT).toBeGreaterThan(last + 2);
    expect(Object.keys(await agent.metrics()).filter((name) => name.includes('coverage'))).toEqual([]);
    const { code, stderr } = await agent.end('SIGTERM');
    expect(code, stderr).toBe(0);
    expect(stderr).not.toMatch(/were not seen/);
    const entries = entriesIn(fs.readFileSync(output, 'utf8'));
    expect(packetsOf(entries)).toBe(8 * EACH);
    expect(new Set(entries.filter(isOk).map(({ dstport }) => dstport))).toEqual(
      new Set(['54', '5000', '6000', '7000']),
    );
  });

  testWithNetwork('that is wrong captures nothing, and says where it is wrong', async () => {
    const veth = Veth.make();
    const output = workplace.at('wrong.ndjson');
    const line = await windrow(['agent', '--interface', veth.here, '--filter', 'udp port', '--output', output]);
    expect(line).toMatchObject({
      code: 2,
      stderr: `windrow: --filter: expected an expression as of tcpdump (pcap-filter(7)): can't parse filter expression: syntax error\n`,
    });
    const file = workplace.file(`interfaces: [${veth.here}]\nfilter: udp and tcp\n`, 'wrong.yaml');
    const checked = await windrow(['agent', '--config', file, '--check']);
    expect(checked).toMatchObject({ code: 2, stdout: '' });
    expect(checked.stderr).toBe(
      `windrow: ${file}:2:9: filter: expected an expression as of tcpdump (pcap-filter(7)): expression rejects all packets\n`,
    );
    expect(workplace.has('wrong.ndjson')).toBe(false);
  });

  testWithNetwork('that the kernel refuses is named at the interface', () => {
    const veth = Veth.make();
    const refusals: string[] = [];
    // No instruction of the kernel, and one that is no end.
    const programs = [new Uint8Array(8).fill(0xff), new Uint8Array(8)];
    for (const filter of programs) {
      const ring = {
        ...ringOf(readInterface(veth.here)!, 0, { bytes: 1 << 20, side: 'self', group: undefined }),
        filter,
      };
      const { errno, refused } = addon.worker_add_ring(liveWorker(), ring, veth.here);
      refusals.push(refusedRing(veth.here, refused, errno).message);
    }
    expect(refusals).toEqual(programs.map(() => `${veth.here}: the kernel refuses the filter (EINVAL)`));
    expect(refusedRing('eth0', 'the filter', constants.errno.ENOMEM).message).toBe(
      'eth0: the kernel refuses the filter (ENOMEM): make --filter shorter, or raise net.core.optmem_max',
    );
    expect(refusedRing('eth0', 'the memory of the ring', constants.errno.ENOMEM).message).toMatch(/see --ring-memory$/);
  });
});

const canMask = libpcapVersion() !== undefined && spawnSync('unshare', ['--mount', 'true']).status === 0;
const whereMasked = testWhere(canMask, 'no mount namespace can be made here, or libpcap is not installed');

describe('without libpcap', () => {
  /** Runs the program where a library stands in the place of libpcap that is none. */
  const masked = (...args: readonly string[]): Promise<Ended> => {
    const script = `set -e; for f in $(ldconfig -p | sed -n 's/.*libpcap.so.*=> //p'); do mount --bind /dev/null "$f"; done; exec "$@"`;
    const line = ['--mount', 'bash', '-c', script, 'bash', process.execPath, CLI, ...args];
    return ended(spawn('unshare', line, { stdio: ['ignore', 'pipe', 'pipe'] }));
  };
  const NEEDED =
    'windrow: --filter needs libpcap, which is not there: install libpcap (Debian: apt-get install libpcap0.8)\n';

  whereMasked('an agent says what to install, and one without a filter does not need it', async () => {
    expect(await masked('agent', '--interface', 'lo', '--filter', 'udp')).toMatchObject({ code: 1, stderr: NEEDED });
    expect(await masked('agent', '--interface', 'lo', '--filter', 'udp', '--check')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: NEEDED,
    });
    expect(await masked('agent', '--interface', 'lo', '--check')).toMatchObject({ code: 0 });
    const { stdout } = await masked('doctor');
    expect(stdout).toMatch(/^ok {7}libpcap: not there, which --filter of an agent needs alone/m);
    expect((await windrow(['doctor'])).stdout).toMatch(/^ok {7}libpcap: libpcap version 1\./m);
  });
});
