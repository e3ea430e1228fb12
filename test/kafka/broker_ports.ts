// Ports for a broker that has to find them free again after it was killed.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';

const LOWEST = 10_000;

/**
 * Free ports of loopback, below those that the kernel gives to whoever connects: a client that tries again and again to
 * reach a broker that is gone would sooner or later get the broker's own port, and hold it.
 */
export async function freePorts(count: number): Promise<number[]> {
  const above = Number.parseInt(fs.readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'));
  const found = new Set<number>();
  while (found.size < count) {
    const port = randomInt(LOWEST, Math.max(above, 2 * LOWEST));
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

async function isFree(port: number): Promise<boolean> {
  const server = net.createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch {
    return false;
  }
  await once(server.close(), 'close');
  return true;
}
