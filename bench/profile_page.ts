// A profile as Markdown: a table a workload, a sentence about each of the largest items, and the counters.
import { markdownTable, short } from './markdown.ts';
import { SAMPLES_PER_SECOND } from './perf.ts';
import type { WorkersProfile, WorkloadProfile } from './profile.ts';
import type { Item } from './profile_items.ts';
import { sentenceOf } from './profile_sentences.ts';

export interface ProfilePage {
  readonly command: string;
  readonly date: string;
  readonly machine: string;
  readonly workloads: readonly WorkloadProfile[];
}

/** Items are listed down to this share of the CPU time; the others are one line. */
const LEAST_SHARE = 0.01;
const MOST_SENTENCES = 3;
/** By number of workers. */
const WORKERS: Readonly<Record<number, string>> = { 1: 'one worker', 2: 'two workers' };

export function renderProfile(page: ProfilePage): string {
  return [
    '# Where the time goes',
    '',
    `\`${page.command}\`, ${page.date}`,
    '',
    `${page.machine}. Sampled by \`perf record\` ${SAMPLES_PER_SECOND} times a second of CPU time (\`cpu-clock\`), whole processes from start to end, the entries written to /dev/null. Shares are those of self time; nanoseconds are CPU time of all threads over all packets of the capture. A function that the compiler inlined counts as the one that it is in. What the kernel did counts by what it was called for.`,
    ...page.workloads.flatMap(renderWorkload),
    ...renderCounters(page.workloads),
    ...renderCommands(page.workloads),
    '',
  ].join('\n');
}

function renderWorkload({ name, title, packets, workers }: WorkloadProfile): string[] {
  const [first] = workers;
  const head = workers.flatMap(({ workers: count }) => [`% ${WORKERS[count]}`, 'ns a packet']);
  const cells = (of: (profile: WorkersProfile) => number): string[] =>
    workers.flatMap((profile) => {
      const ns = of(profile);
      return [((ns / total(profile.items)) * 100).toFixed(1), short(ns / packets)];
    });
  const listed = listedItems(workers);
  const rows = listed.map((item) => [
    nameOf(item),
    item.module,
    ...cells(({ items }) => items.find((one) => isSame(one, item))?.ns ?? 0),
  ]);
  const others = (items: readonly Item[]): Item[] => items.filter((item) => !listed.some((one) => isSame(one, item)));
  return [
    '',
    `## ${name}: ${title}`,
    '',
    `${(packets / 1e6).toFixed(0)} M packets.`,
    '',
    ...markdownTable(
      `ll${'rr'.repeat(workers.length)}`,
      ['item', 'module', ...head],
      [
        ...rows,
        ['everything else', '', ...cells(({ items }) => total(others(items)))],
        ['**all**', '', ...cells(({ items }) => total(items))],
      ],
    ),
    '',
    ...listed.slice(0, MOST_SENTENCES).map((item) => `- ${nameOf(item)} (${item.module}): ${sentenceOf(item)}`),
    ...(first.items.some(({ module }) => module === 'kernel')
      ? []
      : ['', 'perf was not allowed to look into the kernel: its time is in none of the items.']),
  ];
}

/** Those that are large with any number of workers, in the order of the first. */
function listedItems(workers: readonly WorkersProfile[]): Item[] {
  const isLarge = (item: Item): boolean =>
    workers.some(({ items }) => {
      const ns = items.find((one) => isSame(one, item))?.ns ?? 0;
      return ns >= LEAST_SHARE * total(items);
    });
  const all = workers.flatMap(({ items }) => items);
  return all.filter((item, i) => all.findIndex((one) => isSame(one, item)) === i && isLarge(item));
}

function renderCounters(workloads: readonly WorkloadProfile[]): string[] {
  const runs = workloads.flatMap(({ name, packets, workers }) =>
    workers.map(({ workers: count, counters }) => ({ name, packets, count, counters })),
  );
  const isCounted = runs.some(({ counters }) => counters.cycles !== null);
  const head = ['workload', 'workers', 'CPU ns', ...(isCounted ? ['cycles', 'instructions', 'a cycle'] : [])];
  const rows = runs.map(({ name, packets, count, counters: { cpuNs, cycles, instructions } }) => {
    const each = (value: number | null): string => (value === null ? '-' : short(value / packets));
    const perCycle = cycles === null || instructions === null ? '-' : short(instructions / cycles);
    return [name, String(count), each(cpuNs), ...(isCounted ? [each(cycles), each(instructions), perCycle] : [])];
  });
  return [
    '',
    '## Counters, per packet',
    '',
    'By `perf stat`, in runs of their own.',
    ...(isCounted
      ? []
      : [
          'This machine has no hardware counters (a virtual one often has none): cycles per packet and instructions per cycle are not known.',
        ]),
    '',
    ...markdownTable(isCounted ? 'lrrrrr' : 'lrr', head, rows),
  ];
}

function renderCommands(workloads: readonly WorkloadProfile[]): string[] {
  const commands = new Set(workloads.flatMap(({ workers }) => workers.map(({ command }) => command)));
  return ['', '## Commands', '', ...[...commands].map((command) => `- \`${command}\``)];
}

function nameOf({ name, module }: Item): string {
  return module === 'native core' ? `\`${name}\`` : name;
}

function isSame(one: Item, other: Item): boolean {
  return one.name === other.name && one.module === other.module;
}

function total(items: readonly Item[]): number {
  return items.reduce((sum, { ns }) => sum + ns, 0);
}
