// What an agent keeps from one life to the next.
import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AgentState } from '../../src/app/agent/state.ts';
import { Workplace } from './program.ts';

const workplace = new Workplace();

describe('the state of an agent', () => {
  test('is the same agent in each life, and another life', () => {
    const folder = workplace.at('lives/deep');
    const lives = [1, 2, 3].map(() => {
      const { id, boot } = withState(folder, ({ id, boot }) => ({ id, boot }));
      return { id, boot };
    });
    expect(lives.map(({ boot }) => boot)).toEqual([1, 2, 3]);
    expect(new Set(lives.map(({ id }) => id)).size).toBe(1);
    expect(withState(workplace.at('other'), ({ id }) => id)).not.toBe(lives[0].id);
  });

  test('knows up to when the life before had logged, and whether it was cut off', () => {
    const folder = workplace.at('watched');
    withState(folder, (state) => {
      expect(state.watchedBefore.size).toBe(0);
      expect(state.wasCutOff).toBe(false);
      state.keep(new Map([['eni-a', 60]]));
      state.keep(new Map([['eni-a', 120]]));
    });
    // Killed: nothing was said to be over.
    withState(folder, (state) => {
      expect(state.watchedBefore).toEqual(new Map([['eni-a', 120]]));
      expect(state.wasCutOff).toBe(true);
    });
    // Killed before it had begun: what the life before it had left is still to be told.
    withState(folder, (state) => {
      expect(state.watchedBefore).toEqual(new Map([['eni-a', 120]]));
      state.keep(new Map([['eni-b', 180]]), true);
    });
    withState(folder, (state) => {
      expect(state.watchedBefore).toEqual(new Map([['eni-b', 180]]));
      expect(state.wasCutOff).toBe(false);
    });
  });

  test('that cannot be kept for a time is told once, and kept when it can be', () => {
    const folder = workplace.at('unkept');
    withState(folder, (state) => {
      const told: string[] = [];
      const keep = (second: number): void =>
        state.keepOrTell(new Map([['eni-a', second]]), false, (line) => told.push(line));
      // What is written aside first cannot be.
      fs.mkdirSync(`${folder}/agent.json.new`);
      keep(60);
      keep(120);
      expect(told).toEqual([`${folder}/agent.json: the state cannot be kept: it is a directory`]);
      fs.rmdirSync(`${folder}/agent.json.new`);
      keep(120);
    });
    withState(folder, (state) => expect(state.watchedBefore).toEqual(new Map([['eni-a', 120]])));
  });

  test('is of one agent at a time', () => {
    const folder = workplace.at('locked');
    withState(folder, () => {
      expect(() => AgentState.open(folder)).toThrow(
        /another agent is running with this state: give each its own --state/,
      );
    });
    withState(folder, ({ boot }) => expect(boot).toBe(2));
  });

  test.each([
    '',
    '{',
    '[]',
    'null',
    '{"id":1,"boot":1,"watched":{},"isOver":true}',
    '{"id":"a","boot":1,"watched":{"e":"x"},"isOver":true}',
  ])('that is %j is refused, and stays as it is', (text) => {
    const folder = workplace.at(`wrong-${Buffer.from(text).toString('hex')}`);
    fs.mkdirSync(folder);
    fs.writeFileSync(`${folder}/agent.json`, text);
    expect(() => AgentState.open(folder)).toThrow(
      /expected the state of an agent, found something else: remove the file/,
    );
    expect(fs.readFileSync(`${folder}/agent.json`, 'utf8')).toBe(text);
  });

  test('says where it cannot be kept', () => {
    const file = workplace.file('', 'no-folder');
    expect(() => AgentState.open(file)).toThrow(/no-folder: the state cannot be kept there: /);
  });
});

function withState<T>(folder: string, use: (state: AgentState) => T): T {
  const state = AgentState.open(folder);
  try {
    return use(state);
  } finally {
    state.close();
  }
}
