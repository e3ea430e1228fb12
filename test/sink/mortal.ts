// What a process does until it is killed, without a process: from a call of the file system on, none is made any more.
import fs from 'node:fs';
import { watchCalls } from './calls.ts';
import type { Call, Watcher } from './calls.ts';

class Dead extends Error {}

export interface Outcome<Result> {
  /** Undefined where it was killed. */
  readonly result: Result | undefined;
  /** The call that was not made; undefined where it was not killed. */
  readonly killedBefore: Call | undefined;
}

/** Kills `life` before the call that `ends` it. Descriptors, and the locks on them, go with it, as the kernel sees to it. */
export async function liveUntil<Result>(
  ends: (call: Call, number: number) => boolean,
  life: () => Promise<Result>,
  watcher?: Watcher,
): Promise<Outcome<Result>> {
  const open = new Set<number>();
  let calls = 0;
  let killedBefore: Call | undefined;
  const restore = watchCalls({
    before: (call) => {
      if (!killedBefore && ends(call, ++calls)) killedBefore = call;
      if (killedBefore) throw new Dead(`killed before ${call.name}`);
      watcher?.before(call);
    },
    after: (call, result) => {
      if (call.name === 'openSync') open.add(result as number);
      watcher?.after?.(call, result);
    },
  });
  const close = fs.closeSync;
  fs.closeSync = (fd: number): void => {
    close(fd);
    open.delete(fd);
  };
  try {
    const result = await life();
    // Whoever goes on when nothing works any more has not noticed.
    return { result: killedBefore ? undefined : result, killedBefore };
  } catch (error) {
    if (!killedBefore) throw error;
    return { result: undefined, killedBefore };
  } finally {
    restore();
    for (const fd of open) fs.closeSync(fd);
  }
}

/** The same without an end. */
export async function liveOn<Result>(life: () => Promise<Result>, watcher?: Watcher): Promise<Result> {
  return (await liveUntil(() => false, life, watcher)).result!;
}
