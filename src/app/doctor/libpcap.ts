// Whether filters can be compiled here: nobody may want one, and so its absence is no fault.
import { well } from './findings.ts';
import type { Finding } from './findings.ts';
import type { Machine } from './machine.ts';

export function checkLibpcap({ libpcap }: Machine): Finding[] {
  const version = libpcap();
  if (version !== undefined) return [well('libpcap', version)];
  return [well('libpcap', 'not there, which --filter of an agent needs alone (Debian: apt-get install libpcap0.8)')];
}
