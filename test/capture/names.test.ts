// Which names of interfaces a list of names and patterns means.
import { expect, test } from 'vitest';
import { isPlainName, matcherOf } from '../../src/capture/names.ts';

test.each([
  ['eth0', ['eth0'], ['eth', 'eth00', 'xeth0', 'ETH0', '']],
  ['eth*', ['eth', 'eth0', 'eth12.7'], ['et', 'xeth0']],
  ['*', ['eth0', 'ü', '😀'], []],
  ['*0', ['eth0', '0'], ['eth01']],
  ['t*p*', ['tap0', 'tp', 'tun-p'], ['tun0', 'stp']],
  ['eth?', ['eth0', 'ethX', 'eth😀'], ['eth', 'eth10']],
  // What means something in regular expressions, and in other shells, is a name here.
  ['eth0.1', ['eth0.1'], ['eth0x1']],
  ['a+b', ['a+b'], ['aab']],
  ['[ab]', ['[ab]'], ['a']],
  ['(a|b)', ['(a|b)'], ['a']],
  ['{a,b}', ['{a,b}'], ['a']],
  ['a{2}', ['a{2}'], ['aa']],
  ['^a$', ['^a$'], ['a']],
  ['\\d', ['\\d'], ['1', 'd']],
  ['', [''], ['eth0']],
])('"%s" is %j, and not %j', (pattern, right, wrong) => {
  const matches = matcherOf([pattern]);
  expect(right.filter(matches)).toEqual(right);
  expect(wrong.filter(matches)).toEqual([]);
});

test('a name matches where any of the list does, and none where the list is empty', () => {
  const names = ['eth0', 'eth1', 'tap7', 'lo'];
  expect(names.filter(matcherOf(['lo', 'eth*', 'eth0']))).toEqual(['eth0', 'eth1', 'lo']);
  expect(names.filter(matcherOf([]))).toEqual([]);
});

test('a plain name has nothing in it that stands for other characters', () => {
  expect(['eth0', 'eth0.1', 'a[b]', ''].map(isPlainName)).toEqual([true, true, true, true]);
  expect(['eth*', '?', 'e*0'].map(isPlainName)).toEqual([false, false, false]);
});
