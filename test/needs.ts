// Tests that need more of a machine than others: where it is missing they are left out loudly, and in CI never.
import { test } from 'vitest';

/** `test`, if `has`; else says what is left out and why. Throws in CI, where everything has to run. */
export function testWhere(has: boolean, why: string): typeof test | typeof test.skip {
  if (has) return test;
  leftOut(why);
  return test.skip;
}

/** Says that something is left out of a test that runs. Throws in CI. */
export function leftOut(why: string): void {
  if (process.env['CI']) throw new Error(`CI has to run every test, and cannot: ${why}`);
  console.warn(`\n*** LEFT OUT: ${why} ***\n`);
}

export const isRoot = process.getuid?.() === 0;
