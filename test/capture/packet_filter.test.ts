// Filters as programs of the kernel: what is compiled, what is refused, and how long that may take.
import { describe, expect } from 'vitest';
import { PacketFilter, SNAP_BYTES, libpcapVersion } from '../../src/capture/packet_filter.ts';
import { WindrowError } from '../../src/base/errors.ts';
import { testWhere } from '../needs.ts';

const testWithLibpcap = testWhere(libpcapVersion() !== undefined, 'libpcap is not installed (Debian: libpcap0.8)');

const ETHERNET = 1;
const RAW = 101;
/** BPF_RET | BPF_K, of include/uapi/linux/bpf_common.h. */
const RETURN = 6;

interface Instruction {
  readonly code: number;
  readonly k: number;
}

function instructionsOf(program: Uint8Array): Instruction[] {
  const view = new DataView(program.buffer, program.byteOffset, program.length);
  return Array.from({ length: program.length / 8 }, (_, n) => ({
    code: view.getUint16(8 * n, true),
    k: view.getUint32(8 * n + 4, true),
  }));
}

/** Of what is thrown: its code and message. */
function refusal(act: () => unknown): [string, string] {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(WindrowError);
    return [(error as WindrowError).code, (error as WindrowError).message];
  }
  throw new Error('it was not refused');
}

describe('a filter', () => {
  testWithLibpcap('takes the first bytes of what it holds for, and nothing of what it does not', () => {
    const filter = PacketFilter.of('udp port 53 or host 192.0.2.1');
    for (const linkType of [ETHERNET, RAW]) {
      const instructions = instructionsOf(filter.programFor('eth0', linkType));
      const returned = instructions.filter(({ code }) => code === RETURN).map(({ k }) => k);
      expect(new Set(returned)).toEqual(new Set([SNAP_BYTES, 0]));
    }
    expect(filter.programFor('eth0', ETHERNET)).not.toEqual(filter.programFor('tun0', RAW));
    expect(filter.programFor('eth0', ETHERNET)).toBe(filter.programFor('eth1', ETHERNET));
  });

  testWithLibpcap('of another link type is refused at interfaces of that type only', () => {
    const filter = PacketFilter.of('ether host 02:00:00:00:00:01');
    expect(filter.programFor('eth0', ETHERNET).length).toBeGreaterThan(0);
    expect(refusal(() => filter.programFor('tun0', RAW))).toEqual([
      'INPUT_REFUSED',
      expect.stringMatching(/^tun0: --filter does not go with what it carries: ethernet addresses supported only on/),
    ]);
  });

  testWithLibpcap.each([
    ['', /expected an expression as of tcpdump, found nothing; leave it out for all packets/],
    [' \t\n', /found nothing/],
    ['udp\0port 53', /found a character that ends it \(NUL\)/],
    ['udp port', /expected an expression as of tcpdump \(pcap-filter\(7\)\): .*syntax error/],
    ['udp)', /syntax error/],
    ['port http and (tcp', /syntax error/],
    ['port 65536', /illegal port number 65536 > 65535/],
    ['tcp and udp', /expression rejects all packets/],
    ['vlan 5', /takes VLAN tags off before a filter sees/],
    ['not (vlan and udp)', /takes VLAN tags off/],
    ['!'.repeat(16_000) + 'udp', /memory exhausted/],
    ['x'.repeat(16_000), /expected an expression as of tcpdump/],
    ['('.repeat(8192) + 'udp' + ')'.repeat(8192), /at most 1,000 words in 16,384 characters, found 1 in 16,387/],
    ['😀 ‮', /expected an expression as of tcpdump/],
  ])('%j is refused', (expression, expected) => {
    const [code, message] = refusal(() => PacketFilter.of(expression));
    expect(code).toBe('USAGE');
    expect(message).toMatch(expected);
    expect(message).toMatch(/^--filter: /);
  });

  testWithLibpcap('may have vlan in it where tags are shown to it', () => {
    const filter = PacketFilter.of('vlan 5', { hasTags: true });
    expect(filter.programFor('eth0', ETHERNET).length).toBeGreaterThan(0);
  });

  testWithLibpcap('may speak of what is only called vlan', () => {
    expect(refusal(() => PacketFilter.of('ip proto \\vlan'))[1]).toMatch(/unknown ip proto 'vlan'/);
  });

  testWithLibpcap('that is too long is refused before it is compiled, which would take hours', () => {
    const ports = Array.from({ length: 10_000 }, (_, n) => `port ${n + 1}`).join(' or ');
    expect(refusal(() => PacketFilter.of(ports))[1]).toMatch(/expected at most 1,000 words .* found 29,999 in/);
    const fewer = `port ${Array.from({ length: 450 }, (_, n) => n + 1).join(' or ')}`;
    expect(refusal(() => PacketFilter.of(fewer))).toEqual([
      'USAGE',
      expect.stringMatching(/it is too long: \d+ instructions, where at most 12000 can be/),
    ]);
    const hosts = `host ${Array.from({ length: 100 }, (_, n) => `10.0.0.${n}`).join(' or ')}`;
    expect(PacketFilter.of(hosts).programFor('eth0', ETHERNET).length).toBeGreaterThan(8 * 300);
  });
});

describe('libpcap', () => {
  testWithLibpcap('says its version', () => {
    expect(libpcapVersion()).toMatch(/^libpcap version 1\./);
  });

  testWithLibpcap('that is not there is named with what to install', () => {
    // A library that is none, and one that is another.
    for (const name of ['libpcap.so.999', '/dev/null', 'libc.so.6', '']) {
      expect(libpcapVersion([name]), name).toBeUndefined();
      expect(refusal(() => PacketFilter.of('udp', { libraries: [name] }))).toEqual([
        'INPUT_REFUSED',
        '--filter needs libpcap, which is not there: install libpcap (Debian: apt-get install libpcap0.8)',
      ]);
    }
    expect(libpcapVersion(['libpcap.so.999', 'libpcap.so.1', 'libpcap.so.0.8'])).toBe(libpcapVersion());
  });
});
