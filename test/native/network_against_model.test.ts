// The native core and the model of src/verify write the same lines of the same packets of a random network: whose they are, in
// tunnels and outside, which way they go, by which path, and what rules make of them.
// WINDROW_NETWORKS: how many networks; 150 unless it is given.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EniItem, NetworkFile } from '../../src/cloud/network_file.ts';
import { compareLines } from '../../src/verify/compare.ts';
import { countCapture } from '../../src/verify/model.ts';
import { DEFAULT_OPTIONS } from '../../src/verify/options.ts';
import type { CountOptions } from '../../src/verify/options.ts';
import { Random, randomEntries, randomNetwork } from '../cloud/random_network.ts';
import * as p from '../packets.ts';
import { linesOf } from '../verify/counted.ts';
import { replayFiles } from './replayed.ts';

const NETWORKS = Number(process.env.WINDROW_NETWORKS ?? 150);
const PACKETS = 120;
const MACS = Array.from({ length: 6 }, (_, i) => `02:00:00:00:01:0${i}`);
const INTERFACES = ['eth0', 'tap0', '1', undefined] as const;

let folder: string;
beforeAll(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-network-'))));
afterAll(() => fs.rmSync(folder, { recursive: true }));

test('of random networks and random packets of theirs', { timeout: 3_600_000 }, async () => {
  const seen = { actions: new Set<string>(), directions: new Set<string>(), rules: new Set<string>(), entries: 0 };
  let notLocal = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const random = new Random(seed);
      const networkFile = marked(randomNetwork(random), random);
      const capture = path.join(folder, 'network.pcapng');
      fs.writeFileSync(capture, captureOf(networkFile, random));
      const options: CountOptions = {
        ...DEFAULT_OPTIONS,
        ...{ windowSeconds: 60, networkFile, decapsulate: !random.chance(4) },
        local: random.chance(3) ? ['10.0.0.0/24'] : [],
      };
      const model = await countCapture([capture], options);
      const workers = 1 + random.below(3);
      const native = await replayFiles([capture], options, { workers, chunkBytes: 4096, seed: seed >>> 1 });
      expect(native.lines).toEqual(linesOf(model, options));
      expect((await compareLines(model, native.lines, options)).differences).toEqual([]);
      const { packets } = native.accounting;
      expect(packets).toMatchObject({ seen: model.packets.seen, logged: model.packets.logged });
      notLocal += packets.excluded.not_local;
      for (const { action, direction, rule } of model.ordered) {
        seen.actions.add(action);
        seen.directions.add(direction);
        seen.rules.add(rule);
      }
      seen.entries += model.ordered.length;
    }),
    { numRuns: NETWORKS, endOnFailure: true },
  );
  // Nothing that was to be compared was left out.
  expect(seen.entries).toBeGreaterThan(NETWORKS * 20);
  expect(notLocal).toBeGreaterThan(NETWORKS);
  expect(seen.actions).toEqual(new Set(['ACCEPT', 'REJECT']));
  expect(seen.directions).toEqual(new Set(['in', 'out']));
  expect([...seen.rules]).toEqual(expect.arrayContaining(['capture', 'eni', 'local', 'private', 'opener']));
});

/** ENIs that share a VNI are of one VPC; some ENIs have none, some an interface, and some MACs. */
function marked(file: NetworkFile, random: Random): NetworkFile {
  const vpcOf = new Map((file.vpcs ?? []).flatMap((vpc, i) => (vpc.vswitches ?? []).map(({ id }) => [id, i])));
  const isAlone = vpcOf.size > 0 && file.vpcs!.length === 1;
  const interfaces = ['eth0', '1', 'tap0'];
  const macs = [...MACS.slice(0, 4)];
  const enis = (file.enis ?? []).map(({ vni = 0, ...eni }): EniItem => {
    const name = random.chance(8) ? interfaces.shift() : undefined;
    const mac = random.chance(3) ? macs.shift() : undefined;
    return {
      ...eni,
      // Two VPCs may have the same addresses: then ENIs need a mark.
      ...(isAlone && random.chance(3) ? {} : { vni: vpcOf.get(eni.vswitch)! * 4 + (vni % 4) }),
      ...(name === undefined ? {} : { interface: name }),
      ...(mac === undefined ? {} : { macs: [mac] }),
    };
  });
  return { ...file, enis };
}

function captureOf(file: NetworkFile, random: Random): Uint8Array {
  const interfaces = random.many(2, () => random.one(INTERFACES)).concat([undefined]);
  const blocks = interfaces.map((name) => p.interfaceBlock(name === undefined ? {} : { name }));
  let sec = 1_700_000_000;
  const knownMacs = random.chance(3) ? MACS.slice(0, 2) : MACS;
  const entries = randomEntries(file, 30, random);
  for (let i = 0; i < PACKETS; i++) {
    sec += random.one([0, 0, 1, 1, 5, 31, 61, -2]);
    const frame = frameOf(ipOf(random.one(entries), random), knownMacs, random);
    const way = random.chance(6) ? [p.directionOption(random.one(['in', 'out'] as const))] : [];
    const number = random.below(interfaces.length);
    blocks.push(p.enhancedPacket({ data: frame, interface: number, units: BigInt(sec) * 1_000_000n, options: way }));
  }
  return p.section(blocks);
}

function ipOf(entry: ReturnType<typeof randomEntries>[number], random: Random): Uint8Array {
  const { srcaddr, dstaddr, srcport, dstport, protocol } = entry;
  const isReversed = random.chance(2);
  const [src, dst] = isReversed ? [dstaddr, srcaddr] : [srcaddr, dstaddr];
  const [sport, dport] = (isReversed ? [dstport, srcport] : [srcport, dstport]).map((port) => Math.max(port, 0));
  const flags = random.one([2, 18, 16, 16, 17, 4]);
  const layer4 =
    protocol === 6
      ? p.tcp({ sport, dport, flags })
      : protocol === 17
        ? p.udp({ sport, dport })
        : p.ported({ sport, dport }, p.zeros(8));
  if (src.includes(':')) return p.ipv6({ src, dst, next: protocol }, layer4);
  const fragment = random.one([{}, {}, {}, { hasMoreFragments: true }, { fragmentOffset: 64 }]);
  return p.ipv4({ src, dst, protocol, id: 1, ...fragment }, layer4);
}

function frameOf(packet: Uint8Array, macs: readonly string[], random: Random): Uint8Array {
  const type = packet[0] >> 4 === 6 ? 0x86dd : 0x0800;
  const ends = { src: random.one(macs), dst: random.one(macs) };
  const frame = p.ethernet({ ...ends, type }, packet);
  if (random.chance(2)) return frame;
  const vni = random.one([0, 1, 2, 3, 4, 5, 6, 7, 99]);
  const tunnels: readonly (() => readonly [port: number, body: Uint8Array])[] = [
    () => [4789, p.vxlan(vni, frame)],
    () => [4789, p.bytes('00 00 00 00', p.u32(vni * 256), frame)], // its VNI is not valid
    () => [4790, p.bytes('0c 00 00 03', p.u32(vni * 256), frame)],
    () => [6081, p.bytes('01 00 65 58', p.u32(vni * 256), p.u32(0), frame)],
    () => [6081, p.bytes('00 00', p.u16(type), p.u32(vni * 256), packet)],
    () => [4754, p.gre(type, packet)],
  ];
  const [dport, body] = random.one(tunnels)();
  const outer = p.ipv4({ src: '172.31.0.1', dst: '172.31.0.2' }, p.udp({ dport }, body));
  // A tunnel in a tunnel: the innermost VNI counts, or that around it where there is none.
  return random.chance(5) ? frameOf(outer, macs, random) : p.ethernet(ends, outer);
}
