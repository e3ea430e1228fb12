// Packets inside tunnels are those of the ENIs that have the tunnel's VNI, with --decapsulate.
import { describe, expect, test } from 'vitest';
import * as p from '../packets.ts';
import { entriesOf } from './entry_line.ts';
import { Workplace, linesOf, windrow } from './program.ts';

const workplace = new Workplace();

/** Two VPCs of the same addresses; one ENI alone with its VNI, two that share one, and one without. */
const NETWORK = `
vpcs:
  - { id: vpc-a, cidrs: [10.0.0.0/16], vswitches: [{ id: vsw-a, cidrs: [10.0.1.0/24] }] }
  - { id: vpc-b, cidrs: [10.0.0.0/16], vswitches: [{ id: vsw-b, cidrs: [10.0.1.0/24] }] }
  - { id: vpc-c, cidrs: [10.3.0.0/16], vswitches: [{ id: vsw-c, cidrs: [10.3.1.0/24] }] }
enis:
  - { id: eni-alone, vswitch: vsw-a, addresses: [10.0.1.5], vni: 7 }
  - { id: eni-one, vswitch: vsw-b, addresses: [10.0.1.5], prefixes: [10.0.1.64/28], vni: 8 }
  - { id: eni-two, vswitch: vsw-b, addresses: [10.0.1.6], vni: 8 }
  - { id: eni-plain, vswitch: vsw-c, addresses: [10.3.1.7] }
  - { id: eni-nat, box: nat_gateway, vswitch: vsw-c, addresses: [10.3.1.9], vni: 0 }
`;
const network = workplace.file(NETWORK, 'network.yaml');
const FAR = '203.0.113.9';

type Tunnel = (frame: Uint8Array) => Uint8Array;
const outer = (dport: number, body: Uint8Array): Uint8Array =>
  p.ethernet({}, p.ipv4({ src: '172.16.0.1', dst: '172.16.0.2' }, p.udp({ dport }, body)));
const vxlan =
  (vni: number): Tunnel =>
  (frame) =>
    outer(4789, p.vxlan(vni, frame));
const geneve =
  (vni: number): Tunnel =>
  (frame) =>
    outer(6081, p.bytes('01 00 65 58', p.u32(vni * 256), p.u32(0), frame));
const none: Tunnel = (frame) => frame;

function datagram(src: string, dst: string): Uint8Array {
  return p.ethernet({}, p.ipv4({ src, dst }, p.udp({ sport: 1000, dport: 2000 })));
}

function captureOf(packets: readonly (readonly [tunnel: Tunnel, src: string, dst: string])[]): string {
  const records = packets.map(([tunnel, src, dst], i) => ({
    data: tunnel(datagram(src, dst)),
    sec: 1_700_000_040 + i,
  }));
  return workplace.file(p.pcap(records));
}

const told = (entry: Record<string, string>): string =>
  ['eni-id', 'vpc-id', 'direction', 'srcaddr', 'dstaddr', 'packets'].map((key) => entry[key]).join(' ');

async function replayed(capture: string, ...args: readonly string[]): Promise<string[]> {
  const run = await windrow(['replay', capture, '--network', network, '--quiet', ...args]);
  expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
  const verified = await windrow(['verify', capture, workplace.file(run.stdout), '--network', network, ...args]);
  expect(verified.stdout).toMatch(/^equal: /);
  return entriesOf(run.stdout)
    .filter((entry) => entry['log-status'] === 'OK')
    .map(told);
}

describe.concurrent('a VNI', () => {
  test('tells the same addresses of two VPCs apart', async () => {
    const capture = captureOf([
      [vxlan(7), '10.0.1.5', FAR],
      [geneve(8), '10.0.1.5', FAR],
      [vxlan(7), FAR, '10.0.1.5'],
      [vxlan(8), FAR, '10.0.1.5'],
      [vxlan(7), '10.0.1.5', FAR],
    ]);
    expect(await replayed(capture, '--decapsulate')).toEqual([
      `eni-alone vpc-a out 10.0.1.5 ${FAR} 2`,
      `eni-one vpc-b out 10.0.1.5 ${FAR} 1`,
      `eni-alone vpc-a in ${FAR} 10.0.1.5 1`,
      `eni-one vpc-b in ${FAR} 10.0.1.5 1`,
    ]);
  });

  test('of one ENI gives it all traffic, whatever its addresses are', async () => {
    const capture = captureOf([
      [vxlan(0), '10.3.1.7', FAR],
      [vxlan(0), '10.3.1.9', '10.3.1.7'],
      [vxlan(7), '10.0.1.6', FAR],
    ]);
    expect(await replayed(capture, '--decapsulate')).toEqual([
      // Whose addresses those are that the gateway forwards is known by what is private.
      `eni-nat vpc-c out 10.3.1.7 ${FAR} 1`,
      'eni-nat vpc-c out 10.3.1.9 10.3.1.7 1',
      `eni-alone vpc-a out 10.0.1.6 ${FAR} 1`,
    ]);
  });

  test('of several ENIs leaves it to their addresses', async () => {
    const capture = captureOf([
      [vxlan(8), '10.0.1.6', '10.0.1.70'],
      [vxlan(8), '10.0.1.77', FAR],
      [vxlan(8), '10.0.1.99', FAR],
      [vxlan(8), '10.3.1.7', FAR],
    ]);
    expect(await replayed(capture, '--decapsulate')).toEqual([
      'eni-two vpc-b out 10.0.1.6 10.0.1.70 1',
      'eni-one vpc-b in 10.0.1.6 10.0.1.70 1',
      `eni-one vpc-b out 10.0.1.77 ${FAR} 1`,
    ]);
  });

  test('that no ENI has leaves it to the addresses of those that have none', async () => {
    const capture = captureOf([
      [vxlan(99), '10.3.1.7', FAR],
      [vxlan(99), '10.0.1.6', FAR],
      [none, '10.0.1.6', FAR],
      [none, '10.0.1.5', FAR],
    ]);
    expect(await replayed(capture, '--decapsulate')).toEqual([
      `eni-plain vpc-c out 10.3.1.7 ${FAR} 1`,
      // Outside of tunnels its address is enough, if no other VPC has it.
      `eni-two vpc-b out 10.0.1.6 ${FAR} 1`,
    ]);
  });

  test('is the innermost, and valid only where VXLAN says so', async () => {
    const invalid: Tunnel = (frame) => outer(4789, p.bytes('00 00 00 00', p.u32(7 * 256), frame));
    const capture = captureOf([
      [(frame) => vxlan(7)(vxlan(8)(frame)), '10.0.1.6', FAR],
      [(frame) => vxlan(7)(invalid(frame)), '10.0.1.9', FAR],
      [invalid, '10.0.1.9', FAR],
      [(frame) => outer(4754, p.gre(0x6558, vxlan(7)(frame))), '10.0.1.9', FAR],
    ]);
    expect(await replayed(capture, '--decapsulate')).toEqual([
      `eni-two vpc-b out 10.0.1.6 ${FAR} 1`,
      `eni-alone vpc-a out 10.0.1.9 ${FAR} 2`,
    ]);
  });

  test('counts for nothing where tunnels are not opened', async () => {
    const capture = captureOf([[vxlan(7), '10.0.1.5', FAR]]);
    expect(await replayed(capture)).toEqual([]);
  });

  test('keeps fragments of one network apart from those of another', async () => {
    const first = p.ipv4({ src: '10.0.1.6', dst: FAR, id: 1, hasMoreFragments: true }, p.udp({ sport: 5, dport: 6 }));
    const later = p.ipv4({ src: '10.0.1.6', dst: FAR, id: 1, fragmentOffset: 8 }, p.zeros(8));
    const capture = workplace.file(
      p.pcap([
        { data: vxlan(8)(p.ethernet({}, first)), sec: 1_700_000_040 },
        { data: vxlan(7)(p.ethernet({}, later)), sec: 1_700_000_041 },
        { data: vxlan(8)(p.ethernet({}, later)), sec: 1_700_000_042 },
      ]),
    );
    const run = await windrow(['replay', capture, '--network', network, '--decapsulate', '--quiet']);
    const flows = entriesOf(run.stdout).filter((entry) => entry['log-status'] === 'OK');
    expect(flows.map((entry) => [entry['eni-id'], entry['srcport'], entry['packets']])).toEqual([
      ['eni-two', '5', '2'],
      ['eni-alone', '-', '1'],
    ]);
  });

  test('gives the same lines with any number of workers', async () => {
    const packets = Array.from({ length: 3000 }, (_, i) => {
      const vni = [0, 7, 8, 99][i % 4];
      return [vxlan(vni), `10.0.1.${1 + (i % 11)}`, `203.0.113.${i % 13}`] as const;
    });
    const capture = captureOf(packets);
    const args = ['replay', capture, '--network', network, '--decapsulate', '--quiet', '--window', '60'];
    const one = await windrow([...args, '--workers', '1']);
    expect(linesOf(one.stdout).length).toBeGreaterThan(1000);
    for (const workers of ['2', '3']) expect((await windrow([...args, '--workers', workers])).stdout).toBe(one.stdout);
  });
});
