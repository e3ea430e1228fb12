// Where values of JSON stand: as the parser of YAML finds them, of which JSON is a part.
import { expect, test } from 'vitest';
import { seededRandom } from '../../bench/random.ts';
import { placesOf } from '../../src/base/json_places.ts';
import type { WantedPlace } from '../../src/base/json_places.ts';
import { YamlDocument } from '../../src/base/yaml_document.ts';

function all(value: unknown, path: readonly (string | number)[] = []): WantedPlace[] {
  if (typeof value !== 'object' || value === null) return [{ path }];
  const keys = Object.keys(value);
  const isList = Array.isArray(value);
  const inside = keys.flatMap((key) =>
    all((value as Record<string, unknown>)[key], [...path, isList ? Number(key) : key]),
  );
  return [{ path }, ...(isList ? [] : keys.map((key) => ({ path, key }))), ...inside];
}

function byYaml(text: string, wanted: readonly WantedPlace[]): number[] {
  const document = new YamlDocument('f', text);
  return wanted.map(({ path, key }) => document.fault(path, '', key).offset);
}

test.each([
  ['{}'],
  [' {"a":1}'],
  ['{"a" : [ 1 , "b,]}" , { "c\\"\\\\" : null } ] ,\r\n\t"d":{"e":{},"f":[]}}'],
  ['{"\\u0061":{"\\n":-1.5e3,"":[[],[[true]]]}}'],
  ['{"é":"\u{1F600}","x":"y"}'],
])('%s', (text) => {
  const wanted = all(JSON.parse(text));
  expect(placesOf(text, wanted)).toEqual(byYaml(text, wanted));
});

test('of anything', () => {
  const random = seededRandom(3);
  const below = (count: number): number => random() % count;
  const value = (depth: number): unknown => {
    const kind = below(depth > 5 ? 4 : 7);
    if (kind > 4) return Array.from({ length: below(4) }, () => value(depth + 1));
    if (kind === 4)
      return Object.fromEntries(Array.from({ length: below(4) }, (_, i) => [`k"\\${i}{[,`, value(depth + 1)]));
    return [below(1000), 'text, ]}"\\', null, true][kind];
  };
  for (let round = 0; round < 300; round++) {
    const values = { a: value(0), b: value(0) };
    const text = JSON.stringify(values, null, below(3));
    const wanted = all(values);
    expect(placesOf(text, wanted)).toEqual(byYaml(text, wanted));
  }
});

test('what is not there has no place', () => {
  const wanted = [
    { path: ['a', 5] },
    { path: ['b'] },
    { path: ['a', 'x', 'y'] },
    { path: [], key: 'z' },
    { path: ['a', 1] },
  ];
  expect(placesOf('{"a":[1,2]}', wanted)).toEqual([0, 0, 0, 0, 8]);
});
