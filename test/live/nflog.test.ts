// What the firewall tells `windrow agent` by NFLOG: rejected packets become REJECT entries, and are not accepted as well.
// Rules, sockets and the agent are those of a network namespace.
import fs from 'node:fs';
import { describe, expect } from 'vitest';
import { Workplace } from '../app/program.ts';
import { Running } from '../app/running.ts';
import { Veth, testWithNetwork } from './network.ts';
import { entriesIn, entriesOfTree, isOk, isSkipped } from './program.ts';
import type { Entry } from './program.ts';

const workplace = new Workplace();
const COMMON = ['--window', '60', '--metrics', 'off', '--log', 'text'];

/** Sends datagrams of 10 bytes to a port, from one socket; those that the firewall refuses count as sent. */
const SEND = `
import socket, sys
address, port, times, source = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', source))
for _ in range(times):
    try:
        s.sendto(b'0123456789', (address, port))
    except PermissionError:
        pass
`;

/** A veth with IPv6 as well, whose neighbours need not be asked for. */
async function makeVeth(): Promise<{ veth: Veth; here6: string; there6: string }> {
  const veth = Veth.make();
  const number = veth.here.replace(/.*n/, '');
  const [here6, there6] = [`fd00:${number}::1`, `fd00:${number}::2`];
  const macOf = (link: string): string => /ether (\S+)/.exec(link)![1];
  const there = macOf(veth.execute('ip', 'link', 'show', veth.there));
  veth.executeHere('sysctl', '-qw', `net.ipv6.conf.${veth.here}.disable_ipv6=0`);
  veth.execute('sysctl', '-qw', `net.ipv6.conf.${veth.there}.disable_ipv6=0`);
  veth.executeHere('ip', 'addr', 'add', `${here6}/64`, 'dev', veth.here, 'nodad');
  veth.execute('ip', 'addr', 'add', `${there6}/64`, 'dev', veth.there, 'nodad');
  const here = macOf(veth.executeHere('ip', 'link', 'show', veth.here));
  for (const [address, other] of [
    [veth.addresses.there, veth.addresses.here],
    [there6, here6],
  ]) {
    veth.executeHere('ip', 'neigh', 'replace', address, 'lladdr', there, 'dev', veth.here);
    veth.execute('ip', 'neigh', 'replace', other, 'lladdr', here, 'dev', veth.there);
  }
  // A link that has just come up loses what is sent at once.
  for (const [address, file, arrived] of [
    [veth.addresses.there, '/proc/net/snmp', /^Udp: \d+ ([1-9]\d*)/m],
    [there6, '/proc/net/snmp6', /^Udp6NoPorts\s+([1-9]\d*)/m],
  ] as const) {
    const probe = (): string => {
      veth.executeHere('python3', '-c', SEND, address, '9999', '1', '7000');
      return veth.execute('cat', file);
    };
    await expect.poll(probe, { timeout: 20_000, interval: 50 }).toMatch(arrived);
  }
  return { veth, here6, there6 };
}

function rule(veth: Veth, chain: 'input' | 'output' | 'forward', text: string): void {
  veth.execute('nft', `add table inet t; add chain inet t ${chain} { type filter hook ${chain} priority 0; }`);
  veth.execute('nft', `add rule inet t ${chain} ${text}`);
}

async function startAgent(veth: Veth, output: string, ...args: readonly string[]): Promise<Running> {
  const agent = Running.startIn(veth.namespace, [
    ...['agent', '--interface', 'peer*', '--output', output, ...COMMON],
    ...args,
  ]);
  await agent.until(/captures at peer0/);
  return agent;
}

/** Ends it; gives its entries of UDP or TCP, and what it said last. */
async function endAgent(agent: Running, output: string): Promise<{ entries: Entry[]; said: string }> {
  const { code, stderr } = await agent.end('SIGTERM');
  expect(code, stderr).toBe(0);
  return { entries: entriesIn(fs.readFileSync(output, 'utf8')), said: stderr };
}

/** Packets by direction and action, of one port. */
function packetsAt(entries: readonly Entry[], port: number, eni = 'eni-peer0'): Record<string, number> {
  const own = entries.filter((e) => isOk(e) && e['eni-id'] === eni && e.protocol !== '1' && e.protocol !== '58');
  const sums: Record<string, number> = {};
  for (const { dstport, direction, action, packets } of own) {
    if (dstport !== `${port}`) continue;
    sums[`${direction} ${action}`] = (sums[`${direction} ${action}`] ?? 0) + Number(packets);
  }
  return sums;
}

describe('an agent that the firewall tells of packets', () => {
  testWithNetwork.each(['1', '2'])(
    'logs what it rejects as REJECT alone, in both directions, of IPv4 and IPv6, with %s workers',
    async (workers) => {
      const { veth, here6, there6 } = await makeVeth();
      rule(veth, 'input', 'udp dport 9001 log prefix "REJECT:in " group 5 drop');
      rule(veth, 'input', 'udp dport 9002 log prefix "ACCEPT:in " group 5 accept');
      rule(veth, 'output', 'udp dport 9004 log prefix "REJECT:out " group 5 drop');
      rule(veth, 'output', 'udp dport 9005 log group 6 drop');
      const output = workplace.at(`verdicts-${workers}.ndjson`);
      const agent = await startAgent(veth, output, '--nflog', '5,6=reject', '--workers', workers);
      for (const address of [veth.addresses.there, there6]) {
        for (const port of [9001, 9002, 9003])
          veth.executeHere('python3', '-c', SEND, address, `${port}`, '100', '7000');
      }
      for (const address of [veth.addresses.here, here6]) {
        for (const port of [9004, 9005, 9006]) veth.execute('python3', '-c', SEND, address, `${port}`, '50', '7000');
      }
      const { entries, said } = await endAgent(agent, output);
      for (const type of ['4', '6']) {
        const own = entries.filter((entry) => entry.srcaddr.includes(':') === (type === '6'));
        expect(packetsAt(own, 9001)).toEqual({ 'in REJECT': 100 });
        expect(packetsAt(own, 9002)).toEqual({ 'in ACCEPT': 100 });
        expect(packetsAt(own, 9003)).toEqual({ 'in ACCEPT': 100 });
        expect(packetsAt(own, 9004)).toEqual({ 'out REJECT': 50 });
        expect(packetsAt(own, 9005)).toEqual({ 'out REJECT': 50 });
        expect(packetsAt(own, 9006)).toEqual({ 'out ACCEPT': 50 });
      }
      const rejected = entries.find(({ dstport, srcaddr }) => dstport === '9001' && !srcaddr.includes(':'))!;
      expect(rejected).toMatchObject({ bytes: '3800', srcaddr: veth.addresses.here, 'tcp-flags': '-' });
      expect(said).not.toMatch(/firewall alone/);
    },
  );

  testWithNetwork('says in a tree as well that it was the firewall, if that is asked for', async () => {
    const { veth } = await makeVeth();
    rule(veth, 'input', 'udp dport 9001 log prefix "REJECT:in " group 5 drop');
    const root = workplace.at('judged');
    const agent = Running.startIn(veth.namespace, [
      ...['agent', '--interface', 'peer*', '--out', root, '--state', workplace.at('judged-state'), ...COMMON],
      ...['--nflog', '5', '--extended'],
    ]);
    await agent.until(/captures at peer0/);
    for (const port of ['9001', '9003']) {
      veth.executeHere('python3', '-c', SEND, veth.addresses.there, port, '100', '7000');
    }
    const { code, stderr } = await agent.end('SIGTERM');
    expect(code, stderr).toBe(0);
    const entries = entriesOfTree(root);
    const judged = (port: string): unknown[] => {
      const own = entries.filter((entry) => isOk(entry) && entry.dstport === port && entry.protocol === '17');
      const reasons = own.map((entry) => Object.entries(entry).slice(21));
      return [...new Set([...own.map(({ action }) => action), ...reasons.map((reason) => JSON.stringify(reason))])];
    };
    const reason = (source: string): string =>
      JSON.stringify([
        ['x-rule', '-'],
        ['x-verdict-source', source],
      ]);
    expect(judged('9001')).toEqual(['REJECT', reason('kernel')]);
    expect(judged('9003')).toEqual(['ACCEPT', reason('none')]);
    const quiet = entries.filter((entry) => !isOk(entry));
    expect(quiet.length).toBeGreaterThan(0);
    for (const entry of quiet) expect(JSON.stringify(Object.entries(entry).slice(21))).toBe(reason('-'));
  });

  testWithNetwork('tells the packets of one flow apart, by what became of each', async () => {
    const { veth } = await makeVeth();
    const output = workplace.at('mixed.ndjson');
    const agent = await startAgent(veth, output, '--nflog', '5=REJECT');
    const send = (): string => veth.executeHere('python3', '-c', SEND, veth.addresses.there, '9001', '70', '7000');
    send();
    rule(veth, 'input', 'udp dport 9001 log group 5 drop');
    send();
    const { entries } = await endAgent(agent, output);
    expect(packetsAt(entries, 9001)).toEqual({ 'in ACCEPT': 70, 'in REJECT': 70 });
  });

  testWithNetwork('has a forwarded packet that is rejected at both interfaces, and accepted at none', async () => {
    const { veth } = await makeVeth();
    const other = Veth.make();
    veth.executeHere('ip', '-n', other.namespace, 'link', 'set', 'peer0', 'netns', veth.namespace, 'name', 'peer1');
    veth.execute('ip', 'addr', 'add', `${other.addresses.there}/24`, 'dev', 'peer1');
    veth.execute('ip', 'link', 'set', 'peer1', 'up');
    veth.execute('sysctl', '-qw', 'net.ipv4.ip_forward=1');
    veth.execute('ip', 'neigh', 'replace', '198.51.100.7', 'lladdr', '02:00:00:00:00:07', 'dev', 'peer1');
    veth.execute('ip', 'route', 'add', '198.51.100.0/24', 'dev', 'peer1');
    veth.executeHere('ip', 'route', 'add', '198.51.100.7/32', 'via', veth.addresses.there);
    rule(veth, 'forward', 'udp dport 9001 log prefix "REJECT:" group 5 drop');
    const output = workplace.at('forwarded.ndjson');
    const agent = await startAgent(veth, output, '--nflog', '5');
    await agent.until(/captures at peer1/);
    for (const port of [9001, 9002]) veth.executeHere('python3', '-c', SEND, '198.51.100.7', `${port}`, '40', '7000');
    const { entries } = await endAgent(agent, output);
    expect(packetsAt(entries, 9001)).toEqual({ 'in REJECT': 40 });
    expect(packetsAt(entries, 9001, 'eni-peer1')).toEqual({ 'out REJECT': 40 });
    expect(packetsAt(entries, 9002)).toEqual({ 'in ACCEPT': 40 });
    expect(packetsAt(entries, 9002, 'eni-peer1')).toEqual({ 'out ACCEPT': 40 });
  });

  testWithNetwork('has super-frames as the packets that they were seen as', async () => {
    const { veth } = await makeVeth();
    veth.setOffloads(true);
    // The connection is let in, and nothing that it carries.
    rule(veth, 'input', 'tcp flags & (syn | ack) == ack tcp dport >= 1024 log group 5 drop');
    const output = workplace.at('super.ndjson');
    const agent = await startAgent(veth, output, '--nflog', '5=REJECT');
    const client = `
import socket, sys, time
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
s.setblocking(False)
s.send(bytes(100_000))
time.sleep(1)
`;
    const server = veth.start(
      'python3',
      '-c',
      "import socket, time; s = socket.create_server(('', 9100)); time.sleep(30)",
    );
    await expect.poll(() => veth.execute('ss', '-ltn'), { timeout: 10_000, interval: 50 }).toMatch(/:9100\b/);
    veth.executeHere('python3', '-c', client, veth.addresses.there, '9100');
    server.kill('SIGKILL');
    const { entries, said } = await endAgent(agent, output);
    const at = packetsAt(entries, 9100);
    // Acknowledgement of the handshake, data, and data that is sent again; never as accepted.
    expect(at['in ACCEPT']).toBe(1);
    expect(at['in REJECT']).toBeGreaterThan(10);
    expect(said).not.toMatch(/firewall alone/);
  });

  testWithNetwork('says what a rule does not say, and where nobody captures', async () => {
    const { veth } = await makeVeth();
    rule(veth, 'input', 'udp dport 9001 log prefix "drop " group 5 drop');
    rule(veth, 'output', 'oifname "lo" udp dport 9002 log prefix "REJECT:" group 5 drop');
    veth.execute('ip', 'link', 'set', 'lo', 'up');
    const output = workplace.at('unsaid.ndjson');
    const agent = await startAgent(veth, output, '--nflog', '5');
    veth.executeHere('python3', '-c', SEND, veth.addresses.there, '9001', '10', '7000');
    veth.execute('python3', '-c', SEND, '127.0.0.1', '9002', '10', '7000');
    await agent.until(/prefix that begins with neither ACCEPT: nor REJECT:/);
    const { entries } = await endAgent(agent, output);
    expect(packetsAt(entries, 9001)).toEqual({ 'in ACCEPT': 10 });
    expect(packetsAt(entries, 9002)).toEqual({});
  });

  testWithNetwork('says SKIPDATA where the firewall told of more than there was room for', async () => {
    const { veth } = await makeVeth();
    rule(veth, 'input', 'udp dport 9001 log group 5 drop');
    const output = workplace.at('lost.ndjson');
    const agent = await startAgent(veth, output, '--nflog', '5=REJECT', '--ring-memory', '256');
    agent.child.kill('SIGSTOP');
    const packets = 120_000;
    veth.executeHere('python3', '-c', SEND, veth.addresses.there, '9001', `${packets}`, '7000');
    agent.child.kill('SIGCONT');
    await agent.until(/more packets than there was room for/);
    const { entries } = await endAgent(agent, output);
    const at = packetsAt(entries, 9001);
    expect(at['in REJECT']).toBeGreaterThan(0);
    expect(at['in REJECT']).toBeLessThan(packets);
    expect(at['in REJECT'] + at['in ACCEPT']).toBe(packets);
    const window = (entry: Entry): number => Math.floor(Number(entry.start) / 60);
    const skipped = new Set(entries.filter(isSkipped).map(window));
    for (const entry of entries.filter(({ action }) => action === 'ACCEPT')) expect(skipped).toContain(window(entry));
  });

  testWithNetwork('refuses a group that somebody else has, and one that it has no right to', async () => {
    const { veth } = await makeVeth();
    const output = workplace.at('refused.ndjson');
    const agent = await startAgent(veth, output, '--nflog', '5');
    const args = ['agent', '--interface', 'peer0', '--output', '-', ...COMMON, '--nflog', '5'];
    const second = await Running.startIn(veth.namespace, args).ended;
    expect([second.code, second.stderr]).toEqual([
      1,
      expect.stringMatching(/group 5 cannot be had: another program has it/),
    ]);
    await endAgent(agent, output);
    const weak = Running.startIn(veth.namespace, args, ['setpriv', '--bounding-set', '-net_admin']);
    const refused = await weak.ended;
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/takes the capability CAP_NET_ADMIN/)]);
  });
});
