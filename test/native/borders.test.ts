// What stands on both sides of the border between TypeScript and C++ is the same on both, in the same order.
import fs from 'node:fs';
import { expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import { DAMAGES } from '../../src/capture/damage.ts';
import { DIRECTION_RULES } from '../../src/cloud/locality.ts';
import { EXCLUSIONS } from '../../src/flowlog/accounting.ts';
import { COLUMN_LAYOUT, Columns, DIRECTION, STATUS } from '../../src/flowlog/columns.ts';
import { linkTypeName } from '../../src/capture/link_types.ts';
import { HEAD_RECORDS } from './headed.ts';

function source(path: string): string {
  return fs.readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

/** Names of an enum's members in snake case, without the `k` in front and without its count at the end. */
function enumNames(header: string, name: string): string[] {
  const found = new RegExp(`enum class ${name} : uint8_t \\{([^}]*)\\}`).exec(source(`native-bindings/${header}`));
  const members = (found?.[1] ?? '').replaceAll(/\/\/.*/g, '').split(',');
  const names = members
    .map((member) => member.split('=')[0].trim())
    .filter((member) => member !== '' && member !== 'kCount');
  return names.map((member) =>
    member
      .slice(1)
      .replaceAll(/(?<!^)[A-Z]/g, '_$&')
      .toLowerCase(),
  );
}

/** Values of a const object such as `const RUN = { end: 0 }` in their order; its keys in snake case. */
function constantKeys(path: string, name: string): string[] {
  const found = new RegExp(`const ${name} = \\{([^}]*)\\} as const`).exec(source(path));
  const pairs = (found?.[1] ?? '').split(',').map((pair) => pair.split(':').map((part) => part.trim()));
  const keys = pairs.filter(([key]) => key !== '').sort(([, one], [, other]) => Number(one) - Number(other));
  expect(keys.map(([, value]) => Number(value))).toEqual(keys.map((_, i) => i));
  return keys.map(([key]) => key.replaceAll(/[A-Z]/g, '_$&').toLowerCase());
}

/** A constant of a native header. */
function nativeNumber(header: string, name: string): number {
  return Number(new RegExp(`\\b${name} = (\\d+)`).exec(source(`native-bindings/${header}`))?.[1]);
}

test('columns lie where the native side puts them', () => {
  expect(addon.columns_layout()).toEqual(COLUMN_LAYOUT.map((column) => ({ ...column })));
  const { buffer, twin, capacity } = new Columns(64);
  expect(twin.byteOffset + capacity).toBe(buffer.length);
});

test('exclusions are in the order of Reason', () => {
  expect(['none', ...EXCLUSIONS]).toEqual(enumNames('packet.h', 'Reason'));
});

test('direction rules are in the order of Rule', () => {
  expect(DIRECTION_RULES).toEqual(enumNames('locality.h', 'Rule'));
});

test('damages start with those of Damage, in its order, and go on with those that only a source can have', () => {
  const native = enumNames('span.h', 'Damage');
  expect(DAMAGES.slice(0, native.length)).toEqual(native);
  expect(DAMAGES.slice(native.length)).toEqual(['gzip_cut', 'gzip_broken']);
});

test('what native calls give back is numbered alike', () => {
  expect(constantKeys('src/flow/worker.ts', 'RUN')).toEqual(enumNames('worker.h', 'Run'));
  expect(constantKeys('src/flow/collector.ts', 'NEXT')).toEqual(enumNames('collector.h', 'Next'));
  expect(constantKeys('src/flow/collector.ts', 'ROWS')).toEqual(enumNames('addon.cc', 'Rows'));
});

test('the head of a capture is as long for tests as it is for readers', () => {
  expect(HEAD_RECORDS).toBe(
    Number(/define WINDROW_FIRST_PACKETS (\d+)/.exec(source('native-bindings/exchange.h'))?.[1]),
  );
});

test('statuses and directions in columns have the same numbers', () => {
  expect(STATUS).toEqual({
    ok: nativeNumber('columns.h', 'kStatusOk'),
    nodata: nativeNumber('columns.h', 'kStatusNoData'),
    skipdata: nativeNumber('columns.h', 'kStatusSkipData'),
  });
  expect(DIRECTION).toEqual({
    in: nativeNumber('columns.h', 'kDirectionIn'),
    out: nativeNumber('columns.h', 'kDirectionOut'),
  });
});

test('every link type that is read has a name', () => {
  const found = /is_link_type_supported\(uint32_t link_type\) \{([^}]*)return true/.exec(
    source('native-bindings/link_types.h'),
  );
  const numbers = [...(found?.[1] ?? '').matchAll(/case (\d+):/g)].map(([, digits]) => Number(digits));
  expect(numbers.length).toBeGreaterThan(20);
  expect(numbers.filter((number) => /unknown|unassigned/.test(linkTypeName(number)))).toEqual([]);
});
