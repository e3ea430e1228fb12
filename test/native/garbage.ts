// Garbage collection on request, to see what is kept and what is let go.
import { setImmediate as turn } from 'node:timers/promises';
import v8 from 'node:v8';
import vm from 'node:vm';

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc') as () => void;

/** Collects what nobody holds, until that is so, or often enough to say that it will not be. */
export async function collectGarbage(until: () => boolean = () => false): Promise<boolean> {
  for (let round = 0; round < 20; round++) {
    // What was looked at in this turn is held until its end; finalizers of native objects have turns of their own.
    await turn();
    collect();
    await turn();
    if (until()) return true;
  }
  return false;
}
