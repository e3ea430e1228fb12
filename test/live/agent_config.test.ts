// An agent whose file is read again while packets flow: what changes, what does not, and that nothing is lost or counted twice.
import fs from 'node:fs';
import { describe, expect } from 'vitest';
import { Workplace, linesOf } from '../app/program.ts';
import { Running } from '../app/running.ts';
import * as p from '../packets.ts';
import { Veth, testWithNetwork } from './network.ts';

const workplace = new Workplace();
const WAIT = { timeout: 20_000, interval: 20 };

type Entry = Readonly<Record<string, string>>;

const PORT = 53;

function frames(count: number, dport = PORT): Uint8Array[] {
  return Array.from({ length: count }, (_, n) =>
    p.ethernet({}, p.ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, p.udp({ sport: 1024 + n, dport }))),
  );
}

/** An agent with a file, which is written anew. */
class Configured {
  readonly agent: Running;
  readonly file: string;
  readonly output: string;
  readonly #rest: string;

  private constructor(name: string, interfaces: readonly string[], rest: string) {
    this.output = workplace.at(`${name}.ndjson`);
    this.file = workplace.at(`${name}.yaml`);
    this.#rest = `window: 2\nlateness: 0\nmetrics: 127.0.0.1:0\nlog: text\n${rest}`;
    this.#write(interfaces);
    this.agent = Running.start(['agent', '--config', this.file, '--output', this.output]);
  }

  static start(name: string, interfaces: readonly string[], rest = ''): Configured {
    return new Configured(name, interfaces, rest);
  }

  #write(interfaces: readonly string[], more = ''): void {
    fs.writeFileSync(this.file, `interfaces: [${interfaces.join(', ')}]\n${this.#rest}${more}`);
  }

  /** Writes the file and lets it be read. */
  async change(interfaces: readonly string[], more = ''): Promise<void> {
    this.#write(interfaces, more);
    await this.hangUp(/the configuration was read again/g);
  }

  /** Waits until it has said this once more. */
  async hangUp(said: RegExp): Promise<void> {
    const before = this.count(said);
    this.agent.child.kill('SIGHUP');
    await expect.poll(() => this.count(said), WAIT).toBe(before + 1);
  }

  count(said: RegExp): number {
    return [...this.agent.said.matchAll(said)].length;
  }

  seenAt(veth: Veth): Promise<number | undefined> {
    return this.agent.metric(`windrow_interface_packets_total{interface="${veth.here}"}`);
  }

  async end(): Promise<readonly Entry[]> {
    const ended = await this.agent.end('SIGTERM');
    expect(ended.code, ended.stderr).toBe(0);
    return linesOf(fs.readFileSync(this.output, 'utf8')).map((line) => JSON.parse(line) as Entry);
  }
}

function packetsOf(entries: readonly Entry[], eni: string): number {
  const own = entries.filter((entry) => entry['eni-id'] === eni && entry['log-status'] === 'OK');
  return own.reduce((sum, { packets }) => sum + Number(packets), 0);
}

describe('an agent that is hung up', () => {
  testWithNetwork('lets interfaces come and go by its file, and loses nothing at the one that stays', async () => {
    const [stays, goes] = [Veth.make(), Veth.make()];
    const own = Configured.start('follow', [stays.here, goes.here]);
    await own.agent.until(new RegExp(`captures at ${goes.here}\n`));
    await own.agent.until(new RegExp(`captures at ${stays.here}\n`));
    let isOver = false;
    let sent = 0;
    const sending = (async () => {
      while (!isOver) {
        await stays.send(frames(50), 40);
        sent += 2000;
      }
    })();
    await goes.send(frames(10), 10);
    for (let turn = 1; turn <= 3; turn++) {
      await own.change([stays.here]);
      await expect.poll(() => own.count(new RegExp(`captures at ${goes.here} no more`, 'g')), WAIT).toBe(turn);
      await goes.send(frames(10), 7);
      await own.change([stays.here, goes.here]);
      await expect.poll(() => own.count(new RegExp(`captures at ${goes.here}\n`, 'g')), WAIT).toBe(turn + 1);
      await goes.send(frames(10), 10);
    }
    isOver = true;
    await sending;
    await expect.poll(() => own.seenAt(stays), WAIT).toBe(sent);
    await expect.poll(() => own.seenAt(goes), WAIT).toBe(400);
    const entries = await own.end();
    expect(sent).toBeGreaterThan(2000);
    expect(packetsOf(entries, `eni-${stays.here}`)).toBe(sent);
    expect(packetsOf(entries, `eni-${goes.here}`)).toBe(400);
    // It was not watched for a while, and the windows say so.
    const skipped = entries.filter((entry) => entry['log-status'] === 'SKIPDATA');
    expect(skipped.some((entry) => entry['eni-id'] === `eni-${goes.here}`)).toBe(true);
    expect(own.count(new RegExp(`captures at ${stays.here}\n`, 'g'))).toBe(1);
  });

  testWithNetwork('counts nothing twice where an interface goes and comes at once', async () => {
    const [stays, blinks] = [Veth.make(), Veth.make()];
    const own = Configured.start('blink', [stays.here, blinks.here], 'workers: 2\n');
    await own.agent.until(new RegExp(`captures at ${blinks.here}\n`));
    let isOver = false;
    let sent = 0;
    const sending = (async () => {
      while (!isOver) {
        await blinks.send(frames(50), 40);
        sent += 2000;
      }
    })();
    for (let turn = 0; turn < 6; turn++) {
      await own.change([stays.here]);
      await own.change([stays.here, blinks.here]);
    }
    await expect.poll(() => own.count(new RegExp(`captures at ${blinks.here}\n`, 'g')), WAIT).toBe(7);
    isOver = true;
    await sending;
    await blinks.send(frames(10, PORT + 1), 10);
    const entries = await own.end();
    const seen = (port: number): number =>
      packetsOf(
        entries.filter((entry) => entry['dstport'] === String(port)),
        `eni-${blinks.here}`,
      );
    expect(seen(PORT)).toBeGreaterThan(0);
    expect(seen(PORT)).toBeLessThanOrEqual(sent);
    expect(seen(PORT + 1)).toBe(100);
  });

  testWithNetwork('keeps its configuration where the file is wrong, and says all of that', async () => {
    const veth = Veth.make();
    const own = Configured.start('wrong', [veth.here]);
    await own.agent.until(new RegExp(`captures at ${veth.here}\n`));
    const stays = /the configuration stays as it was/g;
    fs.writeFileSync(own.file, 'interfaces: []\nwindw: 60\nlateness: no\n');
    await own.hangUp(stays);
    expect(own.agent.said).toContain(`${own.file}:1:13: interfaces: expected a list`);
    expect(own.agent.said).toContain(`${own.file}:2:1: windw: expected the name of an option`);
    expect(own.agent.said).toContain(`${own.file}:3:11: lateness: expected a whole number`);
    fs.rmSync(own.file);
    await own.hangUp(stays);
    expect(own.agent.said).toContain(
      `${own.file}: expected a YAML file, found none that can be read: there is no such`,
    );
    await veth.send(frames(10), 10);
    await expect.poll(() => own.seenAt(veth), WAIT).toBe(100);
    expect(packetsOf(await own.end(), `eni-${veth.here}`)).toBe(100);
    expect(own.count(/captures at/g)).toBe(1);
  });

  testWithNetwork('names what cannot change while it runs', async () => {
    const veth = Veth.make();
    const pattern = `'${veth.here}*'`;
    const own = Configured.start('fixed', [pattern]);
    await own.agent.until(new RegExp(`captures at ${veth.here}\n`));
    await own.change([pattern]);
    expect(own.agent.said).not.toContain('cannot change');
    await own.change([`{name: ${veth.here}, side: peer, eni: eni-x}`], 'max-flows: 5000\nlocal: [10.0.0.0/8]\n');
    await own.agent.until(/cannot change while it runs: local, eni, max-flows; start the agent again\n/);
    await own.agent.until(new RegExp(`${veth.here} is captured with side self until it comes again, then peer\n`));
    const missing = `${veth.here}x`;
    await own.change([pattern, missing]);
    await own.agent.until(new RegExp(`waiting for ${missing} to come\n`));
    await own.end();
    expect(own.count(/captures at/g)).toBe(1);
  });
});
