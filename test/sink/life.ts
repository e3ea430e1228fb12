// A life of a sink that writes a tree: it recovers, goes on where its group is, and ends when the topic does, or when it is
// ended. Also a program: its arguments are the tree's and the sink's modules as they are built, and the course as JSON.
import fs from 'node:fs';
import type { AgentMark, Commit, Committer, Manifest } from '../../src/sink/checkpoint.ts';
import type { Compression } from '../../src/sink/compressions.ts';
import type { Arrival } from '../../src/sink/sink.ts';
import type { Tree } from '../../src/sink/tree.ts';

/** The code under test: from its sources, or as it is built. */
export interface Parts {
  readonly Tree: typeof import('../../src/sink/tree.ts').Tree;
  readonly Sink: typeof import('../../src/sink/sink.ts').Sink;
}

export interface Course {
  readonly root: string;
  /** The folder of the group, and the file of the topic. */
  readonly group: string;
  readonly topic: string;
  /** Messages of a checkpoint. */
  readonly perCheckpoint: number;
  /** Each partition has checkpoints of its own. */
  readonly isApart: boolean;
  readonly compress?: Compression;
}

/** What a sink's life came to, if it was not ended. */
export type Ending = 'done' | 'refused';

/** Nobody knows whether a checkpoint was committed. */
class Unknown extends Error {}

/** `meanwhile` happens when it has a tree, and before it looks what is to be done. */
export async function live(
  { Tree, Sink }: Parts,
  course: Course,
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Ending> {
  const group = new Group(course.group);
  const tree = Tree.open(course.root, {
    compress: course.compress,
    rotateBytes: Infinity,
    replaces: false,
    owner: 'group',
  });
  try {
    for (let sessions = 0; ; sessions++) {
      try {
        await recoverIn(tree, group);
        if (sessions === 0) await meanwhile();
        return await goOn(Sink, tree, group, course);
      } catch (error) {
        if (!(error instanceof Unknown) && !isLocal(error)) throw error;
        await tree.leave();
      }
    }
  } finally {
    await tree.leave();
    await tree.close();
  }
}

/** Goes on where the group is; what cannot be written is tried again. */
async function goOn(Sink: Parts['Sink'], tree: Tree, group: Group, course: Course): Promise<Ending> {
  const { topic, perCheckpoint, isApart } = course;
  const committer = group.committer(tree.id, group.commits().length);
  for (;;) {
    const commits = group.commits();
    const rest = restOf(readTopic(topic), commits);
    const targets = (isApart ? [[0], [1]] : [[0, 1]]).map((partitions) => ({ partitions, target: tree.target() }));
    const sinks = targets.map(({ partitions, target }) => {
      const sink = new Sink(target, committer, { rotateMs: Infinity, now: () => 0 });
      for (const partition of partitions) sink.assign(partition, marksIn(commits, partition));
      return { partitions, sink };
    });
    try {
      for (let at = 0; at < rest.length; at += perCheckpoint) {
        for (const arrival of rest.slice(at, at + perCheckpoint)) {
          await sinks.find(({ partitions }) => partitions.includes(arrival.partition))!.sink.take(arrival);
        }
        for (const { sink } of sinks) if ((await sink.checkpoint()) === 'refused') return 'refused';
      }
      return 'done';
    } catch (error) {
      if (!isLocal(error)) throw error;
      for (const { sink } of sinks) {
        await sink.abandon().catch((reason: unknown) => {
          if (!isLocal(reason)) throw reason;
        });
      }
      for (const { target } of targets) await target.leave();
    }
  }
}

/** An error of writing, which is waited out. */
function isLocal(error: unknown): boolean {
  return error instanceof Error && ('syscall' in error || ('code' in error && error.code === 'OUTPUT_FAILED'));
}

/** Ends what an earlier life left half done, and no more. */
export async function recover({ Tree }: Parts, { root, group }: Course): Promise<void> {
  const tree = Tree.open(root, { compress: undefined, rotateBytes: Infinity, replaces: false, owner: 'group' });
  try {
    await recoverIn(tree, new Group(group));
  } finally {
    await tree.close();
  }
}

async function recoverIn(tree: Tree, group: Group): Promise<void> {
  await tree.recover((slotId, manifest) => Promise.resolve(group.hasCommitted(slotId, manifest)));
}

interface Committed extends Commit {
  readonly sink: string;
}

/** Commits of a group, one file each: whoever writes the n-th first has it, and nobody else ever will. */
export class Group {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  commits(): Committed[] {
    const commits: Committed[] = [];
    for (let file = this.#file(0); fs.existsSync(file); file = this.#file(commits.length)) {
      commits.push(JSON.parse(fs.readFileSync(file, 'utf8')) as Committed);
    }
    return commits;
  }

  /** Of each partition only the last checkpoint of a sink is known, as in the state that sinks share. */
  hasCommitted(sink: string, { id, ranges }: Manifest): boolean {
    const own = this.commits().filter((commit) => commit.sink === sink);
    return ranges.some(({ partition }) => {
      const last = own.findLast((commit) => commit.ranges.some((range) => range.partition === partition));
      return last?.id === id;
    });
  }

  /** Of somebody who has read so many commits. Its failures are those of a connection: also when it is done. */
  committer(sink: string, known: number): Committer {
    const commitNow = (commit: Commit): boolean => {
      const whole = `${this.#folder}/${commit.id}`;
      fs.writeFileSync(whole, JSON.stringify({ ...commit, sink }));
      try {
        fs.linkSync(whole, this.#file(known));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
        throw error;
      }
      known++;
      // Whoever is told so has to hear it.
      fs.readFileSync(whole);
      return true;
    };
    return {
      commit: (commit) => {
        try {
          return Promise.resolve(commitNow(commit));
        } catch (error) {
          return Promise.reject(isLocal(error) ? new Unknown('no answer', { cause: error }) : (error as Error));
        }
      },
    };
  }

  #file(n: number): string {
    return `${this.#folder}/commit-${n}`;
  }
}

/** Of each life of an agent the last. */
function marksIn(commits: readonly Commit[], partition: number): AgentMark[] {
  const marks = commits.flatMap((commit) => commit.marks).filter((mark) => mark.partition === partition);
  return [...new Map(marks.map((mark) => [`${mark.agent}/${mark.boot}`, mark])).values()];
}

/** What is not committed, of one partition and the other by turns. */
function restOf(arrivals: readonly Arrival[], commits: readonly Commit[]): Arrival[] {
  const next = new Map(commits.flatMap(({ ranges }) => ranges.map((range) => [range.partition, range.next])));
  return arrivals
    .filter(({ partition, offset }) => offset >= (next.get(partition) ?? 0))
    .sort((a, b) => a.offset - b.offset || a.partition - b.partition);
}

function readTopic(file: string): Arrival[] {
  const decode = (_: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && 'base64' in value
      ? new Uint8Array(Buffer.from(value.base64 as string, 'base64'))
      : value;
  return JSON.parse(fs.readFileSync(file, 'utf8'), decode) as Arrival[];
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [tree, sink, course] = process.argv.slice(2);
  const parts = { ...(await import(tree)), ...(await import(sink)) } as Parts;
  process.stdout.write((await live(parts, JSON.parse(course) as Course)) + '\n');
}
