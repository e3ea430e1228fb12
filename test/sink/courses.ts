// Places in which sinks live, and what has to be true there.
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { checkTrees } from '../../src/sink/check.ts';
import { linesOf } from '../app/program.ts';
import type { Workplace } from '../app/program.ts';
import { Group } from './life.ts';
import type { Course } from './life.ts';
import { topicOf, writeTopic } from './topic.ts';
import type { Topic } from './topic.ts';

export class Courses {
  readonly #workplace: Workplace;
  readonly #topic: Topic;
  readonly #topicFile: string;
  #made = 0;

  constructor(workplace: Workplace, batches = 6) {
    this.#workplace = workplace;
    this.#topic = topicOf(batches);
    this.#topicFile = writeTopic(workplace.at('topic'), this.#topic);
  }

  /** A new tree, and a group that has written nothing. */
  start(perCheckpoint = 5, isApart = false): Course {
    const place = this.#workplace.at(`course-${++this.#made}`);
    const group = path.join(place, 'group');
    fs.mkdirSync(group, { recursive: true });
    return { root: path.join(place, 'root'), group, topic: this.#topicFile, perCheckpoint, isApart };
  }

  /** Another tree of the same group. */
  beside(course: Course, perCheckpoint: number): Course {
    return { ...course, root: `${course.root}-${++this.#made}`, perCheckpoint };
  }

  checkpointsOf({ group }: Course): number {
    return new Group(group).commits().length;
  }

  /** Every entry is there once. */
  expectEntries(...courses: readonly Course[]): void {
    expect(numbersIn(courses.map(({ root }) => root))).toEqual(this.#topic.numbers);
  }

  /** Besides, nothing is left half done. */
  expectWhole(...courses: readonly Course[]): void {
    const roots = courses.map(({ root }) => root);
    this.expectEntries(...courses);
    expect(checkTrees(roots).problems).toEqual([]);
    const letters = new Group(courses[0].group).commits().flatMap(({ deadLetters }) => deadLetters);
    expect(letters.map(({ partition, offset }) => `${partition}/${offset}`).sort()).toEqual(this.#topic.refused);
    for (const root of roots)
      expect(fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(isStaged)).toEqual([]);
  }

  /** Whatever happened: what stands in the tree under a name is whole, and what was recorded is there. */
  expectSound({ root }: Course): void {
    if (!fs.existsSync(root)) return;
    for (const file of filesIn(root)) expect(fs.readFileSync(file, 'utf8')).toMatch(/\n$/);
    const problems = checkTrees([root]).problems.map(({ problem }) => problem);
    expect(problems.filter((problem) => problem !== 'staged' && problem !== 'unknown')).toEqual([]);
  }
}

/** What entries are told apart by, of all files, ascending. */
export function numbersIn(roots: readonly string[]): number[] {
  return roots
    .flatMap(filesIn)
    .flatMap((file) => linesOf(fs.readFileSync(file, 'utf8')))
    .map((line) => Number((JSON.parse(line) as { packets: string }).packets))
    .sort((a, b) => a - b);
}

function filesIn(root: string): string[] {
  return fs
    .readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('_windrow') && name.endsWith('.ndjson'))
    .map((name) => path.join(root, name));
}

function isStaged(name: string): boolean {
  return /^_windrow\/sink-[0-9]+\/staged\/./.test(name);
}
