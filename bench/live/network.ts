// A veth pair between this network namespace and one of its own, for a bench: made, and gone with it.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

/** The end that is here, and is captured. */
export const HERE = 'wbench0';
const THERE = 'wbench1';
const NAMESPACE = 'windrow-bench';

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Throws where this process may not, or one of that name is left from a bench that was killed: it goes first. */
export function makeNetwork(): void {
  removeNetwork();
  ip('netns', 'add', NAMESPACE);
  ip('link', 'add', HERE, 'type', 'veth', 'peer', 'name', THERE, 'netns', NAMESPACE);
  // No chatter of IPv6: what is counted is what is sent.
  execFileSync('sysctl', ['-qw', `net.ipv6.conf.${HERE}.disable_ipv6=1`]);
  execFileSync('ip', ['netns', 'exec', NAMESPACE, 'sysctl', '-qw', `net.ipv6.conf.${THERE}.disable_ipv6=1`]);
  ip('link', 'set', HERE, 'up');
  ip('netns', 'exec', NAMESPACE, 'ip', 'link', 'set', THERE, 'up');
}

export function removeNetwork(): void {
  for (const args of [
    ['netns', 'del', NAMESPACE],
    ['link', 'del', HERE],
  ]) {
    try {
      ip(...args);
    } catch {
      // Not there.
    }
  }
}

/** What a command in the namespace is begun with, and the interface that it has there. */
export const INSIDE = ['netns', 'exec', NAMESPACE] as const;
export { THERE };

/** Packets that the interface here has received. */
export function received(): number {
  return Number(fs.readFileSync(`/sys/class/net/${HERE}/statistics/rx_packets`, 'utf8'));
}
