// An agent whose network's file is written anew while packets flow: from the next window on it holds, and nothing is lost.
import fs from 'node:fs';
import { describe, expect } from 'vitest';
import { Workplace, linesOf } from '../app/program.ts';
import { Running } from '../app/running.ts';
import * as p from '../packets.ts';
import { Veth, testWithNetwork } from './network.ts';

const workplace = new Workplace();
const WAIT = { timeout: 20_000, interval: 20 };
const WINDOW = 2;

type Entry = Readonly<Record<string, string>>;

const VPC = 'vpcs: [{ id: vpc-a, cidrs: [10.0.0.0/16], vswitches: [{ id: vsw-a, cidrs: [10.0.1.0/24] }] }]\n';
const networkOf = (enis: Readonly<Record<string, string>>): string =>
  `${VPC}enis: [${Object.entries(enis)
    .map(([id, what]) => `{ id: ${id}, vswitch: vsw-a, ${what} }`)
    .join(', ')}]\n`;

/** One packet from each. */
const frames = ['10.0.1.1', '10.0.1.2', '10.0.1.3'].map((src) =>
  p.ethernet({}, p.ipv4({ src, dst: '203.0.113.9' }, p.udp({ sport: 1024, dport: 53 }))),
);

class Networked {
  readonly agent: Running;
  readonly #file: string;
  readonly #output: string;

  constructor(name: string, network: string, ...args: readonly string[]) {
    this.#file = workplace.at(`${name}.yaml`);
    this.#output = workplace.at(`${name}.ndjson`);
    fs.writeFileSync(this.#file, network);
    const options = ['--window', `${WINDOW}`, '--lateness', '0', '--metrics', '127.0.0.1:0', '--log', 'text'];
    this.agent = Running.start(['agent', '--network', this.#file, '--output', this.#output, ...options, ...args]);
  }

  /** The file is this, and read; what the agent says of it. */
  async change(network: string, said: RegExp): Promise<RegExpMatchArray> {
    fs.writeFileSync(this.#file, network);
    const before = this.agent.said.length;
    this.agent.child.kill('SIGHUP');
    await expect.poll(() => this.agent.said.slice(before), WAIT).toMatch(said);
    return said.exec(this.agent.said.slice(before))!;
  }

  async end(): Promise<readonly Entry[]> {
    const ended = await this.agent.end('SIGTERM');
    expect(ended.code, ended.stderr).toBe(0);
    return linesOf(fs.readFileSync(this.#output, 'utf8')).map((line) => JSON.parse(line) as Entry);
  }
}

const startOf = (entry: Entry): number => Math.floor(Number(entry['start']) / WINDOW) * WINDOW;
const packetsOf = (entries: readonly Entry[]): number => entries.reduce((sum, { packets }) => sum + Number(packets), 0);
const HOLDS =
  /another network holds from (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) on \(UTC\): (\d+) ENIs? more, (\d+) ENIs? less/;

describe('an agent that is hung up', () => {
  testWithNetwork('takes another network from the next window on, and loses no packet', async () => {
    const veth = Veth.make();
    const own = new Networked(
      'follow',
      networkOf({ a: 'addresses: [10.0.1.1]', b: 'addresses: [10.0.1.2]' }),
      '--interface',
      veth.here,
    );
    await own.agent.until(new RegExp(`captures at ${veth.here}\n`));
    let [isOver, sent] = [false, 0];
    const sending = (async () => {
      while (!isOver) {
        await veth.send(frames, 40);
        sent += 40 * frames.length;
      }
    })();
    const [, day, clock, came, went] = await own.change(
      networkOf({
        c: 'addresses: [10.0.1.3]',
        b: 'addresses: [10.0.1.2], vm: i-2',
        a: `interface: nowhere, addresses: [10.0.1.1]`,
      }),
      HOLDS,
    );
    expect([came, went]).toEqual(['2', '1']);
    const from = Date.parse(`${day}T${clock}Z`) / 1000;
    expect(from % WINDOW).toBe(0);
    // Traffic goes on until a window that is told by the new network has closed.
    await expect.poll(() => own.agent.metric('windrow_packets_total'), WAIT).toBeGreaterThan(0);
    await expect.poll(() => Date.now() / 1000, WAIT).toBeGreaterThan(from + 2 * WINDOW + 1);
    isOver = true;
    await sending;
    await expect
      .poll(() => own.agent.metric(`windrow_interface_packets_total{interface="${veth.here}"}`), WAIT)
      .toBe(sent);
    const all = await own.end();
    const entries = all.filter((entry) => entry['log-status'] === 'OK');
    const [before, after] = [
      entries.filter((entry) => startOf(entry) < from),
      entries.filter((entry) => startOf(entry) >= from),
    ];
    const enisOf = (some: readonly Entry[]): string[] =>
      [...new Set(some.map((entry) => `${entry['eni-id']} ${entry['vm-id']}`))].sort();
    expect(enisOf(before)).toEqual(['a -', 'b -']);
    expect(enisOf(after)).toEqual(['a -', 'b i-2', 'c -']);
    // Each address sent a third; those of the third were of no ENI before.
    const of = (some: readonly Entry[], src: string): number =>
      packetsOf(some.filter(({ srcaddr }) => srcaddr === src));
    expect(of(entries, '10.0.1.1')).toBe(sent / 3);
    expect(of(entries, '10.0.1.2')).toBe(sent / 3);
    expect(of(after, '10.0.1.3')).toBe(of(after, '10.0.1.1'));
    expect(of(before, '10.0.1.3')).toBe(0);
    expect(of(after, '10.0.1.3')).toBeGreaterThan(0);
    // Who came was not watched before, and who went is not watched any more: neither is said to have been silent.
    const quiet = all.filter((entry) => entry['log-status'] !== 'OK');
    expect(quiet.filter((entry) => entry['eni-id'] === 'c').every((entry) => startOf(entry) >= from)).toBe(true);
    expect(quiet.filter((entry) => entry['vm-id'] === 'i-2').every((entry) => startOf(entry) >= from)).toBe(true);
    expect(
      quiet
        .filter((entry) => entry['eni-id'] === 'b' && entry['vm-id'] === '-')
        .every((entry) => startOf(entry) < from),
    ).toBe(true);
  });

  testWithNetwork('says all that is wrong with a network, and keeps the one that it has', async () => {
    const veth = Veth.make();
    const right = networkOf({ a: 'addresses: [10.0.1.1]' });
    const own = new Networked('wrong', right, '--interface', veth.here);
    await own.agent.until(new RegExp(`captures at ${veth.here}\n`));
    await own.change(networkOf({ a: 'addresses: [10.0.1.256]', b: 'vni: x' }), /stays as it was/);
    expect(own.agent.said).toMatch(/wrong\.yaml:2:\d+: enis\[0\]\.addresses\[0\]: expected an IP address/);
    expect(own.agent.said).toMatch(/wrong\.yaml:2:\d+: enis\[1\]\.vni: expected a VNI/);
    await own.change('', /stays as it was/);
    await own.change(`${right}# the same\n`, HOLDS);
    await veth.send(frames, 10);
    await expect.poll(() => own.agent.metric('windrow_packets_total'), WAIT).toBe(30);
    const entries = await own.end();
    expect(packetsOf(entries.filter((entry) => entry['eni-id'] === 'a' && entry['log-status'] === 'OK'))).toBe(10);
    expect(own.agent.said).not.toMatch(/cannot change while it runs/);
  });
});
