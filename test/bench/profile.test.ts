// A profile: samples of perf as items, and the page that shows them.
import { describe, expect, test } from 'vitest';
import { readCounters } from '../../bench/perf.ts';
import { itemsOf } from '../../bench/profile_items.ts';
import type { Item } from '../../bench/profile_items.ts';
import { renderProfile } from '../../bench/profile_page.ts';

const KERNEL = 'ffffffff81591167';
const USER = '    7f26c6cf2ad7';

/** A sample as `perf script` writes it: its period, then its stack from the inside. */
function sample(ns: number, ...stack: [address: string, symbol: string, file: string][]): string {
  return [`${String(ns).padStart(10)} `, ...stack.map(([at, symbol, file]) => `\t${at} ${symbol} (${file})`)].join(
    '\n',
  );
}

const script = [
  sample(
    5,
    [USER, 'windrow::FlowTable::add_to<windrow::Key4>', '/x/windrow.node'],
    [USER, 'Builtins_Call', '/bin/node'],
  ),
  sample(2, [USER, 'windrow::(anonymous namespace)::flush_rows.cold', '/x/windrow.node']),
  sample(3, [USER, 'windrow::FlowTable::add_to<windrow::Key4>', '/x/windrow.node']),
  sample(20, [
    USER,
    'windrow::Reader::read(unsigned long, windrow::Chunk*)::{lambda(Record const&)#1}::operator()',
    '/x/windrow.node',
  ]),
  sample(1, [USER, '[unknown]', '/x/windrow.node']),
  sample(30, [KERNEL, '_copy_to_iter', '[kernel.kallsyms]'], [KERNEL, 'filemap_read', '[kernel.kallsyms]']),
  sample(
    10,
    [KERNEL, 'clear_page', '[kernel.kallsyms]'],
    [KERNEL, 'exc_page_fault', '[kernel.kallsyms]'],
    [KERNEL, 'vfs_read', '[ext4]'],
  ),
  sample(9, [KERNEL, 'schedule', '[kernel.kallsyms]'], [USER, 'vfs_read', '/bin/node']),
  sample(7, [USER, '__memmove_avx512_unaligned_erms', '/lib/x86_64-linux-gnu/libc.so.6']),
  sample(6, [USER, 'v8::internal::Scavenger::Process(v8::JobDelegate*)', '/bin/node']),
  sample(
    4,
    [USER, 'v8::internal::Zone::New', '/bin/node'],
    [USER, 'v8::internal::compiler::PipelineImpl::Run', '/bin/node'],
  ),
  sample(40, [USER, 'main (in two words)', '/bin/node']),
].join('\n\n');

describe('items', () => {
  test('are native functions by name, the kernel and Node by what they did, the largest first', () => {
    expect(itemsOf(script).map(({ module, name, ns }) => [module, name, ns])).toEqual([
      ['Node, V8', 'start-up, and calls from JavaScript', 40],
      ['kernel', 'copy from the page cache', 30],
      ['native core', 'Reader::read', 20],
      ['kernel', 'page faults', 10],
      ['kernel', 'other work: scheduling, locks, start and exit', 9],
      ['native core', 'FlowTable::add_to<Key4>', 8],
      ['libraries', 'memmove', 7],
      ['Node, V8', 'garbage collection', 6],
      ['Node, V8', 'compiling JavaScript', 4],
      ['native core', 'flush_rows', 2],
      ['native core', 'without a symbol', 1],
    ]);
  });

  test('are none of what is no sample', () => {
    expect(itemsOf('')).toEqual([]);
    expect(itemsOf('     1003009 \n\n')).toEqual([]);
  });
});

describe('counters', () => {
  test('are read in any order, with the suffix of an unprivileged run', () => {
    const text =
      '3000;;instructions:u;9;100.00;1.5;insn per cycle\n\n2000;;cycles:u;9;100.00;;\n1.5;msec;task-clock:u;9;100.00;;\n';
    expect(readCounters(text)).toEqual({ cpuNs: 1.5e6, cycles: 2000, instructions: 3000 });
  });

  test('that the machine does not have are null, not 0', () => {
    const text = '0.81;msec;task-clock;810502;100.00;0.425;CPUs utilized\n<not supported>;;cycles;0;100.00;;\n';
    expect(readCounters(text)).toEqual({ cpuNs: 0.81e6, cycles: null, instructions: null });
  });
});

describe('the page', () => {
  const counters = { cpuNs: 1.2e9, cycles: null, instructions: null };
  const items = (...ns: number[]): Item[] =>
    ns.map((one, i) => ({ name: `item${i}`, module: i === 0 ? 'native core' : 'kernel', ns: one }));
  const page = (more: object): string =>
    renderProfile({
      command: 'npm run bench -- --profile',
      date: '2026-01-05',
      machine: '2 cores',
      workloads: [
        {
          name: 'imix',
          title: 'IMIX',
          packets: 1e6,
          workers: [
            { workers: 1, command: 'windrow', items: items(6e8, 3e8, 98e6, 2e6), counters, ...more },
            { workers: 2, command: 'windrow', items: items(8e8, 2e8), counters },
          ],
        },
      ],
    });

  test('has the share of each item and its time a packet, and the small ones as one line', () => {
    expect(page({})).toContain(
      [
        '| item | module | % one worker | ns a packet | % two workers | ns a packet |',
        '| --- | --- | --: | --: | --: | --: |',
        '| `item0` | native core | 60.0 | 600.0 | 80.0 | 800.0 |',
        '| item1 | kernel | 30.0 | 300.0 | 20.0 | 200.0 |',
        '| item2 | kernel | 9.8 | 98.0 | 0.0 | 0.00 |',
        '| everything else |  | 0.2 | 2.00 | 0.0 | 0.00 |',
        '| **all** |  | 100.0 | 1000.0 | 100.0 | 1000.0 |',
      ].join('\n'),
    );
  });

  test('says something about the three largest, of names that it does not know too', () => {
    const said = page({}).match(/^- .*item\d.*: \S.*\.$/gm);
    expect(said?.map((line) => /item\d/.exec(line)![0])).toEqual(['item0', 'item1', 'item2']);
  });

  test('has cycles where they were counted, and says so where they were not', () => {
    expect(page({})).toContain('This machine has no hardware counters');
    expect(page({})).toContain('| imix | 1 | 1200.0 |');
    const counted = page({ counters: { cpuNs: 1.2e9, cycles: 2e9, instructions: 5e9 } });
    expect(counted).not.toContain('This machine has no hardware counters');
    expect(counted).toContain('| imix | 1 | 1200.0 | 2000.0 | 5000.0 | 2.50 |');
    expect(counted).toContain('| imix | 2 | 1200.0 | - | - | - |');
  });
});
