// A YAML file with long lists, which the parser is not shown whole: values, places and faults are as if it were.
import { describe, expect, test } from 'vitest';
import { isSeq, parse, parseDocument } from 'yaml';
import { seededRandom } from '../../bench/random.ts';
import { YamlDocument } from '../../src/base/yaml_document.ts';
import type { Path } from '../../src/base/yaml_document.ts';
import { LongLists } from '../../src/base/yaml_lists.ts';

const ADDRESSES = Array.from({ length: 12 }, (_, i) => `10.0.0.${i * 9}`);
const LINES = ADDRESSES.map((address) => `  - ${address}\n`).join('');

/** The same as the parser says who is shown all of it; whether it was shown less. */
function mustBeAsWhole(text: string): boolean {
  const whole = parseDocument(text, { stringKeys: true });
  const document = new YamlDocument('f', text);
  expect([text, document.faults.length > 0]).toEqual([text, whole.errors.length + whole.warnings.length > 0]);
  if (whole.errors.length > 0) return new LongLists(text).text !== text;
  expect(document.values).toEqual(whole.toJS());
  const look = (value: unknown, path: Path): void => {
    const node = whole.getIn(path, true) as { range?: readonly number[] } | undefined;
    if (path.length > 0) expect([path, document.fault(path, '').offset]).toEqual([path, node?.range?.[0] ?? 0]);
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value))
      look((value as Record<string, unknown>)[key], [...path, Array.isArray(value) ? Number(key) : key]);
  };
  look(whole.toJS(), []);
  return new LongLists(text).text !== text;
}

describe('a long list is one', () => {
  test.each([
    ['in lines', `a:\n${LINES}b: 1\n`],
    ['in lines that end otherwise', `a:\n${LINES}b: 1\n`.replaceAll('\n', '\r\n')],
    ['at the end of the file', `a:\n${LINES}`.trimEnd()],
    ['in brackets', `a: [${ADDRESSES.join(', ')}]\nb: [1]\n`],
    ['in brackets over several lines', `a: [\n  ${ADDRESSES.join(',\n  ')}\n  ]\nb: 1\n`],
    ['in quotes', `a: ["${ADDRESSES.join('", "')}"]\nb: ['${ADDRESSES.join("','")}']\n`],
    ['of JSON', JSON.stringify({ a: { b: ADDRESSES, c: [ADDRESSES, ADDRESSES] } })],
    ['of JSON, indented', JSON.stringify({ a: { b: ADDRESSES, c: [ADDRESSES, ADDRESSES] } }, null, 2)],
    [
      'of blocks and IPv6',
      `a: [${ADDRESSES.map((address, i) => (i % 2 ? `2001:db8::${i}/64` : `${address}/32`)).join(', ')}]\n`,
    ],
    ['twice in one', `a:\n${LINES}  - none\n${LINES}  - [${ADDRESSES.join(', ')}]\n  - last\n`],
    [
      'with what is no address',
      `a:\n${LINES.replace('10.0.0.54', '10.0.0.5x')}${LINES.replace('10.0.0.45', '1.2')}b: 1\n`,
    ],
    ['with remarks', `a: # 1.2.3.4\n${LINES}  # 10.0.0.1\n${LINES}`],
    ['with a longer last item', `a:\n${LINES}  - 10.0.0.1\n    continued\n`],
  ])('%s', (_, text) => {
    expect(mustBeAsWhole(text)).toBe(true);
  });
});

describe('what looks like a long list is none', () => {
  test.each([
    ['in a remark', `# ${ADDRESSES.join(', ')}\na: 1\n`],
    ['in a remark, up to what is none', `# ${ADDRESSES.join(',\n')}\n`],
    ['in a text of several lines', `a: |\n${LINES}b: 1\n`],
    ['in a text in quotes', `a: "x ${ADDRESSES.join(', ')}"\n`],
    ['in a text that goes on', `a: text\n${LINES}`],
    ['in an item', `a:\n  - ${ADDRESSES.join(', ')}\n  - 1\n`],
    ['of which the last is a key', `a:\n${LINES.trimEnd()}: 1\n`],
    ['as the keys of a set', `a: !!set {${ADDRESSES.join(', ')}}\n`],
    ['in a version in which numbers have colons', `%YAML 1.1\n---\na: [${Array(12).fill('10:20:30').join(', ')}]\n`],
    ['with a mark of its first item', `a: [&x ${ADDRESSES.join(', ')}]\n`],
    ['under a key that stands there again', `a: [${ADDRESSES.join(', ')}]\na: [${ADDRESSES.join(', ')}]\n`],
    ['without its end', `a: [${ADDRESSES.join(', ')}\nb: 1\n`],
    ['with lines that are indented otherwise', `a:\n${LINES} - 10.0.0.1\n`],
    ['in brackets whose lines begin too early', `a:\n  b: [${ADDRESSES.join(',\n')}]\n`],
  ])('%s', (_, text) => {
    mustBeAsWhole(text);
  });

  test('and a document that is broken has no values', () => {
    const document = new YamlDocument('f', `a: [${ADDRESSES.join(', ')}\n  - ]x`);
    expect([document.isBroken, document.values]).toEqual([true, undefined]);
  });
});

test('a key that stands there again is told of behind one without a value', () => {
  const document = new YamlDocument('f', 'a: 1\nb:\na: 2\n');
  expect(document.faults.map((fault) => document.say(fault))).toEqual([
    'f:3:1: a: expected once, found again: the first is in line 1; take one of them away',
  ]);
});

test('any mixture of such things is as if it were shown whole', () => {
  const random = seededRandom(7);
  const below = (count: number): number => random() % count;
  const pick = <T>(of: readonly T[]): T => of[below(of.length)];
  const item = (): string =>
    pick([
      '10.0.0.1',
      '::1',
      '2001:db8::/32',
      '"10.2.3.4"',
      "'1.2.3'",
      '1.2',
      'x',
      '7',
      '1:2:3',
      'aa:bb:cc',
      '10.0.0.1 x',
      '- 1.1.1.1',
      '# 1.1.1.1',
    ]);
  const list = (): string => {
    const items = Array.from({ length: below(20) }, () =>
      below(12) === 0 ? item() : pick(['10.0.0.1', '10.20.30.40']),
    );
    const indent = ' '.repeat(below(3));
    if (below(2) === 0) return `[${items.join(pick([',', ', ', ',\n ', ' , ']))}]`;
    return pick(['', '|', '# ', '&a', 'x']) + items.map((one) => `\n${indent}- ${one}`).join('');
  };
  let shorter = 0;
  for (let round = 0; round < 1500; round++) {
    const text = Array.from(
      { length: 1 + below(4) },
      (_, i) => `k${below(9) === 0 ? 0 : i}: ${list()}${pick(['\n', '\n\n', ' # 1.1.1.1, 2.2.2.2\n'])}`,
    ).join('');
    if (mustBeAsWhole(text)) shorter++;
  }
  expect(shorter).toBeGreaterThan(200);
});

test('a million items are shown as two', () => {
  const items = Array.from({ length: 1_000_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  for (const text of [`a: [${items.join(', ')}]\n`, `a:\n${items.map((one) => `  - ${one}\n`).join('')}`]) {
    const shown = parseDocument(new LongLists(text).text).get('a');
    expect(isSeq(shown) && shown.items.length).toBe(2);
    const document = new YamlDocument('f', text);
    expect((document.values as { a: string[] }).a.join() === items.join()).toBe(true);
    const { offset } = document.fault(['a', 765_432], '');
    expect(text.startsWith(items[765_432], offset)).toBe(true);
  }
  expect(parse(new LongLists('a: 1\n').text)).toEqual({ a: 1 });
});
