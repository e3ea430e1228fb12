// An interface whose packets have no link header, and what comes in at it.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Packets of IP as hexadecimal lines. */
const WRITER = `
import fcntl, os, struct, subprocess, sys
fd = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(fd, 0x400454ca, struct.pack('16sH', sys.argv[1].encode(), 0x1001))
subprocess.run(['ip', 'link', 'set', sys.argv[1], 'up'], check=True)
print('up', flush=True)
for line in sys.stdin.read().split():
    os.write(fd, bytes.fromhex(line))
`;

let made = 0;

export class Tun {
  readonly name = `wt${process.pid % 100_000}t${++made}`;
  readonly #writer: ChildProcess;

  private constructor() {
    execFileSync('ip', ['tuntap', 'add', this.name, 'mode', 'tun']);
    execFileSync('sysctl', ['-qw', `net.ipv6.conf.${this.name}.disable_ipv6=1`]);
    this.#writer = spawn('python3', ['-c', WRITER, this.name], { stdio: ['pipe', 'pipe', 'inherit'] });
  }

  /** It is up. */
  static async make(): Promise<Tun> {
    const tun = new Tun();
    await once(tun.#writer.stdout!, 'data');
    return tun;
  }

  /** All that ever comes in. */
  async write(packets: readonly Uint8Array[]): Promise<void> {
    const closed = once(this.#writer, 'close') as Promise<[number | null]>;
    this.#writer.stdin!.end(packets.map((packet) => Buffer.from(packet).toString('hex')).join('\n'));
    const [code] = await closed;
    if (code !== 0) throw new Error(`the writer ended with ${code}`);
  }

  remove(): void {
    this.#writer.kill();
    execFileSync('ip', ['link', 'del', this.name]);
  }
}
