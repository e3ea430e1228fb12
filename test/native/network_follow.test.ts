// A live source whose network becomes another: windows that had begun are told by the one before, later ones by the new one.
import fs from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import { PacketStream } from '../../src/capture/packet_stream.ts';
import { readNetwork } from '../../src/cloud/network.ts';
import { localityOf } from '../../src/cloud/network_locality.ts';
import { NetworkNumbers } from '../../src/cloud/network_numbers.ts';
import { Collector } from '../../src/flow/collector.ts';
import { Exchange } from '../../src/flow/exchange.ts';
import type { Accounting } from '../../src/flowlog/accounting.ts';
import { EniDirectory } from '../../src/flowlog/eni_directory.ts';
import { LineWriter } from '../../src/flowlog/line_writer.ts';
import { Recorder } from '../../src/flowlog/recorder.ts';
import { EveryEni } from '../../src/flowlog/subscribers.ts';
import * as p from '../packets.ts';
import { network as nativeNetwork, OPTIONS } from './natives.ts';
import { Text } from './text.ts';

const SECONDS = 60;
const INTERFACES = 8192;
const FAR = '203.0.113.9';
/** All of these windows are over: packets of theirs come late, and are told of all the same. */
const NOW = Math.floor(Date.now() / 1000 / SECONDS);
const [OLD, NEW] = [NOW - 9, NOW - 5];

const BASE = `
vpcs:
  - { id: vpc-a, cidrs: [10.0.0.0/16], vswitches: [{ id: vsw-a, cidrs: [10.0.1.0/24] }] }
  - { id: vpc-b, cidrs: [10.0.0.0/16], vswitches: [{ id: vsw-b, cidrs: [10.0.1.0/24] }] }
`;

interface Sent {
  readonly window: number;
  readonly frame: Uint8Array;
}

const datagram = (src: string, dst = FAR, macs = {}): Uint8Array =>
  p.ethernet(macs, p.ipv4({ src, dst }, p.udp({ sport: 1000, dport: 2000 })));
const inside = (vni: number, frame: Uint8Array): Uint8Array =>
  p.ethernet({}, p.ipv4({ src: '172.16.0.1', dst: '172.16.0.2' }, p.udp({ dport: 4789 }, p.vxlan(vni, frame))));

class Live {
  readonly #exchange: Exchange;
  readonly #worker;
  readonly #collector: Collector;
  readonly #recorder: Recorder;
  readonly #enis: EniDirectory;
  readonly #numbers: NetworkNumbers;
  readonly #writeEnd: number;
  readonly #text = new Text();
  readonly #recorded: Promise<void>;

  constructor(text: string) {
    const network = readNetwork('n.yaml', BASE + text);
    const locality = localityOf(network, []);
    const counting = { maxFlows: 10_000, windowSeconds: SECONDS, latenessSeconds: 0, decapsulate: true };
    this.#exchange = new Exchange({
      ...counting,
      workers: 1,
      fd: -1,
      isLive: true,
      locality: locality.native,
      network,
    });
    this.#numbers = new NetworkNumbers(network, INTERFACES);
    this.#worker = addon.worker_new(this.#exchange.native, 0);
    const pipe = addon.live_pipe();
    if (typeof pipe === 'number') throw new Error(`no pipe: ${pipe}`);
    this.#writeEnd = pipe[1];
    addon.worker_add_stream(this.#worker, pipe[0], 0, 1, 'piped0');
    this.#collector = new Collector(this.#exchange);
    this.#enis = new EniDirectory(this.#exchange, locality, { names: ['piped0'], changes: 0 });
    const subscribers = new EveryEni(this.#enis, { name: 'fl', project: 'p', logstore: 'l' }, SECONDS);
    this.#recorder = new Recorder({
      ...{
        exchange: this.#exchange,
        collector: this.#collector,
        enis: this.#enis,
        subscribers,
        windowSeconds: SECONDS,
      },
      writer: new LineWriter(subscribers, this.#text, { kind: 'json', rules: network.ruleNames }),
    });
    this.#recorded = this.#recorder.recordAll();
  }

  follow(text: string, fromWindow: number): void {
    const { enis, compiled, locality } = this.#numbers.renumber(readNetwork('n.yaml', BASE + text), []);
    this.#enis.follow(enis, locality, { from: fromWindow * SECONDS, oldest: -Infinity });
    this.#exchange.follow(compiled, locality.native, { fromWindow, oldestWindow: -1e9 });
  }

  /** The packets have been read. */
  async send(packets: readonly Sent[]): Promise<void> {
    const written: Uint8Array[] = [];
    const stream = new PacketStream(1, 256, (bytes) => written.push(bytes.slice()));
    packets.forEach(({ window, frame }, i) =>
      stream.add(frame, frame.length, (window * SECONDS + i) * 1000, undefined),
    );
    stream.flush();
    const before = this.#exchange.clock.packets;
    fs.writeSync(this.#writeEnd, Buffer.concat(written));
    while (this.#exchange.clock.packets < before + packets.length) await this.#step();
  }

  async #step(): Promise<number> {
    const run = addon.worker_run(this.#worker, false, new Float64Array(4));
    await turn();
    return run;
  }

  /** By window, and the books. */
  async end(): Promise<{ readonly told: string[]; readonly accounting: Accounting }> {
    fs.closeSync(this.#writeEnd);
    addon.worker_remove_ring(this.#worker, 0);
    this.#exchange.finish();
    while ((await this.#step()) !== 0);
    await this.#recorded;
    const accounting = await this.#recorder.finish([]);
    this.#collector.close();
    const entries = this.#text.lines().map((line) => JSON.parse(line) as Record<string, string>);
    const told = entries
      .filter((entry) => entry['log-status'] === 'OK')
      .map((entry) => {
        const window = Math.floor(Number(entry['start']) / SECONDS) === OLD ? 'old' : 'new';
        const says = ['eni-id', 'vm-id', 'direction', 'srcaddr', 'action', 'x-rule'].map((key) => entry[key]);
        return [window, ...says].join(' ');
      });
    return { told: told.sort(), accounting };
  }
}

const group = (rule: string, policy: string): string => `
security_groups:
  - { id: sg-a, vpc: vpc-a, rules: [{ id: ${rule}, direction: out, policy: ${policy}, cidr: 0.0.0.0/0 }] }
`;

describe('windows from one on are told by another network', () => {
  test('with its ENIs and its rules, and those that had begun by the one before', async () => {
    const live = new Live(
      `${group('r-old', 'accept')}enis:
  - { id: eni-stays, vm: i-1, vswitch: vsw-a, addresses: [10.0.1.5], security_groups: [sg-a] }
  - { id: eni-goes, vswitch: vsw-a, addresses: [10.0.1.6] }
  - { id: eni-moves, vm: i-2, vswitch: vsw-a, addresses: [10.0.1.7] }
`,
    );
    const packets = (window: number): Sent[] =>
      ['10.0.1.5', '10.0.1.6', '10.0.1.7', '10.0.1.8'].map((src) => ({ window, frame: datagram(src) }));
    await live.send(packets(OLD));
    live.follow(
      `${group('r-new', 'drop')}enis:
  - { id: eni-comes, vswitch: vsw-a, addresses: [10.0.1.8] }
  - { id: eni-moves, vm: i-3, vswitch: vsw-a, addresses: [10.0.1.7] }
  - { id: eni-stays, vm: i-1, vswitch: vsw-a, addresses: [10.0.1.5], security_groups: [sg-a] }
`,
      NEW,
    );
    await live.send([...packets(OLD), ...packets(NEW)]);
    const { told, accounting } = await live.end();
    // Whether late packets of a window are one entry or two depends on when they are read.
    expect([...new Set(told)]).toEqual([
      'new eni-comes - out 10.0.1.8 ACCEPT -',
      'new eni-moves i-3 out 10.0.1.7 ACCEPT -',
      'new eni-stays i-1 out 10.0.1.5 REJECT sg-a/r-new',
      'old eni-goes - out 10.0.1.6 ACCEPT -',
      'old eni-moves i-2 out 10.0.1.7 ACCEPT -',
      'old eni-stays i-1 out 10.0.1.5 ACCEPT sg-a/r-old',
    ]);
    expect(accounting.packets).toMatchObject({ seen: 12, logged: 9, excluded: { not_local: 3 } });
  });

  test('with its interfaces, MACs and VNIs, whoever had them before', async () => {
    const [mac, other] = ['02:00:00:00:00:09', '02:00:00:00:00:0a'];
    const live = new Live(
      `enis:
  - { id: eni-box, box: firewall, vswitch: vsw-a, addresses: [10.0.1.9], macs: ['${mac}'] }
  - { id: eni-seven, vswitch: vsw-a, addresses: [10.0.1.5], vni: 7 }
  - { id: eni-eight, vswitch: vsw-b, addresses: [10.0.1.5], vni: 8 }
`,
    );
    live.follow(
      `enis:
  - { id: eni-box, box: firewall, vswitch: vsw-a, addresses: [10.0.1.9], macs: ['${other}'] }
  - { id: eni-seven, vswitch: vsw-a, addresses: [10.0.1.5], vni: 8 }
  - { id: eni-nine, vswitch: vsw-b, addresses: [10.0.1.5], vni: 9 }
  - { id: eni-mac, box: firewall, vswitch: vsw-a, addresses: [10.0.1.10], macs: ['${mac}'] }
`,
      NEW,
    );
    const packets = (window: number): Sent[] => [
      { window, frame: datagram('10.0.7.1', FAR, { dst: mac }) },
      { window, frame: datagram('10.0.7.2', FAR, { dst: other }) },
      ...[7, 8, 9].map((vni) => ({ window, frame: inside(vni, datagram('10.0.1.5')) })),
    ];
    await live.send([...packets(OLD), ...packets(NEW)]);
    const { told, accounting } = await live.end();
    expect(told).toEqual([
      'new eni-box - in 10.0.7.2 ACCEPT -',
      'new eni-mac - in 10.0.7.1 ACCEPT -',
      'new eni-nine - out 10.0.1.5 ACCEPT -',
      'new eni-seven - out 10.0.1.5 ACCEPT -',
      'old eni-box - in 10.0.7.1 ACCEPT -',
      'old eni-eight - out 10.0.1.5 ACCEPT -',
      'old eni-seven - out 10.0.1.5 ACCEPT -',
    ]);
    expect(accounting.packets).toMatchObject({ seen: 10, logged: 7, excluded: { not_local: 3 } });
  });

  test('with interfaces that are ENIs, which were none, and again none', async () => {
    const none = `enis: [{ id: eni-a, vswitch: vsw-a, addresses: [10.0.1.5] }]\n`;
    const live = new Live(none);
    await live.send([{ window: OLD, frame: datagram('10.9.9.9') }]);
    live.follow(`enis: [{ id: eni-tap, vswitch: vsw-a, interface: piped0 }]\n`, NEW);
    live.follow(none, NEW + 1);
    await live.send([OLD, NEW, NEW + 1].map((window) => ({ window, frame: datagram('10.9.9.9') })));
    const { told, accounting } = await live.end();
    expect(told).toEqual(['new eni-tap - out 10.9.9.9 ACCEPT -']);
    expect(accounting.packets).toMatchObject({ seen: 4, logged: 1, excluded: { not_local: 3 } });
  });

  test('the last that was told counts, where several are to hold from the same window on', async () => {
    const eni = (id: string): string => `enis: [{ id: ${id}, vswitch: vsw-a, addresses: [10.0.1.5] }]\n`;
    const live = new Live(eni('eni-1'));
    for (const id of ['eni-2', 'eni-3', 'eni-1', 'eni-4']) live.follow(eni(id), NEW);
    live.follow('enis: []\n', NEW + 1);
    await live.send([OLD, NEW, NEW + 1].map((window) => ({ window, frame: datagram('10.0.1.5') })));
    const { told, accounting } = await live.end();
    expect(told).toEqual(['new eni-4 - out 10.0.1.5 ACCEPT -', 'old eni-1 - out 10.0.1.5 ACCEPT -']);
    expect(accounting.packets).toMatchObject({ seen: 3, logged: 2, excluded: { not_local: 1 } });
  });
});

test('only live interfaces of a network follow another', () => {
  const other = nativeNetwork();
  const follow = (isLive: boolean, hasNetwork: boolean, eniCount: number): void => {
    const locality = { ...OPTIONS.locality, eniCount };
    const exchange = addon.exchange_new({ ...OPTIONS, isLive, locality: { ...locality, eniCount: 2 } });
    if (hasNetwork) addon.exchange_judge_by(exchange, nativeNetwork());
    addon.exchange_follow(exchange, other, locality, 1, 0);
  };
  expect(() => follow(false, true, 2)).toThrow(/only live interfaces/);
  expect(() => follow(true, false, 2)).toThrow(/only live interfaces/);
  expect(() => follow(true, true, 3)).toThrow(/other ENIs/);
  follow(true, true, 2);
});
