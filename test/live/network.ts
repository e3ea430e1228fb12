// Networks of a test's own: made for it, and gone with it.
import { execFileSync } from 'node:child_process';
import { afterAll } from 'vitest';
import { isRoot, testWhere } from '../needs.ts';
import { Veth as Pair } from './veth.ts';

const all: Pair[] = [];
afterAll(() => all.forEach((veth) => veth.remove()));

/** Tests that need a network of their own. */
export const testWithNetwork = testWhere(canMakeNetworks(), 'this process may not make network namespaces with ip(8)');

export function canMakeNetworks(): boolean {
  if (!isRoot) return false;
  try {
    execFileSync('ip', ['netns', 'list'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export type Veth = Pair;

export const Veth = {
  /** It is gone when the tests of the file are over. */
  make(): Pair {
    const veth = Pair.make();
    all.push(veth);
    return veth;
  },
};
