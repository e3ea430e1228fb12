// The rules that the source tree keeps: who may import whom, what is pure, what a file is; and that the README tells the truth.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { AGENT_OPTIONS } from '../src/app/agent/options.ts';
import { DOCTOR_OPTIONS } from '../src/app/doctor_options.ts';
import { ESTIMATE_OPTIONS } from '../src/app/estimate_options.ts';
import { CREATE_OPTIONS, MODIFY_OPTIONS, STATE_OPTIONS } from '../src/app/flow_logs/options.ts';
import { metricsTable } from '../src/app/metrics.ts';
import { NETWORK_OPTIONS } from '../src/app/network_options.ts';
import { REPLAY_OPTIONS } from '../src/app/replay_options.ts';
import { SINK_OPTIONS } from '../src/app/sink_options.ts';
import type { OptionSpec } from '../src/base/options.ts';
import { DIRECTION_RULES, DIRECTION_RULE_DOCS } from '../src/cloud/locality.ts';
import { VERDICT_SOURCES, VERDICT_SOURCE_DOCS } from '../src/cloud/verdicts.ts';
import { EXCLUSIONS, EXCLUSION_DOCS } from '../src/flowlog/accounting.ts';
import { AWS_FIELDS, AWS_PATHS } from '../src/flowlog/aws_fields.ts';
import { FIELDS } from '../src/flowlog/fields.ts';
import { KAFKA_OPTIONS, PRODUCER_OPTIONS } from '../src/kafka/options.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SRC = path.join(ROOT, 'src');

/** The stages, as data passes them, and what each may import beside itself. Nobody imports app. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  app: ['base', 'capture', 'cloud', 'flow', 'flowlog', 'kafka', 'sink', 'sql', 'verify', 'web'],
  base: [],
  capture: ['base'],
  cloud: ['base'],
  flow: ['base', 'capture', 'cloud'],
  flowlog: ['base', 'cloud', 'flow'],
  kafka: ['base', 'flowlog'],
  sink: ['base', 'flowlog'],
  sql: ['base', 'flowlog', 'sink'],
  verify: ['base', 'cloud', 'flowlog'],
  web: ['base', 'cloud', 'flowlog', 'sql'],
};

/** Keys, windows, fields, codecs, rules, and what is said of them: the same arguments give the same result. */
const PURE = [
  'app/agent/config.ts',
  'app/agent/config_check.ts',
  'app/agent/config_dump.ts',
  'app/agent/config_file.ts',
  'app/agent/config_schema.ts',
  'app/agent/options.ts',
  'app/demo_capture.ts',
  'app/doctor/capabilities.ts',
  'app/doctor/clock.ts',
  'app/doctor/findings.ts',
  'app/doctor/firewall.ts',
  'app/doctor/folders.ts',
  'app/doctor/interfaces.ts',
  'app/doctor/kernel.ts',
  'app/doctor/libpcap.ts',
  'app/doctor/machine.ts',
  'app/doctor/memory.ts',
  'app/doctor_options.ts',
  'app/estimate_options.ts',
  'app/estimate_report.ts',
  'app/flow_logs/catalog.ts',
  'app/flow_logs/collecting_options.ts',
  'app/flow_logs/declared.ts',
  'app/flow_logs/options.ts',
  'app/flow_logs/render.ts',
  'app/flow_logs/state_format.ts',
  'app/format_options.ts',
  'app/metrics.ts',
  'app/counting_options.ts',
  'app/network_options.ts',
  'app/networked_options.ts',
  'app/plain_table.ts',
  'app/prices.ts',
  'app/protocol.ts',
  'app/replay_options.ts',
  'app/sink_options.ts',
  'app/report.ts',
  'app/status_options.ts',
  'app/units.ts',
  'base/addon_network.ts',
  'base/errors.ts',
  'base/json_places.ts',
  'base/nearest.ts',
  'base/schema_faults.ts',
  'base/text_lines.ts',
  'base/yaml_document.ts',
  'base/yaml_lists.ts',
  'capture/damage.ts',
  'capture/link_types.ts',
  'capture/names.ts',
  'cloud/addresses.ts',
  'cloud/eni_reader.ts',
  'cloud/findings.ts',
  'cloud/group_reader.ts',
  'cloud/locality.ts',
  'cloud/network.ts',
  'cloud/network_file.ts',
  'cloud/network_marks.ts',
  'cloud/network_model.ts',
  'cloud/network_numbers.ts',
  'cloud/network_reader.ts',
  'cloud/network_schema.ts',
  'cloud/network_scope.ts',
  'cloud/network_tables.ts',
  'cloud/owner_check.ts',
  'cloud/owner_reader.ts',
  'cloud/prefix_table.ts',
  'cloud/route_reader.ts',
  'cloud/route_tables.ts',
  'cloud/rule_reader.ts',
  'cloud/rule_tables.ts',
  'cloud/traffic_paths.ts',
  'cloud/verdicts.ts',
  'cloud/vpc_reader.ts',
  'flowlog/accounting.ts',
  'flowlog/aws_fields.ts',
  'flowlog/batch.ts',
  'flowlog/columns.ts',
  'flowlog/fee.ts',
  'flowlog/fields.ts',
  'flowlog/flow_log.ts',
  'flowlog/flow_log_scope.ts',
  'flowlog/line_format.ts',
  'flowlog/metrics.ts',
  'flowlog/packed_columns.ts',
  'flowlog/silence.ts',
  'flowlog/summary.ts',
  'flowlog/window_runs.ts',
  'kafka/metrics.ts',
  'kafka/options.ts',
  'kafka/topics.ts',
  'sink/checkpoint.ts',
  'sink/duplicates.ts',
  'sink/metrics.ts',
  'verify/address.ts',
  'verify/blocks.ts',
  'verify/clock.ts',
  'verify/direction.ts',
  'verify/drops.ts',
  'verify/enis.ts',
  'verify/flow.ts',
  'verify/fragments.ts',
  'verify/frame.ts',
  'verify/layers.ts',
  'verify/links.ts',
  'verify/network.ts',
  'verify/network_enis.ts',
  'verify/options.ts',
  'verify/packet.ts',
  'verify/pcap.ts',
  'verify/pcapng.ts',
  'verify/records.ts',
  'verify/tunnels.ts',
  'verify/windows.ts',
  'verify/wireless.ts',
];
/** A clock, randomness, or the process: they come in as arguments, or the file is not pure. */
const IMPURE = /\b(Date\.now|new Date\(\)|performance\.|Math\.random|setTimeout|setImmediate|fetch\(|process\.)/;

const MOST_LINES = 300;

interface Import {
  /** As it is written. */
  readonly from: string;
  /** Erased when compiled. */
  readonly isType: boolean;
}

const files = fs
  .readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.split(path.sep).join('/'))
  .sort();

const textOf = (file: string): string => fs.readFileSync(path.join(SRC, file), 'utf8');

function importsOf(file: string): Import[] {
  const statements = textOf(file).matchAll(/^(?:import|export)\b([^;]*?)\bfrom '([^']+)';$/gm);
  const bare = textOf(file).matchAll(/^import '([^']+)';$/gm);
  const dynamic = textOf(file).matchAll(/\bimport\('([^']+)'\)|new URL\('(\.[^']+)'/g);
  return [
    ...[...statements].map(([, what, from]) => ({ from, isType: what.trimStart().startsWith('type ') })),
    ...[...bare].map(([, from]) => ({ from, isType: false })),
    ...[...dynamic].map(([, imported, url]) => ({ from: imported ?? url, isType: false })),
  ];
}

/** Where a relative import leads, from src; undefined for a package. */
function target(file: string, from: string): string | undefined {
  return from.startsWith('.') ? path.posix.join(path.posix.dirname(file), from) : undefined;
}

const folderOf = (file: string): string => file.split('/')[0];

describe('an import', () => {
  test('is found wherever there is one', () => {
    expect(files.length).toBeGreaterThan(30);
    const all = files.flatMap((file) => importsOf(file).filter(({ from }) => from.startsWith('.')));
    // Another way to count: whatever stands behind `from` or in parentheses, in any layout.
    const written = files.flatMap((file) => [...textOf(file).matchAll(/(?:from|import\(|URL\()\s*'\./g)]);
    expect(all).toHaveLength(written.length);
  });

  test('leads to the own folder, or to one that the table names', () => {
    const wrong = files.flatMap((file) => {
      const allowed = [folderOf(file), ...(MAY_IMPORT[folderOf(file)] ?? [])];
      return importsOf(file)
        .map(({ from }) => target(file, from))
        .filter((to) => to !== undefined && !allowed.includes(folderOf(to)))
        .map((to) => `${file} imports ${to}`);
    });
    expect(wrong).toEqual([]);
  });

  test('never leads to app from outside of it', () => {
    for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
      expect(allowed, folder).not.toContain('app');
    }
    const intruders = files.filter(
      (file) =>
        folderOf(file) !== 'app' && importsOf(file).some(({ from }) => target(file, from)?.startsWith('app/') === true),
    );
    expect(intruders).toEqual([]);
  });

  test('of a package is of one that is installed for users', () => {
    const { dependencies, optionalDependencies } = JSON.parse(
      fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'),
    ) as Record<'dependencies' | 'optionalDependencies', Record<string, string>>;
    const packages = files.flatMap((file) =>
      importsOf(file)
        .map(({ from }) => from)
        .filter((from) => !from.startsWith('.') && !from.startsWith('node:')),
    );
    expect(packages.filter((name) => !(name in dependencies || name in optionalDependencies))).toEqual([]);
    expect(packages).toContain('commander');
  });
});

test('every folder is a stage of the table', () => {
  const folders = fs.readdirSync(SRC);
  expect(folders.filter((folder) => !(folder in MAY_IMPORT))).toEqual([]);
});

test('pure files reach nothing that does I/O, has a clock or is random', () => {
  const reach = (file: string, seen = new Set<string>()): Set<string> => {
    if (seen.has(file)) return seen;
    seen.add(file);
    for (const { from, isType } of importsOf(file)) {
      const to = target(file, from);
      if (to !== undefined && !isType) reach(to, seen);
    }
    return seen;
  };
  expect(PURE.filter((file) => !files.includes(file))).toEqual([]);
  const wrong = PURE.flatMap((file) =>
    [...reach(file)].flatMap((reached) => [
      ...importsOf(reached)
        .filter(({ from, isType }) => from.startsWith('node:') && !isType)
        .map(({ from }) => `${file} reaches ${from} through ${reached}`),
      ...(IMPURE.test(textOf(reached)) ? [`${file} reaches ${IMPURE.exec(textOf(reached))![0]} in ${reached}`] : []),
    ]),
  );
  expect(wrong).toEqual([]);
});

describe('a source file', () => {
  test.each(files)('%s says first what it is, is one noun and not too long', (file) => {
    const [first, second] = textOf(file).split('\n');
    expect(first.startsWith('#!') ? second : first).toMatch(/^\/\/ \S.{15,}[.:)]$/);
    expect(textOf(file).split('\n').length - 1).toBeLessThanOrEqual(MOST_LINES);
    expect(path.posix.basename(file)).toMatch(/^[a-z]+(_[a-z0-9]+)*\.ts$/);
    expect(path.posix.basename(file)).not.toMatch(/util|helper|common|misc|index/);
  });
});

describe('the table in the README', () => {
  const readme = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');

  /** What stands between a marker and the next end, each row without the blanks that align it. */
  function tableOf(marker: string): string {
    const found = new RegExp(`<!-- ${marker} -->\\n([^]*?)<!-- end -->`).exec(readme);
    expect(found, `README.md has no <!-- ${marker} --> ... <!-- end -->`).not.toBeNull();
    return found![1]
      .trim()
      .split('\n')
      .map((row) => row.replaceAll(/ {2,}/g, ' ').replaceAll(/-{3,}/g, '---'))
      .join('\n');
  }

  function table(...rows: string[][]): string {
    const [head, ...body] = rows;
    const lines = [head, head.map(() => '---'), ...body];
    return lines.map((row) => `| ${row.join(' | ')} |`.replaceAll(/ {2,}/g, ' ')).join('\n');
  }

  const code = (text: string): string => `\`${text}\``;

  function optionRow(option: OptionSpec): string[] {
    const { flags, doc, choices } = option;
    const isShown = typeof option.default === 'string' || typeof option.default === 'number';
    return [code(flags), isShown ? code(`${option.default}`) : '', choices ? `${doc} (${choices.join(', ')})` : doc];
  }

  const optionTable = (options: readonly OptionSpec[]): string =>
    table(['option', 'default', 'what it does'], ...options.map(optionRow));

  /** Documented once, for all commands that have them. */
  const isOfKafka = (option: OptionSpec): boolean => [...KAFKA_OPTIONS, ...PRODUCER_OPTIONS].includes(option);

  test.each<[string, string]>([
    ['options:replay', optionTable(REPLAY_OPTIONS.filter((option) => !isOfKafka(option)))],
    ['options:agent', optionTable(AGENT_OPTIONS.filter((option) => !isOfKafka(option)))],
    ['options:sink', optionTable(SINK_OPTIONS.filter((option) => !isOfKafka(option)))],
    ['options:doctor', optionTable(DOCTOR_OPTIONS.filter((option) => !isOfKafka(option)))],
    ['options:network', optionTable(NETWORK_OPTIONS)],
    ['options:estimate', optionTable(ESTIMATE_OPTIONS)],
    ['options:flowlog-create', optionTable(CREATE_OPTIONS)],
    ['options:flowlog-modify', optionTable(MODIFY_OPTIONS)],
    ['options:flowlog', optionTable(STATE_OPTIONS)],
    ['options:kafka', optionTable([...KAFKA_OPTIONS, ...PRODUCER_OPTIONS])],
    ['metrics', table(['metric', 'type', 'labels', 'what it says'], ...metricsTable())],
    ['fields', table(['key', 'what it is'], ...FIELDS.map(({ key, doc }) => [code(key), doc]))],
    [
      'aws-fields',
      table(
        ['field', 'version', 'what it is'],
        ...AWS_FIELDS.map(({ name, version, doc }) => [code(name), `${version}`, doc]),
      ),
    ],
    [
      'aws-paths',
      table(
        ['`traffic_path`', '`traffic-path`', 'what it is'],
        ...AWS_PATHS.map(({ paths, aws, doc }) => [paths.join(', '), `${aws}`, doc]),
      ),
    ],
    [
      'exclusions',
      table(['reason', 'what it means'], ...EXCLUSIONS.map((reason) => [code(reason), EXCLUSION_DOCS[reason]])),
    ],
    [
      'directions',
      table(['rule', 'what it looks at'], ...DIRECTION_RULES.map((rule) => [code(rule), DIRECTION_RULE_DOCS[rule]])),
    ],
    [
      'verdicts',
      table(
        ['verdict of', 'what it means'],
        ...VERDICT_SOURCES.map((source) => [code(source), VERDICT_SOURCE_DOCS[source]]),
      ),
    ],
  ])('of %s is what the program has', (marker, expected) => {
    expect(tableOf(marker), `README.md: between <!-- ${marker} --> and <!-- end --> it should say\n${expected}`).toBe(
      expected,
    );
  });

  test('of folders names those that there are', () => {
    const folders = fs.readdirSync(SRC).map((folder) => `src/${folder}`);
    const named = [...readme.matchAll(/^\| `(src\/[a-z]+)`/gm)].map(([, folder]) => folder);
    expect(named.sort()).toEqual(folders.sort());
  });
});
