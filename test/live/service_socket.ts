// The socket of a manager of services (sd_notify(3)): what it is told, one datagram after the other.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll } from 'vitest';

const all: ServiceSocket[] = [];
afterAll(() => all.forEach((socket) => socket.close()));

export class ServiceSocket {
  /** For NOTIFY_SOCKET. */
  readonly address: string;
  /** Texts, and when each came: milliseconds of `performance.now()`. */
  readonly told: { readonly text: string; readonly at: number }[] = [];
  readonly #child: ChildProcess;

  private constructor(address: string, child: ChildProcess) {
    this.address = address;
    this.#child = child;
    let rest = '';
    child.stdout!.on('data', (bytes: Buffer) => {
      const lines = (rest + bytes.toString()).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.told.push({ text: JSON.parse(line) as string, at: performance.now() });
    });
  }

  /** `address` is a path, or an abstract name after an @. Anybody may send to it. */
  static async open(address: string): Promise<ServiceSocket> {
    const child = spawn('python3', ['-c', LISTENER, address], { stdio: ['ignore', 'pipe', 'inherit'] });
    const socket = new ServiceSocket(address, child);
    all.push(socket);
    await once(child.stdout, 'data');
    return socket;
  }

  get texts(): string[] {
    return this.told.map(({ text }) => text);
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Says first that it is there. */
const LISTENER = `
import json, os, socket, sys
address = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('\\0' + address[1:] if address[0] == '@' else address)
if address[0] != '@': os.chmod(address, 0o777)
print('""', flush=True)
while True:
    print(json.dumps(s.recv(65536).decode()), flush=True)
`;
