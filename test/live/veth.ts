// A network namespace with one end of a veth pair in it, and the other one here.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { connect } from 'node:net';

const PIPED: SpawnOptions = { stdio: ['pipe', 'pipe', 'inherit'] };

let made = 0;

export class Veth {
  /** The end that is here. */
  here: string;
  /** The end that is in the namespace. */
  readonly there = 'peer0';
  readonly namespace: string;
  #isRemoved = false;
  /** Addresses of the two ends. */
  readonly addresses: { readonly here: string; readonly there: string };

  /** Names and addresses that the other test files of the run do not have. */
  private constructor(number: number) {
    this.here = `wt${process.pid % 100_000}n${number}`;
    this.namespace = `windrow-${this.here}`;
    // By then the first of them are gone.
    const subnet = `10.${64 + (process.pid % 64)}.${number % 256}`;
    this.addresses = { here: `${subnet}.1`, there: `${subnet}.2` };
  }

  /** Both ends are up, and have addresses. */
  static make(): Veth {
    const veth = new Veth(++made);
    const { namespace, here, there, addresses } = veth;
    ip('netns', 'add', namespace);
    ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', namespace);
    // No chatter of IPv6: what is counted is what the tests send.
    execFileSync('sysctl', ['-qw', `net.ipv6.conf.${here}.disable_ipv6=1`]);
    veth.execute('sysctl', '-qw', `net.ipv6.conf.${there}.disable_ipv6=1`);
    ip('addr', 'add', `${addresses.here}/24`, 'dev', here);
    veth.execute('ip', 'addr', 'add', `${addresses.there}/24`, 'dev', there);
    ip('link', 'set', here, 'up');
    veth.execute('ip', 'link', 'set', there, 'up');
    return veth;
  }

  /** Gives the end that is here another name. */
  rename(name: string): void {
    ip('link', 'set', this.here, 'down');
    ip('link', 'set', this.here, 'name', name);
    ip('link', 'set', name, 'up');
    ip('addr', 'replace', `${this.addresses.here}/24`, 'dev', name);
    this.here = name;
  }

  /** Runs a command in the namespace; gives what it wrote. */
  execute(...command: readonly string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.namespace, ...command], { encoding: 'utf8' });
  }

  /** Runs a command here; gives what it wrote. */
  executeHere(...[program, ...args]: readonly string[]): string {
    return execFileSync(program, args, { encoding: 'utf8' });
  }

  /** Starts a command in the namespace. */
  start(...command: readonly string[]): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.namespace, ...command], PIPED);
  }

  /** Sends frames out of the namespace, each so many times, as fast as it can. */
  async send(frames: readonly Uint8Array[], times: number): Promise<void> {
    await sendBy(this.start('python3', '-c', SENDER, this.there, String(times)), frames);
  }

  /** Super-frames are made and taken at both ends, or are not. */
  setOffloads(isOn: boolean): void {
    const features = ['tso', 'gso', 'gro'].flatMap((feature) => [feature, isOn ? 'on' : 'off']);
    execFileSync('ethtool', ['-K', this.here, ...features]);
    this.execute('ethtool', '-K', this.there, ...features);
  }

  /** Sends frames from here. */
  async sendHere(frames: readonly Uint8Array[], times: number): Promise<void> {
    await sendBy(spawn('python3', ['-c', SENDER, this.here, String(times)], PIPED), frames);
  }

  /** Moves so many bytes over a TCP connection that is opened here, away from here or back; gives its port here. */
  async transfer(bytes: number, way: 'out' | 'in'): Promise<number> {
    const server = this.start('python3', '-c', SERVER, this.addresses.there, String(bytes), way);
    const closed = once(server, 'close') as Promise<[number | null]>;
    const [said] = (await once(server.stdout!, 'data')) as [Buffer];
    const socket = connect(Number(said.toString()), this.addresses.there);
    await once(socket, 'connect');
    const port = socket.localPort!;
    let got = 0;
    socket.on('data', (data) => (got += data.length));
    const over = once(socket, 'close');
    if (way === 'out') socket.end(Buffer.alloc(bytes));
    await over;
    const [code] = await closed;
    if (code !== 0 || (way === 'in' && got !== bytes)) throw new Error(`the transfer ended with ${code}, ${got} bytes`);
    return port;
  }

  /** Segments of TCP that the end has sent again which data goes out from, as its namespace counts them. */
  resent(way: 'out' | 'in'): number {
    const file = '/proc/net/snmp';
    const text = way === 'out' ? fs.readFileSync(file, 'utf8') : this.execute('cat', file);
    const [names, values] = text
      .split('\n')
      .filter((line) => line.startsWith('Tcp:'))
      .map((line) => line.split(' '));
    return Number(values[names.indexOf('RetransSegs')]);
  }

  remove(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    execFileSync('ip', ['netns', 'del', this.namespace], { stdio: 'ignore' });
    // Its other end goes with it, sooner or later.
    try {
      execFileSync('ip', ['link', 'del', this.here], { stdio: 'ignore' });
    } catch {
      // gone already
    }
  }
}

async function sendBy(sender: ChildProcess, frames: readonly Uint8Array[]): Promise<void> {
  const closed = once(sender, 'close') as Promise<[number | null]>;
  sender.stdin!.end(frames.map((frame) => Buffer.from(frame).toString('hex')).join('\n'));
  const [code] = await closed;
  if (code !== 0) throw new Error(`the sender ended with ${code}`);
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args);
}

/** Frames as hexadecimal lines; the kernel may have no room for a moment. */
const SENDER = `
import socket, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
frames = [bytes.fromhex(line) for line in sys.stdin.read().split()]
for _ in range(int(sys.argv[2])):
    for frame in frames:
        while True:
            try:
                s.send(frame)
                break
            except OSError as e:
                if e.errno != 105: raise
                time.sleep(0.001)
`;

/** Serves one connection: sends, or takes all that comes. */
const SERVER = `
import socket, sys
address, size, way = sys.argv[1], int(sys.argv[2]), sys.argv[3]
server = socket.create_server((address, 0))
print(server.getsockname()[1], flush=True)
peer, _ = server.accept()
if way == 'in':
    peer.sendall(bytes(size))
    peer.shutdown(socket.SHUT_WR)
got = 0
while data := peer.recv(1 << 20):
    got += len(data)
peer.close()
sys.exit(0 if way == 'in' or got == size else 1)
`;
