// What a host has: its kernel, rights, memory and clock, on machines where each of them is missing.
import { describe, expect, test } from 'vitest';
import { checkCapabilities } from '../../../src/app/doctor/capabilities.ts';
import { checkClock } from '../../../src/app/doctor/clock.ts';
import { checkKernel } from '../../../src/app/doctor/kernel.ts';
import { checkLibpcap } from '../../../src/app/doctor/libpcap.ts';
import { checkMemory } from '../../../src/app/doctor/memory.ts';
import { machine } from './machine.ts';

const statuses = (findings: readonly { readonly status: string }[]): string[] => findings.map(({ status }) => status);

describe('the kernel', () => {
  test.each([
    ['4.4.0-26-amd64', 'warning'],
    ['4.6.0', 'ok'],
    ['3.10.0-1160.el7.x86_64', 'warning'],
    ['4.20.0', 'ok'],
    ['5.4.0-150-generic', 'ok'],
    ['6.18.44+', 'ok'],
    ['of somebody', 'warning'],
  ])('%s is %s', (release, status) => {
    expect(checkKernel(machine({ release }))[0]).toMatchObject({ check: 'kernel', status });
  });

  test('is a failure where it is not Linux, and nothing more is said of it', () => {
    expect(checkKernel(machine({ platform: 'darwin', release: '23.0.0' }))).toEqual([
      {
        check: 'kernel',
        status: 'failure',
        says: 'darwin 23.0.0: packets are captured on Linux only',
        todo: 'replay captures here, or run the agent on a Linux host',
      },
    ]);
  });

  test('without packet sockets is warned of', () => {
    expect(checkKernel(machine({ files: { '/proc/net/packet': undefined } }))[1]).toMatchObject({
      subject: 'packet sockets',
      status: 'warning',
      todo: 'modprobe af_packet',
    });
  });
});

describe('capabilities', () => {
  const withMask = (mask: string): string[] =>
    statuses(checkCapabilities(machine({ files: { '/proc/self/status': `CapEff:\t${mask}\nCapBnd:\t0\n` } })));

  test.each([
    ['0000000000000000', ['failure', 'warning']],
    ['0000000000001000', ['failure', 'ok']],
    ['0000000000002000', ['ok', 'warning']],
    ['0000000000003000', ['ok', 'ok']],
    // Of those beside them, none counts; and all 41 do not overflow.
    ['ffffffffffffcfff', ['failure', 'warning']],
    ['000001ffffffffff', ['ok', 'ok']],
  ])('%s are CAP_NET_RAW and CAP_NET_ADMIN: %s', (mask, expected) => {
    expect(withMask(mask)).toEqual(expected);
  });

  test('that nothing tells are warned of', () => {
    expect(statuses(checkCapabilities(machine({ files: { '/proc/self/status': undefined } })))).toEqual(['warning']);
  });
});

describe('the clock', () => {
  const FOLDER = '/sys/devices/system/clocksource/clocksource0';
  const withSources = (current: string | undefined, available?: string): unknown =>
    checkClock(
      machine({
        files: { [`${FOLDER}/current_clocksource`]: current, [`${FOLDER}/available_clocksource`]: available },
      }),
    )[0];

  test.each(['tsc', 'kvm-clock', 'arch_sys_counter', 'hyperv_clocksource_tsc_page'])('%s is fast', (source) => {
    expect(withSources(`${source}\n`)).toEqual({
      check: 'clock',
      status: 'ok',
      says: `${source}, which is fast to read`,
    });
  });

  test('that is slow is warned of, with a fast one that there is', () => {
    expect(withSources('hpet\n', 'tsc hpet acpi_pm \n')).toMatchObject({
      status: 'warning',
      says: expect.stringContaining('hpet, which is slow to read') as string,
      todo: `echo tsc > ${FOLDER}/current_clocksource`,
    });
    expect(withSources('acpi_pm\n', 'acpi_pm jiffies \n')).toMatchObject({
      status: 'warning',
      todo: expect.stringContaining('dmesg') as string,
    });
    expect(withSources(undefined)).toMatchObject({ status: 'warning', todo: 'mount /sys' });
  });
});

describe('memory', () => {
  const GIB = 2 ** 30;
  const rings = { interfaces: 4, ringBytes: GIB };
  const available = (gib: number): Readonly<Record<string, string>> => ({
    '/proc/meminfo': `MemAvailable: ${gib * 2 ** 20} kB\n`,
  });

  test.each([
    [3, 'failure'],
    [4, 'warning'],
    [7, 'warning'],
    [8, 'ok'],
  ])('of %i GiB for rings of 4 GiB is: %s', (gib, status) => {
    const [finding] = checkMemory(machine({ files: available(gib) }), rings);
    expect(finding).toMatchObject({
      status,
      says: expect.stringContaining('rings of 1.00 GiB for 4 interfaces need 4.00 GiB') as string,
    });
  });

  test('is limited by the smallest limit of the control groups above this process, less what they hold', () => {
    const root = '/sys/fs/cgroup/unified';
    const files = {
      ...available(64),
      '/proc/self/cgroup': '1:cpu:/elsewhere\n0::/a/b\n',
      '/proc/self/mounts': `tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup2 ${root} cgroup2 rw,relatime 0 0\n`,
      [`${root}/a/b/memory.max`]: 'max\n',
      [`${root}/a/memory.max`]: `${10 * GIB}\n`,
      [`${root}/a/memory.current`]: `${6 * GIB}\n`,
      // What is read from disk once gives way.
      [`${root}/a/memory.stat`]: `anon 5\ninactive_file ${GIB}\nactive_file 7\n`,
    };
    expect(checkMemory(machine({ files }), rings)[1]).toMatchObject({
      subject: 'control group',
      status: 'warning',
      says: expect.stringContaining('its limit leaves 5.00 GiB') as string,
    });
    expect(statuses(checkMemory(machine({ files }), { interfaces: 1, ringBytes: GIB }))).toEqual(['ok', 'ok']);
  });

  test('is limited by control groups of version 1 too, whose greatest number is no limit', () => {
    const root = '/sys/fs/cgroup/memory';
    const files = (limit: string): Readonly<Record<string, string>> => ({
      ...available(64),
      '/proc/self/cgroup': '4:memory:/jobs\n0::/\n',
      '/proc/self/mounts': `cgroup ${root} cgroup rw,relatime,memory 0 0\n`,
      [`${root}/jobs/memory.limit_in_bytes`]: limit,
      [`${root}/jobs/memory.usage_in_bytes`]: '0\n',
    });
    expect(statuses(checkMemory(machine({ files: files(`${2 * GIB}\n`) }), rings))).toEqual(['ok', 'warning']);
    expect(statuses(checkMemory(machine({ files: files('9223372036854771712\n') }), rings))).toEqual(['ok']);
  });
});

describe('libpcap', () => {
  test('is told, and is no fault where it is not there', () => {
    expect(checkLibpcap(machine())).toEqual([{ check: 'libpcap', status: 'ok', says: 'libpcap version 1.10.3' }]);
    expect(checkLibpcap(machine({ hasLibpcap: false }))).toEqual([
      {
        check: 'libpcap',
        status: 'ok',
        says: 'not there, which --filter of an agent needs alone (Debian: apt-get install libpcap0.8)',
      },
    ]);
  });
});
